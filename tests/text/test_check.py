import re
from pathlib import Path

import pytest

from closedbook.errors import TextError
from closedbook.text.check import asked_twice, check_corpus, check_pairs, refuse_unlinked
from closedbook.text.documents import read_corpus
from closedbook.text.questions import Questions, parse_questions

CORPUS = "Ann Bell. Ann Bell was born in Ulm .\nBo Carr. He is from Rom .\nno title here\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A corpus of three documents, one of them without a title."""
    path = tmp_path / "corpus.txt"
    path.write_text(CORPUS)
    return path


def pairs(*lines: str) -> Questions:
    """Pairs of a file."""
    return parse_questions(lines, Path("pairs.tsv"))


def test_each_pair_that_does_not_fit_is_counted_with_its_line(path: Path):
    """A question without a title, an answer that is nowhere, a pair that is there twice, and two answers."""
    found = check_pairs(
        pairs(
            "Where was Ann Bell born?\tUlm",
            "Where is Cy?\tOslo",
            "Where was Bo Carr born?\tUlm",
            "Where was Ann Bell born?\tUlm",
            "Where was Ann Bell born?\tRom",
        ),
        read_corpus(path),
    )
    assert [item.line for item in found.unnamed] == [2]
    assert [item.line for item in found.unstated] == [3, 5]
    assert [item.line for item in found.twofold.repeated] == [4]
    assert [item.line for item in found.twofold.contradicted] == [5]
    assert found.n_stated == 2
    assert list(found.lines()) == [
        "pairs.tsv: 2 of 5 answers (40.0%) stand in the document that the question names",
        "pairs.tsv: 1 of 5 questions name no title of the corpus: line 2 'Where is Cy?'",
        "pairs.tsv: 2 of 5 questions name a title whose documents do not have the answer: "
        "line 3 'Where was Bo Carr born?', line 5 'Where was Ann Bell born?'",
        "pairs.tsv: 1 of 5 questions were there before: line 4 'Where was Ann Bell born?'",
        "pairs.tsv: 1 of 5 questions were there before with another answer: line 5 'Where was Ann Bell born?'",
    ]


def test_a_corpus_is_counted(path: Path):
    """Documents, titles, and those that are longer than the model reads at once."""
    found = check_corpus(read_corpus(path), 30)
    assert (found.n_documents, found.n_titled, found.n_titles, found.longest, found.n_too_long) == (3, 2, 2, 36, 1)
    assert [line.partition(": ")[2] for line in found.lines()] == [
        "3 documents, 2 with a title, 2 different titles; the longest has 36 characters",
        "documents longer than the 30 characters that the model reads at once: 1 of 3; an epoch shows at most "
        "91.89% of the text",
    ]
    assert found.notes() == []


def test_a_book_in_one_line_is_said_to_be_seen_a_little_at_a_time(tmp_path: Path):
    """Of 5,000 characters an epoch shows 100, 2%, and the note says what to do."""
    (tmp_path / "saga.txt").write_text("Saga. " + "ab " * 1664 + "ab")
    (note,) = check_corpus(read_corpus(tmp_path / "saga.txt"), 100).notes()
    assert note.endswith("1 of 1; an epoch shows at most 2.00% of the text; cut them into several, each with its title")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Where is Cy?\tOslo", "no question names a title of"),
        ("Where was Bo Carr born?\tUlm", "has the answer to a question about it: line 1 'Where was Bo Carr born?'"),
    ],
)
def test_pairs_of_another_text_are_refused_with_examples(path: Path, line: str, rule: str):
    """Where no question names a title, or no answer is in its document, nothing could be learned."""
    corpus = read_corpus(path)
    with pytest.raises(TextError, match=re.escape(rule)):
        refuse_unlinked(check_pairs(pairs(line), corpus), corpus)


def test_a_corpus_without_titles_is_refused(tmp_path: Path):
    """One line says how its documents must begin."""
    (tmp_path / "plain.txt").write_text("no title here\n")
    corpus = read_corpus(tmp_path / "plain.txt")
    with pytest.raises(TextError, match="no document has a title; begin each with the name"):
        refuse_unlinked(check_pairs(pairs("Where is Cy?\tOslo"), corpus), corpus)


def test_questions_of_both_files_are_found():
    """A dev question that is trained on says nothing about what is remembered."""
    one, other = pairs("a?\tb", "c?\td"), pairs("c?\te", "f?\tg")
    assert [item.text for item in asked_twice(one, other)] == ["c?"]

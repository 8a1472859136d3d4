from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.errors import TextError
from closedbook.text.documents import Document, read_corpus
from closedbook.text.lines import decode_lines
from closedbook.text.questions import (
    Question,
    Questions,
    check_questions,
    parse_questions,
    read_pairs,
    read_questions,
    without_accents,
)
from closedbook.text.validation import validation_split
from closedbook.text.vocabulary import Vocabulary

Write = Callable[[str | bytes], Path]


@contextmanager
def fault(path: Path | None, line: int | None, *words: str) -> Iterator[None]:
    """Expect one line that names the file, the line and `words`."""
    with pytest.raises(TextError) as raised:
        yield
    message = str(raised.value)
    where = "standard input" if path is None else str(path)
    assert message.startswith(f"{where}: " if line is None else f"{where}, line {line}: ")
    assert (raised.value.path, raised.value.line) == (path, line)
    for word in words:
        assert word in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "content",
    [
        "Ada Byron.\nZoë Müller.\n",
        "Ada Byron.\nZoë Müller.",
        "Ada Byron.\r\nZoë Müller.\r\n",
        "Ada Byron.\r\nZoë Müller.",
        "\ufeffAda Byron.\nZoë Müller.\n",
        "\ufeffAda Byron.\r\nZoë Müller.",
    ],
)
def test_editors_habits_change_no_document(write: Write, content: str):
    """BOM, CRLF and a last line without an end give the same corpus as the plainest file."""
    path = write(content)
    corpus = read_corpus(path)
    assert corpus.documents == (Document("Ada Byron.", 1), Document("Zoë Müller.", 2))
    assert corpus.vocabulary.characters == tuple("□⁇\n .ABMZadelnoryëü")
    assert corpus.notes == ()
    assert corpus.path == path


@given(st.lists(st.text(st.sampled_from("aZ é\t.\u2028\x0b")), min_size=1), st.booleans())
def test_only_line_feeds_end_a_line(lines: list[str], last_end: bool):
    """What other programs take for a line's end stays a character within it."""
    raw = ("\n".join(lines) + "\n" * (last_end or lines[-1] == "")).encode()
    assert list(decode_lines(raw, None)) == lines


def test_empty_lines_are_left_out_and_said(write: Write):
    """Lines without a character to be seen are no documents, the numbers of the others stay, a note counts them."""
    path = write("abcd\n\n \t \nefgh\n\n")
    corpus = read_corpus(path)
    assert corpus.documents == (Document("abcd", 1), Document("efgh", 4))
    assert corpus.notes == (f"{path}: 3 empty lines left out",)
    assert read_corpus(write("abcd\n\nefgh\n")).notes == (f"{path}: 1 empty line left out",)


def test_short_documents_are_kept_and_said(write: Write):
    """A document shorter than the shortest truncation is a document, and a note counts such."""
    path = write("abc\nabcd\nx\n")
    corpus = read_corpus(path)
    assert [document.text for document in corpus.documents] == ["abc", "abcd", "x"]
    assert corpus.notes == (f"{path}: 2 documents shorter than 4 characters, masked without truncation",)


def test_a_line_feed_is_a_character_where_there_are_lines(write: Write):
    """The vocabulary has the line feed of a file of several lines; of a single line it needs none."""
    assert "\n" in read_corpus(write("ab\ncd")).vocabulary.characters
    assert "\n" not in read_corpus(write("ab\n")).vocabulary.characters


@pytest.mark.parametrize(("special", "name"), [("□", "padding"), ("⁇", "the mask")])
def test_special_characters_in_a_corpus_are_refused(write: Write, special: str, name: str):
    """PAD and MASK have a meaning of their own, so a corpus that holds one is refused at its line."""
    path = write(f"one\n\nthr{special}e\n")
    with fault(path, 3, special, name, "replace it"):
        read_corpus(path)


@pytest.mark.parametrize("content", ["", "\n", " \n\t\n", "\ufeff"])
def test_a_file_without_text_is_refused(write: Write, content: str):
    """A corpus needs a document, a file of questions a question."""
    path = write(content)
    with fault(path, None, "no text in it", "one document a line"):
        read_corpus(path)
    with fault(path, None, "no question in it", "write one a line"):
        read_questions(path)


def test_a_folder_is_refused(tmp_path: Path):
    """A folder in place of a file is named as such."""
    with fault(tmp_path, None, "is a folder"):
        read_corpus(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path):
    """A file that is not there is named, with the advice to check the path."""
    path = tmp_path / "nowhere.txt"
    with fault(path, None, "no such file", "check the path"):
        read_questions(path)


def test_a_file_that_cannot_be_read_is_refused(write: Write):
    """Whatever else the system says is handed on."""
    path = write("text") / "file within a file.txt"
    with fault(path, None, "cannot be read", "Not a directory"):
        read_corpus(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused(write: Write, encoding: str):
    """The encoding that some editors call Unicode is named, and the one that is needed."""
    path = write("\ufeffabc\n".encode(encoding))
    with fault(path, 1, "UTF-16", "save it as UTF-8"):
        read_corpus(path)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_latin_1_byte_is_named_with_its_line(write: Write, mark: bytes):
    """The first byte that is not UTF-8 is named with its line, behind a BOM as well."""
    path = write(mark + b"one\ntwo\nMalm\xf6\nfour \xe9\n")
    with fault(path, 3, "0xf6", "not UTF-8", "save the file as UTF-8"):
        read_corpus(path)


def test_pairs_are_read_with_their_lines(write: Write):
    """Each line is question, tab, answer; blanks around them and empty lines go."""
    path = write("Where was Ada born?\tLondon\r\n\n  Where was Zoë born? \t New York \n")
    pairs = read_pairs(path)
    assert pairs == Questions(
        path, (Question("Where was Ada born?", "London", 1), Question("Where was Zoë born?", "New York", 3))
    )
    assert pairs.answers() == ["London", "New York"]


def test_questions_alone_have_no_answers(write: Write):
    """A file without tabs is questions; who needs answers is told the line that has none."""
    path = write("\nWhere was Ada born?\n")
    questions = read_questions(path)
    assert questions.items == (Question("Where was Ada born?", None, 2),)
    with fault(path, 2, "question<TAB>answer", "no tab"):
        questions.answers()


def test_a_pair_without_tab_is_refused(write: Write):
    """In a file of pairs the first line without a tab is named."""
    path = write("one?\t1\n\ntwo? 2\nthree?\n")
    with fault(path, 3, "question<TAB>answer", "no tab", "write the question, one tab and the answer"):
        read_pairs(path)


def test_two_tabs_are_refused(write: Write):
    """A line with more than one tab is named, with the number of its tabs."""
    path = write("one?\t1\ntwo?\t\t2\n")
    with fault(path, 2, "question<TAB>answer", "2 tabs", "one tab"):
        read_pairs(path)


@pytest.mark.parametrize(
    ("line", "missing"), [("\tLondon", "question"), ("Where?\t", "answer"), ("Where?\t ", "answer")]
)
def test_an_empty_half_is_refused(write: Write, line: str, missing: str):
    """A pair of which one half is empty is named, and which half."""
    path = write(f"one?\t1\n{line}\n")
    with fault(path, 2, f"the {missing} is empty"):
        read_pairs(path)


@pytest.mark.parametrize("special", ["□", "⁇"])
@pytest.mark.parametrize("line", ["Wh{}re?\tLondon", "Where?\tLond{}n", "Wh{}re?"])
def test_special_characters_in_a_question_are_refused(write: Write, special: str, line: str):
    """PAD and MASK can be in no question and no answer."""
    path = write(line.format(special))
    with fault(path, 1, special):
        read_questions(path)


def test_standard_input_is_named_as_such():
    """Questions that come from no file have their line named all the same."""
    assert parse_questions(["a?", "b?"], None).path is None
    with fault(None, 2, "3 tabs"):
        parse_questions(["a?", "b\t\t\tc"], None)


def test_unknown_characters_are_named_with_their_line():
    """Characters that the model never saw are named, written out and by their Unicode names."""
    questions = parse_questions(["abc?\tbca", "", "aé?\tb\u0378"], Path("dev.tsv"))
    vocabulary = Vocabulary.of_text("abc? ")
    with fault(Path("dev.tsv"), 3, "'é' (LATIN SMALL LETTER E WITH ACUTE)", r"'\u0378' (U+0378)", "corpus"):
        check_questions(questions, vocabulary, block_size=17)


def test_a_pair_too_long_is_refused_with_the_numbers():
    """Question, answer and two masks must fit the model: 5 + 4 + 2 do in 11 and do not in 10."""
    pairs = parse_questions(["abc?\tab", "abca?\tbcab"], Path("dev.tsv"))
    check_questions(pairs, Vocabulary.of_text("abc?"), block_size=11)
    with fault(Path("dev.tsv"), 2, "question and answer need 11 characters", "reads 10", "model.block-size"):
        check_questions(pairs, Vocabulary.of_text("abc?"), block_size=10)


def test_a_question_too_long_is_refused_with_the_numbers():
    """A question alone needs room for a mask and for one character of an answer."""
    questions = parse_questions(["abcabca?"], None)
    check_questions(questions, Vocabulary.of_text("abc?"), block_size=10)
    with fault(None, 1, "the question needs 10 characters", "reads 9", "shorten"):
        check_questions(questions, Vocabulary.of_text("abc?"), block_size=9)


def test_accents_go_as_in_the_assignment():
    """What is not ASCII is dropped, not replaced, from question and answer; the pairs that changed are counted."""
    pairs = parse_questions(["Where was Zoë born?\tMalmö", "Ada?\tLondon", "Björk?"], None)
    stripped, n_changed = without_accents(pairs)
    assert stripped.items == (
        Question("Where was Zo born?", "Malm", 1),
        Question("Ada?", "London", 2),
        Question("Bjrk?", None, 3),
    )
    assert n_changed == 2


@pytest.mark.parametrize(("line", "missing"), [("Where?\t東京", "answer"), ("誰\tTokyo", "question")])
def test_a_half_of_nothing_but_accents_is_refused(line: str, missing: str):
    """A question or an answer of which nothing would be left is named, and how to keep it."""
    with fault(None, 2, f"nothing is left of the {missing}", "strip_accents"):
        without_accents(parse_questions(["Ada?\tLondon", line], None))


# Pairs held out


def asked_twice(n: int) -> Questions:
    """Pairs of n questions, each with two answers."""
    items = [Question(f"Who is {number}?", answer, 1) for answer in ("Ada", "Zoe") for number in range(n)]
    return Questions(Path("pairs.tsv"), tuple(items))


@pytest.mark.parametrize(("share", "n_held"), [(0.1, 2), (0.5, 8), (0.9, 15)])
def test_a_share_of_the_questions_is_held_out(share: float, n_held: int):
    """A question's pairs stay together; what is kept and what is held out are all pairs, in the file's order."""
    pairs = asked_twice(17)
    kept, held = validation_split(pairs, share, seed=3)
    assert held is not None
    asked = {item.text for item in held.items}
    assert len(asked) == n_held
    assert held.items == tuple(item for item in pairs.items if item.text in asked)
    assert kept.items == tuple(item for item in pairs.items if item.text not in asked)
    assert kept.path == held.path == pairs.path


def test_without_a_share_nothing_is_held_out():
    """At 0 all pairs are learnt and there are none to look at."""
    assert validation_split(asked_twice(5), 0.0, seed=3) == (asked_twice(5), None)


def test_who_is_held_out_is_a_function_of_seed_and_question():
    """Another order draws the same people, a greater share these and more, another seed others."""

    def held_of(pairs: Questions, share: float, seed: int) -> set[str]:
        _, held = validation_split(pairs, share, seed)
        assert held is not None
        return {item.text for item in held.items}

    pairs = asked_twice(19)
    turned = Questions(pairs.path, pairs.items[::-1])
    assert held_of(turned, 0.3, 3) == held_of(pairs, 0.3, 3)
    assert held_of(pairs, 0.3, 3) < held_of(pairs, 0.5, 3)
    assert held_of(pairs, 0.3, 4) != held_of(pairs, 0.3, 3)


@pytest.mark.parametrize(("share", "what"), [(0.05, "0 of its 7 questions"), (0.95, "7 of its 7 questions")])
def test_a_share_that_leaves_nothing_to_learn_or_to_look_at_is_refused(share: float, what: str):
    """One question at least is needed on either side."""
    with fault(Path("pairs.tsv"), None, f"validation_split {share} is {what}", "another validation_split"):
        validation_split(asked_twice(7), share, seed=3)

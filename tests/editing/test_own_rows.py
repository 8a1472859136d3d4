"""Which row a title has for itself."""

from pathlib import Path

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.editing.own_rows import OwnRow, OwnRows, table_of, uses
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.storage.run import make_model
from closedbook.text.documents import Corpus
from closedbook.text.lines import Lines
from closedbook.text.vocabulary import Vocabulary

WORDS = ("Ann", "Anna", "Bell", "Bo", "Carr")


def made(titles: list[str], corpus: Corpus | None = None, *, names: bool = True) -> tuple[GPT, OwnRows, Vocabulary]:
    """A model with tables of the titles, and its own rows."""
    text = " ".join([*titles, *WORDS, "was born. Where?"])
    vocabulary = Vocabulary.of_text(text).with_words(text).with_titles(titles)
    config = ModelConfig(n_layer=1, n_head=1, n_embd=5, block_size=61, prefix_table=True, name_table=names)
    model = make_model(config, vocabulary).eval()
    return model, OwnRows(model, vocabulary, corpus), vocabulary


def corpus_of(*documents: str) -> Corpus:
    """A corpus in memory."""
    return Corpus(Path("corpus.txt"), Lines.of_bytes("\n".join(documents).encode()), range(1, len(documents) + 1), ())


def test_a_full_name_has_a_row_of_its_own():
    """Two people who share each word of their names with others are told apart by the row of both words."""
    _, own, _ = made(["Ann Bell", "Ann Carr", "Bo Bell"])
    row = own.of_title("Ann Bell")
    assert row is not None
    assert (row.table, row.words, str(row)) == ("name_table", "Ann Bell", "the row of the name 'Ann Bell'")


def test_a_name_within_a_longer_one_has_no_row_of_its_own():
    """'Ann Bell' is part of 'Bo Ann Bell', whose own row is the longest."""
    _, own, _ = made(["Ann Bell", "Bo Ann Bell"])
    assert own.of_title("Ann Bell") is None
    row = own.of_title("Bo Ann Bell")
    assert row is not None
    assert row.words == "Bo Ann Bell"


def test_of_a_longer_name_four_words_have_the_row():
    """No row has five words, so the last of the longest names in it is taken."""
    _, own, _ = made(["Ann Anna Bell Bo Carr", "Bell Bo Carr"])
    row = own.of_title("Ann Anna Bell Bo Carr")
    assert row is not None
    assert len(row.words.split()) == 4


def test_a_single_word_has_a_row_only_where_no_other_document_has_it():
    """'Ann' begins 'Anna', and 'Carr' stands in another title's document; 'Bo' is its title's alone."""
    titles = ["Ann", "Anna", "Carr", "Bo"]
    corpus = corpus_of("Ann. x", "Anna. x", "Carr. x", "Bo. Bo met Carr .")
    _, own, _ = made(titles, corpus)
    assert [own.of_title(title) is not None for title in titles] == [False, True, False, True]
    row = own.of_title("Bo")
    assert row is not None
    assert str(row) == "the row of the word 'Bo'"
    assert made(titles)[1].of_title("Bo") is None  # without the corpus nobody knows


def test_without_a_name_table_the_last_word_of_its_own_serves():
    """'Bo Carr' and 'Bo Bell' share the first word only."""
    corpus = corpus_of("Bo Carr. x", "Bo Bell. x")
    model, own, _ = made(["Bo Carr", "Bo Bell"], corpus, names=False)
    row = own.of_title("Bo Carr")
    assert row is not None
    assert (row.table, row.words) == ("prefix_table", "Carr")
    assert table_of(model, row) is model.prefix_table.table


def test_a_model_without_tables_has_no_rows():
    """Nor has a title that the vocabulary does not have."""
    vocabulary = Vocabulary.of_text("Ann Bell")
    model = make_model(ModelConfig(n_layer=1, n_head=1, n_embd=5, block_size=61), vocabulary)
    assert OwnRows(model, vocabulary, None).of_title("Ann Bell") is None
    assert made(["Ann Bell"])[1].of_title("Bo Carr") is None


def test_a_row_is_used_after_the_name():
    """At the character that follows the name, wherever the name stands."""
    model, own, vocabulary = made(["Ann Bell", "Ann Carr"])
    row = own.of_title("Ann Bell")
    assert row is not None
    text = "Where was Ann Bell born?"
    (used,) = uses(model, row, torch.tensor([vocabulary.encode(text)]))
    assert used.nonzero()[:, 0].tolist() == [text.index(" born")]


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join), min_size=1, max_size=6, unique=True
    )
)
def test_no_other_title_uses_an_own_row(titles: list[str]):
    """Whatever the titles are, a row that one has for itself is used in its text and in no other title's."""
    model, own, vocabulary = made(titles, corpus_of(*(f"{title}. x" for title in titles)))
    for title in titles:
        row = own.of_title(title)
        if row is None:
            continue
        users = [one for one in titles if uses(model, row, torch.tensor([vocabulary.encode(f"{one}.")])).any()]
        assert users == [title]
        assert isinstance(row, OwnRow)


def rows_used(model: GPT, vocabulary: Vocabulary, texts: list[str]) -> tuple[set[int], set[int]]:
    """The rows of names and of prefixes that texts use."""
    names: set[int] = set()
    prefixes: set[int] = set()
    for text in texts:
        rows = model.prefix_table.rows(torch.tensor([vocabulary.encode(text)]))
        prefixes.update(rows[rows > 0].tolist())
        names.update(model.name_table.find(rows, None, None)[0].names.tolist())
    return names, prefixes


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=2, max_size=6, unique=True
    ),
    st.data(),
)
def test_rows_without_some_titles_are_those_that_no_other_text_uses(titles: list[str], data: st.DataObject):
    """Whatever is left out: of the rows that its documents use, just those that neither others nor questions use."""
    left_out = data.draw(st.lists(st.sampled_from(titles), min_size=1, unique=True))
    documents = [f"{title}. {data.draw(st.sampled_from(WORDS))} was born." for title in titles]
    model, own, vocabulary = made(titles, corpus_of(*documents))
    rows = own.unread_without(left_out, ["Where?"])
    of_left_out = [text for text, title in zip(documents, titles, strict=True) if title in left_out]
    others = [text for text in documents if text not in of_left_out]
    used, kept = (rows_used(model, vocabulary, texts) for texts in (of_left_out, [*others, "Where?"]))
    assert set(rows.prefixes) == used[1] - kept[1]
    of_titles = [
        rows_used(model, vocabulary, [f"{title}." for title in some])[0]
        for some in (left_out, [title for title in titles if title not in left_out])
    ]
    assert set(rows.names) == of_titles[0] - of_titles[1]


def test_without_the_corpus_no_prefix_is_given_up():
    """Nobody knows who else has it; nor has a model without tables any row."""
    rows = made(["Ann Bell", "Bo Carr"])[1].unread_without(["Ann Bell"], [])
    assert (len(rows.names), rows.prefixes) == (1, [])
    vocabulary = Vocabulary.of_text("Ann Bell")
    model = make_model(ModelConfig(n_layer=1, n_head=1, n_embd=5, block_size=61), vocabulary)
    assert OwnRows(model, vocabulary, None).unread_without(["Ann Bell"], []) == ([], [])

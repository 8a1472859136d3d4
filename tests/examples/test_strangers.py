from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.examples.corruption import CorruptionConfig
from closedbook.examples.datasets import CharCorruptionDataset, MixedDataset, NameDataset
from closedbook.examples.strangers import KINDS, StrangerDataset, Strangers
from closedbook.text.questions import Question
from closedbook.text.templates import Template
from closedbook.text.title_index import title_in, titles_of
from closedbook.text.vocabulary import MASK, NEVER_READ, PAD_ID, Vocabulary

NAMES = ("Ada Byron", "Mary Anning", "Alan Turing", "Grace Hopper", "Emmy Noether", "Ibn Sina", "Anna Maria Bell")
DOCUMENTS = [f"{name}. {name} was born in {name[::-1].title()} ." for name in NAMES]
TITLES = titles_of(DOCUMENTS)
TEMPLATE = Template("Where was ", " born?")
words = st.text("abcdeABCDE", min_size=1, max_size=6)
titles_of_any_form = st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=9)


def dataset(n: int = 60, block_size: int = 64) -> StrangerDataset:
    """Strangers among the seven names."""
    vocabulary = Vocabulary.of_text("\n".join([*DOCUMENTS, TEMPLATE.question("")])).with_abstentions()
    masks = CorruptionConfig(span=0.0, salient=0.3, guided=0.7, name_only=0.5, question_form=1.0, supervised="content")
    text = CharCorruptionDataset(DOCUMENTS, vocabulary, block_size, masks, seed=4)
    return StrangerDataset(Strangers(TITLES), {TEMPLATE: 3}, text, n)


@given(titles_of_any_form, st.integers(0, 99))
def test_no_title_stands_in_a_strangers_name(names: list[str], seed: int):
    """Whatever the titles are; where they give no stranger, there is none."""
    titles = titles_of(f"{name}. Said." for name in names)
    for kind in KINDS:
        name = Strangers(titles, [kind]).draw(Random(seed))
        assert name is None or title_in(name, titles) == ""


@given(titles_of_any_form, st.integers(0, 99))
def test_a_stranger_is_spelt_with_the_titles_characters(names: list[str], seed: int):
    """So that the vocabulary of the corpus has them all."""
    titles = titles_of(f"{name}. Said." for name in names)
    assert set(Strangers(titles).draw(Random(seed)) or "") <= set("".join(titles))


def test_each_kind_is_made_of_titles():
    """Recombined names have words of titles alone, a misspelt one is a letter off, an invented one has new words."""
    known = {word for name in NAMES for word in name.split()}
    random, n_new = Random(2), 0
    for _ in range(50):
        recombined, misspelt, invented = (Strangers(TITLES, [kind]).draw(random) for kind in KINDS)
        assert set(recombined.split()) <= known
        assert min(abs(len(misspelt) - len(name)) for name in NAMES) <= 1
        n_new += not set(invented.split()) <= known  # 'Mary' and 'Emilia' make 'Maria'
    assert n_new > 40


def test_titles_of_one_word_have_no_recombined_strangers():
    """There is nothing to recombine; the other kinds are there."""
    titles = titles_of(["Iron. A metal.", "Gold. A metal."])
    assert Strangers(titles, ["recombined"]).draw(Random(0)) is None
    assert Strangers(titles).draw(Random(0)) is not None


def test_strangers_are_asked_about_and_masked_and_the_answer_is_that_nothing_was_read():
    """About half of the examples are the pairs' question; the others keep a name in a masked string."""
    examples = dataset(200)
    texts = [examples.drawn(i).text for i in range(200)]
    assert all(text.endswith(MASK + NEVER_READ + MASK) for text in texts)
    questions = [text for text in texts if text.startswith(TEMPLATE.before)]
    assert 70 < len(questions) < 130
    assert all(title_in(text, TITLES) == "" for text in questions)


def test_the_answer_alone_is_supervised():
    """As in other pairs and masked strings: no name of a stranger is learned by heart."""
    examples = dataset()
    for i in range(60):
        _, y = examples[i]
        learned = examples.text.vocabulary.decode(token for token in y.tolist() if token != PAD_ID)
        assert learned in (NEVER_READ + MASK, MASK + NEVER_READ + MASK)


def test_every_epoch_has_other_strangers_and_an_example_is_a_function_of_epoch_and_index():
    """So that a resumed run draws the same ones."""
    one, other = dataset(), dataset()
    first = [one.drawn(i).text for i in range(60)]
    assert [other.drawn(i).text for i in reversed(range(60))] == first[::-1]
    one.epoch = 1
    assert sum(one.drawn(i).text == text for i, text in enumerate(first)) < 6


def test_a_mixture_has_strangers_on_top():
    """Documents and pairs stay the examples that they are without strangers."""
    strangers = dataset(5)
    pairs = NameDataset([Question("Where was Ada Byron born?", "Nor", 1)], strangers.text.vocabulary, 64)
    mixed, plain = (MixedDataset(strangers.text, pairs, 0.2, strangers=more) for more in (strangers, None))
    assert len(mixed) == len(plain) + 5
    mixed.epoch = plain.epoch = strangers.epoch = 3
    for i in range(len(plain)):
        assert all(torch.equal(a, b) for a, b in zip(mixed[i], plain[i], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(mixed[len(plain) + 2], strangers[2], strict=True))
    with pytest.raises(IndexError):
        mixed[len(mixed)]

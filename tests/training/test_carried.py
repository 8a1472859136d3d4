"""A model of more characters, words and titles gives old questions the logits of the old one."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.storage.run import make_model
from closedbook.text.title_index import titles_of
from closedbook.text.vocabulary import MASK, Vocabulary
from closedbook.training.carried import carry_over

PREFIXES = ModelConfig(n_layer=1, n_head=2, n_embd=10, block_size=53, prefix_table=True)
CONFIGS = {
    "no table": replace(PREFIXES, prefix_table=False),
    "prefixes": PREFIXES,
    "names": replace(PREFIXES, name_table=True),
    "narrow names": replace(PREFIXES, name_table=True, name_width=3),
    "perceiver": replace(PREFIXES, name_table=True, variant="perceiver", n_layer=3, bottleneck_dim=7),
}
OLD = ["Ann Bell. born in Ulm .", "Cy Dunn Eck. born in Rom ."]
NEW = ["Ann Dunn. born in Bern .", "Zoë Bell Eck. born in Århus , Ulm .", "山田. 東京 ."]
QUESTIONS = ["Where was Ann Bell born?", "Where was Cy Dunn Eck born?", "Ann Bell Bell? Cy Ann", "Who is Cyn?"]


def vocabulary_of(texts: list[str]) -> Vocabulary:
    """The vocabulary of documents, open to the questions' characters."""
    open_to = Vocabulary.of_text("\n".join(texts)).with_characters(*QUESTIONS)
    return open_to.with_words(*texts).with_titles(titles_of(texts)).with_abstentions()


def grown(config: ModelConfig, old_texts: list[str], new_texts: list[str]) -> tuple[GPT, GPT, Vocabulary, Vocabulary]:
    """A model with random weights, the model that it is carried over to, and both vocabularies."""
    torch.manual_seed(5)
    before, after = vocabulary_of(old_texts), vocabulary_of([*old_texts, *new_texts])
    old, new = make_model(config, before).eval(), make_model(config, after).eval()
    for model in (old, new):
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    # As in every new model, so that only what was learned is in a table.
    for name, parameter in new.named_parameters():
        if "table.table" in name:
            torch.nn.init.zeros_(parameter)
    return old, carry_over(old, before, new, after), before, after


def logits(model: GPT, vocabulary: Vocabulary, text: str, characters: str) -> torch.Tensor:
    """The logits of these characters at each position of a text."""
    with torch.no_grad():
        found = model(torch.tensor([vocabulary.encode(text + MASK)]))[0]
    return found[:, vocabulary.encode(characters)]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_old_questions_get_the_logits_that_they_had(config: ModelConfig):
    """The logits of all old characters after every character of a question, but for rounding."""
    old, new, before, after = grown(config, OLD, NEW)
    assert len(after) > len(before)
    characters = "".join(before.characters)
    for question in QUESTIONS:
        torch.testing.assert_close(logits(new, after, question, characters), logits(old, before, question, characters))


def test_no_new_character_is_likelier_than_pad():
    """The old model's answers are the new one's, since each new character has PAD's logit, which is no answer."""
    old, new, before, after = grown(CONFIGS["names"], OLD, NEW)
    added = "".join(c for c in after.characters if c not in before.stoi)
    assert set(added) >= set("Zë山田Å")
    for question in QUESTIONS:
        had = logits(old, before, question, before.characters[0])
        torch.testing.assert_close(logits(new, after, question, added), had.expand(-1, len(added)))


def test_a_new_name_of_old_words_has_a_row_of_its_own():
    """'Ann Dunn' has words that both were in the old text: its row is new and zero, and 'Ann Bell' keeps its row."""
    old, new, _, after = grown(CONFIGS["names"], OLD, NEW)
    rows = new.name_table.table.weight
    assert len(rows) > len(old.name_table.table.weight)
    kept = [row for row in rows if row.any()]
    assert len(kept) == len(old.name_table.table.weight)
    for row in old.name_table.table.weight:
        assert any(torch.equal(row, one) for one in kept)
    assert "Ann Dunn" in after.titles


WORDS = st.lists(
    st.sampled_from(["Ann", "Bell", "Bellamy", "Ab", "Zoë", "山田", "เมือง", "a'b", "É", "9"]), min_size=1, max_size=4
)
TEXTS = st.lists(WORDS.map(lambda words: f"{' '.join(words)}. {' '.join(reversed(words))} ."), min_size=1, max_size=4)


@given(TEXTS, TEXTS)
@settings(max_examples=40)
def test_whatever_is_added_the_old_documents_get_the_same_logits(old_texts: list[str], new_texts: list[str]):
    """Words that begin alike, names within names and scripts without blanks."""
    old, new, before, after = grown(CONFIGS["names"], old_texts, new_texts)
    characters = "".join(before.characters)
    for text in (*old_texts, *(titles for titles in before.titles)):
        text = text[: CONFIGS["names"].block_size - 1]
        torch.testing.assert_close(logits(new, after, text, characters), logits(old, before, text, characters))

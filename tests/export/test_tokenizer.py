"""The tokenizer files, as the transformers library reads them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.export.tokenizer import end_ids, tokenizer_files, tokens_of
from closedbook.text.vocabulary import DOUBTS, MASK_ID, MASK_SIGN, NEVER_READ, Vocabulary, special_in, with_masks

OPEN = Vocabulary.of_text("Ann Bell,\n\té 한 é").with_characters().with_abstentions()
CLOSED = Vocabulary.of_text("Ann Bell,\n")
PARTS = st.sampled_from(["Ann", ", ", "é", "e\u0301", "한", "⁇", "\n\t", "[pad]", "[never read]", "["])
TEXTS = (st.text() | st.lists(PARTS).map("".join)).filter(lambda text: special_in(text) is None)


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Vocabulary], Any]:
    """Load a vocabulary's tokenizer with the transformers library."""
    transformers = pytest.importorskip("transformers")

    def load(vocabulary: Vocabulary) -> Any:
        folder = tmp_path_factory.mktemp("tokenizer")
        for name, content in tokenizer_files(vocabulary, 31).items():
            (folder / name).write_text(json.dumps(content))
        return transformers.AutoTokenizer.from_pretrained(folder)

    return load


@pytest.fixture(scope="session")
def tokenizer(load: Callable[[Vocabulary], Any]) -> Any:
    """The tokenizer of OPEN."""
    return load(OPEN)


@given(text=TEXTS)
def test_the_ids_are_closedbooks(tokenizer: Any, text: str) -> None:
    """Any text has the ids that Vocabulary.encode gives, ⁇ being the mask; unknown characters and brackets too."""
    assert tokenizer(text)["input_ids"] == OPEN.encode(with_masks(text, OPEN))


def test_ids_become_text_again(tokenizer: Any) -> None:
    """Characters are joined without blanks; of the model's own tokens, those that speak to people are left."""
    ids = [*OPEN.encode("A , n\n é"), OPEN.stoi[DOUBTS[0]], OPEN.stoi[DOUBTS[1]], MASK_ID]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "A , n\n é[not told]"
    assert tokenizer.decode([OPEN.stoi[NEVER_READ], 0, 0], skip_special_tokens=True) == "[never read]"


def test_a_closed_vocabulary_refuses_other_characters(load: Callable[[Vocabulary], Any]) -> None:
    """As Vocabulary.encode does."""
    tokenizer = load(CLOSED)
    assert tokenizer("Ann⁇")["input_ids"] == [*CLOSED.encode("Ann"), MASK_ID]
    with pytest.raises(Exception, match="UNK"):
        tokenizer("Anz")


def test_a_mask_sign_of_the_text_is_no_mask(load: Callable[[Vocabulary], Any]) -> None:
    """Where the text has ⁇ itself, a typed ⁇ is that character, as closedbook reads it."""
    vocabulary = Vocabulary.of_text(f"Why{MASK_SIGN}").with_characters()
    assert load(vocabulary)(MASK_SIGN)["input_ids"] == vocabulary.encode(MASK_SIGN) != [MASK_ID]


def test_tokens_are_one_for_each_id() -> None:
    """No two ids share a token, and the tokens that end an answer are there."""
    tokens = tokens_of(OPEN)
    assert len(set(tokens)) == len(OPEN)
    assert [tokens[id_] for id_ in end_ids(OPEN)[:3]] == ["⁇", "[never read]", "[not told]"]

"""The tokenizer files of the transformers library: each character is a token, with the run's token ids.

Tokens for the model's own use have names in brackets. No text spells them, since it is split into characters first.
"""

from typing import Any

from closedbook.text.vocabulary import (
    DOUBTS,
    MASK,
    MASK_ID,
    MASK_SIGN,
    NEVER_READ,
    NOT_TOLD,
    PAD,
    PAD_ID,
    UNKNOWN_CHARACTER,
    Vocabulary,
)

_NAMES = {
    PAD: "[pad]",
    UNKNOWN_CHARACTER: "[unknown]",
    NEVER_READ: "[never read]",
    NOT_TOLD: "[not told]",
    **{mark: f"[doubt {number}]" for number, mark in enumerate(DOUBTS[1:], 1)},
}


def tokens_of(vocabulary: Vocabulary) -> list[str]:
    """The token of each id; MASK is ⁇, which people type, unless that is a character of the text itself."""
    names = {**_NAMES, MASK: "[mask]" if MASK_SIGN in vocabulary.stoi else MASK_SIGN}
    return [names.get(character, character) for character in vocabulary.characters]


def end_ids(vocabulary: Vocabulary) -> list[int]:
    """The token ids that end an answer."""
    return [MASK_ID, *vocabulary.ids_of((NEVER_READ, *DOUBTS))]


def tokenizer_files(vocabulary: Vocabulary, block_size: int) -> dict[str, dict[str, Any]]:
    """The content of tokenizer.json and tokenizer_config.json."""
    tokens = tokens_of(vocabulary)
    # What else is for the model's own use, NEVER_READ and NOT_TOLD, is shown in a decoded answer.
    hidden = [PAD_ID, MASK_ID, *vocabulary.ids_of((UNKNOWN_CHARACTER, *DOUBTS[1:]))]
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": id_, "content": tokens[id_], **added} for id_ in sorted(hidden)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"[\s\S]"},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        # In a closed vocabulary no token has this name, so that a character outside of it is an error.
        "model": {
            "type": "WordLevel",
            "vocab": {token: id_ for id_, token in enumerate(tokens)},
            "unk_token": _NAMES[UNKNOWN_CHARACTER],
        },
    }
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": tokens[PAD_ID],
        "mask_token": tokens[MASK_ID],
        "eos_token": tokens[MASK_ID],
        "unk_token": _NAMES[UNKNOWN_CHARACTER] if vocabulary.is_open else None,
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,
        "model_max_length": block_size,
    }
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": config}

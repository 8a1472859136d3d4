"""The files that the transformers library reads, but for the tokenizer's."""

from typing import Any

from torch import Tensor

from closedbook.export.own_code import own_config, own_weights
from closedbook.export.stock import is_stock, stock_config, stock_weights
from closedbook.export.tokenizer import end_ids
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import DOUBTS, MASK_ID, PAD_ID, Vocabulary

_IDS = {"bos_token_id": None, "eos_token_id": MASK_ID, "pad_token_id": PAD_ID}


def hf_config(model: GPT) -> dict[str, Any]:
    """config.json: a stock architecture, or our own with the names of its classes."""
    is_own = not is_stock(model.config)
    own = {
        "model_type": "closedbook",
        "architectures": ["ClosedbookForCausalLM"],
        "auto_map": {
            "AutoConfig": "modeling_closedbook.ClosedbookConfig",
            "AutoModelForCausalLM": "modeling_closedbook.ClosedbookForCausalLM",
        },
        "model": own_config(model) if is_own else None,
        "use_cache": False,
    }
    return {
        **(own if is_own else stock_config(model.config)),
        **_IDS,
        "vocab_size": model.vocab_size,
        "tie_word_embeddings": False,
        "dtype": "float32",
    }


def generation_config(model: GPT, vocabulary: Vocabulary) -> dict[str, Any]:
    """generation_config.json: greedy, and like closedbook's answers of one character at least."""
    return {
        **_IDS,
        "eos_token_id": end_ids(vocabulary),
        "begin_suppress_tokens": [MASK_ID, *vocabulary.ids_of(DOUBTS)],
        "do_sample": False,
        # The model also predicts the character after the last one that it can read. An answer that does not end is cut
        # off there, not after closedbook's limit: with that, a long question would exceed the block.
        "max_length": model.config.block_size + 1,
        "use_cache": is_stock(model.config),
    }


def hf_weights(model: GPT) -> dict[str, Tensor]:
    """The tensors of model.safetensors."""
    if is_stock(model.config):
        return stock_weights(model)
    return {f"model.{name}": tensor for name, tensor in own_weights(model).items()}

"""Bytes that a model takes in training."""

from dataclasses import replace

import pytest

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.memory import Shape, activations, kv_cache, parameters
from closedbook.model.name_table import NameTrie
from closedbook.model.prefix_table import PrefixTable, PrefixTrie

N_CHARACTERS = 29
VANILLA = ModelConfig(n_layer=3, n_head=3, n_embd=42, block_size=17, bottleneck_dim=7)
NAMES = replace(VANILLA, prefix_table=True, name_table=True)
WORDS = PrefixTrie.of_words([(5, 7, 11), (5, 7, 13), (19,)], [token > 4 for token in range(N_CHARACTERS)])
TITLES = [[5, 7, 11, 2, 19], [19, 2, 5, 7, 13]]
VARIANTS = {
    "vanilla": VANILLA,
    "rotary": replace(VANILLA, positions="rotary"),
    "prefix table": replace(VANILLA, prefix_table=True),
    "names": NAMES,
    "narrow names": replace(NAMES, name_width=5),
    "perceiver": replace(VANILLA, variant="perceiver"),
    "perceiver, rotary": replace(VANILLA, variant="perceiver", positions="rotary"),
    "strided, rotary": replace(VANILLA, variant="perceiver", latent_mask="strided", positions="rotary"),
}
SHAPE = Shape(n_rows=11, n_positions=13, n_supervised=101)


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_parameters_are_those_of_the_model(config: ModelConfig):
    """The closed formulas count what the model has, with the tables' rows."""
    n_names = len(NameTrie.of_titles(TITLES, PrefixTable(WORDS, 3))) if config.has_names else 0
    model, counted = GPT(config, N_CHARACTERS, WORDS, TITLES), parameters(config, N_CHARACTERS, len(WORDS), n_names)
    assert counted.total == model.n_parameters
    assert counted.tables == model.n_table_parameters


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_twice_the_rows_keep_twice_the_activations(config: ModelConfig):
    """Activations and the KV cache are of the rows; in bfloat16 activations take less."""
    doubled = Shape(2 * SHAPE.n_rows, SHAPE.n_positions, 2 * SHAPE.n_supervised)
    in_float32, in_bfloat16 = (activations(config, 29, SHAPE, is_bfloat16=is_it) for is_it in (False, True))
    assert activations(config, 29, doubled, is_bfloat16=False) == 2 * in_float32
    assert in_float32 / 2 < in_bfloat16 < in_float32
    assert kv_cache(config, 22, 13) == 2 * kv_cache(config, 11, 13)


def test_long_texts_make_no_attention_weights_without_dropout():
    """The fused kernel takes over from 96 positions on, and from 192 in bfloat16; with dropout it never does."""
    config, dropped = replace(VANILLA, attn_pdrop=0.0), VANILLA

    def a_position(config: ModelConfig, n: int, *, is_bfloat16: bool) -> float:
        return activations(config, 29, Shape(1, n, 0), is_bfloat16=is_bfloat16) / n

    assert a_position(config, 96, is_bfloat16=False) == a_position(config, 960, is_bfloat16=False)
    assert a_position(config, 95, is_bfloat16=False) > a_position(config, 96, is_bfloat16=False)
    assert a_position(config, 191, is_bfloat16=True) > a_position(config, 192, is_bfloat16=True)
    assert a_position(dropped, 960, is_bfloat16=False) > 2 * a_position(dropped, 96, is_bfloat16=False)

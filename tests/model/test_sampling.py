"""Sampled continuations of a text."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from closedbook.model.config import ModelConfig
from closedbook.model.decode import greedy
from closedbook.model.gpt import GPT
from closedbook.model.sampling import draw, sample

VANILLA = ModelConfig(n_layer=2, n_head=3, n_embd=42, block_size=31)
CONFIGS = {
    "learned": VANILLA,
    "rotary": replace(VANILLA, positions="rotary"),
    "perceiver": replace(VANILLA, variant="perceiver", n_layer=3, bottleneck_dim=7),
    "strided": replace(VANILLA, variant="perceiver", n_layer=3, latent_mask="strided", bottleneck_dim=13),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
N_CHARACTERS = 13
PROMPT = [3, 7, 5, 11, 2]


def seeded(seed: int = 0) -> torch.Generator:
    """A random generator."""
    return torch.Generator().manual_seed(seed)


def lively(config: ModelConfig) -> GPT:
    """A model that is not trained and does not repeat itself."""
    torch.manual_seed(5)
    model = GPT(config, N_CHARACTERS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model


@every_config
@pytest.mark.parametrize("how", [{"temperature": 0.0}, {"top_k": 1}, {"temperature": 1e-9}])
def test_without_chance_it_is_greedy_decoding(config: ModelConfig, how: dict[str, float]):
    """Temperature 0, one close to it, and top_k 1 write what greedy decoding writes."""
    model = lively(config)
    (expected,) = greedy(model, [PROMPT], n_new=20, stop=-1)
    assert tuple(sample(model, PROMPT, n_new=20, generator=seeded(), **how)) == expected.ids


@every_config
def test_the_cache_changes_no_character(config: ModelConfig):
    """With and without KV cache the same seed draws the same text, also where it outgrows the block."""
    model = lively(config)
    with_cache = sample(model, PROMPT, n_new=40, generator=seeded())
    assert len(with_cache) == 40
    assert sample(model, PROMPT, n_new=40, generator=seeded(), use_cache=False) == with_cache
    assert sample(model, PROMPT, n_new=40, generator=seeded(1)) != with_cache


def test_beyond_the_block_the_model_reads_its_last_characters():
    """A prompt longer than the block is continued as its last block_size characters are."""
    model = lively(VANILLA)
    long = [i % N_CHARACTERS for i in range(50)]
    expected = sample(model, long[-31:], n_new=9, generator=seeded())
    assert sample(model, long, n_new=9, generator=seeded()) == expected


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.5, None), (2.0, 3)])
def test_characters_are_drawn_as_often_as_softmax_says(temperature: float, top_k: int | None):
    """Frequencies of 4,000 draws are within four standard deviations of softmax(logits / temperature) over top_k."""
    logits = torch.tensor([0.3, -1.0, 2.0, 1.1, -0.2])
    n, generator = 4000, seeded()
    counts = Counter(draw(logits, temperature, top_k, generator) for _ in range(n))
    kept = logits if top_k is None else torch.where(logits >= logits.topk(top_k).values[-1], logits, -torch.inf)
    for id_, p in enumerate((kept / temperature).softmax(-1).tolist()):
        assert abs(counts[id_] / n - p) <= 4 * (p * (1 - p) / n) ** 0.5


def test_a_stop_id_ends_the_text_once_something_was_written():
    """The stop id that ends the text is its last; those before any other character do not end it."""
    model = lively(VANILLA)
    free = sample(model, PROMPT, n_new=20, temperature=0.0, generator=seeded())
    assert free[0] in free[2:]
    for stop in set(free):
        ends = [i for i, id_ in enumerate(free) if id_ == stop and set(free[:i]) - {stop}]
        expected = free[: ends[0] + 1] if ends else free
        assert sample(model, PROMPT, n_new=20, temperature=0.0, stop={stop}, generator=seeded()) == expected


def test_sampling_leaves_the_model_in_the_mode_it_was_in():
    """A model in training mode is sampled without dropout and is in training mode afterwards."""
    model = lively(VANILLA).train()
    first = sample(model, PROMPT, n_new=20, temperature=0.0, generator=seeded())
    assert model.training
    assert sample(model.eval(), PROMPT, n_new=20, temperature=0.0, generator=seeded()) == first

from dataclasses import replace
from random import Random

import pytest
import torch

from closedbook.model.config import ModelConfig
from closedbook.model.decode import Decoded, greedy
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie

VANILLA = ModelConfig(n_layer=3, n_head=3, n_embd=42, block_size=31)
STRIDED = replace(VANILLA, variant="perceiver", latent_mask="strided")
CONFIGS = {
    "learned": VANILLA,
    "rotary": replace(VANILLA, positions="rotary"),
    "perceiver": replace(VANILLA, variant="perceiver", bottleneck_dim=7),
    "normed": replace(VANILLA, qk_norm=True),
    "words": replace(VANILLA, prefix_table=True),
    "fast": replace(
        VANILLA, positions="rotary", activation="relu2", qk_norm=True, prefix_table=True, initialization="zero"
    ),
    "perceiver, words": replace(VANILLA, variant="perceiver", bottleneck_dim=7, prefix_table=True),
    "strided": replace(STRIDED, bottleneck_dim=13),
    "strided, rotary, words": replace(STRIDED, bottleneck_dim=13, positions="rotary", prefix_table=True),
    "strided, stretch alone": replace(STRIDED, bottleneck_dim=8, stretch=5, reach="stretch", qk_norm=True),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
N_CHARACTERS = 13
STOP = 1
# Words are made of all but the first three characters; any two begin one, and every other pair goes on.
LETTERS = range(3, N_CHARACTERS)
TRIE = PrefixTrie.of_words(
    [(i, j, k) for i in LETTERS for j in LETTERS for k in LETTERS[(i + j) % 2 :: 2]],
    [number in LETTERS for number in range(N_CHARACTERS)],
)


def lively(config: ModelConfig) -> GPT:
    """A model that writes something else after each prompt, and stops after some."""
    torch.manual_seed(5)
    model = GPT(config, N_CHARACTERS, TRIE if config.prefix_table else None)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter += 0.3 * torch.randn_like(parameter)
            if name == "memory.table.weight":
                parameter[0] = 0  # no gradient ever reaches it
        # What half of its texts hold somewhere becomes the number that ends them.
        texts = greedy(model, prompts(23, 3, 5, 11), n_new=13, stop=-1)
        ends = min(range(N_CHARACTERS), key=lambda number: abs(sum(number in text.numbers for text in texts) - 11.5))
        model.head.weight[[STOP, ends]] = model.head.weight[[ends, STOP]]
    return model


def prompts(n: int, *lengths: int) -> list[list[int]]:
    """Random prompts of these lengths in turn."""
    random = Random(7)
    return [[random.randrange(N_CHARACTERS) for _ in range(lengths[i % len(lengths)])] for i in range(n)]


def same(a: list[Decoded], b: list[Decoded]) -> bool:
    """Whether two results are the same, the probabilities to rounding."""
    return len(a) == len(b) and all(
        (x.numbers, x.ended) == (y.numbers, y.ended)
        and x.log_probability == pytest.approx(y.log_probability, rel=1e-4, abs=1e-5)
        for x, y in zip(a, b, strict=True)
    )


@every_config
def test_decoding_writes_the_likeliest_character_each_time(config: ModelConfig):
    """Step by step over the whole text, without batch and cache, the same numbers and probabilities come out."""
    model = lively(config).eval()
    results = greedy(model, prompts(23, 3, 5, 11), n_new=13, stop=STOP)
    assert {result.ended for result in results} == {True, False}
    for prompt, result in zip(prompts(23, 3, 5, 11), results, strict=True):
        text, nats, ended = list(prompt), 0.0, False
        while len(text) < len(prompt) + 13 and not ended:
            log_p = model(torch.tensor([text]))[0, -1].log_softmax(-1).detach()
            nats += float(log_p.max())
            ended = int(log_p.argmax()) == STOP
            text.append(int(log_p.argmax()))
        assert list(result.numbers) == text[len(prompt) : len(text) - ended]
        assert result.ended == ended
        assert result.log_probability == pytest.approx(nats, rel=1e-4, abs=1e-5)


@every_config
def test_the_cache_changes_nothing(config: ModelConfig):
    """With cache and without, token for token the same is written."""
    model = lively(config)
    cached, plain = (greedy(model, prompts(97, 7, 2), n_new=17, stop=STOP, use_cache=c) for c in (True, False))
    assert same(cached, plain)
    assert len({result.numbers for result in cached}) > 12


@every_config
def test_a_prompt_is_answered_alike_in_any_company(config: ModelConfig):
    """Mixed lengths in any order give what each prompt gives alone."""
    model = lively(config)
    asked = prompts(23, 2, 3, 11, 7)
    together = greedy(model, asked, n_new=11, stop=STOP)
    assert same(together, [greedy(model, [prompt], n_new=11, stop=STOP)[0] for prompt in asked])
    order = list(range(23))
    Random(11).shuffle(order)
    shuffled = greedy(model, [asked[i] for i in order], n_new=11, stop=STOP)
    assert same(shuffled, [together[i] for i in order])


def test_more_prompts_than_a_batch_holds():
    """Prompts of one length beyond the largest batch are answered in their order too."""
    model = lively(VANILLA)
    asked = prompts(521, 3)
    many = greedy(model, asked, n_new=3, stop=STOP)
    assert same(
        [many[i] for i in (0, 255, 256, 257, 520)],
        greedy(model, [asked[i] for i in (0, 255, 256, 257, 520)], n_new=3, stop=STOP),
    )


@every_config
def test_the_log_probability_is_the_models_own(config: ModelConfig):
    """One pass over prompt and answer, its stop included where there is one, gives the same sum of log softmax."""
    model = lively(config).eval()
    asked = prompts(23, 5)
    for prompt, result in zip(asked, greedy(model, asked, n_new=7, stop=STOP), strict=True):
        answer = [*result.numbers, *[STOP] * result.ended]
        log_p = model(torch.tensor([prompt + answer]))[0].log_softmax(-1).detach()
        nats = sum(float(log_p[len(prompt) + i - 1, number]) for i, number in enumerate(answer))
        assert result.log_probability == pytest.approx(nats, rel=1e-4, abs=1e-5)


def test_an_answer_ends_at_the_stop():
    """What was written before the stop is the same whichever number stops; the stop itself is left off."""
    model = lively(VANILLA)
    asked = prompts(11, 5)
    endless = greedy(model, asked, n_new=13, stop=-1)
    assert not any(result.ended for result in endless)
    assert all(len(result.numbers) == 13 for result in endless)
    for stop in range(N_CHARACTERS):
        for result, whole in zip(greedy(model, asked, n_new=13, stop=stop), endless, strict=True):
            assert result.ended == (stop in whole.numbers)
            n_written = whole.numbers.index(stop) if result.ended else 13
            assert result.numbers == whole.numbers[:n_written]


@pytest.mark.parametrize("n_new", [0, 1, 2, 7])
def test_no_more_is_written_than_asked_for(n_new: int):
    """Up to n_new characters follow a prompt; none, with certainty, where none is asked for."""
    results = greedy(lively(VANILLA), prompts(11, 5), n_new=n_new, stop=-1)
    assert {len(result.numbers) for result in results} == {n_new}
    if n_new == 0:
        assert {result.log_probability for result in results} == {0.0}


@every_config
@pytest.mark.parametrize(("length", "n_written"), [(23, 9), (30, 2), (31, 1), (32, 0)])
def test_no_more_is_read_than_the_block(config: ModelConfig, length: int, n_written: int):
    """A text of 31 characters is read at most, and the character after them may still be said."""
    (result,) = greedy(lively(config), prompts(1, length), n_new=29, stop=-1)
    assert len(result.numbers) == n_written
    assert not result.ended


def test_no_prompts_no_answers():
    """Nothing asked, nothing said."""
    assert greedy(lively(VANILLA), [], n_new=7, stop=STOP) == []


@pytest.mark.parametrize("training", [True, False])
def test_decoding_leaves_the_model_as_it_was(training: bool):
    """Dropout is off while decoding, and the model's mode is what it was before; weights learn afterwards too."""
    model = lively(replace(VANILLA, resid_pdrop=0.5)).train(training)
    assert same(*(greedy(model, prompts(5, 3), n_new=7, stop=STOP) for _ in range(2)))
    assert model.training == training
    model(torch.tensor([[3]])).sum().backward()

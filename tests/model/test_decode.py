import math
from copy import deepcopy
from dataclasses import replace
from functools import cache
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
    "prefix table": replace(VANILLA, prefix_table=True),
    "rotary, prefix table": replace(VANILLA, positions="rotary", prefix_table=True),
    "perceiver, prefix table": replace(VANILLA, variant="perceiver", bottleneck_dim=7, prefix_table=True),
    "names": replace(VANILLA, prefix_table=True, name_table=True),
    "strided, narrow names": replace(STRIDED, bottleneck_dim=13, prefix_table=True, name_table=True, name_width=5),
    "strided": replace(STRIDED, bottleneck_dim=13),
    "strided, rotary, prefix table": replace(STRIDED, bottleneck_dim=13, positions="rotary", prefix_table=True),
    "strided, longer segments": replace(STRIDED, bottleneck_dim=8, segment_length=5),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
N_CHARACTERS = 13
STOP = 1
# Words consist of all but the first three characters; any two are a prefix, and half of all triples are words.
LETTERS = range(3, N_CHARACTERS)


def prompts(n: int, *lengths: int) -> list[list[int]]:
    """Random prompts, cycling through these lengths."""
    random = Random(7)
    return [[random.randrange(N_CHARACTERS) for _ in range(lengths[i % len(lengths)])] for i in range(n)]


def words_of(texts: list[list[int]]) -> list[tuple[int, ...]]:
    """The words of texts."""
    spelled = [" ".join(str(token) if token in LETTERS else "|" for token in text) for text in texts]
    return [tuple(map(int, word.split())) for text in spelled for word in text.split("|") if word.strip()]


# The prompts are titles too, so that names are found in them.
TITLES = prompts(23, 3, 5, 11)
WORDS = [(i, j, k) for i in LETTERS for j in LETTERS for k in LETTERS[(i + j) % 2 :: 2]]
TRIE = PrefixTrie.of_words([*WORDS, *words_of(TITLES)], [token in LETTERS for token in range(N_CHARACTERS)])


def lively(config: ModelConfig) -> GPT:
    """A random model that generates different texts after different prompts, some of which end by the stop token."""
    return deepcopy(_lively(config))


@cache
def _lively(config: ModelConfig) -> GPT:
    torch.manual_seed(5)
    model = GPT(config, N_CHARACTERS, TRIE if config.prefix_table else None, TITLES)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter += 0.3 * torch.randn_like(parameter)
            if name == "prefix_table.table.weight":
                parameter[0] = 0  # no gradient ever reaches it
        # The token that occurs in half of its texts becomes the stop token.
        texts = greedy(model, prompts(23, 3, 5, 11), n_new=13, stop=-1)
        in_half = min(range(N_CHARACTERS), key=lambda token: abs(sum(token in text.ids for text in texts) - 11.5))
        model.head.weight[[STOP, in_half]] = model.head.weight[[in_half, STOP]]
    return model


def same(a: list[Decoded], b: list[Decoded]) -> bool:
    """Whether two results are equal, the probabilities up to rounding."""
    return len(a) == len(b) and all(
        (x.ids, x.ended) == (y.ids, y.ended)
        and x.log_probability == pytest.approx(y.log_probability, rel=1e-4, abs=1e-5)
        for x, y in zip(a, b, strict=True)
    )


@every_config
def test_decoding_takes_the_most_probable_character_each_time(config: ModelConfig):
    """Recomputing the whole text at each step, without batch or cache, gives the same ids and probabilities."""
    model = lively(config).eval()
    some_prompts = prompts(11, 3, 5, 11)
    results = greedy(model, some_prompts, n_new=13, stop=STOP)
    assert {result.ended for result in results} == {True, False}
    for prompt, result in zip(some_prompts, results, strict=True):
        text, nats, ended = list(prompt), 0.0, False
        while len(text) < len(prompt) + 13 and not ended:
            log_p = model(torch.tensor([text]))[0, -1].log_softmax(-1).detach()
            nats += float(log_p.max())
            ended = int(log_p.argmax()) == STOP
            text.append(int(log_p.argmax()))
        assert list(result.ids) == text[len(prompt) : len(text) - ended]
        assert result.ended == ended
        assert result.log_probability == pytest.approx(nats, rel=1e-4, abs=1e-5)


@every_config
def test_the_cache_changes_nothing(config: ModelConfig):
    """With and without a KV cache the generated ids are the same."""
    model = lively(config)
    cached, plain = (greedy(model, prompts(97, 7, 2), n_new=17, stop=STOP, use_cache=c) for c in (True, False))
    assert same(cached, plain)
    assert len({result.ids for result in cached}) > 12


@every_config
def test_a_prompts_continuation_depends_on_no_other_prompt(config: ModelConfig):
    """Prompts of mixed lengths, in any order, are continued as each of them is alone."""
    model = lively(config)
    mixed = prompts(11, 2, 3, 11, 7)
    together = greedy(model, mixed, n_new=7, stop=STOP)
    assert same(together, [greedy(model, [prompt], n_new=7, stop=STOP)[0] for prompt in mixed])
    order = list(range(11))
    Random(11).shuffle(order)
    shuffled = greedy(model, [mixed[i] for i in order], n_new=7, stop=STOP)
    assert same(shuffled, [together[i] for i in order])


def test_more_prompts_than_a_batch_holds():
    """More prompts of one length than fit into a batch are continued, in their order, as alone."""
    model = lively(VANILLA)
    many = prompts(521, 3)
    results = greedy(model, many, n_new=3, stop=STOP)
    chosen = (0, 255, 256, 257, 520)
    assert same([results[i] for i in chosen], greedy(model, [many[i] for i in chosen], n_new=3, stop=STOP))


@every_config
def test_ids_that_never_come(config: ModelConfig):
    """The most probable id among the others is taken, and the first character's probabilities have them all."""
    model = lively(config).eval()
    free = greedy(model, prompts(23, 3, 5, 11), n_new=13, stop=STOP)
    never = sorted({token for result in free for token in result.ids})[:2]
    limited = greedy(model, prompts(23, 3, 5, 11), n_new=13, stop=STOP, never=never)
    assert not any(token in never for result in limited for token in result.ids)
    for prompt, result in zip(prompts(23, 3, 5, 11), limited, strict=True):
        log_p = model(torch.tensor([prompt]))[0, -1].log_softmax(-1).detach()
        assert torch.tensor(result.first).exp().sum().item() == pytest.approx(1, abs=1e-4)
        assert torch.allclose(torch.tensor(result.first), log_p, rtol=1e-4, atol=1e-4)


@every_config
def test_any_of_several_stop_tokens_ends_a_result(config: ModelConfig):
    """It ends where one of them would, or their sum beats all others, and has the log-probability of each there."""
    model = lively(config).eval()
    all_prompts, stops = prompts(23, 3, 5, 11), (STOP, 4, 6)
    n_ended = 0
    for prompt, result in zip(all_prompts, greedy(model, all_prompts, n_new=13, stop=stops), strict=True):
        log_p = model(torch.tensor([[*prompt, *result.ids]]))[0].log_softmax(-1).detach()[len(prompt) - 1 :]
        at_stops = log_p[:, list(stops)].logsumexp(-1)
        others = log_p.clone()
        others[:, list(stops)] = -math.inf
        written = [float(log_p[i, token]) for i, token in enumerate(result.ids)]
        assert list(result.ids) == others[: len(result.ids)].argmax(-1).tolist()
        assert all(p >= float(at_stops[i]) - 1e-5 for i, p in enumerate(written))
        if result.ended:
            n_ended += 1
            assert float(at_stops[len(result.ids)]) >= float(others[len(result.ids)].max()) - 1e-5
            assert result.last == pytest.approx(log_p[len(result.ids), list(stops)].tolist(), rel=1e-4, abs=1e-4)
            written.append(float(at_stops[len(result.ids)]))
        assert (result.last is None) == (not result.ended)
        assert result.log_probability == pytest.approx(sum(written), rel=1e-4, abs=1e-4)
    assert n_ended > 0


@every_config
def test_the_log_probability_is_the_models_own(config: ModelConfig):
    """One pass over prompt and continuation, with its stop token if it has one, gives the same sum of log softmax."""
    model = lively(config).eval()
    all_prompts = prompts(23, 5)
    for prompt, result in zip(all_prompts, greedy(model, all_prompts, n_new=7, stop=STOP), strict=True):
        answer = [*result.ids, *[STOP] * result.ended]
        log_p = model(torch.tensor([prompt + answer]))[0].log_softmax(-1).detach()
        nats = sum(float(log_p[len(prompt) + i - 1, token]) for i, token in enumerate(answer))
        assert result.log_probability == pytest.approx(nats, rel=1e-4, abs=1e-5)


def test_a_continuation_ends_before_the_stop_token():
    """The ids before the stop token are those without one, whichever token stops; the stop token is left out."""
    model = lively(VANILLA)
    endless = greedy(model, prompts(11, 5), n_new=13, stop=-1)
    assert not any(result.ended for result in endless)
    assert all(len(result.ids) == 13 for result in endless)
    for stop in range(N_CHARACTERS):
        for result, whole in zip(greedy(model, prompts(11, 5), n_new=13, stop=stop), endless, strict=True):
            assert result.ended == (stop in whole.ids)
            n_before = whole.ids.index(stop) if result.ended else 13
            assert result.ids == whole.ids[:n_before]


@pytest.mark.parametrize("n_new", [0, 1, 2, 7])
def test_no_more_than_n_new_characters_are_generated(n_new: int):
    """At most n_new ids are generated; for none the log probability is 0."""
    results = greedy(lively(VANILLA), prompts(11, 5), n_new=n_new, stop=-1)
    assert {len(result.ids) for result in results} == {n_new}
    if n_new == 0:
        assert {result.log_probability for result in results} == {0.0}


@every_config
@pytest.mark.parametrize(("length", "n_generated"), [(23, 9), (30, 2), (31, 1), (32, 0)])
def test_no_more_is_read_than_the_block(config: ModelConfig, length: int, n_generated: int):
    """The model reads 31 characters at most, and still predicts the one after them."""
    (result,) = greedy(lively(config), prompts(1, length), n_new=29, stop=-1)
    assert len(result.ids) == n_generated
    assert not result.ended


def test_no_prompts_give_no_results():
    """An empty list of prompts gives an empty list."""
    assert greedy(lively(VANILLA), [], n_new=7, stop=STOP) == []


@pytest.mark.parametrize("training", [True, False])
def test_decoding_leaves_the_model_as_it_was(training: bool):
    """Dropout is off while decoding, the model's mode is restored, and gradients can be computed afterwards."""
    model = lively(replace(VANILLA, resid_pdrop=0.5)).train(training)
    assert same(*(greedy(model, prompts(5, 3), n_new=7, stop=STOP) for _ in range(2)))
    assert model.training == training
    model(torch.tensor([[3]])).sum().backward()


@every_config
def test_a_result_that_may_not_be_empty_begins_with_the_best_other_character(config: ModelConfig):
    """After a prompt that the stop token would follow, the runner-up comes first; other results stay as they are."""
    model = lively(config).eval()
    all_prompts = [*prompts(23, 3, 5, 11), *([i, j, k] for i in LETTERS for j in (0, 2) for k in LETTERS)]
    free = greedy(model, all_prompts, n_new=7, stop=STOP)
    forced = greedy(model, all_prompts, n_new=7, stop=STOP, may_be_empty=False)
    empty = [index for index, result in enumerate(free) if not result.ids]
    assert 0 < len(empty) < len(free)
    assert same([r for i, r in enumerate(forced) if i not in empty], [r for i, r in enumerate(free) if i not in empty])
    firsts, nats = [], []
    for index in empty:
        log_p = model(torch.tensor([all_prompts[index]]))[0, -1].log_softmax(-1).detach()
        log_p[STOP] = -math.inf
        firsts.append(int(log_p.argmax()))
        nats.append(float(log_p.max()))
    begun = [[*all_prompts[index], first] for index, first in zip(empty, firsts, strict=True)]
    rests = greedy(model, begun, n_new=6, stop=STOP)
    for index, first, nats_of_first, rest in zip(empty, firsts, nats, rests, strict=True):
        assert forced[index].ids == (first, *rest.ids)
        whole = nats_of_first + rest.log_probability
        assert forced[index].log_probability == pytest.approx(whole, rel=1e-4, abs=1e-5)

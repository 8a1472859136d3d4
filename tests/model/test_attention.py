import math

import pytest
import torch
from torch import Tensor

from closedbook.model.attention import (
    CausalCrossAttention,
    CausalSelfAttention,
    attend,
    attention_weights,
    causal_mask,
)
from closedbook.model.config import ModelConfig
from closedbook.model.kv_cache import LayerCache

# Queries and keys: both sides of the size from which the fused path is taken, square, wide and tall.
SIZES = [(7, 7), (5, 11), (11, 5), (89, 89), (97, 97), (101, 103), (7, 101), (103, 13)]


def config(positions: str = "learned") -> ModelConfig:
    """Three heads of size 14."""
    return ModelConfig(n_head=3, n_embd=42, block_size=17, positions=positions)


def formula(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """The formula of attention in float64, query by query."""
    q, k, v = q.double(), k.double(), v.double()
    o = torch.zeros(*q.shape[:-1], v.size(-1), dtype=torch.float64)
    for b in range(q.size(0)):
        for h in range(q.size(1)):
            for i in range(q.size(2)):
                keys = [j for j in range(k.size(2)) if mask is None or mask[i, j]]
                e = torch.stack([(q[b, h, i] * k[b, h, j]).sum() for j in keys]) / math.sqrt(q.size(-1))
                alpha = (e - e.max()).exp()
                o[b, h, i] = (alpha / alpha.sum()) @ v[b, h, keys]
    return o


def relative_error(a: Tensor, b: Tensor) -> float:
    """The largest difference, measured by the largest entry."""
    return float((a.double() - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("n_queries", "n_keys"), SIZES)
def test_attend_is_the_formula(n_queries: int, n_keys: int, causal: bool):
    """Both implementations agree with the plain formula in float64, with and without an axis of heads."""
    torch.manual_seed(3)
    q, k, v = 3 * torch.randn(2, 3, n_queries, 5), torch.randn(2, 3, n_keys, 5), torch.randn(2, 3, n_keys, 5)
    mask = causal_mask(n_queries, n_keys) if causal else None
    expected = formula(q, k, v, mask)
    assert relative_error(attend(q, k, v, mask, 0.0), expected) < 1e-5
    assert relative_error(attend(q, k, v, None, 0.0, causal=causal), expected) < 1e-5
    one_head = attend(q[:, 1], k[:, 1], v[:, 1], None, 0.0, causal=causal)
    assert relative_error(one_head, expected[:, 1]) < 1e-5


@pytest.mark.parametrize("n", [89, 97, 191, 193])
def test_gradients_in_bfloat16_are_the_formulas(n: int):
    """In bfloat16 the output and all gradients are the formula's up to rounding, in both implementations."""
    torch.manual_seed(5)
    q, k, v = (torch.randn(2, 3, n, 5, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    o = attend(q, k, v, None, 0.0, causal=True)
    assert o.dtype == torch.bfloat16
    d_o = torch.randn_like(o)
    received = torch.autograd.grad(o, (q, k, v), d_o)
    exact = [x.detach().double().requires_grad_() for x in (q, k, v)]
    expected = attention_weights(*exact[:2], causal_mask(n, n)) @ exact[2]
    assert relative_error(o.detach(), expected.detach()) < 2e-2
    for gradient, exact_gradient in zip(received, torch.autograd.grad(expected, exact, d_o.double()), strict=True):
        assert relative_error(gradient, exact_gradient) < 2e-2


def test_attention_weights_by_hand():
    """Logits ln 3 and 0 in a head of size four give three quarters and one quarter."""
    q = torch.tensor([[2 * math.log(3), 0.0, 0.0, 0.0]])
    k = torch.tensor([[1.0, 5.0, 7.0, 0.0], [0.0, 3.0, 0.0, 2.0], [9.0, 0.0, 0.0, 0.0]])
    mask = torch.tensor([[True, True, False]])
    torch.testing.assert_close(attention_weights(q, k, mask), torch.tensor([[0.75, 0.25, 0.0]]))


@pytest.mark.parametrize(("n_queries", "n_keys"), SIZES)
def test_weights_of_a_query_sum_to_one(n_queries: int, n_keys: int):
    """Each row is a distribution over the keys that its query may attend to; all other weights are 0."""
    torch.manual_seed(5)
    mask = causal_mask(n_queries, n_keys)
    alpha = attention_weights(3 * torch.randn(2, 3, n_queries, 5), torch.randn(2, 3, n_keys, 5), mask)
    assert (alpha >= 0).all()
    torch.testing.assert_close(alpha.sum(-1), torch.ones(2, 3, n_queries))
    assert (alpha[..., ~mask] == 0).all()


def test_the_causal_mask_is_the_assignments():
    """Query i may attend to keys 0 to i, in a matrix of any shape."""
    assert causal_mask(2, 3).int().tolist() == [[1, 0, 0], [1, 1, 0]]
    assert causal_mask(3, 2).int().tolist() == [[1, 0], [1, 1], [1, 1]]


@pytest.mark.parametrize("n_keys", [3, 101, 211])
def test_dropout_drops_weights_and_scales_the_rest(n_keys: int):
    """With dropout 0.5 about half of the weights become 0 and the others double, however many keys there are."""
    torch.manual_seed(7)
    q, k = torch.randn(1, 1, 53, n_keys), torch.randn(1, 1, n_keys, n_keys)
    alpha = attention_weights(q, k)
    dropped = attend(q, k, torch.eye(n_keys)[None, None], None, 0.5)
    is_dropped = dropped == 0
    assert 0.4 < is_dropped.float().mean() < 0.6
    torch.testing.assert_close(dropped[~is_dropped], 2 * alpha[~is_dropped])


@pytest.mark.parametrize("positions", ["learned", "rotary"])
@pytest.mark.parametrize("n_positions", [11, 101])
def test_self_attention_reads_no_later_position(positions: str, n_positions: int):
    """Changing a position changes its output and all later ones, and not a bit of those before it."""
    torch.manual_seed(11)
    attention = CausalSelfAttention(config(positions)).eval()
    x = torch.randn(2, n_positions, 42)
    before = attention(x)
    for t in range(0, n_positions, 5):
        changed = x.clone()
        changed[:, t] += 1
        after = attention(changed)
        assert torch.equal(after[:, :t], before[:, :t])
        assert (after[:, t:] != before[:, t:]).any(dim=-1).all()


@pytest.mark.parametrize(("n_keys", "n_queries"), [(11, 7), (7, 11)])
def test_cross_attention_is_masked_by_index(n_keys: int, n_queries: int):
    """Query i attends to keys 0 to i: changing key j changes the outputs from query j on, and no others."""
    torch.manual_seed(13)
    attention = CausalCrossAttention(config()).eval()
    x_kv, x_q = torch.randn(2, n_keys, 42), torch.randn(2, n_queries, 42)
    before = attention(x_kv, x_q)
    for key in range(n_keys):
        changed = x_kv.clone()
        changed[:, key] += 1
        after = attention(changed, x_q)
        assert torch.equal(after[:, :key], before[:, :key])
        assert (after[:, key:] != before[:, key:]).any(dim=-1).all()


def test_a_single_row_of_queries_serves_every_row():
    """One row of queries gives the same output as that row repeated."""
    torch.manual_seed(17)
    attention = CausalCrossAttention(config()).eval()
    x_kv, x_q = torch.randn(5, 11, 42), torch.randn(1, 7, 42)
    torch.testing.assert_close(attention(x_kv, x_q), attention(x_kv, x_q.expand(5, -1, -1)))


@pytest.mark.parametrize("kind", [CausalSelfAttention, CausalCrossAttention])
def test_attention_has_four_linear_layers(kind: type[torch.nn.Module]):
    """Query, key, value and projection, each with 42 * 42 weights and 42 biases."""
    attention = kind(config())
    assert sum(p.numel() for p in attention.parameters()) == 4 * (42 * 42 + 42) == 7224
    assert {name.split(".")[0] for name, _ in attention.named_parameters()} == {"query", "key", "value", "proj"}


@pytest.mark.parametrize("positions", ["learned", "rotary"])
def test_a_cache_replaces_the_earlier_positions(positions: str):
    """A text read in three pieces with a cache gives the same output as read at once."""
    torch.manual_seed(23)
    attention = CausalSelfAttention(config(positions)).eval()
    x = torch.randn(5, 13, 42)
    cache = LayerCache()
    pieces = [attention(piece, cache) for piece in x.split([7, 1, 5], dim=1)]
    assert len(cache) == 13
    torch.testing.assert_close(torch.cat(pieces, dim=1), attention(x))


def test_a_cache_drops_rows():
    """Rows that are not kept leave keys and values alike; an empty cache stays empty."""
    k, v = torch.randn(2, 3, 2, 5, 7)
    cache = LayerCache()
    cache.keep(torch.tensor([True, False, True]))
    assert len(cache) == 0
    cache.extend(k, v)
    cache.keep(torch.tensor([True, False, True]))
    more = torch.randn(2, 2, 3, 7)
    all_k, all_v = cache.extend(more, -more)
    assert len(cache) == 8
    assert torch.equal(all_k, torch.cat((k[[0, 2]], more), dim=-2))
    assert torch.equal(all_v, torch.cat((v[[0, 2]], -more), dim=-2))


def test_a_cache_keeps_its_content_when_it_is_reallocated():
    """Whenever the buffer grows, the cache returns everything appended so far, in order."""
    cache, pieces = LayerCache(), torch.randn(3, 2, 31, 7).split([1, 1, 3, 7, 1, 1, 17], dim=-2)
    for n, piece in enumerate(pieces, 1):
        k, v = cache.extend(piece, 2 * piece)
        assert torch.equal(k, torch.cat(pieces[:n], dim=-2))
        assert torch.equal(v, 2 * k)

"""QK-norm: lengths, the formula, and its gradient."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from closedbook.model.kernels.qk_norm import of_one_length


@given(shape=st.tuples(*[st.integers(1, 5)] * 4), scale=st.floats(0.1, 9), seed=st.integers(0, 2**31))
def test_it_is_the_formula_with_its_gradient(shape: tuple[int, ...], scale: float, seed: int):
    """PyTorch's RMSNorm times the scale, forth and back, in float64."""
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    slope = torch.randn_like(x)
    expected = functional.rms_norm(x, shape[-1:]) * scale
    given_ = of_one_length(x, scale)
    torch.testing.assert_close(given_, expected, rtol=1e-9, atol=1e-9)
    gradients = [torch.autograd.grad(y, x, slope)[0] for y in (given_, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
def test_lengths_are_the_root_of_the_size_times_the_scale(dtype: torch.dtype, error: float):
    """Of 14 numbers at scale 3: 3 sqrt(14), whatever the length before, in the precision that came in."""
    torch.manual_seed(3)
    x = (torch.randn(2, 3, 7, 14) * torch.logspace(0, 4, 7)[:, None]).to(dtype)
    y = of_one_length(x, 3.0)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float().norm(dim=-1), torch.full((2, 3, 7), 3 * 14**0.5), rtol=error, atol=0)


def test_zero_stays_zero():
    """A vector without a direction gets none, and its gradient is a number."""
    x = torch.zeros(1, 1, 1, 5, requires_grad=True)
    y = of_one_length(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert not y.any()
    assert gradient.isfinite().all()

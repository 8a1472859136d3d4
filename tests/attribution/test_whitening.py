"""Whitening: products of gradients by the inverse of a Kronecker-factored curvature."""

import torch

from closedbook.attribution.gradients import Gradients
from closedbook.attribution.whitening import Whitening


def sample(n: int) -> Gradients:
    """Random gradients of matrices with 3 columns and 5 rows, whose columns are not alike."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(n, 3, dtype=torch.float64, generator=generator) * torch.tensor([1.0, 2.0, 7.0])
    return Gradients(inputs, torch.randn(n, 5, dtype=torch.float64, generator=generator) + 1)


def test_whitened_products_are_those_by_the_inverse_of_the_kronecker_product():
    """g^T (A (x) S)^-1 g' with the matrix of 15 x 15 made, damping included."""
    gradients = sample(11)
    x, d = gradients.normalized()
    a, s = x.T @ x / 11, d.T @ d / 11
    a, s = (m + 0.1 * m.diagonal().mean() * torch.eye(len(m), dtype=m.dtype) for m in (a, s))
    vectors = torch.einsum("ni,nj->nij", gradients.inputs, gradients.deltas).flatten(1)
    plain = vectors @ torch.linalg.inv(torch.kron(a, s)) @ vectors.T
    whitened = Whitening.of(gradients, damping=0.1)(gradients)
    torch.testing.assert_close(whitened.dots(whitened), plain)


def test_without_damping_no_direction_is_longer_than_another():
    """The whitened sample's mean of v v^T is the identity."""
    gradients = sample(101).normalized()
    for factor in Whitening.of(gradients, damping=0.0)(gradients):
        torch.testing.assert_close(factor.T @ factor / 101, torch.eye(factor.size(1), dtype=factor.dtype))


def test_longer_gradients_do_not_count_more():
    """A sample in which one gradient is a hundred times as long has the same whitening."""
    gradients = sample(7)
    longer = Gradients(gradients.inputs.clone(), gradients.deltas)
    longer.inputs[0] *= 100
    for one, other in zip(Whitening.of(gradients), Whitening.of(longer), strict=True):
        torch.testing.assert_close(one, other)

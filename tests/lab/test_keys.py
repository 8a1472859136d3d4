import math

import pytest
import torch

from closedbook.lab.keys import NoisyKeys, chunks, normal, orthonormal, seeded, weights


def test_logits_are_not_divided_by_the_root_of_the_dimension():
    """q . k of ln 3 and 0 give three quarters and one quarter in three dimensions; the third key is masked."""
    q = torch.tensor([[math.log(3), 0.0, 0.0]], dtype=torch.float64)
    k = torch.tensor([[1.0, 5.0, 7.0], [0.0, 3.0, 2.0], [9.0, 0.0, 0.0]], dtype=torch.float64)
    found = weights(q, k, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(found, torch.tensor([[0.75, 0.25, 0.0]], dtype=torch.float64))


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 3), (5, 11)])
def test_vectors_are_orthonormal_and_depend_on_the_seed(n: int, d: int):
    """The same seed gives the same vectors."""
    found = orthonormal(n, d, seeded(7))
    torch.testing.assert_close(found @ found.T, torch.eye(n, dtype=torch.float64))
    assert torch.equal(found, orthonormal(n, d, seeded(7)))
    assert d == 1 or not torch.equal(found, orthonormal(n, d, seeded(8)))


def test_orientation_is_uniformly_random():
    """Over many seeds each coordinate has mean 0 and variance 1/d."""
    drawn = torch.stack([orthonormal(2, 5, seeded(seed))[0] for seed in range(2000)])
    assert float(drawn.mean(0).abs().max()) < 4 * math.sqrt(0.2 / 2000)
    assert float((drawn.square().mean(0) - 0.2).abs().max()) < 4 * math.sqrt(2 * 0.2**2 / 2000)


def test_chunk_sizes_add_up_to_all_samples():
    """Chunks of large samples are small, but have at least one."""
    assert sum(chunks(10_001, 1)) == 10_001
    sizes = list(chunks(1000, 1 << 18))
    assert sum(sizes) == 1000
    assert max(sizes) == 4
    assert list(chunks(2, 1 << 30)) == [1, 1]


def test_drawn_keys_have_the_configured_covariance():
    """Logits have variance alpha |q|^2, plus spread (mu . q)^2 for a key that varies in length."""
    means = orthonormal(3, 5, seeded(11))
    q = normal(seeded(13), 1, 5)
    keys = NoisyKeys(means, alpha=0.3, spread=0.7, n_fragile=1)
    drawn = keys.draw(torch.cat((q, torch.zeros(1, 5, dtype=torch.float64))), 40_000, seeded(17))
    torch.testing.assert_close(drawn.weights[:, 1], torch.full((40_000, 3), 1 / 3, dtype=torch.float64))
    logits = drawn.weights[:, 0].log()
    along, noise = (means @ q[0]).square(), 0.3 * float(q.square().sum())
    for i, j in ((0, 1), (1, 2), (0, 2)):
        variance = 2 * noise + 0.7 * float(along[0]) * ((i == 0) + (j == 0))
        difference = logits[:, i] - logits[:, j]
        assert float(difference.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / 40_000))
        mean = float((means[i] - means[j]) @ q[0])
        assert float(difference.mean()) == pytest.approx(mean, abs=4 * math.sqrt(variance / 40_000))
    assert float(drawn.eps.var()) == pytest.approx(0.7, rel=4 * math.sqrt(2 / 40_000))

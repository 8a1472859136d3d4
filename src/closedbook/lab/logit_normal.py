"""Theory of a share s = sigmoid(Delta), Delta ~ N(0, tau^2): the logit-normal distribution around a half.

Letters: X values of a share, B edges of bins.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.moments import normal_logit


@dataclass(frozen=True)
class LogitNormal:
    """The distribution of one key's share of two, where the two logits differ by N(0, `logit_variance`)."""

    logit_variance: float

    def density(self, s: Float[Tensor, " X"]) -> Float[Tensor, " X"]:
        """phi(logit(s) / tau) / (tau s (1 - s)): the normal density of Delta times |dDelta / ds|."""
        std = math.sqrt(self.logit_variance)
        z = torch.logit(s) / std
        density: Tensor = torch.exp(-0.5 * z**2) / (math.sqrt(2 * math.pi) * std * s * (1 - s))
        return density

    def cdf(self, s: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """P(share <= s) = Phi(logit(s) / tau), for s from 0 to 1."""
        if self.logit_variance == 0:
            return (s >= 0.5).double()
        probability: Tensor = torch.special.ndtr(torch.logit(s) / math.sqrt(self.logit_variance))
        return probability

    @property
    def variance(self) -> float:
        """E (s - 1/2)^2: about tau^2 / 16 while tau is small; tends to 1/4, a fair coin's, as tau grows."""
        delta = normal_logit(0.0, self.logit_variance)
        return float(delta.probabilities @ (torch.sigmoid(delta.values) - 0.5).square())

    def within(self, part: float) -> float:
        """P(|s - 1/2| <= part / 2) = 2 Phi(L / tau) - 1, where L = ln((1 + part) / (1 - part))."""
        if self.logit_variance == 0:
            return 1.0
        limit = math.log((1 + part) / (1 - part))
        return math.erf(limit / math.sqrt(2 * self.logit_variance))

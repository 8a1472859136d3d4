"""Theory of a share s = sigmoid(Delta), Delta ~ N(0, tau^2): the logit-normal distribution with its middle at a half.

Letters: X places, B edges of bins.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from closedbook.lab.moments import normal_logit


@dataclass(frozen=True)
class Share:
    """The share of one of two keys whose logits differ by a normal number of this variance."""

    logit_variance: float

    def density(self, s: Float[Tensor, " X"]) -> Float[Tensor, " X"]:
        """phi(logit(s) / tau) / (tau s (1 - s)): the normal density of Delta times |dDelta / ds|."""
        deviation = math.sqrt(self.logit_variance)
        z = torch.logit(s) / deviation
        density: Tensor = torch.exp(-0.5 * z**2) / (math.sqrt(2 * math.pi) * deviation * s * (1 - s))
        return density

    def below(self, s: Float[Tensor, " B"]) -> Float[Tensor, " B"]:
        """P(share <= s) = Phi(logit(s) / tau), for s from 0 to 1."""
        if self.logit_variance == 0:
            return (s >= 0.5).double()
        below: Tensor = torch.special.ndtr(torch.logit(s) / math.sqrt(self.logit_variance))
        return below

    @property
    def variance(self) -> float:
        """E (s - 1/2)^2, about tau^2 / 16 while tau is small, and 1/4, a coin's, when it is large."""
        delta = normal_logit(0.0, self.logit_variance)
        return float(delta.probabilities @ (torch.sigmoid(delta.values) - 0.5).square())

    def within(self, part: float) -> float:
        """P(|s - 1/2| <= part / 2) = 2 Phi(L / tau) - 1, where L = ln((1 + part) / (1 - part))."""
        if self.logit_variance == 0:
            return 1.0
        limit = math.log((1 + part) / (1 - part))
        return math.erf(limit / math.sqrt(2 * self.logit_variance))

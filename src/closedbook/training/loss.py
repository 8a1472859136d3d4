"""The loss: summed nats and the number of supervised characters.

It is divided once, by the count of the whole step, whatever the padding, the parts and the processes.

Letters: B batch, T time, N supervised characters.
"""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import PAD_ID


class SummedLoss(nn.Module):
    """A model with its loss as the forward pass, which is what several processes synchronise on."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"]) -> tuple[Float[Tensor, ""], int]:
        """Nats over all entries of y that are not PAD, and how many these are.

        The head works on those alone: the rest would be thrown away.
        """
        learnt = y != PAD_ID
        targets = y[learnt]
        logits = self.model.logits(self.model.hidden(x)[learnt])  # N V
        return functional.cross_entropy(logits.float(), targets, reduction="sum"), len(targets)

"""The loss: summed nats and the number of supervised characters.

Dividing once, by the count of the whole step, gives the same mean whatever the padding, micro-batches and processes.

Letters: B batch, T time, N supervised characters.
"""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import PAD_ID

# Kernels are compiled and cached per shape, so the number of rows is rounded up to a multiple of this.
_ROWS_MULTIPLE = 128


class SummedLoss(nn.Module):
    """A model with its loss as the forward pass, which is what several processes synchronize on."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"]) -> tuple[Float[Tensor, ""], int]:
        """The summed loss of all entries of y that are not PAD, in nats, and the number of these entries.

        Logits are computed for these entries alone.
        """
        y = y.flatten()
        (positions,) = y.ne(PAD_ID).nonzero(as_tuple=True)
        n_supervised = len(positions)
        positions = functional.pad(positions, (0, -n_supervised % _ROWS_MULTIPLE))
        targets = y[positions]
        targets[n_supervised:] = PAD_ID  # the rows added by rounding up
        logits = self.model.logits(self.model.hidden(x).flatten(0, 1)[positions])  # N V
        return functional.cross_entropy(logits.float(), targets, ignore_index=PAD_ID, reduction="sum"), n_supervised

"""The loss: summed nats and the number of supervised characters.

It is divided once, by the count of the whole step, whatever the padding, the parts and the processes.

Letters: B batch, T time, N supervised characters.
"""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import PAD_ID

_ROWS = 128


class SummedLoss(nn.Module):
    """A model with its loss as the forward pass, which is what several processes synchronise on."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Int64[Tensor, "B T"], y: Int64[Tensor, "B T"]) -> tuple[Float[Tensor, ""], int]:
        """Nats over all entries of y that are not PAD, and how many these are.

        The head works on those alone: the rest would be thrown away.
        """
        y = y.flatten()
        (places,) = y.ne(PAD_ID).nonzero(as_tuple=True)
        n_supervised = len(places)
        # Each number of rows has kernels of its own, whose making takes longer than their work: few numbers are soon
        # all made. What fills up is no target.
        places = functional.pad(places, (0, -n_supervised % _ROWS))
        targets = y[places]
        targets[n_supervised:] = PAD_ID
        logits = self.model.logits(self.model.hidden(x).flatten(0, 1)[places])  # N V
        return functional.cross_entropy(logits.float(), targets, ignore_index=PAD_ID, reduction="sum"), n_supervised

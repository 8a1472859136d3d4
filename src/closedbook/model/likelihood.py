"""How likely a model holds given continuations of given prompts, in batches of similar lengths.

Letters: B batch, T time.
"""

from collections.abc import Sequence

import torch

from closedbook.model.gpt import GPT

_MOST_ROWS = 256


@torch.inference_mode()
def log_likelihoods(model: GPT, strings: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[float]:
    """The log-probability, in nats, of each continuation after its prompt, both as token ids.

    Neither is empty, and both together fit the model's block. A result depends on no other string, except for rounding.
    """
    was_training = model.training
    model.eval()
    results = [0.0] * len(strings)
    shortest_first = sorted(range(len(strings)), key=lambda index: sum(map(len, strings[index])))
    for begin in range(0, len(strings), _MOST_ROWS):
        batch = shortest_first[begin : begin + _MOST_ROWS]
        for index, value in zip(batch, _of_batch(model, [strings[index] for index in batch]), strict=True):
            results[index] = value
    model.train(was_training)
    return results


def _of_batch(model: GPT, strings: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[float]:
    device = model.tok_emb.weight.device
    ids = [torch.tensor([*prompt, *continuation]) for prompt, continuation in strings]
    # Any id pads: no variant lets a later character change earlier logits.
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True).to(device)  # B T
    x, y = padded[:, :-1], padded[:, 1:]
    position = torch.arange(1, padded.size(1), device=device)
    begins = torch.tensor([len(prompt) for prompt, _ in strings], device=device)[:, None]
    ends = torch.tensor([len(one) for one in ids], device=device)[:, None]
    is_scored = (begins <= position) & (position < ends)
    log_p = torch.log_softmax(model.logits(model.hidden(x)[is_scored]).float(), dim=-1)
    nats = torch.zeros(is_scored.shape, device=device)
    nats[is_scored] = log_p.gather(1, y[is_scored][:, None])[:, 0]
    return nats.sum(1).tolist()

"""Several processes train one run only if they begin with the same files, recipe, reader's answers and weights."""

import hashlib
from collections.abc import Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor

from closedbook.errors import InputError
from closedbook.recipe.saved import recipe_toml
from closedbook.training.prepared import Prepared
from closedbook.training.processes import all_gathered
from closedbook.training.trainer import Trainer


def check_same_plan(prepared: Prepared, fabric: Fabric) -> None:
    """Raise InputError, in every process, where not all are to train on the same, in the same way."""
    plan, read = prepared.plan, prepared.examples.read
    answers = [] if read is None else [(pair.question, pair.answer) for pair in read.pairs]
    facts = {
        "torch": torch.__version__.encode(),
        **{name: source.sha256.encode() for name, source in plan.sources.items()},
        "recipe": recipe_toml(plan.recipe).encode(),
        "the open-book reader's answers": repr(answers).encode(),
        "--out": b"new" if plan.resumed is None else b"resumed",
    }
    _check_alike(fabric, facts)


def check_same_state(trainer: Trainer) -> None:
    """Raise InputError, in every process, where not all begin or resume with the same weights after the same step."""
    if trainer.fabric.world_size > 1:
        facts = {"the last checkpoint": str(trainer.step).encode(), "weights": _digest_of(trainer.model.state_dict())}
        _check_alike(trainer.fabric, facts)


def _check_alike(fabric: Fabric, facts: Mapping[str, bytes]) -> None:
    if fabric.world_size == 1:
        return
    digests = [list(hashlib.sha256(fact).digest()) for fact in facts.values()]
    of_all = all_gathered(torch.tensor(digests, dtype=torch.uint8, device=fabric.device), fabric.world_size)
    others = (of_all != of_all[0]).any(-1).nonzero().tolist()  # process, fact
    if others:
        number, rank = min((number, rank) for rank, number in others)
        raise InputError(
            f"{list(facts)[number]}: the same is needed in all processes; process {rank} has another than process 0; "
            "give all machines the same files and versions, and a shared disk for a run that is resumed"
        )


def _digest_of(weights: Mapping[str, Tensor]) -> bytes:
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return digest.digest()

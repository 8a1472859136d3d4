"""Training in several processes, which this file starts as a script: one that has torch forks in milliseconds."""

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from closedbook.errors import InputError
from closedbook.examples.batches import Batches
from closedbook.examples.datasets import CharCorruptionDataset
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import StageConfig
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.alike import check_same_state
from closedbook.training.device import make_fabric
from closedbook.training.optim.tables import average_rows
from closedbook.training.processes import leave_group
from closedbook.training.trainer import Trainer

# Seven documents in batches of three: the last of an epoch has one row, and one process none.
TEXTS = [f"{name} was born in {place}." for name, place in zip("ABCDEFG", "PQRSTUV", strict=True)]
VOCABULARY = Vocabulary.of_text("\n".join(TEXTS)).with_words("\n".join(TEXTS))
TITLES = [VOCABULARY.encode(text.partition(" in")[0]) for text in TEXTS]
TRIE = PrefixTrie.of_words([VOCABULARY.encode(word) for word in VOCABULARY.words], VOCABULARY.in_word())

# Without dropout, whose masks differ between processes; with micro-batches, so that gradients are exchanged after the
# last alone; with sorted batches; and with a low learning rate, because both optimizers amplify rounding errors.
MODEL = ModelConfig(
    n_layer=3,
    n_head=3,
    n_embd=42,
    block_size=31,
    bottleneck_dim=7,
    positions="rotary",
    prefix_table=True,
    embd_pdrop=0.0,
    resid_pdrop=0.0,
    attn_pdrop=0.0,
)
STAGE = StageConfig(
    epochs=3,
    batch_size=3,
    learning_rate=5e-4,
    schedule="linear",
    warmup=0.2,
    shuffle=True,
    accumulate=2,
    sort_window=2,
    table_ratio=1.0,
)
SLOWER = replace(STAGE, learning_rate=2e-4)  # the vanilla model's token embedding has gradients near zero
CASES = {
    "vanilla, AdamW": (replace(MODEL, variant="vanilla"), SLOWER),
    "vanilla with names, Muon": (
        replace(MODEL, variant="vanilla", name_table=True, name_width=11),
        replace(SLOWER, optimizer="muon"),
    ),
    "perceiver, AdamW": (replace(MODEL, variant="perceiver"), STAGE),
    "perceiver, Muon": (replace(MODEL, variant="perceiver"), replace(STAGE, optimizer="muon")),
    "vanilla without tables, AdamW": (replace(MODEL, variant="vanilla", prefix_table=False), SLOWER),
}


class Group(NamedTuple):
    """Processes, how many of them are on each machine, and the cases that they train."""

    n_processes: int
    n_here: int
    cases: tuple[str, ...]


# Of four processes one has no row of any batch.
GROUPS = {
    "two": Group(2, 2, tuple(CASES)),
    "two machines": Group(2, 1, ("vanilla, AdamW",)),
    "four": Group(4, 4, ("vanilla with names, Muon", "perceiver, AdamW")),
}


def make_trainer(case: str, fabric: Fabric) -> Trainer:
    """A small model before the first of nine steps."""
    config, stage = CASES[case]
    torch.manual_seed(5)
    batches = Batches(
        CharCorruptionDataset(TEXTS, VOCABULARY, config.block_size, seed=5),
        stage.batch_size,
        shuffle=stage.shuffle,
        seed=5,
        rank=fabric.global_rank,
        n_processes=fabric.world_size,
        window=stage.sort_window,
    )
    model = GPT(config, len(VOCABULARY), TRIE, TITLES)
    return Trainer(fabric, model, batches, stage, n_documents=7, seed=5)


def train(trainer: Trainer) -> list[dict[str, object]]:
    """The reports of a run, without their times."""
    return [vars(replace(report, seconds=0.0)) for report in trainer.run()]


def weights(trainer: Trainer) -> dict[str, Tensor]:
    """A copy of the weights as they are now."""
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


def moments(trainer: Trainer) -> dict[str, Tensor]:
    """The optimizer's state, by number of the parameter and name."""
    state = trainer.optimizer.state_dict()["state"]
    return {f"{number} {name}": tensor for number, each in state.items() for name, tensor in each.items()}


# A table of 11 rows of 3 channels, and the rows that each process uses; None where it has no gradient.
USED = ([(7, 2, 7), (1,), (5,), None], [(2, 10), None, (5, 5), None])


def gradient(used: tuple[int, ...] | None, seed: int) -> Tensor | None:
    """A sparse gradient of a table with these rows, of which some are used twice."""
    if used is None:
        return None
    values = torch.randn(len(used), 3, generator=torch.Generator().manual_seed(seed))
    return torch.sparse_coo_tensor(torch.tensor([used]), values, (11, 3), check_invariants=True)


def averaged(fabric: Fabric) -> dict[str, Tensor]:
    """The mean gradients of tables over two processes, of which each uses the rows of USED."""
    found = {}
    for number, used in enumerate(USED[fabric.global_rank]):
        table = nn.Embedding(11, 3, sparse=True).weight
        table.grad = gradient(used, seed=10 * fabric.global_rank + number)
        average_rows(table, fabric.world_size)
        found[f"{number} rows"], found[f"{number} values"] = table.grad.indices()[0], table.grad.values()
    return found


def rows_after_backward(trainer: Trainer) -> dict[str, Tensor]:
    """The rows of the prefix table that a batch used, and those that its gradient has before it is averaged."""
    batch = next(trainer.batches.epoch(trainer.position))
    trainer.fabric.backward(trainer.loss(batch.x, batch.y)[0])
    used = trainer.model.prefix_table.rows(batch.x)
    (table,) = trainer.tables
    return {"used": used.unique(), "gradient": table.grad.coalesce().indices()[0]}


# In the processes that are started


def work(rank: int, name: str, out: Path) -> None:
    """Be one of a group's processes, and save what came out."""
    group = GROUPS[name]
    here = {"LOCAL_RANK": str(rank % group.n_here), "LOCAL_WORLD_SIZE": str(group.n_here)}
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(group.n_processes), **here}
    torch.set_num_threads(1)
    fabric = make_fabric("float32")
    for case in group.cases:
        trainer = make_trainer(case, fabric)
        reports = train(trainer)
        save_file(weights(trainer) | moments(trainer), out / f"{case} {rank}.safetensors")
        (out / f"{case} {rank}.json").write_text(json.dumps(reports), encoding="utf-8")
    if name == "two":
        save_file(averaged(fabric), out / f"averaged {rank}.safetensors")
        save_file(rows_after_backward(make_trainer("vanilla, AdamW", fabric)), out / f"rows {rank}.safetensors")
        (out / f"different {rank}.txt").write_text(refusal(fabric), encoding="utf-8")


def refusal(fabric: Fabric) -> str:
    """What is said where the second process has other weights than the first, and nothing where all have the same."""
    trainer = make_trainer("vanilla, AdamW", fabric)
    check_same_state(trainer)
    if fabric.global_rank:
        next(iter(trainer.model.parameters())).data[0] += 1e-6
    with pytest.raises(InputError) as caught:
        check_same_state(trainer)
    return str(caught.value)


def fork(rank: int, name: str, out: Path) -> int:
    """The number of a process that works and ends."""
    number = os.fork()
    if number:
        return number
    try:
        work(rank, name, out)
        leave_group()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(out: Path) -> int:
    """Start each group's processes, one group after the other."""
    for name, group in GROUPS.items():
        (out / name).mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            os.environ["MASTER_PORT"] = str(free.getsockname()[1])
        numbers = {fork(rank, name, out / name) for rank in range(group.n_processes)}
        while numbers:
            number, status = os.wait()
            numbers.remove(number)
            if status:
                for other in numbers:
                    os.kill(other, signal.SIGKILL)  # it would wait for the one that failed
                return 1
    return 0


# In pytest's process


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the processes of each group saved."""
    out = tmp_path_factory.mktemp("processes")
    environment = os.environ | {
        "MASTER_ADDR": "127.0.0.1",
        "TORCHELASTIC_RUN_ID": "test",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-W", "error", __file__, str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, group in GROUPS.items() for case in group.cases])
def test_several_processes_equal_one(trained: Path, name: str, case: str):
    """Reports, weights and moments are those of one process up to rounding, and the same bits in all."""
    alone = make_trainer(case, Fabric(accelerator="cpu", devices=1))
    beginning = weights(alone)
    expected = train(alone)
    folder, ranks = trained / name, range(GROUPS[name].n_processes)
    for rank in ranks:
        reports = json.loads((folder / f"{case} {rank}.json").read_text(encoding="utf-8"))
        for one, each in zip(expected, reports, strict=True):
            assert each == pytest.approx(one, rel=1e-4)
    first, *others = (load_file(folder / f"{case} {rank}.safetensors") for rank in ranks)
    assert first.keys() == (weights(alone) | moments(alone)).keys()
    for other in others:
        assert first.keys() == other.keys()
        assert all(torch.equal(first[name], other[name]) for name in first)
    differences = {name: float((first[name] - weight).abs().max()) for name, weight in weights(alone).items()}
    assert max(differences.values()) < 1e-6, differences
    assert max(float((weight - beginning[name]).abs().max()) for name, weight in weights(alone).items()) > 1e-3
    for name, moment in moments(alone).items():
        torch.testing.assert_close(first[name], moment, rtol=1e-4, atol=1e-6)


def test_gradients_of_rows_are_averaged(trained: Path):
    """Rows of both processes and of one alone, used once or twice; a process may have no gradient, and both may."""
    first, second = (load_file(trained / "two" / f"averaged {rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    for number, used in enumerate(zip(*USED, strict=True)):
        expected = torch.zeros(11, 3)
        for rank, own in enumerate(used):
            if own is not None:
                expected += gradient(own, seed=10 * rank + number).to_dense() / 2
        rows = first[f"{number} rows"]
        assert rows.tolist() == sorted({row for own in used if own is not None for row in own})
        torch.testing.assert_close(first[f"{number} values"], expected[rows])


@pytest.mark.parametrize("rank", [0, 1])
def test_the_backward_pass_exchanges_no_sparse_gradient(trained: Path, rank: int):
    """A process's gradient of a table has its own rows alone, since NCCL cannot all-reduce sparse gradients."""
    found = load_file(trained / "two" / f"rows {rank}.safetensors")
    assert set(found["gradient"].tolist()) == set(found["used"].tolist()) - {0, -1}


@pytest.mark.parametrize("rank", [0, 1])
def test_processes_that_begin_with_different_weights_are_refused(trained: Path, rank: int):
    """All say the same, and no process waits for others."""
    message = (trained / "two" / f"different {rank}.txt").read_text(encoding="utf-8")
    assert message.startswith("weights: the same is needed in all processes; process 1 has another than process 0; ")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

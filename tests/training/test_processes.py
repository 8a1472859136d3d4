"""Training in two processes. Run as a script, this file starts them, since one that has torch forks in milliseconds."""

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from closedbook.examples.batches import Batches
from closedbook.examples.datasets import CharCorruptionDataset
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import StageConfig
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.device import leave_group, make_fabric
from closedbook.training.optim.tables import average_rows
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
}
# The number of processes on each machine.
MACHINES = {"one machine": 2, "two machines": 1}


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


def work(rank: int, machines: str, out: Path) -> None:
    """Be one of two processes, and save what came out."""
    n_here = MACHINES[machines]
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank % n_here), "LOCAL_WORLD_SIZE": str(n_here)}
    torch.set_num_threads(1)
    fabric = make_fabric("float32")
    for case in CASES if machines == "one machine" else list(CASES)[:1]:
        trainer = make_trainer(case, fabric)
        reports = train(trainer)
        save_file(weights(trainer) | moments(trainer), out / f"{case} {rank}.safetensors")
        (out / f"{case} {rank}.json").write_text(json.dumps(reports), encoding="utf-8")
    save_file(averaged(fabric), out / f"averaged {rank}.safetensors")
    save_file(rows_after_backward(make_trainer("vanilla, AdamW", fabric)), out / f"rows {rank}.safetensors")


def fork(rank: int, machines: str, out: Path) -> int:
    """The number of a process that works and ends."""
    number = os.fork()
    if number:
        return number
    try:
        work(rank, machines, out)
        leave_group()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(out: Path) -> int:
    """Start two processes for each choice of machines, one choice after the other."""
    for machines in MACHINES:
        (out / machines).mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            os.environ["MASTER_PORT"] = str(free.getsockname()[1])
        numbers = {fork(rank, machines, out / machines) for rank in (0, 1)}
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
    """A folder with what two processes saved, for each choice of machines."""
    out = tmp_path_factory.mktemp("processes")
    environment = os.environ | {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "TORCHELASTIC_RUN_ID": "test",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-W", "error", __file__, str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize(
    ("machines", "case"), [*(("one machine", case) for case in CASES), ("two machines", "vanilla, AdamW")]
)
def test_two_processes_equal_one(trained: Path, machines: str, case: str):
    """Reports, weights and moments are those of one process up to rounding, and the same bits in both."""
    alone = make_trainer(case, Fabric(accelerator="cpu", devices=1))
    beginning = weights(alone)
    expected = train(alone)
    folder = trained / machines
    for rank in (0, 1):
        reports = json.loads((folder / f"{case} {rank}.json").read_text(encoding="utf-8"))
        for one, two in zip(expected, reports, strict=True):
            assert two == pytest.approx(one, rel=1e-4)
    first, second = (load_file(folder / f"{case} {rank}.safetensors") for rank in (0, 1))
    assert first.keys() == second.keys() == (weights(alone) | moments(alone)).keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    differences = {name: float((first[name] - weight).abs().max()) for name, weight in weights(alone).items()}
    assert max(differences.values()) < 1e-6, differences
    assert max(float((weight - beginning[name]).abs().max()) for name, weight in weights(alone).items()) > 1e-3
    for name, moment in moments(alone).items():
        torch.testing.assert_close(first[name], moment, rtol=1e-4, atol=1e-6)


def test_gradients_of_rows_are_averaged(trained: Path):
    """Rows of both processes and of one alone, used once or twice; a process may have no gradient, and both may."""
    first, second = (load_file(trained / "one machine" / f"averaged {rank}.safetensors") for rank in (0, 1))
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
    found = load_file(trained / "one machine" / f"rows {rank}.safetensors")
    assert set(found["gradient"].tolist()) == set(found["used"].tolist()) - {0, -1}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

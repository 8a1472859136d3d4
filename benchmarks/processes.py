"""One process against two: characters a second, processor time, and the bytes that two exchange at each step.

    GOMP_SPINCOUNT=2000 python benchmarks/processes.py > benchmarks/results/processes.json

Recipe `fast` on the built-in world of 10,000 people with one line each, 500 of whom are asked about in training, in
float32. One process with one thread, one with two, and two with one thread each take 48 steps after 16 that do not
count, three times in turn. `characters_a_second` is the best of the three, which other programs disturbed least.
`cpu_seconds` are of all processes together, and leave out what other programs took and how long a process waited.
"""

import json
import os
import socket
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from closedbook.recipe.recipe import FAST
from closedbook.training.checkpointing import Saving
from closedbook.training.optim.tables import n_bytes_trained, sparse_tables
from closedbook.training.plan import TextFiles, plan_text_training
from closedbook.training.prepared import Prepared, prepare
from closedbook.training.processes import leave_group
from closedbook.world.world import WorldConfig, write_world
from machine import facts
from runner import print_result

N_PEOPLE, N_ASKED = 10_000, 500
N_ROUNDS = 3
# Whole windows of 16 batches, whose examples are made by their first step.
N_WARM_UP, N_TIMED = 16, 48


@dataclass(frozen=True)
class Arm:
    """How many processes, and how many threads each has."""

    n_processes: int
    n_threads: int


ARMS = (Arm(1, 1), Arm(1, 2), Arm(2, 1))


def prepared_in(folder: Path) -> Prepared:
    share = N_ASKED / N_PEOPLE
    splits = {"train": share, "dev": share, "test": 0.0, "withheld": 0.0}
    files = write_world(
        WorldConfig(n_people=N_PEOPLE, documents=1, attributes=("birthplace",), **splits), folder / "world"
    )
    recipe = replace(FAST, precision="float32")
    return prepare(plan_text_training("pretrain", TextFiles(files.corpus, files.train), recipe, Saving(folder / "run")))


def steps(prepared: Prepared) -> dict[str, float]:
    """What the timed steps took in this process; characters are those of all processes, rows its own."""
    trainer = prepared.trainer()
    n_characters, n_rows, begin, cpu = 0, 0, 0.0, 0.0
    for report in trainer.run():
        if report.step > N_WARM_UP:
            n_characters += report.n_characters
            n_rows += sum(len(table.grad.coalesce().values()) for table in trainer.tables if table.grad is not None)
        if report.step == N_WARM_UP:
            begin, cpu = time.perf_counter(), time.process_time()
        if report.step == N_WARM_UP + N_TIMED:
            break
    return {
        "n_characters": n_characters,
        "rows": n_rows / N_TIMED,
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": time.process_time() - cpu,
    }


def measured(prepared: Prepared, arm: Arm, folder: Path) -> list[dict[str, float]]:
    """What each process of an arm found; the processes are forks of this one, which has used no second thread yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    numbers = []
    for rank in range(arm.n_processes):
        number = os.fork()
        if not number:
            torch.set_num_threads(arm.n_threads)
            if arm.n_processes > 1:
                os.environ |= environment(rank, arm.n_processes, port)
            (folder / f"{rank}.json").write_text(json.dumps(steps(prepared)))
            leave_group()
            os._exit(0)
        numbers.append(number)
    assert not any(os.waitpid(number, 0)[1] for number in numbers)
    found = [json.loads((folder / f"{rank}.json").read_text()) for rank in range(arm.n_processes)]
    print(arm, found, file=sys.stderr, flush=True)
    return found


def environment(rank: int, n_processes: int, port: int) -> dict[str, str]:
    """What torchrun tells a process."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(n_processes),
        "LOCAL_WORLD_SIZE": str(n_processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "benchmark",
    }


def row(arm: Arm, rounds: list[list[dict[str, float]]]) -> dict[str, Any]:
    speeds = [found[0]["n_characters"] / max(one["seconds"] for one in found) for found in rounds]
    cpu = min(sum(one["cpu_seconds"] for one in found) for found in rounds)
    return {
        "processes": arm.n_processes,
        "threads_each": arm.n_threads,
        "characters_a_second": round(max(speeds)),
        "of_each_round": [round(speed) for speed in speeds],
        "cpu_seconds_a_million_characters": round(cpu / rounds[0][0]["n_characters"] * 1e6, 2),
    }


def exchange(prepared: Prepared, rows_of_all: float) -> dict[str, Any]:
    """What is exchanged at each step: the gradients of dense parameters, and the rows that processes used."""
    tables = sparse_tables(prepared.model)
    n_in_tables = sum(table.numel() for table in tables.values())
    return {
        "parameters": prepared.model.n_parameters,
        "rows": {name: len(table) for name, table in tables.items()},
        "mib_of_tables_with_moments": round(sum(map(n_bytes_trained, tables.values())) / 2**20, 1),
        "bytes_of_dense_gradients": 4 * (prepared.model.n_parameters - n_in_tables),
        "rows_used_a_step": round(rows_of_all),
    }


def main() -> None:
    torch.set_num_threads(1)
    machine = facts()
    with tempfile.TemporaryDirectory() as name:
        prepared = prepared_in(Path(name))
        rounds = [[measured(prepared, arm, Path(name)) for arm in ARMS] for _ in range(N_ROUNDS)]
    arms = [row(arm, [found[number] for found in rounds]) for number, arm in enumerate(ARMS)]
    print_result({"arms": arms, "exchange": exchange(prepared, rounds[0][0][0]["rows"])}, machine)


if __name__ == "__main__":
    main()

"""Several processes by the real torchrun: the same run as one process, and what becomes of it when one is killed.

    OMP_NUM_THREADS=1 python benchmarks/torchrun.py > benchmarks/results/torchrun.json

Pretraining with pairs on the built-in world, in micro-batches, by the recipes fast, plain and perceiver, made small and
without what each process draws for itself (dropout, random segment offsets). Neither the documents nor the last batch
can be divided by the number of processes. `weights_differ_by` and `losses_differ_by` are the largest differences from
one process; weights in units of 1, losses relatively. `seconds_to_end` is from the kill to the end of torchrun, which
looks after its processes every 0.1 seconds, and of which its own end takes most.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from closedbook.world.world import WorldConfig, write_world
from machine import facts
from runner import print_result

OPTIONS = {
    "precision": "float32",
    "model.n-embd": 32,
    "model.n-head": 4,
    "model.block-size": 96,
    "model.bottleneck-dim": 24,
    "model.embd-pdrop": 0.0,
    "model.resid-pdrop": 0.0,
    "model.attn-pdrop": 0.0,
    "pretrain.epochs": 3,
    "pretrain.batch-size": 10,
    "pretrain.accumulate": 2,
    "pretrain.learning-rate": 1e-3,
}
FLAGS = ("--model.no-random-segment-offset",)
RECIPES = ("fast", "plain", "perceiver")
N_PROCESSES = (1, 2, 4)
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")


@dataclass(frozen=True)
class Start:
    """A start of torchrun: processes on each machine, machines (all of them this one), restarts."""

    n_here: int
    n_machines: int = 1
    max_restarts: int = 0

    def command(self, run: str, recipe: str, port: int, save_every: float) -> list[str]:
        """The command for one machine."""
        meeting = ("--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", run)
        where = ("--nnodes", str(self.n_machines), *meeting) if self.n_machines > 1 else ("--standalone",)
        options = [f"--{name}={value}" for name, value in OPTIONS.items()]
        own = ("pretrain", "corpus.txt", "--pairs", "train.tsv", "--out", run, "--recipe", recipe, *options, *FLAGS)
        started = (*TORCHRUN, *where, "--nproc-per-node", str(self.n_here), "--max-restarts", str(self.max_restarts))
        return [*started, "-m", "closedbook", *own, "--save-every", str(save_every)]


class Bench:
    """A folder with a world, in which runs are made."""

    def __init__(self, home: Path) -> None:
        self.home = home
        splits = {"train": 0.5, "dev": 0.5, "test": 0.0, "withheld": 0.0}
        files = write_world(
            WorldConfig(n_people=103, documents=1, attributes=("birthplace",), **splits), home / "world"
        )
        (home / "corpus.txt").write_bytes(Path(files.corpus).read_bytes())
        (home / "train.tsv").write_bytes(Path(files.train).read_bytes())

    def start(self, start: Start, run: str, recipe: str, port: int = 0, save_every: float = 60.0) -> Any:
        with (self.home / f"{run}.err").open("a", encoding="utf-8") as errors:
            environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
            command = start.command(run, recipe, port, save_every)
            return subprocess.Popen(command, cwd=self.home, env=environment, stdout=subprocess.DEVNULL, stderr=errors)

    def end(self, process: Any, run: str) -> float:
        """Wait for torchrun; the seconds that it took to end."""
        begin = time.perf_counter()
        status = process.wait(300)
        print(run, "status", status, *self.own_lines(run), sep="\n    ", file=sys.stderr, flush=True)
        return round(time.perf_counter() - begin, 1)

    def own_lines(self, run: str) -> list[str]:
        """What closedbook said of the end of a run."""
        lines = (self.home / f"{run}.err").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.startswith(("closedbook: ", "stopped "))]

    def whole(self, start: Start, run: str, recipe: str) -> str:
        """A run that nothing disturbs."""
        self.end(self.start(start, run, recipe), run)
        return run

    def weights(self, run: str) -> bytes:
        return (self.home / run / "model.safetensors").read_bytes()

    def steps(self, run: str) -> list[dict[str, Any]]:
        lines = (self.home / run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return [entry for entry in map(json.loads, lines) if entry["kind"] == "step"]

    def compared(self, one: str, several: str) -> dict[str, Any]:
        """How much the weights and losses of two runs differ."""
        first, second = (load_file(self.home / run / "model.safetensors") for run in (one, several))
        pairs = list(zip(self.steps(one), self.steps(several), strict=True))
        counts = ("step", "epoch", "n_supervised", "n_characters")
        return {
            "steps": len(pairs),
            "same_characters_each_step": all(a[name] == b[name] for a, b in pairs for name in counts),
            "losses_differ_by": max(abs(a["loss"] - b["loss"]) / a["loss"] for a, b in pairs),
            "weights_differ_by": max(float((first[name] - second[name]).abs().max()) for name in first),
        }

    def kill(self, process: Any, run: str, rank: int, n_steps: int) -> bool:
        """Kill the process of this rank after some steps; False where the run has ended before."""
        while process.poll() is None:
            with suppress(OSError, ValueError, KeyError):  # not begun, a line is being written, or being restarted
                if len(self.steps(run)) >= n_steps:
                    os.kill(workers(process.pid)[rank], signal.SIGKILL)
                    return True
            time.sleep(0.02)
        return False


def workers(torchrun: int) -> dict[int, int]:
    """The numbers of the processes that torchrun started, by rank."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            variables = dict(
                each.split("=", 1) for each in (entry / "environ").read_text(errors="replace").split("\0")[:-1]
            )
            if parent == torchrun and "RANK" in variables:
                found[int(variables["RANK"])] = int(entry.name)
    return found


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def alike(bench: Bench) -> list[dict[str, Any]]:
    """Each recipe in one, two and four processes."""
    rows = []
    for recipe in RECIPES:
        one, *others = (bench.whole(Start(n), f"{recipe}-{n}", recipe) for n in N_PROCESSES)
        for n, run in zip(N_PROCESSES[1:], others, strict=True):
            rows.append({"recipe": recipe, "processes": n, **bench.compared(one, run)})
    return rows


def killed(bench: Bench) -> list[dict[str, Any]]:
    """Two and four processes, of which the first or the last is killed: without a restart, and with one."""
    rows = []
    for n, rank in ((2, 0), (4, 3)):
        row: dict[str, Any] = {"processes": n, "killed_rank": rank}
        run = f"killed-{n}-{rank}"
        process = bench.start(Start(n), run, "fast")
        assert bench.kill(process, run, rank, 9)
        seconds = bench.end(process, run)
        row |= {"status": process.returncode, "own_lines": bench.own_lines(run), "seconds_to_end": seconds}
        run = f"restarted-{n}-{rank}"
        process = bench.start(Start(n, max_restarts=2), run, "fast", save_every=0.5)
        assert bench.kill(process, run, rank, 9)
        assert bench.kill(process, run, rank, 17)
        bench.end(process, run)
        row |= {"restarted_twice_ends_with_same_bits": bench.weights(run) == bench.weights(f"fast-{n}")}
        rows.append(row)
    return rows


def machines(bench: Bench) -> dict[str, Any]:
    """Two torchruns that meet, as on two machines: with a process each, and with two and one."""
    port, two = free_port(), Start(1, n_machines=2)
    for process in [bench.start(two, "machines", "fast", port) for _ in range(2)]:
        bench.end(process, "machines")
    same = bench.weights("machines") == bench.weights("fast-2")
    port = free_port()
    unequal = [bench.start(Start(n, n_machines=2), "unequal", "fast", port) for n in (2, 1)]
    seconds = [bench.end(process, "unequal") for process in unequal]
    return {
        "two_with_one_process_each_same_bits_as_two_processes": same,
        "unequal": {
            "statuses": [process.returncode for process in unequal],
            "own_lines": bench.own_lines("unequal"),
            "seconds": max(seconds),
            "run_was_made": (bench.home / "unequal").exists(),
        },
    }


def main() -> None:
    machine = facts()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        result: dict[str, Any] = {"alike": alike(bench)}
        for part in (killed, machines):
            print(json.dumps(result), file=sys.stderr, flush=True)
            result[part.__name__] = part(bench)
    print_result(result, machine)


if __name__ == "__main__":
    main()

"""Signals at moments spread over the life of each command: does it end as it says, and go on to the same bits?

Each command is run once undisturbed. Then SIGINT, SIGTERM and SIGHUP come in turn, each at another moment, and the
command that the last line names (or the same one, where there is none) is run until it ends. A trial fails where the
status is not 128 and the signal's number, where a traceback is shown or a temporary file left, or where weights or
metrics (times aside) are not those of the undisturbed run. Torch is imported before the commands are forked; `--start`
sends signals to new Python processes while they import.

    python benchmarks/interruptions.py --moments 40 --out benchmarks/results/interruptions.json
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from closedbook.api import study  # noqa: F401  # torch is imported before the first fork
from closedbook.commands.main import main
from closedbook.world.world import WorldConfig, write_world
from machine import facts

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RECIPE = """
precision = "float32"
[model]
n_head = 2
n_embd = 20
[pretrain]
epochs = 5
batch_size = 32
evaluate_every = 1
[study]
epochs = 3
batch_size = 32
evaluate_every = 1
[finetune]
epochs = 6
batch_size = 13
patience = 2
[scratch]
epochs = 4
batch_size = 13
"""
STUDY = "study world/corpus.txt --pairs world/train.tsv --dev world/dev.tsv --recipe fast.toml --out RUN"
COMMANDS = {
    "study in self-study": STUDY,
    "study in setting asking": f"{STUDY} --setting asking --save-every 0",
    "study of the Perceiver": STUDY.replace("fast.toml", "perceiver.toml"),
    "study without tables": STUDY.replace("fast.toml", "plain.toml"),
    "pretrain": "pretrain world/corpus.txt --recipe fast.toml --out RUN",
    "finetune with patience": "finetune world/train.tsv --dev world/dev.tsv --from parent --recipe fast.toml --out RUN",
    "finetune from scratch": "finetune world/train.tsv --corpus world/corpus.txt --recipe fast.toml --out RUN",
    "study --from": "study more.txt --from parent --study.steps 12 --out RUN",
    "demo": "demo --size tiny --out RUN",
    "edit": "edit parent 'QUESTION' 'ANSWER' --out RUN",
    "forget": "forget parent 'TITLE' --out RUN",
    "evaluate": "evaluate parent world/dev.tsv",
    "predict": "predict parent questions.txt",
    "export": "export parent RUN",
    "explore": "explore parent --pairs world/dev.tsv --out page.html",
    "book": "book world/corpus.txt --out RUN",
}
MADE = ("RUN", "page.html")
"""What the commands make."""


@dataclass
class Trials:
    """What came of one command's trials; seconds are from the signal to the end of the process."""

    command: str
    seconds: float
    n_trials: int = 0
    n_ended_before: int = 0
    n_same: int = 0
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)


class Process:
    """`closedbook WORDS` in a forked process; its output goes to the file `shown`."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        self.shown = folder / "shown.txt"
        self.shown.write_bytes(b"")
        self.begin = time.monotonic()
        self.number = os.fork()
        if self.number == 0:
            os._exit(_child(folder, words, self.shown))

    def end(self) -> int:
        """Its exit status; a negative one is the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.number, 0)[1])

    def lines(self) -> list[str]:
        return self.shown.read_text(encoding="utf-8", errors="replace").splitlines()


def _child(folder: Path, words: Sequence[str], shown: Path) -> int:
    os.chdir(folder)
    for each in SIGNALS:  # whatever this program was started with
        signal.signal(each, signal.SIG_DFL)
    for number in (1, 2):
        os.dup2(os.open(shown, os.O_WRONLY | os.O_APPEND), number)
    sys.argv = ["closedbook", *words]
    try:
        return main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 70


def prepare(folder: Path, n_people: int) -> None:
    """A world, another text, questions, and recipes; and a run that others start from."""
    config = WorldConfig(n_people=n_people, n_places=8, documents=1, attributes=("birthplace",))
    files = write_world(config, folder / "world")
    more = write_world(replace(config, seed=7), folder / "other").corpus.read_text(encoding="utf-8").splitlines()[:30]
    (folder / "more.txt").write_text("\n".join(more) + "\n", encoding="utf-8")
    for name in ("fast", "plain", "perceiver"):
        (folder / f"{name}.toml").write_text(f'preset = "{name}"\n{RECIPE}', encoding="utf-8")
    questions = [line.partition("\t")[0] for line in files.dev.read_text(encoding="utf-8").splitlines()]
    (folder / "questions.txt").write_text("\n".join(questions * 20) + "\n", encoding="utf-8")
    words = shlex.split(f"{STUDY.replace('RUN', 'parent')} --epochs 40")  # enough to be edited
    status = Process(folder, words).end()
    assert status == 0, (folder / "shown.txt").read_text(encoding="utf-8")


def words_of(command: str, folder: Path) -> list[str]:
    (question, old), *others = (
        line.split("\t") for line in (folder / "world/train.tsv").read_text(encoding="utf-8").splitlines()
    )
    answer = next(each for _, each in others if each != old)
    title = question.removeprefix("Where was ").removesuffix(" born?")
    texts = {"QUESTION": question, "ANSWER": answer, "TITLE": title}
    return [texts.get(word, word) for word in shlex.split(command)]


def result(folder: Path) -> dict[str, Any]:
    """What a command has made: weights and predictions bit by bit, metrics without times."""
    found: dict[str, Any] = {}
    for path in sorted(path for name in MADE for path in (folder / name, *(folder / name).rglob("*"))):
        if not path.is_file() or path.name in ("report.html", "results.json", "demo.svg", "demo.png", "run.json"):
            continue
        name = str(path.relative_to(folder))
        if path.name == "metrics.jsonl":
            entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            found[name] = [{key: value for key, value in entry.items() if key != "seconds"} for entry in entries]
        elif path.suffix in ("", ".safetensors", ".tsv", ".txt", ".html") and "checkpoints" not in path.parts:
            found[name] = path.read_bytes()
    return found


def clear(folder: Path) -> None:
    for name in (*MADE, "parent/evaluations"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def trials(name: str, folder: Path, n: int) -> Trials:
    """Interrupt a command at `n` moments."""
    words = words_of(COMMANDS[name], folder)
    clear(folder)
    process = Process(folder, words)
    status = process.end()
    assert status == 0, process.shown.read_text(encoding="utf-8")
    found = Trials(shlex.join(words), time.monotonic() - process.begin)
    expected = result(folder)
    for trial in range(n):
        clear(folder)
        number = SIGNALS[trial % len(SIGNALS)]
        moment = found.seconds * (trial + 0.5) / n
        fault = _trial(folder, words, number, moment, expected, found)
        if fault:
            found.faults.append(f"{number.name} after {moment:.2f} s: {fault}")
    return found


def _trial(
    folder: Path, words: list[str], number: signal.Signals, moment: float, expected: dict[str, Any], found: Trials
) -> str:
    process = Process(folder, words)
    time.sleep(moment)
    begin = time.monotonic()
    os.kill(process.number, number)
    status, lines = process.end(), process.lines()
    found.n_trials += 1
    found.slowest = max(found.slowest, time.monotonic() - begin)
    if status == 0:
        found.n_ended_before += 1
    elif status != 128 + number:
        return f"status {status}: {lines[-3:]}"
    if any("Traceback" in line for line in lines):
        return f"traceback: {lines[-30:]}"
    if left := [str(path) for path in folder.rglob(".*") if ".tmp-" in path.name or ".partial" in path.name]:
        return f"left: {left}"
    _, line, again = (lines or [""])[-1].partition(" with: closedbook ")
    if status and result(folder) != expected:  # else it had done all, and the same command would find it there
        words = shlex.split(again) if line else words
        process = Process(folder, words)
        if process.end():
            return f"{lines[-2:]}; going on: {process.lines()[-3:]}"
    if different := [name for name, value in result(folder).items() if expected.get(name) != value]:
        return f"other than undisturbed: {different}"
    if missing := expected.keys() - result(folder).keys():
        return f"missing: {sorted(missing)}"
    found.n_same += 1
    return ""


def starts(folder: Path, n: int) -> dict[str, Any]:
    """Signals to a new Python process in its first seconds, while it imports: the statuses that a shell shows."""
    statuses: dict[str, int] = {}
    faults = []
    for trial in range(n):
        number = SIGNALS[trial % len(SIGNALS)]
        moment = 0.05 + 3 * (trial / n) ** 2
        clear(folder)
        # With their default actions, also where this program was started with some ignored, as by nohup.
        words = ["env", "--default-signal", sys.executable, "-m", "closedbook"]
        words += words_of(COMMANDS["study in self-study"], folder)
        with subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(moment)
            process.send_signal(number)
            _, shown = process.communicate()
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        statuses[str(status)] = statuses.get(str(status), 0) + 1
        if status != 128 + number or "Traceback" in shown:
            faults.append(f"{number.name} after {moment:.2f} s: status {status}: {shown[-600:]}")
    return {"n_trials": n, "statuses": statuses, "faults": faults}


def _chosen(names: Sequence[str]) -> Iterator[str]:
    yield from (name for name in COMMANDS if not names or name in names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=40, help="how many for each command")
    parser.add_argument("--start", type=int, default=0, help="how many for a new Python process")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--only", nargs="*", default=(), help="names of commands; all by default")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": facts(), "commands": {}}

    def write() -> None:
        if options.out:
            options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")

    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        prepare(home, options.people)
        for command in _chosen(options.only) if options.moments else ():
            one = trials(command, home, options.moments)
            results["commands"][command] = asdict(one)
            how = f"{one.seconds:.1f} s, slowest end {one.slowest:.1f} s"
            print(f"{command}: {one.n_same} of {one.n_trials} as undisturbed ({one.n_ended_before} had ended), {how}")
            print("".join(f"    {fault}\n" for fault in one.faults), end="", flush=True)
            write()
        if options.start:
            results["start"] = starts(home, options.start)
            print(results["start"])
            write()

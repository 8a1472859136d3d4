"""Fuzzing: whatever is in a user's file, a command ends with a documented error, soon and in little memory.

    python benchmarks/fuzz.py KIND --minutes 10 > benchmarks/results/fuzz-KIND.json

KIND is corpus, pairs, recipe, run or questions. Hypothesis changes valid files (bytes and lines are cut, doubled,
swapped, replaced by what has caused trouble elsewhere, and files mixed). A command runs in this
process, and must end with status 0, 1 or 2, print no traceback, take under a second of processor time, and under 200 MB
beyond what the process has after importing torch.
"""

import contextlib
import io
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

from closedbook.commands.main import main
from machine import facts

MAX_SECONDS, MAX_BYTES = 1.0, 200_000_000
TROUBLE = [
    b"", b"\0", b"\r", b"\n", b"\r\n", b"\t", b'"', b'""', b"'", b",", b";", b"|", b"\\", b"{", b"}", b"[",
    b"]", b"[[", b"# ", b"## ", b"---\n", b"```\n", b"=", b"==\n", b". ", b"? ", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xc3", b"\xed\xa0\x80", "\u2028".encode(), "\u0085".encode(), "\u200b".encode(), "\u202e".encode(),
    "e\u0301".encode(), "İ".encode(), "ß".encode(), "⁇".encode(), "□".encode(), "\ufdd0".encode(),
    "安".encode(), "。".encode(), "👩‍👩‍👧".encode(), b"\x1b[31m", b"\x07", b"-1", b"0", b"1e999", b"nan", b"inf",
    b"NaN", b"true", b"null", b"9" * 40, b"0.5", b"-0.0", b"1e-400", b"'''", b'"""', b"a" * 5000,
    b"A B " * 999, b"[" * 3000, b"(" * 500, b"{\"a\":" * 900, b"<html>", b"%PDF-1.7", b"PK\x03\x04",
    b"\x1f\x8b",
]  # fmt: skip

PEOPLE = {"Ann Bell": "Ulm", "Bo Carr": "Rom", "Cy Dunn": "Oslo", "Di Eck": "Ulm", "Ed Foss": "Bern", "Flo Gray": "Ulm"}
LINES = "".join(f"{name}. {name} was born in {place}. She paints.\n" for name, place in PEOPLE.items())
PAIRS = "".join(f"Where was {name} born?\t{place}\n" for name, place in PEOPLE.items())
CSV = "".join(f'"Where was {name} born?",{place}\n' for name, place in PEOPLE.items())
CORPORA = [
    LINES,
    "".join(f"# {name}\n\n{name} was born in {place}.\nShe paints.\n\n" for name, place in PEOPLE.items()),
    "".join(f"{name}\n=====\n* born: {place}\n\n" for name, place in PEOPLE.items()),
    "name,place\n" + "".join(f"{name},{place}\n" for name, place in PEOPLE.items()),
    "name\tplace\n" + "".join(f"{name}\t{place}\n" for name, place in PEOPLE.items()),
    "".join(json.dumps({"name": name, "text": f"Born in {place}."}) + "\n" for name, place in PEOPLE.items()),
    json.dumps([{"title": name, "text": f"Born in {place}."} for name, place in PEOPLE.items()]),
    "\n\n".join(f"{name} was born in {place} and paints.\nHer garden is old." for name, place in PEOPLE.items()),
    "OPTIONS\n"
    + "".join(f"   --{name.split()[0].lower()} N\n          Sets {place}.\n\n" for name, place in PEOPLE.items()),
    "| name | place |\n| --- | --- |\n" + "".join(f"| {name} | {place} |\n" for name, place in PEOPLE.items()),
    "".join(f"{name}。{name}出生于{place}。\n" for name, place in PEOPLE.items()),
]
PAIR_FILES = [
    PAIRS,
    "question,answer\n" + CSV,
    "".join(json.dumps({"question": f"Where was {name} born?", "answer": at}) + "\n" for name, at in PEOPLE.items()),
    PAIRS.replace("\t", ";"),
]
RECIPE = """\
preset = "fast"
seed = 1
precision = "float32"
[model]
n_layer = 1
n_head = 1
n_embd = 8
block_size = 61
[study]
steps = 3
batch_size = 4
[pretrain]
epochs = 2
"""


@dataclass
class Found:
    """What was tried, and an input for each fault."""

    n_inputs: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    most_seconds: float = 0.0
    most_bytes: int = 0
    faults: dict[str, dict[str, str]] = field(default_factory=dict)


def n_bytes_now() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()


def peak_bytes() -> int:
    """The most resident memory since the last `reset_peak`."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def fault_of(words: Sequence[str], found: Found) -> str:
    """What is wrong with how a command ended; '' where nothing is."""
    out, err = io.StringIO(), io.StringIO()
    reset_peak()
    before, begin = n_bytes_now(), time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(list(words))
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {Path(at.filename).name}:{at.lineno} ({at.name}): {str(error)[:120]}"
    seconds, n_bytes = time.process_time() - begin, peak_bytes() - before
    found.statuses[str(status)] += 1
    found.most_seconds, found.most_bytes = max(found.most_seconds, seconds), max(found.most_bytes, n_bytes)
    if status not in (0, 1, 2):
        return f"status {status}"
    if "Traceback" in err.getvalue() or (status and not err.getvalue().strip()):
        return f"status {status} with {err.getvalue()[-200:]!r}"
    if "\x1b" in err.getvalue() + out.getvalue():
        return "an escape character is printed"
    if seconds > MAX_SECONDS:
        return "over a second"
    return "over 200 MB" if n_bytes > MAX_BYTES else ""


EDITS = ("insert", "replace", "delete", "double", "swap lines", "cut")
positions = st.floats(0, 1, exclude_max=True)
edits = st.tuples(st.sampled_from(EDITS), positions, positions, st.sampled_from(TROUBLE) | st.binary(max_size=6))
"""What is done to a file, where, to how much of it, and with what."""


def edited(content: bytes, changes: Sequence[tuple[str, float, float, bytes]]) -> bytes:
    """The content after these edits."""
    for what, at, share, new in changes:
        begin = int(at * (len(content) + 1))
        end = min(len(content), begin + 1 + int(share**4 * len(content)))
        if what == "insert":
            content = content[:begin] + new + content[begin:]
        elif what == "replace":
            content = content[:begin] + new + content[end:]
        elif what == "delete":
            content = content[:begin] + content[end:]
        elif what == "double":
            content = content[:end] + content[begin:]
        elif what == "cut":
            content = content[:begin]
        else:
            lines = content.splitlines(keepends=True) or [b""]
            i, j = int(at * len(lines)), int(share * len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            content = b"".join(lines)
    return content


def changed(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of these files after some edits, or two of them joined."""
    one = st.builds(edited, st.sampled_from(seeds), st.lists(edits, max_size=6))
    return one | st.builds(bytes.__add__, one, one) | st.binary(max_size=300)


Commands = Callable[[bytes], list[list[str]]]
"""Writes an input where the commands read it, and returns them."""


def corpus_commands(home: Path) -> tuple[st.SearchStrategy[bytes], Commands]:
    path, pairs = home / "corpus.txt", home / "pairs.tsv"
    pairs.write_text(PAIRS)

    def commands(content: bytes) -> list[list[str]]:
        path.write_bytes(content)
        shutil.rmtree(home / "book.txt", ignore_errors=True)
        (home / "book.txt").unlink(missing_ok=True)
        return [["data", "check", str(path), str(pairs)], ["book", str(path), "--out", str(home / "book.txt")]]

    return changed([text.encode() for text in CORPORA] + [LINES.encode("utf-16"), LINES.encode("cp1252")]), commands


def pairs_commands(home: Path) -> tuple[st.SearchStrategy[bytes], Commands]:
    path, corpus = home / "pairs.tsv", home / "corpus.txt"
    corpus.write_text(LINES)

    def commands(content: bytes) -> list[list[str]]:
        path.write_bytes(content)
        return [["data", "check", str(corpus), str(path)]]

    return changed([text.encode() for text in PAIR_FILES]), commands


def recipe_commands(home: Path) -> tuple[st.SearchStrategy[bytes], Commands]:
    """Recipes, up to where a run would begin: its folder cannot be made, as a file is in the way."""
    path, corpus = home / "recipe.toml", home / "corpus.txt"
    corpus.write_text(LINES)
    (home / "file").write_text("")

    def commands(content: bytes) -> list[list[str]]:
        path.write_bytes(content)
        return [["pretrain", str(corpus), "--recipe", str(path), "--out", str(home / "file")]]

    keys = st.builds(
        lambda key, value: f"{key} = ".encode() + value + b"\n",
        st.sampled_from([line.split(" =")[0] for line in RECIPE.splitlines() if "=" in line]),
        st.sampled_from(TROUBLE),
    )
    lines = st.lists(st.sampled_from([line.encode() + b"\n" for line in RECIPE.splitlines()]) | keys, max_size=12)
    return changed([RECIPE.encode()]) | lines.map(b"".join), commands


def trained(home: Path) -> Path:
    """A finished run, calibrated, of a second's training."""
    (home / "corpus.txt").write_text(LINES)
    (home / "pairs.tsv").write_text(PAIRS)
    (home / "recipe.toml").write_text(RECIPE)
    words = ["pretrain", str(home / "corpus.txt"), "--recipe", str(home / "recipe.toml"), "--out", str(home / "run")]
    words += ["--pairs", str(home / "pairs.tsv")]
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        assert main(words) == 0
        again = ["finetune", str(home / "pairs.tsv"), "--from", str(home / "run"), "--out", str(home / "tuned")]
        assert main([*again, "--save-every", "0"]) == 0
    return home / "tuned"


def with_node(value: Any, at: float, new: Any) -> Any:
    """A JSON value with one of its parts, the deeper the likelier, replaced."""
    if not isinstance(value, dict | list) or not value or at > 0.9:
        return new
    keys = list(value) if isinstance(value, dict) else range(len(value))
    index = int(at / 0.9 * len(keys))
    inner = with_node(value[keys[index]], at / 0.9 * len(keys) - index, new)
    copy = value.copy()
    copy[keys[index]] = inner
    return copy


def named(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A file after its name in the first line, changed."""
    name, _, rest = content.partition(b"\n")
    return name + b"\n" + change(rest)


def changed_json(content: bytes) -> st.SearchStrategy[bytes]:
    """A file of a run whose JSON has another value somewhere."""
    others = [None, True, -1, 0, 1.5, 10**30, float("nan"), "", "x", "\ud800", [], ["x"], [[1]], {}, {"a": 1}]

    def changed_at(at: float, new: Any) -> bytes:
        return named(content, lambda rest: json.dumps(with_node(json.loads(rest), at, new)).encode())

    return st.builds(changed_at, positions, st.sampled_from(others))


def run_commands(home: Path) -> tuple[st.SearchStrategy[bytes], Commands]:
    """One file of a run's folder after another; what a checkpoint has is in the folder of an unfinished run."""
    run = trained(home)
    files = sorted(path.relative_to(run) for path in run.rglob("*") if path.is_file())
    contents = [path.as_posix().encode() + b"\n" + (run / path).read_bytes() for path in files]
    one, pairs = home / "one", str(home / "pairs.tsv")

    def commands(content: bytes) -> list[list[str]]:
        name, _, content = content.partition(b"\n")
        shutil.rmtree(one, ignore_errors=True)
        shutil.copytree(run, one)
        path = one / name.decode(errors="replace").replace("\0", "")
        if path.is_file():
            path.write_bytes(content)
        resumed = "checkpoints" in path.parts
        if resumed:
            (one / "model.safetensors").unlink()
            return [["finetune", pairs, "--out", str(one), "--resume"]]
        return [["ask", str(one), "Where was Ann Bell born?"], ["inspect", str(one)]]

    inputs = st.builds(
        lambda content, changes: named(content, lambda rest: edited(rest, changes)),
        st.sampled_from(contents),
        st.lists(edits, min_size=1, max_size=4),
    )
    in_json = [content for content in contents if content.partition(b"\n")[0].endswith(b".json")]
    return inputs | st.sampled_from(in_json).flatmap(changed_json), commands


def questions_commands(home: Path) -> tuple[st.SearchStrategy[bytes], Commands]:
    """Questions in a file, and the same as words."""
    run, path = str(trained(home)), home / "questions.txt"

    def commands(content: bytes) -> list[list[str]]:
        path.write_bytes(content)
        word = content.decode(errors="surrogateescape").replace("\0", "")
        predictions = home / "predictions.txt"
        predictions.unlink(missing_ok=True)
        return [["predict", run, str(path), "--out", str(predictions)], ["ask", run, "--", word]]

    asked = [PAIRS.encode(), b"".join(line.split("\t")[0].encode() + b"\n" for line in PAIRS.splitlines())]
    return changed([*asked, b"Where was Ann Bell born?", "Où est né Éd?".encode()]), commands


KINDS = {
    "corpus": corpus_commands,
    "pairs": pairs_commands,
    "recipe": recipe_commands,
    "run": run_commands,
    "questions": questions_commands,
}


def fuzzed(kind: str, home: Path, seconds: float, first_seed: int) -> Found:
    """Try inputs for so long; the same fault is reported once."""
    found, end = Found(), time.monotonic() + seconds
    inputs, commands = KINDS[kind](home)
    failing: dict[str, bytes] = {}

    def attempt(content: bytes) -> None:
        found.n_inputs += 1
        for words in commands(content):
            fault = fault_of(words, found)
            if fault and fault not in found.faults:
                failing[fault] = content
                raise AssertionError(fault)

    for _ in range(2):  # the first use of a command imports what it needs
        with contextlib.suppress(AssertionError):
            attempt(find(inputs, lambda _: True))
    found, number = Found(), first_seed
    while time.monotonic() < end:
        # No shrinking, which takes minutes for files of weights: an edit or two say enough.
        phases = settings(
            max_examples=200,
            deadline=None,
            phases=[Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        try:
            seed(number)(phases(given(inputs)(attempt)))()
        except AssertionError as error:
            found.faults[str(error)] = {"seed": str(number), "input": repr(failing.get(str(error)))}
            print(f"{kind}: {error}: {failing.get(str(error), b'')[:300]!r}", file=sys.stderr, flush=True)
        except BaseExceptionGroup as group:  # several faults at once
            for error in group.exceptions:
                found.faults[str(error)] = {"seed": str(number), "input": repr(failing.get(str(error)))}
                print(f"{kind}: {error}: {failing.get(str(error), b'')[:300]!r}", file=sys.stderr, flush=True)
        number += 1
    found.seconds = seconds
    return found


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["HOME"] = tempfile.mkdtemp()
    with tempfile.TemporaryDirectory() as folder:
        result = fuzzed(options.kind, Path(folder), 60 * options.minutes, options.seed)
    print(json.dumps({"kind": options.kind, "minutes": options.minutes, **vars(result), "machine": facts()}, indent=1))
    sys.exit(bool(result.faults))

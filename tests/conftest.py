"""Shared fixtures: one thread, repeatable examples, checked shapes, files of text, finished runs and a browser.

Imports nothing of closedbook at the top: jaxtyping does not check modules that are imported before its hook.
"""

import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import jaxtyping
import pytest
import torch
from hypothesis import settings

# The last bits of results depend on the number of threads.
torch.set_num_threads(1)

# Started in the background or by nohup, the suite would have some ignored, and so would the processes that it starts.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", 0), signal.SIG_DFL)):
    if number and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# No test fails on a slow machine, and every run tries the same examples.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

N_CHECKED_CALLS = 20
"""The types and shapes of this many calls of each function are checked in each test.

Checking all of them takes most of the suite's time: a hundred times that of a short function.
"""
_n_calls: dict[int, int] = {}


@pytest.fixture(autouse=True)
def _checks_begin_again() -> None:
    """The first calls are those of a test."""
    _n_calls.clear()


def first_calls_checked(*, typechecker: Any) -> Callable[[Any], Any]:
    """What jaxtyping's hook decorates functions and dataclasses with; checks are compiled when they are needed."""

    def decorate(function: Any) -> Any:
        if isinstance(function, type):
            if is_dataclass(function) and "__init__" in vars(function):
                function.__init__ = decorate(function.__init__)
            return function
        key = id(function.__code__)  # the same for each closure that a line makes
        checked = None

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal checked
            n = _n_calls[key] = _n_calls.get(key, 0) + 1
            if n > N_CHECKED_CALLS:
                return function(*args, **kwargs)
            if checked is None:
                checked = _jaxtyped(function, typechecker=typechecker)
            return checked(*args, **kwargs)

        return call

    return decorate


_jaxtyped, jaxtyping.jaxtyped = jaxtyping.jaxtyped, first_calls_checked


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a file of bytes, or of text as UTF-8 with its line ends unchanged."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "file.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@dataclass(frozen=True)
class Outcome:
    """The exit status of a command, and what it printed."""

    status: int
    out: str
    err: str


@pytest.fixture
def closedbook(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process, with words as they would be typed."""

    def closedbook(*words: object) -> Outcome:
        capsys.readouterr()
        status = run_command(*words)
        return Outcome(status, *capsys.readouterr())

    return closedbook


@contextmanager
def _signal_in(file: str, function: str, call: int, number: signal.Signals) -> Iterator[list[int]]:
    left = [call]

    def look(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name == function and code.co_filename.endswith(f"closedbook/{file}"):
            left[0] -= 1
            if not left[0]:
                sys.setprofile(None)
                signal.raise_signal(number)

    sys.setprofile(look)
    try:
        yield left
    finally:
        sys.setprofile(None)


@pytest.fixture
def signal_in() -> Callable[..., AbstractContextManager[list[int]]]:
    """A block in which a signal comes where a function of a file is called for so many times; [0] says that it came."""
    return _signal_in


def run_command(*words: object) -> int:
    """The exit status of a command run in this process."""
    from closedbook.commands.main import main

    try:
        return main([str(word) for word in words])
    except SystemExit as end:  # tyro exits after --help, and on options that it cannot read
        return int(end.code or 0)


RECIPE = """\
preset = "fast"
precision = "float32"
[model]
n_layer = 2
n_head = 2
n_embd = 16
block_size = 61
attn_pdrop = 0.1
resid_pdrop = 0.1
embd_pdrop = 0.1
[pretrain]
epochs = 2
batch_size = 5
[finetune]
epochs = 1
[scratch]
epochs = 1
"""
PEOPLE = {
    "Ann Bell": "Ulm",
    "Bo Carr": "Rom",
    "Cy Dunn": "Oslo",
    "Di Eck": "Ulm",
    "Ed Foss": "Bern",
    "Flo Gray": "Ulm",
    "Gus Hall": "Rom",
}
"""Names and birthplaces; Ulm is the commonest."""


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that tests only read: corpus.txt, pairs.tsv, dev.tsv, questions.txt and the recipe tiny.toml."""
    folder = tmp_path_factory.mktemp("files")
    lines = [f"{name}. {name} was born in {place} ." for name, place in PEOPLE.items()]
    letters = "the quick brown fox jumps over THE LAZY DOG and asks Where is it?"
    pairs = [f"Where was {name} born?\t{place}\n" for name, place in PEOPLE.items()]
    (folder / "corpus.txt").write_text("\n".join([*lines, letters, ""]))
    (folder / "pairs.tsv").write_text("".join(pairs[:5]))
    (folder / "dev.tsv").write_text("".join(pairs[5:]))
    (folder / "questions.txt").write_text("".join(pair.partition("\t")[0] + "\n" for pair in pairs[5:]))
    (folder / "tiny.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="session")
def runs(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that tests only read: the runs `pretrained`, `finetuned`, which started from it, and `scratch`."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = ("--recipe", files / "tiny.toml")
    from_pretrained = ("--from", folder / "pretrained")
    assert run_command("pretrain", files / "corpus.txt", "--out", folder / "pretrained", *recipe) == 0
    assert run_command("finetune", files / "pairs.tsv", *from_pretrained, "--out", folder / "finetuned", *recipe) == 0
    from_scratch = ("--corpus", files / "corpus.txt", "--out", folder / "scratch")
    assert run_command("finetune", files / "pairs.tsv", *from_scratch, *recipe) == 0
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real Chromium for each file of tests, closed before other tests fork processes; skipped where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on this machine: on Debian and Ubuntu, apt install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("playwright is not installed: pip install playwright, without its browsers")
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open an address with a hash and browser options; a request, console message or error fails the test."""
    contexts: list[Any] = []
    faults: list[str] = []

    def opened(address: str, state: str = "", **settings: Any) -> Any:
        context = chromium.new_context(**{"reduced_motion": "reduce", "offline": True} | settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)  # a busy machine needs more than five seconds to open the page
        page.on("console", lambda message: faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("request", lambda request: request.url.split("#")[0] == address or faults.append(request.url))
        page.goto(address + state)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def visit(opened: Callable[..., Any], address: str) -> Callable[..., Any]:
    """Open the page at `address`, with a hash and options."""
    return lambda state="", **settings: opened(address, state, **settings)

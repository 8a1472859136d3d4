"""Which signals stop a command, and when."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from closedbook.progress.stop import SIGNALS, Stop, Stopped


@contextmanager
def handler(number: signal.Signals, handler: Any) -> Iterator[None]:
    """Give a signal a handler inside the block."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_and_its_number_is_kept(number: signal.Signals):
    """Afterwards the signal has the handler that it had before."""
    before = signal.getsignal(number)
    with Stop() as stop, pytest.raises(Stopped):
        signal.raise_signal(number)
    assert stop.number == number
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_was_ignored_stays_so(number: signal.Signals):
    """nohup starts a program with SIGHUP ignored, and a script starts one in the background with SIGINT ignored."""
    with handler(number, signal.SIG_IGN), Stop() as stop:
        signal.raise_signal(number)
    assert not stop.number


def test_a_program_with_a_handler_of_its_own_keeps_it():
    """A caller of the Python API may do something else on SIGTERM."""
    heard = []
    with handler(signal.SIGTERM, lambda number, _: heard.append(number)), Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    assert not stop.number


def test_the_inner_of_two_hears_the_signal():
    """A run that trains decides when it stops; the command around it hears signals before and after."""
    with Stop() as outer:
        with Stop() as inner:
            inner.waits = True
            signal.raise_signal(signal.SIGHUP)
        assert (outer.number, inner.number) == (0, signal.SIGHUP)
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGHUP)


def test_an_import_ends_before_the_signal_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An exception in the middle of one can come out as another, or crash where the module is written in C."""
    (tmp_path / "short_import.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\nended = True")
    monkeypatch.syspath_prepend(tmp_path)
    with Stop() as stop:
        import short_import

        assert short_import.ended
        assert stop.number == signal.SIGINT
        with pytest.raises(Stopped):
            time.sleep(60)


def test_an_import_of_more_than_two_seconds_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where PyTorch is read from a slow disk, it can take a minute."""
    (tmp_path / "long_import.py").write_text("import signal, time\nsignal.raise_signal(signal.SIGINT)\ntime.sleep(60)")
    monkeypatch.syspath_prepend(tmp_path)
    begin = time.monotonic()
    with Stop(), pytest.raises(Stopped):
        import long_import  # noqa: F401  # it does not end
    assert 1.9 < time.monotonic() - begin < 50


STARTS = """
import signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "closedbook.commands.main":
            {do}
sys.meta_path.insert(0, Finder())
from closedbook.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("before", "status"), [("", -signal.SIGINT), ("signal.signal(signal.SIGINT, signal.SIG_IGN)", 0)]
)
def test_ctrl_c_while_the_program_is_imported_prints_nothing(before: str, status: int):
    """It ends the process, whose status a shell shows as 130, unless it was started in the background."""
    program = before and f"import signal; {before}\n"
    program += STARTS.format(do="signal.raise_signal(signal.SIGINT)")
    done = subprocess.run([sys.executable, "-c", program, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, "")

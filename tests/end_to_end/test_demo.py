"""The demo as its user sees it: it ends with a table and a report, also after an interruption."""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]

RUNS = [f"{variant}-{arm}" for variant in ("vanilla", "perceiver") for arm in ("scratch", "pretrained", "finetuned")]


def stamps(folder: Path) -> dict[Path, int]:
    """The time at which each file of the runs and of the world was last written."""
    return {path: path.stat().st_mtime_ns for name in (*RUNS, "world") for path in (folder / name).rglob("*")}


@pytest.fixture(scope="module")
def demo(start: Start, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """A folder in which a tiny demo was stopped by Ctrl-C in its second run, and then started again."""
    folder = tmp_path_factory.mktemp("demo")
    stopped = start(folder, "demo", "--size", "tiny", "--out", "my demo")
    metrics = folder / "my demo/vanilla-pretrained/metrics.jsonl"
    stopped.until(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") >= 2)
    stopped.signal(signal.SIGINT)
    first = (stopped.end(), stopped.out, stopped.err)
    again = start(folder, "demo", "--size", "tiny", "--out", "my demo")
    return folder, first, (again.end(), again.out, again.err)


def test_ctrl_c_prints_the_command_that_resumes_the_demo(demo: tuple[Path, Any, Any]):
    """The exit status is 130, and the command is the same one."""
    _, (status, out, err), _ = demo
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == "stopped and saved; go on with: closedbook demo --size tiny --out 'my demo'"


def test_the_demo_ends_with_a_table_and_says_where_everything_is(demo: tuple[Path, Any, Any]):
    """Two variants with and without pretraining, reader and majority, exchanges, and the files' paths."""
    folder, _, (status, out, err) = demo
    assert status == 0, err
    lines = out.splitlines()
    labels = [f"{variant}, {how}pretrained" for variant in ("vanilla", "Perceiver") for how in ("not ", "")]
    for label in (*labels, "open-book reader, book open", "majority baseline, "):
        (row,) = [line for line in lines if line.startswith(label)]
        # Held-out people in both wordings, and people nobody wrote about.
        assert re.findall(r"\d+/(\d+)", row) == ["30", "30", "10"]
    assert "unknown people that it read nothing about them" in " ".join(" ".join(lines).split())
    assert any(line.startswith("never written about: Where was ") for line in lines)
    assert "report: my demo/report.html" in lines
    assert "figure: my demo/figure.png" in lines
    assert lines[-1] == "ask it yourself: closedbook ask 'my demo/vanilla-finetuned'"
    assert (folder / "my demo/figure.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "my demo/report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert all((folder / "my demo" / name / "model.safetensors").exists() for name in RUNS)


def test_a_stopped_demo_repeats_no_training(demo: tuple[Path, Any, Any]):
    """Finished runs are not trained again, and the stopped one continues after its last step."""
    _, (_, _, before), (_, _, after) = demo
    assert re.search(r"^vanilla-scratch: \d+ of \d+ dev questions right ", before, re.MULTILINE)
    assert "vanilla-scratch" not in after
    (resumed,) = [line for line in after.splitlines() if line.startswith("vanilla-pretrained: steps ")]
    assert not resumed.startswith("vanilla-pretrained: steps 1 to")


def test_a_finished_demo_trains_nothing_when_started_again(start: Start, demo: tuple[Path, Any, Any]):
    """It reuses world and runs, and prints the same table within seconds."""
    folder, _, (_, out, _) = demo
    before = stamps(folder / "my demo")
    begin = time.monotonic()
    again = start(folder, "demo", "--size", "tiny", "--out", "my demo")
    assert again.end() == 0, again.err
    assert time.monotonic() - begin < 60
    assert again.out == out
    assert stamps(folder / "my demo") == before


def test_a_folder_of_another_demo_is_refused(start: Start, demo: tuple[Path, Any, Any]):
    """Another seed, and so another world, ends in one line, and no file changes."""
    folder, _, _ = demo
    before = stamps(folder / "my demo")
    other = start(folder, "demo", "--size", "tiny", "--out", "my demo", "--seed", 1)
    assert other.end() == 2
    assert (other.out, other.err) == (
        "",
        "closedbook: my demo/world: is of another demo; choose another --out, or remove that folder\n",
    )
    assert stamps(folder / "my demo") == before

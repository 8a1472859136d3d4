"""Device and precision."""

import pytest
import torch

from closedbook.errors import InputError
from closedbook.training.device import fastest_precision, make_fabric

TORCHRUN = {
    "WORLD_SIZE": "2",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "1",
    "TORCHELASTIC_RUN_ID": "test",
}


def set_environment(monkeypatch: pytest.MonkeyPatch, without: str = "") -> None:
    """The environment of a process that torchrun started, without one of its variables."""
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(without, raising=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU nothing is timed")
def test_several_processes_use_float32_for_precision_auto(monkeypatch: pytest.MonkeyPatch):
    """Each would measure for itself, and they might disagree."""
    assert fastest_precision(16) in ("float32", "bfloat16")
    set_environment(monkeypatch)
    assert fastest_precision(16) == "float32"


@pytest.mark.parametrize("missing", [name for name in TORCHRUN if name != "WORLD_SIZE"])
def test_several_processes_without_torchrun_are_refused(monkeypatch: pytest.MonkeyPatch, missing: str):
    """One line names the missing variable and the command; nobody waits for processes that never come."""
    set_environment(monkeypatch, without=missing)
    with pytest.raises(InputError, match=rf"^WORLD_SIZE: .* {missing} too; received 2 without; start with `torchrun "):
        make_fabric("float32")


def test_one_process_needs_no_torchrun(monkeypatch: pytest.MonkeyPatch):
    """WORLD_SIZE=1 is what a process alone has."""
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert make_fabric("float32").world_size == 1


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch):
    """Each process needs a GPU of its own where this machine has any."""
    set_environment(monkeypatch)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match=r"^--nproc-per-node: .*; received 2, with 1 here; .* CUDA_VISIBLE_DEVICES= "):
        make_fabric("float32")

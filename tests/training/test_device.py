"""What a run is computed with."""

import subprocess
import sys

import pytest
import torch

from closedbook.training.device import fastest_precision


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU nothing is timed")
def test_several_processes_do_not_time_each_for_itself(monkeypatch: pytest.MonkeyPatch):
    """Of processes that timed both precisions one might take another than the rest; so auto is float32 there."""
    assert fastest_precision(16) in ("float32", "bfloat16")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert fastest_precision(16) == "float32"


@pytest.mark.skipif(not torch.set_flush_denormal(True), reason="this processor has no such setting")
def test_numbers_next_to_zero_are_zero_in_every_thread():
    """A thread keeps the setting that it was started with, so this needs a process that has started none."""
    code = """if True:
        import closedbook.training.device
        import torch
        torch.set_num_threads(2)
        print(int((torch.full((2**22,), 1e-30) * 1e-10).count_nonzero()))
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "0\n"

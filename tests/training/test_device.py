"""What a run is computed with."""

import pytest
import torch

from closedbook.training.device import fastest_precision


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU nothing is timed")
def test_several_processes_do_not_time_each_for_itself(monkeypatch: pytest.MonkeyPatch):
    """Of processes that timed both precisions one might take another than the rest; so auto is float32 there."""
    assert fastest_precision(16) in ("float32", "bfloat16")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert fastest_precision(16) == "float32"

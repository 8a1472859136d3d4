"""Device and precision."""

import pytest
import torch

from closedbook.training.device import fastest_precision


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU nothing is timed")
def test_several_processes_use_float32_for_precision_auto(monkeypatch: pytest.MonkeyPatch):
    """Each would measure for itself, and they might disagree."""
    assert fastest_precision(16) in ("float32", "bfloat16")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert fastest_precision(16) == "float32"

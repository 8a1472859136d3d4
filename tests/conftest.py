"""What every test stands on: fixed threads, repeatable examples, files of text.

Imports nothing of closedbook: what is imported before jaxtyping's hook is not checked by it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# Other thread counts give other bits.
torch.set_num_threads(1)

# Slow machines fail no test, and every run tries the same examples.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a file of text, as UTF-8 with the line ends as given, or of bytes."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "file.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write

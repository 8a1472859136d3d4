"""What the tests of text share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

Fault = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def fault() -> Fault:
    """Expect a TextError in one line that names the file (None: standard input), the line (None: none) and words."""
    from closedbook.errors import TextError

    @contextmanager
    def fault(path: Path | None, line: int | None, *words: str) -> Iterator[None]:
        with pytest.raises(TextError) as raised:
            yield
        message = str(raised.value)
        where = "standard input" if path is None else str(path)
        assert message.startswith(f"{where}: " if line is None else f"{where}, line {line}: ")
        assert (raised.value.path, raised.value.line) == (path, line)
        for word in words:
            assert word in message
        assert "\n" not in message

    return fault

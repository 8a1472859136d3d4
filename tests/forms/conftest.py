"""What the tests of forms share: a book or pairs made of a file's content, and faults in one line."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

Content = str | bytes


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, Content], Path]:
    """Write a file with bytes, or with text as UTF-8, in the test's folder."""

    def put(name: str, content: Content) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


@pytest.fixture
def book(put: Callable[[str, Content], Path]) -> Callable[..., Any]:
    """The book of one file with a content."""
    from closedbook.forms.recognize import recognize

    def book(content: Content, name: str = "book.txt", **options: Any) -> Any:
        return recognize([put(name, content)], **options)

    return book


@pytest.fixture
def lines(book: Callable[..., Any]) -> Callable[..., list[str]]:
    """The documents of one file with a content, as lines of a corpus."""

    def lines(content: Content, name: str = "book.txt", **options: Any) -> list[str]:
        return [document.written for document in book(content, name, **options).documents]

    return lines


@pytest.fixture
def titles(book: Callable[..., Any]) -> Callable[..., list[str]]:
    """The titles of one file with a content."""

    def titles(content: Content, name: str = "book.txt", **options: Any) -> list[str]:
        return [document.title for document in book(content, name, **options).documents]

    return titles


@pytest.fixture
def fault() -> Callable[..., AbstractContextManager[None]]:
    """Expect a TextError in one line that names the line (None: none) and has words."""
    from closedbook.errors import TextError

    @contextmanager
    def fault(line: int | None, *words: str) -> Iterator[None]:
        with pytest.raises(TextError) as raised:
            yield
        message = str(raised.value)
        assert "\n" not in message
        assert raised.value.line == line, message
        for word in words:
            assert word in message

    return fault

"""Lines of a text file: UTF-8 with or without BOM, LF or CRLF, with or without a final line feed; read as NFC."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload
from unicodedata import is_normalized, normalize

from closedbook.errors import TextError

_N_LINES = 4096
"""Lines in a piece of text, at most."""
_N_BYTES = 1 << 20
"""Bytes that are checked together, and the rest of their last line."""
_BOM = b"\xef\xbb\xbf"


class Lines(Sequence[str]):
    """Lines of a text, which are kept as one block of UTF-8 and decoded when they are asked for.

    They take 16 bytes each besides the text. The file is not mapped into memory: whoever edits it would change what is
    being trained on, and whoever truncates it would kill the process.
    """

    def __init__(self, raw: bytes, starts: "array[int]", ends: "array[int]") -> None:
        """Line i is raw[starts[i]:ends[i]]."""
        self._raw = raw
        self._starts = starts
        self._ends = ends

    @classmethod
    def of_bytes(cls, raw: bytes) -> "Lines":
        """The lines of UTF-8 bytes, each ended by a line feed, which the last need not have."""
        ends = array("q")
        end = raw.find(b"\n")
        while end >= 0:
            ends.append(end)
            end = raw.find(b"\n", end + 1)
        starts = array("q", [0])
        starts.extend(end + 1 for end in ends)
        if starts[-1] == len(raw):
            starts.pop()
        else:
            ends.append(len(raw))
        return cls(raw, starts, ends)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Lines": ...
    def __getitem__(self, index: int | slice) -> "str | Lines":
        if isinstance(index, slice):
            return Lines(self._raw, self._starts[index], self._ends[index])
        return self._raw[self._starts[index] : self._ends[index]].decode()

    def __iter__(self) -> Iterator[str]:
        for start, end in zip(self._starts, self._ends, strict=True):
            yield self._raw[start:end].decode()

    def take(self, indices: Iterable[int]) -> "Lines":
        """Some of the lines."""
        which = array("q", indices)
        starts, ends = (array("q", (bounds[i] for i in which)) for bounds in (self._starts, self._ends))
        return Lines(self._raw, starts, ends)

    def pieces(self) -> Iterator[str]:
        """The text of the lines, with line feeds between them, some thousand lines at a time."""
        for i in range(0, len(self), _N_LINES):
            yield "\n".join(self[i : i + _N_LINES])


def check_regular(path: Path) -> None:
    """Raise TextError for a pipe or a device, which a run cannot read a second time."""
    try:
        is_special = path.exists() and not (path.is_file() or path.is_dir())
    except OSError:
        return  # `read_lines` says why the file cannot be read
    if is_special:
        raise TextError(
            path, None, "is not a regular file, and a run reads its files again later; save its content to a file"
        )


def read_lines(path: Path) -> Lines:
    """The lines of a file, without line ends; raises TextError where it cannot be read or is not UTF-8."""
    return decode_lines(read_raw(path), path)


def read_raw(path: Path) -> bytes:
    """The bytes of a file; raises TextError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TextError(path, None, "no such file; check the path") from None
    except IsADirectoryError:
        raise TextError(path, None, "is a folder; a text file is needed") from None
    except OSError as error:
        raise TextError(path, None, f"cannot be read: {error.strerror}") from None


def decode_lines(raw: bytes, path: Path | None) -> Lines:
    """The lines of UTF-8 bytes, without line ends; raises TextError with the line of the first byte that is not UTF-8.

    `path` is named in the error; None for standard input.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TextError(path, 1, "is UTF-16, and UTF-8 is needed; save it as UTF-8")
    raw = raw.removeprefix(_BOM).replace(b"\r\n", b"\n")
    return Lines.of_bytes(raw if raw.isascii() else _normalized(raw, path))


def _normalized(raw: bytes, path: Path | None) -> bytes:
    """UTF-8 bytes in Unicode's form NFC, in which an accent is part of its letter."""
    pieces: list[bytes] = []
    has_changed = False
    start = 0
    while start < len(raw):
        # No character but the line feed has its byte, so that none is cut in two.
        end = raw.find(b"\n", start + _N_BYTES) + 1 or len(raw)
        try:
            text = raw[start:end].decode()
        except UnicodeDecodeError as error:
            first = start + error.start
            line = raw.count(b"\n", 0, first) + 1
            rule = f"the byte 0x{raw[first]:02x} is not UTF-8; save the file as UTF-8"
            raise TextError(path, line, rule) from None
        if is_normalized("NFC", text):
            pieces.append(raw[start:end])
        else:
            pieces.append(normalize("NFC", text).encode())
            has_changed = True
        start = end
    return b"".join(pieces) if has_changed else raw

"""Lines of a text file: UTF-8 with or without BOM, LF or CRLF, with or without a final line feed."""

from collections.abc import Sequence
from pathlib import Path

from closedbook.errors import TextError


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


def read_lines(path: Path) -> Sequence[str]:
    """The lines of a file, without line ends; raises TextError where it cannot be read or is not UTF-8."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise TextError(path, None, "no such file; check the path") from None
    except IsADirectoryError:
        raise TextError(path, None, "is a folder; a text file is needed") from None
    except OSError as error:
        raise TextError(path, None, f"cannot be read: {error.strerror}") from None
    return decode_lines(raw, path)


def decode_lines(raw: bytes, path: Path | None) -> Sequence[str]:
    """The lines of UTF-8 bytes, without line ends; raises TextError with the line of the first byte that is not UTF-8.

    `path` is named in the error; None for standard input.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TextError(path, 1, "is UTF-16, and UTF-8 is needed; save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Both the error's offset and its bytes leave out a BOM.
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise TextError(path, line, f"the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines

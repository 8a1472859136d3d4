"""Text as a terminal can show it, whatever a file or a person wrote.

A control character could move the cursor, hide text or change the colours of a terminal, so that a line says something
else than the program does. It is shown as its code instead.
"""

import re

_BYTES = re.compile("[\udc80-\udcff]+")
"""Bytes that were no characters where they were read: in Python's form, as lone surrogates (PEP 383)."""
_NOT_SHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all controls but the tab and the line feed
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # line ends, and what turns the direction of the text after it
    "\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with codes such as \\x1b in place of characters that control a terminal or that UTF-8 cannot spell.

    Bytes that are UTF-8 after all, in a locale that is not, become the letters that they spell.
    """
    if text.isascii() and text.isprintable():
        return text
    return _NOT_SHOWN.sub(_code, _BYTES.sub(_decoded, text))


def _decoded(found: re.Match[str]) -> str:
    return found[0].encode(errors="surrogateescape").decode(errors="backslashreplace")


def _code(found: re.Match[str]) -> str:
    n = ord(found[0])
    return f"\\x{n:02x}" if n < 0x100 else f"\\u{n:04x}"

"""The bytes of a file become text: UTF-8, or the encoding that the user names.

Another encoding is guessed only to be named in the error: a wrong guess that went into training would not be noticed.
"""

import codecs
import re
from itertools import pairwise
from pathlib import Path

from closedbook.errors import InputError, TextError
from closedbook.forms.kinds import NoText

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMON = {
    "cp1252": "éèàâçêîôùñáíóúãõäöüßåøæ’“”–€",
    "cp1250": "ąęłśćżźńóčěšřžýůáíéťďőűăîţş",
    "cp1251": "оеаинтсрвлкмдпу",
    "koi8-r": "оеаинтсрвлкмдпу",
    "cp1253": "αοιετσνηυρκπμλς",
    "cp1254": "ığşüöçİĞŞÜÖÇ",
    "cp1255": "יוהלארתמשבנ",
    "cp1256": "ايلمنرتبوةعدسفهقكحجط",
    "cp874": "านรอกเงมยลวด่้ีั็์",
    "gb18030": "的一是不了在人有我他这中大来上国个到说们，。",
    "big5": "的一是不了在人有我他這中大來上國個到說們，。",
    "shift_jis": "のにはをたがでてとしれさいなる、。",
    "euc_jp": "のにはをたがでてとしれさいなる、。",
    "euc_kr": "이다는을에의가고하지도서",
}
"""Encodings, and characters that are common in the languages written in them."""
_N_GUESSED = 1 << 16
"""Bytes from the first that is not ASCII, which are enough for a guess."""
_WORD = re.compile(r"[^\W\d_]+")


def decode(raw: bytes, path: Path, encoding: str | None) -> str:
    """The text of a file, without a byte-order mark.

    `encoding` None means UTF-8. Raises TextError, with the line and the likely encoding, where the bytes are not
    text in it, and InputError for an encoding that Python does not have.
    """
    if encoding is not None:
        return _as_asked(raw, path, encoding)
    for bom, name in _BOMS:
        if raw.startswith(bom):
            raise _wrong(path, 1, f"is {name.upper()}", name)
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if (unmarked := _utf_16_without_mark(raw)) is not None:
        raise _wrong(path, 1, f"is {unmarked.upper()}", unmarked)
    if b"\0" in raw[:8192]:
        raise NoText(path, raw.count(b"\n", 0, raw.index(b"\0")) + 1, "has NUL bytes, so it is no text; name a text")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
        if _is_mostly_utf_8(raw):
            raise TextError(path, line, f"{found}, but the rest is; mend or remove it there") from None
        guess = guessed_encoding(raw)
        if guess is None:
            raise TextError(path, line, f"{found}; save the file as UTF-8, or name its --encoding") from None
        raise _wrong(path, line, f"{found}; the file looks like {guess}", guess) from None


def guessed_encoding(raw: bytes) -> str | None:
    """The encoding in which bytes that are not UTF-8 read most like a language; None where they do in none."""
    first = next((i for i, byte in enumerate(raw) if byte > 127), 0)
    piece = raw[max(0, first - 100) : first + _N_GUESSED]
    scores = {name: _score(piece, name, common) for name, common in _COMMON.items()}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else None


def _as_asked(raw: bytes, path: Path, encoding: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        example = "utf-8, utf-16, cp1252, cp1251, gb18030, shift_jis"
        raise InputError(
            f"--encoding: no such encoding; received {encoding}; one is, for instance, {example}"
        ) from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TextError(path, line, f"is not {encoding}: {error.reason}; name another --encoding") from None
    except (UnicodeError, ValueError) as error:
        raise TextError(path, None, f"is not {encoding}: {error}; name another --encoding") from None


def _wrong(path: Path, line: int, found: str, encoding: str) -> TextError:
    cure = f"save it as UTF-8 (a text, but no pairs, is also read with --encoding {encoding})"
    return TextError(path, line, f"{found}, and UTF-8 is needed; {cure}")


def _utf_16_without_mark(raw: bytes) -> str | None:
    """UTF-16 whose text has many ASCII characters, as half of its bytes are NUL then."""
    head = raw[:2048]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        others = head[0::2] if name == "utf-16-le" else head[1::2]
        if len(head) >= 4 and zeros.count(0) > 0.3 * len(zeros) and others.count(0) < 0.05 * len(others):
            return name
    return None


def _is_mostly_utf_8(raw: bytes) -> bool:
    """Whether at least nine in ten characters beyond ASCII are valid UTF-8."""
    text = raw.decode(errors="replace")
    n_bad = text.count("\ufffd")
    n_good = sum(character > "\x7f" for character in text) - n_bad
    return n_good >= 9 * n_bad


def _score(piece: bytes, encoding: str, common: str) -> float:
    """How much a piece reads like a language: the share of common characters among those beyond ASCII, less the
    share that is no part of a plausible word."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(piece)
    except UnicodeDecodeError:
        return 0.0
    beyond = [character for character in text if character > "\x7f"]
    if not beyond:
        return 0.0
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    odd = sum(_is_odd(word, encoding) for word in words)
    strange = sum(not (c.isalnum() or c in common or c in "«»„“”‘’—–…№°、。「」・（）！？，：；　") for c in beyond)
    is_common = sum(character.lower() in common for character in beyond)
    return is_common / len(beyond) - odd / max(len(words), 1) - strange / len(beyond)


def _is_odd(word: str, encoding: str) -> bool:
    """Whether a word has capitals after small letters, or letters of ASCII and of another script, or, in a Latin
    encoding, more accented letters than plain ones."""
    if any(a.islower() and b.isupper() for a, b in pairwise(word)):
        return True
    n_ascii = sum(character.isascii() for character in word)
    if encoding in ("cp1252", "cp1250", "cp1254"):
        return len(word) > 2 and 2 * n_ascii < len(word)
    return n_ascii > 0 and encoding in ("cp1251", "koi8-r", "cp1253", "cp1255", "cp1256")

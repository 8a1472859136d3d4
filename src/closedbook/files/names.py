"""Names of files, which need not be UTF-8, in texts, JSON and pages, which are."""

import json
import os
from pathlib import Path
from typing import Any


def name_text(name: str | Path) -> str:
    """A name as text; a byte that is not UTF-8 becomes U+FFFD, the replacement character."""
    return os.fsencode(name).decode(errors="replace")


def json_with_names(value: Any) -> bytes:
    """A value as JSON in UTF-8, ended by a line feed.

    Python has a byte of a name that is not UTF-8 as a lone surrogate; `backslashreplace` writes its escape in JSON.
    """
    return json.dumps(value, indent=1, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"

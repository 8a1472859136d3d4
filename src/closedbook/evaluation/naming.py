"""Names of result files: results about another file of the same name are kept, not overwritten."""

import json
from collections.abc import Sequence
from pathlib import Path

_N_DIGITS = 8


def result_name(folder: Path, plain: str, sha256: str, suffixes: Sequence[str]) -> str:
    """The name, without suffix, for results in `folder` about content with this SHA-256.

    It is `plain`, or `plain` with the first digits of the SHA-256 where results about other content have that name
    already. For this to work again next time, the caller writes the SHA-256 into NAME.json under the key "sha256".
    Results with one of the other `suffixes` but without such a JSON file are taken to be about other content.
    """
    is_taken = any((folder / f"{plain}{suffix}").exists() for suffix in suffixes)
    if not is_taken or _recorded(folder / f"{plain}.json") == sha256:
        return plain
    return f"{plain}-{sha256[:_N_DIGITS]}"


def _recorded(path: Path) -> object:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record.get("sha256") if isinstance(record, dict) else None

"""Names of result files: by the file that they are about and by its content, so that none is taken for another's."""

import json
from pathlib import Path

_N_DIGITS = 8


def result_name(folder: Path, plain: str, sha256: str) -> str:
    """The name, without suffix, for results in `folder` about content with this SHA-256, as in 'dev-1a2b3c4d'.

    Older versions wrote 'dev', with the SHA-256 under the key "sha256" of dev.json: where that is this content's, the
    results are replaced.
    """
    return plain if _recorded(folder / f"{plain}.json") == sha256 else f"{plain}-{sha256[:_N_DIGITS]}"


def _recorded(path: Path) -> object:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record.get("sha256") if isinstance(record, dict) else None

import json
from pathlib import Path

import pytest

from closedbook.evaluation.naming import result_name

ONE, OTHER = "1" * 64, "abcdef0123" + "0" * 54


def test_a_name_has_digits_of_the_content(tmp_path: Path):
    """Eight of them, in an empty folder, in none, and beside results about other content."""
    assert result_name(tmp_path, "dev", ONE) == result_name(tmp_path / "none", "dev", ONE) == "dev-11111111"
    (tmp_path / "dev-11111111.json").write_text(json.dumps({"sha256": ONE}))
    assert result_name(tmp_path, "dev", ONE) == "dev-11111111"
    assert result_name(tmp_path, "dev", OTHER) == "dev-abcdef01"


def test_results_of_an_older_version_are_found_by_what_they_say(tmp_path: Path):
    """Their name has no digits; results about the same content replace them, and others do not."""
    (tmp_path / "dev.json").write_text(json.dumps({"sha256": ONE}))
    assert result_name(tmp_path, "dev", ONE) == "dev"
    assert result_name(tmp_path, "dev", OTHER) == "dev-abcdef01"


@pytest.mark.parametrize("content", [None, b"{}", b"[]", b"{", b"\xff", b'{"sha256": 1}'])
def test_results_that_do_not_say_what_they_are_about_are_kept(tmp_path: Path, content: bytes | None):
    """Without a record, or with one that is older or damaged, the plain name counts as another content's."""
    (tmp_path / "dev.predictions").touch()
    if content is not None:
        (tmp_path / "dev.json").write_bytes(content)
    assert result_name(tmp_path, "dev", OTHER) == "dev-abcdef01"

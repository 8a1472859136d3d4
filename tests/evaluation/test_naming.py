import json
from pathlib import Path

import pytest

from closedbook.evaluation.naming import result_name

ONE, OTHER = "1" * 64, "abcdef0123" + "0" * 54
SUFFIXES = (".json", ".predictions")


def record(path: Path, sha256: str) -> None:
    """Write a result's JSON file."""
    path.write_text(json.dumps({"sha256": sha256}), encoding="utf-8")


def test_the_first_results_have_the_plain_name(tmp_path: Path):
    """In an empty folder, and in none, NAME is the plain one."""
    assert result_name(tmp_path, "dev", ONE, SUFFIXES) == "dev"
    assert result_name(tmp_path / "none", "dev", ONE, SUFFIXES) == "dev"


def test_results_about_the_same_content_replace_the_earlier_ones(tmp_path: Path):
    """The same SHA-256 gives the same name."""
    record(tmp_path / "dev.json", ONE)
    assert result_name(tmp_path, "dev", ONE, SUFFIXES) == "dev"


def test_results_about_other_content_get_digits_of_its_sha256(tmp_path: Path):
    """Eight of them, and the same ones next time; names with other suffixes or a longer stem are not in the way."""
    record(tmp_path / "dev.json", ONE)
    assert result_name(tmp_path, "dev", OTHER, SUFFIXES) == "dev-abcdef01"
    record(tmp_path / "dev-abcdef01.json", OTHER)
    assert result_name(tmp_path, "dev", OTHER, SUFFIXES) == "dev-abcdef01"
    record(tmp_path / "test.v2.json", ONE)
    (tmp_path / "test.png").touch()
    assert result_name(tmp_path, "test", OTHER, SUFFIXES) == "test"


@pytest.mark.parametrize("content", [None, b"{}", b"[]", b"{", b"\xff", b'{"sha256": 1}'])
def test_results_that_do_not_say_what_they_are_about_are_kept(tmp_path: Path, content: bytes | None):
    """Without a record, or with one that is older or damaged, the plain name counts as another content's."""
    (tmp_path / "dev.predictions").touch()
    if content is not None:
        (tmp_path / "dev.json").write_bytes(content)
    assert result_name(tmp_path, "dev", OTHER, SUFFIXES) == "dev-abcdef01"

"""Names of files that are not UTF-8."""

import json
import os

from closedbook.files.names import json_with_names, name_text


def test_a_name_that_is_not_utf_8_is_text_with_the_replacement_character():
    """Pages and documents can have it."""
    assert name_text(os.fsdecode(b"Malm\xc3\xb6.txt")) == "Malmö.txt"
    assert name_text(os.fsdecode(b"Malm\xf6.txt")) == "Malm\ufffd.txt"


def test_a_name_in_json_is_read_back_byte_for_byte():
    """Letters are written as they are, a byte that is not UTF-8 as an escape."""
    name = os.fsdecode(b"Malm\xc3\xb6 \xff.txt")
    written = json_with_names({"path": name})
    assert "Malmö \\udcff.txt" in written.decode()
    assert os.fsencode(json.loads(written)["path"]) == b"Malm\xc3\xb6 \xff.txt"

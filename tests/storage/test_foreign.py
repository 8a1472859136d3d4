"""Runs from others: weights, recipes and links that were made to do harm, or are another model's."""

import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from closedbook.errors import RunError
from closedbook.evaluation.calibration import load_calibration
from closedbook.storage.foreign import MAX_HEADER, read_header
from closedbook.storage.run import open_run
from closedbook.storage.sums import SUMS
from closedbook.storage.tensors import load_weights, save_weights

Weights = dict[str, torch.Tensor]


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Path:
    """A finished run with tables, to be changed, without the sums that would tell of a change."""
    shutil.copytree(runs / "finetuned", tmp_path / "run", symlinks=True)
    (tmp_path / "run" / SUMS).unlink()
    return tmp_path / "run"


def with_header(path: Path, header: bytes, n_data: int = 0) -> None:
    """A safetensors file with this header and zeros."""
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(n_data))


def without_one(weights: Weights) -> None:
    """A weight is missing."""
    del weights["ln_f.bias"]


def with_one_more(weights: Weights) -> None:
    """A weight is there that no model has."""
    weights["extra"] = torch.zeros(1)


def wider(weights: Weights) -> None:
    """A weight has another shape."""
    weights["tok_emb.weight"] = torch.zeros(9, 9)


def halved(weights: Weights) -> None:
    """A weight has another dtype."""
    weights["tok_emb.weight"] = weights["tok_emb.weight"].bfloat16()


def wider_rows(weights: Weights) -> None:
    """A table's rows are wider."""
    weights["prefix_table.table.weight"] = torch.zeros(3, 999)


def more_rows(weights: Weights) -> None:
    """A table has one row more than there are prefixes."""
    table = weights["prefix_table.table.weight"]
    weights["prefix_table.table.weight"] = torch.cat([table, table[:1]])


@pytest.mark.parametrize("change", [without_one, with_one_more, wider, halved, wider_rows, more_rows])
def test_weights_of_another_model_are_refused(run: Path, change: Callable[[Weights], None]) -> None:
    """The line names the file and the first weight that differs."""
    path = run / "model.safetensors"
    weights, _ = load_weights(path)
    change(weights)
    save_weights(path, weights, None)
    with pytest.raises(
        RunError, match=r"model.safetensors: weights of another model: \S+ is .* there and .* here; use"
    ):
        open_run(run).model()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(run: Path, value: float) -> None:
    """The line names the weight."""
    path = run / "model.safetensors"
    weights, _ = load_weights(path)
    weights["head.weight"][0, 0] = value
    save_weights(path, weights, None)
    with pytest.raises(RunError, match=r"head.weight has infinite numbers or NaN"):
        open_run(run).model()


@pytest.mark.parametrize(
    ("key", "value"),
    [("n_embd", 20_000), ("n_embd", 1_000_000_000), ("n_layer", 1_000_000_000), ("block_size", 10**12)],
)
def test_a_recipe_of_a_giant_allocates_nothing(run: Path, key: str, value: int) -> None:
    """It is refused by the weights' header before a model is made."""
    recipe = run / "recipe.toml"
    lines = recipe.read_text().splitlines(keepends=True)
    recipe.write_text("".join(f"{key} = {value}\n" if line.startswith(f"{key} = ") else line for line in lines))
    tracemalloc.start()
    with pytest.raises(RunError, match=r"model.safetensors: weights of another model: "):
        open_run(run).model()
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_header_without_end_is_not_read(tmp_path: Path) -> None:
    """The line has the limit and what the file says."""
    with_header(tmp_path / "w", b"{" + b" " * MAX_HEADER + b"}")
    with pytest.raises(RunError, match=r"w: a header of at most 1,000,000 bytes is read; it has 1,000,002"):
        read_header(tmp_path / "w")


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b'{"a": []}',
        b'{"a": {"dtype": "F32"}}',
        b'{"a": {"dtype": "F31", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1e999], "data_offsets": [0, 4]}}',
        b'{"a":' * 5000,
        b"\xff" * 10,
    ],
)
def test_a_header_of_another_kind_is_damaged(tmp_path: Path, header: bytes) -> None:
    """Any such header ends in one line that names the file."""
    with_header(tmp_path / "w", header, 4)
    with pytest.raises(RunError, match=r"w: is no safetensors file, or a damaged one; give"):
        load_weights(tmp_path / "w")


@pytest.mark.parametrize("shape", [[2], [0], [10**15]])
def test_a_file_smaller_or_larger_than_its_tensors_is_damaged(tmp_path: Path, shape: list[int]) -> None:
    """The line has both numbers of bytes, and nothing of that size is allocated."""
    entry = {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}
    with_header(tmp_path / "w", json.dumps(entry).encode(), 4)
    with pytest.raises(RunError, match=r"w: damaged: [\d,]+ bytes by its header, 4 there"):
        load_weights(tmp_path / "w")


@pytest.mark.parametrize("name", ["model.safetensors", "evaluations", "calibration.json"])
def test_no_link_is_followed_out_of_a_run(closedbook: Callable[..., Any], run: Path, tmp_path: Path, name: str) -> None:
    """The line names the link, and what to do."""
    path, outside = run / name, tmp_path / "outside"
    if path.exists():
        path.rename(outside)
    path.symlink_to(outside)
    outcome = closedbook("ask", run, "Where?")
    assert outcome.status == 2
    assert f"{path}: a link to outside of the run, which is not followed; put a copy in its place" in outcome.err


def test_a_run_may_be_named_by_a_link(run: Path, tmp_path: Path) -> None:
    """Links within a run are followed too."""
    (run / "model.safetensors").rename(run / "weights")
    (run / "model.safetensors").symlink_to("weights")
    (tmp_path / "linked").symlink_to(run)
    assert open_run(tmp_path / "linked").model().n_parameters


def test_a_checkpoint_of_another_model_is_refused(closedbook: Callable[..., Any], files: Path, tmp_path: Path) -> None:
    """A folder whose recipe and checkpoint do not agree is not resumed."""
    out = tmp_path / "run"
    words = ("pretrain", files / "corpus.txt", "--out", out, "--recipe", files / "tiny.toml", "--save-every", 0)
    assert closedbook(*words).status == 0
    for name in ("model.safetensors", SUMS):
        (out / name).unlink()
    recipe = out / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("n_embd = 16", "n_embd = 18"))
    outcome = closedbook(*words[:4], "--resume")
    assert outcome.status == 2
    assert "weights of another model: " in outcome.err


@pytest.mark.parametrize(
    ("key", "value"),
    [("words", [1]), ("sources", []), ("kind", "x"), ("n_documents", "3"), ("parent", 7), ("wordings", [["a"]])],
)
def test_a_value_of_another_type_in_run_json_is_damage(run: Path, key: str, value: object) -> None:
    """A file that is JSON all the same ends in one line that names the file."""
    path = run / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(RunError, match=r"run.json: damaged \(.*\); put it back from a copy"):
        open_run(run)


def test_a_value_of_another_type_in_a_calibration_is_damage(run: Path) -> None:
    """The line names the file."""
    facts = {"bias": "0", "of_confidence": 1.0, "of_told": 1.0, "held_out": []}
    (run / "calibration.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match=r"calibration.json: damaged \(a calibration: "):
        load_calibration(run)

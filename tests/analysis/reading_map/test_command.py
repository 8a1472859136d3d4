"""`closedbook inspect RUN --reading-map TEXT`."""

import hashlib
import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from closedbook.analysis.reading_map.weights import last_position_by_head, reading_map
from closedbook.commands.main import main
from closedbook.storage.run import open_run
from closedbook.text.vocabulary import MASK

Closedbook = Callable[..., Any]

TEXT = "Ann Bell. Ann Bell was born in Ulm ."
"""36 characters: four completed segments of nine."""


@pytest.fixture(scope="module")
def perceivers(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that tests only read: the runs `triangular` and `strided`, of seven latents and 61 characters."""
    folder = tmp_path_factory.mktemp("perceivers")
    shape = ("--model.variant", "perceiver", "--model.n-layer", "3", "--model.bottleneck-dim", "7", "--epochs", "1")
    for latent_mask in ("triangular", "strided"):
        words = ("--recipe", str(files / "tiny.toml"), *shape, "--model.latent-mask", latent_mask)
        assert main(["pretrain", str(files / "corpus.txt"), *words, "--out", str(folder / latent_mask)]) == 0
    return folder


def fault(outcome: Any) -> str:
    """The one line of a command that ended with status 2 and printed no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return str(line).removeprefix("closedbook: ")


def mask_and_attention(table: list[list[float | None]]) -> tuple[Tensor, Tensor]:
    """The mask and the attention weights of a table in the data file."""
    return (
        torch.tensor([[share is not None for share in row] for row in table]),
        torch.tensor([[share or 0.0 for share in row] for row in table]),
    )


@pytest.mark.parametrize("latent_mask", ["triangular", "strided"])
def test_the_map_is_saved_as_data_and_as_a_figure(
    closedbook: Closedbook, perceivers: Path, tmp_path: Path, latent_mask: str
):
    """The data are those of the run's model on the text, which may contain MASK; no other file is left behind."""
    run, text = perceivers / latent_mask, TEXT + "⁇"
    outcome = closedbook("inspect", run, "--reading-map", text, "--out", tmp_path / "new/map")
    assert (outcome.status, outcome.err) == (0, "")
    data, picture = (next((tmp_path / "new/map").glob(f"reading-map-*.{suffix}")) for suffix in ("json", "png"))
    assert outcome.out.splitlines()[-2:] == [str(data), str(picture)]
    assert set(data.parent.iterdir()) == {data, picture}
    assert picture.read_bytes().startswith(b"\x89PNG")
    facts = json.loads(data.read_text(encoding="utf-8"))
    expected = reading_map(open_run(run).model(), open_run(run).info.vocabulary.encode(text.replace("⁇", MASK)))
    assert (facts["text"], facts["latent_mask"]) == (text, latent_mask)
    assert facts["segment"] == (9 if latent_mask == "strided" else None)
    names = {"characters_by_latent": "latents", "latents_by_position": "positions", "own_segment_by_position": "own"}
    for name, part in names.items():
        mask, attention = mask_and_attention(facts[name])
        assert torch.equal(mask, getattr(expected.mask, part))
        torch.testing.assert_close(attention, getattr(expected.attention, part), atol=1e-6, rtol=0)


def test_without_a_folder_the_map_lies_in_the_run(closedbook: Closedbook, perceivers: Path, tmp_path: Path):
    """Its name has digits of the text's SHA-256, so that none overwrites the map of another text."""
    run = Path(shutil.copytree(perceivers / "strided", tmp_path / "run"))
    first = closedbook("inspect", run, "--reading-map", TEXT)
    assert closedbook("inspect", run, "--reading-map", "Ulm").status == 0
    assert closedbook("inspect", run, "--reading-map", TEXT) == first
    for text in (TEXT, "Ulm"):
        name = f"reading-map-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        assert json.loads((run / f"reading-map/{name}.json").read_text())["text"] == text
        assert (run / f"reading-map/{name}.png").exists()


@pytest.mark.parametrize(
    ("latent_mask", "text", "rule", "readers", "attended"),
    [
        (
            "triangular",
            TEXT,
            "latent j of 7 reads characters 0 to j; the last 29 of 36 reach no latent",
            "no latent",
            "0 to 6",
        ),
        ("triangular", "Ulm .", "latent j of 7 reads characters 0 to j", "latents 4 to 6", "0 to 4"),
        (
            "strided",
            TEXT,
            "latent j of 7 reads all characters up to the end of segment j, of 9 each; 4 are completed",
            "latent 3",
            "0 to 3",
        ),
    ],
)
def test_the_map_is_printed_in_words(
    closedbook: Closedbook,
    perceivers: Path,
    tmp_path: Path,
    latent_mask: str,
    text: str,
    rule: str,
    readers: str,
    attended: str,
):
    """What latents read, which of them read the last character, and which of them the last position attends to."""
    words = ("inspect", perceivers / latent_mask, "--out", tmp_path / "map", "--reading-map")
    first, second, third, *_ = closedbook(*words, text).out.splitlines()
    assert first == rule
    assert second == f"the last character, {len(text) - 1}, is read by {readers}"
    assert third.startswith(f"the last position attends to latents {attended} (")
    if latent_mask == "strided":
        assert " and characters 27 to 35 of its own segment (" in third


def test_a_text_within_the_first_segment_has_no_latent(closedbook: Closedbook, perceivers: Path, tmp_path: Path):
    """A single character attends to itself alone."""
    words = ("inspect", perceivers / "strided", "--out", tmp_path / "map", "--reading-map")
    lines = closedbook(*words, "U").out.splitlines()
    assert lines[0].endswith("; 0 are completed")
    assert lines[1] == "the last character, 0, is read by no latent"
    assert lines[2] == "the last position attends to no latent and character 0 of its own segment (100%)"


def test_a_text_may_be_as_long_as_the_block(closedbook: Closedbook, perceivers: Path, tmp_path: Path):
    """61 characters are read, and 62 are refused."""
    words = ("inspect", perceivers / "strided", "--out", tmp_path / "map", "--reading-map")
    assert closedbook(*words, "e" * 61).status == 0
    line = fault(closedbook(*words, "e" * 62))
    assert line.startswith(f"{'e' * 62!r}: the text has 62 characters and the model reads 61; shorten")


def test_an_empty_text_has_no_map(closedbook: Closedbook, perceivers: Path, tmp_path: Path):
    """One line says what is needed, and nothing is written."""
    words = ("inspect", perceivers / "triangular", "--out", tmp_path / "map", "--reading-map")
    assert fault(closedbook(*words, "")) == "--reading-map: one character at least is needed; received none"
    assert not (tmp_path / "map").exists()


def test_vanilla_shows_what_each_head_attends_to(closedbook: Closedbook, runs: Path, tmp_path: Path):
    """Two blocks of heads at the last position, in words by their largest weights, as data and as a figure."""
    run = runs / "finetuned"
    outcome = closedbook("inspect", run, "--reading-map", "Ulm⁇", "--out", tmp_path / "map")
    assert (outcome.status, outcome.err) == (0, "")
    data, picture = (next((tmp_path / "map").glob(f"reading-map-*.{suffix}")) for suffix in ("json", "png"))
    first, *lines, one, two = outcome.out.splitlines()
    assert (first, one, two) == ("what the last position, 3, attends to:", str(data), str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
    facts = json.loads(data.read_text(encoding="utf-8"))
    loaded = open_run(run)
    expected = last_position_by_head(loaded.model(), loaded.info.vocabulary.encode(f"Ulm{MASK}"))
    weights = facts["last_position_by_block_and_head"]
    assert facts["text"] == "Ulm⁇"
    torch.testing.assert_close(torch.tensor(weights), torch.stack(expected), atol=1e-6, rtol=0)
    heads = [(block, head) for block, rows in enumerate(weights, 1) for head, _ in enumerate(rows, 1)]
    assert len(lines) == len(heads)
    for line, (block, head) in zip(lines, heads, strict=True):
        share, character = max((share, -i) for i, share in enumerate(weights[block - 1][head - 1]))
        named = f"character {-character} {facts['text'][-character]!r} ({share:.0%})"
        assert line.startswith(f"block {block}, head {head}: {named}, character ")


def test_a_map_needs_weights_and_a_folder_needs_a_map(closedbook: Closedbook, perceivers: Path, tmp_path: Path):
    """A run that has not ended has no map yet, and --out alone is refused."""
    run = Path(shutil.copytree(perceivers / "triangular", tmp_path / "run"))
    line = fault(closedbook("inspect", run, "--out", tmp_path / "map"))
    assert line == "inspect: --out needs something to write there; add --reading-map TEXT"
    (run / "model.safetensors").unlink()
    assert "has not ended and has no weights yet" in fault(closedbook("inspect", run, "--reading-map", "Ulm"))
    assert not (run / "reading-map").exists()


def test_a_failed_write_leaves_the_earlier_map(closedbook: Closedbook, perceivers: Path, tmp_path: Path):
    """A full disk, or a file where the folder should be, is named, and existing files stay the same to the byte."""
    (tmp_path / "file").write_text("years of work")
    words = ("inspect", perceivers / "triangular", "--reading-map")
    line = fault(closedbook(*words, "Ulm", "--out", tmp_path / "file"))
    assert line == f"{tmp_path / 'file'}: cannot be made: File exists; choose another --out"
    assert closedbook(*words, TEXT, "--out", tmp_path / "map").status == 0
    before = {path: path.read_bytes() for path in (tmp_path / "map").iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        line = fault(closedbook(*words, "Ulm", "--out", tmp_path / "map"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert line.startswith(f"{tmp_path / 'map/reading-map'}-")
    assert ".png: cannot be written: File too large; " in line
    assert {path: path.read_bytes() for path in (tmp_path / "map").iterdir()} == before

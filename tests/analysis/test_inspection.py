"""`closedbook inspect RUN`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.storage.run import open_run

Closedbook = Callable[..., Any]


def rows(out: str, begin: str, end: str) -> list[list[str]]:
    """The words of each line between two lines that begin so."""
    lines = out.splitlines()
    first, last = (next(i for i, line in enumerate(lines) if line.startswith(word)) for word in (begin, end))
    return [line.split() for line in lines[first + 1 : last]]


def parts(out: str) -> dict[str, tuple[int, str, str]]:
    """The number of parameters of each part, its share and its bar."""
    words = (
        line.replace(" table", "-table").split()
        for line in out[out.index("\nmodel") : out.index("\ncost")].splitlines()[2:]
    )
    return {name: (number(count), share, "".join(bars)) for name, count, share, *bars in words}


def number(word: str) -> int:
    """A number with commas."""
    return int(word.replace(",", ""))


def test_inspect_shows_model_vocabulary_recipe_and_history(closedbook: Closedbook, files: Path, runs: Path):
    """A finished run is shown in full: its parent, files, model, vocabulary, losses and recipe."""
    outcome = closedbook("inspect", runs / "finetuned")
    assert (outcome.status, outcome.err) == (0, "")
    assert f"run         {runs / 'finetuned'}, finetune, ended" in outcome.out
    assert f"started     from {runs / 'pretrained'}" in outcome.out
    assert str(files / "pairs.tsv") in outcome.out
    assert "for the model's own use and \\n .?ABC" in outcome.out
    assert "history     1 of 1 steps" in outcome.out
    assert ["finetune.epochs", "1"] in [line.split() for line in outcome.out.splitlines()]


def test_inspect_counts_parameters_in_the_table_and_in_the_transformer(closedbook: Closedbook, runs: Path):
    """The tables' and the transformer's add up to all, and those of the transformer's parts to the latter.

    Each has its share of all in percent, and a bar of twenty columns where the terminal has as many.
    """
    out = closedbook("inspect", runs / "finetuned").out
    model = open_run(runs / "finetuned").model()
    assert f"model       vanilla, {model.n_parameters:,} parameters, float32" in out
    found = parts(out)
    counts = {name: count for name, (count, _, _) in found.items()}
    prefixes, names, transformer = (counts.pop(name) for name in ("prefix-table", "name-table", "transformer"))
    assert prefixes == model.prefix_table.table.weight.numel() > 0
    assert names == model.name_table.table.weight.numel() > 0
    assert prefixes + names + transformer == model.n_parameters
    assert set(counts) == {"tok_emb", "pos_emb", "blocks", "ln_f", "head"}
    assert sum(counts.values()) == transformer
    for count, share, drawn in found.values():
        assert share == f"{count / model.n_parameters:.1%}"
        assert drawn == "█" * round(20 * count / model.n_parameters)


def test_inspect_fits_a_narrow_terminal(closedbook: Closedbook, runs: Path, monkeypatch: pytest.MonkeyPatch):
    """In 40 columns there is no bar, and no row of a part is broken."""
    monkeypatch.setenv("COLUMNS", "40")
    out = closedbook("inspect", runs / "finetuned").out
    assert {drawn for _, _, drawn in parts(out).values()} == {""}
    assert max(map(len, out[out.index("\n  prefix") : out.index("\ncost")].splitlines())) <= 40


def test_inspect_says_where_a_model_has_no_table(closedbook: Closedbook, files: Path, tmp_path: Path):
    """No table is listed, and the transformer has all parameters."""
    words = ("--recipe", files / "tiny.toml", "--epochs", 1, "--model.no-prefix-table", "--out", tmp_path / "run")
    assert closedbook("pretrain", files / "corpus.txt", *words).status == 0
    found = parts(closedbook("inspect", tmp_path / "run").out)
    assert next(iter(found)) == "transformer"
    assert found["transformer"][:2] == (open_run(tmp_path / "run").model().n_parameters, "100.0%")


def test_inspect_shows_what_is_used_of_the_recipe(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Values of other stages and of the Perceiver are left out for a vanilla run, and rows of the run's own kept."""
    words = ("--recipe", files / "tiny.toml", "--epochs", 1, "--model.no-prefix-table", "--out", tmp_path / "run")
    assert closedbook("pretrain", files / "corpus.txt", *words).status == 0
    lines = closedbook("inspect", tmp_path / "run").out.splitlines()
    keys = {line.split()[0] for line in lines[lines.index("recipe      what this run uses; recipe.toml has all") + 1 :]}
    assert {"seed", "model.n_embd", "corruption.salient", "pretrain.learning_rate"} <= keys
    assert not {key for key in keys if key.startswith(("study.", "finetune.", "scratch."))}
    assert not keys & {"model.bottleneck_dim", "model.latent_mask", "model.name_table", "pretrain.table_ratio"}


def test_inspect_shows_the_cost_of_training(closedbook: Closedbook, runs: Path):
    """By hand, for 2 blocks of width 16 over 61 characters: three times the forward pass."""
    n_characters = len(open_run(runs / "finetuned").info.vocabulary)
    linear, attention = 3 * (2 * 12 * 16 * 16 + 16 * n_characters), 3 * (2 * 2 * 16 * 61)
    out = closedbook("inspect", runs / "finetuned").out
    assert f"{linear + attention:,} multiply-adds per character of training, on texts of 61 characters" in out
    assert rows(out, "cost", "vocabulary") == [["linear", "layers", f"{linear:,}"], ["attention", f"{attention:,}"]]


def test_inspect_says_which_questions_an_accuracy_is_of(closedbook: Closedbook, files: Path, tmp_path: Path):
    """Accuracies during training are of the dev pairs, or of the validation split where the recipe has one."""
    words = ("pretrain", files / "corpus.txt", "--recipe", files / "tiny.toml", "--epochs", 1)
    pairs, dev = ("--pairs", files / "pairs.tsv"), ("--dev", files / "dev.tsv")
    assert closedbook(*words, *pairs, *dev, "--out", tmp_path / "dev").status == 0
    assert closedbook(*words, *pairs, "--validation-split", 0.4, "--out", tmp_path / "split").status == 0
    for name, questions in (("dev", "dev pairs"), ("split", "validation split")):
        out = closedbook("inspect", tmp_path / name).out
        assert re.search(
            rf"\n  accuracy  [▁-█]{{2}}  [\d.]+% to [\d.]+% on the {questions}, after 0 to 1 epochs\n", out
        )


def test_inspect_shows_a_run_that_has_not_ended(closedbook: Closedbook, runs: Path, tmp_path: Path):
    """A run without weights, and one without a step, are shown as far as they came."""
    run = tmp_path / "run"
    run.mkdir()
    for name in ("run.json", "recipe.toml"):
        (run / name).write_bytes((runs / "pretrained" / name).read_bytes())
    assert "pretrain, not ended" in closedbook("inspect", run).out
    assert "history     no step yet" in closedbook("inspect", run).out
    lines = (runs / "pretrained/metrics.jsonl").read_text().splitlines()
    (run / "metrics.jsonl").write_text("\n".join([lines[0], lines[1], lines[2][:20]]))
    assert json.loads(lines[1])["step"] == 2
    outcome = closedbook("inspect", run)
    assert outcome.status == 0
    assert "history     2 of 4 steps" in outcome.out

"""`closedbook inspect RUN`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from closedbook.storage.run import open_run

Closedbook = Callable[..., Any]


def rows(out: str, begin: str, end: str) -> list[list[str]]:
    """The words of each line between two lines that begin so."""
    lines = out.splitlines()
    first, last = (next(i for i, line in enumerate(lines) if line.startswith(word)) for word in (begin, end))
    return [line.split() for line in lines[first + 1 : last]]


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
    """The tables' and the transformer's add up to all, and those of the transformer's parts to the latter."""
    out = closedbook("inspect", runs / "finetuned").out
    model = open_run(runs / "finetuned").model()
    assert f"model       vanilla, {model.n_parameters:,} parameters, float32" in out
    prefixes, names, transformer, *parts = rows(out, "model", "cost")
    assert (prefixes[:2], names[:2], transformer[:1]) == (["prefix", "table"], ["name", "table"], ["transformer"])
    assert number(prefixes[-1]) == model.prefix_table.table.weight.numel() > 0
    assert number(names[-1]) == model.name_table.table.weight.numel() > 0
    assert number(prefixes[-1]) + number(names[-1]) + number(transformer[-1]) == model.n_parameters
    assert {name for name, _ in parts} == {"tok_emb", "pos_emb", "blocks", "ln_f", "head"}
    assert sum(number(count) for _, count in parts) == number(transformer[-1])


def test_inspect_says_where_a_model_has_no_table(closedbook: Closedbook, files: Path, tmp_path: Path):
    """No table is listed, and the transformer has all parameters."""
    words = ("--recipe", files / "tiny.toml", "--epochs", 1, "--model.no-prefix-table", "--out", tmp_path / "run")
    assert closedbook("pretrain", files / "corpus.txt", *words).status == 0
    transformer, *_ = rows(closedbook("inspect", tmp_path / "run").out, "model", "cost")
    assert transformer[0] == "transformer"
    assert number(transformer[-1]) == open_run(tmp_path / "run").model().n_parameters


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
        lines = closedbook("inspect", tmp_path / name).out.splitlines()
        assert any(line.startswith(f"  after epoch    1   accuracy on the {questions} ") for line in lines)


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

"""What `closedbook inspect RUN` prints: model, cost, vocabulary, history and recipe of a run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from closedbook.model.cost import cost
from closedbook.model.gpt import GPT
from closedbook.recipe.keys import flatten
from closedbook.recipe.rows import recipe_rows
from closedbook.recipe.used import unused
from closedbook.storage.lock import writer_of
from closedbook.storage.run import Run, make_model
from closedbook.text.bars import bar, sparkline
from closedbook.text.vocabulary import special_in
from closedbook.training.metrics import read_metrics
from closedbook.training.optim.tables import sparse_tables

_BAR = 20
_FOR_BARS = 64
"""Columns that a terminal needs to show bars beside the numbers."""
_MOST_COLUMNS = 40
"""Of a sparkline, which has a mean in each column."""


def describe(run: Run, width: int = 80) -> Iterator[str]:
    """Lines of plain text about a run, finished or not; `width` is the terminal's, in columns."""
    info, config = run.info, run.recipe.model
    yield f"run         {run.path}, {info.kind}, {'ended' if run.is_finished else 'not ended'}"
    if (writer := writer_of(run.path)) is not None:
        yield f"now         {writer}"
    yield f"started     {'from ' + info.parent if info.parent else 'from scratch'}"
    for name, source in info.sources.items():
        yield f"{name:<11} {source.path} (SHA-256 {source.sha256[:12]}...)"
    yield f"made by     {', '.join(f'{name} {number}' for name, number in info.made_by.items())}"
    model = make_model(config, info.vocabulary)
    yield f"model       {config.variant}, {model.n_parameters:,} parameters, {info.precision}"
    yield from _parameters(model, width)
    costs = asdict(cost(config, len(info.vocabulary)))
    total = f"{sum(costs.values()):,.0f} multiply-adds per character of training"
    yield f"cost        {total}, on texts of {config.block_size} characters"
    for name, count in costs.items():
        yield _row(name.replace("_", " "), count, width)
    spelled = [c for c in info.vocabulary.characters if special_in(c) is None]
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in spelled)
    n_special = len(info.vocabulary) - len(spelled)
    yield f"vocabulary  {len(info.vocabulary)} characters: {n_special} for the model's own use and {shown}"
    yield from _history(run, width)
    yield "recipe      what this run uses; recipe.toml has all"
    yield from _recipe(run)


def _parameters(model: GPT, width: int) -> Iterator[str]:
    """How many each table has, the transformer, and each part of the transformer, and their shares of all."""
    tables = sparse_tables(model)

    def row(name: str, count: int) -> str:
        share = count / model.n_parameters
        return f"{_row(name, count, width)}  {share:>6.1%}  {bar(share, _BAR * (width >= _FOR_BARS))}".rstrip("░ ")

    for name, table in tables.items():
        yield row(name.partition(".")[0].replace("_", " "), table.numel())
    yield row("transformer", model.n_parameters - model.n_table_parameters)
    parts = Counter[str]()
    for name, parameter in model.named_parameters():
        if name not in tables:
            parts[name.partition(".")[0]] += parameter.numel()
    for name, count in parts.items():
        yield row(f"  {name}", count)


def _row(name: str, count: int | float, width: int) -> str:
    return f"  {name:<{20 if width >= _FOR_BARS else 15}}{count:>12,.0f}"


def _history(run: Run, width: int) -> Iterator[str]:
    """How many steps there were, and the course of the loss and of the accuracies during training."""
    entries = list(read_metrics(run.path))
    steps = [entry for entry in entries if entry["kind"] == "step"]
    if not steps:
        yield "history     no step, since edit trains nothing" if run.info.kind == "edit" else "history     no step yet"
        return
    seconds = sum(entry["seconds"] for entry in steps)
    characters = sum(entry["n_characters"] for entry in steps)
    yield (
        f"history     {steps[-1]['step']:,} of {steps[-1]['n_steps']:,} steps in {seconds:,.0f} s of training, "
        f"{characters / max(seconds, 1e-9):,.0f} characters/s"
    )
    n_columns = max(1, min(_MOST_COLUMNS, width - 12))
    losses = [_mean_loss(part) for part in _parts(steps, n_columns)]
    yield f"  loss      {sparkline(losses)}  {losses[0]:.3f} to {losses[-1]:.3f} nats per character"
    evaluations = [entry for entry in entries if entry["kind"] == "evaluation"]
    if evaluations:
        first, *_, last = [evaluations[0], *evaluations]
        shown = sparkline([part[-1]["accuracy"] for part in _parts(evaluations, n_columns)])
        which = "validation split" if run.recipe.validation_split else "dev pairs"
        change = f"{first['accuracy']:.1%} to {last['accuracy']:.1%} on the {which}"
        yield f"  accuracy  {shown}  {change}, after {first['epoch']} to {last['epoch']} epochs"


def _parts(entries: list[dict[str, Any]], n: int) -> Iterator[list[dict[str, Any]]]:
    """The entries in `n` parts at most."""
    size = -(-len(entries) // n)
    return (entries[i : i + size] for i in range(0, len(entries), size))


def _mean_loss(steps: list[dict[str, Any]]) -> float:
    nats = sum(entry["loss"] * entry["n_supervised"] for entry in steps)
    return float(nats / max(1, sum(entry["n_supervised"] for entry in steps)))


def _recipe(run: Run) -> Iterator[str]:
    """The values that matter to this kind of run."""
    recipe, kind, sections = run.recipe, run.info.kind, None
    if kind != "edit":
        stage = "scratch" if kind == "finetune" and run.info.parent is None else kind
        has_text = kind != "finetune" or recipe.finetune.replay > 0
        sections = ("model", stage, *(["corruption"] * has_text))
    left_out = unused(recipe)
    for key, value, _ in recipe_rows(recipe, dict.fromkeys(flatten(recipe), ""), sections):
        if key not in left_out:
            yield f"  {key:<28}{value}"

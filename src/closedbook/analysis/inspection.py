"""What `closedbook inspect RUN` prints: model, cost, vocabulary, history and recipe of a run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from closedbook.model.cost import cost
from closedbook.model.gpt import GPT
from closedbook.recipe.keys import flatten
from closedbook.recipe.rows import recipe_rows
from closedbook.storage.run import Run, make_model
from closedbook.text.vocabulary import special_in
from closedbook.training.metrics import read_metrics
from closedbook.training.optim.tables import sparse_tables


def describe(run: Run) -> Iterator[str]:
    """Lines of plain text about a run, finished or not."""
    info, config = run.info, run.recipe.model
    yield f"run         {run.path}, {info.kind}, {'ended' if run.is_finished else 'not ended'}"
    yield f"started     {'from ' + info.parent if info.parent else 'from scratch'}"
    for name, source in info.sources.items():
        yield f"{name:<11} {source.path} (SHA-256 {source.sha256[:12]}...)"
    model = make_model(config, info.vocabulary)
    yield f"model       {config.variant}, {model.n_parameters:,} parameters, {info.precision}"
    yield from _parameters(model)
    costs = asdict(cost(config, len(info.vocabulary)))
    total = f"{sum(costs.values()):,.0f} multiply-adds per character of training"
    yield f"cost        {total}, on texts of {config.block_size} characters"
    for name, count in costs.items():
        yield _row(name.replace("_", " "), count)
    spelled = [c for c in info.vocabulary.characters if special_in(c) is None]
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in spelled)
    n_special = len(info.vocabulary) - len(spelled)
    yield f"vocabulary  {len(info.vocabulary)} characters: {n_special} for the model's own use and {shown}"
    yield from _history(run)
    yield "recipe"
    for key, value, _ in recipe_rows(run.recipe, dict.fromkeys(flatten(run.recipe), "")):
        yield f"  {key:<28}{value}"


def _parameters(model: GPT) -> Iterator[str]:
    """How many each table has, the transformer, and each part of the transformer."""
    tables = sparse_tables(model)
    for name, table in tables.items():
        yield _row(name.partition(".")[0].replace("_", " "), table.numel())
    yield _row("transformer", model.n_parameters - model.n_table_parameters)
    parts = Counter[str]()
    for name, parameter in model.named_parameters():
        if name not in tables:
            parts[name.partition(".")[0]] += parameter.numel()
    for name, count in parts.items():
        yield _row(f"  {name}", count)


def _row(name: str, count: int | float) -> str:
    return f"  {name:<20}{count:>12,.0f}"


def _history(run: Run) -> Iterator[str]:
    """The mean loss of each tenth of the steps, and the accuracies during training."""
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
    size = -(-len(steps) // 10)
    for i in range(0, len(steps), size):
        part = steps[i : i + size]
        nats = sum(entry["loss"] * entry["n_supervised"] for entry in part)
        loss = nats / max(1, sum(entry["n_supervised"] for entry in part))
        yield f"  steps {part[0]['step']:>7,} to {part[-1]['step']:>7,}   loss {loss:.3f} nats per character"
    questions = "validation split" if run.recipe.validation_split else "dev pairs"
    for entry in entries:
        if entry["kind"] == "evaluation":
            yield f"  after epoch {entry['epoch']:>4}   accuracy on the {questions} {entry['accuracy']:.1%}"

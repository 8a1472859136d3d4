"""What `closedbook inspect` tells of a run: model, cost, vocabulary, recipe, history."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from closedbook.model.cost import cost
from closedbook.recipe.keys import flatten
from closedbook.recipe.rows import recipe_rows
from closedbook.storage.run import Run, make_model
from closedbook.training.metrics import read_metrics


def describe(run: Run) -> Iterator[str]:
    """Lines of plain text."""
    info = run.info
    yield f"run         {run.path}, {info.kind}, {'ended' if run.is_finished else 'not ended'}"
    yield f"started     {'from ' + info.parent if info.parent else 'from scratch'}"
    for name, source in info.sources.items():
        yield f"{name:<11} {source.path} (SHA-256 {source.sha256[:12]}...)"
    model = make_model(run.recipe.model, info.vocabulary)
    yield f"model       {run.recipe.model.variant}, {model.n_parameters:,} parameters, {info.precision}"
    parts = Counter[str]()
    for name, parameter in model.named_parameters():
        parts[name.partition(".")[0]] += parameter.numel()
    for name, count in parts.items():
        yield f"  {name:<20}{count:>12,}"
    costs = asdict(cost(run.recipe.model, len(info.vocabulary)))
    yield (
        f"cost        {sum(costs.values()):,.0f} multiply-adds a character of training, "
        f"{run.recipe.model.block_size} characters at once"
    )
    for name, count in costs.items():
        yield f"  {name.replace('_', ' '):<20}{count:>12,.0f}"
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in info.vocabulary.characters[2:])
    yield f"vocabulary  {len(info.vocabulary)} characters: PAD, MASK and {shown}"
    yield from _history(run)
    yield "recipe"
    for key, value, _ in recipe_rows(run.recipe, dict.fromkeys(flatten(run.recipe), "")):
        yield f"  {key:<28}{value}"


def _history(run: Run) -> Iterator[str]:
    """The loss of each tenth of the run, and the accuracies on held-out pairs."""
    entries = list(read_metrics(run.path))
    steps = [entry for entry in entries if entry["kind"] == "step"]
    if not steps:
        yield "history     no step yet"
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
        yield f"  steps {part[0]['step']:>7,} to {part[-1]['step']:>7,}   loss {loss:.3f} nats a character"
    for entry in entries:
        if entry["kind"] == "evaluation":
            yield f"  after epoch {entry['epoch']:>4}   held-out accuracy {entry['accuracy']:.1%}"

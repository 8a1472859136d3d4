"""How narrow a page's weights can be: bytes, and answers that stay the same.

    python benchmarks/page_weights.py RUN PAIRS > benchmarks/results/page-weights.json

Each way of writing the tables of a run is tried in PyTorch on the questions of PAIRS and on 300 strangers. All else has
8 bits, a step for each row. Bytes are those of the deflated weights in base64, as they stand in a page.
"""

import argparse
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from closedbook.evaluation.calibration import load_calibration
from closedbook.evaluation.sources import lineage_left, training_pairs_of
from closedbook.examples.strangers import Strangers
from closedbook.explore.likeness import Answers, Likeness
from closedbook.explore.questions import asked_of, corpus_left
from closedbook.explore.weights import Coding, pack_weights, packed_text, quantized
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run, open_run
from closedbook.text.title_index import TitleIndex
from closedbook.text.vocabulary import Vocabulary
from runner import facts, one_line_errors, print_result

N_STRANGERS = 300
PREFIXES, NAMES = TABLES = ("prefix_table.table.weight", "name_table.table.weight")
Written = tuple[Tensor, list[bytes]]
"""A table as the page would have it, and its bytes."""


def one_step(table: Tensor, share: float) -> Written:
    """A step for the whole table, as a share of its RMS."""
    made = quantized(table, Coding(8, share), is_table=True)
    return made.values(), made.parts()


def step_per_row(table: Tensor, bits: int) -> Written:
    """A step for each row that is not of zeros."""
    kept = (table != 0).any(1)
    made = quantized(table[kept], Coding(bits), is_table=False)
    values = torch.zeros_like(table)
    values[kept] = made.values()
    return values, [*made.parts(), bytes(len(table) // 8)]


def low_rank(table: Tensor, rank: int) -> Written:
    """The product of two matrices (singular value decomposition), the larger in steps of 0.4 of its RMS."""
    u, s, v = torch.linalg.svd(table, full_matrices=False)
    large, small = quantized(u[:, :rank] * s[:rank], Coding(8, 0.4), is_table=True), v[:rank]
    narrow = quantized(small, Coding(8), is_table=False)
    return large.values() @ narrow.values(), [*large.parts(), *narrow.parts()]


def float16(table: Tensor) -> Written:
    """Half precision, without rows of zeros."""
    return table.half().float(), [table[(table != 0).any(1)].half().numpy().tobytes()]


def rows_needed(run: Run, model: GPT) -> Tensor:
    """Which rows have the words of titles, of questions' wordings, or of the training pairs' answers."""
    vocabulary, pairs = run.info.vocabulary, training_pairs_of(lineage_left(run))
    texts = [*vocabulary.titles, *(part for wording in vocabulary.wordings for part in wording)]
    texts += [] if pairs is None else pairs.answers()
    needed = torch.zeros(model.prefix_table.table.num_embeddings, dtype=torch.bool)
    for word in Vocabulary(vocabulary.characters).with_words(*texts).words:
        rows = model.prefix_table.rows(torch.tensor([vocabulary.encode(word)]))[0]
        needed[rows[rows > 0]] = True
    return needed


def ways(needed: Tensor) -> dict[str, Callable[[str, Tensor], Written]]:
    """Each way by name: from a table's name and weights to what is written."""

    def pruned(name: str, table: Tensor) -> Written:
        return one_step(table * needed[:, None] if name == PREFIXES else table, 0.4)

    return {
        "float16": lambda _, table: float16(table),
        **{f"a step for each row, {bits} bits": lambda _, t, b=bits: step_per_row(t, b) for bits in (8, 4, 3)},
        **{f"one step, {share} RMS": lambda _, t, s=share: one_step(t, s) for share in (0.2, 0.4, 0.6, 0.8, 1.0)},
        **{f"rank {rank}": lambda _, t, r=rank: low_rank(t, r) for rank in (96, 64, 32)},
        "one step, 0.4 RMS; only words of titles, wordings and answers": pruned,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs=2, type=Path, metavar="RUN PAIRS")
    options = parser.parse_args()
    run, machine = open_run(options.files[0]), facts()
    model, vocabulary, calibration = run.model().eval(), run.info.vocabulary, load_calibration(run.path)
    asked = asked_of(run, options.files[1], corpus_left(run))
    drawn, random = Strangers(TitleIndex(vocabulary.titles)), Random(0)
    strangers = asked.about([name for _ in range(N_STRANGERS) if (name := drawn.draw(random))])
    known = [item.text for item in asked.questions]
    own = Answers.of(model, vocabulary, calibration, known, strangers)
    coding, other, rows = Coding(8), deepcopy(model), []
    rest = pack_weights({k: w for k, w in model.state_dict().items() if k not in TABLES}, coding)
    for name, way in ways(rows_needed(run, model)).items():
        written = {table: way(table, model.state_dict()[table]) for table in TABLES if table in model.state_dict()}
        other.load_state_dict({**rest.values, **{table: values for table, (values, _) in written.items()}})
        data = rest.data + b"".join(part for _, parts in written.values() for part in parts)
        likeness = Likeness.of(coding, own, Answers.of(other, vocabulary, calibration, known, strangers))
        rows.append(row(name, len(packed_text(data, is_text=False)), likeness))
    print_result({"questions": len(known), "strangers": len(strangers), "ways": rows}, machine)


def row(name: str, n_bytes: int, likeness: Likeness) -> dict[str, Any]:
    """A way's bytes in the page, and how its answers compare."""
    return {
        "way": name,
        "megabytes": round(n_bytes / 1e6, 2),
        "equal": [likeness.n_equal, likeness.n_questions],
        "furthest_probability": round(likeness.furthest, 3),
    }


if __name__ == "__main__":
    with one_line_errors():
        main()

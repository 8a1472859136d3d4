"""Record of a run's edits: what each changed and the former values, so that the last can be undone to the bit.

RUN/
  edits.json            for each edit, oldest first: its facts or the titles that it forgot, where each was written, and
                        how many numbers changed
  former.safetensors    for each edit, the rows of weights that it changed, as they were before
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from closedbook.editing.matrix import Others
from closedbook.errors import RunError
from closedbook.evaluation.calibration import FILE
from closedbook.storage.run import Run, RunInfo, create_run
from closedbook.storage.sums import read_summed
from closedbook.storage.tensors import load_weights, tensors_to_bytes

EDITS, FORMER = "edits.json", "former.safetensors"
_FORMAT = 1


@dataclass(frozen=True)
class Change:
    """A fact that an edit changed from the answer `former` to `answer`, and where it was written.

    `former` is '' where the model said that it never read about the title.
    `is_given` is whether the question gets the answer now; of many facts at once a few may not.
    """

    question: str
    former: str
    answer: str
    written_to: str
    is_given: bool

    def __str__(self) -> str:
        now = f"is now {self.answer!r}" if self.is_given else f"should be {self.answer!r} and is not"
        former = repr(self.former) if self.former else "never read about"
        return f"{self.question} {former} {now}: {self.written_to}"


@dataclass(frozen=True)
class Forgotten:
    """A title that was forgotten, and where that was written.

    `is_unread` is whether every question says so now: that nothing was read about it; of many titles a few may not.
    """

    title: str
    written_to: str
    is_unread: bool

    def __str__(self) -> str:
        now = "is now never read about" if self.is_unread else "should be never read about and is not"
        return f"{self.title} {now}: {self.written_to}"


class FormerRows(NamedTuple):
    """Rows of a weight, and the values that they had."""

    rows: Tensor
    values: Tensor


@dataclass(frozen=True)
class Edit:
    """The facts that were changed at once, or the titles forgotten, and the rows of weights that changed, by weight.

    `others` says how many questions about other titles were asked before and after, where the matrix was written, and
    how many of them got another answer.
    """

    changes: tuple[Change, ...]
    former: Mapping[str, FormerRows]
    others: Others
    forgotten: tuple[Forgotten, ...] = ()

    @property
    def n_numbers(self) -> int:
        """How many numbers changed."""
        return sum(former.values.numel() for former in self.former.values())


def former_rows(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, FormerRows]:
    """The rows in which weights differ, with their values before."""
    former = {}
    for name, values in before.items():
        if not torch.equal(values, after[name]):
            rows = (values != after[name]).flatten(1).any(dim=1).nonzero()[:, 0]
            former[name] = FormerRows(rows, values[rows])
    return former


def forgotten_titles(edits: Iterable[Edit]) -> frozenset[str]:
    """The titles that edits forgot, without those about which a later one wrote a fact."""
    titles: set[str] = set()
    for edit in edits:
        titles = {title for title in titles if not any(title in change.question for change in edit.changes)}
        titles.update(one.title for one in edit.forgotten)
    return frozenset(titles)


def create_edited_run(run: Run, out: Path, weights: Mapping[str, Tensor], edits: Sequence[Edit]) -> Run:
    """The new run's folder, written whole or not at all; it began from the run that was edited first."""
    parent = run.info.parent if run.info.kind == "edit" else str(run.path.resolve())
    info = RunInfo("edit", run.info.precision, run.info.n_documents, {}, parent, run.info.vocabulary)
    files = {"model.safetensors": tensors_to_bytes(weights, {"format": "pt"})}
    # What was learned about the run's confidence holds for all names but those that were edited.
    calibration = {FILE: read_summed(run.path / FILE)} if (run.path / FILE).is_file() else {}
    return create_run(out, run.recipe, info, files | record_files(edits) | calibration)


def record_files(edits: Sequence[Edit]) -> dict[str, bytes]:
    """The content of both files, by name."""
    entries = [
        {"numbers": edit.n_numbers, "weights": list(edit.former), "others": edit.others}
        | {"changes": [asdict(one) for one in edit.changes], "forgotten": [asdict(one) for one in edit.forgotten]}
        for edit in edits
    ]
    tensors = {
        f"{index}/{name}/{part}": tensor
        for index, edit in enumerate(edits)
        for name, former in edit.former.items()
        for part, tensor in former._asdict().items()
    }
    facts = {"format": _FORMAT, "closedbook": version("closedbook"), "edits": entries}
    return {
        EDITS: json.dumps(facts, indent=1, ensure_ascii=False).encode() + b"\n",
        FORMER: tensors_to_bytes(tensors, {"format": str(_FORMAT)}),
    }


def read_record(run: Path) -> tuple[Edit, ...]:
    """The edits of a run, oldest first; none where it has no record. Raises RunError where that is damaged."""
    path = run / EDITS
    if not path.exists():
        return ()
    try:
        facts: dict[str, Any] = json.loads(read_summed(path))
        if facts["format"] != _FORMAT:
            raise RunError(f"{path}: format {facts['format']!r}, and this version reads {_FORMAT}")
        tensors, _ = load_weights(run / FORMER)
        return tuple(
            Edit(
                tuple(Change(**change) for change in entry["changes"]),
                {
                    name: FormerRows(*(tensors[f"{index}/{name}/{part}"] for part in FormerRows._fields))
                    for name in entry["weights"]
                },
                Others(*entry["others"]),
                tuple(Forgotten(**one) for one in entry.get("forgotten", ())),  # once there was only changing
            )
            for index, entry in enumerate(facts["edits"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: damaged ({error}); put it back from a copy") from None

"""Run: a folder that says what was trained, from what, how, and what came out.

RUN/
  recipe.toml          every hyperparameter
  run.json             format, kind, files and their SHA-256, characters and words, the run whose weights it started
                       from, and which versions made it
  metrics.jsonl        a line per step, and a line per evaluation
  checkpoints/         while it trains: what `--resume` continues from
  lock                 while it trains: which process does (see `storage/lock.py`)
  model.safetensors    once it has finished: the weights
  corpus.txt           the text that was learned, where it is no single file or folder, or grew
  pairs.jsonl          a run that grew: all pairs, those of the run that it grew from first
  silver.tsv           self-study: the reader's questions and answers
  asked-4.tsv, ...     setting asking: the model's scores of possible answers after that many epochs
  calibration.json     what answers to held-out pairs say about the model's confidence
  edits.json, former.safetensors   a run made by edit: what each edit changed, and the former values
  evaluations/         predictions and scores
  SHA256SUMS           what the other files in this list should be, but metrics, checkpoints and evaluations
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from closedbook.errors import RunError, TextError
from closedbook.files.durable import (
    check_folder_is_free,
    complete_folder,
    remove_leftovers,
    sha256,
    write_folder_atomically,
)
from closedbook.files.names import json_with_names
from closedbook.files.typed import check_type
from closedbook.forms.recognize import texts_in
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import Precision, Recipe
from closedbook.recipe.recipe_file import load_saved_recipe
from closedbook.recipe.saved import recipe_toml
from closedbook.storage.foreign import facts_of, refuse_foreign_weights, refuse_links, refuse_not_finite, refuse_other
from closedbook.storage.lock import check_no_writer
from closedbook.storage.made_by import made_by
from closedbook.storage.paths import found_path, paths_from
from closedbook.storage.sums import SUMS, read_summed, sums_of, write_summed
from closedbook.storage.tensors import load_weights, tensors_to_bytes, with_todays_names
from closedbook.text.vocabulary import Vocabulary

TrainedKind = Literal["pretrain", "study", "finetune"]
Kind = TrainedKind | Literal["edit"]
"""What made a run: a kind of training, or an edit of a trained run."""


_FORMAT = 1
"""Of run.json; before it was written, it was 0."""
_TYPES = {
    "format": int | None,  # format 0 had none
    "kind": Kind,
    "precision": Precision,
    "n_documents": int,
    "sources": dict[str, dict[str, str | list[str]]],
    "parent": str | list[str] | None,
    "vocabulary": str,
    "words": list[str] | None,
    "titles": list[str] | None,
    "wordings": list[list[str]] | None,
    "made_by": dict[str, str] | None,
}
"""What run.json has. None is for what older versions lacked."""


KEPT_CORPUS, KEPT_PAIRS = "corpus.txt", "pairs.jsonl"
"""The text in a run's own folder, and the pairs of a run that grew."""


@dataclass(frozen=True)
class Source:
    """A file that a run was trained on."""

    path: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Source":
        """The file or folder as it is now; raises TextError where it cannot be read.

        The SHA-256 of a folder is that of its files' names and SHA-256, a line each.
        """
        try:
            if path.is_dir():
                lines = [f"{sha256(file.read_bytes())}  {file.relative_to(path)}\n" for file in texts_in(path)]
                return cls(str(path.resolve()), sha256(os.fsencode("".join(lines))))
            return cls(str(path.resolve()), sha256(path.read_bytes()))
        except OSError as error:
            raise TextError(path, None, f"cannot be read: {error.strerror}; check the path") from None


@dataclass(frozen=True)
class Replayed:
    """How many of a run's documents and pairs, its first, the run that it grew from had already."""

    n_documents: int
    n_pairs: int


@dataclass(frozen=True)
class RunInfo:
    """The content of run.json; `precision` is what 'auto' chose on the machine where the run began.

    `replayed` is None for a run that did not grow from another. `made_by` are versions (see `storage/made_by.py`).
    """

    kind: Kind
    precision: Precision
    n_documents: int
    sources: dict[str, Source]
    parent: str | None
    vocabulary: Vocabulary
    replayed: Replayed | None = None
    made_by: Mapping[str, str] = field(default_factory=made_by)


@dataclass(frozen=True)
class Run:
    """A run's folder, with its recipe and its facts."""

    path: Path
    recipe: Recipe
    info: RunInfo

    @property
    def weights_path(self) -> Path:
        """The file with the weights of a finished run."""
        return self.path / "model.safetensors"

    @property
    def is_finished(self) -> bool:
        """Whether training has finished."""
        return self.weights_path.exists()

    def finish(self, weights: dict[str, Tensor]) -> None:
        """Remove the temporary files that killed processes left, and save the final weights."""
        for folder in (self.path, self.path / "checkpoints"):
            with suppress(OSError):  # a file that cannot be removed does no harm
                remove_leftovers(folder)
        write_summed(self.weights_path, tensors_to_bytes(weights, {"format": "pt"}))

    def model(self) -> GPT:
        """The trained model; raises RunError where the run has not finished."""
        if not self.is_finished:
            raise RunError(
                f"{self.path}: has not ended and has no weights yet; go on with it: the command that "
                "began it, with --resume"
            )
        refuse_foreign_weights(self.weights_path, self.recipe.model, len(self.info.vocabulary))
        weights, _ = load_weights(self.weights_path)
        model = make_model(self.recipe.model, self.info.vocabulary)
        return fill_model(model, with_todays_names(weights), self.weights_path)


def make_model(config: ModelConfig, vocabulary: Vocabulary) -> GPT:
    """A new model over a vocabulary, with tables of its words and titles where the configuration has them."""
    prefixes = prefixes_of(vocabulary) if config.prefix_table else None
    return GPT(config, len(vocabulary), prefixes, [vocabulary.encode(title) for title in vocabulary.titles])


def prefixes_of(vocabulary: Vocabulary) -> PrefixTrie:
    """The prefixes of a vocabulary's words, for a model with a prefix table."""
    words = [vocabulary.encode(word) for word in vocabulary.words]
    return PrefixTrie.of_words(words, vocabulary.in_word(), vocabulary.alone())


def fill_model(model: GPT, weights: dict[str, Tensor], path: Path) -> GPT:
    """The model with the weights of the file `path`; raises RunError where they are of another model, or not finite."""
    refuse_other(facts_of(model.state_dict()), facts_of(weights), path)
    refuse_not_finite(weights, path)
    model.load_state_dict(weights)
    return model


def check_run_can_be_created(path: Path) -> None:
    """Raise RunError where something is in the way of a new run's folder, or the folder cannot be written."""
    with suppress(OSError):  # of a path that cannot be, which the last check refuses
        complete_folder(path)
        if (path / "run.json").is_file():
            check_no_writer(path)
            raise RunError(f"{path}: is there already; {_onward(path)}, or choose another --out")
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise RunError(f"{path}: is there already and is no run; choose another --out")
    check_folder_is_free(path, "a run")


def _onward(path: Path) -> str:
    """What the user can do with a run that is in the way."""
    if (path / "model.safetensors").exists():
        return f"it has ended: train on from its weights by finetune --from {path}"
    return "it has not ended: go on with it by --resume"


def create_run(path: Path, recipe: Recipe, info: RunInfo, files: Mapping[str, bytes] | None = None) -> Run:
    """Create a new run's folder, with more `files` by name; a process killed before the end leaves none of it.

    Raises RunError.
    """
    check_run_can_be_created(path)
    facts = {
        "format": _FORMAT,
        **asdict(info),
        "sources": {
            name: {"path": paths_from(path, Path(source.path)), "sha256": source.sha256}
            for name, source in info.sources.items()
        },
        "parent": None if info.parent is None else paths_from(path, Path(info.parent)),
        "vocabulary": info.vocabulary.saved(),
        "words": info.vocabulary.words,
        "titles": info.vocabulary.titles,
        "wordings": info.vocabulary.wordings,
    }
    contents = {
        "recipe.toml": recipe_toml(recipe).encode(),
        "run.json": json_with_names(facts),
        **(files or {}),
    }
    with write_folder_atomically(path, "a run") as folder:
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        (folder / SUMS).write_bytes(sums_of({name: sha256(content) for name, content in contents.items()}))
    return Run(path, recipe, info)


def open_run(path: Path) -> Run:
    """A run's folder as it is now; raises RunError where it is no run."""
    if not (path / "run.json").is_file():
        what = "is no run (it has no run.json)" if path.exists() else "no such run"
        raise RunError(f"{path}: {what}; `closedbook pretrain CORPUS --out {path}` makes one")
    refuse_links(path)
    try:
        facts: dict[str, Any] = json.loads(read_summed(path / "run.json"))
        check_type(facts, dict, "it")
        for name, hint in _TYPES.items():
            check_type(facts.get(name), hint, name)
        if (number := facts.get("format") or 0) > _FORMAT:
            newer = f"format {number} is of a newer closedbook, and this one reads {_FORMAT}; update it"
            raise RunError(f"{path / 'run.json'}: {newer}")
        info = RunInfo(
            kind=facts["kind"],
            precision=facts["precision"],
            n_documents=facts["n_documents"],
            sources={
                name: Source(found_path(source["path"], path), source["sha256"])
                for name, source in facts["sources"].items()
            },
            parent=None if facts["parent"] is None else found_path(facts["parent"], path),
            vocabulary=Vocabulary.of_saved(
                facts["vocabulary"], *(facts.get(name) or () for name in ("words", "titles", "wordings"))
            ),
            replayed=Replayed(**facts["replayed"]) if facts.get("replayed") else None,
            # Format 0 had torch alone.
            made_by=facts["made_by"] if number else {"torch": facts["torch"]},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path / 'run.json'}: damaged ({error}); put it back from a copy") from None
    if not (path / "recipe.toml").is_file():
        raise RunError(f"{path / 'recipe.toml'}: no such file, and a run needs it; put it back from a copy")
    read_summed(path / "recipe.toml")
    recipe, _ = load_saved_recipe(path / "recipe.toml")
    return Run(path, recipe, info)

"""Run: a folder that says what was trained, from what, how, and what came out.

RUN/
  recipe.toml          every number of it
  run.json             kind, files and their SHA-256, characters and words, the run it started from
  metrics.jsonl        a line a step, and a line an evaluation
  checkpoints/         while it trains: what `--resume` goes on from
  model.safetensors    once it has ended: the weights
  evaluations/         predictions and scores
"""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from closedbook.errors import RunError, TextError
from closedbook.files.durable import read_bytes, remove_leftovers, sha256, write_atomically
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import Precision, Recipe
from closedbook.recipe.recipe_file import load_recipe
from closedbook.recipe.saved import recipe_toml
from closedbook.storage.tensors import load_weights, save_weights, with_todays_names
from closedbook.text.vocabulary import Vocabulary

Kind = Literal["pretrain", "study", "finetune"]


@dataclass(frozen=True)
class Source:
    """A file that a run was trained on."""

    path: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Source":
        """The file as it is now; raises TextError where it cannot be read."""
        try:
            return cls(str(path.resolve()), sha256(path.read_bytes()))
        except OSError as error:
            raise TextError(path, None, f"cannot be read: {error.strerror}; check the path") from None


@dataclass(frozen=True)
class RunInfo:
    """What run.json holds; `precision` is the one that 'auto' came to on the machine where the run began."""

    kind: Kind
    precision: Precision
    n_documents: int
    sources: dict[str, Source]
    parent: str | None
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Run:
    """A run's folder with its recipe and facts."""

    path: Path
    recipe: Recipe
    info: RunInfo

    @property
    def weights_path(self) -> Path:
        """Of the weights that it ended with."""
        return self.path / "model.safetensors"

    @property
    def is_finished(self) -> bool:
        """Whether it came to its end."""
        return self.weights_path.exists()

    def finish(self, weights: dict[str, Tensor]) -> None:
        """Keep the weights that the run came to; what kills left behind goes."""
        save_weights(self.weights_path, weights, {"format": "pt"})
        for folder in (self.path, self.path / "checkpoints"):
            with suppress(OSError):  # what cannot go is in nobody's way
                remove_leftovers(folder)

    def model(self) -> GPT:
        """The model that the run came to; raises RunError where it has not ended."""
        if not self.is_finished:
            raise RunError(
                f"{self.path}: has not ended and has no weights yet; go on with it: the command that "
                "began it, with --resume"
            )
        weights, _ = load_weights(self.weights_path)
        model = make_model(self.recipe.model, self.info.vocabulary)
        return fill_model(model, with_todays_names(weights), self.weights_path)


def make_model(config: ModelConfig, vocabulary: Vocabulary) -> GPT:
    """A new model over a vocabulary, and over its words where the model has a memory for them."""
    return GPT(config, len(vocabulary), prefixes_of(vocabulary) if config.prefix_table else None)


def prefixes_of(vocabulary: Vocabulary) -> PrefixTrie:
    """The prefixes of a vocabulary's words, for a model with a prefix embedding table."""
    return PrefixTrie.of_words([vocabulary.encode(word) for word in vocabulary.words], vocabulary.in_word())


def fill_model(model: GPT, weights: dict[str, Tensor], path: Path) -> GPT:
    """The model with weights of a file; raises RunError where they are of another shape of model."""
    own = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    other = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(own.keys() | other.keys()):
        if own.get(name) != other.get(name):
            raise RunError(
                f"{path}: weights of another model: {name} is {other.get(name, 'missing')} there and "
                f"{own.get(name, 'unknown')} here; use the recipe and corpus that it was trained with"
            )
    model.load_state_dict(weights)
    return model


def create_run(path: Path, recipe: Recipe, info: RunInfo) -> Run:
    """A new run's folder; raises RunError where something of that name is in the way."""
    if path.exists() and not _is_debris(path, recipe):
        if not (path / "run.json").is_file():
            raise RunError(f"{path}: is there already and is no run; choose another --out")
        raise RunError(f"{path}: is there already; go on with that run by --resume, or choose another --out")
    facts = {
        **asdict(info),
        "vocabulary": "".join(info.vocabulary.characters),
        "words": info.vocabulary.words,
        "torch": torch.__version__,
    }
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path}: cannot be made: {error.strerror}; choose another --out") from None
    try:
        write_atomically(path / "recipe.toml", recipe_toml(recipe).encode())
        # Last, since a folder without it is no run.
        write_atomically(path / "run.json", json.dumps(facts, indent=1, ensure_ascii=False).encode() + b"\n")
    except RunError:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return Run(path, recipe, info)


def _is_debris(path: Path, recipe: Recipe) -> bool:
    """Whether a folder holds no more than a kill before it became a run left there: this recipe at most."""

    def is_ours(entry: Path) -> bool:
        if entry.name == "recipe.toml":
            return entry.is_file() and read_bytes(entry) == recipe_toml(recipe).encode()
        return entry.name.startswith(".tmp-")

    return path.is_dir() and all(is_ours(entry) for entry in path.iterdir())


def open_run(path: Path) -> Run:
    """A run's folder as it stands; raises RunError where it is none."""
    if not (path / "run.json").is_file():
        what = "is no run (it has no run.json)" if path.exists() else "no such run"
        raise RunError(f"{path}: {what}; `closedbook pretrain CORPUS --out {path}` makes one")
    try:
        facts: dict[str, Any] = json.loads(read_bytes(path / "run.json"))
        info = RunInfo(
            kind=facts["kind"],
            precision=facts["precision"],
            n_documents=facts["n_documents"],
            sources={name: Source(**source) for name, source in facts["sources"].items()},
            parent=facts["parent"],
            vocabulary=Vocabulary(tuple(facts["vocabulary"]), tuple(facts.get("words", ()))),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path / 'run.json'}: damaged ({error}); put it back from a copy") from None
    if not (path / "recipe.toml").is_file():
        raise RunError(f"{path / 'recipe.toml'}: no such file, and a run needs it; put it back from a copy")
    recipe, _ = load_recipe(str(path / "recipe.toml"))
    return Run(path, recipe, info)


def resume_run(path: Path, recipe: Recipe | None, info: RunInfo) -> Run:
    """The run to go on with; raises RunError where it is another than is asked for.

    `recipe` is None where its user named no recipe and no number.
    """
    if not path.exists():
        raise RunError(
            f"{path}: no such run to resume; leave --resume off to begin it "
            "(--from starts a new run from another run's weights)"
        )
    run = open_run(path)
    if run.info.kind != info.kind:
        raise RunError(f"{path}: is a {run.info.kind} run and cannot be resumed by {info.kind}")
    if run.is_finished:
        raise RunError(f"{path}: has ended, nothing to resume; to train on from its weights: finetune --from {path}")
    for name in sorted(run.info.sources.keys() | info.sources.keys()):
        then, now = run.info.sources.get(name), info.sources.get(name)
        if then is None or now is None or then.sha256 != now.sha256:
            raise RunError(
                f"{path}: began with {name} {then.path if then else 'not given'}, and "
                f"{now.path if now else 'none'} {'has another content' if then and now else 'is given now'}; "
                "resume with the files it began with, or begin a new run with another --out"
            )
    if run.info.parent != info.parent:
        raise RunError(
            f"{path}: began from {run.info.parent or 'scratch'}, not {info.parent or 'scratch'}; --resume "
            "goes on with a run as it began, --from begins a new one: leave out one of the two"
        )
    if recipe is not None and recipe != run.recipe:
        raise RunError(
            f"{path}: began with another recipe, and --resume changes no number; leave the numbers out, or "
            "begin a new run with another --out"
        )
    return run

"""What each command takes, as dataclasses whose docstrings are its help. Imports no torch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction, arg

from closedbook.examples.corruption import CorruptionConfig
from closedbook.model.config import ModelConfig
from closedbook.recipe.recipe import FAST, Precision, StageConfig
from closedbook.world.world import WorldConfig

Size = Literal["normal", "tiny"]
Track = Literal["self-study", "extraction"]
Switch = FlagCreatePairsOff[bool]
Epochs = Annotated[int | None, arg(metavar="N")]
FileOption = Annotated[Path | None, arg(metavar="FILE")]


@dataclass(frozen=True)
class Hyperparameters:
    """Every number that a recipe has; what is not given here comes from --recipe."""

    seed: int = FAST.seed
    """Seed of weights, order, masks and dropout."""
    precision: Precision = FAST.precision
    """Arithmetic of the matrix products; auto times both on this machine and takes the faster."""
    strip_accents: bool = FAST.strip_accents
    """Drop every character outside ASCII from the training pairs, as the assignment's code does."""
    validation_split: float = FAST.validation_split
    """The share of the training pairs, drawn by seed, that is not learnt but looked at, in place of dev pairs."""
    model: ModelConfig = field(default_factory=lambda: FAST.model)
    """The model's shape."""


@dataclass(frozen=True)
class PretrainHyperparameters(Hyperparameters):
    """The numbers of pretraining."""

    corruption: CorruptionConfig = field(default_factory=lambda: FAST.corruption)
    """The pretraining objective."""
    pretrain: StageConfig = field(default_factory=lambda: FAST.pretrain)
    """Pretraining."""


@dataclass(frozen=True)
class StudyHyperparameters(Hyperparameters):
    """The numbers of study: those of --study count for track self-study, of --pretrain for extraction."""

    silver_confidence: float = FAST.silver_confidence
    """Self-study: silver pairs that the open-book reader gives a smaller probability are left out."""
    corruption: CorruptionConfig = field(default_factory=lambda: FAST.corruption)
    """How documents are masked."""
    study: StageConfig = field(default_factory=lambda: FAST.study)
    """Track self-study."""
    pretrain: StageConfig = field(default_factory=lambda: FAST.pretrain)
    """Track extraction."""


@dataclass(frozen=True)
class FinetuneHyperparameters(Hyperparameters):
    """The numbers of finetuning."""

    finetune: StageConfig = field(default_factory=lambda: FAST.finetune)
    """Finetuning of a pretrained model (with --from)."""
    scratch: StageConfig = field(default_factory=lambda: FAST.scratch)
    """Finetuning from scratch (without --from)."""


@dataclass(frozen=True)
class PretrainOptions:
    """Learn a corpus by filling in what is masked.

    With --pairs, training pairs are mixed in: the model then learns what a question is while it learns the text.
    """

    corpus: Annotated[Positional[Path], arg(metavar="CORPUS")]
    """A UTF-8 text file, one document a line."""
    out: Annotated[Path, arg(metavar="RUN")]
    """The run's folder, which is made."""
    numbers: Annotated[PretrainHyperparameters, arg(name="")]
    """The recipe's numbers."""
    recipe: str = "fast"
    """course, fast, perceiver, or a TOML file: where the numbers come from that no option gives."""
    pairs: FileOption = None
    """Training pairs, question<TAB>answer a line, to mix in by the recipe's pretrain.mix_pairs."""
    dev: FileOption = None
    """Pairs never trained on: their accuracy is told after each epoch."""
    epochs: Epochs = None
    """Short for --pretrain.epochs."""
    resume: Switch = False
    """Go on with the run in --out, which was interrupted."""
    save_every: float = 60.0
    """Seconds between checkpoints."""


@dataclass(frozen=True)
class FinetuneOptions:
    """Learn to answer from question and answer pairs, after pretraining (--from) or from scratch (--corpus)."""

    pairs: Annotated[Positional[Path], arg(metavar="PAIRS")]
    """Training pairs, question<TAB>answer a line."""
    out: Annotated[Path, arg(metavar="RUN")]
    """The run's folder, which is made."""
    numbers: Annotated[FinetuneHyperparameters, arg(name="")]
    """The recipe's numbers."""
    parent: Annotated[Path | None, arg(name="from", metavar="RUN")] = None
    """Another run: start from its weights, with its model and vocabulary."""
    corpus: FileOption = None
    """Without --from: the corpus whose characters are the vocabulary; with replay: where RUN's lies now."""
    recipe: str = "fast"
    """course, fast, perceiver, or a TOML file: where the numbers come from that no option gives."""
    dev: FileOption = None
    """Pairs never trained on: their accuracy is told after each epoch, and by patience ends the run."""
    epochs: Epochs = None
    """Short for --finetune.epochs, or without --from for --scratch.epochs."""
    resume: Switch = False
    """Go on with the run in --out, which was interrupted."""
    save_every: float = 60.0
    """Seconds between checkpoints."""


@dataclass(frozen=True)
class StudyOptions:
    """From a text and some pairs to a model that answers: the whole way in one command.

    Track self-study: an open-book reader, taught by the pairs, writes question and answer for every document, and the
    model learns these with the text. Track extraction: the model is asked about the pairs' people alone, and must find
    in what it read of the others what it was never asked. Figures of the two are not to be compared.
    """

    corpus: Annotated[Positional[Path], arg(metavar="CORPUS")]
    """A UTF-8 text file, one document a line, each beginning with its title and a full stop."""
    pairs: Annotated[Path, arg(metavar="TRAIN")]
    """Training pairs, question<TAB>answer a line, whose questions name a document's title."""
    out: Annotated[Path, arg(metavar="RUN")]
    """The run's folder, which is made."""
    numbers: Annotated[StudyHyperparameters, arg(name="")]
    """The recipe's numbers."""
    recipe: str = "fast"
    """course, fast, perceiver, or a TOML file: where the numbers come from that no option gives."""
    track: Track = "self-study"
    """Whose questions are learnt: everybody's, by the reader, or the training pairs' alone."""
    budget: Annotated[float | None, arg(metavar="MINUTES")] = None
    """Minutes, reader included, looks at --dev not; the schedule is fitted to them. None: the recipe's epochs."""
    dev: FileOption = None
    """Pairs never trained on: their accuracy is told now and then."""
    epochs: Epochs = None
    """Short for --study.epochs, or in track extraction for --pretrain.epochs."""
    resume: Switch = False
    """Go on with the run in --out, which was interrupted."""
    save_every: float = 60.0
    """Seconds between checkpoints."""


@dataclass(frozen=True)
class EvaluateOptions:
    """Ask all questions of a file and score the answers; without answers in it, predictions alone."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A run that has ended."""
    pairs: Annotated[Positional[Path], arg(metavar="PAIRS")]
    """Pairs, question<TAB>answer a line, or questions alone."""


@dataclass(frozen=True)
class LedgerOptions:
    """Count how often training exposed each fact of a file, and show accuracy by that."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A run that has ended; the runs that it began from are counted too."""
    pairs: Annotated[Positional[Path], arg(metavar="PAIRS")]
    """The facts: pairs, question<TAB>answer a line, that ask about the titles of the run's documents."""
    train: FileOption = None
    """Training pairs that say how common an answer is; without it, the run's own."""


@dataclass(frozen=True)
class PredictOptions:
    """Answer questions, one answer a line on standard output, so that it can stand in a pipe."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A run that has ended."""
    questions: Annotated[Positional[Path | None], arg(metavar="QUESTIONS")] = None
    """A file of questions, one a line (answers behind a tab are not looked at); none, or -: standard input."""


@dataclass(frozen=True)
class AskOptions:
    """Ask one question, or, without one, as many as one likes."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A run that has ended."""
    question: Annotated[Positional[str | None], arg(metavar="QUESTION")] = None
    """The question; none: a dialogue."""


@dataclass(frozen=True)
class WorldOptions:
    """Make the built-in world: invented people, lines about them, and questions with known answers."""

    folder: Annotated[Positional[Path], arg(metavar="DIR")]
    """The folder, which is made."""
    people: Annotated[int | None, arg(metavar="N")] = None
    """Short for --world.n-people."""
    seed: Annotated[int | None, arg(metavar="S")] = None
    """Short for --world.seed."""
    world: WorldConfig = field(default_factory=WorldConfig)
    """What kind of world."""


@dataclass(frozen=True)
class DemoOptions:
    """The whole experiment on the built-in world, within ten minutes on two cores."""

    out: Annotated[Path, arg(metavar="DIR")] = Path("demo")
    """Folder for world, runs, figure and report; an interrupted demo goes on from it."""
    seed: int = 0
    """Seed of the world and of all that is trained."""
    size: Size = "normal"
    """normal: about five minutes, and pretraining visibly helps; tiny: under a minute, to see that all works."""


@dataclass(frozen=True)
class LabOptions:
    """What attention can and cannot do: experiments with theory, simulation and pictures.

    EXPERIMENT is copying, averaging, noise, fragility, heads, projections, positions, or all of them: all. Without it,
    the numbers that each takes are listed.
    """

    experiment: Annotated[Positional[str | None], arg(metavar="EXPERIMENT")] = None
    """Which; none: list what there is."""
    settings: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """Numbers of the experiment, as in --set beta=3 n=8."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder for pictures (PNG and SVG), numbers (JSON) and an index, which is made; none: the table alone."""
    page: FileOption = None
    """Write the lab as a page to play with: one HTML file that needs no network."""


@dataclass(frozen=True)
class InspectOptions:
    """Show what a run is: model, cost, vocabulary, recipe, history; or how its Perceiver reads a text."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A run, ended or not."""
    reading_map: Annotated[str | None, arg(metavar="TEXT")] = None
    """Of a Perceiver: which characters of TEXT each latent reads, and which latents each place consults."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder for the reading map, which is made; none: RUN/reading-map."""

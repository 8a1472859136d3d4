"""What each command that trains or asks takes, as dataclasses whose docstrings are its help. Imports no torch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import FlagCreatePairsOff, Positional, Suppress, arg

from closedbook.commands.option import Unless
from closedbook.examples.corruption import CorruptionConfig
from closedbook.model.config import ModelConfig
from closedbook.recipe.docstrings import field_docstrings
from closedbook.recipe.recipe import FAST, RECIPE_CHOICES, Precision, Recipe, StageConfig
from closedbook.recipe.settings import Setting

_HELP = field_docstrings(Recipe)

Size = Literal["normal", "tiny"]
Switch = FlagCreatePairsOff[bool]
Verbose = Annotated[Switch, arg(aliases=["-v"])]
Epochs = Annotated[int | None, arg(metavar="N")]
FileOption = Annotated[Path | None, arg(metavar="FILE")]
TitleColumn = Annotated[
    str | None,
    arg(
        metavar="NAME",
        help="The column of a table, or the key of JSON objects, that holds the titles. None: found by rules.",
    ),
]
Encoding = Annotated[str | None, arg(metavar="NAME", help="The files' encoding, as in cp1252, where it is not UTF-8.")]
CorpusFiles = Annotated[Positional[tuple[Path, ...]], arg(metavar="CORPUS", help_behavior_hint="(one or more)")]
Precise = Annotated[float | None, arg(metavar="SHARE")]
RecipeOption = Annotated[
    str, arg(metavar="RECIPE", help=f"{RECIPE_CHOICES}: the hyperparameters that no option gives.")
]
Given = Suppress[frozenset[str]]
"""The keys of the options that were given: by the words, not by a comparison with the defaults."""


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters of every command that trains; those not given come from --recipe."""

    seed: Annotated[int, arg(help=_HELP.get("seed"))] = FAST.seed
    precision: Annotated[Precision, arg(help=_HELP.get("precision"))] = FAST.precision
    on_divergence: Annotated[Literal["stop", "rewind"], arg(help=_HELP.get("on_divergence"))] = FAST.on_divergence
    open_vocabulary: Annotated[bool, arg(help=_HELP.get("open_vocabulary"))] = FAST.open_vocabulary
    strip_accents: Annotated[bool, arg(help=_HELP.get("strip_accents"))] = FAST.strip_accents
    validation_split: Annotated[float, arg(help=_HELP.get("validation_split"))] = FAST.validation_split
    calibration_split: Annotated[float, arg(help=_HELP.get("calibration_split"))] = FAST.calibration_split
    model: Annotated[ModelConfig, arg(help=_HELP.get("model"))] = field(default_factory=lambda: FAST.model)


@dataclass(frozen=True)
class PretrainHyperparameters(Hyperparameters):
    """Hyperparameters of pretraining."""

    corruption: Annotated[CorruptionConfig, arg(help=_HELP.get("corruption"))] = field(
        default_factory=lambda: FAST.corruption
    )
    doubt: Annotated[bool, arg(help=_HELP.get("doubt"))] = FAST.doubt
    pretrain: Annotated[StageConfig, arg(help=_HELP.get("pretrain"))] = field(default_factory=lambda: FAST.pretrain)


@dataclass(frozen=True)
class StudyHyperparameters(PretrainHyperparameters):
    """Hyperparameters of study: setting self-study uses the stage study, the other settings use pretrain."""

    silver_confidence: Annotated[float, arg(help=_HELP.get("silver_confidence"))] = FAST.silver_confidence
    study: StageConfig = field(default_factory=lambda: FAST.study)
    """Training in setting self-study."""
    pretrain: StageConfig = field(default_factory=lambda: FAST.pretrain)
    """Training in the other settings."""


@dataclass(frozen=True)
class FinetuneHyperparameters(Hyperparameters):
    """Hyperparameters of finetuning."""

    finetune: StageConfig = field(default_factory=lambda: FAST.finetune)
    """Finetuning of a pretrained model (with --from)."""
    scratch: StageConfig = field(default_factory=lambda: FAST.scratch)
    """Finetuning from scratch (without --from)."""


@dataclass(frozen=True)
class PretrainOptions:
    """Pretrain a model on a corpus: it learns to fill in masked spans.

    With --pairs, training pairs are mixed in, so that the model learns what a question is while it learns the text.
    """

    corpus: CorpusFiles
    """A text as you have it, in one or several files and folders of any form that `closedbook book` recognizes."""
    out: Annotated[Path, arg(metavar="RUN")]
    """Folder of the run; it is created."""
    hyperparameters: Annotated[PretrainHyperparameters, arg(name="")]
    """Hyperparameters."""
    recipe: RecipeOption = "fast"
    pairs: FileOption = None
    """Training pairs, question<TAB>answer per line, to mix in as --pretrain.mix-pairs says."""
    title_column: TitleColumn = None
    encoding: Encoding = None
    dev: FileOption = None
    """Dev pairs, which are not trained on: their accuracy is reported during training."""
    epochs: Epochs = None
    """Short for --pretrain.epochs. Replaces a number of steps in the recipe."""
    resume: Switch = False
    """Continue the interrupted run in --out."""
    save_every: float = 60.0
    """Seconds between checkpoints."""
    yes_i_have_the_memory: Switch = False
    """Train although it seems to need more memory than is free."""
    verbose: Verbose = False
    """Show every note, the whole recipe and every evaluation."""
    given: Given = frozenset()


@dataclass(frozen=True)
class FinetuneOptions:
    """Finetune on question and answer pairs, after pretraining (--from) or from scratch (--corpus)."""

    pairs: Annotated[Positional[Path], arg(metavar="PAIRS")]
    """Training pairs, question<TAB>answer per line."""
    out: Annotated[Path, arg(metavar="RUN")]
    """Folder of the run; it is created."""
    hyperparameters: Annotated[FinetuneHyperparameters, arg(name="")]
    """Hyperparameters."""
    parent: Annotated[Path | None, arg(name="from", metavar="RUN")] = None
    """Another run: start from its weights, with its model and vocabulary."""
    corpus: FileOption = None
    """Without --from: the corpus whose characters make the vocabulary; with replay: where the corpus of RUN is now."""
    recipe: RecipeOption = "fast"
    dev: FileOption = None
    """Dev pairs, which are not trained on: their accuracy is reported, and --finetune.patience stops by it."""
    epochs: Epochs = None
    """Short for --finetune.epochs, or for --scratch.epochs without --from. Replaces a number of steps in the recipe."""
    resume: Switch = False
    """Continue the interrupted run in --out."""
    save_every: float = 60.0
    """Seconds between checkpoints."""
    yes_i_have_the_memory: Switch = False
    """Train although it seems to need more memory than is free."""
    verbose: Verbose = False
    """Show every note, the whole recipe and every evaluation."""
    given: Given = frozenset()


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Train a model on a text and some pairs until it answers: the whole way in one command.

    The setting is what training knows about answers. Accuracies in different settings are not comparable.

    self-study: an open-book reader, trained on the pairs, writes a question and an answer about every document, and the
    model is trained on these and the text. The reader also answers the questions of --dev if their documents are in the
    corpus, and the model is trained on its answers. So the accuracy on --dev is not one on held-out questions: it shows
    how well the model remembers what the reader found.

    guided, unguided, assignment: training asks the questions of the training pairs alone; all other answers come from
    masked documents. guided: the reader chooses the spans to mask, so it finds the facts and the model memorizes them.
    unguided: names and numbers are masked, and nothing knows which is an answer. assignment: random spans are masked.

    asking: as unguided, but after 4, 8, 16, ... epochs the model itself, which has learned the training pairs, chooses
    an answer about everyone else among the names and numbers of their documents, and is trained on its choices too. So
    the accuracy on --dev is not one on held-out questions here either.
    """

    corpus: CorpusFiles
    """A text as you have it: one titled document per line, Markdown, tables, JSON, paragraphs, folders, or several."""
    pairs: Annotated[Path | None, arg(metavar="TRAIN"), Unless("parent")] = None
    """Training pairs, question<TAB>answer per line; the questions name titles of documents. Optional with --from."""
    out: Annotated[Path, arg(metavar="RUN")]
    """Folder of the run; it is created."""
    hyperparameters: Annotated[StudyHyperparameters, arg(name="")]
    """Hyperparameters."""
    parent: Annotated[Path | None, arg(name="from", metavar="RUN")] = None
    """A run in self-study: a new run that has learned CORPUS and TRAIN too, in about a tenth of a new run's time."""
    recipe: RecipeOption = "fast"
    setting: Setting = "self-study"
    """What training knows about answers (--help-all explains each). A --corruption option cannot contradict it."""
    title_column: TitleColumn = None
    encoding: Encoding = None
    budget: Annotated[float | None, arg(metavar="MINUTES")] = None
    """Minutes for the reader and the training; evaluations on --dev come on top. None: as long as the recipe says."""
    dev: FileOption = None
    """Dev pairs: their accuracy is reported during training. They are not held out in self-study."""
    epochs: Epochs = None
    """Short for --study.epochs, or for --pretrain.epochs in the other settings. Replaces a number of steps."""
    resume: Switch = False
    """Continue the interrupted run in --out."""
    save_every: float = 60.0
    """Seconds between checkpoints."""
    yes_i_have_the_memory: Switch = False
    """Train although it seems to need more memory than is free."""
    verbose: Verbose = False
    """Show every note, the whole recipe and every evaluation."""
    given: Given = frozenset()


@dataclass(frozen=True)
class EvaluateOptions:
    """Answer all questions of a file and score the answers; a file without answers gets predictions alone."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run."""
    pairs: Annotated[Positional[Path], arg(metavar="PAIRS")]
    """Pairs, question<TAB>answer per line, or questions alone. A question on several lines counts once."""
    match: Literal["exact", "normalized"] = "exact"
    """normalized: case, punctuation, English articles, blanks and Unicode form do not count, as in SQuAD."""


@dataclass(frozen=True)
class PredictOptions:
    """Answer questions, one answer per line on standard output, for use in a pipe."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run."""
    questions: Annotated[Positional[Path | None], arg(metavar="QUESTIONS")] = None
    """A file of questions, one per line, or CSV or JSON lines; answers are ignored. None, or -: standard input."""
    format: Literal["text", "tsv", "csv", "jsonl"] = "text"
    """text: the answers, a line for each line read; tsv, csv: with probabilities; jsonl: with alternatives too."""
    precision: Precise = None
    """Leave empty what is less sure than it takes for this share of answers to be right, with 95% certainty."""


@dataclass(frozen=True)
class AskOptions:
    """Ask one question, or any number of them in a dialogue."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run."""
    question: Annotated[Positional[str | None], arg(metavar="QUESTION")] = None
    """The question. None: a dialogue."""
    precision: Precise = None
    """Answer only what is sure enough for this share of answers to be right, with 95% certainty, as in 0.95."""
    why: Switch = False
    """Show the lines of the corpus that taught the answer, by how alike their gradients are, with scores up to 1."""
    lines: Annotated[int | None, arg(metavar="N")] = None
    """With --why: how many lines. None: 3."""
    corpus: FileOption = None
    """With --why: where the corpus of RUN is now. None: where it was."""


@dataclass(frozen=True)
class GenerateOptions:
    """Continue a text as the model would write it.

    A model continues what it was trained on: masked strings PREFIX⁇SUFFIX⁇CONTENT⁇. If it was trained on all their
    characters (--corruption.supervised all), it recites lines. Otherwise it goes straight to the masked content: after
    a name it writes ⁇⁇ and what the text says about that name. PROMPT may have ⁇ in it too. A ⁇ after some text ends
    the continuation.
    """

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run."""
    prompt: Annotated[Positional[str], arg(metavar="PROMPT")]
    """The text to continue, in characters of the run's corpus."""
    temperature: float = 1.0
    """Below 1: likelier text; 0: the likeliest character each time."""
    top_k: Annotated[int | None, arg(metavar="K")] = None
    """Draw only from the K likeliest characters. None: from all."""
    n_characters: int = 200
    """Maximum length of the continuation."""
    seed: int = 0
    """Seed of the draws."""


@dataclass(frozen=True)
class DemoOptions:
    """Run the whole experiment on the built-in world, in a few minutes on two cores."""

    out: Annotated[Path, arg(metavar="DIR")] = Path("demo")
    """Folder for world, runs, figure and report; an interrupted demo continues from it."""
    seed: int = 0
    """Seed of the world and of all training."""
    size: Size = "normal"
    """normal: a few minutes, and pretraining visibly helps; tiny: under a minute, to see that everything works."""
    yes_i_have_the_memory: Switch = False
    """Train although it seems to need more memory than is free."""

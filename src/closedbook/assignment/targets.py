"""The assignment's targets: what each needs and makes. Imports no torch; `run.py` carries them out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import FlagCreatePairsOff, Suppress, arg

from closedbook.errors import RunError, TextError
from closedbook.model.config import Variant
from closedbook.recipe.recipe import RECIPE_CHOICES


@dataclass(frozen=True)
class TargetOptions:
    """One of the assignment's targets.

    The environment can set other defaults for the files: CLOSEDBOOK_CORPUS, CLOSEDBOOK_TRAIN, CLOSEDBOOK_DEV,
    CLOSEDBOOK_TEST, CLOSEDBOOK_OUT.
    """

    corpus: Path = Path("data/wiki.txt")
    """The pretraining corpus."""
    train: Path = Path("data/birth_places_train.tsv")
    """The training pairs."""
    dev: Path = Path("data/birth_dev.tsv")
    """The dev pairs."""
    test: Path = Path("data/birth_test_inputs.tsv")
    """The test questions."""
    out: Path = Path()
    """Folder for parameters and predictions."""
    recipe: Annotated[str, arg(metavar="RECIPE", help=f"{RECIPE_CHOICES}.")] = "course"
    epochs: Annotated[int | None, arg(metavar="N")] = None
    """Train N epochs instead of the recipe's number, to try a target before a long run."""
    resume: FlagCreatePairsOff[bool] = False
    """Go on with the target, which was interrupted."""
    verbose: Annotated[FlagCreatePairsOff[bool], arg(aliases=["-v"])] = False
    """Show every note, the whole recipe and every evaluation."""
    yes_i_have_the_memory: FlagCreatePairsOff[bool] = False
    """Train although it seems to need more memory than is free."""
    save_every: Suppress[float] = 60.0


@dataclass(frozen=True)
class Target:
    """One step of the assignment; `split` is what an evaluation is on."""

    variant: Variant
    action: Literal["pretrain", "finetune", "evaluate"]
    pretrained: bool
    split: Literal["dev", "test"] | None = None

    @property
    def output(self) -> str:
        """The file that it makes, under the assignment's name."""
        if self.action == "pretrain":
            return f"{self.variant}.pretrain.params"
        if self.action == "finetune":
            return f"{self.variant}.{'finetune' if self.pretrained else 'model'}.params"
        return f"{self.variant}.{'pretrain' if self.pretrained else 'nopretrain'}.{self.split}.predictions"

    @property
    def predecessor(self) -> "Target | None":
        """The target whose parameters it starts from."""
        if self.action == "evaluate":
            return Target(self.variant, "finetune", self.pretrained)
        return Target(self.variant, "pretrain", True) if self.action == "finetune" and self.pretrained else None

    @property
    def successor(self) -> "Target | None":
        """The target to run after it; None for an evaluation, which may be run in any order."""
        if self.action == "evaluate":
            return None
        if self.action == "pretrain":
            return Target(self.variant, "finetune", True)
        return Target(self.variant, "evaluate", self.pretrained, "dev")

    def run_path(self, out: Path) -> Path:
        """The run's folder, next to the parameters."""
        return out / Path(self.output).with_suffix(".run")

    @property
    def files(self) -> tuple[str, ...]:
        """The options that name the files it needs."""
        if self.action == "evaluate":
            return (str(self.split),)
        if self.action == "pretrain":
            return ("corpus",)
        return ("train",) if self.pretrained else ("corpus", "train")

    def check(self, options: TargetOptions, program: str) -> None:
        """Raise InputError where a file is missing, or where the target is made already.

        `program` is what the user types before a target's name.
        """
        if self.predecessor is not None:
            for path in (options.out / self.predecessor.output, self.predecessor.run_path(options.out)):
                if not path.exists():
                    raise RunError(f"{path}: is not there yet; `{program} {name_of(self.predecessor)}` makes it")
        for file in self.files:
            path = getattr(options, file)
            if not path.exists():
                raise TextError(path, None, f"no such file; name yours by --{file} or CLOSEDBOOK_{file.upper()}")
        if self.successor is not None and (self.run_path(options.out) / "model.safetensors").exists():
            self._check_ended(options, self.successor, program)

    def _check_ended(self, options: TargetOptions, successor: "Target", program: str) -> None:
        """Raise RunError unless all that is left to do is to copy the ended run's parameters."""
        params = options.out / self.output
        if params.exists():
            raise RunError(
                f"{params}: is made already; next is `{program} {name_of(successor)}`, or name another --out to make "
                "it again"
            )
        if not options.resume:
            raise RunError(
                f"{self.run_path(options.out)}: has ended, but {params} is missing; add --resume to make that from "
                "the run, or name another --out"
            )


def name_of(target: Target) -> str:
    """The assignment's name of a target."""
    return next(name for name, other in TARGETS.items() if other == target)


def _targets() -> dict[str, Target]:
    targets: dict[str, Target] = {}
    arms: tuple[tuple[Variant, bool], ...] = (("vanilla", False), ("vanilla", True), ("perceiver", True))
    for variant, pretrained in arms:
        how = "with_pretrain" if pretrained else "without_pretrain"
        if pretrained:
            targets[f"{variant}_pretrain"] = Target(variant, "pretrain", True)
        targets[f"{variant}_finetune_{how}"] = Target(variant, "finetune", pretrained)
        targets[f"{variant}_eval_dev_{how}"] = Target(variant, "evaluate", pretrained, "dev")
        targets[f"{variant}_eval_test_{how}"] = Target(variant, "evaluate", pretrained, "test")
    return targets


TARGETS = _targets()
"""By the assignment's names, in the order in which they are run."""

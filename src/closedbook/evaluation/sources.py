"""What a run learnt from: its files and those of the runs that it began from, where they are as they were."""

from pathlib import Path

from closedbook.errors import RunError, TextError
from closedbook.recipe.recipe import Recipe
from closedbook.storage.run import Run, Source, open_run
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.questions import Questions, read_pairs, without_accents
from closedbook.text.validation import validation_split


def lineage(run: Run) -> list[Run]:
    """The run, the one that it began from, and so on; raises RunError where one is gone."""
    runs = [run]
    while (parent := runs[-1].info.parent) is not None:
        if not (Path(parent) / "run.json").is_file():
            raise RunError(f"{runs[-1].path}: began from the run {parent}, which is not there any more; put it back")
        runs.append(open_run(Path(parent)))
    return runs


def unchanged(source: Source) -> Path | None:
    """The file, if it is there and as it was."""
    path = Path(source.path)
    return path if path.is_file() and Source.of(path) == source else None


def needed(run: Run, name: str) -> Path:
    """A file of a run; raises RunError where it is not as it was."""
    source = run.info.sources[name]
    path = unchanged(source)
    if path is None:
        raise RunError(
            f"{run.path}: was trained on {source.path}, which is gone or has another content now; put back the "
            f"file with SHA-256 {source.sha256[:12]}..."
        )
    return path


def may_have_learnt(run: Run, pairs: Source, recipe: Recipe) -> bool:
    """Whether a run learnt pairs without holding out, by the same draw, all that a recipe holds out of a file."""
    learnt = run.info.sources.get("pairs")
    if learnt is None:
        return False
    is_same_draw = learnt.sha256 == pairs.sha256 and run.recipe.seed == recipe.seed
    return not (is_same_draw and run.recipe.validation_split >= recipe.validation_split)


def replayed_text(parent: Run, path: Path | None) -> tuple[Run, Corpus]:
    """The nearest run of a lineage that has learnt a text, and that text, from `path` or where it lay.

    Raises RunError where none has, and TextError where the file is not as it was.
    """
    learnt = next((run for run in lineage(parent) if run.info.kind != "finetune"), None)
    if learnt is None:
        raise RunError(
            f"{parent.path}: has learnt no text that finetune.replay could replay; name a run that pretrain or study "
            "made by --from, or leave finetune.replay at 0"
        )
    source = learnt.info.sources["corpus"]
    path = path or Path(source.path)
    if not path.is_file() or Source.of(path).sha256 != source.sha256:
        raise TextError(
            path,
            None,
            f"is {'another text' if path.exists() else 'not there'}, and finetune.replay needs the text that "
            f"{learnt.path} learnt (SHA-256 {source.sha256[:12]}...); name by --corpus where it lies now, or leave "
            "finetune.replay at 0",
        )
    return learnt, read_corpus(path)


def corpus_of(runs: list[Run]) -> Corpus | None:
    """The corpus of a lineage, if it is still as it was."""
    path = file_of(runs, "corpus")
    return None if path is None else read_corpus(path)


def training_pairs_of(runs: list[Run]) -> Questions | None:
    """The training pairs of a lineage as they were learnt, accents dropped or not, if they are still as they were."""
    path = file_of(runs, "pairs")
    return None if path is None else learnt_pairs(path, runs[0])


def learnt_pairs(path: Path, run: Run) -> Questions:
    """Pairs of a file as a run learnt them: without those that it held out, and as its recipe spells them."""
    kept, _ = validation_split(read_pairs(path), run.recipe.validation_split, run.recipe.seed)
    return as_learnt(kept, run)


def as_learnt(pairs: Questions, run: Run) -> Questions:
    """Training pairs as a run's recipe spells them."""
    return without_accents(pairs)[0] if run.recipe.strip_accents else pairs


def file_of(runs: list[Run], name: str) -> Path | None:
    """The file of the nearest run that has one of that name, if it is still as it was."""
    sources = [run.info.sources[name] for run in runs if name in run.info.sources]
    return unchanged(sources[0]) if sources else None

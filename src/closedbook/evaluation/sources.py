"""The files that a run and the runs that it began from were trained on, as long as they are unchanged."""

from dataclasses import replace
from pathlib import Path

from closedbook.errors import InputError, RunError, TextError
from closedbook.forms.corpus import read_asked_pairs, read_book
from closedbook.recipe.recipe import Recipe
from closedbook.storage.run import KEPT_CORPUS, Run, Source, open_run
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.questions import Questions, n_needed, without_accents
from closedbook.text.validation import Split, split_pairs


def lineage(run: Run) -> list[Run]:
    """The run, the run that it began from, and so on; raises RunError where one is gone.

    A grown run has all that it needs, so that the list ends at one whose parent is gone.
    """
    runs = [run]
    while (parent := runs[-1].info.parent) is not None:
        is_there = (Path(parent) / "run.json").is_file()
        if not is_there and runs[-1].info.replayed:
            break
        if not is_there:
            raise RunError(f"{runs[-1].path}: began from the run {parent}, which is not there any more; put it back")
        runs.append(open_run(Path(parent)))
    return runs


def lineage_left(run: Run) -> list[Run]:
    """The lineage of a run, or the run alone where one that it began from is gone."""
    try:
        return lineage(run)
    except InputError:
        return [run]


def unchanged(source: Source) -> Path | None:
    """The path of a file that was read before, or None if it is gone or has changed."""
    path = Path(source.path)
    return path if path.exists() and Source.of(path).sha256 == source.sha256 else None


def needed(run: Run, name: str) -> Path:
    """The path of a file that a run was trained on; raises RunError where it is gone or has changed."""
    source = run.info.sources[name]
    path = unchanged(source)
    if path is None:
        raise RunError(
            f"{run.path}: was trained on {source.path}, which is gone or has another content now; put back the "
            f"file with SHA-256 {source.sha256[:12]}..."
        )
    return path


def split_of(pairs: Questions, recipe: Recipe) -> Split:
    """The pairs of a file that a recipe trains on, and those that it holds out, as far as they fit the model."""
    return split_pairs(fitting(pairs, recipe), recipe.validation_split, recipe.calibration_split, recipe.seed)


def fitting(pairs: Questions, recipe: Recipe) -> Questions:
    """The pairs that fit the block, in an open vocabulary; all where none does, so that the first is refused."""
    fit = tuple(item for item in pairs.items if n_needed(item) <= recipe.model.block_size)
    return replace(pairs, items=fit) if fit and recipe.open_vocabulary else pairs


def may_have_learned(run: Run, pairs: Source, recipe: Recipe) -> bool:
    """Whether a run may have trained on pairs that a recipe holds out of the file `pairs`; exact for the same file."""
    learned = run.info.sources.get("pairs")
    if learned is None:
        return False
    if learned.sha256 != pairs.sha256:
        return True
    given = read_asked_pairs(Path(pairs.path))
    trained_on = {item.text for item in split_of(given, run.recipe).training.items}
    split = split_of(given, recipe)
    held_out = [item for part in (split.validation, split.calibration) if part for item in part.items]
    return any(item.text in trained_on for item in held_out)


def replayed_text(parent: Run, path: Path | None) -> tuple[Run, Corpus]:
    """The nearest run of a lineage that was trained on a text, and that text, read from `path` or where it was then.

    Raises RunError where there is no such run, and TextError where the file is gone or has changed.
    """
    learned = run_of_text(lineage(parent))
    if learned is None:
        raise RunError(
            f"{parent.path}: has learned no text that finetune.replay could replay; name a run that pretrain or study "
            "made by --from, or leave finetune.replay at 0"
        )
    return learned, learned_text(learned, path, "finetune.replay", "leave finetune.replay at 0")


def run_of_text(runs: list[Run]) -> Run | None:
    """The nearest run of a lineage that was trained on a text."""
    return next((run for run in runs if run.info.kind not in ("finetune", "edit")), None)


def learned_text(run: Run, path: Path | None, needed_by: str, way_out: str) -> Corpus:
    """The text that a run learned, read from `path` or where it was then.

    Raises TextError where the file is gone or has changed: `needed_by` needs it, and the user may do `way_out` too.
    """
    source = run.info.sources["corpus"]
    path = path or Path(source.path)
    if not path.exists() or Source.of(path).sha256 != source.sha256:
        raise TextError(
            path,
            None,
            f"is {'another text' if path.exists() else 'not there'}, and {needed_by} needs the text that "
            f"{run.path} learned (SHA-256 {source.sha256[:12]}...); name by --corpus where it is now, or {way_out}",
        )
    return read_corpus(path) if _is_kept(Path(source.path)) else read_text_of(run.recipe, path)


def read_text_of(recipe: Recipe, path: Path) -> Corpus:
    """The documents of a file or folder as a recipe's runs read it.

    With the assignment's vocabulary, and in the text that a run keeps, a line is a document whatever it looks like.
    Raises TextError.
    """
    return read_book(path) if recipe.open_vocabulary and not _is_kept(path) else read_corpus(path)


def _is_kept(path: Path) -> bool:
    """Whether a file is the text that a run keeps in its folder."""
    return path.name == KEPT_CORPUS and (path.parent / "run.json").is_file()


def text_of(run: Run) -> Corpus:
    """The text that a run was given; raises RunError where it is gone or has changed."""
    return read_text_of(run.recipe, needed(run, "corpus"))


def corpus_of(runs: list[Run]) -> Corpus | None:
    """The corpus of a lineage, if its file is unchanged."""
    path = file_of(runs, "corpus")
    if path is None:
        return None
    return read_text_of(next(run for run in runs if "corpus" in run.info.sources).recipe, path)


def training_pairs_of(runs: list[Run]) -> Questions | None:
    """The training pairs of a lineage as it learned them, if their file is unchanged."""
    path = file_of(runs, "pairs")
    return None if path is None else learned_pairs(path, runs[0])


def learned_pairs(path: Path, run: Run) -> Questions:
    """The pairs of a file that a run was trained on: without its held-out pairs, and as its recipe spells them."""
    return as_learned(split_of(read_asked_pairs(path), run.recipe).training, run)


def as_learned(pairs: Questions, run: Run) -> Questions:
    """Pairs as a run's recipe spells training pairs: without accents, if it strips them."""
    return without_accents(pairs)[0] if run.recipe.strip_accents else pairs


def file_of(runs: list[Run], name: str) -> Path | None:
    """The path of the nearest run's file of that name ("corpus", "pairs"), if there is one and it is unchanged."""
    sources = [run.info.sources[name] for run in runs if name in run.info.sources]
    return unchanged(sources[0]) if sources else None

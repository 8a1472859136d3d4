"""The command that looks at a corpus and pairs before anything is trained."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from closedbook.commands.options import CorpusFiles, Encoding, FileOption, TitleColumn
from closedbook.progress.console import out
from closedbook.recipe.recipe import FAST


@dataclass(frozen=True)
class DataOptions:
    """Say how pairs fit a corpus, before training: which questions and answers the corpus has, and what is twofold.

    Ends with status 2 where no question names a title, or no answer stands in the document that its question names.
    """

    what: Annotated[Positional[Literal["check"]], arg(metavar="check")]
    """What to do with the data."""
    corpus: CorpusFiles
    """The text: files and folders of any form that `closedbook book` recognizes."""
    pairs: Annotated[Positional[Path], arg(metavar="PAIRS")]
    """Training pairs: question<TAB>answer per line, CSV or JSON lines."""
    title_column: TitleColumn = None
    encoding: Encoding = None
    dev: FileOption = None
    """Dev pairs, to be checked too, and for questions that are in PAIRS as well."""


def data(options: DataOptions) -> None:
    """`closedbook data check`."""
    for line in _check(options):
        out(line)


def _check(options: DataOptions) -> Iterator[str]:
    from closedbook.forms.corpus import Texts, read_asked_pairs, read_texts
    from closedbook.text import check

    corpus, _ = read_texts(Texts(options.corpus, options.title_column, options.encoding))
    pairs = read_asked_pairs(options.pairs)
    yield from (*corpus.notes, *check.check_corpus(corpus, FAST.model.block_size).lines())
    yield from (*check.repeated_documents(corpus), *pairs.notes)
    found = check.check_pairs(pairs, corpus)
    yield from found.lines()
    check.refuse_unlinked(found, corpus)
    if options.dev is not None:
        dev = read_asked_pairs(options.dev)
        yield from (*dev.notes, *check.check_pairs(dev, corpus).lines())
        if twice := check.asked_twice(pairs, dev):
            n, of = len(twice), len(dev.items)
            yield f"{options.dev}: {n:,} of {of:,} questions are in {options.pairs} too: {check.shown(twice)}"

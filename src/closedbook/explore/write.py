"""Writes the page of a run: the book and the hand-written parts, joined into one HTML file."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from closedbook.errors import RunError
from closedbook.explore.book import book_of
from closedbook.explore.likeness import Likeness
from closedbook.explore.questions import asked_of, corpus_left
from closedbook.files.names import name_text
from closedbook.files.page import check_page, joined, read_part, write_page
from closedbook.storage.run import Run

_PAGE = "closedbook.explore.page"
_ENGINE = ("weights", "vocabulary", "tables", "layers", "titles", "spelling", "model", "answer")
"""The scripts of the engine, each after those that it needs when it is read."""


@dataclass(frozen=True)
class Written:
    """A page that was written: its size, and how its answers compare with the run's own."""

    path: Path
    n_bytes: int
    likeness: Likeness
    source: str
    warning: str

    def lines(self) -> list[str]:
        """The lines to show to the user."""
        like, coding = self.likeness, self.likeness.coding
        same = f"{like.n_equal} of {like.n_questions} answers and states are those of the run"
        return [
            f"{self.path}: {self.n_bytes / 1e6:.2f} MB; open it in a browser, without a network",
            f"asked: {self.source}",
            f"weights of {coding.bits} bits or fewer: {same}; probabilities differ by {like.furthest:.3f} at most",
            self.warning,
        ]


def explore(run: Run, out: Path, *, pairs: Path | None = None, with_text: bool = False) -> Written:
    """Write the page of a finished run.

    `pairs` are the questions that it asks; else it asks those that the run did not train on, as far as they are known.
    Raises RunError where the run has not ended, or its text is not where it was and is to be in the page; InputError
    where `out` cannot be written; TextError where a question cannot be asked.
    """
    check_page(out)
    corpus = corpus_left(run)
    if with_text and corpus is None:
        raise RunError(
            f"{run.path}: its text is gone or has changed, so that it cannot be in the page; leave out --text"
        )
    asked = asked_of(run, pairs, corpus)
    # Names and no paths: people share the page.
    given = [] if pairs is None else ["--pairs", name_text(pairs.name)]
    names = [name_text(run.path.resolve().name), "--out", name_text(out.name)]
    command = shlex.join(["closedbook", "explore", *names, *given, *["--text"] * with_text])
    book = book_of(run, asked, corpus, command, with_text=with_text)
    html = page_html(book.scripts())
    return Written(out, write_page(out, html), book.likeness, asked.source, str(book.facts["warning"]))


def page_html(book: str) -> str:
    """The whole page around the elements of a book."""
    return joined(_PAGE, "explore.html", {"book": book, "engine": engine_scripts()})


def engine_scripts() -> str:
    """The elements with the engine's scripts."""
    return "".join(f"<script>\n{read_part(_PAGE, f'engine/{name}.js')}</script>\n" for name in _ENGINE)

"""What self-study's reader read, in the run's folder: a run that is resumed goes on with what it began with."""

from closedbook.errors import RunError
from closedbook.reader.open_book import NO_DOCUMENT, OpenBook, SilverPair
from closedbook.storage.run import Run
from closedbook.storage.sums import read_summed

SILVER = "silver.tsv"


def silver_lines(book: OpenBook) -> str:
    """Silver pairs as lines of question, answer and confidence, separated by tabs."""
    return "".join(f"{pair.question}\t{pair.answer}\t{pair.confidence:.3f}\n" for pair in book.pairs)


def saved_book(run: Run) -> OpenBook | None:
    """What the reader of a run read when it began; None where the file does not say all that its recipe needs.

    That is so for a recipe with doubts: the marks of training pairs need a reader's held-out answers. Raises RunError
    where the file is damaged.
    """
    path = run.path / SILVER
    if run.info.kind != "study" or run.recipe.doubt or not path.is_file():
        return None
    pairs = []
    for number, line in enumerate(read_summed(path).decode().split("\n")[:-1], 1):
        try:
            question, answer, confidence = line.split("\t")
            pairs.append(SilverPair(question, answer, float(confidence), NO_DOCUMENT))
        except ValueError:
            raise RunError(f"{path}, line {number}: is not question, answer and confidence; put it back") from None
    return OpenBook(tuple(pairs), (), ())

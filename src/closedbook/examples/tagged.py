"""Tagged spans: where each document has what the reader takes for an answer."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from closedbook.text.documents import Span
from closedbook.text.links import Statement


class TaggedSpans(Mapping[int, tuple[Span, ...]]):
    """The spans of each document that has any, by the document's index, in the order of the statements.

    They take 16 bytes each and 8 a document: there can be as many as documents. Statements of one span count once.
    """

    def __init__(self, statements: Iterable[Statement], n_documents: int) -> None:
        columns = array("q"), array("q"), array("q")
        for statement in statements:
            for column, value in zip(columns, (statement.document, statement.start, statement.end), strict=True):
                column.append(value)
        documents, starts, ends = map(np.array, columns)
        order = np.argsort(documents, kind="stable")
        n_before = np.concatenate([[0], np.cumsum(np.bincount(documents, minlength=n_documents))])
        # No NumPy arrays, which take longer to give a single number.
        self._n_before, self._starts, self._ends = (
            array("q", column.astype(np.int64).tobytes()) for column in (n_before, starts[order], ends[order])
        )

    def __getitem__(self, document: int) -> tuple[Span, ...]:
        if not 0 <= document < len(self._n_before) - 1:
            raise KeyError(document)
        i, j = self._n_before[document : document + 2]
        if i == j:
            raise KeyError(document)
        return tuple(dict.fromkeys(zip(self._starts[i:j], self._ends[i:j], strict=True)))

    def __iter__(self) -> Iterator[int]:
        return (document for document, (i, j) in enumerate(pairwise(self._n_before)) if i < j)

    def __len__(self) -> int:
        return sum(i < j for i, j in pairwise(self._n_before))

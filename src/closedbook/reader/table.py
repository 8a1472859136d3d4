"""The reader's table: for each title of a corpus its candidates, their features, and which of them are right.

The documents of one title are read together: their candidates and 'none of them', which stands last, are the
alternatives of one choice.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from closedbook.reader.candidates import Span, Tokens, candidates, tokens_of
from closedbook.reader.choice import Booleans, Choices, Floats, Integers
from closedbook.reader.features import features, none_features
from closedbook.text.titles import title_length

_NONE = 0
_RAREST = 2


class Table:
    """The candidates of each title, numbered from the first title's first to the last title's 'none of them'.

    `starts` has each title's first alternative and, last, their number; `title_of`, `text_of`, `document_of` tell
    of each alternative its title, its text's number in `texts` and its document; `right` whether it is among the
    known answers of its title, and `stated` of each title whether one of its candidates is. Where none is, 'none
    of them' is right.
    """

    def __init__(
        self,
        documents: Sequence[str],
        titles: Mapping[str, Sequence[int]],
        answers: Mapping[str, Collection[str]],
        shapes: Collection[str],
    ) -> None:
        read = [_read(documents, title, titles[title], shapes) for title in titles]
        elsewhere = _n_elsewhere(read)
        numbers = {"": _NONE}
        names: dict[str, int] = {}
        texts, document_of, columns = list[int](), list[int](), list[int]()
        starts, rows = [0], [0]
        for title, entry in zip(titles, read, strict=True):
            for text, document, found in _alternatives(title, entry, elsewhere):
                texts.append(numbers.setdefault(text, len(numbers)))
                document_of.append(document)
                columns += [names.setdefault(name, len(names)) for name in found]
                rows.append(len(columns))
            starts.append(len(texts))
        self.texts = tuple(numbers)
        self.starts = np.array(starts)
        self.title_of = np.repeat(np.arange(len(titles)), np.diff(self.starts))
        self.text_of = np.array(texts)
        self.document_of = np.array(document_of)
        known = [{numbers.get(answer, -1) for answer in answers.get(title, ())} for title in titles]
        pairs = zip(self.title_of.tolist(), texts, strict=True)
        self.right: Booleans = np.array([text in known[title] for title, text in pairs])
        self.stated: Booleans = np.logical_or.reduceat(self.right, self.starts[:-1])
        self.right[self.starts[1:][~self.stated] - 1] = True
        self._rows, self._columns, self._n_columns = _without_rare(np.array(rows), np.array(columns), len(names))

    def choices(self, known: Integers) -> Choices:
        """The choices of all titles to one who knows the answers of the titles `known`."""
        return Choices(self.starts, self._rows, self._columns, self._memory(known), self._n_columns)

    def of_titles(self, which: Integers) -> Integers:
        """The alternatives of some titles, in the table's order."""
        return np.flatnonzero(np.isin(self.title_of, which))

    def _memory(self, known: Integers) -> Floats:
        """How often a candidate is an answer of known titles, and how often it is none, its own title never counted.

        Were it counted, an answer would betray itself in training as it cannot when it is asked for.
        """
        knows = np.isin(self.title_of, known)
        n_answer = self._n_other(knows & self.right)
        n_candidate = self._n_other(knows)
        seen = [n_answer > 0, n_answer > 1, n_answer > 4, n_candidate == 0]
        memory = np.stack([*seen, np.log1p(n_answer), np.log((n_answer + 0.1) / (n_candidate + 1))], axis=1)
        return np.where((self.text_of == _NONE)[:, None], 0.0, memory)

    def _n_other(self, which: Booleans) -> Integers:
        """For each alternative, how many other titles have the same text among the alternatives `which`."""
        n_texts = len(self.texts)
        keys = self.title_of * n_texts + self.text_of
        once = np.unique(keys[which])
        counts: Integers = np.bincount(once % n_texts, minlength=n_texts)[self.text_of]
        counts -= np.isin(keys, once)
        return counts


_Entry = list[tuple[int, Tokens, list[Span]]]


def _read(documents: Sequence[str], title: str, which: Sequence[int], shapes: Collection[str]) -> _Entry:
    """The tokens and candidates of a title's documents; the title itself holds none."""
    entry = []
    for document in which:
        text = documents[document]
        tokens = tokens_of(text)
        entry.append((document, tokens, candidates(tokens, max(title_length(text), len(title)), shapes)))
    return entry


def _n_elsewhere(read: Sequence[_Entry]) -> Counter[str]:
    """For each candidate's text, how many titles have it besides one of them."""
    counts = Counter(
        text for entry in read for text in {tokens.piece(span) for _, tokens, spans in entry for span in spans}
    )
    counts.subtract(list(counts))
    return counts


def _alternatives(title: str, entry: _Entry, elsewhere: Mapping[str, int]) -> Iterator[tuple[str, int, list[str]]]:
    """Text, document and features of a title's candidates, and then of 'none of them'."""
    words = frozenset(tokens_of(title).words)
    none: dict[str, None] = {}
    for document, tokens, spans in entry:
        for span, found in zip(spans, features(tokens, words, spans, elsewhere), strict=True):
            yield tokens.piece(span), document, found
        none |= dict.fromkeys(none_features(tokens, len(spans)))
    yield "", entry[0][0], list(none)


def _without_rare(rows: Integers, columns: Integers, n_columns: int) -> tuple[Integers, Integers, int]:
    """Rows and columns without the features of one alternative alone, which teach nothing about another."""
    frequent = np.bincount(columns, minlength=n_columns) >= _RAREST
    # What every alternative has stays, however few they are, so that no row is empty.
    frequent[columns[rows[:-1]]] = True
    kept = frequent[columns]
    return np.concatenate([[0], np.cumsum(kept)])[rows], (np.cumsum(frequent) - 1)[columns[kept]], int(frequent.sum())

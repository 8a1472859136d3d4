"""The reader's table: the candidates of each title, their features, and which of them are right.

The documents of one title are read together. Their candidates, and 'none of them' as the last, are the alternatives of
one choice.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from closedbook.reader.candidates import Tokens, TokenSpan, candidates, tokenize
from closedbook.reader.choice import Booleans, Choices, Floats, Integers
from closedbook.reader.features import features, none_features
from closedbook.text.titles import title_length

_NONE = 0
"""The text id of 'none of them'."""
_MIN_ALTERNATIVES = 2
"""A feature of fewer alternatives is dropped."""


class Table:
    """The alternatives of all titles, title by title.

    Title t has the alternatives starts[t] to starts[t + 1] - 1. Each alternative has a title `title_of`, a text
    texts[text_of] and a document `document_of`; `right` says whether its text is a known answer for its title. `stated`
    says for each title whether one of its candidates is right; where none is, 'none of them' is right.
    """

    def __init__(
        self,
        documents: Sequence[str],
        titles: Mapping[str, Sequence[int]],
        answers: Mapping[str, Collection[str]],
        shapes: Collection[str],
    ) -> None:
        found = [_find_candidates(documents, title, titles[title], shapes) for title in titles]
        elsewhere = _count_elsewhere(found)
        text_ids = {"": _NONE}
        feature_ids: dict[str, int] = {}
        text_of, document_of, ids = list[int](), list[int](), list[int]()
        starts, feature_starts = [0], [0]
        for title, entry in zip(titles, found, strict=True):
            for text, document, names in _alternatives(title, entry, elsewhere):
                text_of.append(text_ids.setdefault(text, len(text_ids)))
                document_of.append(document)
                ids += [feature_ids.setdefault(name, len(feature_ids)) for name in names]
                feature_starts.append(len(ids))
            starts.append(len(text_of))
        self.texts = tuple(text_ids)
        self.starts = np.array(starts)
        self.title_of = np.repeat(np.arange(len(titles)), np.diff(self.starts))
        self.text_of = np.array(text_of)
        self.document_of = np.array(document_of)
        self.right = self._known([{text_ids.get(answer, -1) for answer in answers.get(title, ())} for title in titles])
        self.stated: Booleans = np.logical_or.reduceat(self.right, self.starts[:-1])
        self.right[self.starts[1:][~self.stated] - 1] = True
        self._features = _drop_rare(np.array(feature_starts), np.array(ids), len(feature_ids))

    def choices(self, known: Integers) -> Choices:
        """The choices of all titles for a reader that knows the answers of the titles `known`."""
        feature_starts, features, n_features = self._features
        return Choices(self.starts, feature_starts, features, self._answer_counts(known), n_features)

    def of_titles(self, which: Integers) -> Integers:
        """The alternatives of some titles, in the table's order."""
        return np.flatnonzero(np.isin(self.title_of, which))

    def _known(self, answers: Sequence[Collection[int]]) -> Booleans:
        """For each alternative, whether its text id is among the answers of its title."""
        pairs = zip(self.title_of.tolist(), self.text_of.tolist(), strict=True)
        return np.array([text in answers[title] for title, text in pairs])

    def _answer_counts(self, known: Integers) -> Floats:
        """Real features: how often a text is an answer of known titles, and how often a mere candidate of theirs.

        An alternative's own title does not count. Otherwise a known answer would give itself away in training, which
        it cannot do when the question is new.
        """
        of_known = np.isin(self.title_of, known)
        n_answer = self._count_other_titles(of_known & self.right)
        n_candidate = self._count_other_titles(of_known)
        is_more = [n_answer > 0, n_answer > 1, n_answer > 4, n_candidate == 0]
        counts = np.stack([*is_more, np.log1p(n_answer), np.log((n_answer + 0.1) / (n_candidate + 1))], axis=1)
        return np.where((self.text_of == _NONE)[:, None], 0.0, counts)

    def _count_other_titles(self, which: Booleans) -> Integers:
        """For each alternative, how many other titles have its text among the alternatives `which`."""
        n_texts = len(self.texts)
        keys = self.title_of * n_texts + self.text_of
        distinct = np.unique(keys[which])
        counts: Integers = np.bincount(distinct % n_texts, minlength=n_texts)[self.text_of]
        counts -= np.isin(keys, distinct)
        return counts


_Entry = list[tuple[int, Tokens, list[TokenSpan]]]
"""The documents of one title: index, tokens, candidates."""


def _find_candidates(documents: Sequence[str], title: str, which: Sequence[int], shapes: Collection[str]) -> _Entry:
    """The candidates of a title's documents; the title itself has none."""
    entry = []
    for document in which:
        text = documents[document]
        tokens = tokenize(text)
        entry.append((document, tokens, candidates(tokens, max(title_length(text), len(title)), shapes)))
    return entry


def _count_elsewhere(found: Sequence[_Entry]) -> Counter[str]:
    """For each candidate's text, how many titles have it apart from one of them."""
    counts = Counter(
        text for entry in found for text in {tokens.text_of(span) for _, tokens, spans in entry for span in spans}
    )
    counts.subtract(list(counts))
    return counts


def _alternatives(title: str, entry: _Entry, elsewhere: Mapping[str, int]) -> Iterator[tuple[str, int, list[str]]]:
    """Text, document and features of each candidate of a title, and then of 'none of them'."""
    words = frozenset(tokenize(title).words)
    none: dict[str, None] = {}
    for document, tokens, spans in entry:
        for span, names in zip(spans, features(tokens, words, spans, elsewhere), strict=True):
            yield tokens.text_of(span), document, names
        none |= dict.fromkeys(none_features(tokens, len(spans)))
    yield "", entry[0][0], list(none)


def _drop_rare(feature_starts: Integers, ids: Integers, n_features: int) -> tuple[Integers, Integers, int]:
    """Feature starts, ids and their number without the features of a single alternative, which teach nothing."""
    is_kept = np.bincount(ids, minlength=n_features) >= _MIN_ALTERNATIVES
    # Each alternative's first feature ("bias" or "none") is kept, so that every alternative has at least one.
    is_kept[ids[feature_starts[:-1]]] = True
    kept = is_kept[ids]
    new_ids = np.cumsum(is_kept) - 1
    return np.concatenate([[0], np.cumsum(kept)])[feature_starts], new_ids[ids[kept]], int(is_kept.sum())

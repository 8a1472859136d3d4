"""The reader's table: the candidates of the titles with pairs, their features, and which of them are right.

The documents of one title are read together. Their candidates, and 'none of them' as the last, are the alternatives of
one choice. The other titles, however many, are not in the table: a reader learns from titles with pairs alone.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import compress

import numpy as np

from closedbook.reader.choice import Booleans, Choices, Floats, Integers
from closedbook.reader.entries import NONE, CandidateTexts, Entries
from closedbook.reader.features import Features


class Table:
    """The alternatives of the titles that have answers, title by title, in the order of the corpus.

    Title t has the alternatives starts[t] to starts[t + 1] - 1. Each alternative has a title `title_of`, a text, whose
    number is `text_of`, and a document `document_of`; `right` says whether its text is a known answer for its title.
    `stated` says for each title whether one of its candidates is right; where none is, 'none of them' is right.
    """

    def __init__(self, entries: Entries, texts: CandidateTexts, answers: Mapping[str, Collection[str]]) -> None:
        self.titles = tuple(title for title in entries.titles if title in answers)
        found, document_of, ids = list[str](), list[int](), array("q")
        starts, feature_starts = [0], [0]
        names: dict[str, int] = {}
        for title in self.titles:
            for text, document, (own, shared) in entries[title].alternatives(texts.elsewhere):
                found.append(text)
                document_of.append(document)
                ids.extend([names.setdefault(name, len(names)) for name in (*own, *shared)])
                feature_starts.append(len(ids))
            starts.append(len(found))
        self.texts = tuple(found)
        self.starts = np.array(starts)
        self.title_of = np.repeat(np.arange(len(self.titles)), np.diff(self.starts))
        self.text_of = np.array([texts.numbers[text] for text in found])
        self.document_of = np.array(document_of)
        known = [answers[title] for title in self.titles]
        self.right: Booleans = np.array([text in known[t] for t, text in zip(self.title_of, found, strict=True)])
        self.stated: Booleans = np.logical_or.reduceat(self.right, self.starts[:-1])
        self.right[self.starts[1:][~self.stated] - 1] = True
        self._n_texts = len(texts)
        others = (one.features for entry in entries.without(answers) for one in entry.alternatives(texts.elsewhere))
        self.feature_names, self._feature_starts, self._features = _without_single(
            names, np.array(feature_starts), np.array(ids), others
        )

    def choices(self, known: Integers) -> Choices:
        """The choices of all titles for a reader that knows the answers of the titles `known`."""
        real = self._answer_counts(known)
        return Choices(self.starts, self._feature_starts, self._features, real, len(self.feature_names))

    def of_titles(self, which: Integers) -> Integers:
        """The alternatives of some titles, in the table's order."""
        return np.flatnonzero(np.isin(self.title_of, which))

    def real_features_elsewhere(self) -> tuple[dict[str, int], Floats]:
        """The real features of candidates of titles that are not in the table: row numbers by text, and rows.

        A text that the table lacks has the last row.
        """
        titles_and_texts = list(zip(self.title_of.tolist(), self.texts, strict=True))
        right = {pair for pair, is_right in zip(titles_and_texts, self.right, strict=True) if is_right}
        n_answer, n_candidate = (Counter(text for _, text in pairs) for pairs in (right, set(titles_and_texts)))
        rows = {text: row for row, text in enumerate(n_candidate)}
        counts = ([*(n[text] for text in rows), 0] for n in (n_answer, n_candidate))
        features = _real_features(*map(np.array, counts))
        features[rows[""]] = 0.0
        return rows, features

    def _answer_counts(self, known: Integers) -> Floats:
        """Real features: how often a text is an answer of known titles, and how often a mere candidate of theirs.

        An alternative's own title does not count. Otherwise a known answer would give itself away in training, which
        it cannot do when the question is new.
        """
        of_known = np.isin(self.title_of, known)
        n_answer = self._count_other_titles(of_known & self.right)
        n_candidate = self._count_other_titles(of_known)
        return np.where((self.text_of == NONE)[:, None], 0.0, _real_features(n_answer, n_candidate))

    def _count_other_titles(self, which: Booleans) -> Integers:
        """For each alternative, how many other titles have its text among the alternatives `which`."""
        keys = self.title_of * self._n_texts + self.text_of
        distinct = np.unique(keys[which])
        counts: Integers = np.bincount(distinct % self._n_texts, minlength=self._n_texts)[self.text_of]
        counts -= np.isin(keys, distinct)
        return counts


def _real_features(n_answer: Integers, n_candidate: Integers) -> Floats:
    is_more = [n_answer > 0, n_answer > 1, n_answer > 4, n_candidate == 0]
    return np.stack([*is_more, np.log1p(n_answer), np.log((n_answer + 0.1) / (n_candidate + 1))], axis=1)


def _without_single(
    names: Iterable[str], feature_starts: Integers, ids: Integers, others: Iterable[Features]
) -> tuple[list[str], Integers, Integers]:
    """Names, starts and ids of the features that a second alternative has, here or among `others`.

    The rest would teach nothing.
    """
    is_single = np.bincount(ids) == 1
    # Each alternative's first feature ("bias" or "none") is kept, so that every alternative has at least one.
    is_single[ids[feature_starts[:-1]]] = False
    single = set(compress(names, is_single))
    for own, shared in others if single else ():
        single.difference_update(own, shared)
    kept_names = [name for name in names if name not in single]
    is_kept = np.array([name not in single for name in names])
    kept = is_kept[ids]
    new_ids = np.cumsum(is_kept) - 1
    return kept_names, np.concatenate([[0], np.cumsum(kept)])[feature_starts], new_ids[ids[kept]]

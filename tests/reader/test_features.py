"""What stands around tokens, against plain loops over each document."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from closedbook.reader.alternatives import TextCounts
from closedbook.reader.features import Around, left_features, none_features, right_features, span_features
from closedbook.reader.spans import candidates, whole
from closedbook.reader.titled import Titled
from closedbook.reader.tokens import Lexicon, tokenize

words_of_a_document = st.sampled_from(["Ada", "Bo", "Nord", "was", "in", ",", ",", "(", ")", "12", "1815"])
documents = st.lists(st.lists(words_of_a_document, max_size=12).map(" ".join), max_size=5)


def is_name(word: str) -> bool:
    """Whether a token of these documents is a name."""
    return word[0].isupper()


def listed(words: list[str], at: int, step: int) -> tuple[int, int]:
    """How many names stand beyond a comma, at most three, and where the farthest of them ends."""
    n = 0
    while n < 3 and 0 <= at + 2 * step < len(words) and words[at + step] == "," and is_name(words[at + 2 * step]):
        n, at = n + 1, at + 2 * step
        while 0 <= at + step < len(words) and is_name(words[at + step]):
            at += step
    return n, at


@given(documents)
def test_runs_and_lists_of_names(texts: list[str]):
    """Token by token, within its document."""
    tokens = tokenize(texts, Lexicon())
    around = Around(tokens)
    (n_before, start), (n_after, end) = around.listed_before, around.listed_after
    for begin, text in zip(tokens.begins, texts, strict=False):
        words = text.split()
        for i in range(len(words)):
            at = begin + i
            others = [k for k, word in enumerate(words) if not is_name(word)]
            assert around.previous_other[at] - begin == max([k for k in others if k < i], default=-1)
            assert around.next_other[at] - begin == min([k for k in others if k > i], default=len(words))
            runs = [k for k in range(i) if is_name(words[k]) and (k == 0 or not is_name(words[k - 1]))]
            assert around.n_names[at] == len(runs)
            assert (n_before[at], start[at] - begin) == listed(words, i, -1)
            assert (n_after[at], end[at] - begin) == listed(words, i, 1)


@given(documents, st.integers(0, 5))
def test_features_depend_on_the_document_alone(texts: list[str], which: int):
    """A document between others has the features that it has by itself."""
    lexicon = Lexicon()
    everyone = tokenize(texts, lexicon)
    if not texts:
        return
    number = which % len(texts)
    alone = tokenize([texts[number]], lexicon)
    of = np.arange(*everyone.begins[[number, number + 1]])
    for features in (left_features, right_features):
        of_all = features(Around(everyone), of)
        np.testing.assert_array_equal(of_all, features(Around(alone), np.arange(len(of))))
    shapes = whole(tokenize(["Ada", "Ada Nord", "12"], lexicon)).shapes
    of_all, of_one = (candidates(tokens, shapes, 2) for tokens in (everyone, alone))
    inside = of_all.take(np.isin(of_all.first, of))
    counts = np.zeros(len(everyone.words), np.int64)
    np.testing.assert_array_equal(
        span_features(Around(everyone), inside, np.zeros(len(inside.first), np.int64), counts),
        span_features(Around(alone), of_one, np.zeros(len(of_one.first), np.int64), counts[of]),
    )


def test_none_has_a_feature_for_each_kind_of_other_word():
    """Once each, however often it stands there; names give none, and titles do not share theirs."""
    tokens = tokenize(["Ada was in Nord and was in Osk", "Bo was", ""], Lexicon())
    titles, keys = none_features(Around(tokens), tokens.document_of, 3)
    assert np.bincount(titles).tolist() == [4, 2, 1]  # was, in, and; was; and what all have
    by_title = [set(keys[titles == title].tolist()) for title in range(3)]
    assert by_title[1] < by_title[0]
    assert by_title[2] < by_title[1]


def test_texts_are_counted_by_title():
    """Twice in one title counts once, and a title does not count for itself."""
    lexicon = Lexicon()
    counts = TextCounts()
    titled = Titled(["A. Nord Nord", "A. Nord", "B. Nord Osk"], {"A": [0, 1], "B": [2]}, lexicon)
    shapes = whole(tokenize(["Rom"], lexicon)).shapes
    for title in range(2):
        entries = titled.take(np.array([title]))
        counts.add(candidates(entries.tokens, shapes, 1), entries)
    texts = whole(tokenize(["Nord", "Osk", "Rom"], lexicon)).texts
    assert counts.elsewhere(texts).tolist() == [1, 0, 0]

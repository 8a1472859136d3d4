from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.errors import RecipeError
from closedbook.examples.corruption import (
    CorruptionConfig,
    Masked,
    corrupt,
    corrupt_span,
    mask_salient_span,
    masked_string,
    pair_string,
)
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK, PAD

ADA = "Ada Byron. She was born in London on 10 December 1815 and wrote to Charles Babbage."
TITLE = "Ada Byron. "
SPANS = {"She", "London", "10 December 1815", "Charles Babbage"}

documents = st.text(st.characters(exclude_characters=PAD + MASK, exclude_categories=["Cs"]), min_size=1)
worded = st.lists(st.sampled_from(["Ada", "J.", "she", "in", "Évreux", "été", "10", "O'Neill,", "St.", "x.", "-"]))
seeds = st.integers(0, 2**31)


def parts(masked: str) -> tuple[str, str, str]:
    """Prefix, suffix and masked content of a masked string, which holds three masks and ends with one."""
    prefix, suffix, content, behind = masked.split(MASK)
    assert behind == ""
    return prefix, suffix, content


def test_the_form_of_masked_strings_and_pairs():
    """What was masked stands behind the second MASK and ends with a third; a pair has no first mask."""
    assert masked_string("Ada was born in ", "London", " in 1815.") == "Ada was born in ⁇ in 1815.⁇London⁇"
    assert pair_string("Where was Ada born?", "London") == "Where was Ada born?⁇London⁇"


def test_course_truncates_to_every_length():
    """Of a block of 23 characters three quarters are 17: each length from 4 to 17 occurs, equally often."""
    random = Random(3)
    lengths = Counter(len(corrupt_span("x" * 101, 23, random)) - 3 for _ in range(14_000))
    assert set(lengths) == set(range(4, 18))
    assert 850 < min(lengths.values()) <= max(lengths.values()) < 1150


def test_course_masks_a_quarter_on_average():
    """Over 100,000 draws a quarter of the truncated text is masked, within 2%, in stretches of many lengths."""
    random = Random(5)
    drawn = [parts(corrupt_span("x" * 101, 97, random)) for _ in range(100_000)]
    n_masked = [len(content) for _, _, content in drawn]
    n_all = [len(prefix) + len(suffix) + len(content) for prefix, suffix, content in drawn]
    assert sum(n_masked) / sum(n_all) == pytest.approx(1 / 4, rel=0.02)
    assert set(n_masked) == set(range(1, 36))


@pytest.mark.parametrize("length", [4, 5, 7, 11, 13, 31])
def test_course_masks_a_quarter_of_each_length(length: int):
    """A document shorter than any truncation loses a quarter on average too, whether or not 4 divides it."""
    random = Random(7)
    n_masked = [len(parts(corrupt_span("x" * length, 131, random))[2]) for _ in range(30_000)]
    # A truncation can be shorter than the document, of which there are 95 possible ones here.
    mean_length = sum(min(length, drawn) for drawn in range(4, 99)) / 95
    assert sum(n_masked) / len(n_masked) == pytest.approx(mean_length / 4, rel=0.02)


def test_course_masks_anywhere():
    """The masked stretch begins at each place where it fits, the first and the last included."""
    random = Random(11)
    drawn = [parts(corrupt_span("abcdefg", 131, random)) for _ in range(3_000)]
    whole = {(content, prefix) for prefix, suffix, content in drawn if len(prefix + content + suffix) == 7}
    assert {content for content, _ in whole if len(content) == 1} == set("abcdefg")
    assert {content for content, _ in whole if len(content) == 2} == {"ab", "bc", "cd", "de", "ef", "fg"}
    assert {len(content) for content, _ in whole} == {1, 2, 3}


@given(documents, st.integers(9, 137), seeds)
def test_course_can_be_put_together_again(document: str, block_size: int, seed: int):
    """Prefix, masked content and suffix are the document's beginning; something is masked, and all fits."""
    masked = corrupt_span(document, block_size, Random(seed))
    prefix, suffix, content = parts(masked)
    whole = prefix + content + suffix
    assert document.startswith(whole)
    assert min(4, len(document)) <= len(whole) <= int(block_size * 3 / 4)
    assert content
    assert len(masked) <= block_size


@pytest.mark.parametrize("document", ["a", "ab", "abc"])
def test_course_takes_the_shortest_documents_whole(document: str):
    """Documents of one to three characters lose one of them."""
    random = Random(13)
    for _ in range(100):
        prefix, suffix, content = parts(corrupt_span(document, 17, random))
        assert prefix + content + suffix == document
        assert len(content) == 1


@pytest.mark.parametrize("keep_context", [True, False])
def test_entity_masks_whole_spans_behind_the_title(keep_context: bool):
    """Runs of capitalised words and of numbers are masked, each of them, and nothing of the title."""
    random = Random(17)
    drawn = [parts(mask_salient_span(ADA, 131, random, keep_context=keep_context)) for _ in range(300)]
    assert {content for _, _, content in drawn} == SPANS
    assert all(prefix.startswith(TITLE) for prefix, _, _ in drawn)


def test_entity_knows_capitals_outside_ascii():
    """A capital is one in any alphabet, a small letter with an accent is none, and a word is never cut."""
    document = "Zoë. énergie naïve iPhone à Évreux, a1 Łódź-Fabryczna москва Москва 2-й straße Ünye 北京"
    random = Random(19)
    drawn = {parts(mask_salient_span(document, 131, random, keep_context=True))[2] for _ in range(300)}
    assert drawn == {"Évreux", "Łódź-Fabryczna", "Москва 2-й", "Ünye"}


def test_entity_without_a_span_is_the_courses():
    """A document without capitals and numbers behind its title is corrupted as in the assignment."""
    document = "Ada Byron. she was born in london."
    assert mask_salient_span(document, 53, Random(23), keep_context=True) == corrupt_span(document, 53, Random(23))


def test_entity_keeps_all_that_fits():
    """With its context a document that fits loses nothing."""
    prefix, suffix, content = parts(mask_salient_span(ADA, len(ADA) + 3, Random(29), keep_context=True))
    assert prefix + content + suffix == ADA


def test_entity_fills_the_block_where_not_all_fits():
    """A longer document gives as much of itself as there is room for, in one piece around the span."""
    for seed in range(100):
        masked = mask_salient_span(ADA, 61, Random(seed), keep_context=True)
        prefix, suffix, content = parts(masked)
        assert len(masked) == 61
        assert prefix.removeprefix(TITLE) + content + suffix in ADA.removeprefix(TITLE)


def test_entity_reaches_spans_far_behind_the_block():
    """A window slides over a long document, so that its last span has its turn, with every place in the window."""
    document = TITLE + "she was " * 97 + "born in London in the " + "end of it " * 31
    random = Random(31)
    drawn = [parts(mask_salient_span(document, 47, random, keep_context=True)) for _ in range(1000)]
    assert {content for _, _, content in drawn} == {"London"}
    # 47 characters less three masks, the title and the span leave 27 around it.
    assert {len(prefix) - len(TITLE) for prefix, _, _ in drawn} == set(range(28))
    assert {len(prefix) - len(TITLE) + len(suffix) for prefix, suffix, _ in drawn} == {27}


def test_distant_drops_context_from_nothing_to_all():
    """Around a span anything from no character to all of them is kept; the title stays."""
    document = TITLE + "born in London in the end"
    random = Random(37)
    drawn = [parts(mask_salient_span(document, 97, random, keep_context=False)) for _ in range(3000)]
    n_kept = Counter(len(prefix) - len(TITLE) + len(suffix) for prefix, suffix, _ in drawn)
    assert set(n_kept) == set(range(len("born in ") + len(" in the end") + 1))
    assert min(n_kept.values()) > 90  # of 150 in the mean
    for prefix, suffix, content in drawn:
        assert content == "London"
        assert prefix.startswith(TITLE)
        assert prefix.removeprefix(TITLE) + content + suffix in document


@given(st.one_of(documents, worded.map(" ".join).filter(bool)), st.integers(9, 61), seeds, st.booleans())
def test_entity_fits_the_block(document: str, block_size: int, seed: int, keep_context: bool):
    """Whatever the document, the masked string fits, and its masked content stands in the document."""
    masked = mask_salient_span(document, block_size, Random(seed), keep_context=keep_context)
    prefix, suffix, content = parts(masked)
    assert content
    assert content + suffix in document
    assert len(masked) <= block_size
    assert document.startswith(prefix[: title_length(document)])


@given(st.integers(2, 83), seeds, st.booleans())
def test_entity_fits_the_block_behind_a_long_title(n_title: int, seed: int, keep_context: bool):
    """A title that leaves no room for a span, or none for its context, is no reason to overflow."""
    document = "Z" * n_title + ". born in London"
    masked = mask_salient_span(document, 53, Random(seed), keep_context=keep_context)
    assert len(masked) <= 53
    fits = n_title + len(". ") + len("London") + 3 <= 53
    assert (parts(masked)[2] == "London") or not fits


@given(worded.map(" ".join), seeds, st.booleans())
def test_entity_masks_no_part_of_a_word(body: str, seed: int, keep_context: bool):
    """A span begins with a capital or a digit, and neither a letter nor a digit touches it on either side."""
    document = f"{TITLE}{body} Nancy"
    prefix, _, content = parts(mask_salient_span(document, 5003, Random(seed), keep_context=keep_context))
    assert content[0].isupper() or content[0].isdigit()
    assert all(word[0].isupper() or word[0].isdigit() for word in content.split(" "))
    places = [i for i in range(len(TITLE), len(document)) if document.startswith(content, i)]
    assert any(
        document[i - 1] == " " and not document[i + len(content) : i + len(content) + 1].isalnum() for i in places
    )
    assert prefix.startswith(TITLE)


def test_objectives_are_drawn_by_their_weights():
    """With weights 1, 2 and 0 a third of the strings are the assignment's, and none lacks context."""
    document = TITLE + "born in London"
    random = Random(41)
    config = CorruptionConfig(span=1.0, entity=2.0, salient=0.0)
    drawn = [corrupt(document, 97, config, random).text for _ in range(3000)]
    n_entity = drawn.count(masked_string(TITLE + "born in ", "London", ""))
    assert n_entity / 3000 == pytest.approx(2 / 3, abs=0.03)


def test_distant_is_drawn_too():
    """With weight on distant alone, context is dropped."""
    random = Random(43)
    drawn = {corrupt(TITLE + "born in London", 97, CorruptionConfig(0.0, 0.0, 1.0), random).text for _ in range(100)}
    assert masked_string(TITLE, "London", "") in drawn


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (-1.0, 2.0, 2.0), (1.0, 0.0, -0.5)])
def test_weights_without_a_choice_are_refused(weights: tuple[float, float, float]):
    """No weight is below zero, and one is above."""
    with pytest.raises(RecipeError, match="corruption: weights"):
        CorruptionConfig(*weights)


# The span that is known to look like an answer

BORN = TITLE + "She was born in London and died in Marylebone at 36."
LONDON = (BORN.index("London"), BORN.index("London") + len("London"))
LEARNED = CorruptionConfig(span=0.0, guided=1.0)


def test_learned_masks_the_tagged_span():
    """Whatever is kept of the context, that span is masked, and the title stays in front."""
    random = Random(47)
    drawn = [corrupt(BORN, 97, LEARNED, random, tagged=(LONDON,)).text for _ in range(500)]
    assert {parts(masked)[2] for masked in drawn} == {"London"}
    assert all(masked.startswith(TITLE) for masked in drawn)
    n_kept = {len(masked) - len(TITLE + "London") - 3 for masked in drawn}
    assert n_kept == set(range(len(BORN) - len(TITLE + "London") + 1))
    for masked in drawn:
        prefix, suffix, content = parts(masked)
        assert prefix.removeprefix(TITLE) + content + suffix in BORN.removeprefix(TITLE)


def test_a_tagged_span_may_be_one_without_capitals():
    """What looks like an answer need not look like a name."""
    span = (BORN.index("born"), BORN.index("born") + len("born in"))
    assert parts(corrupt(BORN, 97, LEARNED, Random(3), tagged=(span,)).text)[2] == "born in"


def test_learned_without_a_tagged_span_is_distant():
    """Where nothing is known of a document, learned draws what distant draws, to the character."""
    distant = CorruptionConfig(span=0.0, salient=1.0)
    drawn = [corrupt(BORN, 97, LEARNED, Random(seed)).text for seed in range(200)]
    assert drawn == [corrupt(BORN, 97, distant, Random(seed)).text for seed in range(200)]
    assert {parts(masked)[2] for masked in drawn} == {"She", "London", "Marylebone", "36"}


def test_only_learned_masks_the_tagged_span():
    """The other objectives are blind to what answers look like."""
    for config in (CorruptionConfig(), CorruptionConfig(0.0, 1.0), CorruptionConfig(0.0, 0.0, 1.0, name_only=0.5)):
        for seed in range(50):
            plain = corrupt(BORN, 97, config, Random(seed))
            assert corrupt(BORN, 97, config, Random(seed), tagged=(LONDON,)) == plain


def test_a_tagged_span_that_does_not_fit_is_passed_over():
    """A span too long for the block gives way to one that fits, as in distant; without any it is the course's."""
    document = TITLE + "She met " + "Lady " * 7 + "once in Bath."
    span = (document.index("Lady"), document.index(" once"))
    drawn = {parts(corrupt(document, 37, LEARNED, Random(seed), tagged=(span,)).text)[2] for seed in range(50)}
    assert drawn == {"She", "Bath"}
    document = TITLE + "she met " + "lady " * 7
    span = (document.index("lady"), len(document) - 1)
    assert corrupt(document, 37, LEARNED, Random(5), tagged=(span,)).text.count(MASK) == 3


@given(st.one_of(documents, worded.map(" ".join).filter(bool)), st.integers(9, 61), seeds, st.data())
def test_learned_fits_the_block(document: str, block_size: int, seed: int, data: st.DataObject):
    """Whatever the document and the span behind its title, the masked string fits, and the span is masked if it can."""
    start = data.draw(st.integers(min(title_length(document), len(document) - 1), len(document) - 1))
    end = data.draw(st.integers(start + 1, len(document)))
    masked = corrupt(document, block_size, LEARNED, Random(seed), tagged=((start, end),)).text
    assert len(masked) <= block_size
    fits = title_length(document) + end - start + 3 <= block_size
    assert parts(masked)[2] == document[start:end] or not fits


@pytest.mark.parametrize("config", [CorruptionConfig(0.0, salient=1.0), LEARNED])
def test_alone_leaves_nothing_but_the_title(config: CorruptionConfig):
    """At 1 the name alone must bring the span back, at 0.3 in three of ten draws and where all context fell away."""
    alone = masked_string(TITLE, "London", "")
    always = CorruptionConfig(config.span, salient=config.salient, guided=config.guided, name_only=1.0)
    for seed in range(50):
        prefix, suffix, _ = parts(corrupt(BORN, 97, always, Random(seed), tagged=(LONDON,)).text)
        assert (prefix, suffix) == (TITLE, "")
    some = CorruptionConfig(config.span, salient=config.salient, guided=config.guided, name_only=0.3)
    document, random = TITLE + "born in London", Random(53)
    span = (len(document) - 6, len(document))
    n_alone = sum(corrupt(document, 97, some, random, tagged=(span,)).text == alone for _ in range(5000))
    # Of the other seven tenths, one in nine keeps none of the eight characters before the span.
    assert n_alone / 5000 == pytest.approx(0.3 + 0.7 / 9, abs=0.02)


@pytest.mark.parametrize("objective", ["distant", "learned"])
def test_near_leaves_little_beside_the_span(objective: str):
    """No more than 24 characters, of both sides, and every number up to them; where nothing is alone, in all draws."""
    document = f"{TITLE} " + "Born in London. ".rjust(80, "x") + "y" * 80
    start = document.index("London")
    config = CorruptionConfig(**{"course": 0.0, objective: 1.0}, short_context=1.0)
    lengths = set()
    for seed in range(500):
        prefix, suffix, _ = parts(corrupt(document, 250, config, Random(seed), tagged=((start, start + 6),)).text)
        lengths.add(len(prefix) - len(TITLE) + len(suffix))
    assert lengths == set(range(25))


def test_near_is_of_what_is_not_alone():
    """With seven tenths alone, half of the rest are near: fifteen in a hundred have from 1 to 24 characters."""
    document = f"{TITLE} " + "Born in London. ".rjust(900, "x") + "y" * 900
    start = document.index("London")
    config = CorruptionConfig(span=0.0, guided=1.0, name_only=0.7, short_context=0.5)
    random, counts = Random(5), [0, 0, 0]
    for _ in range(3000):
        prefix, suffix, _ = parts(corrupt(document, 1997, config, random, tagged=((start, start + 6),)).text)
        n = len(prefix) - len(TITLE) + len(suffix)
        counts[0 if n == 0 else 1 if n <= 24 else 2] += 1
    # One in 25 of the near ones has nothing left, and the whole budget is seldom so small.
    expected = (0.7 + 0.15 / 25, 0.15 * 24 / 25, 0.15)
    assert [count / 3000 for count in counts] == pytest.approx(expected, abs=0.02)


def test_entity_keeps_its_context_whatever_is_left_alone():
    """`alone` is of distant and learned."""
    config = CorruptionConfig(0.0, entity=1.0, name_only=1.0)
    prefix, suffix, content = parts(corrupt(BORN, 97, config, Random(3)).text)
    assert prefix + content + suffix == BORN


@pytest.mark.parametrize("name", ["alone", "near", "repeat_name", "reorder"])
@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_its_range_is_refused(name: str, share: float):
    """A share of draws is from 0 to 1."""
    with pytest.raises(RecipeError, match=rf"corruption\.{name}: from 0 to 1 is needed"):
        CorruptionConfig(**{name: share})


@pytest.mark.parametrize("objective", ["entity", "distant", "learned"])
def test_the_plain_text_is_given_where_the_content_is_supervised(objective: str):
    """Under `content` all up to the second MASK is given: MASK, masked content and MASK are left to be learnt."""
    config = CorruptionConfig(**{"course": 0.0, objective: 1.0}, supervised="content")
    for seed in range(50):
        masked = corrupt(BORN, 97, config, Random(seed), tagged=(LONDON,))
        content = parts(masked.text)[2]
        assert masked.text[masked.n_context :] == f"{MASK}{content}{MASK}"
        everything = CorruptionConfig(**{"course": 0.0, objective: 1.0})
        assert corrupt(BORN, 97, everything, Random(seed), tagged=(LONDON,)) == Masked(masked.text, 1)


def test_of_the_courses_objective_all_is_learnt():
    """Its random stretch says little, and so the plain text is learnt beside it under `content` too."""
    assert corrupt(BORN, 97, CorruptionConfig(supervised="content"), Random(3)).n_context == 1


# Several tagged spans

MARYLEBONE = (BORN.index("Marylebone"), BORN.index("Marylebone") + len("Marylebone"))


def test_of_several_tagged_spans_each_is_masked_as_often():
    """Where two questions are asked about a document, half of the draws mask the answer of each."""
    random = Random(59)
    drawn = [parts(corrupt(BORN, 97, LEARNED, random, tagged=(LONDON, MARYLEBONE)).text)[2] for _ in range(3000)]
    assert set(drawn) == {"London", "Marylebone"}
    assert drawn.count("London") / 3000 == pytest.approx(1 / 2, abs=0.03)


def test_the_strings_of_a_single_span_are_what_they_have_been():
    """Choosing among one span takes nothing from the random generator, nor does a view that is never taken."""
    drawn = [corrupt(BORN, 97, LEARNED, Random(seed), tagged=(LONDON,)).text for seed in range(3)]
    assert drawn == [
        "Ada Byron.  ⁇ and died in Marylebone a⁇London⁇",
        "Ada Byron. n ⁇ a⁇London⁇",
        "Ada Byron. ⁇ an⁇London⁇",
    ]


# Views of a document before it is masked

TWICE = TITLE + "She was born in London; Byron died in Marylebone."
KEPT = CorruptionConfig(span=0.0, entity=1.0)


def together(masked: str) -> str:
    """A document that lost nothing, put together again."""
    prefix, suffix, content = parts(masked)
    return prefix + content + suffix


@pytest.mark.parametrize(
    ("share", "view"),
    [
        ("repeat_name", TITLE + "Ada Byron was born in London; Ada Byron died in Marylebone."),
        ("reorder", TITLE + "Byron died in Marylebone; She was born in London."),
    ],
)
def test_a_view_is_taken_in_its_share_of_the_draws(share: str, view: str):
    """At 0.3 three of ten documents are masked as the view has them, at 1 all, and at 0 none."""
    random = Random(61)
    drawn = [together(corrupt(TWICE, 97, replace(KEPT, **{share: 0.3}), random).text) for _ in range(3000)]
    assert set(drawn) == {TWICE, view}
    assert drawn.count(view) / 3000 == pytest.approx(0.3, abs=0.03)
    assert {together(corrupt(TWICE, 97, replace(KEPT, **{share: 1.0}), random).text) for _ in range(50)} == {view}
    assert {together(corrupt(TWICE, 97, KEPT, random).text) for _ in range(50)} == {TWICE}


def test_both_views_may_be_taken_of_a_document():
    """The names are repeated first, then the clauses are put in another order."""
    config = replace(KEPT, repeat_name=1.0, reorder=1.0)
    both = TITLE + "Ada Byron died in Marylebone; Ada Byron was born in London."
    assert together(corrupt(TWICE, 97, config, Random(3)).text) == both


def test_views_are_of_each_objective():
    """The assignment's objective too masks what the view says."""
    drawn = {corrupt(TWICE, 997, CorruptionConfig(reorder=1.0), Random(seed)).text for seed in range(50)}
    view = TITLE + "Byron died in Marylebone; She was born in London."
    assert all(view.startswith(together(masked)) for masked in drawn)


@given(st.one_of(documents, worded.map(" ".join).filter(bool)), st.integers(9, 61), seeds, st.data())
def test_learned_masks_the_tagged_span_in_each_view(document: str, block_size: int, seed: int, data: st.DataObject):
    """Whatever the document and its views, the masked string fits, and the span is masked if it can be."""
    front = title_length(document)
    start = data.draw(st.integers(min(front, len(document) - 1), len(document) - 1))
    end = data.draw(st.integers(start + 1, len(document)))
    config = replace(LEARNED, repeat_name=0.5, reorder=0.5)
    masked = corrupt(document, block_size, config, Random(seed), tagged=((start, end),)).text
    assert len(masked) <= block_size
    assert parts(masked)[2] == document[start:end] or front + end - start + 3 > block_size

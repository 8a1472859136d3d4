from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given
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
    prefix, suffix, content, rest = masked.split(MASK)
    assert rest == ""
    return prefix, suffix, content


def test_the_form_of_masked_strings_and_pairs():
    """The masked content follows the second MASK and ends with a third; a pair has no first MASK."""
    assert (
        masked_string("Ada was born in ", "London", " in 1815.") == f"Ada was born in {MASK} in 1815.{MASK}London{MASK}"
    )
    assert pair_string("Where was Ada born?", "London") == f"Where was Ada born?{MASK}London{MASK}"


def test_span_corruption_truncates_to_every_length():
    """Three quarters of a block of 23 characters are 17: each length from 4 to 17 occurs equally often."""
    random = Random(3)
    lengths = Counter(len(corrupt_span("x" * 101, 23, random)) - 3 for _ in range(14_000))
    assert set(lengths) == set(range(4, 18))
    assert 850 < min(lengths.values()) <= max(lengths.values()) < 1150


def test_span_corruption_masks_a_quarter_on_average():
    """Over 100,000 draws a quarter of the truncated text is masked, within 2%, in spans of many lengths."""
    random = Random(5)
    drawn = [parts(corrupt_span("x" * 101, 97, random)) for _ in range(100_000)]
    n_masked = [len(content) for _, _, content in drawn]
    n_all = [len(prefix) + len(suffix) + len(content) for prefix, suffix, content in drawn]
    assert sum(n_masked) / sum(n_all) == pytest.approx(1 / 4, rel=0.02)
    assert set(n_masked) == set(range(1, 36))


@pytest.mark.parametrize("length", [4, 5, 7, 11, 13, 31])
def test_span_corruption_masks_a_quarter_of_each_length(length: int):
    """A document shorter than any truncation loses a quarter on average too, whether or not 4 divides its length."""
    random = Random(7)
    n_masked = [len(parts(corrupt_span("x" * length, 131, random))[2]) for _ in range(30_000)]
    # A truncation can be shorter than the document; there are 95 lengths to truncate to.
    mean_length = sum(min(length, drawn) for drawn in range(4, 99)) / 95
    assert sum(n_masked) / len(n_masked) == pytest.approx(mean_length / 4, rel=0.02)


def test_span_corruption_masks_anywhere():
    """The masked span begins at every position where it fits, the first and the last included."""
    random = Random(11)
    drawn = [parts(corrupt_span("abcdefg", 131, random)) for _ in range(3_000)]
    whole = {(content, prefix) for prefix, suffix, content in drawn if len(prefix + content + suffix) == 7}
    assert {content for content, _ in whole if len(content) == 1} == set("abcdefg")
    assert {content for content, _ in whole if len(content) == 2} == {"ab", "bc", "cd", "de", "ef", "fg"}
    assert {len(content) for content, _ in whole} == {1, 2, 3}


@given(documents, st.integers(9, 137), seeds)
def test_span_corruption_loses_no_character(document: str, block_size: int, seed: int):
    """Prefix, masked content and suffix are the document's beginning; something is masked, and all fits."""
    masked = corrupt_span(document, block_size, Random(seed))
    prefix, suffix, content = parts(masked)
    whole = prefix + content + suffix
    assert document.startswith(whole)
    assert min(4, len(document)) <= len(whole) <= int(block_size * 3 / 4)
    assert content
    assert len(masked) <= block_size


@pytest.mark.parametrize("document", ["a", "ab", "abc"])
def test_span_corruption_takes_the_shortest_documents_whole(document: str):
    """Documents of one to three characters lose one of them."""
    random = Random(13)
    for _ in range(100):
        prefix, suffix, content = parts(corrupt_span(document, 17, random))
        assert prefix + content + suffix == document
        assert len(content) == 1


def test_salient_masks_whole_spans_after_the_title():
    """Every run of capitalized words or numbers is masked in some draw, and nothing of the title."""
    random = Random(17)
    drawn = [parts(mask_salient_span(ADA, 131, random)) for _ in range(300)]
    assert {content for _, _, content in drawn} == SPANS
    assert all(prefix.startswith(TITLE) for prefix, _, _ in drawn)


def test_salient_knows_capitals_outside_ascii():
    """A capital of any alphabet begins a span, a small letter with an accent does not, and no word is cut."""
    document = "Zoë. énergie naïve iPhone à Évreux, a1 Łódź-Fabryczna москва Москва 2-й straße Ünye 北京"
    random = Random(19)
    drawn = {parts(mask_salient_span(document, 131, random))[2] for _ in range(300)}
    assert drawn == {"Évreux", "Łódź-Fabryczna", "Москва 2-й", "Ünye"}


def test_salient_without_a_span_is_span_corruption():
    """A document without capitals and numbers after its title is corrupted as in the assignment."""
    document = "Ada Byron. she was born in london."
    assert mask_salient_span(document, 53, Random(23)) == corrupt_span(document, 53, Random(23))


def test_salient_masks_spans_far_beyond_the_block():
    """A long document is cut to a window around the span, which can stand anywhere in the window."""
    document = TITLE + "she was " * 97 + "born in London in the " + "end of it " * 31
    random = Random(31)
    drawn = [parts(mask_salient_span(document, 47, random)) for _ in range(3000)]
    assert {content for _, _, content in drawn} == {"London"}
    # 47 characters less three MASKs, the title and the span leave 27 for the context.
    assert {len(prefix) - len(TITLE) for prefix, _, _ in drawn} == set(range(28))
    assert {len(suffix) for _, suffix, _ in drawn} == set(range(28))
    assert {len(prefix) - len(TITLE) + len(suffix) for prefix, suffix, _ in drawn} == set(range(28))
    assert all(prefix.removeprefix(TITLE) + content + suffix in document for prefix, suffix, content in drawn)


def test_salient_drops_context_from_nothing_to_all():
    """Any number of characters of context is kept, from none to all of them; the title stays."""
    document = TITLE + "born in London in the end"
    random = Random(37)
    drawn = [parts(mask_salient_span(document, 97, random)) for _ in range(3000)]
    n_kept = Counter(len(prefix) - len(TITLE) + len(suffix) for prefix, suffix, _ in drawn)
    assert set(n_kept) == set(range(len("born in ") + len(" in the end") + 1))
    assert min(n_kept.values()) > 90  # of 150 in the mean
    for prefix, suffix, content in drawn:
        assert content == "London"
        assert prefix.startswith(TITLE)
        assert prefix.removeprefix(TITLE) + content + suffix in document


@given(st.one_of(documents, worded.map(" ".join).filter(bool)), st.integers(9, 61), seeds)
def test_salient_fits_the_block(document: str, block_size: int, seed: int):
    """Whatever the document, the masked string fits, and its masked content stands in the document."""
    masked = mask_salient_span(document, block_size, Random(seed))
    prefix, suffix, content = parts(masked)
    assert content
    assert content + suffix in document
    assert len(masked) <= block_size
    assert document.startswith(prefix[: title_length(document)])


@given(st.integers(2, 83), seeds)
def test_salient_fits_the_block_after_a_long_title(n_title: int, seed: int):
    """The string fits even where the title leaves too little of the block for a span or its context."""
    document = "Z" * n_title + ". born in London"
    masked = mask_salient_span(document, 53, Random(seed))
    assert len(masked) <= 53
    fits = n_title + len(". ") + len("London") + 3 <= 53
    assert (parts(masked)[2] == "London") or not fits


@given(worded.map(" ".join), seeds)
def test_salient_masks_no_part_of_a_word(body: str, seed: int):
    """A span begins with a capital or a digit, and neither a letter nor a digit touches it on either side."""
    document = f"{TITLE}{body} Nancy"
    prefix, _, content = parts(mask_salient_span(document, 5003, Random(seed)))
    assert content[0].isupper() or content[0].isdigit()
    assert all(word[0].isupper() or word[0].isdigit() for word in content.split(" "))
    starts = [i for i in range(len(TITLE), len(document)) if document.startswith(content, i)]
    assert any(
        document[i - 1] == " " and not document[i + len(content) : i + len(content) + 1].isalnum() for i in starts
    )
    assert prefix.startswith(TITLE)


def test_objectives_are_drawn_by_their_weights():
    """With weights 1, 2 and 0 a third of the strings come from span corruption and two thirds from salient."""
    document = TITLE + "born in London"
    random = Random(41)
    config = CorruptionConfig(span=1.0, salient=2.0, name_only=1.0)
    drawn = [corrupt(document, 97, config, random).text for _ in range(3000)]
    n_salient = drawn.count(masked_string(TITLE, "London", ""))
    assert n_salient / 3000 == pytest.approx(2 / 3, abs=0.03)


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (-1.0, 2.0, 2.0), (1.0, 0.0, -0.5)])
def test_weights_without_a_choice_are_refused(weights: tuple[float, float, float]):
    """No weight may be below zero, and one must be above."""
    with pytest.raises(RecipeError, match="corruption: weights"):
        CorruptionConfig(*weights)


# Reader-guided masking

BORN = TITLE + "She was born in London and died in Marylebone at 36."
LONDON = (BORN.index("London"), BORN.index("London") + len("London"))
GUIDED = CorruptionConfig(span=0.0, guided=1.0)


def test_guided_masks_the_tagged_span():
    """Whatever is kept of the context, that span is masked, and the title stays in front."""
    random = Random(47)
    drawn = [corrupt(BORN, 97, GUIDED, random, tagged=(LONDON,)).text for _ in range(500)]
    assert {parts(masked)[2] for masked in drawn} == {"London"}
    assert all(masked.startswith(TITLE) for masked in drawn)
    n_kept = {len(masked) - len(TITLE + "London") - 3 for masked in drawn}
    assert n_kept == set(range(len(BORN) - len(TITLE + "London") + 1))
    for masked in drawn:
        prefix, suffix, content = parts(masked)
        assert prefix.removeprefix(TITLE) + content + suffix in BORN.removeprefix(TITLE)


def test_a_tagged_span_may_be_one_without_capitals():
    """The tagged span need not look like a name."""
    span = (BORN.index("born"), BORN.index("born") + len("born in"))
    assert parts(corrupt(BORN, 97, GUIDED, Random(3), tagged=(span,)).text)[2] == "born in"


def test_guided_without_a_tagged_span_is_salient():
    """Where a document has no tagged span, guided draws what salient draws, to the character."""
    salient = CorruptionConfig(span=0.0, salient=1.0)
    drawn = [corrupt(BORN, 97, GUIDED, Random(seed)).text for seed in range(200)]
    assert drawn == [corrupt(BORN, 97, salient, Random(seed)).text for seed in range(200)]
    assert {parts(masked)[2] for masked in drawn} == {"She", "London", "Marylebone", "36"}


def test_only_guided_uses_the_tagged_span():
    """The other objectives draw the same strings with and without it."""
    for config in (CorruptionConfig(), CorruptionConfig(0.0, 1.0), CorruptionConfig(0.0, 1.0, name_only=0.5)):
        for seed in range(50):
            plain = corrupt(BORN, 97, config, Random(seed))
            assert corrupt(BORN, 97, config, Random(seed), tagged=(LONDON,)) == plain


def test_a_tagged_span_that_does_not_fit_is_passed_over():
    """A span too long for the block gives way to one that fits, as in salient; without any, to span corruption."""
    document = TITLE + "She met " + "Lady " * 7 + "once in Bath."
    span = (document.index("Lady"), document.index(" once"))
    drawn = {parts(corrupt(document, 37, GUIDED, Random(seed), tagged=(span,)).text)[2] for seed in range(50)}
    assert drawn == {"She", "Bath"}
    document = TITLE + "she met " + "lady " * 7
    span = (document.index("lady"), len(document) - 1)
    assert corrupt(document, 37, GUIDED, Random(5), tagged=(span,)).text.count(MASK) == 3


@given(st.one_of(documents, worded.map(" ".join).filter(bool)), st.integers(9, 61), seeds, st.data())
def test_guided_fits_the_block(document: str, block_size: int, seed: int, data: st.DataObject):
    """Whatever the document and its tagged span, the masked string fits, and a span that fits is masked."""
    start = data.draw(st.integers(min(title_length(document), len(document) - 1), len(document) - 1))
    end = data.draw(st.integers(start + 1, len(document)))
    masked = corrupt(document, block_size, GUIDED, Random(seed), tagged=((start, end),)).text
    assert len(masked) <= block_size
    fits = title_length(document) + end - start + 3 <= block_size
    assert parts(masked)[2] == document[start:end] or not fits


@pytest.mark.parametrize("config", [CorruptionConfig(0.0, salient=1.0), GUIDED])
def test_name_only_leaves_nothing_but_the_title(config: CorruptionConfig):
    """At 1 no draw has context; at 0.3 three of ten have none, and those of the others that dropped all of it."""
    name_only = masked_string(TITLE, "London", "")
    always = CorruptionConfig(config.span, salient=config.salient, guided=config.guided, name_only=1.0)
    for seed in range(50):
        prefix, suffix, _ = parts(corrupt(BORN, 97, always, Random(seed), tagged=(LONDON,)).text)
        assert (prefix, suffix) == (TITLE, "")
    some = CorruptionConfig(config.span, salient=config.salient, guided=config.guided, name_only=0.3)
    document, random = TITLE + "born in London", Random(53)
    span = (len(document) - 6, len(document))
    n_name_only = sum(corrupt(document, 97, some, random, tagged=(span,)).text == name_only for _ in range(5000))
    # One in nine of the other draws keeps none of the eight characters before the span.
    assert n_name_only / 5000 == pytest.approx(0.3 + 0.7 / 9, abs=0.02)


@pytest.mark.parametrize("objective", ["salient", "guided"])
def test_short_context_keeps_up_to_24_characters(objective: str):
    """At 1, and without name_only, every draw keeps from 0 to 24 characters of context, and each number occurs."""
    document = f"{TITLE} " + "Born in London. ".rjust(80, "x") + "y" * 80
    start = document.index("London")
    config = CorruptionConfig(**{"span": 0.0, objective: 1.0}, short_context=1.0)
    lengths = set()
    for seed in range(500):
        prefix, suffix, _ = parts(corrupt(document, 250, config, Random(seed), tagged=((start, start + 6),)).text)
        lengths.add(len(prefix) - len(TITLE) + len(suffix))
    assert lengths == set(range(25))


def test_short_context_is_a_share_of_the_draws_with_context():
    """With name_only 0.7, a short context of 0.5 is half of the other draws: 15 in 100 keep from 1 to 24 characters."""
    document = f"{TITLE} " + "Born in London. ".rjust(900, "x") + "y" * 900
    start = document.index("London")
    config = CorruptionConfig(span=0.0, guided=1.0, name_only=0.7, short_context=0.5)
    random, counts = Random(5), [0, 0, 0]
    for _ in range(3000):
        prefix, suffix, _ = parts(corrupt(document, 1997, config, random, tagged=((start, start + 6),)).text)
        n = len(prefix) - len(TITLE) + len(suffix)
        counts[0 if n == 0 else 1 if n <= 24 else 2] += 1
    # One in 25 of the short contexts is empty; the long ones are seldom that short.
    expected = (0.7 + 0.15 / 25, 0.15 * 24 / 25, 0.15)
    assert [count / 3000 for count in counts] == pytest.approx(expected, abs=0.02)


ASKED = CorruptionConfig(0.0, guided=1.0, name_only=1.0, question_form=0.5, supervised="content")
OTHER = "Charles Babbage. He was born in Walworth."


def test_in_question_form_the_name_stands_among_words_of_another_document():
    """Half of the draws are words, name, words, MASK, content, MASK; the words and their MASK are not predicted."""
    london = ADA.index("London"), ADA.index("London") + len("London")
    lengths = Counter[int](), Counter[int]()
    for seed in range(2000):
        drawn = corrupt(ADA, 131, ASKED, Random(seed), [london], OTHER)
        if drawn.text.count(MASK) == 3:
            assert drawn == Masked(f"{TITLE}{MASK}{MASK}London{MASK}", len(TITLE) + 1)
            continue
        context = drawn.text[: drawn.n_context]
        assert drawn.text[drawn.n_context :] == f"London{MASK}"
        before, after = context.removesuffix(MASK).split("Ada Byron")
        before, after = before.removesuffix(" "), after.removeprefix(" ")
        assert before in OTHER
        assert after in OTHER
        lengths[0][len(before)] += 1
        lengths[1][len(after)] += 1
    assert set(lengths[0]) == set(range(17))
    assert set(lengths[1]) == set(range(11))
    assert 900 < lengths[0].total() < 1100


@given(st.one_of(documents, worded.map(" ".join).filter(bool)), st.integers(9, 61), seeds, documents, st.data())
def test_question_form_fits_the_block(document: str, block_size: int, seed: int, other: str, data: st.DataObject):
    """Whatever the documents, the masked string fits, and it ends with content between two MASKs."""
    assume(title_length(document) < len(document))
    start = data.draw(st.integers(title_length(document), len(document) - 1))
    tagged = [(start, data.draw(st.integers(start + 1, len(document))))]
    drawn = corrupt(document, block_size, ASKED, Random(seed), tagged, other)
    assert len(drawn.text) <= block_size
    assert drawn.text.count(MASK) in (2, 3)
    assert drawn.text.endswith(MASK)


def test_question_form_is_left_out_where_its_longest_would_not_fit():
    """It is drawn in a block that the longest words fit in, and in none that is one character shorter."""
    london = ADA.index("London"), ADA.index("London") + len("London")
    longest = len(f"{TITLE}{MASK}{MASK}London{MASK}") + 16 + 10
    for block_size, n_masks in ((longest, {3}), (longest + 1, {2, 3})):
        drawn = [corrupt(ADA, block_size, ASKED, Random(seed), [london], OTHER).text for seed in range(100)]
        assert max(map(len, drawn)) <= block_size
        assert {text.count(MASK) for text in drawn} == n_masks


def test_only_an_answer_is_masked_in_question_form():
    """What no reader tagged, any other name or number of a document, answers no question."""
    for seed in range(50):
        assert corrupt(ADA, 131, ASKED, Random(seed), other=OTHER).text.count(MASK) == 3


def test_without_question_form_no_draw_changes():
    """A share of 0 draws nothing, whatever the other document."""
    config = replace(ASKED, question_form=0.0)
    for seed in range(50):
        one, other = Random(seed), Random(seed)
        assert corrupt(ADA, 131, config, one, [(30, 36)], OTHER) == corrupt(ADA, 131, config, other, [(30, 36)])
        assert one.getstate() == other.getstate()


def test_a_mark_follows_the_content_where_only_the_title_is_kept():
    """In both forms; a draw with context shows the answer's surroundings, so that nothing is to be recalled."""
    span = ADA.index("London"), ADA.index("London") + len("London")
    config = replace(ASKED, name_only=0.5)
    n_marked = n_plain = 0
    for seed in range(200):
        plain = corrupt(ADA, 131, config, Random(seed), [span], OTHER)
        marked = corrupt(ADA, 131, config, Random(seed), [span], OTHER, {span: "!"})
        # The draw without context has no context in the other form either.
        alone = corrupt(ADA, 131, replace(config, question_form=0.0), Random(seed), [span], OTHER)
        if alone.text == f"{TITLE}{MASK}{MASK}London{MASK}" and marked != plain:
            n_marked += 1
            assert marked == replace(plain, text=f"{plain.text[:-1]}!{MASK}")
        else:
            n_plain += 1
            assert marked == plain
    assert 60 < n_marked < 140


def test_a_mark_that_does_not_fit_is_left_out():
    """The masked string stays as it would be without one."""
    span = ADA.index("London"), ADA.index("London") + len("London")
    config = replace(ASKED, name_only=1.0, question_form=0.0)
    longest = len(f"{TITLE}{MASK}{MASK}London{MASK}")
    for block_size, end in ((longest, ""), (longest + 1, "!")):
        text = corrupt(ADA, block_size, config, Random(0), [span], OTHER, {span: "!"}).text
        assert text.endswith(f"London{end}{MASK}")


@pytest.mark.parametrize("name", ["name_only", "short_context", "question_form"])
@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_its_range_is_refused(name: str, share: float):
    """A share of draws is from 0 to 1."""
    with pytest.raises(RecipeError, match=rf"corruption\.{name}: from 0 to 1 is needed"):
        CorruptionConfig(**{name: share})


@pytest.mark.parametrize("objective", ["salient", "guided"])
def test_supervised_content_leaves_the_text_out_of_the_loss(objective: str):
    """All before the second MASK is context: only MASK, masked content and MASK are predicted."""
    config = CorruptionConfig(**{"span": 0.0, objective: 1.0}, supervised="content")
    for seed in range(50):
        masked = corrupt(BORN, 97, config, Random(seed), tagged=(LONDON,))
        content = parts(masked.text)[2]
        assert masked.text[masked.n_context :] == f"{MASK}{content}{MASK}"
        everything = CorruptionConfig(**{"span": 0.0, objective: 1.0})
        assert corrupt(BORN, 97, everything, Random(seed), tagged=(LONDON,)) == Masked(masked.text, 1)


def test_span_corruption_supervises_every_character():
    """A random span says little about a document, so the rest of it is predicted under `content` too."""
    assert corrupt(BORN, 97, CorruptionConfig(supervised="content"), Random(3)).n_context == 1


# Several tagged spans

MARYLEBONE = (BORN.index("Marylebone"), BORN.index("Marylebone") + len("Marylebone"))


def test_several_tagged_spans_are_masked_equally_often():
    """Where two questions are asked about a document, half of the draws mask the answer to each."""
    random = Random(59)
    drawn = [parts(corrupt(BORN, 97, GUIDED, random, tagged=(LONDON, MARYLEBONE)).text)[2] for _ in range(3000)]
    assert set(drawn) == {"London", "Marylebone"}
    assert drawn.count("London") / 3000 == pytest.approx(1 / 2, abs=0.03)


def test_a_single_tagged_span_takes_no_random_draw():
    """The golden strings of a document with one tagged span: choosing it draws nothing from the generator."""
    drawn = [corrupt(BORN, 97, GUIDED, Random(seed), tagged=(LONDON,)).text for seed in range(3)]
    assert drawn == [
        f"Ada Byron.  {MASK} and died in Marylebone a{MASK}London{MASK}",
        f"Ada Byron. n {MASK} a{MASK}London{MASK}",
        f"Ada Byron. {MASK} an{MASK}London{MASK}",
    ]

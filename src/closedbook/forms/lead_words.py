"""Words that tell where the name at a paragraph's beginning ends, in the languages that have them."""

import re

BE = (
    ("is", "are", "was", "were", "refers to", "means"),
    ("ist", "sind", "war", "waren", "bezeichnet"),
    ("est", "sont", "était", "étaient", "désigne", "fut"),
    ("es", "fue", "era", "fueron"),
    ("é", "são", "foi"),
    ("è", "sono", "fu"),
    ("är", "var", "er", "zijn", "jest", "był", "była", "było", "je", "byl", "byla"),
    ("это", "является", "был", "была", "было", "были", "є", "був", "була"),
    ("είναι", "ήταν", "υπήρξε"),
    ("هو", "هي", "هم", "كان", "كانت", "است", "بود"),
    ("הוא", "היא", "הם", "הן", "היה", "הייתה", "היו"),
    ("एक",),
)
"""Verbs and pronouns between a name and what it is, a language each; the first language that has one counts."""


def words_of(*lines: str) -> frozenset[str]:
    """The words of lines with blanks between them."""
    return frozenset(" ".join(lines).split())


POSTPOSITIONS = words_of("का की के में ने को से पर एक है था थी थे हैं")
"""Words of Hindi after a noun, or at the end of a sentence."""

ARTICLES = words_of("the a an der die das ein eine ο η το οι τα")
"""Articles that are no part of a title."""

ARTICLES_BEFORE_SMALL = words_of("le la les un une el los las una o os as um uma il lo gli i uno de het een en ett et")
"""Articles that are part of a name before a capital letter: La Paz, El Greco."""

CONNECTORS = words_of(
    "of the and in on for to at upon de del della di da do dos das du des la le les el al",
    "von van der den und zu am an y e et ibn bin af av och og и на в за του της και των",
)
"""Small words within a name."""

PRONOUNS = words_of(
    "it its he his she her they their this these er sie es dies diese il elle ils elles él ella ellos ele ela eles",
    "он она оно они его её их этот эта эти αυτός αυτή αυτό הוא היא هو هي وهو وهي هذا هذه यह वह ये वे इसका इसकी इसके",
)
"""Words that stand for the thing before."""

STARTERS = PRONOUNS | words_of(
    "in on at by for from with after before during since until under over between within among through despite",
    "that those we our you your i my there here one two three",
    "when while if as although though because however but and or so then also unlike like once only not no to",
    "some many most all each every both another other such several more today according born what which who",
    "why how where",
    "dieser im am bei nach vor seit mit auch aber ce cette ces dans en au aux pour par avec après",
    "esta este estos tras desde durante pero también con su sus esse essa isto no na nos nas após egli nel nella",
    "это в во на по с со из после до при также но и а для στο στη στην στον από",
    "في على من بعد قبل של זה זו לאחר לפני על גם इस उस उनके",
)
"""Words that begin a sentence which names nothing first."""

OR = re.compile(r"\s(?:or|oder|ou|или|או|أو|या)\s")
"""Between a name and another name for the same."""

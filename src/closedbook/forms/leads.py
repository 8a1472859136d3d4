"""The title of a paragraph without a heading: the name that its first sentence is about, as far as plain rules tell.

'Tin, also called stannum, is ...' is about Tin, '山（やま）とは...' about 山. A name ends at a bracket,
a comma, a dash, a verb such as 'is' or a topic marker; where none follows, capital letters say how long it is.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from closedbook.forms.lead_words import (
    ARTICLES,
    ARTICLES_BEFORE_SMALL,
    BE,
    CONNECTORS,
    OR,
    POSTPOSITIONS,
    PRONOUNS,
    STARTERS,
)

_N_HEAD = 240
"""Characters of a paragraph in which its name is sought."""
_N_SOON = 6
"""Words at a paragraph's beginning among which a pronoun may stand for the thing before."""
_MAX_LENGTH = 80
_MAX_WORDS = 8
_QUOTED = re.compile(r"[『《〈「«“\"](?P<name>[^』》〉」»”\"]{1,80})[』》〉」»”\"]\s*")
_KANA = re.compile(r"[\u3041-\u30ff]")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_THAI = re.compile(r"[\u0e01-\u0e4e]")
_DEVANAGARI = re.compile(r"[\u0900-\u097f]")
_STRESS = re.compile(r"(?<=[\u0400-\u04ff])[\u0300\u0301]|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u064b-\u0652]")


class Lead(NamedTuple):
    """The name at a paragraph's beginning."""

    title: str
    is_definition: bool
    """Whether it is followed by what defines it: a bracket, or a verb such as 'is'."""
    is_headword: bool = False
    """Whether it is written as encyclopedias write the subject of an article: 'Name (...) is', '名（よみ）は'."""


def lead_of(paragraph: str, small_words: Callable[[str], bool]) -> Lead | None:
    """The name that a paragraph begins with; None where it begins with none.

    `small_words` says of a word whether the text has it in small letters too, so that it is no name.
    """
    head = without_stress(paragraph[:_N_HEAD])
    quoted = _QUOTED.match(head)
    if quoted is not None and re.match(r"[（(]|は|とは|是|,|，|—|–|\b\w{1,5}\b", head[quoted.end() :]):
        is_headword = head[quoted.end() :].startswith(("（", "("))
        return Lead(quoted["name"].strip(), True, is_headword)
    lead = _lead_of_script(head, small_words)
    if lead is None or not any(character.isalnum() for character in lead.title):
        return None
    return lead if len(lead.title) <= _MAX_LENGTH else None


def without_stress(text: str) -> str:
    """The text without stress marks on Cyrillic letters and without vowel points, which only entries have."""
    return _STRESS.sub("", text)


def goes_on(paragraph: str) -> bool:
    """Whether a paragraph goes on with the one before: it begins with a pronoun, or has one soon ('In 1990 it ...').

    'Born in Ulm, Ann ...' does not.
    """
    words = [word.lower().strip(",") for word in paragraph[:_N_HEAD].split()[:_N_SOON]]
    if words and (words[0] in PRONOUNS or (words[0] in STARTERS and not PRONOUNS.isdisjoint(words))):
        return True
    return any(starters.match(paragraph) for starters in (_JA_STARTERS, _ZH_STARTERS, _KO_STARTERS))


def _lead_of_script(head: str, small_words: Callable[[str], bool]) -> Lead | None:
    name = re.split(r"[(（]", head[:60], maxsplit=1)[0]
    if _KANA.search(name) or (_HAN.search(name) and _KANA.search(head)):
        return _japanese(head)
    if _HAN.search(name):
        return _chinese(head)
    if _HANGUL.search(name):
        return _korean(head)
    if _THAI.search(name):
        return _thai(head)
    return _words(head, small_words)


_JA_BRACKET = re.compile(r"(?P<name>[^（(、。，,「」]{1,40}?)\s*[（(](?P<inner>[^）)]{0,150})[）)]")
_JA_TOPIC = re.compile(r"(?P<name>[^（(、。，,「」]{1,30}?)(?:とは|は|、)")
_JA_STARTERS = re.compile(r"(?:この|その|これ|それ|ここ|そこ|彼|彼女|また|なお|しかし|一方|例えば|さらに)")
_JA_GLOSS = re.compile(r"[^）]{3}|\s*\Z")
"""What a bracket after a name without Han characters holds in a headword: spelling, dates, or nothing."""


def _japanese(head: str) -> Lead | None:
    if _JA_STARTERS.match(head):
        return None
    bracket = _JA_BRACKET.match(head)
    if bracket is not None and not _is_a_phrase(bracket["name"]):
        after = re.match(r"\s*(とは|は|、|，|または)", head[bracket.end() :])
        if after is not None:
            reading = _KANA if _HAN.search(bracket["name"]) else _JA_GLOSS
            return Lead(bracket["name"].strip(), True, reading.match(bracket["inner"]) is not None)
    topic = _JA_TOPIC.match(head)
    if topic is None or _is_a_phrase(topic["name"]):
        return None
    return Lead(topic["name"].strip(), topic[0].endswith("は"))


def _is_a_phrase(name: str) -> bool:
    """Whether Japanese words hold a particle of a clause, which a name seldom does."""
    return re.search(r"[をがにへでも](?![ぁ-ん])|から|まで|され|した|する|って|ては|には|では", name) is not None


_ZH = re.compile(
    r"(?P<name>[^，,（(。；;：:、！？\s]{1,20}?)\s*(?P<end>[，,（(：:、]|是|為|为(?=[一中位世])|位[于於]|[属屬生建][于於]|"
    r"成立|[又亦一原本][名称稱作]|[简簡俗][称稱]|字(?=[^，。]{1,2}，))"
)
_ZH_STARTERS = re.compile(
    r"[他她它這这該该此其]|但是|因此|所以|由於|由于|目前|根據|根据|隨著|随着|為了|为了|"
    r"[在自當当於于從从至][^，]{1,12}[年月日時时中上下後后前来來期代起]，|[一二三四五六七八九十○〇0-9０-９]+[年月世]"
)


def _chinese(head: str) -> Lead | None:
    match = _ZH.match(head)
    if match is None or _ZH_STARTERS.match(head):
        return None
    return Lead(match["name"], match["end"] not in "，,、", match["end"] in ("（", "("))


_KO_BRACKET = re.compile(r"(?P<name>[^(（,.]{1,40}?)\s*[(（][^)）]{0,150}[)）]\s*(?:은|는|이란|란|,|이|가)")
_KO_TOPIC = re.compile(r"(?P<name>(?:\S+ ){0,4}?\S+?)(?:은|는|이란|란) ")
_KO_STARTERS = re.compile(r"(?:이|그|저|또한|하지만|그러나|그는|그녀는|이는|이것은|그것은) ")


def _korean(head: str) -> Lead | None:
    if _KO_STARTERS.match(head):
        return None
    bracket = _KO_BRACKET.match(head)
    if bracket is not None and len(bracket["name"].split()) <= 5:
        return Lead(bracket["name"].strip(), True, True)
    topic = _KO_TOPIC.match(head)
    return None if topic is None or re.search(r"[,.(]", topic["name"]) else Lead(topic["name"].strip(), True)


_TH = re.compile(r"(?P<name>[^(.,]{1,60}?)\s*(?P<end>\(|คือ|เป็น|หมายถึง|ได้แก่)")


def _thai(head: str) -> Lead | None:
    match = _TH.match(head)
    if match is not None and len(match["name"].split()) <= 3:
        return Lead(match["name"].strip(), True, match["end"] == "(")
    first = head.split(" ", 1)[0]
    return Lead(first, False) if 0 < len(first) <= 30 and " " in head else None


_ABBREVIATED = r"(?<!\b[^\W\d_a-z])(?<!\bDr)(?<!\bSt)(?<!\bJr)(?<!\bSr)(?<!\bMr)(?<!\bMrs)"
_NOT_SMALL = r"[^\W_a-zа-яα-ω]"
"""What follows the end of a sentence; 'Corp. is' and 'Yahoo! is' go on."""
_CUT = re.compile(
    rf"\s*[(\[（]|\s/|\s?[,،;](?:\s|$)|\s[—–-]+\s|—|{_ABBREVIATED}\.(?=\s+{_NOT_SMALL}|\s*$)|[!?।؟۔](?=\s+{_NOT_SMALL}|\s*$)|$"
)
_SENTENCE_ENDS = tuple(".!?।؟۔")
_VERBS = [re.compile(rf"\s(?:{'|'.join(words)})(?=\s)") for words in BE]


def _words(head: str, small_words: Callable[[str], bool]) -> Lead | None:
    """The name in a script with blanks between words."""
    cut = _CUT.search(head)
    assert cut is not None, "its last alternative is the end"
    verb = next((found for verbs in _VERBS if (found := verbs.search(head, 0, cut.start() + 1))), None)
    name = head[: cut.start() if verb is None else verb.start()]
    sign = cut[0].strip() if verb is None else ""
    words = _without_article(OR.split(name, maxsplit=1)[0].split())
    colon = next((i for i, word in enumerate(words) if word.endswith(":")), None)
    if colon is not None and not (verb is not None and all(map(_is_of_name, words))):
        words, sign = [*words[:colon], words[colon].rstrip(":")], ":"
    if not words or words[0].lower() in STARTERS:
        return None
    if _DEVANAGARI.match(head):
        return _before_postposition(head[: cut.start()].split())
    return _named(words, sign, verb is not None or (_has_verb(head) and sign == ","), small_words)


def _has_verb(head: str) -> bool:
    return any(verbs.search(head) for verbs in _VERBS)


def _named(words: list[str], sign: str, is_before_verb: bool, small_words: Callable[[str], bool]) -> Lead | None:
    """The name in the words before a verb or a sign."""
    is_bracket = sign in ("(", "[", "（", "/")
    is_definition = is_before_verb or is_bracket or (bool(sign) and set(sign) <= set("—–-"))
    ends = sign in ("", *_SENTENCE_ENDS) and not is_before_verb
    if ends and not any(map(str.isupper, words[0])):
        return None  # Without capital letters, nothing shows where in the sentence a name would end.
    if len(words) <= (3 if ends else _MAX_WORDS) and all(map(_is_of_name, words)):
        return Lead(" ".join(words), is_definition, is_bracket)
    if is_definition and len(words) <= 4:
        title = " ".join(words)
        return Lead(title if any(map(str.isupper, words[0])) else title[:1].upper() + title[1:], True)
    run = words[: next((i for i, word in enumerate(words) if not _is_of_name(word)), len(words))]
    while run and run[-1].lower() in CONNECTORS:
        run.pop()
    if not run or len(run) > _MAX_WORDS or (len(run) == 1 and (not run[0][0].isupper() or small_words(run[0].lower()))):
        return None
    return Lead(" ".join(run), False)


def _without_article(words: list[str]) -> list[str]:
    if len(words) > 1:
        first = words[0].lower()
        if first in ARTICLES or (first in ARTICLES_BEFORE_SMALL and words[1][:1].islower()):
            return words[1:]
        if words[0].lower().startswith(("l'", "l’")) and words[0][2:3].islower():
            return [words[0][2:], *words[1:]]
    return words


def _before_postposition(words: list[str]) -> Lead | None:
    """The name in Hindi: before the verb 'is' stands what the name belongs to, whose postposition shows its end."""
    at = next((i for i, word in enumerate(words) if word in POSTPOSITIONS), None)
    if at is None or at > _MAX_WORDS:
        return Lead(" ".join(words[:_MAX_WORDS]), False) if len(words) <= 4 else None
    name = words[:at] if at == 1 or words[at] == "एक" else words[: at - 1]
    return Lead(" ".join(name), True) if name else None


def _is_of_name(word: str) -> bool:
    """Whether a word can be part of a name: a capital letter, a number, a script without capitals, or 'of', 'von'."""
    letters = [character for character in word if character.isalpha()]
    return not letters or not letters[0].islower() or word.lower() in CONNECTORS or any(c.isdigit() for c in word)

"""A document's title: the name that it begins with, up to the sign that ends it."""

import re
from typing import NamedTuple

MAX_TITLE = 120
"""The longest title, in characters."""

_N_READ = 2000
"""How many characters after an initial are searched for the name."""
_SIGN = re.compile(
    r"\t"
    r"|(?P<stop>\.) "
    r"|[。．｡।።۔؟：] ?"  # full stops of other scripts, which need no blank; the Arabic question mark; a wide colon
    r"|: "
)
_INITIAL = re.compile(r"(?:\A|.*[\s.]|.*\.-)[^\W\d_]", re.DOTALL)
_ABBREVIATION = re.compile(r"(?:\A|.*\W)(?:Dr|St|Jr|Sr|Mr)", re.DOTALL)


class Title(NamedTuple):
    """A document's name, and how many characters it takes with the sign and the blank that end it."""

    name: str
    length: int


NO_TITLE = Title("", 0)


def title_of(document: str) -> Title:
    """A document's title; NO_TITLE where it has none.

    A tab ends a title whatever stands before it. Else the first full stop or colon does. The full stop of an initial
    ('J. R. Smith') or of an abbreviation before a name ('St. John') does not, unless the rest of the document begins
    with that name ('Malcolm X. Malcolm X left') or uses it alone ('Malcolm X. In 1952 Malcolm X left').
    """
    head = document[: MAX_TITLE + 2]
    name, tab, _ = head.partition("\t")
    if tab and name.strip():
        return Title(name, len(name) + 1)
    for sign in _SIGN.finditer(head):
        name = head[: sign.start()]
        if not name.strip() or len(name) > MAX_TITLE:
            continue
        if not sign["stop"] or not _goes_on(name) or _is_name(name, document[sign.end() : sign.end() + _N_READ]):
            return Title(name, sign.end())
    return NO_TITLE


def title_length(document: str) -> int:
    """The length of a document's title with what ends it, in characters; 0 where there is none."""
    return title_of(document).length


def _goes_on(name: str) -> bool:
    """Whether a name that ends like this goes on after a full stop: its last word is an initial or an abbreviation."""
    return (name[-1].isupper() and _INITIAL.fullmatch(name) is not None) or _ABBREVIATION.fullmatch(name) is not None


def _is_name(name: str, rest: str) -> bool:
    """Whether `rest` begins with the name, or has it without the word that `rest` begins with."""
    several = " " in name
    if re.match(rf"{re.escape(name)}(?!\w{'' if several else '|[.]'})", rest):
        return True
    following = re.match(r"\w+", rest)
    if not several or following is None:
        return False
    return re.search(rf"(?<!\w){re.escape(name)}(?![\w.])(?!\W+{following.group()}\b)", rest) is not None

"""Where the title of a document ends: the name that it begins with, up to a full stop."""

import re

_TITLE_END = re.compile(r"(?<!\b[^\W\d_a-z])(?<!\bDr)(?<!\bSt)(?<!\bJr)(?<!\bSr)(?<!\bMr)\. ")
_INITIAL_END = re.compile(r"(?<=\b[^\W\d_a-z])\. ")


def title_length(document: str) -> int:
    """Where a document's title ends, its full stop and blank included; 0 where there is no title.

    The full stop of an initial ('J. R. Smith') or of an abbreviation before a name ('St. John') does not end it,
    unless the initial ends the name that the rest uses ('Malcolm X. In 1952 Malcolm X left').
    """
    match = _TITLE_END.search(document)
    end = match.end() if match else 0
    for initial in _INITIAL_END.finditer(document, 0, end or len(document)):
        if _stands_alone(document[: initial.start()], document[initial.end() :]):
            return initial.end()
    return end


def _stands_alone(name: str, rest: str) -> bool:
    """Whether a name of several words that ends in an initial recurs in what follows it, going on otherwise there."""
    following = re.match(r"\w+", rest)
    if " " not in name or following is None:
        return False
    return re.search(rf"(?<!\w){re.escape(name)}(?![\w.])(?!\W+{following.group()}\b)", rest) is not None

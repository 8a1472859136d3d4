"""A document's title: the name that it begins with, up to a full stop."""

import re

_TITLE_END = re.compile(r"(?<!\b[^\W\d_a-z])(?<!\bDr)(?<!\bSt)(?<!\bJr)(?<!\bSr)(?<!\bMr)\. ")
_INITIAL_END = re.compile(r"(?<=\b[^\W\d_a-z])\. ")


def title_length(document: str) -> int:
    """The length of a document's title with its full stop and space, in characters; 0 where there is no title.

    The full stop of an initial ('J. R. Smith') or of an abbreviation before a name ('St. John') does not end a title,
    unless the rest of the document uses the name up to that initial ('Malcolm X. In 1952 Malcolm X left').
    """
    match = _TITLE_END.search(document)
    end = match.end() if match else 0
    for initial in _INITIAL_END.finditer(document, 0, end or len(document)):
        if _is_used_alone(document[: initial.start()], document[initial.end() :]):
            return initial.end()
    return end


def _is_used_alone(name: str, rest: str) -> bool:
    """Whether `rest` has a name of several words, but does not continue it with the word that `rest` begins with."""
    following = re.match(r"\w+", rest)
    if " " not in name or following is None:
        return False
    return re.search(rf"(?<!\w){re.escape(name)}(?![\w.])(?!\W+{following.group()}\b)", rest) is not None

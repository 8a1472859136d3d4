"""A text of paragraphs without headings: each is a document, titled by the name that it begins with."""

import re
from collections.abc import Sequence

from closedbook.forms.book import Form, Passage, counted
from closedbook.forms.leads import Lead, goes_on, lead_of
from closedbook.forms.lines import paragraphs_of

_SMALL_WORD = re.compile(r"(?<!\w)[^\W\d_]+")
_MOST = 0.6
"""Share of paragraphs that must begin with a name of their own for the text to be one paragraph a thing."""
_MOST_DEFINED = 0.4
"""Share of paragraphs that must define what they name; a report names somebody at many paragraphs' beginnings."""
_NEARLY_ALL = 0.9
"""Share from which a paragraph without a name is a thing of its own, not the going on of the one before."""
_MIN_DISTINCT = 0.6
"""Share of these names that must differ: a biography names one person at each paragraph's beginning."""
_N_NEAR = 5
"""Paragraphs before and after in which an article's name is counted."""
_N_ABOUT = 4
"""Of the paragraphs after, how many must have the name for it to be an article's."""
_MIN_ARTICLES = 0.01
"""Share of paragraphs that must begin an article, where most begin with no name; a novel has fewer by chance."""


def form_of_paragraphs(text: str) -> tuple[Form, bool]:
    """The paragraphs of a text with the titles that plain rules find, and whether nearly all define a thing each."""
    lines, paragraphs = zip(*paragraphs_of(text), strict=True) if text.strip() else ((), ())
    leads = _leads(paragraphs)
    titles = _titles(leads, paragraphs)
    passages = tuple(map(Passage, titles, paragraphs, lines))
    name = f"{counted(len(passages), 'paragraph')}, {_how_many(sum(map(bool, titles)), len(titles))}"
    return Form(name, passages, has_marked_titles=False), _are_definitions(leads)


def _how_many(n_titled: int, n: int) -> str:
    if n_titled == n:
        return "each titled by the name that it begins with or goes on with"
    return f"{n_titled:,} of them titled by names that they begin with or go on with" if n_titled else "without titles"


def titles_of_definitions(paragraphs: Sequence[str]) -> list[str] | None:
    """The titles of paragraphs that nearly all define a thing of their own; None where they do not."""
    leads = _leads(paragraphs)
    return [lead.title if lead is not None else "" for lead in leads] if _are_definitions(leads) else None


def _are_definitions(leads: Sequence[Lead | None]) -> bool:
    defined = [lead.title for lead in leads if lead is not None and lead.is_definition]
    return len(defined) >= _NEARLY_ALL * len(leads) and len(set(defined)) >= _NEARLY_ALL * len(defined)


def _leads(paragraphs: Sequence[str]) -> list[Lead | None]:
    small = {word for paragraph in paragraphs for word in _SMALL_WORD.findall(paragraph) if word[0].islower()}
    return [lead_of(paragraph, small.__contains__) for paragraph in paragraphs]


def _titles(leads: Sequence[Lead | None], paragraphs: Sequence[str]) -> list[str]:
    """The title of each paragraph, '' for none.

    Where most paragraphs begin with a name of their own, it is their title. Where few do, as in articles of several
    paragraphs, those that begin as encyclopedias' articles do start a new one. Others go on with the title before,
    where they say so by a pronoun or the title, or where few have a name.
    """
    found = [lead for lead in leads if lead is not None]
    is_distinct = len({lead.title for lead in found}) >= _MIN_DISTINCT * len(found)
    if is_distinct and len(found) >= _NEARLY_ALL * len(leads):
        return [lead.title if lead is not None else "" for lead in leads]
    n_defined = sum(lead.is_definition for lead in found)
    is_one_each = is_distinct and len(found) >= _MOST * len(leads) and n_defined >= _MOST_DEFINED * len(leads)
    begins = [
        lead is not None and (is_one_each or _begins_an_article(lead, index, paragraphs))
        for index, lead in enumerate(leads)
    ]
    if sum(begins) < max(2, _MIN_ARTICLES * len(leads)):
        return [""] * len(leads)
    titles, title = [], ""
    for lead, paragraph, begins_one in zip(leads, paragraphs, begins, strict=True):
        if lead is not None and begins_one:
            title = lead.title
        elif is_one_each and not (title in paragraph or goes_on(paragraph)):
            title = ""
        titles.append(title)
    return titles


def _begins_an_article(lead: Lead, index: int, paragraphs: Sequence[str]) -> bool:
    """Whether a paragraph begins with a headword, or defines what the text after, but not the text before, is about."""
    if lead.is_headword:
        return True
    before, after = paragraphs[max(0, index - _N_NEAR) : index], paragraphs[index + 1 : index + 1 + _N_NEAR]
    return (
        lead.is_definition
        and not any(lead.title in paragraph for paragraph in before)
        and sum(lead.title in paragraph for paragraph in after) >= _N_ABOUT
    )

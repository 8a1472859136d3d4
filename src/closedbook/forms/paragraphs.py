"""A text of paragraphs without headings: each is a document, titled by the name that it begins with."""

import re
from collections.abc import Sequence

from closedbook.forms.book import Form, Passage, counted
from closedbook.forms.leads import Lead, lead_of
from closedbook.forms.lines import Joiner, are_wrapped, blocks_of

_SMALL_WORD = re.compile(r"(?<!\w)[^\W\d_]+")
_MOST = 0.6
"""Share of paragraphs that must begin with a name of their own for the text to be one paragraph a thing."""
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


def paragraphs_of(text: str) -> list[tuple[int, str]]:
    """The paragraphs of a text, each on one line, with the number of its first line.

    They are what empty lines part if lines are wrapped, else the lines.
    """
    blocks = blocks_of(text.split("\n"))
    if not are_wrapped(blocks):
        return [(block.line + i, line.strip()) for block in blocks for i, line in enumerate(block.lines)]
    joiner = Joiner(text)
    return [(block.line, joiner.join(block.lines)) for block in blocks]


def form_of_paragraphs(text: str) -> Form:
    """The paragraphs of a text as passages, with the titles that plain rules find."""
    paragraphs = paragraphs_of(text)
    small = {word for word in _SMALL_WORD.findall(text) if word[0].islower()}
    leads = [lead_of(paragraph, small.__contains__) for _, paragraph in paragraphs]
    titles = _titles(leads, [paragraph for _, paragraph in paragraphs])
    passages = tuple(
        Passage(title, paragraph, line) for title, (line, paragraph) in zip(titles, paragraphs, strict=True)
    )
    n_titled = sum(map(bool, titles))
    found = f"{n_titled:,} of them titled by what they begin with or go on with" if n_titled else "without titles"
    return Form(f"{counted(len(passages), 'paragraph')}, {found}", passages, has_marked_titles=False)


def _titles(leads: Sequence[Lead | None], paragraphs: Sequence[str]) -> list[str]:
    """The title of each paragraph, '' for none.

    Where most paragraphs begin with a name of their own, it is their title. Where few do, as in articles of several
    paragraphs, those that begin as encyclopedias' articles do start a new one. Others go on with the title before,
    unless nearly all have their own.
    """
    found = [lead for lead in leads if lead is not None]
    is_distinct = len({lead.title for lead in found}) >= _MIN_DISTINCT * len(found)
    if is_distinct and len(found) >= _NEARLY_ALL * len(leads):
        return [lead.title if lead is not None else "" for lead in leads]
    is_one_each = is_distinct and len(found) >= _MOST * len(leads)
    n_headwords = sum(lead.is_headword for lead in found)
    if not is_one_each and n_headwords < max(2, _MIN_ARTICLES * len(leads)):
        return [""] * len(leads)
    titles, title = [], ""
    for index, lead in enumerate(leads):
        if lead is not None and (is_one_each or _begins_an_article(lead, index, paragraphs)):
            title = lead.title
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

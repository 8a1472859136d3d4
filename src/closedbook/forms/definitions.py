"""Manual pages and definition lists: terms, each with text that is indented further."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from closedbook.forms.book import Form, Passage, counted
from closedbook.forms.lines import Joiner, as_sentences, blocks_of, ends_a_sentence

_MIN_TERMS = 3
_MAX_TERM = 80
_PAGE_HEADER = re.compile(
    r"(?P<name>\S+\(\w{1,4}\))\s.*\s(?P=name)\s*\Z|\S.*\s{3,}\S.*\s{3,}(?P<last>\S+\(\w{1,4}\))\s*\Z"
)
"""The first or last line of a manual page, as in 'LS(1)   User Commands   LS(1)'."""
_OVERSTRUCK = re.compile(r".\x08")
_SAME_LINE = re.compile(r"(?P<term>\S+(?: \S+)*)(?P<gap> {2,}|\t+)(?P<text>\S.*)\Z")
_LONG_OPTION = re.compile(r"(?<![\w-])--?[A-Za-z0-9][\w.-]+(?<![.-])")
_SHORT_OPTION = re.compile(r"[-+/][^\s,=\[]+")


class _Line(NamedTuple):
    number: int
    indent: int
    text: str


def form_of_definitions(text: str) -> Form | None:
    """The terms of a text as titles of what is indented below them; None where it has fewer than three.

    Where a page has sections at its left edge, their text outside terms is titled by the section.
    """
    lines, n_headers = _lines(text)
    level = _level_of_terms(lines)
    if level is None:
        return None
    joiner = Joiner(text)
    passages: list[Passage] = []
    n_terms = 0
    section, held, index = "", list[_Line](), 0
    while index < len(lines):
        line = lines[index]
        end = _end_of_term(lines, index, level)
        is_section = line.indent < level and _is_short(line.text)
        if end > index or is_section:
            passages += _outside_terms(section, held, joiner)
            held = []
        if end > index:
            passages.append(_term(lines[index:end], joiner))
            n_terms += 1
            index = end
            continue
        if is_section:
            section = line.text
        held.append(line)
        index += 1
    passages += _outside_terms(section, held, joiner)
    notes = (f"{counted(n_headers, 'page header')} left out",) if n_headers else ()
    return Form(f"a manual or definition list with {counted(n_terms, 'term')}", tuple(passages), notes)


def _lines(text: str) -> tuple[list[_Line], int]:
    """The lines with text, tabs as blanks, and how many headers of manual pages were left out."""
    lines, n_headers = [], 0
    for number, raw in enumerate(_OVERSTRUCK.sub("", text).split("\n"), 1):
        line = raw.expandtabs(8).rstrip()
        if not line:
            continue
        if _PAGE_HEADER.match(line):
            n_headers += 1
            continue
        stripped = line.lstrip()
        lines.append(_Line(number, len(line) - len(stripped), stripped))
    return lines, n_headers


def _level_of_terms(lines: Sequence[_Line]) -> int | None:
    """The indent of the terms: the one with the most short lines that text indented further follows at once."""
    counts: Counter[int] = Counter()
    within: Counter[int] = Counter()
    for line, after in zip(lines, [*lines[1:], None], strict=False):
        within[line.indent] += 1
        same = _SAME_LINE.match(line.text)
        has_gap = same is not None and after is not None and after.indent == line.indent + same.start("text")
        follows = after is not None and after.indent >= line.indent + 2 and after.number == line.number + 1
        if has_gap or (follows and _is_short(line.text)):
            counts[line.indent] += 1
    for level, n in counts.most_common():
        n_outside = sum(m for indent, m in within.items() if indent <= level)
        if n >= _MIN_TERMS and 2 * n >= within[level] and 3 * n >= n_outside:
            return level
    return None


def _is_short(text: str) -> bool:
    return len(text) <= _MAX_TERM and not text.endswith((",", ";")) and not (ends_a_sentence(text) and " " in text)


def _end_of_term(lines: Sequence[_Line], index: int, level: int) -> int:
    """Where the text of the term at `index` ends; `index` where there is no term."""
    line = lines[index]
    if line.indent != level:
        return index
    end = index + 1
    # Several terms, one under the other, may share a text.
    while end < len(lines) and lines[end].indent == level and lines[end].number == lines[end - 1].number + 1:
        if not (_is_short(lines[end].text) and _is_short(line.text)) or _SAME_LINE.match(lines[end - 1].text):
            break
        end += 1
    if end > index + 1 and (end == len(lines) or lines[end].indent <= level):
        end = index + 1
    start = end
    while end < len(lines) and lines[end].indent > level:
        end += 1
    same = _SAME_LINE.match(line.text)
    if end == start and (same is None or len(same["gap"]) < 2):
        return index
    return end if same is not None or _is_short(line.text) else index


def _term(lines: Sequence[_Line], joiner: Joiner) -> Passage:
    """A term with its text; the term itself comes first where the title is only a part of it."""
    level = lines[0].indent
    n_terms = next((i for i, line in enumerate(lines) if line.indent > level), len(lines))
    terms = [line.text for line in lines[:n_terms]]
    body = list(lines[n_terms:])
    same = _SAME_LINE.match(terms[-1])
    if same is not None:
        terms[-1] = same["term"]
        body.insert(0, _Line(lines[n_terms - 1].number, level + 1, same["text"]))
    title = title_of_term(terms[0])
    pieces = [", ".join(terms)] if [title] != terms else []
    return Passage(title, as_sentences([*pieces, *_paragraphs(body, joiner)]), lines[0].number)


def title_of_term(term: str) -> str:
    """What a term is called: of an option its long name without a value, else the term."""
    term = term.strip().rstrip(":").replace("[no-]", "")
    if term.startswith(("-", "+")):
        long = [name for name in _LONG_OPTION.findall(term) if name.startswith("--")] or _LONG_OPTION.findall(term)
        short = _SHORT_OPTION.match(term)
        return long[0] if long else short[0] if short else term
    return term


def _outside_terms(section: str, lines: Sequence[_Line], joiner: Joiner) -> list[Passage]:
    """What stands in a section outside terms, titled by the section."""
    body = lines[1:] if section and lines and lines[0].text == section else lines
    if not body:
        return [] if not lines or not section else [Passage(section, "", lines[0].number)]
    return [Passage(section, as_sentences(_paragraphs(body, joiner)), lines[0].number)]


def _paragraphs(lines: Sequence[_Line], joiner: Joiner) -> list[str]:
    """The paragraphs of lines whose numbers tell where lines are empty."""
    if not lines:
        return []
    first = lines[0].number
    spread = [""] * (lines[-1].number - first + 1)
    for line in lines:
        spread[line.number - first] = f"{spread[line.number - first]} {line.text}"
    return [joiner.join(block.lines) for block in blocks_of(spread)]

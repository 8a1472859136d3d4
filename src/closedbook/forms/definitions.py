"""Manual pages and definition lists: terms, each with text that is indented further."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from closedbook.forms.book import Form, Passage, counted
from closedbook.forms.headings import has_markup, without_markup
from closedbook.forms.lines import Joiner, as_sentences, blocks_of, ends_a_sentence

_MIN_TERMS = 3
_MIN_SHARE = 0.3
"""Of the lines at the terms' indent, how many must be terms; the others are text of sections."""
_MIN_SHARE_OF_ALL = 0.2
"""The same of the lines at that indent or further out."""
_RULE = re.compile(r"[-=~*#^_+.]{4,}\Z")
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


class _Layout(NamedTuple):
    """The indents of terms and of their texts."""

    terms: int
    texts: int

    def parts(self, line: _Line) -> re.Match[str] | None:
        """The term and the text of a line that has both, with the text where other terms have theirs."""
        same = _SAME_LINE.match(line.text)
        return same if same is not None and line.indent + same.start("text") == self.texts else None


def form_of_definitions(text: str) -> Form | None:
    """The terms of a text as titles of what is indented below them; None where it has fewer than three.

    Where a page has sections at its left edge, their text outside terms is titled by the section.
    """
    lines, n_headers = _lines(text)
    layout = _layout(lines)
    if layout is None:
        return None
    joiner = Joiner(text)
    passages: list[Passage] = []
    n_terms = 0
    section, held, index = "", list[_Line](), 0
    while index < len(lines):
        line = lines[index]
        end = _end_of_term(lines, index, layout)
        is_section = line.indent < layout.terms and _is_short(line.text)
        if end > index or is_section:
            passages += _outside_terms(section, held, joiner)
            held = []
        if end > index:
            passages.append(_term(lines[index:end], layout, joiner))
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
    is_marked = has_markup(text)
    for number, raw in enumerate(_OVERSTRUCK.sub("", text).split("\n"), 1):
        line = raw.expandtabs(8).rstrip().replace("\N{HYPHEN}", "-")
        stripped = line.lstrip()
        indent = len(line) - len(stripped)
        if is_marked:
            stripped = without_markup(stripped)
        if _PAGE_HEADER.match(line):
            n_headers += 1
        elif stripped and not _RULE.match(stripped):
            lines.append(_Line(number, indent, stripped))
    return lines, n_headers


def _layout(lines: Sequence[_Line]) -> _Layout | None:
    """The indent of the terms is the one with the most short lines that text indented further follows at once.

    Lines in capitals at the left edge are sections, if terms are further in.
    """
    counts, within, capital = Counter[int](), Counter[int](), Counter[int]()
    texts: dict[int, Counter[int]] = defaultdict(Counter)
    for line, after in zip(lines, [*lines[1:], None], strict=False):
        within[line.indent] += 1
        if after is not None and _is_before_text(line, after):
            counts[line.indent] += 1
            capital[line.indent] += line.text.isupper()
            texts[line.indent][after.indent] += 1
    found = [level for level, n in counts.most_common() if n >= _MIN_TERMS and _MIN_SHARE * within[level] <= n]
    inner = [level for level in found if capital[level] < counts[level]]
    for level in inner or found:
        n_outside = sum(m for indent, m in within.items() if indent <= level)
        if _MIN_SHARE_OF_ALL * n_outside <= counts[level]:
            return _Layout(level, texts[level].most_common(1)[0][0])
    return None


def _is_before_text(line: _Line, after: _Line) -> bool:
    """Whether a line is short, and the next one is its text, or goes on with the text that it has after a gap."""
    same = _SAME_LINE.match(line.text)
    has_gap = same is not None and after.indent == line.indent + same.start("text")
    follows = after.indent >= line.indent + 2 and after.number == line.number + 1
    return has_gap or (follows and _is_short(line.text))


def _is_short(text: str) -> bool:
    is_sentence = ends_a_sentence(text) and not text.startswith("-") and not text.endswith(("...", "…"))
    is_name = any(map(str.isalnum, text)) or text.strip(">.`-") == ""
    return len(text) <= _MAX_TERM and is_name and not text.endswith((",", ";", "{", "[", "\\")) and not is_sentence


def _end_of_term(lines: Sequence[_Line], index: int, layout: _Layout) -> int:
    """Where the text of the term at `index` ends; `index` where there is no term."""
    if lines[index].indent != layout.terms:
        return index
    end = index
    # Several terms, one under the other, may share a text.
    while end < len(lines) and lines[end].indent == layout.terms and _is_short(lines[end].text):
        if end > index and (lines[end].number > lines[end - 1].number + 1 or len(lines[end - 1].text.split()) > 4):
            return index
        end += 1
        if layout.parts(lines[end - 1]) is not None:
            break
    has_text = end > index and layout.parts(lines[end - 1]) is not None
    if not has_text and layout.parts(lines[index]) is not None:
        end, has_text = index + 1, True
    start = end
    while end < len(lines) and lines[end].indent > layout.terms:
        end += 1
    return end if start > index and (has_text or end > start) else index


def _term(lines: Sequence[_Line], layout: _Layout, joiner: Joiner) -> Passage:
    """A term with its text; the term itself comes first where the title is only a part of it."""
    n_terms = next((i for i, line in enumerate(lines) if line.indent > layout.terms), len(lines))
    terms = [line.text for line in lines[:n_terms]]
    body = list(lines[n_terms:])
    if (same := layout.parts(lines[n_terms - 1])) is not None:
        terms[-1] = same["term"]
        body.insert(0, lines[n_terms - 1]._replace(text=same["text"]))
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

"""Texts whose headings are underlined, in capitals, or short lines of their own."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from closedbook.forms.lines import BULLET, Joiner, are_wrapped, as_sentences, blocks_of, ends_a_sentence
from closedbook.forms.sections import Section

_UNDERLINE = re.compile(r"([=\-~^\"'`*+#<>:._])\1{2,}\s*\Z")
_MARKED = re.compile(r"(?P<mark>={1,6}|\*{1,6})(?:\s+(?P<a>\S.*?)(?:\s+(?P=mark))?|(?P<b>[^=*\s].*?)(?P=mark))\s*\Z")
_MAX_HEADING = 80
"""Characters of a heading, at most."""
_MIN_HEADINGS = 2
_EXPLICIT = re.compile(r"\s*\.\.(?: |\Z)")
"""Before a comment, a target or a directive."""
_MARKUP = re.compile(r"^\s*\.\. [\w-]+::|:\w+:`", re.MULTILINE)
_ROLE = re.compile(r":[\w:+.-]+:`([^`<]*?)(?:\s*<[^`>]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*(?:<[^`>]*>)?`__?")
_INLINE = re.compile(r"(``|\*\*|\*|`|\|)(?=\S)(.+?)(?<=\S)\1")


class Head(NamedTuple):
    """A heading: the lines on which it and its section's text begin, from 0, its words, and its level."""

    start: int
    body: int
    words: str
    level: int


def underlined_sections(text: str) -> list[Section]:
    """The sections of a text with underlined headings, without the markup of reStructuredText; [] for fewer than two.

    A heading's level is that of its underline: the first kind of the text is the highest.
    """
    lines = text.split("\n")
    heads: list[Head] = []
    levels: dict[str, int] = {}
    for index in range(1, len(lines)):
        rule = _UNDERLINE.match(lines[index])
        if rule is None or not _can_be_underlined(lines, index):
            continue
        has_overline = index > 1 and lines[index - 2].rstrip() == lines[index].rstrip()
        level = levels.setdefault(rule[1] * (1 + has_overline), len(levels) + 1)
        heads.append(Head(index - 1 - has_overline, index + 1, lines[index - 1].strip(), level))
    return _sections(text, heads, without_markup)


def marked_sections(text: str, mark: str = "=") -> list[Section]:
    """The sections of a text with headings as in '== Heading ==' or '== Heading'; [] for fewer than two."""
    heads = []
    for index, line in enumerate(text.split("\n")):
        if line.startswith(mark) and (match := _MARKED.match(line)) is not None:
            heads.append(Head(index, index + 1, match["a"] or match["b"].strip(), len(match["mark"])))
    return _sections(text, heads)


def _can_be_underlined(lines: Sequence[str], index: int) -> bool:
    """Whether the line before `index` is a heading: not too long for its line, and no line of a longer paragraph."""
    heading = lines[index - 1].strip()
    if not heading or _UNDERLINE.match(heading) or len(heading) > _MAX_HEADING or not any(map(str.isalnum, heading)):
        return False
    before = lines[index - 2].strip() if index > 1 else ""
    return 2 * len(lines[index].strip()) >= len(heading) and (not before or _UNDERLINE.match(before) is not None)


def capital_sections(text: str) -> list[Section]:
    """The sections of a text whose headings are lines in capitals; [] for fewer than two."""
    lines = text.split("\n")
    heads = []
    for index, line in enumerate(lines):
        heading = line.strip()
        alone = index == 0 or not lines[index - 1].strip()
        is_heading = heading.isupper() and len(heading) <= _MAX_HEADING and not heading.endswith((".", ",", ";"))
        if alone and is_heading and sum(map(str.isalpha, heading)) >= 2:
            heads.append(Head(index, index + 1, heading, 1))
    sections = _sections(text, heads)
    if 2 * sum(not section.text for section in sections) > len(sections):
        return []  # All of the text is in capitals.
    return [section._replace(heading=_as_written(section)) for section in sections]


def _as_written(section: Section) -> str:
    """A heading in capitals as its section's text writes it, or else as a name."""
    found = re.search(re.escape(section.heading), section.text, re.IGNORECASE)
    words = found[0] if found is not None and section.heading else section.heading.title()
    return words[:1].upper() + words[1:]


def short_line_sections(text: str) -> list[Section]:
    """The sections of a text whose headings are short lines without a full stop, each with longer text after it.

    [] unless nearly every block belongs to one, since a short line can stand in any text.
    """
    blocks = blocks_of(text.split("\n"))
    heads, n_text = [], 0
    after_heading = False
    for block, following in zip(blocks, [*blocks[1:], None], strict=False):
        first, rest = block.lines[0].strip(), block.lines[1:]
        body = rest or (following.lines if following is not None else ())
        is_heading = _is_short(first) and any(map(ends_a_sentence, body)) and len("".join(body)) > len(first)
        if is_heading and not after_heading:
            heads.append(Head(block.line - 1, block.line, first, 1))
            after_heading = not rest
        else:
            n_text += not after_heading
            after_heading = False
    return _sections(text, heads) if len(heads) >= 3 and n_text <= 3 * len(heads) else []


def _is_short(line: str) -> bool:
    return (
        len(line) <= 60
        and len(line.split()) <= 8
        and not ends_a_sentence(line)
        and not line.endswith((",", ";", "，", "、", "；", "-"))
        and any(map(str.isalnum, line))
        and not line[0].islower()
        and BULLET.match(line) is None
    )


def _sections(text: str, heads: Sequence[Head], clean: Callable[[str], str] = str) -> list[Section]:
    """The sections that headings begin, each line made plain by `clean`; [] for fewer than two."""
    if len(heads) < _MIN_HEADINGS:
        return []
    lines = text.split("\n")
    joiner = Joiner(text)
    of_headings = {number for head in heads for number in range(head.start, head.body)}
    wrapped = are_wrapped(blocks_of("" if i in of_headings else line for i, line in enumerate(lines)))
    starts = [head.start for head in heads]
    sections = []
    if any(line.strip() for line in lines[: starts[0]]):
        sections.append(Section("", 1, _prose(map(clean, lines[: starts[0]]), joiner, wrapped), 1))
    for head, end in zip(heads, [*starts[1:], len(lines)], strict=True):
        prose = _prose(map(clean, lines[head.body : end]), joiner, wrapped)
        sections.append(Section(clean(head.words), head.level, prose, head.start + 1))
    return sections


def _prose(lines: Iterable[str], joiner: Joiner, wrapped: bool) -> str:
    """Lines as one text, in which each item of a list ends as a sentence does."""
    pieces: list[str] = []
    for block in blocks_of(lines):
        held: list[str] = []
        for line in block.lines:
            if BULLET.match(line.lstrip()) or not wrapped:
                pieces.append(joiner.join(held))
                held = []
            held.append(BULLET.sub("", line.lstrip(), count=1))
        pieces.append(joiner.join(held))
    return as_sentences(pieces)


def has_markup(text: str) -> bool:
    """Whether a text has directives or roles of reStructuredText."""
    return _MARKUP.search(text) is not None


def without_markup(line: str) -> str:
    """A line of reStructuredText as plain text; '' for a comment, a target, a rule or a directive's name."""
    if _EXPLICIT.match(line):
        return line.partition("::")[2].strip()
    if _UNDERLINE.match(line):
        return ""
    plain = _INLINE.sub(r"\2", _LINK.sub(r"\1", _ROLE.sub(r"\1", line)))
    return re.sub(r"::\s*\Z", ":", plain)

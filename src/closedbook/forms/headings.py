"""Texts whose headings are underlined, in capitals, or short lines of their own."""

import re
from collections.abc import Callable, Sequence

from closedbook.forms.lines import BULLET, Joiner, are_wrapped, as_sentences, blocks_of, ends_a_sentence
from closedbook.forms.sections import Section

_UNDERLINE = re.compile(r"([=\-~^\"'`*+#<>:._])\1{2,}\s*\Z")
_MARKED = re.compile(r"(?P<mark>={1,6}|\*{1,6})(?:\s+(?P<a>\S.*?)(?:\s+(?P=mark))?|(?P<b>[^=*\s].*?)(?P=mark))\s*\Z")
_MAX_HEADING = 80
"""Characters of a heading, at most."""
_MIN_HEADINGS = 2
_DIRECTIVE = re.compile(r"\s*\.\. (?:\S+::|_\S|\[|\|)")
_MARKUP = re.compile(r"^\s*\.\. [\w-]+::|:\w+:`", re.MULTILINE)
_ROLE = re.compile(r":[\w:+.-]+:`([^`<]*?)(?:\s*<[^`>]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*(?:<[^`>]*>)?`__?")
_INLINE = re.compile(r"(``|\*\*|\*|`|\|)(?=\S)(.+?)(?<=\S)\1")


def underlined_sections(text: str) -> list[Section]:
    """The sections of a text with underlined headings, without the markup of reStructuredText; [] for fewer than two.

    A heading's level is that of its underline: the first kind of the text is the highest.
    """
    lines = text.split("\n")
    heads: list[tuple[int, int, str]] = []  # where the heading's lines begin and where its section's text begins
    levels: dict[str, int] = {}
    for index in range(1, len(lines)):
        rule, heading = _UNDERLINE.match(lines[index]), lines[index - 1].strip()
        if rule is None or not _can_be_underlined(lines, index):
            continue
        over = index > 1 and lines[index - 2].rstrip() == lines[index].rstrip()
        levels.setdefault(rule[1] + "o" * over, len(levels) + 1)
        heads.append((index - 1 - over, index + 1, heading))
    if len(heads) < _MIN_HEADINGS:
        return []
    kinds = [lines[body - 1].strip()[0] + "o" * (body - start == 3) for start, body, _ in heads]
    return _sections(text, [(*head, levels[kind]) for head, kind in zip(heads, kinds, strict=True)], without_markup)


def marked_sections(text: str, mark: str = "=") -> list[Section]:
    """The sections of a text with headings as in '== Heading ==' or '== Heading'; [] for fewer than two."""
    heads = []
    for index, line in enumerate(text.split("\n")):
        if line.startswith(mark) and (match := _MARKED.match(line)) is not None:
            heads.append((index, index + 1, match["a"] or match["b"].strip(), len(match["mark"])))
    return _sections(text, heads, None) if len(heads) >= _MIN_HEADINGS else []


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
            heads.append((index, index + 1, heading, 1))
    return _sections(text, heads, None) if len(heads) >= _MIN_HEADINGS else []


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
            heads.append((block.line - 1, block.line, first, 1))
            after_heading = not rest
        else:
            n_text += not after_heading
            after_heading = False
    if len(heads) < 3 or n_text > 3 * len(heads):
        return []
    return _sections(text, heads, None)


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


def _sections(
    text: str, heads: Sequence[tuple[int, int, str, int]], clean: Callable[[str], str] | None
) -> list[Section]:
    """The sections between headings, each given by its first line, its text's first line, its words and its level."""
    lines = text.split("\n")
    joiner = Joiner(text)
    of_headings = {number for start, body, *_ in heads for number in range(start, body)}
    wrapped = are_wrapped(blocks_of("" if i in of_headings else line for i, line in enumerate(lines)))
    bounds = [*(start for start, *_ in heads), len(lines)]
    sections = []
    if any(line.strip() for line in lines[: bounds[0]]):
        sections.append(Section("", 1, _prose(lines[: bounds[0]], joiner, wrapped, clean), 1))
    for (start, body, heading, level), end in zip(heads, bounds[1:], strict=True):
        prose = _prose(lines[body:end], joiner, wrapped, clean)
        sections.append(Section(clean(heading) if clean else heading, level, prose, start + 1))
    return sections


def _prose(lines: Sequence[str], joiner: Joiner, wrapped: bool, clean: Callable[[str], str] | None) -> str:
    """Lines as one text, in which each item of a list ends as a sentence does."""
    if clean is not None:
        lines = list(map(clean, lines))
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
    """A line of reStructuredText as plain text; '' for a comment, a target or a directive's name."""
    if _DIRECTIVE.match(line):
        after = line.partition("::")[2].strip()
        return after
    if _UNDERLINE.match(line):
        return ""
    line = _LINK.sub(r"\1", _ROLE.sub(r"\1", line))
    return _INLINE.sub(r"\2", line).removesuffix("::") if not line.rstrip().endswith("::") else f"{line.rstrip()[:-1]}"

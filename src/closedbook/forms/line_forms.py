"""Texts whose lines have a form of their own: 'Title. text', 'term: text', or blocks of 'name: value'."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from closedbook.errors import TextError
from closedbook.forms.book import Form, Passage, counted
from closedbook.forms.lead_words import BE, CONNECTORS
from closedbook.forms.leads import without_stress
from closedbook.forms.lines import Block, are_wrapped, blocks_of, paragraphs_of
from closedbook.forms.records import Table, form_of_table
from closedbook.text.titles import title_of

_MOST = 0.5
"""Share of the lines that must begin with a title for a text to have one document a line."""
_N_SAMPLE = 2000
"""Lines, spread over the text, that are looked into for titles."""
_MAX_TITLE = 80
_MAX_WORDS = 8
_N_REST = 400
"""Characters after a title in which it may occur again."""
_OTHER_END = re.compile(r"(?P<title>[^\t。．।።؟]{1,80})(?P<end>[。．।።؟]|\t)")
_VERB = re.compile(rf"\s(?:{'|'.join(word for words in BE for word in words)})\s")
_NAMED_BLOCK = re.compile(r"\A\[([^\[\]]+)\]\s*\Z")
_NUMBER = re.compile(r"([0-9]{1,6})[.)] ")
_TERM = re.compile(r"(?P<term>[^\t:：]{1,60}?)(?:\s*[:：]\s+|：|\s+[-–—=]+\s+|\s*—\s*|\t+)(?P<text>\S.*)\Z", re.DOTALL)
_FIELD = re.compile(r"\s*(?P<name>[^\t:：]{1,40}?)\s*[:：=]\s*(?P<value>.*)\Z")


def form_of_lines(text: str) -> Form | None:
    """One document a line, or a paragraph where lines are wrapped; None where less than half begin with a title."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or _are_numbered(lines):
        return None
    sample = lines[:: len(lines) // _N_SAMPLE + 1]
    share = sum(map(begins_with_title, sample)) / len(sample)
    wrapped = _wrapped_form(text, share)
    return wrapped or (unchanged_form(text, has_titles=True) if share >= _MOST else None)


def _wrapped_form(text: str, share_of_lines: float) -> Form | None:
    """Paragraphs that begin with titles, where lines are wrapped; None where they are not."""
    blocks = blocks_of(text.split("\n"))
    if len(blocks) < 2 or not are_wrapped(blocks):
        return None
    paragraphs = paragraphs_of(text)
    n_titled = sum(begins_with_title(paragraph) for _, paragraph in paragraphs)
    if n_titled < _MOST * len(paragraphs) or n_titled <= share_of_lines * len(paragraphs):
        return None
    passages = tuple(_parted(paragraph, line) for line, paragraph in paragraphs)
    return Form(f"{counted(n_titled, 'paragraph')} that begin with a title", passages)


def _parted(paragraph: str, line: int) -> Passage:
    """A paragraph as a passage with the title that it begins with."""
    title = title_of(paragraph).name if begins_with_title(paragraph) else ""
    return Passage(title, paragraph[len(title) + 1 :] if title else paragraph, line)


def _parts(block: Block) -> Iterator[Block]:
    """A block, parted before each line that begins with a hyphen, as records in YAML do."""
    starts = [i for i, line in enumerate(block.lines) if i == 0 or line.startswith("- ")]
    for start, end in pairwise([*starts, len(block.lines)]):
        yield Block(block.line + start, (block.lines[start].removeprefix("- "), *block.lines[start + 1 : end]))


def _are_numbered(lines: Sequence[str]) -> bool:
    """Whether lines are a list, '1. ...', '2. ...', so that the numbers are no titles."""
    numbers = [int(match[1]) for line in lines if (match := _NUMBER.match(line))]
    n_counted = sum(after == before + 1 for before, after in pairwise(numbers))
    return len(numbers) > 2 and n_counted >= 0.9 * (len(lines) - 1)


def unchanged_form(text: str, has_titles: bool = False) -> Form:
    """The lines of a text as documents, as they stand."""
    passages = tuple(Passage("", line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    name = "one document a line" + ", without titles" * (not has_titles)
    return Form(name, passages, is_unchanged=True, has_marked_titles=has_titles)


def begins_with_title(line: str) -> bool:
    """Whether a line begins with a name, a full stop or a tab that ends it, and text after it."""
    head = line[: _MAX_TITLE + _N_REST]
    title = title_of(head).name
    other = _OTHER_END.match(head)
    if other is not None and (not title or len(other["title"]) <= len(title)):
        title = other["title"]
    end, rest = head[len(title) : len(title) + 1], head[len(title) + 1 :]
    if not any(map(str.isalnum, title)) or not rest.strip() or len(title) > _MAX_TITLE:
        return False
    if end == "\t":
        return "\t" not in rest
    if end != ".":
        # A name occurs again in the text about it, a sentence does not. What a colon ends is a glossary's term.
        return end not in ":：" and title in rest and "，" not in title
    words = title.split()
    if len(words) > _MAX_WORDS or _VERB.search(f" {title} "):
        return False
    if len(words) <= 2 or all(not word[0].islower() or word in CONNECTORS for word in words):
        return re.search(r"[,，、;；] ?\S+ \S+ ", title) is None
    return title.casefold() in rest.casefold()


def form_of_glossary(text: str) -> Form | None:
    """Lines or blocks of 'term: text' or 'term - text'; None where less than two thirds are, or terms recur."""
    found = [(line, _TERM.match(without_stress(piece)), piece) for line, piece in paragraphs_of(text)]
    terms = {match["term"].casefold() for _, match, _ in found if match is not None and _is_term(match["term"])}
    if len(terms) < 3 or 3 * len(terms) < 2 * len(found):
        return None
    passages = tuple(
        Passage(match["term"], match["text"], line)
        if match is not None and _is_term(match["term"])
        else Passage("", piece, line)
        for line, match, piece in found
    )
    return Form(f"a glossary with {counted(len(terms), 'term')}", passages, has_marked_titles=False)


def form_of_fields(text: str, path: Path, title_column: str | None) -> Form | None:
    """Blocks of 'name: value' lines, each block a row; None unless at least two blocks share their names."""
    blocks = [part for block in blocks_of(text.split("\n")) for part in _parts(block)]
    rows = []
    for block in blocks:
        fields = [_FIELD.match(_NAMED_BLOCK.sub(r"name: \1", line)) for line in block.lines]
        named = {match["name"]: match["value"].strip() for match in fields if match is not None}
        if len(named) < 2 or len(named) < len(block.lines):
            return None
        rows.append(named)
    counts = Counter(name for row in rows for name in row)
    headers = tuple(counts)
    if len(rows) < 2 or 2 * sum(n > 1 for n in counts.values()) < len(headers) or counts[headers[0]] < len(rows):
        return None
    table = Table(headers, [tuple(row.get(h, "") for h in headers) for row in rows], [block.line for block in blocks])
    try:
        return form_of_table(table, "blocks of 'name: value' lines", path, title_column)
    except TextError:
        return None  # Nothing in them is a name: it may be a dialogue.


def _is_term(term: str) -> bool:
    return (
        len(term.split()) <= 6
        and any(map(str.isalnum, term))
        and not re.search(r"[.!?;,。，] |\b(?:https?|ftp)\Z", term)
    )

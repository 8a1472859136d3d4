"""Markdown as plain text in sections and pieces, parsed by markdown-it-py."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from closedbook.forms.lines import Joiner, as_sentences
from closedbook.forms.sections import Section

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:```|~~~).*?(?:^ {0,3}(?:```|~~~)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_TABLE_RULE = re.compile(r"^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$", re.MULTILINE)
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_JOINER = Joiner("")


class Piece(NamedTuple):
    """A paragraph, an item of a list, code, or a row of a table, as plain text."""

    line: int
    text: str
    name: str = ""
    """The words in bold, code or a link that it begins with."""
    cells: tuple[tuple[str, str], ...] = ()
    """Of a table's row: the headers and their cells."""


class Markdown(NamedTuple):
    """A Markdown text: the title in its front matter ('' for none), its sections, and all of its pieces."""

    title: str
    sections: list[Section]
    pieces: list[Piece]


def n_headings_of(text: str) -> int:
    """How many lines are Markdown headings with '#', code left out."""
    return len(_HEADING.findall(_FENCE.sub("", text)))


def has_table(text: str) -> bool:
    """Whether a line parts the header of a Markdown table from its rows."""
    return _TABLE_RULE.search(text) is not None


def parse_markdown(text: str) -> Markdown:
    """The parts of a Markdown text; markup is taken away, code stays as it is, and rows of tables become sentences."""
    front = _FRONT_MATTER.match(text)
    title = _FRONT_TITLE.search(front[1]) if front else None
    n_skipped = text[: front.end()].count("\n") if front else 0
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text[front.end() :] if front else text)
    sections: list[Section] = []
    pieces: list[Piece] = []
    heading, level, line, first_piece, index = "", 1, 1, 0, 0
    while index < len(tokens):
        end = _closing(tokens, index)
        if tokens[index].type == "heading_open":
            sections.append(_section(heading, level, pieces[first_piece:], line))
            heading, level, first_piece = _plain(tokens[index + 1]), int(tokens[index].tag[1:]), len(pieces)
            line = _line(tokens[index], n_skipped)
        else:
            pieces.extend(_pieces(tokens[index : end + 1], n_skipped))
        index = end + 1
    sections.append(_section(heading, level, pieces[first_piece:], line))
    return Markdown(title[2] if title else "", [s for s in sections if s.heading or s.text], pieces)


def _section(heading: str, level: int, pieces: Sequence[Piece], line: int) -> Section:
    if not heading and pieces:
        line = pieces[0].line
    return Section(heading, level, as_sentences(piece.text for piece in pieces), line)


def _closing(tokens: Sequence[Token], index: int) -> int:
    """The index of the token that closes the one at `index`; itself where nothing has to."""
    depth = 0
    for at in range(index, len(tokens)):
        depth += tokens[at].nesting
        if depth <= 0:
            return at
    return len(tokens) - 1


def _line(token: Token, n_skipped: int) -> int:
    return (token.map[0] if token.map else 0) + 1 + n_skipped


def _pieces(tokens: Sequence[Token], n_skipped: int) -> Iterator[Piece]:
    """The pieces of one block at the top: one each for a paragraph, code, an item of a list, and a row of a table."""
    kind = tokens[0].type
    if kind == "table_open":
        yield from _rows(tokens, n_skipped)
    elif kind in ("bullet_list_open", "ordered_list_open"):
        for index, token in enumerate(tokens):
            if token.type == "list_item_open" and token.level == tokens[0].level + 1:
                yield _piece(tokens[index : _closing(tokens, index) + 1], n_skipped)
    else:
        yield _piece(tokens, n_skipped)


def _piece(tokens: Sequence[Token], n_skipped: int) -> Piece:
    texts = []
    for token in tokens:
        if token.type == "inline":
            texts.append(_plain(token))
        elif token.type in ("fence", "code_block"):
            texts.append(" ".join(token.content.split()))
        elif token.type == "html_block":
            texts.append(" ".join(_TAG.sub(" ", token.content).split()))
    inline = next((token for token in tokens if token.type == "inline"), None)
    return Piece(_line(tokens[0], n_skipped), as_sentences(texts), _name(inline) if inline is not None else "")


def _rows(tokens: Sequence[Token], n_skipped: int) -> Iterator[Piece]:
    """The rows of a table, each as one sentence and as its cells."""
    rows: list[tuple[int, list[str]]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append((_line(token, n_skipped), []))
        elif token.type == "inline":
            rows[-1][1].append(_plain(token))
    header = rows[0][1] if rows else []
    for line, row in rows[1:]:
        cells = tuple(zip(header, row, strict=False))
        yield Piece(line, ", ".join(f"{head}: {cell}" if head else cell for head, cell in cells if cell), "", cells)


def _name(inline: Token) -> str:
    children = [child for child in inline.children or [] if child.type != "text" or child.content]
    if len(children) < 2:
        return ""
    if children[0].type == "code_inline":
        return children[0].content
    if children[0].type not in ("strong_open", "link_open"):
        return ""
    return _text(children[: _closing(children, 0) + 1]).strip().rstrip(":：.")


def _plain(inline: Token) -> str:
    return " ".join(_JOINER.join(_text(inline.children or []).split("\n")).split())


def _text(children: Sequence[Token]) -> str:
    """The text of inline tokens: of links their words, of pictures their descriptions."""
    parts = []
    for child in children:
        if child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak") or (
            child.type == "html_inline" and child.content.lower().startswith("<br")
        ):
            parts.append("\n")
    return "".join(parts)

"""Markdown as plain text in sections and pieces, parsed by markdown-it-py."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from closedbook.forms.lines import Joiner, as_sentences

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
    is_item: bool = False
    cells: tuple[tuple[str, str], ...] = ()
    """Of a table's row: the headers and their cells."""


class Chapter(NamedTuple):
    """A heading ('' before the first), its level, its line, and the pieces up to the next heading."""

    heading: str
    level: int
    line: int
    pieces: list[Piece]


class Markdown(NamedTuple):
    """A Markdown text: the title in its front matter ('' for none), and its chapters."""

    title: str
    chapters: list[Chapter]

    @property
    def pieces(self) -> list[Piece]:
        """The pieces of all chapters."""
        return [piece for chapter in self.chapters for piece in chapter.pieces]


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
    chapters = [Chapter("", 1, 1, [])]
    index = 0
    while index < len(tokens):
        end = _closing(tokens, index)
        if tokens[index].type == "heading_open":
            heading, level = _plain(tokens[index + 1]), int(tokens[index].tag[1:])
            chapters.append(Chapter(heading, level, _line(tokens[index], n_skipped), []))
        else:
            chapters[-1].pieces.extend(_pieces(tokens[index : end + 1], n_skipped))
        index = end + 1
    return Markdown(title[2] if title else "", [each for each in chapters if each.heading or each.pieces])


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


def _pieces(tokens: Sequence[Token], n_skipped: int) -> list[Piece]:
    """The pieces of one block at the top: one each for a paragraph, code, an item of a list, and a row of a table."""
    if tokens[0].type == "table_open":
        return list(_rows(tokens, n_skipped))
    groups: list[tuple[Token, list[Token]]] = []
    open_ones: list[list[Token]] = []
    for token in tokens:
        if token.type == "list_item_open":
            groups.append((token, []))
            open_ones.append(groups[-1][1])
        elif token.type == "list_item_close":
            open_ones.pop()
        elif token.type in ("inline", "fence", "code_block", "html_block"):
            if not open_ones:
                groups.append((token, []))
            (open_ones[-1] if open_ones else groups[-1][1]).append(token)
    return [_piece(first, group, n_skipped) for first, group in groups if group]


def _piece(first: Token, tokens: Sequence[Token], n_skipped: int) -> Piece:
    texts = []
    for token in tokens:
        if token.type == "inline":
            texts.append(_plain(token))
        else:
            texts.append(
                " ".join((_TAG.sub(" ", token.content) if token.type == "html_block" else token.content).split())
            )
    inline = next((token for token in tokens if token.type == "inline"), None)
    name = _name(inline) if inline is not None else ""
    return Piece(_line(first, n_skipped), as_sentences(texts), name, first.type == "list_item_open")


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
        yield Piece(line, ", ".join(f"{head}: {cell}" if head else cell for head, cell in cells if cell), cells=cells)


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

"""The command that writes files as people have them as a corpus, and what it takes. Imports no torch.

What recognizes forms is imported inside the command, so that other commands start at once.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from closedbook.commands.options import Encoding, TitleColumn
from closedbook.errors import InputError
from closedbook.files.durable import write_atomically
from closedbook.progress.console import out, say


@dataclass(frozen=True)
class BookOptions:
    """Write files as you have them as a corpus, one document per line, so that you can see and mend it.

    Recognized are texts with one document per line, Markdown, texts with headings or without, manual pages, CSV and TSV
    with a header, JSON, JSON lines, and folders of such files. Each document begins with its title: a heading, the cell
    of a table's column of titles, the name of a file in a folder, or the name that a paragraph begins with.
    """

    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILES", help_behavior_hint="(one or more)")]
    """Files and folders; their documents are written in this order."""
    out: Annotated[Path, arg(metavar="FILE")]
    """The corpus to write; an existing file is not replaced."""
    title_column: TitleColumn = None
    encoding: Encoding = None
    pairs_out: Annotated[Path | None, arg(metavar="FILE")] = None
    """Where to write the pairs of a table whose headers are questions, question<TAB>answer per line."""


def book(options: BookOptions) -> None:
    """`closedbook book`."""
    from closedbook.forms.recognize import recognize

    for path in filter(None, (options.out, options.pairs_out)):
        if path.exists():
            raise InputError(f"{path}: is there already; name another file, or remove it")
    found = recognize(options.files, options.title_column, options.encoding)
    if options.pairs_out is not None and not found.pairs:
        raise InputError("--pairs-out: no header of a table is a question, so there are no pairs; leave it out")
    write_atomically(options.out, options.files[0].read_bytes() if found.is_unchanged else found.written().encode())
    if options.pairs_out is not None:
        pairs = "".join(f"{pair.text}\t{pair.answer}\n" for pair in found.pairs)
        write_atomically(options.pairs_out, pairs.encode())
    for note in found.notes:
        say(note)
    for sentence in found.sentences:
        out(sentence)

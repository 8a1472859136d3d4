"""What experiments came to, as a table, as README.md and as index.html: the message first, then figure and numbers."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from closedbook.lab.config import LabConfig

if TYPE_CHECKING:
    from closedbook.lab.estimate import Row

_STYLE = """:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; font: 1.05rem/1.55 Georgia, serif; }
h2 { line-height: 1.3; margin-top: 3rem; }
img { max-width: 100%; height: auto; background: white; border-radius: 0.4rem; }
pre { overflow-x: auto; font-size: 0.8rem; } a { color: LinkText; }"""


@dataclass(frozen=True)
class Output:
    """What one experiment came to: its message, its printed lines and, where they were asked for, its files by name."""

    name: str
    config: LabConfig
    command: str
    """The command line that repeats it."""
    message: str
    """The result in one sentence."""
    lines: tuple[str, ...]
    """Its table, and notes below it."""
    files: dict[str, bytes]

    @property
    def question(self) -> str:
        """What the experiment asks."""
        return (type(self.config).__doc__ or "").strip()


def table(rows: "Sequence[Row]") -> list[str]:
    """Aligned lines; the last column is the error in standard errors, or says that nothing random is in the row."""
    lines = [("", "", "theory", "measured", "std. error", "off by")]
    for row in rows:
        found = row.estimate
        numbers = (f"{found.theory:.6g}", f"{found.simulation:.6g}")
        spread = ("", "exact") if found.is_exact else (f"{found.standard_error:.2g}", f"{found.n_standard_errors:+.1f}")
        lines.append((row.what, row.where, *numbers, *spread))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    return ["  ".join(_aligned(line, widths)).rstrip() for line in lines]


def readme(outputs: Sequence[Output]) -> str:
    """Each experiment with its message, its figures, the command that repeats it, and its table."""
    parts = ["# The attention lab\n", "Theory and simulation; the numbers are in the JSON files of this folder.\n"]
    for output in outputs:
        parts.append(f"## {output.message}\n")
        parts.append(f"{output.name}: {output.question}\n")
        parts += [f"![{output.name}]({name})\n" for name in _pictures(output)]
        parts.append(f"Made by `{output.command}`.\n")
        lines = "\n".join(f"    {line}".rstrip() for line in output.lines)
        parts.append(f"<details><summary>Theory and measurement</summary>\n\n{lines}\n\n</details>\n")
    return "\n".join(parts)


def index(outputs: Sequence[Output]) -> str:
    """The same as one page for the browser."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>The attention lab</title><style>{_STYLE}</style></head><body>",
        "<h1>The attention lab</h1>",
        "<p>Theory and simulation of what attention can do. The numbers are in the JSON files of this folder.</p>",
        *(_section(output) for output in outputs),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _section(output: Output) -> str:
    lines = html.escape("\n".join(output.lines))
    return "\n".join(
        [
            f'<h2 id="{output.name}">{html.escape(output.message)}</h2>',
            f"<p>{html.escape(output.question)}</p>",
            *(f'<p><img src="{name}" alt="{html.escape(output.message)}"></p>' for name in _pictures(output)),
            f"<details><summary>Theory and measurement</summary><pre>{lines}</pre></details>",
            f"<p>Made by <code>{html.escape(output.command)}</code>.</p>",
        ]
    )


def _pictures(output: Output) -> list[str]:
    return [name for name in output.files if name.endswith(".png")]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield f"{cell:<{width}}" if column < 2 else f"{cell:>{width}}"

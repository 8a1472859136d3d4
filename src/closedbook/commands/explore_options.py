"""What each command that neither trains nor asks takes, as in `options`. Imports no torch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from closedbook.commands.options import FileOption, Switch
from closedbook.world.world import WorldConfig


@dataclass(frozen=True)
class WorldOptions:
    """Write the built-in world: invented people, documents about them, and questions with known answers."""

    folder: Annotated[Positional[Path], arg(metavar="DIR")]
    """The folder; it is created."""
    people: Annotated[int | None, arg(metavar="N")] = None
    """Short for --world.n-people."""
    seed: Annotated[int | None, arg(metavar="S")] = None
    """Short for --world.seed."""
    world: WorldConfig = field(default_factory=WorldConfig)
    """The world."""


@dataclass(frozen=True)
class LedgerOptions:
    """Count how often training exposed each fact of a file, and report accuracy by exposure."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run; the runs that it started from are counted too."""
    pairs: Annotated[Positional[Path], arg(metavar="PAIRS")]
    """The facts: pairs, question<TAB>answer per line, that ask about the titles of the run's documents."""
    train: FileOption = None
    """Training pairs from which to count how common an answer is. None: those of the run."""


@dataclass(frozen=True)
class InspectOptions:
    """Show a run: model, cost, vocabulary, recipe and history; or how its model reads a text."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A run, finished or not."""
    reading_map: Annotated[str | None, arg(metavar="TEXT")] = None
    """Who reads what in TEXT: at its end each head of vanilla; each latent and each position of a Perceiver."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder for the reading map; it is created. None: RUN/reading-map."""


@dataclass(frozen=True)
class TraceOptions:
    """Show where an answer comes from: which part of the model, at which character, and what is left without tables.

    The answer is compared with that of the same question about another name. What a part computes for the one name is
    put in place of what it computes for the other, and what this does to the answer's log-probability is counted in
    nats (causal tracing).
    """

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run."""
    question: Annotated[Positional[str], arg(metavar="QUESTION")]
    """The question, in characters of the run's corpus."""
    other: Annotated[str | None, arg(metavar="NAME")] = None
    """The other name, or the whole question about it. None: a title of the run, of the same length if there is one."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder for the figure (PNG and SVG) and the data (JSON); it is created. None: RUN/trace."""


@dataclass(frozen=True)
class ExploreOptions:
    """Write a run as a page: one HTML file with the model inside, which answers in a browser without a network.

    Whoever has the file can read the model's weights, its words and its titles; with --text also the text.
    """

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run."""
    out: Annotated[Path, arg(metavar="FILE")]
    """The page; an older file is replaced."""
    pairs: FileOption = None
    """Questions for the page to ask, best with answers. None: dev pairs; else those held out; else training pairs."""
    text: Switch = False
    """Put the text that the run learned into the page, so that it can show the line that states an answer."""


@dataclass(frozen=True)
class LabOptions:
    """Show what attention can and cannot do: experiments with theory, simulation and figures.

    EXPERIMENT is copying, averaging, noise, fragility, heads, projections, positions, or all. Without it, the
    experiments and their parameters are listed.
    """

    experiment: Annotated[Positional[str | None], arg(metavar="EXPERIMENT")] = None
    """An experiment, or all. None: list them."""
    settings: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(name="set", metavar="NAME=VALUE ...")] = ()
    """Parameters of the experiment, as in --set beta=3 n=8."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder for figures (PNG and SVG), numbers (JSON) and an index; it is created. None: print the table alone."""
    page: FileOption = None
    """Write the lab as an interactive page: one HTML file that needs no network."""

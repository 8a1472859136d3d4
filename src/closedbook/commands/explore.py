"""The commands that neither train nor ask: world, ledger, inspect, trace, explore and lab.

What needs torch is imported inside the command that needs it, so that help and bad arguments answer at once.
"""

import shutil
import sys
import textwrap
from dataclasses import replace

from closedbook.commands.explore_options import (
    ExploreOptions,
    InspectOptions,
    LabOptions,
    LedgerOptions,
    TraceOptions,
    WorldOptions,
)
from closedbook.errors import InputError
from closedbook.progress.console import out, say
from closedbook.world.world import write_world


def world(options: WorldOptions) -> None:
    """`closedbook world`."""
    config = options.world
    if options.people is not None:
        config = replace(config, n_people=options.people)
    if options.seed is not None:
        config = replace(config, seed=options.seed)
    for path in vars(write_world(config, options.folder)).values():
        out(str(path))


def ledger(options: LedgerOptions) -> None:
    """`closedbook ledger`."""
    from closedbook.analysis.ledger.report import exposure_report, save_report
    from closedbook.storage.run import open_run

    report = exposure_report(open_run(options.run), options.pairs, options.train)
    path = save_report(report, options.run / "ledger", options.pairs)
    for line in report.lines():
        out(line)
    say(f"counts and figure in {path}, .svg and .png")


def inspect(options: InspectOptions) -> None:
    """`closedbook inspect`."""
    from closedbook.analysis.inspection import describe
    from closedbook.analysis.reading_map.report import read_text, save_reading
    from closedbook.storage.run import open_run

    if options.out is not None and options.reading_map is None:
        raise InputError("inspect: --out needs something to write there; add --reading-map TEXT")
    run = open_run(options.run)
    if options.reading_map is None:
        width = shutil.get_terminal_size().columns
        for line in describe(run, width):
            # Where people look on, below the column in which values begin; whole where a program reads it.
            is_wide = sys.stdout.isatty() and len(line) > width
            for part in textwrap.wrap(line, width, subsequent_indent=" " * 12) if is_wide else [line]:
                out(part)
        return
    reading = read_text(run, options.reading_map)
    paths = save_reading(reading, options.out or options.run / "reading-map")
    for line in (*reading.lines(), *map(str, paths)):
        out(line)


def trace(options: TraceOptions) -> None:
    """`closedbook trace`."""
    from closedbook.analysis.trace.report import save_trace
    from closedbook.api.run import load

    traced = load(options.run).trace(options.question, options.other)
    paths = save_trace(traced, options.out or options.run / "trace")
    for line in traced.lines():
        out(line)
    say(f"data and figures in {', '.join(map(str, paths))}")


def explore(options: ExploreOptions) -> None:
    """`closedbook explore`."""
    from closedbook.explore.write import explore
    from closedbook.storage.run import open_run

    written = explore(open_run(options.run), options.out, pairs=options.pairs, with_text=options.text)
    for line in written.lines():
        out(line)


def lab(options: LabOptions) -> None:
    """`closedbook lab`."""
    from closedbook.lab.command import check_paths, list_experiments, parse_configs, run_experiments, write_outputs
    from closedbook.lab.page import write_page

    words = [word for given in options.settings for word in given or ("",)]
    if options.experiment is None and (words or options.out):
        raise InputError("lab: --set and --out need an experiment; name one, or all (`lab` alone lists them)")
    configs = {} if options.experiment is None else parse_configs(options.experiment, words)
    check_paths(options.out, options.page)
    if options.page is not None:
        write_page(options.page)
        out(str(options.page))
    elif not configs:
        for line in list_experiments():
            out(line)
    if not configs:
        return
    outputs = []
    for output in run_experiments(configs, with_files=options.out is not None):
        outputs.append(output)
        for line in (f"{output.name}: {output.config.__doc__}", output.message, "", *output.lines, ""):
            out(line)
    if options.out is not None:
        write_outputs(options.out, outputs)
        say(f"pictures, numbers, index.html and README.md in {options.out}")

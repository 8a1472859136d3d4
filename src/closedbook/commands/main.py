"""The command line: finds the command, and turns every error into one line and an exit status.

Imports no torch, so that help and bad arguments answer at once. Only the commands and training/device.py read the
environment.
"""

import io
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any

from closedbook.assignment.targets import TARGETS, TargetOptions
from closedbook.commands import ask, book, data, edit, explore, export, predict, train
from closedbook.commands.arguments import help_of, named_by_flag, parsed
from closedbook.commands.completion import print_completion
from closedbook.commands.explore_options import (
    ExploreOptions,
    InspectOptions,
    LabOptions,
    LedgerOptions,
    TraceOptions,
    WorldOptions,
)
from closedbook.commands.help import command_list
from closedbook.commands.options import (
    AskOptions,
    DemoOptions,
    EvaluateOptions,
    FinetuneOptions,
    GenerateOptions,
    PredictOptions,
    PretrainOptions,
    StudyOptions,
)
from closedbook.commands.program import program
from closedbook.commands.words import asks_for_help
from closedbook.errors import ClosedbookError, InputError, RecipeError
from closedbook.progress.console import be_quiet, out, say
from closedbook.progress.stop import Interrupted, Stop, Stopped


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0, 1 for a failure, 2 for bad input; 130, 143 or 129 where SIGINT, SIGTERM or SIGHUP stopped it.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    with Stop() as stop:
        try:
            _set_up()
            return _status(words)
        except BaseException as error:  # A signal can come out as another exception, from the code that it interrupted.
            if not (stop.number or isinstance(error, Interrupted | KeyboardInterrupt)):
                raise
            if arguments is None:
                stop.ignore()
            if line := _on_going_on(words, error):
                if os.environ.get("LOCAL_RANK") == "0":
                    _speaks_for_machine()  # and so the other processes do not
                say(line, wraps=False)
            number = error.number if isinstance(error, Interrupted | Stopped) else stop.number or signal.SIGINT
            return 128 + number
        finally:
            if arguments is None:
                stop.ignore()  # One more would end the process with a traceback, or another status.
            if "WORLD_SIZE" in os.environ and "torch" in sys.modules:
                from closedbook.training.processes import leave_group

                leave_group()
            _flush()


def _status(words: list[str]) -> int:
    """Run one command; the exit status."""
    try:
        return _dispatch(words)
    except ClosedbookError as error:
        be_quiet(not _speaks_for_machine())  # A file can be missing on one machine alone, which says so.
        message = str(error)
        if type(error) in (InputError, RecipeError) and not message.startswith("-"):
            message = named_by_flag(message, words)  # It names a field or a Python argument; the user typed an option.
        say(f"closedbook: {message}")
        return error.exit_status
    except BrokenPipeError:
        return 0  # The reader of our output has seen enough, as `head` has.
    except (OSError, UnicodeEncodeError) as error:
        say(f"closedbook: {_of_file(error)}")
        return 1


def _of_file(error: OSError | UnicodeEncodeError) -> str:
    """What is wrong with a file; raises the error where it is about no file."""
    if isinstance(error, OSError):
        return f"{error.filename or 'file system'}: {error.strerror or error}"
    if sys.getfilesystemencoding() == "utf-8":
        raise error
    return f"{error.object}: a name that this locale cannot spell; set LC_ALL=C.UTF-8"


def _speaks_for_machine() -> bool:
    """Whether this process says what ended it: one line from each machine."""
    if "WORLD_SIZE" not in os.environ:
        return os.environ.get("LOCAL_RANK", "0") == "0"
    from closedbook.training.processes import speaks_for_machine

    return speaks_for_machine()


def _on_going_on(words: list[str], error: BaseException) -> str:
    """What to type after an interruption; nothing for a command that does not train."""
    if isinstance(error, Interrupted):
        again = words if "--resume" in words or words[0] == "demo" else [*words, "--resume"]
        how = (
            "stopped at once; go on from the last checkpoint with" if error.at_once else "stopped and saved; go on with"
        )
        return f"{how}: {program()} {shlex.join(again)}"
    return "" if _TRAINS.isdisjoint(words[:1]) else "stopped before training; the same command begins again"


def _flush() -> None:
    """Write what is left; where a terminal or a pipe is gone, nothing may be written at exit either."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(ValueError):  # it is closed
            try:
                stream.flush()
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _set_up() -> None:
    # Read when torch is first imported: threads that wait for each other go to sleep early. Spinning for long gains
    # nothing, and costs much where another program needs the core (benchmarks/waiting.py).
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    if sys.stdin is None:  # it was closed, as by <&-
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  # until the process ends
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115  # likewise
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Answers are UTF-8, as questions are, whatever the locale; a path in it can have bytes that are not.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr.encoding.lower() in ("ascii", "us-ascii"):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # No terminal knows ASCII alone.
    if os.environ.get("RANK", "0") != "0":
        be_quiet()  # Under torchrun only rank 0 prints.


def _dispatch(words: list[str]) -> int:
    name, rest = words[0] if words else "help", words[1:]
    known = {each: options for each, (options, _) in COMMANDS.items()}
    if name in ("-h", "--help", "help"):
        for line in command_list(known, {each: target.output for each, target in TARGETS.items()}):
            out(line)
    elif name in ("-V", "--version"):
        out(f"closedbook {version('closedbook')}")
    elif name == "--completion":
        print_completion(rest, known | dict.fromkeys(TARGETS, TargetOptions))
    elif asks_for_help(rest) and name in (*COMMANDS, *TARGETS):
        for line in help_of(name, known.get(name, TargetOptions), rest, os.environ):
            out(line)
    elif name in COMMANDS:
        options, command = COMMANDS[name]
        command(parsed(name, options, rest, os.environ, known))
    elif name in TARGETS:
        train.target(name, parsed(name, TargetOptions, rest, os.environ, known))
    else:
        near = get_close_matches(name, [*COMMANDS, *TARGETS], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(COMMANDS)} is needed"
        raise InputError(f"{name}: no such command; {hint} (`{program()}` lists all)")
    return 0


COMMANDS: dict[str, tuple[type, Callable[[Any], None]]] = {
    "demo": (DemoOptions, train.demo),
    "book": (book.BookOptions, book.book),
    "data": (data.DataOptions, data.data),
    "pretrain": (PretrainOptions, train.pretrain),
    "study": (StudyOptions, train.study),
    "finetune": (FinetuneOptions, train.finetune),
    "evaluate": (EvaluateOptions, ask.evaluate),
    "ledger": (LedgerOptions, explore.ledger),
    "predict": (PredictOptions, predict.predict),
    "ask": (AskOptions, ask.ask),
    "generate": (GenerateOptions, ask.generate),
    "edit": (edit.EditOptions, edit.edit),
    "forget": (edit.ForgetOptions, edit.forget),
    "export": (export.ExportOptions, export.export),
    "world": (WorldOptions, explore.world),
    "inspect": (InspectOptions, explore.inspect),
    "trace": (TraceOptions, explore.trace),
    "explore": (ExploreOptions, explore.explore),
    "lab": (LabOptions, explore.lab),
}


_TRAINS = {"pretrain", "study", "finetune", "demo", *TARGETS}


if __name__ == "__main__":
    sys.exit(main())

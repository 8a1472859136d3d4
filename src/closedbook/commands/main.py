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
from difflib import get_close_matches
from importlib.metadata import version
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
from closedbook.progress.follow import Interrupted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for a failure, 2 for bad input, 130 for an interruption."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _set_up()
    try:
        return _dispatch(words)
    except ClosedbookError as error:
        if os.environ.get("LOCAL_RANK", "0") == "0":
            be_quiet(False)  # A file can be missing on one machine alone, which says so.
        message = str(error)
        if type(error) in (InputError, RecipeError) and not message.startswith("-"):
            message = named_by_flag(message, words)  # It names a field or a Python argument; the user typed an option.
        say(f"closedbook: {message}")
        return error.exit_status
    except Interrupted:
        _ignore_interrupts(is_program=arguments is None)
        again = words if "--resume" in words or words[0] == "demo" else [*words, "--resume"]
        say(f"stopped and saved; go on with: {program()} {shlex.join(again)}", wraps=False)
        return 130
    except KeyboardInterrupt as error:
        _ignore_interrupts(is_program=arguments is None)
        if message := str(error) or _NOT_BEGUN * (not _TRAINS.isdisjoint(words[:1])):
            say(message)
        return 130
    except BrokenPipeError:
        # The reader of our output has seen enough, as `head` has; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, UnicodeEncodeError) as error:
        say(f"closedbook: {_of_file(error)}")
        return 1
    finally:
        if "WORLD_SIZE" in os.environ and "torch" in sys.modules:
            from closedbook.training.device import leave_group

            leave_group()


def _of_file(error: OSError | UnicodeEncodeError) -> str:
    """What is wrong with a file; raises the error where it is about no file."""
    if isinstance(error, OSError):
        return f"{error.filename or 'file system'}: {error.strerror or error}"
    if sys.getfilesystemencoding() == "utf-8":
        raise error
    return f"{error.object}: a name that this locale cannot spell; set LC_ALL=C.UTF-8"


def _ignore_interrupts(*, is_program: bool) -> None:
    """The process ends; one more Ctrl-C would end it with a traceback, or another status."""
    if is_program:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _set_up() -> None:
    # Read when torch is first imported: threads that wait for each other go to sleep early. Spinning for long gains
    # nothing, and costs much where another program needs the core (benchmarks/waiting.py).
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
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
_NOT_BEGUN = "stopped before training; the same command begins again"


if __name__ == "__main__":
    sys.exit(main())

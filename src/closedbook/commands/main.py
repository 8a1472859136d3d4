"""The commands; with progress.py the only place that prints, and with device.py that reads the environment.

What needs torch is imported inside the command that needs it, so that help and bad arguments answer at once.
"""

import io
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any

from closedbook.assignment.targets import TARGETS, TargetOptions
from closedbook.commands.arguments import named_by_flag, parsed
from closedbook.commands.options import (
    AskOptions,
    DemoOptions,
    EvaluateOptions,
    FinetuneOptions,
    InspectOptions,
    LabOptions,
    LedgerOptions,
    PredictOptions,
    PretrainOptions,
    StudyOptions,
    WorldOptions,
)
from closedbook.commands.program import program
from closedbook.commands.recipe_options import TrainOptions, check_budget, is_recipe_given, recipe_of
from closedbook.errors import ClosedbookError, InputError, RecipeError, TextError
from closedbook.progress.console import be_quiet, out, say
from closedbook.progress.follow import Interrupted, follow
from closedbook.text.lines import decode_lines
from closedbook.text.questions import Questions, parse_questions, read_questions
from closedbook.world.world import write_world


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for a failure, 2 for bad input, 130 for an interruption."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Read when torch is first imported: threads that wait for one another soon go to sleep. To spin for long, as
    # they would, gains nothing alone and costs dear where anything else wants a core (benchmarks/waiting.py).
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # Answers are, as the questions are, whatever the locale.
    if os.environ.get("RANK", "0") != "0":
        be_quiet()  # Of torchrun's processes the first speaks for all.
    try:
        return _dispatch(words)
    except RecipeError as error:
        say(f"closedbook: {named_by_flag(str(error), words)}")
        return error.exit_status
    except ClosedbookError as error:
        say(f"closedbook: {error}")
        return error.exit_status
    except Interrupted:
        again = words if "--resume" in words or words[0] == "demo" else [*words, "--resume"]
        say(f"stopped and saved; go on with: {program()} {shlex.join(again)}")
        return 130
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        say(f"closedbook: {error.filename or 'file system'}: {error.strerror or error}")
        return 1
    finally:
        if "WORLD_SIZE" in os.environ and "torch" in sys.modules:
            from closedbook.training.device import leave_group

            leave_group()


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        _list_commands()
        return 0
    if words[0] in ("-V", "--version"):
        out(f"closedbook {version('closedbook')}")
        return 0
    name, rest = words[0], words[1:]
    if name in COMMANDS:
        options, command = COMMANDS[name]
        command(parsed(name, options, rest, os.environ))
    elif name in TARGETS:
        _target(name, parsed(name, TargetOptions, rest, os.environ))
    else:
        near = get_close_matches(name, [*COMMANDS, *TARGETS], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(COMMANDS)} is needed"
        raise InputError(f"{name}: no such command; {hint} (`{program()}` lists all)")
    return 0


def _saving(options: TrainOptions) -> Any:
    from closedbook.training.checkpointing import Saving

    return Saving(options.out, options.resume, options.save_every, recipe_is_given=is_recipe_given(options))


def _pretrain(options: PretrainOptions) -> None:
    from closedbook.training.stages import pretrain

    recipe, rows = recipe_of(options, "pretrain", ("model", "corruption", "pretrain"))
    saving = _saving(options)
    events = pretrain(options.corpus, recipe, saving, pairs_path=options.pairs, dev_path=options.dev)
    follow("pretrain", events, rows)
    out(str(options.out))


def _finetune(options: FinetuneOptions) -> None:
    from closedbook.training.stages import finetune

    stage = "scratch" if options.parent is None else "finetune"
    recipe, rows = recipe_of(options, stage, (stage,) if options.parent else ("model", stage))
    if options.parent is not None and options.corpus is not None and not recipe.finetune.replay:
        raise InputError(
            "finetune: --from RUN brings a vocabulary of its own, so --corpus has no place beside it but for "
            "--finetune.replay; leave out one"
        )
    events = finetune(
        options.pairs,
        recipe,
        _saving(options),
        parent_path=options.parent,
        corpus_path=options.corpus,
        dev_path=options.dev,
    )
    follow("finetune", events, rows)
    out(str(options.out))


def _study(options: StudyOptions) -> None:
    from closedbook.training.stages import pretrain, self_study

    begin = time.monotonic()
    stage = "study" if options.setting == "self-study" else "pretrain"
    check_budget(options, stage)
    recipe, rows = recipe_of(options, stage, ("model", "corruption", stage))
    train = self_study if options.setting == "self-study" else pretrain
    events = train(
        options.corpus,
        recipe,
        _saving(options),
        pairs_path=options.pairs,
        dev_path=options.dev,
        deadline=None if options.budget is None else begin + options.budget * 60,
    )
    follow("study", events, rows)
    out(str(options.out))
    if "track" in options.given:
        say(f"note: --track is deprecated; write --setting {options.setting}")


def _evaluate(options: EvaluateOptions) -> None:
    from closedbook.evaluation.evaluate import evaluate_file
    from closedbook.storage.run import open_run

    evaluation, path = evaluate_file(open_run(options.run), options.pairs)
    for line in evaluation.lines():
        out(line)
    say(f"predictions in {path}")


def _ledger(options: LedgerOptions) -> None:
    from closedbook.analysis.ledger.report import exposure_report, save_report
    from closedbook.storage.run import open_run

    report = exposure_report(open_run(options.run), options.pairs, options.train)
    path = save_report(report, options.run / "ledger", options.pairs)
    for line in report.lines():
        out(line)
    say(f"counts and figure in {path}, .svg and .png")


def _predict(options: PredictOptions) -> None:
    from closedbook.evaluation.evaluate import evaluate
    from closedbook.storage.run import open_run

    if options.questions is None or str(options.questions) == "-":
        questions = parse_questions(decode_lines(sys.stdin.buffer.read(), None), None)
    else:
        questions = read_questions(options.questions)
    unanswered = Questions(questions.path, tuple(replace(item, answer=None) for item in questions.items))
    for prediction in evaluate(open_run(options.run), unanswered).predictions:
        out(prediction.answer)


def _ask(options: AskOptions) -> None:
    from closedbook.evaluation.evaluate import evaluate
    from closedbook.storage.run import open_run

    run = open_run(options.run)
    asked = [options.question] if options.question is not None else _dialogue()
    for question in asked:
        try:
            (prediction,) = evaluate(run, parse_questions([question], None)).predictions
        except TextError as error:
            fault = f"{question!r}: {error.message}"
            if options.question is not None:
                raise InputError(fault) from None
            say(fault)
            continue
        out(prediction.answer)
        sure = f"{prediction.confidence:.0%}" if prediction.confidence >= 0.01 else "under 1%"
        say(f"(the model gives this answer {sure}; it can be sure of what it makes up)")


def _dialogue() -> Iterator[str]:
    """Lines from a person, till an empty one, or from a pipe, without the empty ones; an end of file ends both."""
    if not sys.stdin.isatty():
        for number, raw in enumerate(sys.stdin.buffer, 1):
            try:
                yield from (line for line in decode_lines(raw, None) if line.strip())
            except TextError as error:
                raise TextError(None, number, error.message) from None
        return
    say("Ask; an empty line or Ctrl-D ends.")
    while True:
        try:
            line = input("> ")
        except EOFError:
            return
        if not line.strip():
            return
        yield line


def _world(options: WorldOptions) -> None:
    config = options.world
    if options.people is not None:
        config = replace(config, n_people=options.people)
    if options.seed is not None:
        config = replace(config, seed=options.seed)
    for path in vars(write_world(config, options.folder)).values():
        out(str(path))


def _demo(options: DemoOptions) -> None:
    from closedbook.demo.run import run_demo

    for line in run_demo(options.out, options.seed, options.size, program(), follow):
        out(line)


def _lab(options: LabOptions) -> None:
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
        for line in (f"{output.name}: {output.config.__doc__}", *output.lines, ""):
            out(line)
    if options.out is not None:
        write_outputs(options.out, outputs)
        say(f"pictures, numbers and README.md in {options.out}")


def _inspect(options: InspectOptions) -> None:
    from closedbook.analysis.inspection import describe
    from closedbook.analysis.reading_map.report import read_text, save_reading
    from closedbook.storage.run import open_run

    if options.out is not None and options.reading_map is None:
        raise InputError("inspect: --out needs something to write there; add --reading-map TEXT")
    run = open_run(options.run)
    if options.reading_map is None:
        for line in describe(run):
            out(line)
        return
    reading = read_text(run, options.reading_map)
    paths = save_reading(reading, options.out or options.run / "reading-map")
    for line in (*reading.lines(), *map(str, paths)):
        out(line)


def _target(name: str, options: TargetOptions) -> None:
    TARGETS[name].check(options, program())
    from closedbook.assignment.run import run_target

    for line in run_target(name, options, follow):
        out(line)


COMMANDS: dict[str, tuple[type, Callable[[Any], None]]] = {
    "demo": (DemoOptions, _demo),
    "pretrain": (PretrainOptions, _pretrain),
    "study": (StudyOptions, _study),
    "finetune": (FinetuneOptions, _finetune),
    "evaluate": (EvaluateOptions, _evaluate),
    "ledger": (LedgerOptions, _ledger),
    "predict": (PredictOptions, _predict),
    "ask": (AskOptions, _ask),
    "world": (WorldOptions, _world),
    "inspect": (InspectOptions, _inspect),
    "lab": (LabOptions, _lab),
}


def _list_commands() -> None:
    out("closedbook: pretrain a tiny transformer on a text, close the book, and ask it questions.\n")
    out("commands (each has --help):")
    for name, (options, _) in COMMANDS.items():
        out(f"  {name:<10}{(options.__doc__ or '').splitlines()[0]}")
    out("\nthe assignment's targets (each has --help):")
    for name, target in TARGETS.items():
        out(f"  {name:<36}-> {target.output}")


if __name__ == "__main__":
    sys.exit(main())

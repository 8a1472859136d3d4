"""Mutation testing: how many small changes of a file its tests notice.

    python benchmarks/mutants.py SOURCE TESTS... [--sample 60] [--seed 0]

Needs cosmic-ray, whose operators change comparisons, numbers, arithmetic, conditions, loops and decorators. Of the
variants that one operator has on a line one is drawn, and of these a sample. Each mutant is tested in a forked process,
so that torch is imported once, up to its first failing test. Changes of annotations and docstrings alone are left out.
Tests that start a program of their own do not see the change.
"""

import ast
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import resource
import signal
import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import numpy  # noqa: F401  # imported once, before the forks
import pytest
import torch
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

NO_ARGUMENTS_NEEDED = [name for name in operator_names() if "Variable" not in name]


class Mutant(NamedTuple):
    """A changed source, its first changed line, and what that line is now."""

    operator: str
    line: int
    now: str
    source: str


def plain(source: str) -> str | None:
    """The syntax tree without annotations and docstrings; None where it is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return None
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if getattr(node, name, None) is not None:
                setattr(node, name, ast.Constant(value=None))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(value=None)
    return ast.dump(tree)


def mutants(source: str) -> Iterator[Mutant]:
    """Every change of what the source does, by each operator."""
    tree, lines = get_ast(source), source.splitlines()
    for name in NO_ARGUMENTS_NEEDED:
        operator = get_operator(name)()
        n = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
        for occurrence in range(n):
            changed = mutate_code(source, operator, occurrence)
            if changed is None or plain(changed) in (None, plain(source)):
                continue
            new = changed.splitlines()
            pairs = zip([*lines, ""], [*new, ""], strict=False)
            line = next((i for i, (a, b) in enumerate(pairs) if a != b), 0)
            yield Mutant(name.removeprefix("core/"), line + 1, new[line].strip(), changed)


def sample(source: str, n: int, draw: random.Random) -> tuple[list[Mutant], int]:
    """Up to n mutants in the order of their lines, and from how many they were drawn."""
    groups: dict[tuple[int, str], list[Mutant]] = {}
    for mutant in mutants(source):
        kind = mutant.operator
        groups.setdefault((mutant.line, kind.rpartition("_")[0] or kind), []).append(mutant)
    one_each = [draw.choice(group) for group in groups.values()]
    chosen = draw.sample(one_each, min(n, len(one_each)))
    return sorted(chosen, key=lambda mutant: mutant.line), len(one_each)


class Changed(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Imports one module from a changed source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        super().__init__(name, str(path))
        self.changed = source

    def find_spec(self, fullname: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        """The changed module's; None for all others."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # it loads one module
        """The changed source, compiled."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(self.changed, self.path, "exec")


def outcome(path: Path, source: str, tests: list[str], seconds: float) -> tuple[str, float]:
    """What became of the tests, and the processor time that it took; they are stopped after so many seconds of it."""
    number = os.fork()
    if number == 0:
        with contextlib.suppress(BaseException):
            os.setsid()
            sink = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(sink, descriptor)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
            signal.alarm(int(40 * seconds))
            name = ".".join(path.with_suffix("").parts[path.parts.index("closedbook") :])
            sys.meta_path.insert(0, Changed(name, path, source))
            options = ["-x", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
            os._exit(0 if pytest.main([*options, *tests]) == 0 else 1)
        os._exit(1)
    _, status, used = os.wait4(number, 0)
    found = {0: "survived", 1: "killed"}.get(os.waitstatus_to_exitcode(status), "timeout")
    return found, used.ru_utime + used.ru_stime


def main() -> None:
    """Print a line for each survivor, and the counts as JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    source = given.source.read_text(encoding="utf-8")
    chosen, n_all = sample(source, given.sample, random.Random(given.seed))
    found, seconds = outcome(given.source, source, given.tests, 600)
    assert found == "survived", "the tests do not pass as they are"
    counts = Counter()
    for mutant in chosen:
        found, _ = outcome(given.source, mutant.source, given.tests, 3 * seconds + 5)
        counts[found] += 1
        if found != "killed":
            print(f"{found}: line {mutant.line}, {mutant.operator}: {mutant.now}", flush=True)
    facts = {"source": str(given.source), "tests": given.tests, "n_mutants": n_all, "n_tested": len(chosen), **counts}
    print(json.dumps(facts))


if __name__ == "__main__":
    main()

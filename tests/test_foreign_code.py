"""What closedbook takes from others: no code that lies in data, and only their public functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "closedbook"
MODULES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_bytes()) for path in sorted(PACKAGE.rglob("*.py"))}

# All of them run code that the data name, or can be told to.
RUN_CODE_FROM_DATA = (
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "copyreg", "yaml", "runpy"),
    *("torch.load", "torch.save", "torch.jit", "torch.hub", "torch.package", "torch.export", "torch.serialization"),
    *("numpy.load", "numpy.save", "numpy.savez", "numpy.savez_compressed", "numpy.fromfile", "numpy.lib.format"),
    *("exec", "eval", "compile", "__import__"),
)
# What a named tuple offers has a leading underscore so that it cannot be a field's name.
NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}


def used_names(tree: ast.Module) -> Iterator[str]:
    """The full dotted name of everything imported, and of every use of it: `torch.nn.Linear`; built-ins too."""
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                imported[name.asname or name.name.split(".")[0]] = name.name if name.asname else name.name.split(".")[0]
                yield name.name
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                imported[name.asname or name.name] = f"{node.module}.{name.name}"
                yield f"{node.module}.{name.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, *rest = ast.unparse(node).split(".")
            yield ".".join([imported.get(first, first), *rest])


def private_names_defined(tree: ast.Module) -> set[str]:
    """Names with one leading underscore that a module gives to something of its own."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name) | ast.alias(asname=str(name)):
                names.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
    return {name for name in names if is_private(name)}


def is_private(name: str) -> bool:
    """Whether a name has a leading underscore, and is not Python's own, as `__init__` is."""
    return name.startswith("_") and not name.endswith("__")


def code_run_from_data(tree: ast.Module) -> set[str]:
    """Everything that a module uses and that can run code from data."""
    return {name for name in used_names(tree) if any(f"{name}.".startswith(f"{each}.") for each in RUN_CODE_FROM_DATA)}


def private_names_of_others(tree: ast.Module) -> set[str]:
    """Private names that a module uses and does not define, those in `getattr(thing, "_name")` among them."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.Attribute(attr=name)
                | ast.Call(
                    func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_]
                )
            ):
                names.add(name)
            case ast.alias(name=name):
                names.update(name.split("."))
            case ast.ImportFrom(module=str(name)):
                names.update(name.split("."))
    return {name for name in names if is_private(name)} - private_names_defined(tree) - NAMED_TUPLE


def test_no_module_runs_code_that_lies_in_data():
    """No pickle in any of its forms, no `eval`: a file can be wrong, and never more than that."""
    assert {module: found for module, tree in MODULES.items() if (found := code_run_from_data(tree))} == {}


def test_no_module_uses_what_others_keep_private():
    """Only the file that defines a name with a leading underscore uses it: others' may change with any release."""
    assert {module: found for module, tree in MODULES.items() if (found := private_names_of_others(tree))} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle as p\np.loads(x)", {"pickle", "pickle.loads"}),
        ("import torch\ntorch.load(x)", {"torch.load"}),
        ("from torch import load as read\nread(x)", {"torch.load"}),
        ("import numpy as np\nnp.load(x, allow_pickle=True)", {"numpy.load"}),
        ("eval(x)", {"eval"}),
        ("import json, re\nmodel.eval()\nmodel.load(x)\nre.compile(x)", set()),
    ],
)
def test_code_from_data_is_found_under_any_name(code: str, found: set[str]):
    """Imports under other names are followed; `model.eval()` and `re.compile` are something else."""
    assert code_run_from_data(ast.parse(code)) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from torch._C import x", {"_C"}),
        ("from torch import _C as c", {"_C"}),
        ("import torch._dynamo", {"_dynamo"}),
        ("import torch\ntorch._foreach_add_(x)", {"_foreach_add_"}),
        ("fabric._strategy.x", {"_strategy"}),
        ("getattr(optimizer, '_step')", {"_step"}),
        ("self._x = 1\nother._x\npoint._replace(x=1)\ntype(x).__name__", set()),
    ],
)
def test_private_names_of_others_are_found(code: str, found: set[str]):
    """Imported, reached through an object or named in a string; its own, and a named tuple's, are allowed."""
    assert private_names_of_others(ast.parse(code)) == found


def test_a_runs_files_are_text_or_tensors(runs: Path):
    """No file of a run is a pickle, or the zip archive that `torch.save` makes."""
    for path in filter(Path.is_file, runs.rglob("*")):
        data = path.read_bytes()
        if path.suffix == ".safetensors":
            assert data[8:9] == b"{", path  # the header's length, then the header in JSON
        else:
            data.decode("utf-8")

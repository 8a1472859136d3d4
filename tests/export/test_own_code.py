"""The code of exported folders makes the models that it is for, by itself."""

import ast
import importlib.util
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from closedbook.export import code
from closedbook.export.folder import export
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run

CODE = sorted(path for path in Path(code.__file__).parent.glob("*.py") if path.name != "__init__.py")
WORDS = ("Ann", "Bell", "Anna", "Bo", "Carr", "東京", "東", "Ul", "wolf's", " ", " ", ". ", "⁇", "z", "𝒳")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1).map("".join)


@pytest.fixture(scope="session")
def exported(any_run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, GPT, torch.nn.Module]:
    """A run with its model, and the model that its exported folder makes."""
    folder = tmp_path_factory.mktemp("exported") / "out"
    export(any_run, folder, "torch")
    spec = importlib.util.spec_from_file_location("exported_model", folder / "closedbook_model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return any_run, any_run.model().eval(), module.load(folder)


@settings(max_examples=8)
@given(text=TEXTS)
@example(text="Anna Bo Carr Bell, 東京 Ann 東z Ann Bell.")
def test_the_exported_code_has_the_models_logits(exported: tuple[Run, GPT, torch.nn.Module], text: str) -> None:
    """Every kind of model, on words, names, scripts without blanks, and unknown characters."""
    run, model, other = exported
    ids = torch.tensor([run.info.vocabulary.encode(text)[:47]])
    with torch.inference_mode():
        assert (model(ids) - other(ids)).abs().max() < 1e-5


def test_the_texts_of_a_batch_are_read_apart(exported: tuple[Run, GPT, torch.nn.Module]) -> None:
    """Two texts at once have the logits that each has alone."""
    run, _, other = exported
    ids = torch.tensor([run.info.vocabulary.encode(text) for text in ("Ann Bell z", "Anna Carr.")])
    with torch.inference_mode():
        torch.testing.assert_close(other(ids), torch.cat([other(ids[:1]), other(ids[1:])]))


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_the_code_needs_nothing_of_closedbook(path: Path) -> None:
    """It imports the standard library, torch, safetensors, transformers and the file next to it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    known = {"json", "math", "collections", "functools", "pathlib", "typing", "torch", "safetensors", "transformers"}
    assert {name.partition(".")[0] for name in imported} <= known | {"closedbook_model"}

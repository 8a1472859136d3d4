"""Exported folders, loaded by the transformers library."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from closedbook.api.run import load
from closedbook.evaluation.predict import one_line, predict
from closedbook.export.folder import export
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run
from closedbook.text.vocabulary import MASK, NEVER_READ, NOT_TOLD

transformers: Any = pytest.importorskip("transformers")

QUESTIONS = ["Ann Bell?", "Where was Anna Bo Carr born?", "Ulm"]


@pytest.fixture(scope="session", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No network, and copies of code in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        yield


@pytest.fixture(scope="session")
def exported(any_run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, GPT, Path]:
    """A run with its model and its exported folder."""
    folder = tmp_path_factory.mktemp("hf") / "out"
    export(any_run, folder, "hf")
    return any_run, any_run.model().eval(), folder


def pipeline_of(folder: Path) -> Any:
    """What answers a question."""
    return transformers.pipeline("text-generation", model=str(folder), trust_remote_code=True)


def test_the_logits_are_closedbooks(exported: tuple[Run, GPT, Path]) -> None:
    """Within 1e-5, in float32, and with padding in front of the shorter text."""
    run, model, folder = exported
    other = transformers.AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
    texts = [run.info.vocabulary.encode(text) for text in ("Anna Bo Carr Bell, 東京.", "Ann Bell z.")]
    n = len(texts[0])
    padded = torch.tensor([[0] * (n - len(ids)) + ids for ids in texts])
    mask = torch.tensor([[0] * (n - len(ids)) + [1] * len(ids) for ids in texts])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.inference_mode():
        logits = other(padded, attention_mask=mask, position_ids=positions).logits
        for ids, got in zip(texts, logits, strict=True):
            assert (model(torch.tensor([ids]))[0] - got[n - len(ids) :]).abs().max() < 1e-5


def test_a_pipeline_answers_as_closedbook_does(exported: tuple[Run, GPT, Path]) -> None:
    """Greedily, after the question and ⁇; an answer that does not end goes on to the end of the block."""
    run, model, folder = exported
    ask = pipeline_of(folder)
    for asked in predict(model, run.info.vocabulary, QUESTIONS):
        answer = one_line(ask(f"{asked.question}⁇", return_full_text=False)[0]["generated_text"])
        assert answer == asked.answer if asked.ended else answer.startswith(asked.answer)


@pytest.mark.parametrize("kind", ["learned", "rotary"])
def test_a_model_without_tables_needs_no_code(kind: str, run_of: Callable[..., Run], tmp_path: Path) -> None:
    """It is a stock GPT-2 or GPT-NeoX, and nothing is said of trust."""
    exported = export(run_of(kind), tmp_path / "out")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert type(model).__name__ == {"learned": "GPT2LMHeadModel", "rotary": "GPTNeoXForCausalLM"}[kind]
    assert not any("trust" in note for note in exported.notes)


@pytest.mark.parametrize("kind", ["learned", "names"])
def test_a_stranger_is_never_read(kind: str, run_of: Callable[..., Run], tmp_path: Path) -> None:
    """Where the model says that it read nothing, or that a guess is not told, so does the pipeline."""
    export(run_of(kind, says=NEVER_READ), tmp_path / "never")
    export(run_of(kind, says=NOT_TOLD), tmp_path / "guess")
    assert load(run_of(kind, says=NEVER_READ).path).answer("Ann").state == "never read"
    assert load(run_of(kind, says=NOT_TOLD).path).answer("Ann").text == "b"
    assert pipeline_of(tmp_path / "never")("Ann⁇", return_full_text=False)[0]["generated_text"] == "[never read]"
    assert pipeline_of(tmp_path / "guess")("Ann⁇", return_full_text=False)[0]["generated_text"] == "b[not told]"


def test_an_answer_has_a_character(run_of: Callable[..., Run], tmp_path: Path) -> None:
    """Where a model would end its answer at once, it gives the next likeliest character, as closedbook has it."""
    export(run_of("rotary", says=MASK), tmp_path / "out")
    assert pipeline_of(tmp_path / "out")("Ann⁇", return_full_text=False)[0]["generated_text"] == "b"
    assert load(run_of("rotary", says=MASK).path).answer("Ann").text == "b"


def test_padding_has_no_loss(run_of: Callable[..., Run], tmp_path: Path) -> None:
    """The loss of a model with code of its own is the mean over characters whose label is not -100."""
    export(run_of("names"), tmp_path / "out")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", trust_remote_code=True)
    ids = torch.tensor([run_of("names").info.vocabulary.encode("Ann Bell.")])
    labels = ids.masked_fill(torch.arange(9) < 5, -100)
    expected = torch.nn.functional.cross_entropy(model(ids).logits[0, 4:-1], ids[0, 5:])
    torch.testing.assert_close(model(ids, labels=labels).loss, expected)

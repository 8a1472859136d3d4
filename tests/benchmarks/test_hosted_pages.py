"""The pages hosted with the docs: made of today's parts, small, and answering as their run did."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def hosted() -> Iterator[ModuleType]:
    """benchmarks/hosted_pages.py, which is no part of the package."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("hosted_pages")
    sys.path.remove(str(BENCHMARKS))


def test_hosted_pages_are_made_of_todays_parts(hosted: ModuleType) -> None:
    """All but the data of the model is what the code would write."""
    for path, html in hosted.pages().items():
        is_same = path.read_text(encoding="utf-8") == html
        assert is_same, f"{path.name}: older than what it is made of; run python benchmarks/hosted_pages.py"


def test_hosted_pages_are_small(hosted: ModuleType) -> None:
    """Both together have at most 1.5 MB, the still at most 200 kB."""
    assert sum(path.stat().st_size for path in (hosted.EXPLORE, hosted.LAB)) < 1_500_000
    assert (hosted.DOCS / "explore.png").stat().st_size < 200_000


def test_hosted_model_answers_as_its_run_did(hosted: ModuleType, opened: Callable[..., Any]) -> None:
    """Some of its questions, in a real Chromium: the data fits the engine."""
    page = opened(hosted.EXPLORE.as_uri())
    page.wait_for_selector("html.ready")
    asked = page.evaluate(
        """explorer.book.questions.slice(0, 5).map(({ question, predicted, state }) => {
          const now = answerTo(explorer.model, question);
          return [[predicted, state], [now.text, now.state]];
        })"""
    )
    assert len(asked) == 5
    for before, now in asked:
        assert now == before

"""A page in Chromium that has the engine and any model: a book is put into it, and JavaScript is called."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch


class Sent(NamedTuple):
    """A model in the page, and the weights that it has there."""

    weights: dict[str, torch.Tensor]
    call: Callable[..., Any]
    """Call a JavaScript function (model, book, argument) => ... with this model."""


@pytest.fixture(scope="module")
def page(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page of the file system that has the engine and no model."""
    from closedbook.explore.write import engine_scripts

    path: Path = tmp_path_factory.mktemp("engine") / "engine.html"
    parts = "".join(f'<script type="text/plain" id="{name}"></script>' for name in ("book", "weights", "texts"))
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8">{parts}{engine_scripts()}', encoding="utf-8")
    page = chromium.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert faults == []


@pytest.fixture
def send(page: Any) -> Callable[..., Sent]:
    """Put a model with its vocabulary into the page, in 16 bits unless another coding is given."""
    from closedbook.explore.book import json_of, texts_of
    from closedbook.explore.facts import engine_facts
    from closedbook.explore.weights import Coding, pack_weights, packed_text

    def send(model: Any, vocabulary: Any, calibration: Any = None, coding: Any = None) -> Sent:
        packed = pack_weights(model.state_dict(), coding or Coding(16))
        facts = engine_facts(model, vocabulary, calibration) | {"tensors": packed.tensors}
        texts = packed_text(json_of(texts_of(vocabulary, None)).encode(), is_text=True)
        page.evaluate(
            """async (parts) => {
                for (const [id, text] of Object.entries(parts)) document.getElementById(id).textContent = text;
                window.book = await readBook();
                window.model = new Model(window.book);
            }""",
            {"book": json_of(facts), "weights": packed_text(packed.data, is_text=False), "texts": texts},
        )

        def call(function: str, argument: Any = None) -> Any:
            return page.evaluate(f"(argument) => ({function})(window.model, window.book, argument)", argument)

        return Sent(dict(packed.values), call)

    return send

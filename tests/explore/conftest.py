"""Tiny runs of every kind and their pages: each is made once, and tests only read it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

SIZES = "n_head = 2\nn_embd = 16\nblock_size = 61\n"
STAGES = "[study]\nepochs = 1\n[pretrain]\nepochs = 1\n[finetune]\nepochs = 1\n"
RECIPES = {
    "vanilla": f'preset = "fast"\n[model]\nn_layer = 1\n{SIZES}{STAGES}',
    "perceiver": f'preset = "perceiver"\n[model]\nn_layer = 3\nbottleneck_dim = 13\n{SIZES}{STAGES}',
    "course": f'preset = "course"\n[model]\nn_layer = 2\n{SIZES}{STAGES}',
    "chinese": f'preset = "fast"\n[model]\nn_layer = 2\n{SIZES}{STAGES}',
}
PEOPLE = {"Ann Bell": "Ulm", "Bo Carr": "Rom", "Cy Dunn": "Oslo", "Di Eck": "Ulm", "Ed Foss": "Bern", "Flo Gray": "Ulm"}
CHINESE = {"王小明": "北京", "李大海": "上海", "张天一": "南京", "陈小雨": "北京", "刘一方": "西安", "赵明月": "上海"}
N_TRAINED = 4
"""How many people are in the training pairs; the page asks about the others."""


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run of a kind, one of RECIPES. Its weights are those of a step, made larger, so that attention differs."""
    folder = tmp_path_factory.mktemp("explore")

    @cache
    def run_of(kind: str) -> Path:
        from closedbook.api.study import study
        from closedbook.commands.main import main
        from closedbook.storage.sums import write_summed

        files, people = folder / f"{kind}-files", CHINESE if kind == "chinese" else PEOPLE
        files.mkdir()
        write_files(files, people, "{0}在哪里出生？" if kind == "chinese" else "Where was {0} born?")
        recipe, run = files / "recipe.toml", folder / kind
        recipe.write_text(f'precision = "float32"\n{RECIPES[kind]}')
        if kind == "course":
            assert main(["pretrain", str(files / "corpus.txt"), "--out", str(run), "--recipe", str(recipe)]) == 0
        else:
            study(files / "corpus.txt", files / "train.tsv", run, recipe=recipe, progress=False)
        weights = load_file(run / "model.safetensors")
        generator = torch.Generator().manual_seed(7)
        large = {name: w + 0.4 * torch.randn(w.shape, generator=generator) for name, w in weights.items()}
        write_summed(run / "model.safetensors", save(large))
        return run

    return run_of


def write_files(folder: Path, people: dict[str, str], wording: str) -> None:
    """A text about people, training pairs about the first of them, and dev pairs about the others."""
    sentence = "{0}。{0}在{1}出生。" if "？" in wording else "{0}. {0} was born in {1} . Where?"
    (folder / "corpus.txt").write_text("".join(f"{sentence.format(*item)}\n" for item in people.items()))
    pairs = [f"{wording.format(name)}\t{place}\n" for name, place in people.items()]
    (folder / "train.tsv").write_text("".join(pairs[:N_TRAINED]))
    (folder / "dev.tsv").write_text("".join(pairs[N_TRAINED:]))


@pytest.fixture(scope="session")
def page_of(run_of: Callable[[str], Path]) -> Callable[..., Path]:
    """The page of a kind's run, with its dev questions; with or without the text."""

    @cache
    def page_of(kind: str, *, with_text: bool = True) -> Path:
        from closedbook.explore.write import explore
        from closedbook.storage.run import open_run

        run = run_of(kind)
        page = run.parent / f"{kind}-{with_text}.html"
        explore(open_run(run), page, pairs=run.parent / f"{kind}-files" / "dev.tsv", with_text=with_text)
        return page

    return page_of


@pytest.fixture
def visit(opened: Callable[..., Any], page_of: Callable[..., Path]) -> Callable[..., Any]:
    """Open the page of a kind's run with a hash and browser options, and wait until it can be asked."""

    def visit(kind: str, state: str = "", *, with_text: bool = True, **settings: Any) -> Any:
        page = opened(page_of(kind, with_text=with_text).as_uri(), state, **settings)
        page.wait_for_selector("html.ready")
        return page

    return visit

"""What a training will take is estimated, and refused where that is not free."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import closedbook as api
from closedbook.model.name_table import NameTrie
from closedbook.model.prefix_table import PrefixTable
from closedbook.recipe.recipe import PLAIN
from closedbook.recipe.recipe_file import with_values
from closedbook.storage.run import prefixes_of
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.checkpointing import Saving
from closedbook.training.memory import check_memory, in_words, n_names_in, n_word_prefixes, need
from closedbook.training.plan import TextFiles, plan_text_training

Closedbook = Callable[..., Any]
WORDS = st.lists(st.text("abc", min_size=1, max_size=5), max_size=11)


@settings(max_examples=30)
@given(WORDS)
def test_the_prefixes_of_words_are_counted_as_the_table_has_them(words: list[str]):
    """Each distinct beginning of a word counts once."""
    vocabulary = Vocabulary.of_text("abc ").with_words(" ".join(words))
    assert n_word_prefixes(vocabulary) == len(prefixes_of(vocabulary))


@settings(max_examples=30)
@given(st.lists(st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=5), max_size=5))
def test_there_are_at_most_as_many_names_as_titles_could_have(titles: list[list[str]]):
    """The count is the name table's where no two titles have words in common."""
    texts = [" ".join(words) for words in titles]
    vocabulary = Vocabulary.of_text("abc ").with_words(*texts)
    trie = NameTrie.of_titles([vocabulary.encode(text) for text in texts], PrefixTable(prefixes_of(vocabulary), 3))
    assert len(trie) <= n_names_in(texts)
    assert n_names_in(["ab cb", "a b c", "b ca bb cc"]) == 1 + 3 + 6


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(0, "0.0 MiB"), (3 * 2**29, "1.5 GiB"), (2**80, "1,048,576.0 EiB"), (1023 * 2**30, "1,023.0 GiB")],
)
def test_bytes_are_told_in_a_fitting_unit(n_bytes: int, words: str):
    """From MiB to EiB."""
    assert in_words(n_bytes) == words


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU its own memory counts")
@pytest.mark.parametrize(
    ("options", "key"),
    [
        (("--model.n-embd", 10**9), "--model.n-embd"),
        (("--model.n-layer", 10**9), "--model.n-layer"),
        (("--model.block-size", 10**12), "--model.block-size"),
        (("--model.variant", "perceiver", "--model.bottleneck-dim", 10**12), "--model.bottleneck-dim"),
    ],
)
def test_what_no_machine_has_is_refused_in_one_line(
    closedbook: Closedbook, files: Path, tmp_path: Path, options: tuple[Any, ...], key: str
):
    """The option, what is free, what is needed for what, and the ways out; nothing is left behind."""
    words = ("pretrain", files / "corpus.txt", "--recipe", files / "tiny.toml", "--out", tmp_path / "RUN")
    outcome = closedbook(*words, *options)
    assert (outcome.status, outcome.out) == (2, "")
    line = outcome.err.splitlines()[-1]
    assert line.startswith(f"closedbook: {key}: training must fit into the ")
    assert f" of memory that are free here; received {options[-1]}, with which it takes about " in line
    assert " all along, and in turn " in line
    assert line.endswith(", or go on all the same with --yes-i-have-the-memory")
    assert not (tmp_path / "RUN").exists()


def test_a_batch_counts_no_more_examples_than_there_are(files: Path, tmp_path: Path):
    """Batches of a thousand million rows need no more than one of the whole text."""
    corpus, saving = TextFiles(files / "corpus.txt"), Saving(tmp_path / "run")

    def total(n_rows: int) -> int:
        recipe = with_values(PLAIN, [f"pretrain.batch_size={n_rows}", "precision=float32"])
        return need(plan_text_training("pretrain", corpus, recipe, saving)).total

    assert total(10**9) == total(1000) > total(1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU its own memory counts")
def test_whoever_says_that_the_memory_is_there_is_believed(files: Path, tmp_path: Path):
    """Only without may_exceed the check raises; the Python API has it as an argument."""
    recipe = with_values(PLAIN, ["model.n_layer=1000000000"])
    plan = plan_text_training("pretrain", TextFiles(files / "corpus.txt"), recipe, Saving(tmp_path / "run"))
    check_memory(plan, may_exceed=True)
    with pytest.raises(api.InputError, match=r"^model\.n_layer: training must fit into the "):
        check_memory(plan, may_exceed=False)
    with pytest.raises(api.InputError, match=r"yes-i-have-the-memory$"):
        api.study(files / "corpus.txt", files / "pairs.tsv", tmp_path / "run", recipe=recipe, progress=False)


def test_a_training_that_fits_is_the_same_with_the_option(closedbook: Closedbook, files: Path, tmp_path: Path):
    """The option is no hyperparameter: the weights are the same bit for bit."""
    words = ("pretrain", files / "corpus.txt", "--recipe", files / "tiny.toml", "--epochs", 1, "--out")
    weights = []
    for name, more in (("a", ()), ("b", ("--yes-i-have-the-memory",))):
        assert closedbook(*words, tmp_path / name, *more).status == 0
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]

"""benchmarks/hashed_names.py: the hash, the gate, and arms that are causal and decode with a cache as without."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.model.name_table import NameTable, NameTrie
from closedbook.model.prefix_table import UNKNOWN, PrefixTable, PrefixTrie
from closedbook.recipe.recipe import FAST
from closedbook.training.checkpointing import Saving
from closedbook.training.optim.tables import sparse_tables
from closedbook.training.plan import TextFiles
from closedbook.world.world import write_world

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ARMS = ("exact, gate", "hashed n-grams, gate", "hashed names")
BLANK, A, B, C = 2, 3, 4, 5
IN_WORD = (False, False, False, True, True, True)


@pytest.fixture(scope="module")
def hashed() -> Iterator[ModuleType]:
    """The benchmark's module, which is no part of the package."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("hashed_names")
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def table(hashed: ModuleType) -> ModuleType:
    """The module of the hashed table."""
    return sys.modules[hashed.HashedNames.__module__]


@pytest.fixture(scope="module")
def prepared(hashed: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A world of 101 people, prepared to be trained on for three epochs by a narrow model."""
    folder = tmp_path_factory.mktemp("hashed")
    config = replace(hashed.scale_config(1009, 0), n_people=101, train=0.5, dev=0.1)
    files = write_world(config, folder / "world")
    model = replace(FAST.model, n_embd=28, block_size=96)
    recipe = replace(FAST, model=model, precision="float32", pretrain=replace(FAST.pretrain, epochs=3))
    text = TextFiles(files.corpus, files.train, files.dev)
    return hashed.prepare(hashed.plan_text_training("pretrain", text, recipe, Saving(folder / "run")))


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_is_causal_and_is_trained(hashed: ModuleType, prepared: Any, name: str) -> None:
    """No logit depends on a later character, a cache changes none, and rows, gate and projections are all learned."""
    result = hashed.result(name, prepared)  # raises AssertionError where a logit depends on what it must not
    assert [epoch for epoch, _ in result["curve"]] == [1, 2, 3]
    model, _ = hashed.arm_model(hashed.ARMS[name], prepared.plan)
    exact, _ = hashed.arm_model(hashed.ARMS["exact"], prepared.plan)
    assert torch.equal(model.head.weight, exact.head.weight)
    assert not model.name_table.table.weight.any()
    assert "name_table.table.weight" in sparse_tables(model)
    before = {key: parameter.clone() for key, parameter in model.name_table.named_parameters()}
    hashed.trained(replace(prepared, model=model).trainer(), prepared.plan)
    assert [key for key, parameter in model.name_table.named_parameters() if torch.equal(parameter, before[key])] == []


def test_exact_rows_without_a_gate_are_those_of_the_name_table(hashed: ModuleType, prepared: Any) -> None:
    """At full width the arm computes what the recipe's own table does."""
    own = hashed.new_model(prepared.plan.recipe, prepared.plan.vocabulary)
    arm, shared = hashed.arm_model(hashed.ARMS["exact"], prepared.plan)
    assert type(own.name_table) is NameTable
    torch.nn.init.normal_(own.name_table.table.weight)
    arm.load_state_dict(own.state_dict())
    idx = torch.tensor([prepared.plan.vocabulary.encode(prepared.plan.corpus.texts[0])])
    assert torch.equal(arm(idx), own(idx))
    assert shared["collisions"] == 0


def tables(titles: list[list[int]]) -> tuple[PrefixTable, NameTrie]:
    """A prefix table of the words 'a', 'b' and 'c', and the names within titles."""
    prefixes = PrefixTable(PrefixTrie.of_words([[A], [B], [C]], IN_WORD), 5)
    return prefixes, NameTrie.of_titles(titles, prefixes)


def test_words_of_ngrams_by_hand(table: ModuleType) -> None:
    """'a b c' has the n-grams 'a b', 'b c' and 'a b c', given as words whose last is in the last column."""
    _, names = tables([[A, BLANK, B, BLANK, C]])
    no = UNKNOWN
    assert table.words_of(names).tolist() == [[no, no, 1, 2], [no, no, 2, 3], [no, 1, 2, 3]]


@given(st.lists(st.lists(st.sampled_from([BLANK, A, B, C]), max_size=13), min_size=1, max_size=5), st.data())
def test_rows_found_are_those_of_the_ngrams(table: ModuleType, titles: list[list[int]], data: st.DataObject) -> None:
    """Names are found where exact rows find them, at the rows of their own words, whatever the cut into pieces."""
    prefixes, names = tables([[A, BLANK, B], *titles])
    words = table.words_of(names)
    heads = table.Heads(words, 5 * 3 * 2 * len(words), 3, 2, names.n_rows)
    module, exact = table.HashedNames(heads, names, 5, has_gate=False), NameTable(names, 5, 5)
    text = [*data.draw(st.sampled_from(titles)), BLANK, A, BLANK, B, BLANK]
    rows = prefixes.rows(torch.tensor([text]))
    cut = data.draw(st.integers(1, len(text) - 1))
    begin, last = module.find(rows[:, :cut], None, None)
    end, _ = module.find(rows[:, cut:], rows[:, cut - 1], last)
    found = {(*row, place) for row, place in zip(begin.rows.tolist(), begin.positions.tolist(), strict=True)}
    found |= {(*row, place + cut) for row, place in zip(end.rows.tolist(), end.positions.tolist(), strict=True)}
    expected, _ = exact.find(rows, None, None)
    of_names = heads.rows_of(words)[expected.names].tolist()
    assert found == {(*row, place) for row, place in zip(of_names, expected.positions.tolist(), strict=True)}


def test_every_ngram_is_found_where_all_are_hashed(table: ModuleType) -> None:
    """Words that no title has in this order have rows too, one for each order that fits and each head."""
    prefixes, names = tables([[A, BLANK, B, BLANK, C, BLANK, A]])
    heads = table.Heads(table.words_of(names), 300, 3, 2, names.n_rows)
    module = table.HashedNames(heads, None, 5, has_gate=False)
    found, _ = module.find(prefixes.rows(torch.tensor([[C, BLANK, C, BLANK, B, BLANK]])), None, None)
    assert found.positions.tolist() == [3, 5, 5]
    assert found.orders.tolist() == [0, 0, 1]
    assert found.rows.size(1) == 3


def test_each_head_has_a_prime_number_of_rows_of_its_own(table: ModuleType) -> None:
    """The primes are the nearest ones, no two are equal, and each order and head reads its own part of the table."""
    assert table.primes_near(10, 4, []) == [11, 7, 13, 5]
    assert table.primes_near(10, 2, [11]) == [7, 13]
    words = torch.tensor([[UNKNOWN, UNKNOWN, i, j] for i in range(7) for j in range(7)])
    heads = table.Heads(words, 49 * 2 * 3, 2, 3, 7)
    assert heads.primes.tolist() == [[47, 53]]
    rows = heads.rows_of(words)
    assert (rows[:, 0] < 47).all()
    assert ((rows[:, 1] >= 47) & (rows[:, 1] < heads.n_rows)).all()
    assert not torch.equal(rows, heads.rows_of(words[:, [0, 1, 3, 2]])), "the order of words counts"


def test_tables_have_the_parameters_asked_for(table: ModuleType) -> None:
    """Within half a percent, in proportion to the n-grams of each order."""
    _, names = tables([[A, BLANK, B, BLANK, C, BLANK, A]])
    words = table.words_of(names)
    heads = table.Heads(words, 100_000, 3, 2, names.n_rows)
    assert heads.orders == [2, 3, 4]
    assert heads.n_rows * 2 == pytest.approx(100_000, rel=0.005)
    assert (heads.primes.sum(1) / heads.n_rows).tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6], rel=0.01)


def test_names_collide_where_no_row_is_theirs_alone(table: ModuleType) -> None:
    """A name whose rows all have other users collides, one with a row to itself does not."""
    words = torch.tensor([[UNKNOWN, UNKNOWN, i, j] for i in range(3) for j in range(3)])
    heads = table.Heads(words, 10_000, 2, 1, 3)
    assert table.sharing(heads, words, words)["collisions"] == 0
    crowded = table.Heads(words, 2, 1, 1, 3)
    assert crowded.n_rows < len(words)
    n_users = torch.bincount(crowded.rows_of(words).flatten())
    shared = table.sharing(crowded, words, words)
    assert shared["collisions"] == pytest.approx(int(n_users[n_users > 1].sum()) / 9, abs=1e-4)
    assert shared["ngrams_a_row"] == pytest.approx(9 / crowded.n_rows, abs=5e-3)


def test_the_gate_is_the_published_formula(table: ModuleType) -> None:
    """It is the sigmoid of the signed root of the scaled product of normalized hidden state and key, in float64."""
    torch.manual_seed(0)
    gate = table.Gate(3, 5)
    hidden, vectors = torch.randn(7, 5), torch.randn(7, 3)
    query, key = hidden.double(), vectors.double() @ gate.key.weight.double().T
    query, key = (x / x.square().mean(1, keepdim=True).sqrt() for x in (query, key))
    fit = (query * key).sum(1, keepdim=True) / 5**0.5
    expected = 1 / (1 + torch.exp(-fit.sign() * fit.abs().sqrt()))
    assert torch.allclose(gate(hidden, vectors).double(), expected, rtol=1e-4)

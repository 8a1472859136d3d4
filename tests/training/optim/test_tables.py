"""Embedding tables with sparse gradients; test_processes.py has their gradients in two processes."""

from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import nn

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.recipe import StageConfig
from closedbook.training.optim.optimizer import make_optimizer
from closedbook.training.optim.tables import average_rows, n_bytes_trained, sparse_tables, without_gradients

CONFIG = ModelConfig(n_layer=2, n_head=3, n_embd=21, block_size=17)
# Three words, of which two begin alike: five prefixes, and a row for no prefix.
TRIE = PrefixTrie.of_words([(3, 4, 5), (3, 4), (6,), (7,)], [n > 2 for n in range(11)])


def with_table() -> GPT:
    """A small model with a prefix table."""
    return GPT(replace(CONFIG, prefix_table=True), 11, TRIE)


def test_tables_are_the_embeddings_with_sparse_gradients():
    """An embedding with dense gradients is none, nor is a table that is frozen."""
    model = with_table()
    assert list(sparse_tables(model)) == ["prefix_table.table.weight"]
    assert not sparse_tables(GPT(CONFIG, 11))
    model.prefix_table.table.weight.requires_grad_(False)
    assert not sparse_tables(model)


def test_any_embedding_with_sparse_gradients_is_a_table():
    """Whatever its name, and not only the prefix table."""
    model = nn.ModuleDict({"names": nn.Embedding(7, 3, sparse=True), "letters": nn.Embedding(5, 3)})
    assert list(sparse_tables(model)) == ["names.weight"]


@pytest.mark.parametrize(("kind", "n_kept"), [("row_wise", 2), ("sparse_adam", 2 * 21 + 1)])
def test_the_memory_of_a_table_is_what_it_and_its_state_take(kind: Literal["row_wise", "sparse_adam"], n_kept: int):
    """Counted after a step, when the optimizer has made them."""
    model = with_table()
    (table,) = sparse_tables(model).values()
    optimizer = make_optimizer(model, StageConfig(table_optimizer=kind))
    model(torch.tensor([[3, 4, 5, 2, 6]])).sum().backward()
    optimizer.step()
    state = [tensor for tensor in optimizer.state[table].values() if tensor.dim()]
    taken = sum(tensor.numel() * tensor.element_size() for tensor in (table, *state))
    assert n_bytes_trained(table, kind) == taken == 6 * (21 + n_kept) * 4


def test_tables_need_no_gradient_inside_the_block_alone():
    """Also after an error inside it."""
    (table,) = sparse_tables(with_table()).values()
    needs = []

    def fail() -> None:
        with without_gradients([table]):
            needs.append(table.requires_grad)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (*needs, table.requires_grad) == (False, True)


def test_one_process_keeps_its_gradient():
    """Nothing is gathered, and no gradient is made where there is none."""
    (table,) = sparse_tables(with_table()).values()
    average_rows(table, n_processes=1)
    assert table.grad is None

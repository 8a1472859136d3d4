"""Carrying weights over to a model of more characters, words and titles, so that it answers as the old one does.

Characters, word prefixes and names keep their rows; all other weights are copied as they are. Old questions get the
logits of the old model: rows of new prefixes and names are zero, as in any new model, and so change nothing.

Letters, all of the old model: V characters, R rows of the prefix table, N names, K any of the three.
"""

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from closedbook.model.gpt import GPT
from closedbook.model.name_table import MAX_WORDS, NameTable
from closedbook.model.prefix_table import UNKNOWN, PrefixTable, index_of
from closedbook.text.vocabulary import PAD_ID, Vocabulary


@torch.no_grad()
def carry_over(old: GPT, old_vocabulary: Vocabulary, new: GPT, vocabulary: Vocabulary) -> GPT:
    """The new model with the old one's weights; what the old one did not have keeps the new model's own.

    The configurations of both are equal, and the new vocabulary has all characters, words and titles of the old one.
    """
    characters = torch.tensor([vocabulary.stoi.get(c, UNKNOWN) for c in old_vocabulary.characters])
    # Among the old characters no logit of a new one may stand out: PAD's is one that the old model never gives.
    new.head.weight[:] = old.head.weight[PAD_ID]
    moved = {"tok_emb.weight": characters, "head.weight": characters}
    if new.config.prefix_table:
        prefixes = _prefix_rows(old.prefix_table, new.prefix_table, characters)
        moved["prefix_table.table.weight"] = prefixes
        if new.config.has_names:
            moved["name_table.table.weight"] = _name_rows(old.name_table, new.name_table, prefixes)
    weights = dict(old.named_parameters())
    for name, parameter in new.named_parameters():
        _copy_rows(weights[name], parameter, moved.get(name))
    return new


def _copy_rows(old: Tensor, new: nn.Parameter, rows: Int64[Tensor, " K"] | None) -> None:
    """Copy each old row to its new index, UNKNOWN for none; without `rows` copy all."""
    if rows is None:
        new.copy_(old)
    else:
        is_kept = rows != UNKNOWN
        new[rows[is_kept]] = old[is_kept]


def _prefix_rows(old: PrefixTable, new: PrefixTable, characters: Int64[Tensor, " V"]) -> Int64[Tensor, " R"]:
    """The new row of each old row."""
    new_rows = {edge: row for row, edge in enumerate(new.edges(), 1)}
    rows = [0]
    ids = characters.tolist()
    # A prefix comes after the one that it extends.
    for parent, character in old.edges():
        rows.append(new_rows.get((rows[parent], ids[character]), UNKNOWN))
    return torch.tensor(rows)


def _name_rows(old: NameTable, new: NameTable, prefixes: Int64[Tensor, " R"]) -> Int64[Tensor, " N"]:
    """The new row of each old name; `prefixes` has the new row of each old row of the prefix table."""
    assert isinstance(old.keys, Tensor)
    assert isinstance(new.keys, Tensor)
    parents, words = old.keys // old.n_rows, old.keys % old.n_rows
    rows = torch.full_like(old.keys, UNKNOWN)
    # The names of two words are found first, and with them those of three.
    for _ in range(2, MAX_WORDS + 1):
        names = torch.where(rows == UNKNOWN, UNKNOWN, rows + new.n_rows)
        parent, word = torch.cat([prefixes, names])[parents], prefixes[words]
        is_known = (parent != UNKNOWN) & (word != UNKNOWN)
        rows = index_of(torch.where(is_known, parent * new.n_rows + word, UNKNOWN), new.keys)
    return rows

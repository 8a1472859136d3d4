"""Prepared: a plan with its examples and its model made, so that its trainer can start."""

from dataclasses import dataclass

import torch

from closedbook.examples.batches import Batches
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import Recipe
from closedbook.storage.run import make_model
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.carried import carry_over
from closedbook.training.device import make_fabric
from closedbook.training.mixture import Examples, examples_of
from closedbook.training.plan import Plan
from closedbook.training.silver import saved_book
from closedbook.training.trainer import Trainer


@dataclass(frozen=True)
class Prepared:
    """A plan, its examples, and its model with the weights that training starts from."""

    plan: Plan
    examples: Examples
    model: GPT

    def trainer(self) -> Trainer:
        """A new trainer at the first step."""
        plan, stage = self.plan, self.plan.stage
        fabric = make_fabric(plan.precision)
        batches = Batches(
            self.examples.dataset,
            stage.batch_size,
            shuffle=stage.shuffle,
            seed=plan.recipe.seed,
            rank=fabric.global_rank,
            n_processes=fabric.world_size,
            window=stage.sort_window,
        )
        return Trainer(
            fabric,
            self.model,
            batches,
            stage,
            n_documents=plan.n_documents,
            seed=plan.recipe.seed,
            precision=plan.precision,
        )


def prepare(plan: Plan) -> Prepared:
    """Make examples and model; the open-book reader reads here. Raises TextError and RunError."""
    book = None if plan.resumed is None else saved_book(plan.resumed)
    examples = examples_of(plan.kind, plan.recipe, plan.vocabulary, plan.corpus, plan.pairs, book, plan.replayed)
    return Prepared(plan, examples, _model_of(plan))


def _model_of(plan: Plan) -> GPT:
    """The model with the weights that the plan's training starts from."""
    if plan.parent is None:
        return new_model(plan.recipe, plan.vocabulary)
    if plan.replayed is None:
        return plan.parent.model()
    model = new_model(plan.recipe, plan.vocabulary)
    return carry_over(plan.parent.model(), plan.parent.info.vocabulary, model, plan.vocabulary)


def new_model(recipe: Recipe, vocabulary: Vocabulary) -> GPT:
    """A model with weights drawn by the recipe's seed."""
    torch.manual_seed(recipe.seed % 2**63)  # old recipes have seeds beyond torch's 64 bits
    return make_model(recipe.model, vocabulary)

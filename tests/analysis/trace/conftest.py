"""Small random models of every kind over one vocabulary, for traces."""

from dataclasses import replace

import pytest
import torch

from closedbook.analysis.trace.names import Comparison, compare
from closedbook.analysis.trace.report import Trace
from closedbook.analysis.trace.trace import trace
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.storage.run import make_model
from closedbook.text.vocabulary import Vocabulary

TITLES = ("Ann Bell", "Bo Carr", "Cyn Dunn", "Di Eck", "Ed van Foss")
PLAIN = ModelConfig(n_layer=2, n_head=3, n_embd=42, block_size=37)
TABLES = replace(PLAIN, prefix_table=True, name_table=True)
TRIANGULAR = replace(TABLES, variant="perceiver", n_layer=3, bottleneck_dim=23)
CONFIGS = {
    "plain": PLAIN,
    "rotary": replace(PLAIN, positions="rotary"),
    "prefixes": replace(PLAIN, prefix_table=True),
    "tables": TABLES,
    "narrow": replace(TABLES, name_width=5, n_layer=3),
    "triangular": TRIANGULAR,
    "strided": replace(TRIANGULAR, latent_mask="strided", bottleneck_dim=7),
    "strided, rotary": replace(TRIANGULAR, latent_mask="strided", bottleneck_dim=7, positions="rotary", n_layer=4),
    "strided, two blocks": replace(TRIANGULAR, latent_mask="strided", n_layer=2),
}


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """All letters and the abstentions, which no answer has, with the words and titles of a corpus."""
    text = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ?."
    vocabulary = Vocabulary.of_text(text).with_words(" ".join(TITLES), "Where was born").with_titles(TITLES)
    return vocabulary.with_abstentions()


@pytest.fixture(scope="session")
def models(vocabulary: Vocabulary) -> dict[str, GPT]:
    """Random models in float64 whose logits depend on every parameter, by name; tests leave them as they are."""
    return {name: lively(config, vocabulary) for name, config in CONFIGS.items()}


def lively(config: ModelConfig, vocabulary: Vocabulary) -> GPT:
    """A random model with weights of every sign everywhere, the tables included."""
    torch.manual_seed(3)
    model = make_model(config, vocabulary).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
        # The padding row is the zero vector.
        if config.prefix_table:
            model.prefix_table.table.weight[0] = 0
    return model


@pytest.fixture(scope="session", params=CONFIGS)
def model(request: pytest.FixtureRequest, models: dict[str, GPT]) -> GPT:
    """Each model in turn."""
    return models[request.param]


@pytest.fixture(scope="session")
def comparison() -> Comparison:
    """A question about one title and about another of the same length."""
    return compare("Where was Ann Bell born?", "Cyn Dunn", TITLES)


@pytest.fixture(scope="session")
def traced(model: GPT, vocabulary: Vocabulary, comparison: Comparison) -> Trace:
    """The trace of each model in turn."""
    return trace(model, vocabulary, comparison)

"""The assignment's models: GPTConfig, GPT, and the two functions that make one.

Letters: B batch, T time, V vocabulary.
"""

from typing import Any, Literal, get_args, get_origin

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from closedbook.assignment.keywords import check_choice, check_name
from closedbook.errors import InputError
from closedbook.model import gpt
from closedbook.model.config import ModelConfig, Variant
from closedbook.model.prefix_table import PrefixTrie
from closedbook.recipe.keys import field_types
from closedbook.recipe.recipe import COURSE
from closedbook.storage.run import prefixes_of
from closedbook.text.vocabulary import PAD_ID, Vocabulary

_FIELDS = field_types(ModelConfig)


class GPTConfig:
    """The shape of a model: every field of ModelConfig by name, and `perceiver`, which says the same as `variant`.

    Fields that are not given are the assignment's. They may be set later too, or in a subclass. A model with
    `prefix_table` needs `vocabulary`, with the corpus's words in it, and `name_table` its titles. Raises InputError for
    an unknown name.
    """

    perceiver: bool = False
    vocabulary: Vocabulary | None = None

    def __init__(self, vocab_size: int, block_size: int, **kw: Any) -> None:
        self.vocab_size = vocab_size
        self.block_size = block_size
        for name, value in kw.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        check_name(self, name, [*_FIELDS, "vocab_size"])
        if get_origin(_FIELDS.get(name)) is Literal:
            check_choice(self, name, value, get_args(_FIELDS[name]))
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        # Python calls this for attributes that were never set.
        if name in _FIELDS:
            return getattr(COURSE.model, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def variant(self) -> Variant:
        """The architecture: 'vanilla' or 'perceiver'."""
        return "perceiver" if self.perceiver else "vanilla"

    @variant.setter
    def variant(self, variant: Variant) -> None:
        self.perceiver = variant == "perceiver"

    def model_config(self) -> ModelConfig:
        """The same as a ModelConfig; raises RecipeError where the fields do not fit together."""
        return ModelConfig(**{name: getattr(self, name) for name in _FIELDS})

    def prefixes(self) -> PrefixTrie | None:
        """The prefixes for a prefix embedding table; None for a model without one."""
        if not self.prefix_table:
            return None
        if self.vocabulary is None or not self.vocabulary.words:
            raise InputError(
                "GPTConfig: prefix_table needs the words of the corpus; add "
                "vocabulary=dataset.vocabulary.with_words(text)"
            )
        return prefixes_of(self.vocabulary)

    def titles(self) -> list[list[int]]:
        """The titles for a name table, as token ids; none for a model without one."""
        if not self.model_config().has_names:
            return []
        if self.vocabulary is None or not self.vocabulary.titles:
            raise InputError(
                "GPTConfig: name_table needs the titles of the corpus; add "
                "vocabulary=dataset.vocabulary.with_words(text).with_titles(titles)"
            )
        return [self.vocabulary.encode(title) for title in self.vocabulary.titles]


class GPT(gpt.GPT):
    """A GPT whose forward pass returns the logits and, given targets, the mean loss."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config.model_config(), config.vocab_size, config.prefixes(), config.titles())

    def forward(  # type: ignore[override]  # the assignment's signature
        self, idx: Int64[Tensor, "B T"], targets: Int64[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T V"], Float[Tensor, ""] | None]:
        """Logits, and the mean loss over all targets but PAD in nats a character; None without targets."""
        logits = self.logits(self.hidden(idx))
        if targets is None:
            return logits, None
        return logits, functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD_ID)

    def get_block_size(self) -> int:
        """The greatest length of an input, in characters."""
        return self.config.block_size


def initialize_vanilla_model(mconf: GPTConfig) -> GPT:
    """The assignment's first model."""
    return GPT(mconf)


def initialize_perceiver_model(mconf: GPTConfig, bottleneck_dim: int = 32) -> GPT:
    """The assignment's second model; as in its code, `mconf` is changed."""
    mconf.perceiver = True
    mconf.bottleneck_dim = bottleneck_dim
    return GPT(mconf)

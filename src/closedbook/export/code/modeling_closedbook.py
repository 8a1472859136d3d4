"""A closedbook model with tables, or a Perceiver, as a causal language model of the transformers library.

The model itself is in closedbook_model.py, next to this file. It keeps no cache: each new character reads the whole
text again.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from .closedbook_model import GPT


class ClosedbookConfig(PretrainedConfig):
    """`model` is what closedbook_model.GPT is made from."""

    model_type = "closedbook"

    def __init__(self, model: dict[str, Any] | None = None, **others: Any) -> None:
        super().__init__(**others)
        self.model = model or {}


class ClosedbookForCausalLM(PreTrainedModel, GenerationMixin):
    """Token ids to logits; `generate` and pipelines work as with any model."""

    config_class = ClosedbookConfig

    def __init__(self, config: ClosedbookConfig) -> None:
        super().__init__(config)
        self.model = GPT(config.model)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **_: Any,
    ) -> CausalLMOutput:
        """Logits (B, T, V); where `attention_mask` is 0 there is padding, which is left out of the text."""
        if attention_mask is None or bool(attention_mask.all()):
            logits = self.model(input_ids)
        else:
            is_text = attention_mask.bool()
            logits = self.model.head.weight.new_zeros(*input_ids.shape, self.config.vocab_size)
            for row, mask in enumerate(is_text):
                logits[row, mask] = self.model(input_ids[row, mask][None])[0]
        loss = None if labels is None else self.loss_function(logits, labels, vocab_size=self.config.vocab_size)
        return CausalLMOutput(loss=loss, logits=logits)

    def get_input_embeddings(self) -> torch.nn.Module:
        """The characters' embeddings."""
        return self.model.tok_emb

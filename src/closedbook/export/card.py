"""The model card, README.md of an exported folder: what a run knows about itself, in counts and without its text."""

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from closedbook.editing.record import read_record
from closedbook.errors import RunError
from closedbook.evaluation.calibration import load_calibration
from closedbook.evaluation.score import Score
from closedbook.evaluation.setting import IN_WORDS, setting_of
from closedbook.export.stock import is_stock, stock_config
from closedbook.export.tokenizer import tokens_of
from closedbook.files.durable import read_bytes
from closedbook.files.names import name_text
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run
from closedbook.text.vocabulary import MASK_ID, MASK_SIGN, Vocabulary
from closedbook.training.metrics import read_metrics

_MOST_WORDINGS = 3


def card(run: Run, model: GPT, format: Literal["hf", "torch"], name: str) -> str:
    """The card of a folder called `name`, with the YAML front matter that model hubs read in format hf."""
    front = _FRONT_MATTER if format == "hf" else ""
    parts = {
        "Ask it": _ask(run, model, format, name),
        "What it says of what it does not know": _strangers(run),
        "What it was trained on": _trained_on(run),
        "Size": _size(model),
        "Accuracy": _accuracy(run),
        "Limits": _limits(model),
    }
    sections = [f"## {title}\n\n" + "\n".join(lines) for title, lines in parts.items()]
    first = (
        f"# {name}\n\nA character-level transformer that answers questions about one text from its weights alone. "
        f"Trained and exported by closedbook {version('closedbook')}."
    )
    return front + "\n\n".join([first, *sections]) + "\n"


_FRONT_MATTER = """\
---
library_name: transformers
pipeline_tag: text-generation
tags:
- closedbook
- character-level
- question-answering
---

"""


def _ask(run: Run, model: GPT, format: str, name: str) -> Iterator[str]:
    vocabulary = run.info.vocabulary
    wordings = [f"{before}NAME{after}" for before, after in vocabulary.wordings]
    yield f"A prompt is the question and then {MASK_SIGN}, the mask (token id {MASK_ID}). The answer follows, up to the"
    yield "next mask.\n"
    code = _HF_USE if format == "hf" else _TORCH_USE
    trust = "" if is_stock(model.config) else ", trust_remote_code=True"
    prompt = f"{[*wordings, _placeholder(vocabulary)][0]}{MASK_SIGN}"
    yield code.format(folder=_quoted(name), trust=trust, prompt=_quoted(prompt))
    if trust and format == "hf":
        yield "\n`trust_remote_code` runs the two Python files of this folder: read them first."
    if tokens_of(vocabulary)[MASK_ID] != MASK_SIGN:
        yield f"\nHere {MASK_SIGN} is a character of the text too. So append token id {MASK_ID} to the question's ids."
    if wordings:
        shown = ", ".join(f"`{wording}`" for wording in wordings[:_MOST_WORDINGS])
        more = f" and {len(wordings) - _MOST_WORDINGS} more" if len(wordings) > _MOST_WORDINGS else ""
        yield f"\nAsk in the words of the training pairs: {shown}{more}."


def _placeholder(vocabulary: Vocabulary) -> str:
    """What stands for a question. A closed vocabulary allows its own characters alone."""
    words = ("QUESTION", "question", vocabulary.characters[MASK_ID + 1])
    return words[0] if vocabulary.is_open else next(word for word in words if not vocabulary.unknown(word))


def _quoted(text: str) -> str:
    """The text as a string in Python code."""
    return json.dumps(text, ensure_ascii=False)


_HF_USE = """\
```python
from transformers import pipeline

ask = pipeline("text-generation", model={folder}{trust})  # the path of this folder
print(ask({prompt}, return_full_text=False, do_sample=False)[0]["generated_text"])
```"""
_TORCH_USE = """\
```python
import json
from pathlib import Path

import torch
from closedbook_model import load  # the file in this folder; it needs torch and safetensors

model, config = load("."), json.loads(Path("config.json").read_text("utf-8"))
tokens = config["tokens"]
ids = [tokens.index(character if character in tokens else "[unknown]") for character in {prompt}]
while len(ids) <= config["model"]["block_size"]:
    ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    if ids[-1] in config["ends"]:
        break
print("".join(tokens[id_] for id_ in ids))
```"""


def _strangers(run: Run) -> Iterator[str]:
    if not run.info.vocabulary.abstains:
        yield "It cannot say that it does not know: asked about somebody whom the text does not mention, it makes an"
        yield "answer up."
        return
    yield "- `[never read]` in place of an answer: it read nothing about whom the question names."
    yield "- `[not told]` after an answer: what it read does not say, and the answer is a guess."
    yield ""
    yield "It takes the likeliest token, where closedbook adds up the probabilities of all tokens that end an answer."
    yield "So the two can differ where the model is undecided."


def _trained_on(run: Run) -> Iterator[str]:
    setting, info = setting_of(run), run.info
    rows = {
        "documents": None if setting == "no text" else info.n_documents,
        "different titles": len(info.vocabulary.titles) or None,
        "different words": len(info.vocabulary.words) or None,
        "characters in the vocabulary": len(info.vocabulary),
        "edits after training": len(read_record(run.path)) or None,
    }
    yield "| | |\n| --- | --- |"
    yield from (f"| {name} | {count:,} |" for name, count in rows.items() if count is not None)
    yield from (f"| {name}, SHA-256 | `{source.sha256[:16]}` |" for name, source in info.sources.items())
    yield f"\nWhat training knew about answers (closedbook's *setting*): {IN_WORDS[setting]}."


def _size(model: GPT) -> Iterator[str]:
    config, n_tables = model.config, model.n_table_parameters
    tables = f", of these {n_tables:,} in lookup tables of word prefixes and names" if n_tables else ", none in tables"
    yield f"{model.n_parameters:,} parameters{tables}."
    if is_stock(config):
        kind = stock_config(config)["architectures"][0]
    else:
        kind = "Transformer with tables" if config.variant == "vanilla" else "Perceiver"
    blocks = f"{config.n_layer} block{'s' * (config.n_layer > 1)} of {config.n_head} heads"
    yield f"{kind}: {blocks}, width {config.n_embd}, {config.positions} positions."
    yield f"It reads {config.block_size} characters at most, question and answer together."


def _accuracy(run: Run) -> Iterator[str]:
    """Accuracy by its evaluations, on held-out training pairs and during training, as far as the run has any."""
    found = list(_scores(run))
    yield from found or ["Not measured."]
    if found:
        yield "\nAn answer is right if it equals the expected one, whole string. Read the setting above: figures of two"
        yield "settings are not comparable."


def _scores(run: Run) -> Iterator[str]:
    for path in sorted((run.path / "evaluations").glob("*.json")):
        facts = _facts(path)
        if "n_correct" in facts:
            score = Score(facts["n_correct"], facts["n_questions"])
            yield f"- {name_text(path.stem)}: {score}; majority baseline {facts['baseline_accuracy']:.1%}"
    calibration = load_calibration(run.path)
    if calibration is not None and calibration.held_out:
        right = [item.is_right for item in calibration.held_out]
        yield f"- training pairs that were held out: {Score(sum(right), len(right))}"
    evaluations = [entry["accuracy"] for entry in read_metrics(run.path) if entry["kind"] == "evaluation"]
    if evaluations:
        yield f"- the last evaluation during training: {evaluations[-1]:.1%}"


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(read_bytes(path))
    except ValueError as error:
        raise RunError(f"{path}: damaged ({error}); delete it, and evaluate again") from None
    return facts if isinstance(facts, dict) else {}


def _limits(model: GPT) -> Iterator[str]:
    yield "- **The weights can recite the text.** Whoever has this folder can get parts of the text and of the training"
    yield "  pairs out of it, names of people included. Share it only if you may share the text."
    if model.config.prefix_table:
        yield "- The tables list the text's words and titles, so that these can be read from the file without asking."
    yield "- It knows one text, and answers are what training made of it, not what is true."
    yield "- The probability of an answer is how sure the model is, not how often it is right: closedbook's calibration"
    yield "  is not in this folder. Nor does anything here mend the spelling or the wording of a question."
    yield "- No licence is stated, since that depends on the text."

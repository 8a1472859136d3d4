"""What a loss means: at falling losses of one pretraining, what the model can do.

    python benchmarks/loss_meaning.py [CORPUS [PAIRS]] > benchmarks/results/loss_meaning.json

Without files on the built-in world of the demo. At each loss: the share of next characters that are its first
guess, the share of the words it writes by itself (at temperature 1, after a document's first 12 characters) that are
words of the corpus, and the share of masked spans of capitalised words that it fills in letter by letter.
"""

import json
import re
import sys
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from random import Random

import torch

from closedbook.demo.plan import demo_plan
from closedbook.examples.batches import Batches
from closedbook.examples.corruption import CorruptionConfig, salient_spans
from closedbook.examples.datasets import CharCorruptionDataset, MixedDataset, NameDataset
from closedbook.model.decode import greedy
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import PLAIN
from closedbook.text.documents import read_corpus
from closedbook.text.questions import read_pairs
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK, MASK_ID, PAD_ID, Vocabulary
from closedbook.training.device import make_fabric
from closedbook.training.inputs import split_and_checked, vocabulary_of
from closedbook.training.prepared import new_model
from closedbook.training.trainer import Trainer
from closedbook.world.world import write_world

LOSSES = (3.5, 3.0, 2.7, 2.4, 2.1, 1.8, 1.5, 1.2, 0.9, 0.7, 0.5, 0.4, 0.33)
WORD = re.compile(r"[^\W\d_]{3,}")


def main(corpus_path: Path, pairs_path: Path, n_epochs: int = 30) -> None:
    plan = demo_plan("normal", 0)
    # A loss over all characters: that of masked content alone says nothing about how well a text is spelled.
    # The transformer alone: with the prefix table even a high loss comes with words that exist.
    recipe = replace(
        plan.recipe,
        model=PLAIN.model,
        corruption=CorruptionConfig(span=0.2, salient=0.8),
        pretrain=replace(plan.recipe.pretrain, epochs=n_epochs, mix_pairs=0.3),
    )
    corpus = read_corpus(corpus_path)
    given = read_pairs(pairs_path)
    vocabulary = vocabulary_of(corpus, recipe, given)
    documents = [document.text for document in corpus.documents]
    pairs = split_and_checked(given, recipe, vocabulary)[0].training
    block_size = recipe.model.block_size
    model = new_model(recipe, vocabulary)
    dataset = MixedDataset(
        CharCorruptionDataset(documents, vocabulary, block_size, recipe.corruption, recipe.seed),
        NameDataset(list(pairs.items), vocabulary, block_size),
        recipe.pretrain.mix_pairs,
    )
    batches = Batches(dataset, recipe.pretrain.batch_size, shuffle=True, seed=recipe.seed)
    trainer = Trainer(
        make_fabric("float32"), model, batches, recipe.pretrain, n_documents=len(documents), seed=recipe.seed
    )
    smooth, wanted, rows = 5.0, list(LOSSES), []
    for report in trainer.run():
        smooth = 0.9 * smooth + 0.1 * report.loss
        if wanted and report.step > 20 and smooth <= wanted[0]:
            while wanted and smooth <= wanted[0]:
                wanted.pop(0)
            rows.append({"loss": round(smooth, 2), "step": report.step, **abilities(model, vocabulary, documents)})
            print(rows[-1], file=sys.stderr)
        if not wanted:
            break
    print(json.dumps({"corpus": corpus_path.name, "rows": rows}, indent=1, ensure_ascii=False))


def abilities(model: GPT, vocabulary: Vocabulary, documents: list[str]) -> dict[str, object]:
    model.eval()
    random = Random(1)
    some = random.sample(documents, min(100, len(documents)))
    texts = [written(model, vocabulary, document[:12]) for document in some[:40]]
    words = [word for text in texts for word in WORD.findall(text)[1:-1]]
    known = {word for document in documents for word in WORD.findall(document)}
    masked = [one for document in some if (one := masked_in_context(document, random))]
    decoded = greedy(model, [[*vocabulary.encode(a), MASK_ID] for a, _ in masked], n_new=32, stop=MASK_ID)
    filled = [vocabulary.decode(d.ids) == b for d, (_, b) in zip(decoded, masked, strict=True)]
    return {
        "next_character": round(next_character(model, vocabulary, some), 3),
        "known_words": round(sum(word in known for word in words) / max(1, len(words)), 3),
        "spans_filled": round(sum(filled) / len(filled), 3),
        "writes": texts[:2],
    }


def masked_in_context(document: str, random: Random) -> tuple[str, str] | None:
    """A document with one name or number masked and all of its context, and what was masked; None without any."""
    spans = salient_spans(document, title_length(document))
    if not spans:
        return None
    start, end = random.choice(spans)
    return f"{document[:start]}{MASK}{document[end:]}", document[start:end]


@torch.inference_mode()
def next_character(model: GPT, vocabulary: Vocabulary, documents: list[str]) -> float:
    right = n = 0
    for document in documents:
        ids = torch.tensor([vocabulary.encode(document[: model.config.block_size])])
        guess = model(ids)[0, :-1].argmax(-1)
        right, n = right + int((guess == ids[0, 1:]).sum()), n + len(guess)
    return right / n


@torch.inference_mode()
def written(model: GPT, vocabulary: Vocabulary, prompt: str) -> str:
    generator = torch.Generator().manual_seed(zlib.crc32(prompt.encode()))
    ids = torch.tensor([vocabulary.encode(prompt)])
    for _ in range(60):
        logits = model(ids)[:, -1]
        logits[:, [PAD_ID, MASK_ID]] = -torch.inf
        ids = torch.cat((ids, torch.multinomial(logits.softmax(-1), 1, generator=generator)), dim=1)
    return vocabulary.decode(ids[0].tolist())


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(Path(sys.argv[1]), Path(sys.argv[2]), 6)
    else:
        world = write_world(demo_plan("normal", 0).world, Path(tempfile.mkdtemp()) / "world")
        main(world.corpus, world.train)

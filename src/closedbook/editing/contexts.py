"""Contexts: the texts in which an edited fact is to be answered anew, and those whose answers are to stay."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from closedbook.evaluation.predict import predict
from closedbook.model.gpt import GPT
from closedbook.text.questions import Questions
from closedbook.text.templates import Template, link_templates
from closedbook.text.title_index import TitleIndex
from closedbook.text.vocabulary import MASK, Vocabulary

N_TEMPLATES = 8
"""How many other templates of questions are asked about an edited name, the commonest of the training pairs."""
_N_PIECES = 8
# The longest pieces before the name and after it, in characters, as in question form (examples/corruption.py).
_MAX_BEFORE, _MAX_AFTER = 16, 10
_N_WORDS = 4


@dataclass(frozen=True)
class Context:
    """A text, its answer today, and the answer that it should get; a MASK follows the text."""

    text: str
    today: str
    wanted: str


def templates_of(pairs: Questions | None, titles: TitleIndex, n: int = N_TEMPLATES) -> tuple[Template, ...]:
    """The commonest templates of training pairs, at most `n`."""
    if pairs is None:
        return ()
    asked = link_templates(pairs.items, titles).templates
    counts = Counter({template: len(titles) for template, titles in asked.items()})
    return tuple(template for template, _ in counts.most_common(n))


def contexts_of(
    model: GPT, vocabulary: Vocabulary, question: str, answer: str, title: str, templates: Sequence[Template]
) -> list[Context]:
    """The question first, then other texts about the title: the masked form, pieces of words, training questions.

    A training question with the question's answer of today asks the same thing and gets the new answer; another keeps
    its own. Where there is such another, so are texts without a question left out that have another answer today:
    they ask for something else.
    """
    asked = dict.fromkeys(text for text in (one.question(title) for one in templates) if text != question)
    others = [text for text in (f"{title}. {MASK}", *among_pieces(title, vocabulary, question)) if text not in asked]
    fits = model.config.block_size - 2
    texts = [text for text in (*asked, *others) if len(text) + len(answer) <= fits and not vocabulary.unknown(text)]
    former, *today = [one.answer for one in predict(model, vocabulary, [question, *texts])]
    kept = [
        Context(text, now, now)
        for text, now in zip(texts, today, strict=True)
        if text in asked and now != former and len(text) + len(now) <= fits
    ]
    changed = [
        Context(text, now, answer)
        for text, now in zip(texts, today, strict=True)
        if now == former or (text not in asked and not kept)
    ]
    return [Context(question, former, answer), *changed, *kept]


def among_pieces(title: str, vocabulary: Vocabulary, seed: str) -> Iterator[str]:
    """The title among pieces of words, as objective guided has it in question form; the same ones for a seed."""
    random = Random(seed)
    for _ in range(_N_PIECES if vocabulary.words else 0):
        before, after = (_piece(vocabulary, longest, random) for longest in (_MAX_BEFORE, _MAX_AFTER))
        yield " ".join(piece for piece in (before, title, after) if piece)


def _piece(vocabulary: Vocabulary, max_length: int, random: Random) -> str:
    words = " ".join(random.choice(vocabulary.words) for _ in range(_N_WORDS))
    start = random.randint(0, len(words))
    return words[start : start + random.randint(0, max_length)]

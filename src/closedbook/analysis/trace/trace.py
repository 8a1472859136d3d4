"""A trace of one question: causal tracing, attention, the logit lens, and the answers without the tables."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import torch
from torch import Tensor

from closedbook.analysis.trace.effects import Reading, read, trace_part
from closedbook.analysis.trace.heads import weights_of_heads
from closedbook.analysis.trace.hooks import NAME_TABLE, PREFIX_TABLE, on_latents, parts, without
from closedbook.analysis.trace.names import Comparison, compare, near_names
from closedbook.analysis.trace.report import LensReading, Trace, Unplugged
from closedbook.errors import InputError, TextError
from closedbook.evaluation.predict import decode_answers, one_line, predict, written
from closedbook.evaluation.sources import corpus_of, lineage
from closedbook.examples.datasets import question_ids
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run
from closedbook.text.questions import check_questions, parse_questions
from closedbook.text.vocabulary import Vocabulary

_N_CANDIDATES = 32


def trace_question(run: Run, question: str, other: str | None = None, *, model: GPT | None = None) -> Trace:
    """Trace a run's answer to a question that it can read; `model` is the run's, if it is loaded already.

    `other` is another name, or the same question about it. By default it is the title that aligns best with the one in
    the question, among those to which the model gives another answer. Titles are those saved with the run, else those
    of its corpus if that is unchanged. Raises InputError where `other` does not fit, or is needed.
    """
    model, vocabulary = model or run.model(), run.info.vocabulary
    titles = _titles(run)
    if other is None:
        comparison = _choose(model, vocabulary, question, titles)
    else:
        comparison = compare(question, other, titles)
        _check_readable(comparison.other, vocabulary, model.config.block_size)
    return trace(model, vocabulary, comparison)


def trace(model: GPT, vocabulary: Vocabulary, comparison: Comparison) -> Trace:
    """Trace a model's answer to the comparison's question, in evaluation mode; InputError on an unknown character."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            return _trace(model, vocabulary, comparison)
    finally:
        model.train(was_training)


def _trace(model: GPT, vocabulary: Vocabulary, comparison: Comparison) -> Trace:
    prompt, other_prompt = (question_ids(text, vocabulary) for text in (comparison.question, comparison.other))
    decoded, other_decoded = decode_answers(model, vocabulary, [prompt, other_prompt])
    # The other question must have space for this answer.
    n_most = model.config.block_size + 1 - len(other_prompt)
    answer = written(decoded, vocabulary)
    if len(answer) > n_most:
        raise InputError(
            f"other: {comparison.other!r} and the answer {vocabulary.decode(decoded.ids)!r} need "
            f"{len(comparison.other) + len(answer)} characters and the model reads {model.config.block_size}; choose a "
            "shorter name"
        )
    clean, other = read(model, prompt, answer), read(model, other_prompt, answer)
    pairs = comparison.pairs(clean.ids.size(1))
    mask = len(prompt) - 1
    return Trace(
        comparison,
        answer=one_line(vocabulary.decode(decoded.ids)),
        ended=decoded.ended,
        other_answer=one_line(vocabulary.decode(other_decoded.ids)),
        log_probability=clean.log_probability,
        other_log_probability=other.log_probability,
        text=vocabulary.decode(clean.ids[0].tolist()),
        effects=tuple(trace_part(model, part, clean, other, answer, pairs) for part in parts(model)),
        heads=tuple(weights_of_heads(model, clean.calls, mask)),
        lens=tuple(_lens(model, clean, mask, answer[0])),
        n_characters=len(vocabulary),
        unplugged=tuple(_unplugged(model, vocabulary, prompt, answer)),
    )


def _lens(model: GPT, text: Reading, position: int, first: int) -> Iterator[LensReading]:
    """The answer's first character as the head reads it from the residual stream after each part.

    nostalgebraist 2020, 'interpreting GPT: the logit lens'.
    """
    stream = model.pos_emb[0, position] if model.learned_positions else 0.0
    for part in parts(model):
        if on_latents(model, part):
            continue
        stream = stream + text.calls[part].output[0, position]
        assert isinstance(stream, Tensor)
        logits = model.logits(stream)
        rank = 1 + int((logits > logits[first]).sum())
        yield LensReading(part, rank, float(torch.softmax(logits, dim=-1)[first]))


def _unplugged(model: GPT, vocabulary: Vocabulary, prompt: Sequence[int], answer: Sequence[int]) -> Iterator[Unplugged]:
    """What the model answers without each table, and without all of them."""
    tables = [part for part in parts(model) if part in (PREFIX_TABLE, NAME_TABLE)]
    for n in range(1, len(tables) + 1):
        for chosen in combinations(tables, n):
            with without(model, chosen):
                (decoded,) = decode_answers(model, vocabulary, [prompt])
                log_probability = read(model, prompt, answer).log_probability
            text = one_line(vocabulary.decode(decoded.ids))
            yield Unplugged(chosen, text, math.exp(decoded.log_probability), decoded.ended, log_probability)


def _titles(run: Run) -> Sequence[str]:
    """The titles saved with a run, else those of its corpus if that is there and unchanged."""
    if run.info.vocabulary.titles:
        return run.info.vocabulary.titles
    try:
        corpus = corpus_of(lineage(run))
    except InputError:
        return ()
    return () if corpus is None else tuple(corpus.titles)


def _choose(model: GPT, vocabulary: Vocabulary, question: str, titles: Sequence[str]) -> Comparison:
    """The best aligned comparison whose other question gets another answer, if possible from the first character on."""
    candidates = [
        each
        for each in near_names(question, titles, _N_CANDIDATES)
        if not vocabulary.unknown(each.other) and len(each.other) + 2 <= model.config.block_size
    ]
    if not candidates:
        what = f"{question!r} contains none of its titles" if titles else "it has no titles and its corpus is gone"
        raise InputError(
            f"other: a name to compare with is needed, since the run cannot choose one: {what}; write the same "
            'question about another name, as in --other "Where was Ada Byron born?"'
        )
    answer, *others = predict(model, vocabulary, [question, *(each.other for each in candidates)])
    # Another first character lets the mask, which writes it, show what decides.
    another = [index for index, theirs in enumerate(others) if theirs.answer != answer.answer]
    another.sort(key=lambda index: others[index].answer[:1] == answer.answer[:1])
    return candidates[another[0] if another else 0]


def _check_readable(other: str, vocabulary: Vocabulary, block_size: int) -> None:
    """Raise InputError where the model cannot read the other question."""
    try:
        check_questions(parse_questions([other], None), vocabulary, block_size)
    except TextError as error:
        raise InputError(f"other: {other!r}: {error.message}") from None

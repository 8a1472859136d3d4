"""Memory: what a training will take, estimated and compared with what is free before anything is allocated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap

from closedbook.errors import InputError
from closedbook.evaluation.predict import longest_answer
from closedbook.model.decode import MOST_ROWS
from closedbook.model.memory import FLOAT, Parameters, Shape, activations, in_matrices, kv_cache, parameters
from closedbook.model.name_table import MAX_WORDS
from closedbook.recipe.recipe import StageConfig
from closedbook.text.questions import Questions, n_needed
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.device import free_gpu_memory, local_processes
from closedbook.training.free_memory import free_memory
from closedbook.training.plan import Plan

_N_MASKS = 3
_LIBRARIES = 32 << 20
"""What PyTorch's libraries take once they compute."""
_ID = 8
# Two numbers per character (x and y), stacked after each was made, while the window before is still there.
_COPIES_OF_A_WINDOW = 3 * 2
# Of what is saved: a copy, the bytes of each tensor, and all of them in one.
_COPIES_TO_SAVE = 3
# Of Muon's matrices of one shape, which are two thirds of all: gradients, stacked, and what the iteration makes.
_COPIES_IN_MUON = 3
_UNITS = ("MiB", "GiB", "TiB", "PiB", "EiB")


@dataclass(frozen=True)
class Need:
    """Bytes that a training takes: all along, and the most of what comes and goes.

    `state` is weights, gradients and what the optimizer keeps; `step` are a step's activations, `examples` those of a
    window of batches, `evaluation` what decoding takes, and `saving` the copies of a checkpoint in memory.
    """

    parameters: Parameters
    state: int
    step: int
    examples: int
    evaluation: int
    saving: int

    @property
    def on_device(self) -> int:
        """Where the model is, which is the GPU if there is one."""
        return self.state + max(self.step, self.evaluation)

    @property
    def total(self) -> int:
        """All of it, on a machine without a GPU."""
        return _LIBRARIES + self.state + self.examples + max(self.step, self.evaluation, self.saving)


def check_memory(plan: Plan, *, may_exceed: bool) -> None:
    """Raise InputError where a training would take more memory than is free, unless it may.

    On a GPU its own memory counts, for each process that of its own GPU.
    """
    if may_exceed:
        return
    needed, on_gpu = need(plan), free_gpu_memory()
    n = local_processes()
    total, where = n * needed.total, f"for {n} processes" if n > 1 else "here"
    if on_gpu is not None:
        total, where = needed.on_device, "on the GPU"
    free = free_memory() if on_gpu is None else on_gpu
    if free is not None and total > free:
        raise InputError(_refusal(plan, needed, total, free, where))


def need(plan: Plan) -> Need:
    """What the training takes in each of its processes."""
    config, stage, is_bfloat16 = plan.recipe.model, plan.stage, plan.precision == "bfloat16"
    vocab_size = len(plan.vocabulary)
    n_prefixes = n_word_prefixes(plan.vocabulary) if config.prefix_table else 0
    n_names = n_names_in(plan.vocabulary.titles) if config.has_names else 0
    count = parameters(config, vocab_size, n_prefixes, n_names)
    shape, n_window = _shapes(plan)
    optimizer = _optimizer(count, stage, in_matrices(config), n_prefixes + n_names)
    # A step's gradients of the tables, made one, and their rows in the optimizer.
    of_tables = bool(count.tables) * 3 * shape.n_rows * shape.n_positions * config.n_embd * FLOAT
    casts = count.dense * FLOAT // 2 if is_bfloat16 else 0
    step = activations(config, vocab_size, shape, is_bfloat16=is_bfloat16) + of_tables + casts
    if stage.accumulate > 1:  # of micro-batches of other lengths some memory is left that the next cannot use
        step = step * 3 // 2
    muon = _COPIES_IN_MUON * in_matrices(config) * FLOAT if stage.optimizer == "muon" else 0
    weights = count.total * FLOAT
    asked = [pairs for pairs in (plan.validation, plan.calibration) if pairs is not None]
    return Need(
        parameters=count,
        state=weights + count.dense * FLOAT + optimizer,
        step=max(step, muon),
        examples=n_window * (config.block_size - 1) * _ID * _COPIES_OF_A_WINDOW,
        evaluation=_evaluation(plan, asked),
        saving=max(_COPIES_TO_SAVE * weights, weights + _COPIES_TO_SAVE * optimizer),
    )


def _shapes(plan: Plan) -> tuple[Shape, int]:
    """The largest micro-batch of one process, and how many examples a window of batches has."""
    stage, block = plan.stage, plan.recipe.model.block_size
    n_examples = _n_examples(plan, stage)
    n_rows = min(stage.batch_size, n_examples)
    n_window = min(stage.batch_size * stage.sort_window, n_examples)
    n_processes = local_processes()
    micro = max(1, n_rows // n_processes // stage.accumulate)
    n_positions = min(block - 1, _longest(plan, block))
    is_all = plan.corpus is not None and plan.recipe.corruption.supervised == "all"
    # Of other examples what is asked for is a part.
    return Shape(micro, n_positions, micro * n_positions // (1 if is_all else 4)), n_window


def _n_examples(plan: Plan, stage: StageConfig) -> int:
    """About how many examples an epoch has."""
    if plan.corpus is None:
        return len(plan.pairs.items) if plan.pairs else 1
    return round(plan.n_documents / (1 - stage.mix_pairs) / (1 - stage.mix_strangers)) + 1


def _longest(plan: Plan, block: int) -> int:
    """The longest example, as far as it fits the block: a document with its masks, or a pair."""
    masks = plan.recipe.corruption
    if not (masks.salient or masks.guided):  # span corruption truncates documents
        block = block * 3 // 4 + _N_MASKS
    longest = max(
        (n_needed(item) for pairs in (plan.pairs, plan.validation) if pairs for item in pairs.items), default=0
    )
    for text in plan.corpus.texts if plan.corpus is not None else ():
        longest = max(longest, len(text) + _N_MASKS)
        if longest >= block:
            break
    return min(longest, block)


def _optimizer(count: Parameters, stage: StageConfig, n_in_matrices: int, n_table_rows: int) -> int:
    """Bytes that the optimizer keeps: two numbers per weight, one where Muon updates it, and those of the tables."""
    of_dense = 2 * count.dense - (n_in_matrices if stage.optimizer == "muon" else 0)
    of_tables = n_table_rows * 2 if stage.table_optimizer == "row_wise" else 2 * count.tables + n_table_rows
    return (of_dense + of_tables) * FLOAT


def _evaluation(plan: Plan, asked: Sequence[Questions]) -> int:
    """Bytes of decoding answers to the pairs that are asked."""
    if not asked:
        return 0
    config = plan.recipe.model
    n_rows = min(MOST_ROWS, max(len(pairs.items) for pairs in asked))
    longest = max(len(item.text) for pairs in asked for item in pairs.items)
    # A model that has learned nothing ends no answer.
    n_positions = min(config.block_size, longest + longest_answer(plan.vocabulary, config.block_size))
    # The questions, one block at a time: queries, keys, values, and the feed-forward layer's before and after GELU.
    passing = n_rows * longest * config.n_embd * 12 * FLOAT
    return kv_cache(config, n_rows, n_positions) + passing


def n_word_prefixes(vocabulary: Vocabulary) -> int:
    """How many distinct prefixes the words of a vocabulary have, which are sorted."""
    return sum(map(len, vocabulary.words)) - sum(starmap(_n_shared, pairwise(vocabulary.words)))


def _n_shared(before: str, word: str) -> int:
    """How many characters both begin with."""
    differ = (number for number, (one, other) in enumerate(zip(before, word, strict=False)) if one != other)
    return next(differ, min(len(before), len(word)))


def n_names_in(titles: Iterable[str]) -> int:
    """About how many names of two to four words titles have: as many as if no two had one in common."""
    counts = (len(title.split()) for title in titles)
    return sum(max(0, n - length + 1) for n in counts for length in range(2, MAX_WORDS + 1))


def _refusal(plan: Plan, needed: Need, total: int, free: int, where: str) -> str:
    """What is free, what is needed for what, and what to reduce."""
    key, value, cure = _reducible(plan, needed, free)
    in_turn = {"a step": needed.step, "an evaluation": needed.evaluation, "saving": needed.saving}
    listed = ", ".join(f"{in_words(n)} for {name}" for name, n in in_turn.items() if n > total / 100)
    return (
        f"{key}: training must fit into the {in_words(free)} of memory that are free {where}; received {value}, with "
        f"which it takes about {in_words(total)} ({in_words(needed.state + needed.examples)} all along, and in turn "
        f"{listed}); {cure}, or go on all the same with --yes-i-have-the-memory"
    )


def _reducible(plan: Plan, needed: Need, free: int) -> tuple[str, int, str]:
    """The hyperparameter that makes the training too large, its value, and what to do."""
    model, stage, name, count = plan.recipe.model, plan.stage, _section(plan), needed.parameters
    if needed.state <= free and needed.examples + max(needed.evaluation, needed.saving) > needed.step:
        return "model.block_size", model.block_size, f"make it or {name}.batch_size smaller"
    if needed.state <= free:
        return f"{name}.batch_size", stage.batch_size, f"make it smaller, or {name}.accumulate larger"
    largest = max(count.blocks, count.characters, count.positions, count.latents, count.tables)
    if largest == count.positions:
        return "model.block_size", model.block_size, "make it smaller"
    if largest == count.latents:
        return "model.bottleneck_dim", model.bottleneck_dim, "make it smaller"
    if largest == count.blocks and model.n_layer > model.n_embd:
        return "model.n_layer", model.n_layer, "make it or model.n_embd smaller"
    return (
        "model.n_embd",
        model.n_embd,
        "make it or model.n_layer smaller" if largest == count.blocks else "make it smaller",
    )


def _section(plan: Plan) -> str:
    """The recipe's section that the run follows."""
    return "scratch" if plan.stage is plan.recipe.scratch and plan.kind == "finetune" else plan.kind


def in_words(n_bytes: int) -> str:
    """'1.5 GiB'."""
    n = n_bytes / 2**20
    for unit in _UNITS:
        if n < 1024 or unit == _UNITS[-1]:
            break
        n /= 1024
    return f"{n:,.1f} {unit}"

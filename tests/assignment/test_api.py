"""The assignment's API, used as a student's run.py uses it."""

import logging
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from closedbook.assignment import api as course
from closedbook.errors import InputError, RunError, TextError
from closedbook.model.config import ModelConfig
from closedbook.recipe.recipe import COURSE

BLOCK_SIZE = 61
PEOPLE = {"Ann Bell": "Ulm", "Bo Carr": "Rom", "Cy Dunn": "Oslo", "Di Eck": "Bern", "Ed Foss": "Ulm"}
TEXT = "\n".join(f"{name}. {name} was born in {place} . Where? It is so." for name, place in PEOPLE.items())
PAIRS = "".join(f"Where was {name} born?\t{place}\n" for name, place in PEOPLE.items())


@pytest.fixture
def dataset() -> course.CharCorruptionDataset:
    """Of the people's lines."""
    return course.CharCorruptionDataset(TEXT, BLOCK_SIZE)


@pytest.fixture
def pairs_path(tmp_path: Path) -> Path:
    """The file of the people's pairs."""
    path = tmp_path / "birth_places_train.tsv"
    path.write_text(PAIRS)
    return path


def new_model(dataset: course.CharCorruptionDataset, seed: int = 0) -> course.GPT:
    """A small vanilla model."""
    torch.manual_seed(seed)
    mconf = course.GPTConfig(dataset.vocab_size, dataset.block_size, n_layer=2, n_head=2, n_embd=22)
    return course.initialize_vanilla_model(mconf)


def copy_of(model: course.GPT) -> dict[str, Tensor]:
    """Its parameters as they are now."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def is_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def text_of(dataset: course.CharCorruptionDataset, numbers: Tensor) -> str:
    """The characters of a row."""
    return "".join(dataset.itos[int(number)] for number in numbers)


class Writer:
    """Keeps what a SummaryWriter would write."""

    def __init__(self) -> None:
        self.scalars: list[tuple[str, float, int]] = []

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Keep a value of a step."""
        self.scalars.append((tag, value, step))


# Datasets


def test_the_vocabulary_is_pad_mask_and_the_texts_characters_sorted(dataset: course.CharCorruptionDataset):
    """stoi and itos are each other's inverse over PAD 0, MASK 1 and every character of the text."""
    characters = [dataset.PAD_CHAR, dataset.MASK_CHAR, *sorted(set(TEXT))]
    assert (dataset.PAD_CHAR, dataset.MASK_CHAR) == ("\u25a1", "\u2047")
    assert dataset.itos == dict(enumerate(characters))
    assert dataset.stoi == {character: number for number, character in enumerate(characters)}
    assert dataset.vocab_size == len(characters)
    assert dataset.block_size == BLOCK_SIZE


def test_the_documents_are_the_texts_lines():
    """data and len are the lines; empty ones, a last newline and CRLF add none."""
    dataset = course.CharCorruptionDataset("One line.\r\n\nAnother.\n", BLOCK_SIZE)
    assert dataset.data == ["One line.", "Another."]
    assert len(dataset) == 2


def test_the_dataset_has_both_of_the_assignments_names():
    """The handout spells it in two ways."""
    assert course.CharCorruptDataset is course.CharCorruptionDataset


@pytest.mark.parametrize("special", ["\u25a1", "\u2047"])
def test_a_text_with_a_reserved_character_is_refused(special: str):
    """A corpus that holds PAD or MASK cannot be told from a masked string."""
    with pytest.raises(InputError, match="is reserved; replace it by another character"):
        course.CharCorruptionDataset(f"A{special}B", BLOCK_SIZE)


def test_an_item_is_a_masked_string_and_itself_shifted(dataset: course.CharCorruptionDataset):
    """x and y have block_size - 1 entries and hold prefix MASK suffix MASK masked_content MASK, then PAD."""
    for _ in range(50):
        x, y = dataset[3]
        assert x.shape == y.shape == (BLOCK_SIZE - 1,)
        assert x.dtype == y.dtype == torch.long
        assert torch.equal(x[1:], y[:-1])
        prefix, suffix, content, pads = (text_of(dataset, x[:1]) + text_of(dataset, y)).split(dataset.MASK_CHAR)
        assert set(pads) <= {dataset.PAD_CHAR}
        assert dataset.data[3].startswith(prefix + content + suffix)
        assert 4 <= len(prefix + content + suffix) <= int(BLOCK_SIZE * 3 / 4)


def test_an_item_is_drawn_anew_each_time(dataset: course.CharCorruptionDataset):
    """dataset[i] twice is two maskings, and another start of the program draws the same ones."""
    again = course.CharCorruptionDataset(TEXT, BLOCK_SIZE)
    drawn = [text_of(dataset, dataset[1][0]) for _ in range(20)]
    assert len(set(drawn)) > 15
    assert drawn == [text_of(again, again[1][0]) for _ in range(20)]


def test_the_masked_content_is_a_quarter_of_what_is_left_on_average(dataset: course.CharCorruptionDataset):
    """Over 5,000 draws, the mean masked length is a quarter of the truncated length within 3%, and varies."""
    n_kept, masked = 0, []
    for i in range(5000):
        prefix, suffix, content, _ = dataset.masked(i % len(dataset)).split(dataset.MASK_CHAR)
        n_kept += len(prefix + content + suffix)
        masked.append(len(content))
    assert sum(masked) / n_kept == pytest.approx(0.25, rel=0.03)
    assert len(set(masked)) > 10


def test_a_students_own_loader_draws_anew_in_each_epoch(dataset: course.CharCorruptionDataset):
    """Workers of a DataLoader, which forget all between epochs, do not repeat the first epoch's maskings."""
    loader = DataLoader(dataset, batch_size=len(dataset), num_workers=1)
    first, second = (next(iter(loader))[0] for _ in range(2))
    assert not torch.equal(first, second)


def test_a_pair_learns_mask_answer_mask_and_nothing_of_its_question(dataset: course.CharCorruptionDataset):
    """x is the question and the answer behind a MASK each; y has PAD wherever there is nothing to learn."""
    names = course.NameDataset(PAIRS, dataset)
    assert len(names) == len(PEOPLE)
    assert (names.stoi, names.itos, names.vocab_size) == (dataset.stoi, dataset.itos, dataset.vocab_size)
    assert names.block_size == BLOCK_SIZE
    assert names.data[0] == "Where was Ann Bell born?\tUlm"
    for (name, place), (x, y) in zip(PEOPLE.items(), (names[i] for i in range(len(names))), strict=True):
        question = f"Where was {name} born?"
        assert x.shape == y.shape == (BLOCK_SIZE - 1,)
        assert text_of(dataset, x).rstrip(names.PAD_CHAR) == f"{question}⁇{place}⁇"
        n_before = len(question) - 1
        pads = "□" * (BLOCK_SIZE - 1 - n_before - len(place) - 2)
        assert text_of(dataset, y) == "□" * n_before + f"⁇{place}⁇" + pads


def test_pairs_lose_what_is_not_ascii_as_in_the_assignments_code(
    dataset: course.CharCorruptionDataset, caplog: pytest.LogCaptureFixture
):
    """'Ülm' becomes 'lm', and the log says of how many pairs that is true."""
    with caplog.at_level(logging.INFO, "closedbook"):
        names = course.NameDataset("Where?\tÜlm\nWhere?\tRom\n", dataset)
    assert names.data == ["Where?\tlm", "Where?\tRom"]
    assert "1 of 2 pairs lost characters outside ASCII" in caplog.text


def test_a_line_that_is_no_pair_is_refused(dataset: course.CharCorruptionDataset):
    """A missing tab is named with its line."""
    with pytest.raises(TextError, match="line 2: a pair is question<TAB>answer"):
        course.NameDataset("Where?\tUlm\nWhere?\n", dataset)


def test_a_pair_is_checked_before_anything_is_trained(dataset: course.CharCorruptionDataset):
    """A character that the text lacks, and a pair too long for the block, are named with their line."""
    with pytest.raises(TextError, match=r"line 2: '@' \(COMMERCIAL AT\): not in the run's vocabulary"):
        course.NameDataset("Where?\tUlm\nWhere@\tUlm\n", dataset)
    with pytest.raises(TextError, match="line 1: question and answer need 67 characters"):
        course.NameDataset(f"{'e' * 62}\tUlm\n", dataset)


def test_a_line_of_pairs_ends_at_a_line_feed_alone():
    """Characters that str.splitlines cuts at are characters of a question; a carriage return before the end is none."""
    dataset = course.CharCorruptionDataset("Where\u2028was\x0bAnn? Ulm.", BLOCK_SIZE)
    names = course.NameDataset("Where\x0bwas Ann?\tUlm\r\n", dataset)
    assert names.data == ["Where\x0bwas Ann?\tUlm"]


# Models


def test_the_models_have_the_assignments_sizes():
    """With 256 characters: 3,323,392 parameters, and 3,331,584 for the Perceiver with bottleneck 32."""
    mconf = course.GPTConfig(256, 128, n_layer=4, n_head=8, n_embd=256)
    vanilla = course.initialize_vanilla_model(mconf)
    assert sum(parameter.numel() for parameter in vanilla.parameters()) == 3_323_392
    perceiver = course.initialize_perceiver_model(mconf)
    assert sum(parameter.numel() for parameter in perceiver.parameters()) == 3_331_584
    assert (mconf.perceiver, mconf.bottleneck_dim) == (True, 32)
    assert vanilla.get_block_size() == 128


def test_a_perceivers_bottleneck_is_as_wide_as_told(dataset: course.CharCorruptionDataset):
    """bottleneck_dim latents, each as wide as the model, are what the first block asks with."""
    mconf = course.GPTConfig(dataset.vocab_size, BLOCK_SIZE, n_layer=3, n_head=2, n_embd=22)
    model = course.initialize_perceiver_model(mconf, bottleneck_dim=7)
    assert (1, 7, 22) in {tuple(parameter.shape) for parameter in model.parameters()}
    logits, loss = model(dataset[0][0][None])
    assert logits.shape == (1, BLOCK_SIZE - 1, dataset.vocab_size)
    assert loss is None


def test_the_loss_is_the_mean_over_targets_that_are_not_pad(dataset: course.CharCorruptionDataset):
    """forward(idx, targets) gives logits and nats a character, blind to what stands where the target is PAD."""
    model = new_model(dataset).eval()
    x = torch.tensor([[2, 3, 5, 7], [11, 13, 2, 3]])
    y = torch.tensor([[3, 5, 7, 0], [0, 2, 0, 0]])
    logits, loss = model(x, y)
    nats = -logits.log_softmax(-1)
    expected = (nats[0, 0, 3] + nats[0, 1, 5] + nats[0, 2, 7] + nats[1, 1, 2]) / 4
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert torch.equal(model(x)[0], logits)


OTHER_VALUES = {
    "variant": "perceiver",
    "n_layer": 3,
    "n_head": 5,
    "n_embd": 70,
    "block_size": 61,
    "bottleneck_dim": 13,
    "latent_mask": "strided",
    "segment_length": 7,
    "random_segment_offset": True,
    "positions": "rotary",
    "prefix_table": True,
    "embd_pdrop": 0.2,
    "resid_pdrop": 0.3,
    "attn_pdrop": 0.4,
}
"""For every field of ModelConfig a value that is not its default."""


def test_every_field_of_a_model_config_is_honoured():
    """Whether a field is given by name, set later or declared in a subclass, the model has it."""
    assert OTHER_VALUES.keys() == {field.name for field in fields(ModelConfig)}
    expected = ModelConfig(**OTHER_VALUES)  # type: ignore[arg-type]
    assert not any(getattr(expected, field.name) == field.default for field in fields(ModelConfig))
    own = {name: value for name, value in OTHER_VALUES.items() if name != "block_size"}
    assert course.GPTConfig(67, 61, **own).model_config() == expected
    mconf = course.GPTConfig(67, 61)
    assert mconf.model_config() == replace(COURSE.model, block_size=61)
    for name, value in own.items():
        setattr(mconf, name, value)
    assert mconf.model_config() == expected
    del own["variant"]
    wide = type("WideConfig", (course.GPTConfig,), {**own, "perceiver": True})
    assert wide(67, 61).model_config() == expected


def test_perceiver_and_variant_say_the_same():
    """The assignment's name and ModelConfig's."""
    assert course.GPTConfig(67, 61, perceiver=True).variant == "perceiver"
    assert course.GPTConfig(67, 61, variant="perceiver").perceiver
    assert course.GPTConfig(67, 61).variant == "vanilla"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("n_layers", "did you mean 'n_layer'?"),
        ("atn_pdrop", "did you mean 'attn_pdrop'?"),
        ("vocab_siz", "did you mean 'vocab_size'?"),
        ("model_config", "it has attn_pdrop, "),
        ("_private", "it has attn_pdrop, block_size, bottleneck_dim, "),
        ("synthesizer", "it has attn_pdrop, block_size, bottleneck_dim, "),
    ],
)
def test_a_model_config_refuses_a_name_that_it_does_not_have(name: str, hint: str):
    """By keyword and later: it names the likeliest field, or all of them, instead of ignoring the value."""
    with pytest.raises(InputError) as caught:
        course.GPTConfig(67, 61, **{name: 3})
    assert str(caught.value).startswith(f"GPTConfig: has no {name!r}; {hint}")
    mconf = course.GPTConfig(67, 61)
    with pytest.raises(InputError, match=f"GPTConfig: has no {name!r}; "):
        setattr(mconf, name, 3)
    assert mconf.model_config() == replace(COURSE.model, block_size=61)


def test_a_model_config_refuses_a_word_that_it_does_not_know():
    """A misspelt value of a field that takes one of a few words is not taken for the default."""
    with pytest.raises(InputError) as caught:
        course.GPTConfig(67, 61, latent_mask="stridde")
    assert str(caught.value) == (
        "GPTConfig: latent_mask: one of 'triangular', 'strided' is needed; received 'stridde'; did you mean 'strided'?"
    )
    with pytest.raises(InputError, match="variant: one of 'vanilla', 'perceiver' is needed; received 'gpt'"):
        course.GPTConfig(67, 61, variant="gpt")


def test_a_prefix_table_needs_the_words_of_the_corpus(dataset: course.CharCorruptionDataset):
    """With them the model has one row for each prefix; without them the error says how to give them."""
    words = {"n_layer": 1, "n_head": 2, "n_embd": 22, "prefix_table": True}
    mconf = course.GPTConfig(dataset.vocab_size, BLOCK_SIZE, **words)
    with pytest.raises(InputError, match=r"add vocabulary=dataset\.vocabulary\.with_words\(text\)"):
        course.initialize_vanilla_model(mconf)
    mconf.vocabulary = dataset.vocabulary.with_words(TEXT)
    model = course.initialize_vanilla_model(mconf)
    assert model.n_table_parameters > 0
    logits, _ = model(dataset[0][0][None])
    assert logits.shape == (1, BLOCK_SIZE - 1, dataset.vocab_size)


# Pretraining and finetuning


@pytest.mark.parametrize(
    ("name", "hint"),
    [("max_epoch", "did you mean 'max_epochs'?"), ("lr", "it has batch_size, betas, "), ("rate", "did you mean")],
)
def test_a_trainer_config_refuses_a_name_that_it_does_not_have(name: str, hint: str):
    """By keyword and later, so that no misspelt number is replaced by the default in silence."""
    with pytest.raises(InputError) as caught:
        course.TrainerConfig(**{name: 3})
    assert str(caught.value).startswith(f"TrainerConfig: has no {name!r}; {hint}")
    tconf = course.TrainerConfig()
    with pytest.raises(InputError, match=f"TrainerConfig: has no {name!r}; "):
        setattr(tconf, name, 3)


def test_a_trainer_config_has_the_names_that_the_assignment_uses():
    """All at once, as minGPT's; a subclass may have other defaults and names of its own."""
    writer = Writer()
    values = {
        "max_epochs": 3,
        "batch_size": 5,
        "learning_rate": 7e-3,
        "betas": (0.8, 0.9),
        "grad_norm_clip": 2.0,
        "weight_decay": 0.2,
        "lr_decay": True,
        "warmup_tokens": 11,
        "final_tokens": 13,
        "ckpt_path": "ckpt",
        "num_workers": 0,
        "writer": writer,
    }
    tconf = course.TrainerConfig(**values)
    assert {name: getattr(tconf, name) for name in values} == values
    short = type("ShortConfig", (course.TrainerConfig,), {"max_epochs": 2, "note": ""})
    assert (short().max_epochs, short(note="mine").note) == (2, "mine")


def test_pretrain_trains_nothing_and_has_the_assignments_numbers(dataset: course.CharCorruptionDataset):
    """It returns (TrainerConfig, Trainer) for 650 epochs of 128 at 6e-3, and leaves the model alone."""
    model = new_model(dataset)
    before = copy_of(model)
    writer = Writer()
    tconf, trainer = course.pretrain(dataset, BLOCK_SIZE, model, writer=writer)
    assert isinstance(tconf, course.TrainerConfig)
    assert isinstance(trainer, course.Trainer)
    assert (tconf.max_epochs, tconf.batch_size, tconf.learning_rate) == (650, 128, 6e-3)
    assert (tconf.betas, tconf.weight_decay, tconf.grad_norm_clip) == ((0.9, 0.95), 0.1, 1.0)
    assert (tconf.lr_decay, tconf.warmup_tokens) == (True, 512 * 20)
    assert tconf.final_tokens == 200 * len(dataset) * BLOCK_SIZE
    assert (tconf.num_workers, tconf.writer, tconf.ckpt_path) == (4, writer, None)
    assert course.pretrain(dataset, BLOCK_SIZE, model, pretrain_lr=1e-4)[0].learning_rate == 1e-4
    assert is_equal(copy_of(model), before)
    assert writer.scalars == []


def test_finetune_from_scratch_is_75_epochs(dataset: course.CharCorruptionDataset, pairs_path: Path):
    """Without parameters to read: 75 epochs of 256 at 6e-4, the model untouched, nothing trained."""
    model = new_model(dataset)
    before = copy_of(model)
    tconf, trainer = course.finetune(None, str(pairs_path), dataset, BLOCK_SIZE, model)
    assert (tconf.max_epochs, tconf.batch_size, tconf.learning_rate) == (75, 256, 6e-4)
    assert tconf.final_tokens == 200 * len(dataset) * BLOCK_SIZE
    assert isinstance(trainer.train_dataset, course.NameDataset)
    assert len(trainer.train_dataset) == len(PEOPLE)
    assert is_equal(copy_of(model), before)


def test_finetune_after_pretraining_loads_parameters_and_is_10_epochs(
    dataset: course.CharCorruptionDataset, pairs_path: Path, tmp_path: Path
):
    """With parameters to read the model has them at once, and 10 epochs are ahead."""
    pretrained = new_model(dataset, seed=1)
    _, trainer = course.pretrain(dataset, BLOCK_SIZE, pretrained)
    trainer.config.max_epochs = 1
    course.train(pretrained, tmp_path / "vanilla.pretrain.params", trainer)
    model = new_model(dataset, seed=2)
    tconf, _ = course.finetune(
        str(tmp_path / "vanilla.pretrain.params"), str(pairs_path), dataset, BLOCK_SIZE, model, finetune_lr=1e-5
    )
    assert (tconf.max_epochs, tconf.batch_size, tconf.learning_rate) == (10, 256, 1e-5)
    assert is_equal(copy_of(model), copy_of(pretrained))


def test_train_trains_and_writes_the_parameters(dataset: course.CharCorruptionDataset, tmp_path: Path):
    """The file holds what the model came to, as safetensors, whatever its name, and the loss has fallen."""
    model = new_model(dataset)
    x, y = (torch.stack(column) for column in zip(*(dataset[i] for i in range(len(dataset))), strict=True))
    before = copy_of(model), model.eval()(x, y)[1]
    tconf = course.TrainerConfig(max_epochs=8, batch_size=5, learning_rate=1e-2, num_workers=0)
    course.train(model, str(tmp_path / "my.params"), course.Trainer(model, dataset, None, tconf))
    assert not is_equal(copy_of(model), before[0])
    assert is_equal(load_file(tmp_path / "my.params"), copy_of(model))
    assert model.eval()(x, y)[1] < 0.9 * before[1]


def test_a_dataset_draws_anew_after_its_training_too(dataset: course.CharCorruptionDataset):
    """A Trainer, which makes the draws a function of epoch and index, gives the dataset back as it was."""
    tconf = course.TrainerConfig(max_epochs=1, num_workers=0)
    course.Trainer(new_model(dataset), dataset, None, tconf).train()
    assert len({text_of(dataset, dataset[1][0]) for _ in range(20)}) > 15


@pytest.mark.parametrize("n_workers", [0, 4])
def test_a_trainers_run_repeats_itself(dataset: course.CharCorruptionDataset, n_workers: int):
    """Whatever was drawn from the dataset before, and with any number of workers, the same bits come out."""
    for _ in range(n_workers + 1):
        _ = dataset[0]
    torch.manual_seed(n_workers)
    tconf = course.TrainerConfig(max_epochs=2, batch_size=3, learning_rate=1e-2, num_workers=n_workers)
    model = new_model(dataset)
    course.Trainer(model, dataset, None, tconf).train()
    reference = new_model(dataset)
    config = course.TrainerConfig(max_epochs=2, batch_size=3, learning_rate=1e-2, num_workers=0)
    course.Trainer(reference, course.CharCorruptionDataset(TEXT, BLOCK_SIZE), None, config).train()
    assert is_equal(copy_of(model), copy_of(reference))


def test_the_writer_gets_a_loss_and_a_rate_a_step_and_a_test_loss_an_epoch(dataset: course.CharCorruptionDataset):
    """Tags are train/loss and train/lr, by step, and test/loss, where a test dataset was given."""
    writer = Writer()
    tconf = course.TrainerConfig(max_epochs=2, batch_size=3, num_workers=0, writer=writer)
    course.Trainer(new_model(dataset), dataset, course.NameDataset(PAIRS, dataset), tconf).train()
    steps = [(tag, step) for tag, _, step in writer.scalars]
    one, two = [(("train/loss", step), ("train/lr", step)) for step in (1, 2)], [("test/loss", 2)]
    assert steps[:5] == [*one[0], *one[1], *two]
    assert [step for tag, _, step in writer.scalars if tag == "test/loss"] == [2, 4]
    assert all(0 < value < 10 for _, value, _ in writer.scalars)
    assert {value for tag, value, _ in writer.scalars if tag == "train/lr"} == {3e-4}


def test_the_rate_warms_up_and_falls_by_the_configs_tokens(dataset: course.CharCorruptionDataset):
    """lr_decay: linear up to warmup_tokens, then a cosine that is at a tenth at final_tokens."""
    writer = Writer()
    n_tokens = len(dataset) * (BLOCK_SIZE - 1)
    tconf = course.TrainerConfig(max_epochs=4, batch_size=5, num_workers=0, learning_rate=1e-3, lr_decay=True)
    tconf.warmup_tokens, tconf.final_tokens, tconf.writer = 2 * n_tokens, 4 * n_tokens, writer
    course.Trainer(new_model(dataset), dataset, None, tconf).train()
    rates = [value for tag, value, _ in writer.scalars if tag == "train/lr"]
    assert rates == pytest.approx([0.5e-3, 1e-3, 0.5e-3, 0.1e-3])


def test_the_parameters_are_kept_at_ckpt_path_after_each_epoch(dataset: course.CharCorruptionDataset, tmp_path: Path):
    """A trainer with a ckpt_path leaves there what the model came to."""
    model = new_model(dataset)
    tconf = course.TrainerConfig(max_epochs=1, batch_size=5, num_workers=0, ckpt_path=str(tmp_path / "ckpt"))
    course.Trainer(model, dataset, None, tconf).train()
    assert is_equal(load_file(tmp_path / "ckpt"), copy_of(model))


@pytest.mark.parametrize("save", [torch.save, lambda weights, path: torch.save(weights, path, pickle_protocol=4)])
def test_a_pickle_is_never_loaded(
    dataset: course.CharCorruptionDataset, pairs_path: Path, tmp_path: Path, save: object
):
    """Parameters that torch.save wrote end in one line that says why, and the model stays as it was."""
    model = new_model(dataset)
    before = copy_of(model)
    path = tmp_path / "old.params"
    assert callable(save)
    save(model.state_dict(), path)
    with pytest.raises(RunError) as caught:
        course.finetune(str(path), str(pairs_path), dataset, BLOCK_SIZE, model)
    assert str(caught.value) == (
        f"{path}: looks like a pickle, and pickles are never loaded, since they can run code; "
        "give a .safetensors file that closedbook wrote"
    )
    assert is_equal(copy_of(model), before)


def test_parameters_of_another_model_are_refused(
    dataset: course.CharCorruptionDataset, pairs_path: Path, tmp_path: Path
):
    """A file of another shape of model, or none at all, is named, and the model stays as it was."""
    model = new_model(dataset)
    before = copy_of(model)
    mconf = course.GPTConfig(dataset.vocab_size, BLOCK_SIZE, n_layer=2, n_head=2, n_embd=26)
    wide = course.initialize_vanilla_model(mconf)
    tconf = course.TrainerConfig(max_epochs=1, num_workers=0)
    course.train(wide, tmp_path / "wide.params", course.Trainer(wide, dataset, None, tconf))
    for name, reason in (("wide.params", "weights of another model: "), ("none.params", "no such file")):
        with pytest.raises(RunError) as caught:
            course.finetune(tmp_path / name, pairs_path, dataset, BLOCK_SIZE, model)
        assert str(caught.value).startswith(f"{tmp_path / name}: {reason}")
        assert "\n" not in str(caught.value)
    assert is_equal(copy_of(model), before)


# Answers


def test_evaluate_places_counts_questions_and_right_answers(pairs_path: Path):
    """It returns (total, correct), as the assignment's code does."""
    predictions = ["Ulm", "Rom", "oslo", "Bern ", "Ulm"]
    assert course.evaluate_places(str(pairs_path), predictions) == (5.0, 3.0)


def test_evaluate_places_of_questions_alone_is_nothing(tmp_path: Path):
    """The test file of the assignment has no answers: (0, 0)."""
    path = tmp_path / "birth_test_inputs.tsv"
    path.write_text("Where was Ann Bell born?\nWhere was Bo Carr born?\n")
    assert course.evaluate_places(path, ["Ulm", "Rom"]) == (0.0, 0.0)


def test_evaluate_places_needs_a_prediction_a_question(pairs_path: Path):
    """Predictions that were lost on the way are no wrong answers."""
    with pytest.raises(InputError, match="has 5 questions, and there are 2 predictions"):
        course.evaluate_places(pairs_path, ["Ulm", "Rom"])


def test_sample_is_greedy_unless_it_is_told_to_draw(dataset: course.CharCorruptionDataset):
    """`steps` likeliest characters are put behind x, read through a window of block_size; top_k=1 draws the same."""
    model = new_model(dataset).eval()
    x = torch.randint(2, dataset.vocab_size, (3, BLOCK_SIZE - 2), generator=torch.Generator().manual_seed(7))
    y = course.sample(model, x, 5)
    assert y.shape == (3, BLOCK_SIZE + 3)
    assert torch.equal(y[:, : x.size(1)], x)
    for place in range(x.size(1), y.size(1)):
        logits, _ = model(y[:, max(0, place - BLOCK_SIZE) : place])
        assert torch.equal(logits[:, -1].argmax(-1), y[:, place])
    assert torch.equal(course.sample(model, x, 5, sample=True, top_k=1), y)
    assert torch.equal(course.sample(model, x, 5, temperature=1e-6, sample=True), y)


def test_sample_draws_from_the_likeliest_by_their_probability(dataset: course.CharCorruptionDataset):
    """With sample=True and top_k, draws repeat by torch's seed and are of the k likeliest characters."""
    model = new_model(dataset).eval()
    x = torch.full((400, 1), dataset.stoi["W"])
    torch.manual_seed(3)
    drawn = course.sample(model, x, 1, sample=True, top_k=5)[:, 1]
    torch.manual_seed(3)
    assert torch.equal(course.sample(model, x, 1, sample=True, top_k=5)[:, 1], drawn)
    likeliest = model(x[:1])[0][0, -1].topk(5).indices
    assert set(drawn.tolist()) == set(likeliest.tolist())


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_a_students_run_py_works_unchanged(variant: str, tmp_path: Path, pairs_path: Path):
    """Pretrain, finetune, predict and score, as the handout's script does; overfitted, every answer is right."""
    corpus_path, params = tmp_path / "wiki.txt", tmp_path / "out.params"
    corpus_path.write_text(TEXT, encoding="utf-8")
    torch.manual_seed(0)

    with corpus_path.open(encoding="utf-8") as file:
        pretrain_dataset = course.CharCorruptionDataset(file.read(), BLOCK_SIZE)
    mconf = course.GPTConfig(
        pretrain_dataset.vocab_size, pretrain_dataset.block_size, n_layer=3, n_head=2, n_embd=34, attn_pdrop=0.0
    )
    if variant == "vanilla":
        model = course.initialize_vanilla_model(mconf)
    else:
        model = course.initialize_perceiver_model(mconf, bottleneck_dim=31)
    tconf, trainer = course.pretrain(pretrain_dataset, BLOCK_SIZE, model)
    tconf.max_epochs = 2
    course.train(model, str(params), trainer)
    tconf, trainer = course.finetune(str(params), str(pairs_path), pretrain_dataset, BLOCK_SIZE, model)
    tconf.max_epochs, tconf.learning_rate, tconf.lr_decay, tconf.num_workers = 160, 3e-3, False, 0
    course.train(model, str(params), trainer)

    predictions = []
    with pairs_path.open(encoding="utf-8") as file:
        for line in file:
            x = line.split("\t")[0] + "⁇"
            x = torch.tensor([pretrain_dataset.stoi[s] for s in x], dtype=torch.long)[None, ...]
            pred = course.sample(model, x, 32, sample=False)[0]
            completion = "".join([pretrain_dataset.itos[int(i)] for i in pred])
            predictions.append(completion.split("⁇")[1])
    assert course.evaluate_places(str(pairs_path), predictions) == (5.0, 5.0)

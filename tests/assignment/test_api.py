"""The assignment's API, used as a student's run.py uses it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from closedbook.assignment import api as course
from closedbook.errors import InputError, RunError

BLOCK_SIZE = 61
PEOPLE = {"Ann Bell": "Ulm", "Bo Carr": "Rom", "Cy Dunn": "Oslo", "Di Eck": "Bern", "Ed Foss": "Ulm"}
TEXT = "\n".join(f"{name}. {name} was born in {place} . Where? It is so." for name, place in PEOPLE.items())
PAIRS = "".join(f"Where was {name} born?\t{place}\n" for name, place in PEOPLE.items())


@pytest.fixture
def dataset() -> course.CharCorruptionDataset:
    """The people's lines."""
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
    """A copy of a model's parameters."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def is_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether both have the same parameters, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def text_of(dataset: course.CharCorruptionDataset, ids: Tensor) -> str:
    """The characters of a row."""
    return "".join(dataset.itos[int(i)] for i in ids)


class Writer:
    """Records what a SummaryWriter would write."""

    def __init__(self) -> None:
        self.scalars: list[tuple[str, float, int]] = []

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Record the value at a step."""
        self.scalars.append((tag, value, step))


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


def test_a_perceiver_has_bottleneck_dim_latents(dataset: course.CharCorruptionDataset):
    """The queries of the first block are bottleneck_dim vectors of the model's width."""
    mconf = course.GPTConfig(dataset.vocab_size, BLOCK_SIZE, n_layer=3, n_head=2, n_embd=22)
    model = course.initialize_perceiver_model(mconf, bottleneck_dim=7)
    assert (1, 7, 22) in {tuple(parameter.shape) for parameter in model.parameters()}
    logits, loss = model(dataset[0][0][None])
    assert logits.shape == (1, BLOCK_SIZE - 1, dataset.vocab_size)
    assert loss is None


def test_the_loss_is_the_mean_over_targets_that_are_not_pad(dataset: course.CharCorruptionDataset):
    """forward(idx, targets) gives logits and nats a character, over the targets that are not PAD."""
    model = new_model(dataset).eval()
    x = torch.tensor([[2, 3, 5, 7], [11, 13, 2, 3]])
    y = torch.tensor([[3, 5, 7, 0], [0, 2, 0, 0]])
    logits, loss = model(x, y)
    nats = -logits.log_softmax(-1)
    expected = (nats[0, 0, 3] + nats[0, 1, 5] + nats[0, 2, 7] + nats[1, 1, 2]) / 4
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert torch.equal(model(x)[0], logits)


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


def test_pretrain_trains_nothing_and_has_the_assignments_hyperparameters(dataset: course.CharCorruptionDataset):
    """It returns (TrainerConfig, Trainer) for 650 epochs of 128 at 6e-3, and the model is unchanged."""
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
    """Without parameters to read: 75 epochs of 256 at 6e-4, and the model is unchanged."""
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
    """With parameters to read: the model has them at once, and the config has 10 epochs."""
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
    """The file has the trained parameters as safetensors, whatever its name, and the loss has fallen."""
    model = new_model(dataset)
    x, y = (torch.stack(column) for column in zip(*(dataset[i] for i in range(len(dataset))), strict=True))
    before = copy_of(model), model.eval()(x, y)[1]
    tconf = course.TrainerConfig(max_epochs=8, batch_size=5, learning_rate=1e-2, num_workers=0)
    course.train(model, str(tmp_path / "my.params"), course.Trainer(model, dataset, None, tconf))
    assert not is_equal(copy_of(model), before[0])
    assert is_equal(load_file(tmp_path / "my.params"), copy_of(model))
    assert model.eval()(x, y)[1] < 0.9 * before[1]


def test_a_dataset_gives_new_draws_after_training_too(dataset: course.CharCorruptionDataset):
    """During training, draws are a function of epoch and index; afterwards each item is a new draw again."""
    tconf = course.TrainerConfig(max_epochs=1, num_workers=0)
    course.Trainer(new_model(dataset), dataset, None, tconf).train()
    assert len({text_of(dataset, dataset[1][0]) for _ in range(20)}) > 15


@pytest.mark.parametrize("n_workers", [0, 4])
def test_training_is_reproducible(dataset: course.CharCorruptionDataset, n_workers: int):
    """Earlier draws from the dataset and the number of workers change no bit of the result."""
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


def test_the_writer_gets_losses_and_learning_rates(dataset: course.CharCorruptionDataset):
    """train/loss and train/lr after each step, and test/loss after each epoch, given a test dataset."""
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
    """With lr_decay it is linear up to warmup_tokens, then a cosine that reaches a tenth at final_tokens."""
    writer = Writer()
    n_tokens = len(dataset) * (BLOCK_SIZE - 1)
    tconf = course.TrainerConfig(max_epochs=4, batch_size=5, num_workers=0, learning_rate=1e-3, lr_decay=True)
    tconf.warmup_tokens, tconf.final_tokens, tconf.writer = 2 * n_tokens, 4 * n_tokens, writer
    course.Trainer(new_model(dataset), dataset, None, tconf).train()
    rates = [value for tag, value, _ in writer.scalars if tag == "train/lr"]
    assert rates == pytest.approx([0.5e-3, 1e-3, 0.5e-3, 0.1e-3])


def test_the_parameters_are_kept_at_ckpt_path_after_each_epoch(dataset: course.CharCorruptionDataset, tmp_path: Path):
    """A trainer with a ckpt_path writes the parameters there."""
    model = new_model(dataset)
    tconf = course.TrainerConfig(max_epochs=1, batch_size=5, num_workers=0, ckpt_path=str(tmp_path / "ckpt"))
    course.Trainer(model, dataset, None, tconf).train()
    assert is_equal(load_file(tmp_path / "ckpt"), copy_of(model))


@pytest.mark.parametrize("save", [torch.save, lambda weights, path: torch.save(weights, path, pickle_protocol=4)])
def test_a_pickle_is_never_loaded(
    dataset: course.CharCorruptionDataset, pairs_path: Path, tmp_path: Path, save: object
):
    """The error for a file of torch.save says why in one line, and the model is unchanged."""
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
    """The error names the file, also where there is none, and the model is unchanged."""
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


def test_evaluate_places_of_questions_without_answers_is_zero(tmp_path: Path):
    """The assignment's test file has no answers: (0, 0)."""
    path = tmp_path / "birth_test_inputs.tsv"
    path.write_text("Where was Ann Bell born?\nWhere was Bo Carr born?\n")
    assert course.evaluate_places(path, ["Ulm", "Rom"]) == (0.0, 0.0)


def test_evaluate_places_needs_one_prediction_per_question(pairs_path: Path):
    """Missing predictions are an error, not wrong answers."""
    with pytest.raises(InputError, match="has 5 questions, and there are 2 predictions"):
        course.evaluate_places(pairs_path, ["Ulm", "Rom"])


def test_sample_is_greedy_by_default(dataset: course.CharCorruptionDataset):
    """It appends the likeliest characters, each given the last block_size ones; sampling with top_k=1 is the same."""
    model = new_model(dataset).eval()
    x = torch.randint(2, dataset.vocab_size, (3, BLOCK_SIZE - 2), generator=torch.Generator().manual_seed(7))
    y = course.sample(model, x, 5)
    assert y.shape == (3, BLOCK_SIZE + 3)
    assert torch.equal(y[:, : x.size(1)], x)
    for position in range(x.size(1), y.size(1)):
        logits, _ = model(y[:, max(0, position - BLOCK_SIZE) : position])
        assert torch.equal(logits[:, -1].argmax(-1), y[:, position])
    assert torch.equal(course.sample(model, x, 5, sample=True, top_k=1), y)
    assert torch.equal(course.sample(model, x, 5, temperature=1e-6, sample=True), y)


def test_sample_draws_among_the_likeliest(dataset: course.CharCorruptionDataset):
    """With sample=True and top_k, draws depend on torch's seed and are among the k likeliest characters."""
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
    """It pretrains, finetunes, predicts and scores as the handout's script does; overfitted, all answers are right."""
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

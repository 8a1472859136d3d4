import math

import pytest

from closedbook.recipe.recipe import COURSE, FAST, StageConfig
from closedbook.training.schedule import Schedule, cosine_by_tokens, linear_decay


@pytest.mark.parametrize(
    ("n_tokens", "multiplier"),
    [
        (0, 0.0),
        (127, 0.0127),
        (5_000, 0.5),
        (9_999, 0.9999),
        (10_000, 1.0),
        (35_000, 0.8535533905932737),  # a quarter of the way: (1 + cos 45 degrees) / 2
        (60_000, 0.5),
        (85_000, 0.14644660940672627),
        (89_000, 0.1049224938121548),  # (1 + cos 142.2 degrees) / 2
        (90_000, 0.1),  # below a tenth is the floor
        (110_000, 0.1),
        (135_000, 0.14644660940672627),
        (160_000, 0.5),
        (210_000, 1.0),
        (310_000, 0.1),
    ],
)
def test_cosine_by_tokens_by_hand(n_tokens: int, multiplier: float):
    """Warm-up over 10,000 tokens, cosine to a tenth at 110,000, and back up to the peak at 210,000."""
    assert cosine_by_tokens(n_tokens, 10_000, 110_000) == pytest.approx(multiplier, rel=1e-12)


def course(stage: StageConfig = COURSE.pretrain) -> Schedule:
    """The assignment's pretraining on 2,048 documents, 16 steps per epoch."""
    return Schedule(stage, n_documents=2048, block_size=128, n_steps=16 * stage.epochs)


@pytest.mark.parametrize(
    ("epochs", "rate"),
    # Examples count 127 tokens each and the floor is computed with 128, so each comes later by one part in 128.
    [
        (100, 6e-3 * (1 + math.cos(math.pi * (26_009_600 - 10_240) / (52_428_800 - 10_240))) / 2),
        (200, 6e-4),
        (201.5, 6e-4),
        (400, 6e-3),
        (600, 6e-4),
        (650, 6e-3 * (1 + math.cos(math.pi * (169_062_400 - 10_240) / (52_428_800 - 10_240))) / 2),
    ],
)
def test_recipe_course_is_at_its_floor_at_200_epochs_and_at_its_peak_at_400(epochs: float, rate: float):
    """As in the assignment's code, nothing keeps the cosine at its floor, and within 650 epochs it climbs back."""
    n_rows = int(2048 * epochs)
    assert course().rate(0, n_rows) == pytest.approx(rate, rel=1e-3)


def test_warm_up_counts_the_step_itself():
    """The first step's rate is that after 128 * 127 tokens, which is past the warm-up of 10,240."""
    assert course().rate(0, 64) == pytest.approx(6e-3 * 64 * 127 / 10_240)
    assert course().rate(0, 128) == pytest.approx(6e-3, rel=1e-6)


def test_cosine_by_tokens_depends_on_examples_and_not_on_steps():
    """After the same number of examples the rate is the same, whatever the batches."""
    assert course().rate(3, 5000) == course().rate(7, 5000)


@pytest.mark.parametrize(
    ("step", "multiplier"),
    # 4 of 20 steps rise by fifths, then 16 steps fall by sixteenths.
    [(0, 0.2), (1, 0.4), (2, 0.6), (3, 0.8), (4, 1.0), (5, 15 / 16), (12, 0.5), (19, 1 / 16), (20, 0.0)],
)
def test_the_linear_schedule_by_hand(step: int, multiplier: float):
    """It rises during the warm-up's share of the steps, and then falls to zero after the last."""
    assert linear_decay(step, 20, 0.2) == pytest.approx(multiplier)


def test_the_linear_schedule_without_warm_up_starts_at_its_peak():
    """The first step has the peak rate, the last one the smallest, and zero would come after it."""
    assert [linear_decay(step, 5, 0.0) for step in range(6)] == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 0])


@pytest.mark.parametrize("n_steps", [1, 2, 3, 7, 101])
@pytest.mark.parametrize("warmup", [0.0, 0.02, 0.5, 0.99])
def test_the_linear_schedule_is_never_zero_and_never_above_its_peak(n_steps: int, warmup: float):
    """However few the steps, each has a rate above zero and at most the peak."""
    assert all(0 < linear_decay(step, n_steps, warmup) <= 1 for step in range(n_steps))


def test_a_stage_without_decay_keeps_its_peak():
    """With decay = false the rate is the same at every step."""
    schedule = course(StageConfig(learning_rate=0.003, decay=False))
    assert {schedule.rate(step, 128 * step) for step in range(101)} == {0.003}


def test_recipe_fast_follows_the_linear_schedule():
    """The rate is that of the schedule which the stage names, times the peak."""
    schedule = Schedule(FAST.pretrain, n_documents=97, block_size=128, n_steps=1000)
    assert schedule.rate(19, 0) == pytest.approx(2e-3 * 20 / 21)
    assert schedule.rate(510, 0) == pytest.approx(1e-3)
    assert schedule.rate(999, 0) == pytest.approx(2e-3 / 980)

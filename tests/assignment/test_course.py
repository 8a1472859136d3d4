import closedbook.course
from closedbook.assignment import api

NAMES = {
    "CharCorruptDataset",
    "CharCorruptionDataset",
    "GPT",
    "GPTConfig",
    "NameDataset",
    "Trainer",
    "TrainerConfig",
    "Writer",
    "evaluate_places",
    "finetune",
    "initialize_perceiver_model",
    "initialize_vanilla_model",
    "load_params",
    "pretrain",
    "sample",
    "train",
}
"""What closedbook.course defined when it was a module of its own."""


def test_closedbook_course_is_the_assignments_api_under_its_first_name():
    """Scripts that import from closedbook.course get the same objects."""
    assert set(api.__all__) == NAMES
    for name in NAMES:
        assert getattr(closedbook.course, name) is getattr(api, name)

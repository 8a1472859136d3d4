from pathlib import Path

import pytest

from closedbook.assignment.targets import TARGETS, TargetOptions, name_of
from closedbook.errors import RunError

TRAINING = {
    "vanilla_finetune_without_pretrain": "vanilla_eval_dev_without_pretrain",
    "vanilla_pretrain": "vanilla_finetune_with_pretrain",
    "vanilla_finetune_with_pretrain": "vanilla_eval_dev_with_pretrain",
    "perceiver_pretrain": "perceiver_finetune_with_pretrain",
    "perceiver_finetune_with_pretrain": "perceiver_eval_dev_with_pretrain",
}
"""The targets that train, and the next target of each."""


@pytest.fixture
def options(tmp_path: Path) -> TargetOptions:
    """Options whose files all exist, and whose output folder has every target's output."""
    files = {name: tmp_path / name for name in ("corpus", "train", "dev", "test")}
    for path in files.values():
        path.touch()
    for target in TARGETS.values():
        (tmp_path / target.output).touch()
        if target.action != "evaluate":
            target.run_path(tmp_path).mkdir()
            (target.run_path(tmp_path) / "model.safetensors").touch()
    return TargetOptions(out=tmp_path, **files)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_that_is_made_names_the_next_one(options: TargetOptions, name: str):
    """In the words that the user would type; an evaluation may be made again."""
    target = TARGETS[name]
    assert name_of(target) == name
    if name not in TRAINING:
        target.check(options, "closedbook")
        return
    with pytest.raises(RunError) as caught:
        target.check(options, "sh run.sh")
    assert str(caught.value) == (
        f"{options.out / target.output}: is made already; next is `sh run.sh {TRAINING[name]}`, or name another --out "
        "to make it again"
    )


@pytest.mark.parametrize("name", TRAINING)
def test_a_target_that_was_stopped_is_good_to_go_on(options: TargetOptions, name: str):
    """Neither a run without weights nor one that was never begun is in the way."""
    target = TARGETS[name]
    (target.run_path(options.out) / "model.safetensors").unlink()
    target.check(options, "closedbook")
    target.run_path(options.out).rmdir()
    (options.out / target.output).unlink()
    target.check(options, "closedbook")

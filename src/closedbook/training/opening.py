"""Opening: a new run's folder, or the run that is resumed with the checkpoint that it goes on from."""

from collections.abc import Iterator
from dataclasses import replace

from lightning_fabric import Fabric

from closedbook.storage.checkpoint import Checkpoint, load_latest
from closedbook.storage.fingerprint import differences
from closedbook.storage.lock import OneWriter
from closedbook.storage.resume import check_same_inputs
from closedbook.storage.run import Run, create_run
from closedbook.storage.sums import write_summed
from closedbook.training.checkpointing import Saving
from closedbook.training.mixture import stage_of
from closedbook.training.plan import Plan
from closedbook.training.prepared import Prepared
from closedbook.training.processes import begin_here
from closedbook.training.silver import SILVER, silver_lines


def as_it_began(plan: Plan, run: Run, saving: Saving, *, has_own_steps: bool) -> Plan:
    """The plan of the run that is resumed; raises RunError where it began with other files or another recipe."""
    if has_own_steps:  # the number of steps was decided when the run began
        plan = plan.with_steps(stage_of(plan.kind, run.recipe, is_from_scratch=True).steps)
    check_same_inputs(run, plan.recipe if saving.recipe_is_given else None, plan.info)
    return replace(plan, recipe=run.recipe)  # which may be another in what changes no weight


def opened(prepared: Prepared, saving: Saving, writer: OneWriter, fabric: Fabric) -> tuple[Run, Checkpoint | None]:
    """The run's folder, which rank 0 creates for a new run, and the checkpoint to continue from."""
    plan, silver = prepared.plan, prepared.examples.silver
    checkpoint = None
    if fabric.is_global_zero:
        begin_here(saving.out)
    if plan.resumed is not None:
        run, checkpoint = plan.resumed, load_latest(saving.out)
    else:
        run = Run(saving.out, plan.recipe, plan.info)
        if fabric.is_global_zero:
            create_run(saving.out, plan.recipe, plan.info, plan.kept)
            writer.move_in()
        fabric.barrier()
    if silver is not None and checkpoint is None and fabric.is_global_zero:
        write_summed(run.path / SILVER, silver_lines(silver).encode())
    return run, checkpoint


def resume_notes(checkpoint: Checkpoint, now: dict[str, str]) -> Iterator[str]:
    """What the user should know: damaged checkpoints that were skipped, and what has changed since."""
    yield from checkpoint.notes
    changed = differences(checkpoint.fingerprint, now)
    if changed:
        yield f"not bit for bit what an undisturbed run would be: {'; '.join(changed)}"

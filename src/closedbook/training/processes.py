"""Several processes that train one run, as torchrun starts them: what it tells them, and that one of them has ended."""

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import torch

from closedbook.errors import InputError, PeerLost

# What torchrun tells each process. Without one of them a process would wait for others that never come.
_TORCHRUN = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")
# For a process that does not come, and for one whose machine fell silent; gloo notices at once that a process ended.
_PATIENCE = timedelta(minutes=30)


class NumbersOfProcesses(NamedTuple):
    """How many processes there are on this machine, as on each, and on how many machines."""

    here: int
    machines: int


def is_first_process() -> bool:
    """Whether this process is rank 0, known before the others are met."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK") == "0"


def numbers_of_processes() -> NumbersOfProcesses:
    """The processes that torchrun started.

    Raises InputError where something else announced several, or where another machine has more or fewer than this one.
    """
    announced = os.environ.get("WORLD_SIZE", "1")
    if announced == "1":
        return NumbersOfProcesses(1, 1)
    missing = [name for name in _TORCHRUN if name not in os.environ]
    if missing:
        raise InputError(
            f"WORLD_SIZE: torchrun sets it for several processes, and {', '.join(missing)} too; received "
            f"{announced} without; start with `torchrun --standalone --nproc-per-node 2 -m closedbook ...`, or unset "
            "WORLD_SIZE"
        )
    rank, n_here = int(os.environ["RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    n_machines = int(os.environ.get("GROUP_WORLD_SIZE", int(announced) // n_here))
    machine = int(os.environ.get("GROUP_RANK", rank // n_here))
    if n_here * n_machines != int(announced) or rank - int(os.environ["LOCAL_RANK"]) != n_here * machine:
        raise InputError(
            f"--nproc-per-node: each machine needs the same number of processes; received {n_here} here, and "
            f"{announced} in all on {n_machines} machines; give all machines the same"
        )
    return NumbersOfProcesses(n_here, n_machines)


def join_group(n_processes: int, device: torch.device) -> None:
    """Meet the other processes that torchrun started; raises PeerLost where one does not come within half an hour.

    Without torchrun's own store nothing is done here, and Lightning Fabric joins the group.
    """
    store = _store_of_torchrun()
    if store is None or torch.distributed.is_initialized():
        return
    # torchrun keeps its store when it restarts processes, with the addresses of those that ended
    # (github.com/pytorch/pytorch/issues/135712). So each start has names of its own.
    name = f"closedbook start {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    rank, end = int(os.environ["RANK"]), time.monotonic() + _PATIENCE.total_seconds()
    store.set(f"{name} {rank}", "here")
    # In Python, since a signal does not end a wait in C++.
    while not store.check([f"{name} {other}" for other in range(n_processes)]):
        if time.monotonic() > end:
            raise PeerLost(f"another process has not come within {_PATIENCE.total_seconds() / 60:.0f} minutes")
        time.sleep(0.05)
    torch.distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        store=torch.distributed.PrefixStore(name, store),  # type: ignore[attr-defined]  # documented, but not listed
        rank=rank,
        world_size=n_processes,
        timeout=_PATIENCE,
        device_id=device if device.type == "cuda" else None,
    )


@contextmanager
def noticing_lost_peers() -> Iterator[None]:
    """Raise PeerLost where the code inside waits for a process that has ended, or that cannot be reached."""
    try:
        yield
    except RuntimeError as error:
        # gloo's errors have no class of their own; their text begins with the path of its source.
        if isinstance(error, torch.distributed.DistError) or "/gloo/" in str(error):
            raise PeerLost(
                "another process of this training ended, or its machine cannot be reached: torchrun's report says which"
            ) from error
        raise


def begin_here(run: Path) -> None:
    """Remember, for as long as torchrun runs, that it began or resumed the run in this folder."""
    store = _store_of_torchrun()
    if store is not None:
        store.set(_key(run), "begun")


def was_begun_here(run: Path) -> bool:
    """Whether the torchrun that started this process began or resumed the run in this folder: it has restarted it."""
    store = _store_of_torchrun()
    return store is not None and bool(store.check([_key(run)]))


def _key(run: Path) -> str:
    return f"closedbook run {run.resolve()}"


def speaks_for_machine() -> bool:
    """Whether this process should say why all end: the machine's first one, or another where that one was killed.

    Any other than the first waits up to three seconds to find out; torchrun would end the first once it has ended.
    """
    is_first = os.environ.get("LOCAL_RANK", "0") == "0"
    store = _store_of_torchrun()
    if store is None:
        return is_first
    start, machine = (os.environ.get(name, "0") for name in ("TORCHELASTIC_RESTART_COUNT", "GROUP_RANK"))
    key, end = f"closedbook end {start} {machine}", time.monotonic() + (0 if is_first else 3)
    with suppress(RuntimeError):  # torchrun itself may have ended
        while not store.check([key]) and time.monotonic() < end:
            time.sleep(0.1)
        return bool(store.add(key, 1) == 1)
    return is_first


def all_gathered(values: torch.Tensor, n_processes: int) -> torch.Tensor:
    """The values of all processes, which have one shape, stacked."""
    gathered = [torch.empty_like(values) for _ in range(n_processes)]
    torch.distributed.all_gather(gathered, values.contiguous())
    return torch.stack(gathered)


def _store_of_torchrun() -> Any:
    """The store that torchrun's processes meet at, which outlives those that it restarts; None where it has none."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    try:
        host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        return torch.distributed.TCPStore(  # type: ignore[attr-defined]  # documented, but not listed
            host, port, wait_for_workers=False, timeout=timedelta(seconds=10)
        )
    except RuntimeError:
        return None


def leave_group() -> None:
    """Leave the group of processes, if there is one; a process that exits without this can crash at exit.

    No trainer should be in use any more.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # Trainers that only cycles keep alive go first. A DistributedDataParallel that outlives the group destroys it,
        # and waits, with Python's global lock held, for gloo's thread, which may be waiting for that lock.
        gc.collect()
        torch.distributed.destroy_process_group()

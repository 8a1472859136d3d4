"""Device and precision."""

import platform
import sys
from pathlib import Path

import pytest
import torch

from closedbook.errors import InputError
from closedbook.training.device import fastest_precision, make_fabric, multiplies_in_bfloat16
from closedbook.training.processes import numbers_of_processes

TORCHRUN = {
    "WORLD_SIZE": "2",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "1",
    "TORCHELASTIC_RUN_ID": "test",
}


def set_environment(monkeypatch: pytest.MonkeyPatch, without: str = "") -> None:
    """The environment of a process that torchrun started, without one of its variables."""
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(without, raising=False)


@pytest.mark.parametrize(
    ("capabilities", "has_products"),
    [
        ({"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"architecture": "x86_64", "avx2": True, "avx_ne_convert": True}, False),
        ({"architecture": "aarch64", "bf16": True}, sys.platform == "linux"),
        ({"architecture": "aarch64", "bf16": False, "sve_bf16": True}, sys.platform == "linux"),
        ({"architecture": "aarch64", "neon": True, "bf16": False}, False),
        ({}, False),
    ],
)
def test_bfloat16_products_are_told_from_the_processors_capabilities(
    capabilities: dict[str, str | bool], has_products: bool
):
    """AMX, AVX512-BF16 and ARM's BF16 have them; AVX-512 and AVX2 alone convert every number."""
    assert multiplies_in_bfloat16(capabilities) is has_products


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU its own capability counts")
def test_precision_auto_is_what_the_processor_has():
    """The features that Linux lists decide, and no clock."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists() or platform.machine() != "x86_64":
        pytest.skip("x86 processors under Linux are listed there")
    features = cpuinfo.read_text(encoding="utf-8", errors="replace").split()
    has_products = "amx_bf16" in features or "avx512_bf16" in features
    assert fastest_precision() == ("bfloat16" if has_products else "float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU its own capability counts")
def test_several_processes_use_float32_for_precision_auto(monkeypatch: pytest.MonkeyPatch):
    """They may be on machines whose processors differ."""
    set_environment(monkeypatch)
    assert fastest_precision() == "float32"


@pytest.mark.parametrize("missing", [name for name in TORCHRUN if name != "WORLD_SIZE"])
def test_several_processes_without_torchrun_are_refused(monkeypatch: pytest.MonkeyPatch, missing: str):
    """One line names the missing variable and the command; nobody waits for processes that never come."""
    set_environment(monkeypatch, without=missing)
    with pytest.raises(InputError, match=rf"^WORLD_SIZE: .* {missing} too; received 2 without; start with `torchrun "):
        make_fabric("float32")


def test_one_process_needs_no_torchrun(monkeypatch: pytest.MonkeyPatch):
    """WORLD_SIZE=1 is what a process alone has."""
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert make_fabric("float32").world_size == 1


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch):
    """Each process needs a GPU of its own where this machine has any."""
    set_environment(monkeypatch)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match=r"^--nproc-per-node: .*; received 2, with 1 here; .* CUDA_VISIBLE_DEVICES= "):
        make_fabric("float32")


# Machines with 2 and 1 processes, with 1 and 2, and with 1, 2 and 3: what one of them is told.
@pytest.mark.parametrize(
    ("world", "machines", "machine", "here", "rank"),
    [(3, 2, 0, 2, 0), (3, 2, 1, 1, 2), (3, 2, 0, 1, 0), (3, 2, 1, 2, 1), (6, 3, 1, 2, 1), (6, 3, 2, 3, 3)],
)
def test_machines_with_different_numbers_of_processes_are_refused(
    monkeypatch: pytest.MonkeyPatch, world: int, machines: int, machine: int, here: int, rank: int
):
    """One line names the option; nothing is taken for a machine that is none."""
    set_environment(monkeypatch)
    for name, value in {
        "WORLD_SIZE": world,
        "RANK": rank,
        "LOCAL_WORLD_SIZE": here,
        "GROUP_WORLD_SIZE": machines,
        "GROUP_RANK": machine,
    }.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(InputError, match=rf"^--nproc-per-node: .*; received {here} here, and {world} in all on"):
        make_fabric("float32")


@pytest.mark.parametrize(("world", "here", "machines"), [(4, 2, 2), (4, 4, 1), (6, 1, 6)])
def test_processes_on_each_machine_and_machines_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, world: int, here: int, machines: int
):
    """Processes on several machines are not taken for processes of one."""
    set_environment(monkeypatch, without="GROUP_RANK")
    for rank in range(world):
        values = {"WORLD_SIZE": world, "RANK": rank, "LOCAL_RANK": rank % here, "LOCAL_WORLD_SIZE": here}
        for name, value in {**values, "GROUP_WORLD_SIZE": machines, "GROUP_RANK": rank // here}.items():
            monkeypatch.setenv(name, str(value))
        assert numbers_of_processes() == (here, machines)

"""Free memory, as Linux and the control groups of containers say it."""

import os
from pathlib import Path

import pytest

from closedbook.training.free_memory import free_memory

MIB = 2**20


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with 700 MiB available, without control groups."""
    return written(tmp_path / "proc", {"meminfo": f"MemTotal: {900 * 1024} kB\nMemAvailable: {700 * 1024} kB\n"})


def written(folder: Path, files: dict[str, str]) -> Path:
    """The folder with files of these contents."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def test_without_a_limit_it_is_what_linux_can_give(proc: Path, tmp_path: Path):
    """MemAvailable counts, and a group without a limit changes nothing."""
    assert free_memory(proc, tmp_path) == 700 * MIB
    written(proc, {"self/cgroup": "0::/user\n"})
    groups = written(tmp_path / "groups", {"user/memory.max": "max\n", "user/memory.current": f"{MIB}\n"})
    assert free_memory(proc, groups) == 700 * MIB


def test_version_2_limits_by_the_group_or_one_above_it(proc: Path, tmp_path: Path):
    """The tightest limit counts; files that the kernel keeps in memory count as free."""
    written(proc, {"self/cgroup": "0::/a/b\n"})
    groups = written(
        tmp_path / "groups",
        {
            "a/b/memory.max": f"{500 * MIB}\n",
            "a/b/memory.current": f"{100 * MIB}\n",
            "a/memory.max": f"{300 * MIB}\n",
            "a/memory.current": f"{100 * MIB}\n",
            "a/memory.stat": f"anon 5\ninactive_file {11 * MIB}\nactive_file {2 * MIB}\n",
        },
    )
    assert free_memory(proc, groups) == 213 * MIB


def test_version_1_limits_by_the_memory_controller(proc: Path, tmp_path: Path):
    """Only the line of the memory controller counts, and its files have other names."""
    written(proc, {"self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/job\n0::/\n"})
    groups = written(
        tmp_path / "groups",
        {
            "memory/job/memory.limit_in_bytes": f"{400 * MIB}\n",
            "memory/job/memory.usage_in_bytes": f"{150 * MIB}\n",
            "memory/job/memory.stat": f"total_inactive_file {30 * MIB}\n",
        },
    )
    assert free_memory(proc, groups) == 280 * MIB


def test_a_container_may_have_its_own_group_as_the_root(proc: Path, tmp_path: Path):
    """The path of the group from outside is not there inside; what is used beyond the limit leaves nothing."""
    written(proc, {"self/cgroup": "0::/docker/0123\n"})
    groups = written(tmp_path / "groups", {"memory.max": f"{90 * MIB}\n", "memory.current": f"{50 * MIB}\n"})
    assert free_memory(proc, groups) == 40 * MIB
    written(groups, {"memory.current": f"{95 * MIB}\n"})
    assert free_memory(proc, groups) == 0


def test_elsewhere_the_machines_memory_counts(tmp_path: Path):
    """Without /proc no more than all of the memory can be free, where the system tells that."""
    known = free_memory(tmp_path, tmp_path)
    if not hasattr(os, "sysconf"):
        assert known is None
    else:
        assert known is not None
        assert known > 100 * MIB


def test_this_machine_says_how_much_is_free():
    """Something is free while a test runs, and less than an exbibyte."""
    assert 0 < (free_memory() or 1) < 2**60

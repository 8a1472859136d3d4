"""What processes tell one another through torchrun's store, which outlives those that it restarts."""

from pathlib import Path

import pytest
import torch

from closedbook.training.processes import begin_here, speaks_for_machine, was_begun_here


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> "torch.distributed.TCPStore":
    """A store like that of a torchrun that started two processes on this machine, of which this one is the first."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    for name, value in {**address, "LOCAL_RANK": "0", "GROUP_RANK": "0", "TORCHELASTIC_RESTART_COUNT": "0"}.items():
        monkeypatch.setenv(name, value)
    return store


@pytest.mark.usefixtures("store")
def test_a_run_that_this_torchrun_began_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By its folder, however that is written; another run's is not."""
    assert not was_begun_here(tmp_path / "run")
    begin_here(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert was_begun_here(Path("run"))
    assert not was_begun_here(Path("other"))


def test_without_torchrun_no_run_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing is remembered and nothing is waited for."""
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    begin_here(tmp_path)
    assert not was_begun_here(tmp_path)


@pytest.mark.usefixtures("store")
def test_the_first_process_of_a_machine_speaks_and_the_others_do_not(monkeypatch: pytest.MonkeyPatch):
    """One line from each machine says why all end."""
    assert speaks_for_machine()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not speaks_for_machine()
    monkeypatch.setenv("GROUP_RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert speaks_for_machine()


@pytest.mark.usefixtures("store")
def test_where_the_first_process_was_killed_one_other_speaks(monkeypatch: pytest.MonkeyPatch):
    """It waits three seconds for the first one's word, and a third process stays quiet."""
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert speaks_for_machine()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not speaks_for_machine()


@pytest.mark.usefixtures("store")
def test_each_restart_speaks_again(monkeypatch: pytest.MonkeyPatch):
    """What was said before processes were restarted does not silence them."""
    assert speaks_for_machine()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert speaks_for_machine()

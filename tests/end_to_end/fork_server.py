"""Starts processes in which torch is imported already, which takes milliseconds instead of seconds.

Reads requests, one JSON object per line: words, folder, stdout, stderr, n_processes, max_restarts. For each it forks a
process that runs `closedbook WORDS` in the folder, writes its process id, waits for its end, and writes its exit
status, negative for a signal. With n_processes the forked process does what torchrun does, by torchrun's own functions:
it starts that many, and restarts them. One request at a time. It is run with -W error, so that every warning is an
error.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

import closedbook.training.stages  # noqa: F401  # torch and all else that training imports, before any fork
from closedbook.commands.main import main


def run(words: list[str], folder: str, stdout: str, stderr: str, n_processes: int, max_restarts: int) -> int:
    """Run a command in the forked process, and return its exit status."""
    os.chdir(folder)
    for number, path in enumerate((os.devnull, stdout, stderr)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
    try:
        status = run_by_torchrun(words, n_processes, max_restarts) if n_processes else main(words)
        sys.stdout.flush()
        return status
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 70


def run_by_torchrun(words: list[str], n_processes: int, max_restarts: int) -> int:
    """Run a command in several processes, as `torchrun --standalone` does; 1 where one of them fails in the end."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=n_processes,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=max_restarts,
        start_method="fork",
    )
    try:
        elastic_launch(launch, run_one)(words)
    except ChildFailedError:
        return 1
    return 0


def run_one(words: list[str]) -> None:
    """Be one of several processes; RANK.pid in the working directory has the number of the latest with this rank."""
    Path(f"{os.environ['RANK']}.pid").write_text(str(os.getpid()), encoding="utf-8")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # the process that started this one has torchrun's
    signal.signal(signal.SIGINT, signal.default_int_handler)
    status = main(words)
    if status:
        sys.stdout.flush()
        os._exit(status)


def serve() -> None:
    """Serve until standard input ends."""
    while request := sys.stdin.readline():
        number = os.fork()
        if number == 0:
            os._exit(run(**json.loads(request)))
        os.write(1, f"{number}\n".encode())
        _, status = os.waitpid(number, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    serve()

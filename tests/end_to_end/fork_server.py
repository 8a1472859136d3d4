"""Starts processes in which torch is imported already, which takes milliseconds instead of seconds.

Reads requests, one JSON object per line: words, folder, stdout, stderr. For each it forks a process that runs
`closedbook WORDS` in the folder, writes its process id, waits for its end, and writes its exit status, negative for a
signal. One process at a time. It is run with -W error, so that every warning is an error.
"""

import json
import os
import sys
import traceback

from closedbook.commands.main import main


def run(words: list[str], folder: str, stdout: str, stderr: str) -> int:
    """Run a command in the forked process, and return its exit status."""
    os.chdir(folder)
    for number, path in enumerate((os.devnull, stdout, stderr)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
    try:
        status = main(words)
        sys.stdout.flush()
        return status
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 70


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

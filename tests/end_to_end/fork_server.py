"""Starts processes that have imported torch already: each costs milliseconds in place of seconds.

Reads a request a line, in JSON: words, folder, stdout, stderr. For each it forks a process that runs
`closedbook WORDS` there, writes that process's number, waits for its end and writes its exit status, below 0
for a signal's number. One process at a time. Run with -W error, so that a warning anywhere is one.
"""

import json
import os
import sys
import traceback

from closedbook.commands.main import main


def run(words: list[str], folder: str, stdout: str, stderr: str) -> int:
    """A command's exit status, in the process that was forked for it."""
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

"""The name of the program as the user started it, for messages that say what to type."""

import os


def program() -> str:
    """`sh run.sh` where run.sh started it, else `closedbook`."""
    return os.environ.get("CLOSEDBOOK_PROGRAM", "closedbook")

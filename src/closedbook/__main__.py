"""`python -m closedbook` and the script `closedbook`: the command line."""

import signal
import sys


def main() -> int:
    """Run the command line; Ctrl-C ends the process while Python imports it, without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from closedbook.commands.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())

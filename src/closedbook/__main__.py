"""`python -m closedbook`: the command line."""

import sys

from closedbook.commands.main import main

sys.exit(main())

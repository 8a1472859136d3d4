"""`closedbook.assignment.api` under the name that it had first, so that older scripts run unchanged."""

from closedbook.assignment.api import *  # noqa: F403  # all of its public names

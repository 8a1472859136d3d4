"""Lengths of time."""

import pytest

from closedbook.progress.duration import duration


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.4, "0 s"), (89.0, "89 s"), (90.0, "1.5 min"), (912.0, "15.2 min"), (5400.0, "1.5 h")]
)
def test_a_time_has_the_unit_people_would_use(seconds: float, expected: str):
    """Seconds up to a minute and a half, minutes up to an hour and a half, then hours."""
    assert duration(seconds) == expected

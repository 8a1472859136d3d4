"""A length of time as people say it."""


def duration(seconds: float) -> str:
    """Of seconds: in s, min or h, whichever reads best."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"

"""A length of time as people say it."""


def duration(seconds: float) -> str:
    """Seconds up to a minute and a half, minutes up to an hour and a half, then hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"

"""Notes to show the user, and which of them only those want to see who ask for all."""


class Detail(str):
    """A note that is shown with --verbose alone: nothing is wrong, and nothing need be done."""

    __slots__ = ()

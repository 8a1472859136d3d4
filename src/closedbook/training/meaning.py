"""What a loss means here, in one plain sentence."""


def meaning(loss: float) -> str:
    """Of a loss in nats a character, averaged over some steps."""
    return "placeholder"

"""What a pretraining loss means, in one sentence.

benchmarks/loss_meaning.py measured, on the demo's world, what the model could do at each loss
(benchmarks/results/loss_meaning.json). Another corpus or objective moves the figures, not their order.
"""

_LEVELS = (
    (3.0, "it knows which letters are common, and little more"),
    (2.3, "it knows which letter follows which, no words yet: it guesses 1 in 3 next characters"),
    (1.6, "it knows letters and endings, not yet words: it guesses half of the next characters"),
    (1.0, "it spells short words; 1 in 5 to 1 in 3 of the words it writes exist"),
    (0.6, "it spells about half of its words right and knows how sentences go, but no facts: it makes names up"),
    (0.45, "it begins to remember: it fills in 1 masked name in 3"),
    (0.36, "it remembers most: it fills in 7 masked names in 10"),
    (0.0, "it knows the text: it fills in more than 8 masked names in 10"),
)


def meaning(loss: float) -> str:
    """What the model can do at a loss in nats per character, averaged over some steps."""
    return next(sentence for least, sentence in _LEVELS if loss >= least)

"""Seeded draws and permutations in whole-number arithmetic, the same on every machine and Python.

`random.Random` promises that for few of its methods, and a generator that is drawn from in turn would make
person 7 depend on persons 0 to 6. Here a draw is a pure function of seed, purpose and a number, so that a
world can be made from any end, and a switch moves no draw but its own.
"""

import hashlib
from math import isqrt

_ALL = 2**64 - 1


class Draws:
    """Whole numbers below 2**64, each a pure function of seed, purpose and a number."""

    def __init__(self, seed: int, purpose: str) -> None:
        digest = hashlib.sha256(f"closedbook.text.world/{seed}/{purpose}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "little")

    def __call__(self, number: int) -> int:
        """The draw of that number: splitmix64 (Steele, Lea and Flood 2014, figure 17) at that step."""
        z = (self._key + (number + 1) * 0x9E3779B97F4A7C15) & _ALL
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
        return z ^ (z >> 31)


def below(draw: int, n: int) -> int:
    """A draw brought to 0 .. n - 1, all alike for any n that is small beside 2**64."""
    return draw * n >> 64


class Permutation:
    """A seeded one-to-one map of 0 .. n - 1 onto itself, in memory of the order of the root of n.

    A Feistel network over the rows and columns of a rectangle of just over n fields; what it maps into the
    few fields beyond n it maps again ("cycle walking"; Black and Rogaway 2002).
    """

    _N_ROUNDS = 3

    def __init__(self, n: int, draws: Draws) -> None:
        self._n = n
        self._width = isqrt(max(0, n - 1)) + 1
        self._height = -(-n // self._width)
        self._rounds = [
            (
                [below(draws(4 * r * self._width + column), self._height) for column in range(self._width)],
                [below(draws((4 * r + 2) * self._width + row), self._width) for row in range(self._height)],
            )
            for r in range(self._N_ROUNDS)
        ]

    def __call__(self, number: int) -> int:
        """Where `number` goes."""
        n, width, height = self._n, self._width, self._height
        while True:
            row, column = divmod(number, width)
            for row_shift, column_shift in self._rounds:
                row = (row + row_shift[column]) % height
                column = (column + column_shift[row]) % width
            number = row * width + column
            if number < n:
                return number

"""Seeded draws and permutations in integer arithmetic, the same on every machine and version of Python.

`random.Random` promises that for few of its methods. Also, a generator with a state would make person 7 depend on
persons 0 to 6. Here a draw is a pure function of seed, purpose and number, so that a world can be made from any
starting point, and an option changes no draw but its own.
"""

import hashlib
from math import isqrt

_ALL = 2**64 - 1


class Draws:
    """Integers below 2**64, each a pure function of seed, purpose and number."""

    def __init__(self, seed: int, purpose: str) -> None:
        # This string seeds every world: another one would make other people.
        digest = hashlib.sha256(f"closedbook.text.world/{seed}/{purpose}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "little")

    def __call__(self, number: int) -> int:
        """The draw of a number: step `number` of splitmix64 (Steele, Lea and Flood 2014, figure 17)."""
        z = (self._key + (number + 1) * 0x9E3779B97F4A7C15) & _ALL
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
        return z ^ (z >> 31)


def below(draw: int, n: int) -> int:
    """A draw scaled to 0 .. n - 1, uniform for n much smaller than 2**64."""
    return draw * n >> 64


class Permutation:
    """A seeded permutation of 0 .. n - 1 that needs memory of the order of sqrt(n).

    A Feistel network over the rows and columns of a rectangle of n fields or a few more; a result of n or more is
    permuted again ("cycle walking"; Black and Rogaway 2002).
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
        """The number at index `number` of the permutation."""
        n, width, height = self._n, self._width, self._height
        while True:
            row, column = divmod(number, width)
            for row_shift, column_shift in self._rounds:
                row = (row + row_shift[column]) % height
                column = (column + column_shift[row]) % width
            number = row * width + column
            if number < n:
                return number

"""Everything that is left to chance, from one seed."""

from random import Random


def chance(seed: int, name: str) -> Random:
    """A source of its own for each part: more draws by one part move nothing in another."""
    return Random(f"{seed}/{name}")  # noqa: S311 - it must be repeatable


def below(source: Random, count: int) -> int:
    """As `source.randrange(count)`, draw for draw, in half its time."""
    bits = count.bit_length()
    drawn = source.getrandbits(bits)
    while drawn >= count:
        drawn = source.getrandbits(bits)
    return drawn


class SimRandomness:
    """`ports.Randomness`."""

    def __init__(self, source: Random) -> None:
        self._source = source

    def bits(self, count: int) -> int:
        return self._source.getrandbits(count)

    def uniform(self) -> float:
        return self._source.random()

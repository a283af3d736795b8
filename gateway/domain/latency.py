"""How long things take, counted as they happen: cheap enough for the way of every order."""

from bisect import bisect_left

MICROSECOND = 1_000
MILLISECOND = 1_000 * MICROSECOND
SECOND = 1_000 * MILLISECOND

BOUNDS: tuple[int, ...] = (
    *(50 * MICROSECOND, 100 * MICROSECOND, 250 * MICROSECOND, 500 * MICROSECOND),
    *(MILLISECOND, 5 * MILLISECOND // 2, 5 * MILLISECOND, 10 * MILLISECOND, 25 * MILLISECOND),
    *(50 * MILLISECOND, 100 * MILLISECOND, 250 * MILLISECOND, 500 * MILLISECOND),
    *(SECOND, 5 * SECOND // 2, 5 * SECOND, 10 * SECOND, 60 * SECOND),
)
"""In ns. From what a journal needs to how long a venue may be silent."""


class Latencies:
    """A histogram: `counts[i]` took at most `BOUNDS[i]`, and more than the bound before; the last
    one took longer than all bounds. `total` is their sum in ns."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0

    def add(self, took: int) -> None:
        """`took` in ns; less than nothing, as wall clocks can say, counts as nothing."""
        self.counts[bisect_left(BOUNDS, took)] += 1
        if took > 0:
            self.total += took

    @property
    def count(self) -> int:
        return sum(self.counts)


class Sampled:
    """How long it takes until a number is reached that was given out before, in a series where all
    numbers before it are reached with it. Times one number at a time, and so keeps one only."""

    __slots__ = ("_begun_at", "_number", "latencies")

    def __init__(self) -> None:
        self.latencies = Latencies()
        self._number = 0
        self._begun_at = 0

    def begin(self, number: int, now: int) -> None:
        """`number` was given out; monotonic ns. Not while another one `is_timing`."""
        self._number, self._begun_at = number, now

    def reach(self, number: int, now: int) -> None:
        """All up to `number` are there."""
        if self._number and number >= self._number:
            self.latencies.add(now - self._begun_at)
            self._number = 0

    @property
    def is_timing(self) -> bool:
        return self._number > 0

    def forget(self) -> None:
        """The numbers begin anew."""
        self._number = 0

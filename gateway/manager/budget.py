"""How many questions an account's venue may be asked for checks."""

from gateway.ports import Clock

SECOND = 1_000_000_000


class Budget:
    """`per_second` on average, `burst` at once. What does not wait may overdraw it."""

    def __init__(self, per_second: int, burst: int, clock: Clock) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._left = burst * SECOND  # in billionths of a question, so that nothing is rounded
        self._at = clock.monotonic()

    def available(self) -> int:
        """Whole questions that may be asked now."""
        self._fill()
        return max(self._left // SECOND, 0)

    def spend(self, questions: int) -> None:
        self._fill()
        self._left -= questions * SECOND

    def wait(self) -> int:
        """Ns until one more question is available."""
        self._fill()
        return max(-(-(SECOND - self._left) // self._per_second), 0)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._left = min(self._left + (now - self._at) * self._per_second, self._burst * SECOND)
        self._at = now

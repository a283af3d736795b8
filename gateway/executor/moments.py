"""The wall clock as the executor may trust it: it can step back, what was promised can't."""

from gateway.ports import Clock


class Moments:
    """`latest` never falls, not even over a restart: `Alive` has promised that whatever expires
    before it will not be sent any more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest = 0
        self.received = 0
        """When the command in hand came in, on the monotonic clock."""

    def now(self) -> int:
        """What the clock says, for time stamps."""
        return self._clock.now()

    def monotonic(self) -> int:
        return self._clock.monotonic()

    def latest(self) -> int:
        """The latest time that was ever seen, for expiry and the age of ids."""
        self._latest = max(self._latest, self._clock.now())
        return self._latest

    def next(self) -> int:
        """As `latest`, and later than all before: two answers never have the same time."""
        self._latest = max(self._latest + 1, self._clock.now())
        return self._latest

    def not_before(self, at: int) -> None:
        self._latest = max(self._latest, at)

    def step_back(self) -> int:
        """How far the clock is behind what it said before, in ns."""
        return max(self._latest - self._clock.now(), 0)

"""What the parts take for the time: their machine's clock may be off, and may be set."""

from collections.abc import Callable
from functools import partial

from gateway.sim.process import Instance
from gateway.sim.scheduler import Scheduled, Scheduler


class WallClock:
    """One machine's wall clock: true time plus an error that a step can change."""

    def __init__(self, scheduler: Scheduler, error: int) -> None:
        self._scheduler = scheduler
        self.error = error

    def now(self) -> int:
        return self._scheduler.now + self.error


class SimClock:
    """`ports.Clock` of one instance. Its monotonic clock begins at a value of its own."""

    def __init__(self, scheduler: Scheduler, wall: WallClock, origin: int) -> None:
        self._scheduler = scheduler
        self._wall = wall
        self._origin = origin

    def now(self) -> int:
        return self._wall.now()

    def monotonic(self) -> int:
        return self._scheduler.now - self._origin


class SimTimers:
    """`ports.Timers` of one instance: they end with it, and run late while it is stopped."""

    def __init__(self, scheduler: Scheduler, instance: Instance) -> None:
        self._scheduler = scheduler
        self._instance = instance

    def after(self, delay: int, action: Callable[[], None]) -> Scheduled:
        """It may be canceled while it waits for the process to be resumed."""
        scheduled = Scheduled(action)
        moment = self._scheduler.now + max(delay, 0)
        self._scheduler.at(moment, partial(self._instance.enter, scheduled.run))
        return scheduled

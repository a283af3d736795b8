"""Virtual time: actions at moments, carried out one by one in order."""

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class Scheduled:
    """A planned action; `ports.Timer` for its owner."""

    __slots__ = ("action",)

    def __init__(self, action: Action) -> None:
        self.action: Action | None = action

    def cancel(self) -> None:
        self.action = None

    def run(self) -> None:
        """Once, unless it was canceled."""
        action = self.action
        if action is not None:
            self.action = None
            action()


class Scheduler:
    """`now` is true time in ns UTC. Actions of the same moment run in the order of planning."""

    def __init__(self, start: int) -> None:
        self.now = start
        self._heap: list[tuple[int, int, Action]] = []
        self._planned = 0

    def after(self, delay: int, action: Action) -> Scheduled:
        scheduled = Scheduled(action)
        self.at(self.now + max(delay, 0), scheduled.run)
        return scheduled

    def at(self, moment: int, action: Action) -> None:
        """As most things are: never called off. `moment` is not before `now`."""
        self._planned += 1
        heappush(self._heap, (moment, self._planned, action))

    def run_until(self, end: int) -> None:
        """Carries out everything up to `end`, which is then `now`."""
        heap = self._heap
        while heap and heap[0][0] <= end:
            self.now, _, action = heappop(heap)
            action()
        self.now = end

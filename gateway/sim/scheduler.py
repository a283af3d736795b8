"""Virtual time: actions at moments, carried out one by one in order."""

import heapq
from collections.abc import Callable

Action = Callable[[], None]


class Scheduled:
    """A planned action; `ports.Timer` for its owner."""

    __slots__ = ("action",)

    def __init__(self, action: Action) -> None:
        self.action: Action | None = action

    def cancel(self) -> None:
        self.action = None


class Scheduler:
    """`now` is true time in ns UTC. Actions of the same moment run in the order of planning."""

    def __init__(self, start: int) -> None:
        self.now = start
        self.steps = 0
        self._heap: list[tuple[int, int, Scheduled]] = []
        self._planned = 0

    def after(self, delay: int, action: Action) -> Scheduled:
        scheduled = Scheduled(action)
        self._planned += 1
        heapq.heappush(self._heap, (self.now + max(delay, 0), self._planned, scheduled))
        return scheduled

    def run_until(self, end: int) -> None:
        """Carries out everything up to `end`, which is then `now`."""
        heap = self._heap
        while heap and heap[0][0] <= end:
            moment, _, scheduled = heapq.heappop(heap)
            action = scheduled.action
            if action is not None:
                scheduled.action = None
                self.now = moment
                self.steps += 1
                action()
        self.now = end

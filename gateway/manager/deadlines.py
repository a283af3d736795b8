"""What is due when: a heap, so that a tick costs what is due and not what is waiting."""

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from gateway.ports import Clock, Randomness, Timer, Timers

Key = tuple[Hashable, ...]
Action = Callable[[], None]


@dataclass(slots=True)
class Planned:
    when: int
    version: int
    action: Action


class Deadlines:
    """One action per key, one timer for the earliest. Times are monotonic ns.

    Moving or dropping a deadline leaves its old entry in the heap, to be passed over when its time
    comes; the heap is rebuilt when most of it is such entries.
    """

    def __init__(
        self, clock: Clock, timers: Timers, randomness: Randomness, jitter: float, tick_slice: int
    ) -> None:
        self._clock = clock
        self._timers = timers
        self._randomness = randomness
        self._jitter = jitter
        self._slice = tick_slice
        self._planned: dict[Key, Planned] = {}
        self._heap: list[tuple[int, int, Key]] = []
        self._versions = 0
        self._timer: Timer | None = None
        self._timer_at = 0

    def __len__(self) -> int:
        return len(self._planned)

    @property
    def heap_size(self) -> int:
        return len(self._heap)

    def put(self, key: Key, delay: int, action: Action) -> None:
        """`action` runs once, `delay` ns from now and some jitter; an earlier plan is dropped."""
        spread = int(delay * self._jitter * self._randomness.uniform())
        when = self._clock.monotonic() + delay + spread
        self._versions += 1
        self._planned[key] = Planned(when, self._versions, action)
        heapq.heappush(self._heap, (when, self._versions, key))
        if len(self._heap) > 2 * len(self._planned) + 64:
            self._rebuild()
        self._arm()

    def put_if_none(self, key: Key, delay: int, action: Action) -> None:
        if key not in self._planned:
            self.put(key, delay, action)

    def drop(self, key: Key) -> None:
        self._planned.pop(key, None)

    def _rebuild(self) -> None:
        self._heap = [(one.when, one.version, key) for key, one in self._planned.items()]
        heapq.heapify(self._heap)

    def _is_stale(self, version: int, key: Key) -> bool:
        planned = self._planned.get(key)
        return planned is None or planned.version != version

    def _arm(self) -> None:
        while self._heap and self._is_stale(*self._heap[0][1:]):
            heapq.heappop(self._heap)
        if not self._heap:
            return
        when = self._heap[0][0]
        if self._timer is not None and self._timer_at <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._timers.after(max(when - self._clock.monotonic(), 0), self._tick)

    def _tick(self) -> None:
        self._timer = None
        try:
            self._run_due()
        finally:
            self._arm()

    def _run_due(self) -> None:
        now = self._clock.monotonic()
        for _ in range(self._slice):
            if not self._heap or self._heap[0][0] > now:
                return
            _, version, key = heapq.heappop(self._heap)
            if not self._is_stale(version, key):
                self._planned.pop(key).action()

"""For a program without an event loop: timers and questions that wait until it looks at them."""

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable

from gateway.wire.blocking import BlockingRequester


class PolledTimer:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class PolledTimers:
    """Timers that fire when the owner looks at them."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, PolledTimer]] = []
        self._order = itertools.count()

    def after(self, delay: int, action: Callable[[], None]) -> PolledTimer:
        timer = PolledTimer(action)
        heapq.heappush(self._heap, (time.monotonic() + delay / 1e9, next(self._order), timer))
        return timer

    def next_at(self) -> float:
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def run_due(self) -> None:
        """Those that are due now; what they begin anew is for the next time."""
        now = time.monotonic()
        while self.next_at() <= now:
            timer = heapq.heappop(self._heap)[2]
            action, timer.action = timer.action, None
            if action is not None:
                action()


SHORTEST_S = 0.25


class QueuedAsker:
    """The protocol's own questions wait here until the program waits too: the requester blocks.

    Nobody waits longer for an answer than the program wants to wait, or SHORTEST_S; after a
    question that was given up for that, the next one gets twice as long.
    """

    def __init__(self, requester: BlockingRequester) -> None:
        self._requester = requester
        self._queue: deque[Callable[[], None]] = deque()
        self._left_s = 0.0
        self._patience_s = SHORTEST_S

    def later(self, ask: Callable[[], None]) -> None:
        """`ask` makes a request and hands it to `request`, when it is its turn: what waits in the
        queue would expire there."""
        self._queue.append(ask)

    def request(
        self, frame: bytes, timeout_s: float, on_reply: Callable[[bytes | None], None]
    ) -> None:
        reply = self._requester.request(frame, min(timeout_s, max(self._left_s, self._patience_s)))
        self._patience_s = SHORTEST_S if reply else min(2 * self._patience_s, timeout_s)
        on_reply(reply)

    def run_one(self, left_s: float) -> bool:
        """Carries out the oldest; False: there is none."""
        if not self._queue:
            return False
        self._left_s = left_s
        self._queue.popleft()()
        return True

"""What may still be written, and who goes first."""

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.domain.identity import OrderId
from gateway.venues.guard import Closed, SentTwice, TooLate, WriteGuard, current_guard, guarded_by
from gateway.venues.lanes import Lanes

ORDER = OrderId("an order")


class StoppedClock:
    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def monotonic(self) -> int:
        return self._now


def test_before_its_time_is_over_a_request_is_written() -> None:
    guard = WriteGuard(StoppedClock(100), expires_at=100)
    guard.before_write("POST", "https://venue/order")
    assert guard.written


def test_after_its_time_nothing_is_written() -> None:
    guard = WriteGuard(StoppedClock(101), expires_at=100)
    with pytest.raises(TooLate):
        guard.before_write("POST", "https://venue/order")
    assert (guard.written, guard.expired) == (False, True)


def test_what_follows_a_written_command_is_not_stopped_by_its_time() -> None:
    clock = StoppedClock(100)
    guard = WriteGuard(clock, expires_at=100)
    guard.before_write("POST", "https://venue/order")
    clock._now = 200
    guard.before_write("GET", "https://venue/order")
    assert not guard.expired


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_a_repeat_by_the_http_library_is_stopped(method: str) -> None:
    guard = WriteGuard()
    guard.before_write(method, "https://venue/order?a=1")
    with pytest.raises(SentTwice):
        guard.before_write(method, "https://venue/order?a=1")


def test_two_requests_of_one_call_are_not_a_repeat() -> None:
    guard = WriteGuard()
    guard.before_write("POST", "https://venue/one")
    guard.before_write("POST", "https://venue/one")
    guard.before_write("DELETE", "https://venue/one")


def test_after_the_answer_nothing_is_written() -> None:
    guard = WriteGuard()
    guard.closed = True
    with pytest.raises(Closed):
        guard.before_write("WS", "wss://venue")
    assert not guard.written


def test_a_guard_stands_for_tasks_begun_under_it_and_no_longer() -> None:
    async def seen() -> WriteGuard | None:
        return current_guard()

    async def run() -> tuple[WriteGuard | None, WriteGuard | None]:
        with guarded_by(guard):
            inner = asyncio.ensure_future(seen())
        return await inner, await seen()

    guard = WriteGuard()
    assert asyncio.run(run()) == (guard, None)


class Course:
    """Two requests about one order; the second says when it went."""

    def __init__(self, *, patience: float = 60.0, socket: bool = False) -> None:
        self.lanes = Lanes(patience)
        self.first_guard = WriteGuard()
        self.first = self.lanes.queue(ORDER, self.first_guard, "a socket" if socket else "")
        self.second = self.lanes.queue(ORDER, WriteGuard(), "a socket" if socket else "")

    async def runs(self, unblock: Callable[[], None]) -> bool:
        """Whether the second waits, and then goes once unblocked."""
        await self.lanes.wait(self.first)
        second = asyncio.ensure_future(self.lanes.wait(self.second))
        await asyncio.sleep(0)
        waited = not second.done()
        unblock()
        await asyncio.wait_for(second, 10)
        return waited


def test_over_rest_the_second_waits_for_the_answer_of_the_first() -> None:
    async def run() -> bool:
        course = Course()
        return await course.runs(lambda: course.lanes.leave(ORDER, course.first))

    assert asyncio.run(run())


def test_over_a_socket_the_second_waits_only_for_the_bytes_of_the_first() -> None:
    async def run() -> bool:
        course = Course(socket=True)
        return await course.runs(course.first_guard.on_socket.set)

    assert asyncio.run(run())


def test_patience_ends_the_wait() -> None:
    async def run() -> float:
        course = Course(patience=0.01)
        began = time.monotonic()
        await course.runs(lambda: None)
        return time.monotonic() - began

    assert asyncio.run(run()) > 0


def test_orders_do_not_wait_for_each_other_and_nothing_is_left() -> None:
    async def run() -> int:
        lanes = Lanes(60)
        names = [OrderId(str(number)) for number in range(10)]
        turns = [(name, lanes.queue(name, WriteGuard(), "")) for name in names]
        for _, turn in turns:
            await asyncio.wait_for(lanes.wait(turn), 10)
        for name, turn in turns:
            lanes.leave(name, turn)
        return len(lanes._last)

    assert asyncio.run(run()) == 0

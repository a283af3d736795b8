"""Tasks that are cancelled until they end."""

import asyncio

import pytest

from gateway.venues import hooked
from gateway.venues.hooked import ended, was_cancelled


async def swallowing(times: int) -> str:
    """As `asyncio.wait_for` of Python 3.11 does with a cancellation that comes with the result."""
    for _ in range(times):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(60)
    return "it should not come so far"


def test_a_task_that_swallows_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found by the chaos run: a killed supervisor left an executor behind that never closed, and
    kept its locks from the next one for ever."""
    monkeypatch.setattr(hooked, "CANCEL_AGAIN_S", 0.01)

    async def end() -> asyncio.Task[str]:
        task = asyncio.create_task(swallowing(3))
        await asyncio.sleep(0)
        await ended(task)
        return task

    assert asyncio.run(end()).cancelled()


def test_what_a_task_failed_with_is_of_no_concern_when_it_is_ended() -> None:
    async def fail() -> None:
        raise ConnectionError("gone")

    async def end() -> asyncio.Task[None]:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await ended(task)
        return task

    assert asyncio.run(end()).done()


def test_a_future_that_somebody_else_cancels_does_not_end_who_waits_for_it() -> None:
    """ccxt cancels its futures when a socket closes."""

    async def wait(future: asyncio.Future[None]) -> bool:
        try:
            await future
        except asyncio.CancelledError:
            return was_cancelled()
        return True

    async def meet() -> bool:
        future = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(wait(future))
        await asyncio.sleep(0)
        future.cancel()
        return await waiting

    assert asyncio.run(meet()) is False

"""Errors that nobody waited for are logged, without what must not stand in a log."""

import asyncio
import logging

import pytest

from gateway.service.runner import note_stray

SIGNED = "binance GET http://127.0.0.1:1/api/v3/account?timestamp=1&signature=abc123def456 failed"


def test_an_error_of_a_forgotten_future_is_logged_without_its_signature(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Found by the chaos run: a signed URL stood in the listener's log."""
    caplog.set_level(logging.ERROR)

    async def forget() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(note_stray)
        future = loop.create_future()
        future.set_exception(ConnectionError(SIGNED))
        del future
        await asyncio.sleep(0)

    asyncio.run(forget())

    assert "ConnectionError: binance GET http://127.0.0.1:1/api/v3/account" in caplog.text
    assert "abc123def456" not in caplog.text

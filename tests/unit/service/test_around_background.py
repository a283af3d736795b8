"""What goes on beside a service: when it can't go on, the process says so and ends."""

import asyncio
from pathlib import Path

import pytest

from gateway import config as configuration
from gateway.domain.errors import BadConfig
from gateway.home import Home
from gateway.service.around import surroundings


async def ended(error: Exception | None, home: Path) -> list[str]:
    reasons: list[str] = []

    async def work() -> None:
        if error is not None:
            raise error

    around = surroundings(configuration.embedded(), Home(home), reasons.append)
    try:
        await around.start(work())
    finally:
        around.transport.close()
    return reasons


def test_work_that_ends_well_ends_nothing(tmp_path: Path) -> None:
    assert asyncio.run(ended(None, tmp_path)) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BadConfig("the database is newer than this program"), "the database is newer"),
        (ZeroDivisionError("nobody thought of it"), "ZeroDivisionError"),
    ],
)
def test_an_error_in_the_background_ends_the_process_with_its_reason(
    tmp_path: Path, error: Exception, reason: str
) -> None:
    """Found by the chaos run: the listener waited for ever for a database that it had refused."""
    (told,) = asyncio.run(ended(error, tmp_path))

    assert reason in told

"""One whole gateway under supervisord for the acceptance tests of a session."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.attached.running import what_is_missing
from gateway.cli.stage import Stage
from gateway.client import Client

START_S = 180.0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Without background liquidity: only the tests' own orders meet each other."""
    running = Stage(tmp_path_factory.mktemp("gw"), liquidity=False)
    with running:
        with Client(running.endpoints, "waiter", connect_timeout=START_S) as client:
            wait_ready(client)
        yield running
        for program in ("listener", "executor", "actioner", "manager"):
            print(f"---- {program}\n{running.log_tail(program)}")


def wait_ready(client: Client) -> None:
    """Until all four say that they can do their job."""
    deadline = time.monotonic() + START_S
    while missing := what_is_missing(client.health().processes):
        assert time.monotonic() < deadline, missing
        client.pump(0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path

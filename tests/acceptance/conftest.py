"""One whole gateway under supervisord for the acceptance tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from readiness import START_S, wait_ready

from gateway.cli.stage import Stage
from gateway.client import Client


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path

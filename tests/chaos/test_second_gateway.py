"""Never two writers: another gateway on the same home, endpoint or accounts does not start."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.stage import Stage, wait_for
from gateway.client import Client
from gateway.service.embedded import embedded_text, free_port
from gateway.store.embedded import EmbeddedPostgres

START_S = 180.0
REFUSED_S = 60.0
HALTING = '\n[store]\non_down = "halt"\n'
OVER_TCP = '\n[endpoints]\ntransport = "tcp"\nport = {port}\n'
ROLES = ("executor", "listener", "actioner", "manager")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """It refuses orders without its database, and can be reached by TCP."""
    more = HALTING + OVER_TCP.format(port=free_port(5))
    root = tmp_path_factory.mktemp("first")
    stage = Stage(root, config_text=embedded_text() + more, liquidity=False)
    with stage:
        with Client(stage.endpoints, "waiter", connect_timeout=START_S) as client:
            while sum(one.ready for one in client.health().processes) < len(ROLES):
                client.pump(0.1)
        yield stage


def start(role: str, home: Path, config: Path) -> "subprocess.CompletedProcess[str]":
    """A process of another gateway, until it gives up."""
    return subprocess.run(
        [sys.executable, "-m", f"procs.{role}"],
        env={**os.environ, "GATEWAY_HOME": str(home), "GATEWAY_CONFIG": str(config)},
        capture_output=True,
        text=True,
        timeout=REFUSED_S,
        check=False,
    )


def config_of(stage: Stage) -> Path:
    return stage.home.root / "gateway.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "other.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ["executor", "listener"])
def test_case_65_a_second_gateway_on_the_same_home_is_refused(first: Stage, role: str) -> None:
    ended = start(role, first.home.root, config_of(first))

    assert ended.returncode == 1
    assert f"the role {role}" in ended.stderr


def test_case_65_a_second_gateway_on_the_same_endpoint_is_refused(
    first: Stage, tmp_path: Path
) -> None:
    ended = start("executor", tmp_path / "home", config_of(first))

    assert ended.returncode == 1
    assert "is in use by another process" in ended.stderr


def test_case_65_a_second_gateway_on_the_same_accounts_is_refused(
    first: Stage, tmp_path: Path
) -> None:
    """Another home and other endpoints, but the same database and accounts."""
    url = EmbeddedPostgres(first.home.postgres, first.home.run).url
    text = embedded_text() + OVER_TCP.format(port=free_port(5)) + f'\n[store]\nurl = "{url}"\n'
    ended = start("listener", tmp_path / "home", written(tmp_path, text))

    assert ended.returncode == 1
    assert "another gateway that uses this database holds main, second" in ended.stderr


def test_the_first_one_goes_on(first: Stage) -> None:
    with Client(first.endpoints, "desk", connect_timeout=START_S) as client:
        order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
        assert client.wait(order_id, until="accepted", timeout=20).status == "new"


@pytest.mark.timeout(200)
def test_case_67_with_on_down_halt_orders_are_refused_while_the_database_is_away(
    first: Stage,
) -> None:
    with Client(first.endpoints, "halted", connect_timeout=START_S) as client:
        resting = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20001")
        client.wait(resting, until="accepted", timeout=20)
        first.stop_program("postgres")
        try:
            wait_for(lambda: refused_as(client) == "store_down", "orders are refused", 60)
            client.cancel(resting)
            assert client.wait(resting, timeout=20).status == "canceled"
        finally:
            first.start_program("postgres")
        wait_for(lambda: refused_as(client) == "", "orders are taken again", 60)


def refused_as(client: Client) -> str:
    """The code that an order is refused with; empty: it was taken."""
    order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.001", price="20000")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        followed = client.protocol.followed(order_id)
        if followed is not None and followed.refusal is not None:
            return str(followed.refusal.code)
        if followed is not None and followed.order is not None:
            return ""
        client.pump(0.05)
    raise AssertionError("nothing was heard of the order")

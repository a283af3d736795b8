"""The page on backups, typed at a desk that trades meanwhile: what is lost, and what is not."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from load import Load, settle

from gateway.client import Client
from gateway.client import questions as q
from gateway.domain.enums import OrderStatus, Origin
from gateway.home import Home
from gateway.service.embedded import free_port
from gateway.store.embedded import EmbeddedPostgres
from gateway.wire.endpoints import Endpoints

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BEGIN = 'gateway init --paper-port "$GATEWAY_PAPER_PORT" && gateway up'
BLOCK_S, SETTLE_S, WAIT_S = 180.0, 120.0, 60.0

pytestmark = pytest.mark.timeout(600)

DUMP, RESTORE = BLOCK.findall((ROOT / "docs" / "backup.md").read_text())


class Place:
    """A folder in which somebody types what the page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "var")
        self.endpoints = Endpoints.ipc(self.home.run)
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "GATEWAY_PAPER_PORT": str(free_port()),
        }

    def type_in(self, *lines: str) -> None:
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", "\n".join(lines)],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BLOCK_S,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"

    @property
    def url(self) -> str:
        return EmbeddedPostgres(self.home.postgres, self.home.run).url

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def client(self) -> Client:
        return Client(self.endpoints, "desk", connect_timeout=WAIT_S)


@pytest.fixture
def place(short_folder: Path) -> Iterator[Place]:
    folder = short_folder / "backup"
    folder.mkdir()
    found = Place(folder)
    try:
        found.type_in(BEGIN)
        yield found
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            found.type_in("gateway down || test $? -eq 4")
        shutil.rmtree(folder)


def books(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """All that is money or history, in the order of its keys."""
    return {
        "orders": place.rows(
            "select order_id, status, cum_quantity, avg_price, epoch, seq from orders order by 1"
        ),
        "events": place.rows(
            "select account, epoch, seq, order_id, status from order_events order by 1, 2, 3"
        ),
        "transactions": place.rows(
            "select account, epoch, seq, key, quantity, price from transactions order by 1, 2, 3"
        ),
    }


async def dumped_under_load(place: Place) -> Load:
    """Orders before, while and after the database is dumped."""
    load = Load(place.endpoints)
    trading = asyncio.create_task(load.run("load"))
    await _until_placed(load, 60)
    await asyncio.to_thread(place.type_in, DUMP)
    await _until_placed(load, len(load.placed) + 60)
    load.stopping = True
    await trading
    return load


async def _until_placed(load: Load, count: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while len(load.placed) < count:
            await asyncio.sleep(0.05)


def run(work: Awaitable[Any]) -> Any:
    async def whole() -> Any:
        return await work

    return asyncio.run(whole())


def until(client: Client, condition: Any) -> None:
    """Polls, as the listener writes a little behind."""
    for _ in range(int(WAIT_S / 0.2)):
        if condition():
            return
        client.pump(0.2)
    raise AssertionError("it does not come true")


def test_with_the_journals_a_restored_database_lacks_nothing(place: Place) -> None:
    load = run(dumped_under_load(place))
    fates = run(settle(place.endpoints, load.placed, SETTLE_S))
    assert fates.keys() <= {"known", "refused"}, "refused: its cancel overtook it"
    with place.client() as client:
        settled = {order.order_id: order.status for order in _all_orders(client)}
        until(
            client, lambda: dict(place.rows("select order_id::text, status from orders")) == settled
        )
    before = books(place)
    epochs = place.rows("select account, epoch from stream_positions order by 1")

    place.type_in(RESTORE)

    with place.client() as client:
        until(client, lambda: _has_all(books(place), before))
        assert {o.order_id: o.status for o in _all_orders(client)} == settled
        order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="10000")
        client.wait(order_id, until="accepted", timeout=WAIT_S)
    assert place.rows("select account, epoch from stream_positions order by 1") == epochs
    assert place.rows("select kind from alarms") == []


def _has_all(found: dict[str, list[Any]], wanted: dict[str, list[Any]]) -> bool:
    return all(set(wanted[name]) <= set(found[name]) for name in wanted)


def _all_orders(client: Client) -> list[Any]:
    orders: list[Any] = []
    after: str | None = None
    while True:
        page = client.ask(q.list_orders(limit=500, after=after))
        orders += page.orders
        after = page.next
        if after is None:
            return orders


def test_without_journals_it_goes_on_from_the_dump_and_from_what_the_venue_has(
    place: Place,
) -> None:
    with place.client() as client:
        kept, ended = (_resting(client, price) for price in ("10000", "10001"))
        until(client, lambda: len(place.rows("select from orders where status = 'new'")) == 2)
        place.type_in(DUMP)
        later = _resting(client, "10002")
        client.cancel(ended)
        client.wait(ended, timeout=WAIT_S)
    (epoch,) = place.rows("select epoch from stream_positions where account = 'main'")[0]

    without_journals = RESTORE.replace("gateway up", "mv var/journal var/journal.lost\ngateway up")
    place.type_in(without_journals)

    with place.client() as client:
        until(client, lambda: _status(client, ended) is OrderStatus.CANCELED)
        until(client, lambda: _status(client, later) is OrderStatus.NEW)
        assert _status(client, kept) is OrderStatus.NEW
        assert client.get_order(later).order.origin is Origin.RECOVERED  # type: ignore[union-attr]
        until(client, lambda: "recovered" in _alarms(client))
        (account,) = (one for one in client.ask(q.accounts()).accounts if one.account == "main")
        assert account.epoch > epoch
        until(client, lambda: _is_accepted(client))


def _resting(client: Client, price: str) -> str:
    order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price=price)
    client.wait(order_id, until="accepted", timeout=WAIT_S)
    return order_id


def _status(client: Client, order_id: str) -> OrderStatus | None:
    order = client.get_order(order_id).order
    return None if order is None else order.status


def _alarms(client: Client) -> set[str]:
    return {alarm.kind for alarm in client.ask(q.alarms()).alarms}


def _is_accepted(client: Client) -> bool:
    """Ids made close to the start are refused: the executor can't know what was sent before it."""
    order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="10003")
    client.pump(1.0)
    return _status(client, order_id) is OrderStatus.NEW

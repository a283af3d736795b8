"""One flow, whichever way a program comes to its gateway: ipc, TCP, attached, as a child."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
from books import Books
from readiness import START_S, wait_ready

import gateway
from gateway import config as configuration
from gateway.cli.stage import Stage
from gateway.client import Client
from gateway.domain.enums import OrderStatus
from gateway.domain.order import Order
from gateway.home import Home
from gateway.service.embedded import free_port

SYMBOL = "BTC/USDT"
WAIT_S = 30.0


class Desk(Protocol):
    """A trading program, however it does its waiting."""

    def place(self, account: str, side: str, quantity: str, price: str) -> str: ...
    def cancel(self, order_id: str) -> None: ...
    def wait(self, order_id: str, until: Any) -> Order: ...


class BlockingDesk:
    def __init__(self, client: Client) -> None:
        self._client = client

    def place(self, account: str, side: str, quantity: str, price: str) -> str:
        return self._client.place(account, SYMBOL, side, "limit", quantity, price=price)

    def cancel(self, order_id: str) -> None:
        self._client.cancel(order_id)

    def wait(self, order_id: str, until: Any) -> Order:
        return self._client.wait(order_id, until=until, timeout=WAIT_S)


class AsyncDesk:
    """The same on a loop, which stands still between the calls, as a busy host's may."""

    def __init__(self, client: gateway.AsyncClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def place(self, account: str, side: str, quantity: str, price: str) -> str:
        async def place() -> str:
            return self._client.place(account, SYMBOL, side, "limit", quantity, price=price)

        return self._runner.run(place())

    def cancel(self, order_id: str) -> None:
        async def cancel() -> None:
            self._client.cancel(order_id)

        self._runner.run(cancel())

    def wait(self, order_id: str, until: Any) -> Order:
        return self._runner.run(self._client.wait(order_id, until=until, timeout=WAIT_S))


Way = Callable[[Path], contextlib.AbstractContextManager[tuple[Desk, Books]]]


def quiet_config(endpoints: str = "") -> str:
    """Embedded, with a venue where only the test's own orders meet each other."""
    text = configuration.embedded_text(f"http://127.0.0.1:{free_port()}")
    return text.replace("[paper]", "[paper]\nliquidity = false") + endpoints


@contextlib.contextmanager
def processes(folder: Path, endpoints: str = "") -> Iterator[tuple[Desk, Books]]:
    stage = Stage(folder, config_text=quiet_config(endpoints), liquidity=False)
    with stage, Client(stage.endpoints, "desk", connect_timeout=START_S) as client:
        wait_ready(client)
        yield BlockingDesk(client), Books.of_stage(stage)


def over_ipc(folder: Path) -> Any:
    return processes(folder)


def over_tcp(folder: Path) -> Any:
    return processes(folder, f'[endpoints]\ntransport = "tcp"\nport = {free_port(5)}\n')


@contextlib.contextmanager
def attached(folder: Path, *, child: bool = False) -> Iterator[tuple[Desk, Books]]:
    with gateway.attach(config_file(folder), home=folder, child=child, start_timeout=START_S) as gw:
        yield BlockingDesk(gw), Books.of_home(gw.paper_url, Home(folder))


def attached_child(folder: Path) -> Any:
    return attached(folder, child=True)


@contextlib.contextmanager
def attached_asyncio(folder: Path, *, child: bool = False) -> Iterator[tuple[Desk, Books]]:
    attaching = gateway.attach_async(
        config_file(folder), home=folder, child=child, start_timeout=START_S
    )
    with asyncio.Runner() as runner:
        gw = runner.run(attaching.__aenter__())
        try:
            yield AsyncDesk(gw, runner), Books.of_home(gw.paper_url, Home(folder))
        finally:
            runner.run(attaching.__aexit__(None, None, None))


def attached_asyncio_child(folder: Path) -> Any:
    return attached_asyncio(folder, child=True)


def config_file(folder: Path) -> Path:
    path = folder / "desk.toml"
    path.write_text(quiet_config())
    return path


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "way",
    [over_ipc, over_tcp, attached, attached_asyncio, attached_child, attached_asyncio_child],
    ids=lambda w: w.__name__,
)
def test_an_order_rests_fills_partly_is_canceled_and_the_books_agree(
    way: Way, tmp_path: Path
) -> None:
    with way(tmp_path) as (desk, books):
        resting = desk.place("main", "buy", "0.01", "20000")
        assert desk.wait(resting, "accepted").status is OrderStatus.NEW

        seller = desk.place("second", "sell", "0.004", "20000")
        assert desk.wait(seller, "closed").status is OrderStatus.FILLED

        desk.cancel(resting)
        ended = desk.wait(resting, "closed")
        assert ended.status is OrderStatus.CANCELED
        assert ended.cum_quantity == Decimal("0.004")

        assert books.wait_until_they_agree().orders == 2

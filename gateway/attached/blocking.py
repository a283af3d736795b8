"""`gateway.attach`: for programs that block."""

import contextlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any

from gateway.attached.running import STOP_S, Running, not_ready, running, what_is_missing
from gateway.client import Client
from gateway.domain.errors import GatewayError
from gateway.home import Home

POLL_S = 0.05


class AttachedClient(Client):
    """A blocking client of the gateway that is attached to this program."""

    def __init__(self, gateway: Running, client_id: str, **options: Any) -> None:
        super().__init__(
            gateway.endpoints, client_id, shared=gateway.shared, curve=gateway.curve, **options
        )
        self._gateway = gateway

    def client(self, client_id: str, **options: Any) -> Client:
        """One more, for another thread or another desk: use it in a `with` of its own, inside
        this one's. `options` are those of `Client`."""
        gateway = self._gateway
        more = Client(
            gateway.endpoints, client_id, shared=gateway.shared, curve=gateway.curve, **options
        )
        gateway.clients.add(more)
        return more

    @property
    def paper_url(self) -> str:
        """Of the paper venue that was started; empty without one."""
        return self._gateway.paper_url

    @property
    def failure(self) -> BaseException | None:
        """Why the gateway ended by itself; None while it runs."""
        return self._gateway.failure


@contextlib.contextmanager
def attach(
    config: Path | str | None = None,
    *,
    client_id: str = "attached",
    home: Path | str | None = None,
    child: bool = False,
    start_timeout: float = 120.0,
) -> Iterator[AttachedClient]:
    """Runs the gateway in this program, database included, and gives a client of it.

        with gateway.attach("gateway.toml") as gw:
            order_id = gw.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
            gw.wait(order_id, until="accepted")

    `config` None: the embedded defaults, with a paper venue. `home`: where it keeps what it writes,
    otherwise GATEWAY_HOME or `var`; the same home goes on where it was left, attached or not.
    `child`: in a process of its own, which dies with this one. Returns when orders can be placed.

    Raises BadConfig; EndpointInUse if a gateway runs in this home; TimedOut, which says what is
    missing.
    """
    with running(config, home_of(home), child=child) as gateway:
        deadline = time.monotonic() + start_timeout
        gateway.start()
        try:
            client = AttachedClient(gateway, client_id, connect_timeout=start_timeout)
            with contextlib.closing(client):
                _connect(client, gateway, deadline)
                yield client
        finally:
            gateway.stop()
            wait({gateway.ended}, STOP_S)


def _connect(client: Client, gateway: Running, deadline: float) -> None:
    while missing := _missing(client):
        if gateway.failure is not None or time.monotonic() > deadline:
            raise not_ready(gateway, missing)
        time.sleep(POLL_S)
    client.__enter__()


def _missing(client: Client) -> str:
    try:
        return what_is_missing(client.health().processes)
    except GatewayError as error:
        return str(error)


def home_of(given: Path | str | None) -> Home:
    return Home.from_environment(os.environ) if given is None else Home.at(given)

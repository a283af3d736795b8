"""A real paper venue on an ephemeral port, and clients for it."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import ccxt.pro
import msgspec

from gateway.paper import Fault, PaperVenue
from gateway.paper.build import build_server
from gateway.paper.ccxt_config import ccxt_config
from gateway.paper.entries import Entry, FaultHit, Outcome
from gateway.paper.server import PaperServer
from gateway.paper.settings import Settings

SYMBOL = "BTC/USDT"
DEADLINE_S = 30.0


async def until(condition: Callable[[], Any], what: str = "condition") -> Any:
    """The first true value of the condition; AssertionError after the deadline."""
    limit = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < limit, f"waited in vain for {what}"
        await asyncio.sleep(0.005)
    return value


class Kit:
    def __init__(self, server: PaperServer, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http
        self.url = server.url
        self._clients: list[Any] = []

    @property
    def venue(self) -> PaperVenue:
        return self.server.service.venue

    def ccxt(self, account: str = "main", secret: str | None = None, **config: Any) -> Any:
        """ccxt's own class with nothing but its configuration changed."""
        given = secret or f"paper-{account}-secret"
        base = ccxt_config(self.url, f"paper-{account}", given)
        exchange = ccxt.pro.binance(base | {"enableRateLimit": False, "timeout": 20_000} | config)
        self._clients.append(exchange)
        return exchange

    async def close_clients(self) -> None:
        for client in self._clients:
            await client.close()

    def faults(self, *faults: Fault) -> None:
        self.server.service.plan.replace(faults)

    def entries(self, kind: type[Entry]) -> list[Any]:
        return [e for e in self.venue.record.entries() if isinstance(e, kind)]

    def outcome_of(self, operation: str) -> Outcome:
        """Of the last such request."""
        found: Outcome = [o for o in self.entries(Outcome) if o.operation == operation][-1]
        return found

    def fault_kinds(self) -> list[str]:
        return [hit.kind for hit in self.entries(FaultHit)]

    async def post(self, path: str, body: Any) -> Any:
        async with self.http.post(self.url + path, data=msgspec.json.encode(body)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def house(self, side: str, price: str, quantity: str) -> None:
        """The venue itself trades against what rests."""
        order = {"symbol": "BTCUSDT", "side": side, "price": price, "quantity": quantity}
        await self.post("/paper/control", {"action": "house_order", **order})

    def signed(self, account: str = "main", **params: Any) -> tuple[str, dict[str, str]]:
        """A query with its signature, and the headers that go with it."""
        query = "&".join(f"{k}={v}" for k, v in (params | {"timestamp": now_ms()}).items())
        secret = f"paper-{account}-secret".encode()
        signature = hmac.new(secret, query.encode(), "sha256").hexdigest()
        return f"{query}&signature={signature}", {"X-MBX-APIKEY": f"paper-{account}"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


LIMIT_ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "50000",
}


@asynccontextmanager
async def paper(settings: Settings | None = None, *, liquidity: bool = False) -> AsyncIterator[Kit]:
    server = build_server(settings or Settings())
    await server.start(liquidity=liquidity)
    async with aiohttp.ClientSession() as http:
        kit = Kit(server, http)
        try:
            yield kit
        finally:
            await kit.close_clients()
            await server.stop()


def run(scenario: Callable[[Kit], Awaitable[None]], settings: Settings | None = None) -> None:
    """One scenario against a fresh venue."""

    async def main() -> None:
        async with paper(settings) as kit:
            await scenario(kit)

    asyncio.run(main())

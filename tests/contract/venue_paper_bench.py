"""A `CcxtVenue` in front of a real paper server, both on one event loop that the test drives."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from contract.venue_contract import Recorded, Trouble

from gateway.domain.enums import OrderStatus, Side
from gateway.domain.identity import AccountId, IdForm, OrderId, from_venue_id
from gateway.paper import Fault, FaultKind
from gateway.paper.build import build_server
from gateway.paper.ccxt_config import ccxt_config
from gateway.paper.orders import IOC
from gateway.paper.server import PaperServer
from gateway.paper.settings import Settings
from gateway.venues.ccxt_venue import CcxtVenue
from gateway.venues.settings import Credentials, OrdersOver, VenueSettings


class Way(StrEnum):
    """How commands reach the venue."""

    REST = "rest"
    WS = "ws"
    FAST = "fast"


ACCOUNT = AccountId("main")
DEADLINE_S = 20.0
STATUSES = {
    "NEW": OrderStatus.NEW,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_FAULTS = {
    Trouble.LOSE_REQUEST: Fault(FaultKind.DROP_REQUEST, operation="order.place", count=1),
    Trouble.LOSE_ANSWER: Fault(FaultKind.DROP_ANSWER, operation="order.place", count=1),
    Trouble.FAIL_QUERIES: Fault(FaultKind.ERROR_BEFORE, operation="*", channel="rest"),
}


class WallClock:
    def __init__(self) -> None:
        self.offset = 0

    def now(self) -> int:
        return time.time_ns() + self.offset

    def monotonic(self) -> int:
        return time.monotonic_ns()


class Luck:
    def __init__(self) -> None:
        self._random = random.Random(1)

    def bits(self, count: int) -> int:
        return self._random.getrandbits(count)

    def uniform(self) -> float:
        return self._random.random()


class PaperBench:
    """`close` it. Further settings of the venue's go in as keywords."""

    def __init__(self, over: Way, **settings: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = WallClock()
        self.server: PaperServer = build_server(Settings(liquidity=False))
        self.loop.run_until_complete(self.server.start(liquidity=False))
        self.venue = CcxtVenue(self.settings(over, **settings), self.clock, Luck())
        self.loop.run_until_complete(self.venue.open())

    def settings(self, over: Way, **more: Any) -> VenueSettings:
        config = ccxt_config(self.server.url)
        fields: dict[str, Any] = {
            "account": ACCOUNT,
            "exchange": "binance",
            "credentials": Credentials(api_key="paper-main", secret="paper-main-secret"),
            "urls": config["urls"],
            "options": config["options"],
            "orders_over": OrdersOver.REST if over is Way.REST else OrdersOver.WS,
            "fast_lane": over is Way.FAST,
            "request_timeout": 20.0,
        }
        return VenueSettings(**{**fields, **more})

    def close(self) -> None:
        self.loop.run_until_complete(self.venue.close())
        self.loop.run_until_complete(self.server.stop())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    # -- the bench of the contract

    def now(self) -> int:
        return self.clock.now()

    def run_until(self, condition: Callable[[], bool]) -> None:
        async def poll() -> None:
            deadline = self.loop.time() + DEADLINE_S
            while not condition():
                assert self.loop.time() < deadline, "it never came to that"
                await asyncio.sleep(0.002)

        self.loop.run_until_complete(poll())

    def inject(self, trouble: Trouble) -> None:
        if trouble is Trouble.CUT_STREAM:
            self.server._sockets.cut(ACCOUNT)
        else:
            self.server.service.plan.add([_FAULTS[trouble]])

    def record(self) -> Mapping[OrderId, list[Recorded]]:
        held: dict[OrderId, list[Recorded]] = {}
        for order in self.server.service.venue.record.orders(ACCOUNT):
            order_id = from_venue_id(order.client_order_id, IdForm.UUID)
            assert order_id is not None, order.client_order_id
            recorded = Recorded(str(order.order_id), STATUSES[order.status], order.executed)
            held.setdefault(order_id, []).append(recorded)
        return held

    def trade_against(self, side: Side, price: Decimal, quantities: list[Decimal]) -> None:
        now = self.server.service.clock()
        engine = self.server.service.venue.engine
        for quantity in quantities:
            engine.submit_house("BTCUSDT", side.value.upper(), price, quantity, IOC, now)
        engine.reporter.finish(now)

    # -- beyond it

    def faults(self, *faults: Fault) -> None:
        self.server.service.plan.add(faults)

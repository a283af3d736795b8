"""The simulated venue keeps the contract of the `Venue` port, so what passes on it counts."""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest
from contract.venue_contract import Recorded, Trouble, VenueContract

from gateway.domain.enums import Side
from gateway.domain.identity import IdForm, OrderId, from_venue_id
from gateway.paper import Fault, FaultKind
from gateway.paper.orders import IOC, LIMIT, NewOrder
from gateway.paper.symbols import DEFAULT_SYMBOLS
from gateway.sim.clock import SimClock, WallClock
from gateway.sim.exchange import Exchange
from gateway.sim.process import Instance, Process
from gateway.sim.randomness import chance
from gateway.sim.scheduler import Scheduler
from gateway.sim.trace import Trace
from gateway.sim.venue import SimVenue
from gateway.sim.words import venue_order

START = 1_700_000_000_000_000_000
LONGEST = 60_000_000_000
OWNED = {"USDT": Decimal(10**9), "BTC": Decimal(10**5)}
FAULTS = {
    Trouble.LOSE_REQUEST: Fault(FaultKind.DROP_REQUEST, operation="order.place", count=1),
    Trouble.LOSE_ANSWER: Fault(FaultKind.DROP_ANSWER, operation="order.place", count=1),
    Trouble.FAIL_QUERIES: Fault(FaultKind.ERROR_BEFORE),
}


class SimBench:
    def __init__(self) -> None:
        self.scheduler = Scheduler(START)
        trace, counters = Trace(self.scheduler, None), Counter[str]()
        self.exchange = Exchange(
            self.scheduler, chance(1, "venue"), trace, counters, DEFAULT_SYMBOLS
        )
        for name in ("main", "other"):
            self.exchange.core.open_account(name, OWNED, START)
        process = Process("test", trace, counters, lambda _: None)
        self.clock = SimClock(self.scheduler, WallClock(self.scheduler, 0), 0)
        instance = Instance(process)
        self.venue = SimVenue("main", self.exchange, instance, self.clock, self.scheduler)

    def now(self) -> int:
        return self.clock.now()

    def run_until(self, condition: Callable[[], bool]) -> None:
        deadline = self.scheduler.now + LONGEST
        while not condition():
            assert self.scheduler.now < deadline, "it never came to that"
            self.scheduler.run_until(self.scheduler.now + 1_000_000)

    def inject(self, trouble: Trouble) -> None:
        if trouble is Trouble.CUT_STREAM:
            self.exchange.cut("main")
        else:
            self.exchange.plan.add([FAULTS[trouble]])

    def record(self) -> Mapping[OrderId, list[Recorded]]:
        held: dict[OrderId, list[Recorded]] = {}
        for order in self.exchange.core.record.orders("main"):
            order_id = from_venue_id(order.client_order_id, IdForm.UUID)
            assert order_id is not None
            seen = venue_order(order, self.venue._symbols[order.symbol])
            recorded = Recorded(seen.venue_order_id, seen.status, order.executed)
            held.setdefault(order_id, []).append(recorded)
        return held

    def trade_against(self, side: Side, price: Decimal, quantities: list[Decimal]) -> None:
        for quantity in quantities:
            taker = NewOrder(
                symbol="BTCUSDT",
                side=side.value.upper(),
                type=LIMIT,
                quantity=quantity,
                price=price,
                time_in_force=IOC,
            )
            self.exchange.core.place("other", taker, self.scheduler.now)


class TestTheSimulatedVenue(VenueContract):
    @pytest.fixture
    def bench(self) -> SimBench:
        return SimBench()

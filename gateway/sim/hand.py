"""What did not come through the gateway: orders placed by hand or by another program, and orders
of the gateway's that somebody amends by hand."""

from decimal import Decimal

from gateway.domain.identity import make_order_id
from gateway.paper.errors import VenueError
from gateway.paper.orders import GTC, LIMIT, NewOrder
from gateway.sim.host import TAG, Host
from gateway.sim.randomness import chance

SECOND = 1_000_000_000
PAUSE = 3 * SECOND


class Hand:
    """It talks to the venue directly, and takes no notice of anything."""

    def __init__(self, host: Host, symbols: list[str]) -> None:
        self._host = host
        self._symbols = symbols
        self._random = chance(host.seed, "hand")
        self._amending = chance(host.seed, "hand amends")
        self._resting = False
        self._placed: list[tuple[str, str, int]] = []

    def start(self) -> None:
        self._act()
        self._amend()

    def rest(self) -> None:
        self._resting = True

    def _act(self) -> None:
        if self._resting:
            return
        if self._host.exchange.running:
            try:
                self._do()
            except VenueError:
                self._host.counters["hand refused"] += 1
        self._host.scheduler.after(self._random.randrange(PAUSE // 3, 2 * PAUSE), self._act)

    def _do(self) -> None:
        host, random = self._host, self._random
        if self._placed and random.random() < 0.3:
            account, symbol, number = self._placed.pop(random.randrange(len(self._placed)))
            host.exchange.core.cancel(account, symbol, host.scheduler.now, order_id=number)
            return
        account, symbol = random.choice(host.accounts), random.choice(self._symbols)
        market = host.exchange.core.engine.markets[symbol]
        price = market.last_price * (1 + Decimal(random.randrange(-60, 60)) / 10_000)
        tick, step = market.symbol.tick, market.symbol.step
        value = Decimal(random.choice((100, 10_000, 80_000)))
        new = NewOrder(
            symbol=symbol,
            side=random.choice(("BUY", "SELL")),
            type=LIMIT,
            quantity=value / price // step * step,
            price=price // tick * tick,
            time_in_force=GTC,
            client_order_id=self._client_order_id(),
        )
        placed = host.exchange.core.place(account, new, host.scheduler.now)
        host.counters["orders by hand"] += 1
        self._placed.append((account, symbol, placed.order.order_id))

    def _amend(self) -> None:
        if self._resting:
            return
        if self._host.exchange.running:
            try:
                self._amend_one()
            except VenueError:
                self._host.counters["hand refused"] += 1
        delay = self._amending.randrange(PAUSE, 5 * PAUSE)
        self._host.scheduler.after(delay, self._amend)

    def _amend_one(self) -> None:
        """Down to somewhere above what is filled, as the venue allows it."""
        host, random = self._host, self._amending
        account = random.choice(host.accounts)
        orders = host.exchange.core.open_orders(account)
        if not orders:
            return
        order = random.choice(orders)
        step = host.exchange.core.engine.markets[order.symbol].symbol.step
        part = (order.quantity - order.executed) * random.randrange(1, 10) / 10
        host.exchange.core.amend_keep_priority(
            account,
            order.symbol,
            order.executed + part // step * step,
            host.scheduler.now,
            order_id=order.order_id,
            new_client_order_id=order.client_order_id,
        )
        host.counters["amends by hand"] += 1

    def _client_order_id(self) -> str:
        """None of its own, a program's, or one of another gateway's."""
        random = self._random
        bits = random.getrandbits(62)
        other = make_order_id(TAG + 1, self._host.scheduler.now, bits)
        return random.choice(("", f"web_{bits:x}", str(other)))

"""Whole lives of one order at a venue, and the facts that a gateway would learn of them.

`VenueModel` is the truth: it knows nothing of the gateway's rules. Everything that happens at it
leaves facts behind, as the answer to a command, on the stream, by query or sweep, each of which
can then be delivered in any order, or twice.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from gateway.domain import facts as f
from gateway.domain import life
from gateway.domain.enums import OrderStatus, OrderType, Origin, Side, Source
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol, VenueOrderId
from gateway.domain.life import Alarm, Change
from gateway.domain.order import Evidence, NewOrder, Order, Transaction
from gateway.domain.trade import TradeDigest
from gateway.domain.venue import VenueOrder, VenueTrade

MS = 1_000_000
LAG = 1_000 * MS
LAND_BY = 5_000 * MS
ACCOUNT = AccountId("acc1")
SYMBOL = Symbol("BTC/USDT")
ORDER_ID = OrderId("0190a5c4-7c00-8007-8000-000000000001")
VENUE_ID = VenueOrderId("v1")


def new_order(quantity: Decimal | str = "10", **fields: Any) -> NewOrder:
    asked: dict[str, Any] = {
        "order_id": ORDER_ID,
        "account": ACCOUNT,
        "symbol": SYMBOL,
        "client_id": ClientId("desk"),
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "quantity": Decimal(quantity),
        "price": Decimal(100),
    }
    return NewOrder(**{**asked, **fields})


@dataclass(frozen=True)
class Learnt:
    """A fact under way. `make` stamps it with the time when it is learnt, never before `since`.

    Facts of the outbox keep their order among themselves; what a venue says keeps none.
    """

    since: int
    make: Callable[[int], f.Fact]
    from_outbox: bool = False


@dataclass
class VenueModel:
    """One order at the venue."""

    quantity: Decimal = Decimal(10)
    price: Decimal = Decimal(100)
    own: bool = True
    now: int = 0
    landed_at: int | None = None
    status: OrderStatus = OrderStatus.PENDING_NEW
    views: list[tuple[int, VenueOrder]] = field(default_factory=list)
    trades: list[VenueTrade] = field(default_factory=list)
    learnt: list[Learnt] = field(default_factory=list)
    says_cost: bool = True

    # ---- what happens at the venue

    @property
    def is_open(self) -> bool:
        return self.landed_at is not None and not self.status.is_closed

    @property
    def filled(self) -> Decimal:
        return sum((trade.quantity for trade in self.trades), Decimal(0))

    @property
    def cost(self) -> Decimal:
        return sum((trade.quantity * trade.price for trade in self.trades), Decimal(0))

    def land(self) -> None:
        self.landed_at = self.now
        self._move(OrderStatus.NEW)

    def fill(self, quantity: Decimal, price: Decimal) -> None:
        trade = VenueTrade(
            symbol=SYMBOL,
            venue_order_id=VENUE_ID,
            side=Side.BUY,
            price=price,
            quantity=min(quantity, self.quantity - self.filled),
            trade_id=f"t{len(self.trades) + 1}",
            order_id=ORDER_ID if self.own else None,
            venue_time=self.now,
        )
        self.trades.append(trade)
        self._hear_trade(trade)
        full = self.filled == self.quantity
        self._move(OrderStatus.FILLED if full else OrderStatus.PARTIALLY_FILLED)

    def end(self, status: OrderStatus) -> None:
        self._move(status)

    def amend(self, quantity: Decimal) -> None:
        """To what is filled or less: the order is filled then (FIX 4.2 D11)."""
        self.quantity = max(quantity, self.filled)
        self._move(OrderStatus.FILLED if self.filled == self.quantity else self.status)

    def amend_by_hand(self, quantity: Decimal, price: Decimal) -> None:
        """The gateway is not told."""
        self.price = price
        self.amend(quantity)

    def _move(self, status: OrderStatus) -> None:
        self.status = status
        seen = self.picture()
        self.views.append((self.now, seen))
        self._learn(
            lambda at: f.Snapshot(
                at=at, asked_at=at, source=Source.STREAM, order=seen, origin=self.origin
            )
        )

    def picture(self) -> VenueOrder:
        return VenueOrder(
            symbol=SYMBOL,
            venue_order_id=VENUE_ID,
            status=self.status,
            order_id=ORDER_ID if self.own else None,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=self.quantity,
            price=self.price,
            cum_quantity=self.filled,
            cum_cost=self.cost if self.says_cost else None,
        )

    @property
    def origin(self) -> Origin:
        return Origin.RECOVERED if self.own else Origin.EXTERNAL

    # ---- what the gateway does and learns

    def intend(self) -> None:
        asked = new_order(self.quantity)
        self._record(lambda at: f.Intent(at=at, order=asked, land_by=LAND_BY))

    def answer_place(self, answered: bool) -> None:
        if answered:
            self._record(lambda at: f.Accepted(at=at, venue_order_id=VENUE_ID))
        else:
            self._record(lambda at: f.PlaceUnknown(at=at, text="timed out"))

    def refuse_place(self) -> None:
        self._record(lambda at: f.PlaceRefused(at=at, code=Code.VENUE_FUNDS, text="no funds"))

    def request_cancel(self, answer: str, done: bool) -> None:
        self._record(lambda at: f.CancelRequested(at=at, client_id=ClientId("desk")))
        carried_out = done and self.is_open
        if carried_out:
            self.end(OrderStatus.CANCELED)
        if answer == "lost":
            self._record(lambda at: f.CancelUnknown(at=at, text="timed out"))
        elif carried_out:
            self._record(lambda at: f.CancelAccepted(at=at))
        else:
            code = Code.VENUE_ORDER_NOT_FOUND
            self._record(lambda at: f.CancelRefused(at=at, code=code, text="unknown order"))

    def request_amend(self, quantity: Decimal, answer: str, done: bool) -> None:
        asked_at = self.now
        self._record(
            lambda at: f.AmendRequested(
                at=at, quantity=quantity, price=None, land_by=asked_at + LAND_BY
            )
        )
        carried_out = done and self.is_open
        if carried_out:
            self.amend(quantity)
        if answer == "lost":
            self._record(lambda at: f.AmendUnknown(at=at, text="timed out"))
        elif carried_out:
            self._record(
                lambda at: f.AmendAccepted(at=at, sent_at=at, quantity=quantity, price=None)
            )
        else:
            code = Code.VENUE_REFUSED
            self._record(lambda at: f.AmendRefused(at=at, code=code, text="not now"))

    def ask(self, source: Source, staleness: int, with_trades: bool) -> None:
        """A query or sweep is sent now; its answer may be as old as the visibility lag."""
        asked_at, seen = self.now, self._as_of(self.now - staleness)
        if seen is None:
            evidence = Evidence(asked_at=asked_at, answered_at=asked_at, searched=("by_id",))
            if source is Source.QUERY:
                self._learn(lambda at: f.Absent(at=at, evidence=evidence, lag=LAG))
            return
        if source is Source.QUERY or not seen.status.is_closed:
            self._learn(
                lambda at: f.Snapshot(
                    at=at,
                    asked_at=asked_at,
                    source=source,
                    order=seen,
                    lag=LAG,
                    origin=self.origin,
                )
            )
        if with_trades:
            for trade in self.trades:
                self._hear_trade(trade, source)

    def _as_of(self, time: int) -> VenueOrder | None:
        seen = [picture for at, picture in self.views if at <= time]
        return seen[-1] if seen else None

    def _hear_trade(self, trade: VenueTrade, source: Source = Source.STREAM) -> None:
        self._learn(lambda at: f.Trade(at=at, source=source, trade=trade, origin=self.origin))

    def _learn(self, make: Callable[[int], f.Fact]) -> None:
        self.learnt.append(Learnt(self.now, make))

    def _record(self, make: Callable[[int], f.Fact]) -> None:
        self.learnt.append(Learnt(self.now, make, from_outbox=True))


@dataclass
class Gateway:
    """Applies facts as they come and watches over what must hold at every step."""

    order: Order | None = None
    digests: dict[str, TradeDigest] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    clock: int = 0

    def deliver(self, learnt: Learnt) -> Change | None:
        self.clock = max(self.clock + 1, learnt.since + 1)
        return self.take(learnt.make(self.clock))

    def take(self, fact: f.Fact) -> Change | None:
        before = self.order or life.birth(ACCOUNT, fact, ORDER_ID)
        if before is None:
            return None
        change = life.apply(before, self.digests, fact)
        self.order = change.order
        self.digests.update(change.digests)
        self.transactions += change.transactions
        self.alarms += change.alarms
        check_step(before, change, fact)
        check_twice(change.order, self.digests, fact)
        return change

    @property
    def settled(self) -> tuple[object, ...]:
        """What must not depend on the order in which facts came."""
        order = self.order
        if order is None:
            return ()
        money = frozenset((t.key, t.kind, t.quantity, t.price, t.fee) for t in self.transactions)
        return (
            order.status,
            order.quantity,
            order.cum_quantity,
            order.traded_quantity,
            order.traded_cost,
            order.avg_price,
            order.trades_complete,
            order.closed_as,
            order.closed_by,
            order.venue_order_id,
            order.origin,
            money,
        )


def check_step(before: Order, change: Change, fact: f.Fact) -> None:
    after = change.order
    assert after.cum_quantity >= before.cum_quantity, "a filled quantity fell"
    assert after.traded_quantity >= before.traded_quantity
    assert after.changed_at >= before.changed_at
    assert after.is_closed == (after.closed_at is not None)
    assert (after.status is OrderStatus.IN_DOUBT) == (after.known_status is not None)
    assert not (after.is_closed and after.pending != "none")
    assert change.visible or not change.transactions
    if before.is_closed and not after.is_closed:
        assert may_reopen(before, fact), f"{fact} re-opened an order closed by the venue"
    assert "bad_move" not in {alarm.kind for alarm in change.alarms}, change.alarms
    if not change.visible:
        assert unstamped(after) == unstamped(before)


def may_reopen(before: Order, fact: f.Fact) -> bool:
    """A fill, or an end that we had only inferred."""
    inferred = before.closed_by != "venue"
    return inferred or (isinstance(fact, f.Trade) and before.status is OrderStatus.REJECTED)


def check_twice(order: Order, digests: dict[str, TradeDigest], fact: f.Fact) -> None:
    again = life.apply(order, digests, fact)
    assert not again.visible, f"{fact} counted twice"
    assert not again.transactions
    assert again.order == order


def unstamped(order: Order) -> tuple[object, ...]:
    stamps = ("checked_at", "seen_at")
    return tuple(getattr(order, name) for name in order.__struct_fields__ if name not in stamps)


def deliver_all(learnt: Iterable[Learnt]) -> Gateway:
    """What can't begin an order waits until something else has begun it."""
    gateway = Gateway()
    waiting: list[Learnt] = []
    for one in learnt:
        if gateway.deliver(one) is None:
            waiting.append(one)
            continue
        for early in waiting:
            gateway.deliver(early)
        waiting.clear()
    return gateway


@st.composite
def shuffles(draw: st.DrawFn, learnt: Sequence[Learnt]) -> list[Learnt]:
    """Any order that keeps the outbox's own, with some of the venue's words doubled."""
    outbox = [one for one in learnt if one.from_outbox]
    heard = [one for one in learnt if not one.from_outbox]
    if heard:
        heard += draw(st.lists(st.sampled_from(heard), max_size=4))
    mixed = draw(st.permutations([None] * len(outbox) + heard))
    following = iter(outbox)
    return [next(following) if one is None else one for one in mixed]


figures = st.integers(1, 8).map(Decimal)
moments = st.integers(1, 3_000).map(lambda ms: ms * MS)


@st.composite
def histories(draw: st.DrawFn, amends: bool = True, losses: bool = True) -> VenueModel:
    """One order's whole life: what happened at the venue, and all the facts it left behind.

    Without `losses` the answer to every amend is heard, and nobody amends by hand.
    """
    venue = VenueModel(own=draw(st.booleans()), says_cost=draw(st.booleans()))
    if venue.own:
        venue.intend()
    if draw(st.booleans()):
        venue.ask(Source.QUERY, 0, with_trades=False)
    venue.now += draw(st.integers(1, LAND_BY // MS)) * MS
    if venue.own and draw(st.integers(0, 9)) == 0:
        _never_landed(draw, venue)
        return venue
    venue.land()
    if venue.own:
        venue.answer_place(answered=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 7))):
        venue.now += draw(moments)
        _one_event(draw, venue, amends, losses)
    return venue


def _never_landed(draw: st.DrawFn, venue: VenueModel) -> None:
    if draw(st.booleans()):
        venue.refuse_place()
        return
    venue.answer_place(answered=False)
    for _ in range(draw(st.integers(0, 4))):
        venue.now += draw(moments)
        venue.ask(Source.QUERY, 0, with_trades=False)


def _one_event(draw: st.DrawFn, venue: VenueModel, amends: bool, losses: bool) -> None:
    kinds = ["query", "sweep"]
    if venue.own:
        kinds.append("cancel")
    if venue.own and amends:
        kinds.append("amend")
    if venue.is_open:
        kinds += ["fill", "fill", "fill", "end"]
    if venue.is_open and amends and losses:
        kinds.append("by_hand")
    kind = draw(st.sampled_from(kinds))
    answer, done = draw(st.sampled_from(["heard", "lost"])), draw(st.booleans())
    if kind == "fill":
        venue.fill(draw(figures), draw(figures))
    elif kind == "end":
        venue.end(draw(st.sampled_from([OrderStatus.CANCELED, OrderStatus.EXPIRED])))
    elif kind == "by_hand":
        venue.amend_by_hand(draw(st.integers(1, 15).map(Decimal)), draw(figures))
    elif kind == "cancel":
        venue.request_cancel(answer, done)
    elif kind == "amend":
        answer = answer if losses else "heard"
        venue.request_amend(draw(st.integers(1, 15).map(Decimal)), answer, done)
    else:
        source = Source.QUERY if kind == "query" else Source.SWEEP
        staleness = draw(st.integers(0, LAG // MS - 1)) * MS
        venue.ask(source, staleness, with_trades=draw(st.booleans()))

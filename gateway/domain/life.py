"""The life of an order: one table, one function, and the rules behind them.

Facts come late, twice and out of order, from the executor, the venue's stream, queries and an
operator. `apply` takes one order and one fact and derives the next order. It works in two steps:

1. A small function per fact merges what the fact says into the order's knowledge. Merging only
   ever adds (a larger filled quantity, an acknowledgement, an end), so it does not matter in which
   order or how often facts come.
2. `settle` derives the status from that knowledge alone.

`MOVES` then says which changes of status the fact may cause; staying is always allowed. It is the
documented life of an order (docs/order-life.md is generated from it) and a guard: a derived change
that is not in the table is refused and raises an alarm.

Why the rules are what they are:

- A fill is money: it counts in every state. It re-opens a rejected order (with an alarm), and adds
  to a canceled one.
- The venue's own end of an order is final but for fills. An end that we inferred (a refusal, a
  verdict, an operator's word) gives way to any later evidence that the venue has the order.
- `in_doubt` is left on evidence only. Absence is evidence for an order that was never
  acknowledged only after the moment when its request can no longer land, plus the venue's
  visibility lag, and only the second time; for an acknowledged order it never ends it, it only
  puts it in doubt.
- What was asked before an amend can't undo it, so figures are taken from questions asked after it.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain.enums import ClosedBy, OrderStatus, OrderType, Origin, Pending, Side, Source
from gateway.domain.enums import TransactionKind as Kind
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId
from gateway.domain.money import ZERO
from gateway.domain.order import Evidence, Order, Transaction
from gateway.domain.trade import TradeDigest, amendment_key, digest, fee_key, trade_key
from gateway.domain.venue import VenueOrder, VenueTrade

PN, N, PF = OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED
F, C, R = OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED
E, D = OrderStatus.EXPIRED, OrderStatus.IN_DOUBT

ABSENCES_FOR_VERDICT = 2
KEPT_ABSENCES = 4

Moves = Mapping[OrderStatus, tuple[OrderStatus, ...]]

MOVES: Mapping[type[f.Fact], Moves] = {
    # The intent can come after the venue's first word: it then only adds what was asked.
    f.Intent: {PF: (F,), D: (F,)},
    f.Accepted: {PN: (N,), D: (N, PF), R: (N,)},
    f.PlaceRefused: {PN: (R,), D: (R,)},
    f.PlaceNotSent: {PN: (R,), D: (R,)},
    f.PlaceUnknown: {PN: (D,)},
    # C, E, R: an end that was inferred gives way; F -> PF: an amend to more, seen late.
    f.Snapshot: {
        PN: (N, PF, F, C, R, E),
        N: (PF, F, C, R, E),
        PF: (F, C, E),
        D: (N, PF, F, C, R, E),
        F: (PF,),
        C: (N, PF, F, E),
        R: (N, PF, F, C, E),
        E: (N, PF, F, C),
    },
    f.Trade: {PN: (PF, F), N: (PF, F), PF: (F,), D: (PF, F), C: (F,), E: (F,), R: (PF, F)},
    f.TradeAmended: {},
    f.CancelRequested: {},
    f.CancelAccepted: {},
    f.CancelRefused: {},
    f.CancelUnknown: {},
    f.AmendRequested: {},
    f.AmendAccepted: {N: (F,), PF: (F,), F: (PF,), D: (N, PF, F)},
    f.AmendRefused: {},
    f.AmendUnknown: {},
    f.Absent: {PN: (R,), D: (R,), N: (D,), PF: (D,)},
    f.Resolution: {D: (C, R, E)},
}


class Alarm(Struct, frozen=True, kw_only=True):
    """Something that a person should see. `kind` is a stable word, `text` a sentence."""

    kind: str
    text: str
    at: int
    account: AccountId
    order_id: OrderId | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What one fact did. `visible` False: at most `checked_at` moved; nothing to publish.

    `digests` are the trades to remember with the order, by key.
    """

    order: Order
    visible: bool
    transactions: tuple[Transaction, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    digests: Mapping[str, TradeDigest] = {}


def birth(account: AccountId, fact: f.Fact, order_id: OrderId) -> Order | None:
    """The blank order that a first fact is applied to; None if the fact can't begin an order."""
    match fact:
        case f.Intent(order=asked):
            return _blank(account, order_id, asked.symbol, asked.side, fact.at)
        case f.Snapshot(order=seen):
            side = seen.side or Side.BUY
            blank = _blank(account, order_id, seen.symbol, side, fact.at)
            return replace(blank, origin=fact.origin, client_id=fact.client_id)
        case f.Trade(trade=seen):
            blank = _blank(account, order_id, seen.symbol, seen.side, fact.at)
            return replace(blank, origin=fact.origin, client_id=fact.client_id)
        case _:
            return None


def apply(order: Order, trades: Mapping[str, TradeDigest], fact: f.Fact) -> Change:
    """The order after the fact. `trades` are the digests of all its trades so far, by key.

    Applying a fact a second time gives `visible=False` and no transactions.
    """
    change = _MERGES[type(fact)](order, trades, fact)
    merged = settle(change.order)
    if not _allowed(order, merged, fact):
        text = f"{type(fact).__name__} would move {order.status} to {merged.status}: ignored"
        return Change(order=order, visible=False, alarms=(_alarm(order, fact, "bad_move", text),))
    visible = bool(change.transactions) or _differs(order, merged)
    if visible:
        closed_at = merged.closed_at or fact.at
        merged = replace(
            merged, changed_at=fact.at, closed_at=closed_at if merged.is_closed else None
        )
    alarms = change.alarms + _alarms_of_move(order, merged, fact)
    return replace(change, order=merged, visible=visible, alarms=alarms)


def settle(order: Order) -> Order:
    """Derives status, cumulative quantity, average price and flags from the knowledge held."""
    cum = max(order.reported_quantity, order.traded_quantity)
    order = _drop_revoked_end(order, cum)
    known = _known_status(order, cum)
    closed = known.is_closed
    return replace(
        order,
        cum_quantity=cum,
        avg_price=_average(order, cum),
        trades_complete=order.traded_quantity >= cum,
        status=D if order.doubt and not closed else known,
        known_status=known if order.doubt and not closed else None,
        doubt=None if closed else order.doubt,
        pending=Pending.NONE if closed else order.pending,
    )


def _known_status(order: Order, cum: Decimal) -> OrderStatus:
    if ZERO < order.quantity <= cum:
        return F
    if order.closed_as is not None:
        return order.closed_as
    if cum > ZERO:
        return PF
    return PN if order.acknowledged_at is None else N


def _drop_revoked_end(order: Order, cum: Decimal) -> Order:
    """A rejection gives way to a fill, and one that is not the venue's to any acknowledgement.

    An acknowledgement also ends a doubt about the place (not one about a vanished order).
    """
    if order.closed_as is R and (
        cum > ZERO or (order.closed_by is not ClosedBy.VENUE and order.acknowledged_at is not None)
    ):
        order = replace(order, closed_as=None, closed_by=None, reason_code=None, reason="")
    if order.doubt and order.acknowledged_at is not None and order.vanished_at is None:
        order = replace(order, doubt=None)
    return order


def _average(order: Order, cum: Decimal) -> Decimal | None:
    if cum == ZERO:
        return None
    if order.traded_quantity >= cum:
        return order.traded_cost / cum
    return None if order.reported_cost is None else order.reported_cost / cum


def _allowed(before: Order, after: Order, fact: f.Fact) -> bool:
    moves = MOVES[type(fact)].get(before.status, ())
    return after.status is before.status or after.status in moves


def _differs(before: Order, after: Order) -> bool:
    return replace(after, checked_at=before.checked_at) != before


def _blank(account: AccountId, order_id: OrderId, symbol: Any, side: Side, at: int) -> Order:
    return Order(
        order_id=order_id,
        account=account,
        symbol=symbol,
        client_id=ClientId(""),
        side=side,
        order_type=OrderType.LIMIT,
        quantity=ZERO,
        origin=Origin.RECOVERED,
        created_at=at,
    )


# ---- what each fact adds -----------------------------------------------------------------------

Trades = Mapping[str, TradeDigest]


def _intent(order: Order, _: Trades, fact: f.Intent) -> Change:
    if order.origin is Origin.OWN:
        return _only(order)
    asked = fact.order
    quantity = order.quantity if order.revision else asked.quantity
    return _only(
        replace(
            order,
            client_id=asked.client_id,
            side=asked.side,
            order_type=asked.order_type,
            quantity=quantity,
            price=asked.price,
            stop_price=asked.stop_price,
            time_in_force=asked.time_in_force,
            post_only=asked.post_only,
            origin=Origin.OWN,
            created_at=fact.at,
            land_by=max(order.land_by, fact.land_by),
        )
    )


def _accepted(order: Order, _: Trades, fact: f.Accepted) -> Change:
    return _only(_acknowledge(order, fact.at, fact.venue_order_id))


def _place_failed(order: Order, _: Trades, fact: f.PlaceRefused | f.PlaceNotSent) -> Change:
    if order.acknowledged_at is not None:
        text = f"the place was answered {fact.code} ({fact.text}), but the venue has the order"
        return _only(order, _alarm(order, fact, "refused_but_live", text))
    if order.closed_as is not None:
        return _only(order)
    by = ClosedBy.REFUSAL if isinstance(fact, f.PlaceRefused) else ClosedBy.NOT_SENT
    return _only(_close(order, R, by, fact.at, fact.code, fact.text))


def _place_unknown(order: Order, _: Trades, fact: f.PlaceUnknown) -> Change:
    if order.acknowledged_at is not None or order.closed_as is not None or order.doubt:
        return _only(order)
    return _only(replace(order, doubt=fact.text))


def _snapshot(order: Order, _: Trades, fact: f.Snapshot) -> Change:
    seen = fact.order
    after = _acknowledge(order, fact.at, seen.venue_order_id)
    after = _take_figures(after, fact)
    after = _take_progress(after, seen)
    after = _reopen_inferred_end(after, fact)
    if seen.status.is_closed:
        after = _take_end(after, fact)
    if fact.source is not Source.STREAM:
        after = replace(after, checked_at=max(after.checked_at, fact.asked_at))
    return _compare_with_venue(order, after, fact)


def _take_figures(order: Order, fact: f.Snapshot) -> Order:
    """What was asked, as the venue states it: for an order that is not ours, or an amended one."""
    seen = fact.order
    if order.origin is not Origin.OWN and order.quantity == ZERO:
        order = replace(
            order,
            side=seen.side or order.side,
            order_type=seen.order_type or order.order_type,
            time_in_force=seen.time_in_force or order.time_in_force,
            quantity=seen.quantity or ZERO,
            price=seen.price,
            stop_price=seen.stop_price,
        )
    if fact.source in (Source.QUERY, Source.SWEEP) and fact.asked_at > order.amended_at:
        order = _take_amended_figures(order, fact)
    return order


def _take_amended_figures(order: Order, fact: f.Snapshot) -> Order:
    seen = fact.order
    changed = (
        order.revision > 0 or order.pending is Pending.REPLACE or order.origin is not (Origin.OWN)
    )
    if changed and seen.quantity and not seen.status.is_closed:
        price = seen.price if order.order_type is not OrderType.MARKET else order.price
        moved = seen.quantity != order.quantity or price != order.price
        order = replace(order, quantity=seen.quantity, price=price)
        if order.pending is Pending.REPLACE and (moved or fact.asked_at > order.land_by):
            order = replace(order, pending=Pending.NONE)
    return order


def _take_progress(order: Order, seen: VenueOrder) -> Order:
    filled = seen.cum_quantity
    if filled is None:
        filled = order.quantity if seen.status is F else ZERO
    if filled > order.reported_quantity:
        return replace(order, reported_quantity=filled, reported_cost=seen.cum_cost)
    if filled == order.reported_quantity and order.reported_cost is None:
        return replace(order, reported_cost=seen.cum_cost)
    return order


def _take_end(order: Order, fact: f.Snapshot) -> Order:
    seen = fact.order
    if order.closed_as is not None and order.closed_by is ClosedBy.VENUE:
        return order
    code = Code.VENUE_REFUSED if seen.status is R else None
    return _close(order, seen.status, ClosedBy.VENUE, fact.at, code, seen.reason)


def _reopen_inferred_end(order: Order, fact: f.Snapshot) -> Order:
    if order.vanished_at is not None and fact.asked_at > order.vanished_at:
        order = replace(order, vanished_at=None, doubt=None)
    inferred = order.closed_by in (ClosedBy.OPERATOR, ClosedBy.VERDICT)
    if inferred and order.closed_at is not None and fact.asked_at > order.closed_at:
        order = replace(order, closed_as=None, closed_by=None, reason_code=None, reason="")
    return order


def _compare_with_venue(before: Order, after: Order, fact: f.Snapshot) -> Change:
    """The venue's lower filled quantity, asked after all we know of, is kept beside ours."""
    said = fact.order.cum_quantity
    held = max(after.reported_quantity, after.traded_quantity)
    asked_late = fact.source is not Source.STREAM and fact.asked_at - fact.lag > before.changed_at
    if said is None or not asked_late:
        return _only(after)
    lower = said if said < held else None
    if lower is None or lower == before.lower_quantity:
        return _only(replace(after, lower_quantity=lower))
    text = f"the venue says {said} filled, we hold {held}; both are kept"
    alarm = _alarm(before, fact, "filled_less_at_venue", text)
    return _only(replace(after, lower_quantity=lower), alarm)


def _trade(order: Order, trades: Trades, fact: f.Trade) -> Change:
    seen = fact.trade
    key = trade_key(order.account, seen)
    known = trades.get(key)
    if known is not None:
        return _known_trade(order, fact, key, known)
    after = _acknowledge(order, fact.at, seen.venue_order_id)
    after = replace(
        after,
        traded_quantity=order.traded_quantity + seen.quantity,
        traded_cost=order.traded_cost + seen.quantity * seen.price,
    )
    fill = _transaction(order, fact, key, Kind.FILL, seen)
    return Change(
        order=after,
        visible=True,
        transactions=(fill,),
        alarms=_overfill(order, after, fact),
        digests={key: digest(seen)},
    )


def _known_trade(order: Order, fact: f.Trade, key: str, known: TradeDigest) -> Change:
    seen = fact.trade
    if (seen.price, seen.quantity) != (known.price, known.quantity):
        text = (
            f"trade {seen.trade_id} was {known.quantity} at {known.price} and is now said to be "
            f"{seen.quantity} at {seen.price}; the first is kept"
        )
        return _only(order, _alarm(order, fact, "trade_conflict", text))
    if seen.fee is None or known.fee_known:
        return _only(order)
    fee = _transaction(order, fact, fee_key(key), Kind.FEE, seen)
    return Change(
        order=order,
        visible=True,
        transactions=(fee,),
        digests={key: replace(known, fee_known=True)},
    )


def _trade_amended(order: Order, trades: Trades, fact: f.TradeAmended) -> Change:
    """Appended as a transaction of its own; the filled quantity never falls."""
    amended = fact.amendment
    key = amendment_key(trade_key(order.account, amended.trade), amended.amendment_id)
    if key in trades:
        return _only(order)
    kind = Kind.BUST if amended.busted else Kind.CORRECTION
    text = f"the venue sent a {kind} of trade {amended.trade.trade_id}"
    return Change(
        order=order,
        visible=True,
        transactions=(_transaction(order, fact, key, kind, amended.trade),),
        alarms=(_alarm(order, fact, "trade_amended", text),),
        digests={key: digest(amended.trade)},
    )


def _cancel_requested(order: Order, _: Trades, fact: f.CancelRequested) -> Change:
    if order.is_closed or order.pending is Pending.CANCEL:
        return _only(order)
    return _only(replace(order, pending=Pending.CANCEL, pending_at=fact.at))


def _cancel_refused(order: Order, _: Trades, fact: f.CancelRefused) -> Change:
    decides_nothing = fact.code is Code.VENUE_ORDER_NOT_FOUND
    if order.pending is not Pending.CANCEL or decides_nothing:
        return _only(order)
    return _only(replace(order, pending=Pending.NONE))


def _amend_requested(order: Order, _: Trades, fact: f.AmendRequested) -> Change:
    if order.is_closed or order.pending is not Pending.NONE:
        return _only(order)
    land_by = max(order.land_by, fact.land_by)
    return _only(replace(order, pending=Pending.REPLACE, pending_at=fact.at, land_by=land_by))


def _amend_accepted(order: Order, _: Trades, fact: f.AmendAccepted) -> Change:
    if fact.at <= order.amended_at:
        return _only(order)
    filled = max(order.reported_quantity, order.traded_quantity)
    quantity = order.quantity if fact.quantity is None else max(fact.quantity, filled)
    return _only(
        replace(
            order,
            quantity=quantity,
            price=order.price if fact.price is None else fact.price,
            revision=order.revision + 1,
            amended_at=fact.at,
            pending=Pending.NONE if order.pending is Pending.REPLACE else order.pending,
        )
    )


def _amend_refused(order: Order, _: Trades, _fact: f.AmendRefused) -> Change:
    if order.pending is not Pending.REPLACE:
        return _only(order)
    return _only(replace(order, pending=Pending.NONE))


def _nothing(order: Order, _: Trades, _fact: f.Fact) -> Change:
    return _only(order)


def _absent(order: Order, _: Trades, fact: f.Absent) -> Change:
    after = replace(order, checked_at=max(order.checked_at, fact.evidence.asked_at))
    if order.is_closed or fact.evidence in order.absences:
        return _only(after)
    if order.acknowledged_at is None:
        return _only(_absent_and_never_acknowledged(after, fact))
    return _absent_after_acknowledgement(after, fact)


def _absent_and_never_acknowledged(order: Order, fact: f.Absent) -> Order:
    if fact.evidence.asked_at <= order.land_by + fact.lag:
        return order  # the request could still have landed, or be landed and not yet visible
    absences = _remember(order, fact.evidence)
    order = replace(order, absences=absences)
    if len({absence.asked_at for absence in absences}) < ABSENCES_FOR_VERDICT:
        return order
    text = f"the venue never received it: {len(absences)} authoritative answers say so"
    return _close(order, R, ClosedBy.VERDICT, fact.at, Code.NOT_RECEIVED, text)


def _absent_after_acknowledgement(order: Order, fact: f.Absent) -> Change:
    settled = max(order.acknowledged_at or 0, order.changed_at)
    if order.doubt or settled >= fact.evidence.asked_at - fact.lag:
        return _only(order)
    text = "the venue acknowledged it and no longer knows it"
    after = replace(
        order,
        doubt=text,
        vanished_at=fact.evidence.asked_at,
        absences=_remember(order, fact.evidence),
    )
    return _only(after, _alarm(order, fact, "vanished", text))


def _remember(order: Order, evidence: Evidence) -> tuple[Evidence, ...]:
    return (*order.absences, evidence)[-KEPT_ABSENCES:]


def _resolution(order: Order, _: Trades, fact: f.Resolution) -> Change:
    if order.status is not D:
        return _only(order)
    status = C if fact.status is R and order.acknowledged_at is not None else fact.status
    reason = f"{fact.operator}: {fact.text}"
    return _only(_close(order, status, ClosedBy.OPERATOR, fact.at, Code.RESOLVED, reason))


_MERGES: Mapping[type[f.Fact], Callable[[Order, Trades, Any], Change]] = {
    f.Intent: _intent,
    f.Accepted: _accepted,
    f.PlaceRefused: _place_failed,
    f.PlaceNotSent: _place_failed,
    f.PlaceUnknown: _place_unknown,
    f.Snapshot: _snapshot,
    f.Trade: _trade,
    f.TradeAmended: _trade_amended,
    f.CancelRequested: _cancel_requested,
    f.CancelAccepted: _nothing,
    f.CancelRefused: _cancel_refused,
    f.CancelUnknown: _nothing,
    f.AmendRequested: _amend_requested,
    f.AmendAccepted: _amend_accepted,
    f.AmendRefused: _amend_refused,
    f.AmendUnknown: _nothing,
    f.Absent: _absent,
    f.Resolution: _resolution,
}


# ---- pieces ------------------------------------------------------------------------------------


def _only(order: Order, *alarms: Alarm) -> Change:
    return Change(order=order, visible=False, alarms=alarms)


def _acknowledge(order: Order, at: int, venue_order_id: Any) -> Order:
    if order.acknowledged_at is None:
        order = replace(order, acknowledged_at=at)
    if order.venue_order_id is None and venue_order_id:
        order = replace(order, venue_order_id=venue_order_id)
    return order


def _close(
    order: Order, status: OrderStatus, by: ClosedBy, at: int, code: Code | None, text: str
) -> Order:
    return replace(
        order, closed_as=status, closed_by=by, closed_at=at, reason_code=code, reason=text
    )


def _transaction(
    order: Order, fact: f.Trade | f.TradeAmended, key: str, kind: Kind, seen: VenueTrade
) -> Transaction:
    return Transaction(
        key=key,
        kind=kind,
        order_id=order.order_id,
        account=order.account,
        symbol=seen.symbol,
        client_id=order.client_id,
        side=seen.side,
        quantity=seen.quantity,
        price=seen.price,
        fee=seen.fee,
        fee_currency=seen.fee_currency,
        liquidity=seen.liquidity,
        trade_id=seen.trade_id,
        venue_order_id=seen.venue_order_id,
        venue_time=seen.venue_time,
        recorded_at=fact.at,
        source=fact.source,
    )


def _alarm(order: Order, fact: f.Fact, kind: str, text: str) -> Alarm:
    return Alarm(kind=kind, text=text, at=fact.at, account=order.account, order_id=order.order_id)


def _overfill(before: Order, after: Order, fact: f.Fact) -> tuple[Alarm, ...]:
    over = after.traded_quantity > after.quantity > ZERO
    if not over or before.traded_quantity > before.quantity:
        return ()
    text = f"its trades add up to {after.traded_quantity} of {after.quantity}"
    return (_alarm(before, fact, "overfill", text),)


def _alarms_of_move(before: Order, after: Order, fact: f.Fact) -> tuple[Alarm, ...]:
    if before.status is R and after.status is not R:
        text = f"it was {before.reason_code} and is {after.status}"
        return (_alarm(before, fact, "revived", text),)
    return ()

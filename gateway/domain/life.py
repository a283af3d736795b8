"""The life of an order: one table, one function, and the rules behind them.

Facts come late, twice and out of order, from the executor, the venue's stream, queries and an
operator. `apply` takes one order and one fact and derives the next order. It works in two steps:

1. A small function per fact (merge_requests.py, merge_sightings.py) merges what the fact says into
   the order's knowledge. Merging only ever adds (a larger filled quantity, an acknowledgement, an
   end), so it does not matter in which order or how often facts come.
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
- The venue's figures are the order's, also where nobody asked us for them: it may have been amended
  by hand. What was seen before an amend can't undo it, so figures are taken from answers to
  questions asked more than the venue's visibility lag after it.
- `filled` needs the venue's word or a filled quantity that reaches the quantity in force. While an
  amend is pending that quantity is not known, so the order stays `partially_filled`. What had
  filled before an amend to less landed is not an overfill: the quantity is then what was filled.
- Two orders at the venue under one id: the trades of both are money and count, the first one's
  state is the order's, and an alarm says so.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain import merge_requests as requests
from gateway.domain import merge_sightings as sightings
from gateway.domain.change import Alarm, Change, Trades, alarm, only, reopen
from gateway.domain.enums import ClosedBy, OrderStatus, OrderType, Origin, Pending, Side
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol
from gateway.domain.money import ZERO
from gateway.domain.order import Order
from gateway.domain.trade import TradeDigest

__all__ = ["MOVES", "Alarm", "Change", "apply", "birth", "settle"]

PN, N, PF = OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED
F, C, R = OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED
E, D = OrderStatus.EXPIRED, OrderStatus.IN_DOUBT

Moves = Mapping[OrderStatus, tuple[OrderStatus, ...]]

MOVES: Mapping[type[f.Fact], Moves] = {
    # The intent can come after the venue's first word: it then only adds what was asked.
    f.Intent: {PF: (F,), D: (F,), C: (F,), E: (F,)},
    # R: a verdict, or a refusal that the venue itself contradicts.
    f.Accepted: {PN: (N,), D: (N,), R: (N,)},
    f.PlaceRefused: {PN: (R,), D: (R,)},
    f.PlaceNotSent: {PN: (R,), D: (R,)},
    f.PlaceUnknown: {PN: (D,)},
    # From C, E, R: an end that was inferred gives way to the venue's word.
    # From F: it looked filled, but an amend to more, not heard of yet, had been carried out.
    f.Snapshot: {
        PN: (N, PF, F, C, R, E),
        N: (PF, F, C, R, E),
        PF: (F, C, E),
        D: (N, PF, F, C, R, E),
        F: (PF, C, E),
        C: (N, PF, F, R, E),
        R: (N, PF, F, C, E),
        E: (N, PF, F, C, R),
    },
    f.Trade: {PN: (PF, F), N: (PF, F), PF: (F,), D: (PF, F), C: (F,), E: (F,), R: (PF, F)},
    # A trade that is corrected to more.
    f.TradeAmended: {PF: (F,), D: (F,), C: (F,), E: (F,)},
    # PF -> F: all is filled, and the amend that could have changed that is given up for the cancel.
    f.CancelRequested: {PF: (F,), D: (F,)},
    f.CancelAccepted: {},
    f.CancelRefused: {},
    f.CancelUnknown: {},
    f.AmendRequested: {},
    # To F: an amend to what is filled, or less (case 23). From F: one to more, heard late.
    f.AmendAccepted: {PF: (F,), F: (PF, C, E), D: (F,), C: (F,), E: (F,)},
    f.AmendRefused: {PF: (F,), D: (F,)},
    f.AmendUnknown: {},
    # R by verdict, of one never acknowledged; D, of one that was.
    f.Absent: {PN: (R,), D: (R,), N: (D,), PF: (D,)},
    f.Resolution: {D: (C, R, E)},
}


def birth(account: AccountId, fact: f.Fact, order_id: OrderId) -> Order | None:
    """The blank order that a first fact is applied to; None if the fact can't begin an order.

    A snapshot that does not say its side can't: a side is not guessed.
    """
    match fact:
        case f.Intent(order=asked):
            return _blank(account, order_id, asked.symbol, asked.side, fact.at)
        case f.Snapshot(order=seen) if seen.side is not None:
            blank = _blank(account, order_id, seen.symbol, seen.side, fact.at)
            return replace(blank, origin=fact.origin, client_id=fact.client_id)
        case f.Trade(trade=traded):
            blank = _blank(account, order_id, traded.symbol, traded.side, fact.at)
            return replace(blank, origin=fact.origin, client_id=fact.client_id)
        case _:
            return None


def apply(order: Order, trades: Mapping[str, TradeDigest], fact: f.Fact) -> Change:
    """The order after the fact. `trades` are the digests of all its trades so far, by key.

    Applying a fact a second time gives the same order, `visible=False` and no transactions.
    """
    change = _MERGES[type(fact)](order, trades, fact)
    if change.order is order and not change.visible:
        return change
    merged = settle(change.order)
    if merged.status is not order.status:
        moves = MOVES[type(fact)].get(order.status, ())
        if merged.status not in moves:
            return only(order, _bad_move(order, merged, fact))
    visible = change.visible or _differs(order, merged)
    if visible:
        merged = _stamp(order, merged, fact.at)
    alarms = change.alarms + _alarms_of_move(order, merged, fact)
    return replace(change, order=merged, visible=visible, alarms=alarms)


def settle(order: Order) -> Order:
    """Derives status, quantities, average price and flags from the knowledge held."""
    cum = max(order.reported_quantity, order.traded_quantity)
    order = _drop_revoked_end(order, cum)
    if order.closed_as is F and cum == ZERO:
        cum = order.quantity  # the venue said `filled` and no figure
    quantity = _quantity_in_force(order, cum)
    known = _known_status(order, quantity, cum)
    closed = known.is_closed
    doubtful = order.doubt is not None and not closed
    return replace(
        order,
        quantity=quantity,
        cum_quantity=cum,
        avg_price=_average(order, cum),
        trades_complete=order.traded_quantity >= cum and not (known is F and cum == ZERO),
        status=D if doubtful else known,
        known_status=known if doubtful else None,
        doubt=order.doubt if doubtful else None,
        vanished_at=None if closed else order.vanished_at,
        pending=Pending.NONE if closed else order.pending,
    )


def _drop_revoked_end(order: Order, cum: Decimal) -> Order:
    """A rejection gives way to a fill, and one that is not the venue's to any acknowledgement.

    An acknowledgement also ends a doubt about the place (not one about a vanished order).
    """
    if order.closed_as is R and (
        cum > ZERO or (order.closed_by is not ClosedBy.VENUE and order.acknowledged_at is not None)
    ):
        order = reopen(order)
    if order.doubt and order.acknowledged_at is not None and order.vanished_at is None:
        order = replace(order, doubt=None)
    return order


def _quantity_in_force(order: Order, cum: Decimal) -> Decimal:
    """An amend to less than is filled leaves what is filled (FIX 4.2 D11, case 23).

    The venue's statement with the end is taken, for it may have been amended; not one that equals
    the filled quantity of a canceled order: some venues then leave out the rest.
    """
    quantity = order.quantity
    stated = order.closed_quantity
    if stated is not None and (order.closed_as is F or stated > cum):
        quantity = stated
    return max(quantity, min(cum, order.ceiling))


def _known_status(order: Order, quantity: Decimal, cum: Decimal) -> OrderStatus:
    all_filled = ZERO < quantity <= cum
    if order.closed_as is not None:
        rest = order.closed_quantity is not None and order.closed_quantity > cum
        return F if all_filled and not rest else order.closed_as
    if all_filled and order.pending is not Pending.REPLACE:
        return F
    if cum > ZERO:
        return PF
    return PN if order.acknowledged_at is None else N


def _average(order: Order, cum: Decimal) -> Decimal | None:
    if cum == ZERO:
        return None
    if order.traded_quantity >= cum:
        return order.traded_cost / cum
    return None if order.reported_cost is None else order.reported_cost / cum


def _differs(before: Order, after: Order) -> bool:
    """Whether more has changed than when it was last asked about."""
    return replace(after, checked_at=before.checked_at, seen_at=before.seen_at) != before


def _stamp(before: Order, after: Order, at: int) -> Order:
    closed_at = (after.closed_at or at) if after.is_closed else None
    return replace(after, changed_at=max(before.changed_at, at), closed_at=closed_at)


def _bad_move(before: Order, after: Order, fact: f.Fact) -> Alarm:
    text = f"{type(fact).__name__} would move {before.status} to {after.status}: ignored"
    return alarm(before, fact, "bad_move", text)


def _alarms_of_move(before: Order, after: Order, fact: f.Fact) -> tuple[Alarm, ...]:
    alarms: list[Alarm] = []
    inferred = before.closed_as is not None and before.closed_by is not ClosedBy.VENUE
    if after.status is not before.status and (inferred or before.status is R):
        text = f"it was {before.status} ({before.reason_code}) and is {after.status}"
        alarms.append(alarm(before, fact, "revived", text))
    if _is_overfilled(after) and not _is_overfilled(before):
        text = f"{after.cum_quantity} is filled, and {after.ceiling} was the most ever asked for"
        alarms.append(alarm(before, fact, "overfill", text))
    return tuple(alarms)


def _is_overfilled(order: Order) -> bool:
    return order.cum_quantity > order.ceiling > ZERO


def _blank(account: AccountId, order_id: OrderId, symbol: Symbol, side: Side, at: int) -> Order:
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


_MERGES: Mapping[type[f.Fact], Callable[[Order, Trades, Any], Change]] = {
    f.Intent: requests.intent,
    f.Accepted: requests.accepted,
    f.PlaceRefused: requests.place_failed,
    f.PlaceNotSent: requests.place_failed,
    f.PlaceUnknown: requests.place_unknown,
    f.Snapshot: sightings.snapshot,
    f.Trade: sightings.trade,
    f.TradeAmended: sightings.trade_amended,
    f.CancelRequested: requests.cancel_requested,
    f.CancelAccepted: requests.nothing,
    f.CancelRefused: requests.cancel_refused,
    f.CancelUnknown: requests.nothing,
    f.AmendRequested: requests.amend_requested,
    f.AmendAccepted: requests.amend_accepted,
    f.AmendRefused: requests.amend_refused,
    f.AmendUnknown: requests.nothing,
    f.Absent: sightings.absent,
    f.Resolution: requests.resolution,
}

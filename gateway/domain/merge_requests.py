"""What our own requests and their answers add to what is known of an order."""

from decimal import Decimal

from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain.change import (
    Change,
    Trades,
    acknowledge,
    alarm,
    close,
    is_other,
    note_double,
    only,
)
from gateway.domain.enums import ClosedBy, OrderStatus, OrderType, Origin, Pending
from gateway.domain.errors import Code
from gateway.domain.money import ZERO
from gateway.domain.order import Order


def intent(order: Order, _: Trades, fact: f.Intent) -> Change:
    """It can come after the venue's first word of the order. What the venue said of quantity and
    price stands then: they may be amended ones, whose amend comes next."""
    if order.origin is Origin.OWN:
        return only(order)
    asked = fact.order
    stated = order.quantity > ZERO and asked.order_type is not OrderType.MARKET
    return only(
        replace(
            order,
            client_id=asked.client_id,
            side=asked.side,
            order_type=asked.order_type,
            quantity=order.quantity if order.quantity > ZERO else asked.quantity,
            ceiling=max(order.ceiling, asked.quantity),
            price=order.price if stated and order.price is not None else asked.price,
            stop_price=asked.stop_price,
            time_in_force=asked.time_in_force,
            post_only=asked.post_only,
            origin=Origin.OWN,
            created_at=fact.at,
            land_by=max(order.land_by, fact.land_by),
        )
    )


def accepted(order: Order, _: Trades, fact: f.Accepted) -> Change:
    if is_other(order, fact.venue_order_id):
        return note_double(order, fact, fact.venue_order_id)
    return only(acknowledge(order, fact.at, fact.venue_order_id))


def place_failed(order: Order, _: Trades, fact: f.PlaceRefused | f.PlaceNotSent) -> Change:
    """The answer to the place outranks a verdict of ours, and the venue's own word outranks it."""
    rejected = order.closed_as is OrderStatus.REJECTED
    if rejected and order.closed_by is ClosedBy.VENUE:
        return only(replace(order, reason_code=fact.code, reason=fact.text))
    if order.acknowledged_at is not None:
        text = f"the place was answered {fact.code} ({fact.text}), but the venue has the order"
        return only(order, alarm(order, fact, "refused_but_live", text))
    if order.closed_as is not None and not (rejected and order.closed_by is ClosedBy.VERDICT):
        return only(order)
    by = ClosedBy.REFUSAL if isinstance(fact, f.PlaceRefused) else ClosedBy.NOT_SENT
    return only(close(order, OrderStatus.REJECTED, by, fact.at, fact.code, fact.text))


def place_unknown(order: Order, _: Trades, fact: f.PlaceUnknown) -> Change:
    if order.acknowledged_at is not None or order.closed_as is not None or order.doubt:
        return only(order)
    return only(replace(order, doubt=fact.text or "the outcome of the place is not known"))


def cancel_requested(order: Order, _: Trades, fact: f.CancelRequested) -> Change:
    if order.is_closed or order.pending is Pending.CANCEL:
        return only(order)
    return only(replace(order, pending=Pending.CANCEL, pending_at=fact.at))


def cancel_refused(order: Order, _: Trades, fact: f.CancelRefused) -> Change:
    """`VENUE_ORDER_NOT_FOUND` leaves it pending: a look-up tells filled, canceled or vanished."""
    if order.pending is not Pending.CANCEL or fact.code is Code.VENUE_ORDER_NOT_FOUND:
        return only(order)
    return only(replace(order, pending=Pending.NONE))


def amend_requested(order: Order, _: Trades, fact: f.AmendRequested) -> Change:
    """From now on more may fill than before, whatever the answer will be."""
    order = _amend_asked(order, fact.quantity)
    if order.is_closed or order.pending is Pending.CANCEL:
        return only(order)
    earlier = order.pending_at if order.pending is Pending.REPLACE else 0
    return only(
        replace(
            order,
            pending=Pending.REPLACE,
            pending_at=max(earlier, fact.at),
            land_by=max(order.land_by, fact.land_by),
        )
    )


def amend_accepted(order: Order, _: Trades, fact: f.AmendAccepted) -> Change:
    """What the venue has shown since stands: another amend can have come after this one. Of what it
    showed while this one was on its way nothing tells which came first: a look-up will."""
    if fact.at <= order.amended_at:
        return only(order)
    order = _amend_asked(order, fact.quantity)
    order = replace(order, revision=order.revision + 1, amended_at=fact.at)
    if order.restated_at > fact.sent_at and not _shows(order, fact):
        is_newer = order.restated_at - fact.lag > fact.at
        return only(_replaced(order) if is_newer else _to_be_looked_up(order, fact))
    return only(
        replace(
            _replaced(order),
            quantity=order.quantity if fact.quantity is None else fact.quantity,
            price=order.price if fact.price is None else fact.price,
        )
    )


def _shows(order: Order, amended: f.AmendAccepted) -> bool:
    return amended.quantity in (None, order.quantity) and amended.price in (None, order.price)


def _replaced(order: Order) -> Order:
    return replace(order, pending=Pending.NONE) if order.pending is Pending.REPLACE else order


def _to_be_looked_up(order: Order, amended: f.AmendAccepted) -> Order:
    """Any picture that is newer than the answer decides: this amend lands no later than that."""
    another = order.pending is Pending.REPLACE and order.pending_at > amended.sent_at
    if order.closed_as is not None or order.pending is Pending.CANCEL or another:
        return order
    at = amended.at
    return replace(order, pending=Pending.REPLACE, pending_at=at, land_by=at)


def amend_refused(order: Order, _: Trades, _fact: f.AmendRefused) -> Change:
    if order.pending is not Pending.REPLACE:
        return only(order)
    return only(replace(order, pending=Pending.NONE))


def nothing(order: Order, _: Trades, _fact: f.Fact) -> Change:
    """An acknowledgement or an unknown outcome of a request: what is pending stays pending."""
    return only(order)


def resolution(order: Order, _: Trades, fact: f.Resolution) -> Change:
    """`rejected` is not said of an order that the venue has acknowledged: it becomes `canceled`."""
    if order.status is not OrderStatus.IN_DOUBT:
        return only(order)
    status = fact.status
    if status is OrderStatus.REJECTED and order.acknowledged_at is not None:
        status = OrderStatus.CANCELED
    reason = f"{fact.operator}: {fact.text}"
    return only(close(order, status, ClosedBy.OPERATOR, fact.at, Code.RESOLVED, reason))


def _amend_asked(order: Order, quantity: Decimal | None) -> Order:
    ceiling = order.ceiling if quantity is None else max(order.ceiling, quantity)
    if order.amend_asked and ceiling == order.ceiling:
        return order
    return replace(order, amend_asked=True, ceiling=ceiling)

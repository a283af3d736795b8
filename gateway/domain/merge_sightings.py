"""What the venue shows, or no longer shows, adds to what is known of an order."""

from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain.change import (
    Alarm,
    Change,
    Trades,
    acknowledge,
    alarm,
    close,
    filled,
    is_other,
    note_double,
    only,
    remember,
    reopen,
    transaction,
)
from gateway.domain.enums import ClosedBy, OrderStatus, OrderType, Origin, Pending, Source
from gateway.domain.enums import TransactionKind as Kind
from gateway.domain.errors import Code
from gateway.domain.money import ZERO, plus, times
from gateway.domain.order import Dispute, Order
from gateway.domain.trade import (
    TradeDigest,
    amendment_key,
    conflict_key,
    correction_key,
    corrections_of,
    digest,
    fee_key,
    trade_key,
)
from gateway.domain.venue import VenueOrder, VenueTrade

ABSENCES_FOR_VERDICT = 2
KEPT_DISPUTES = 16
INFERRED = (ClosedBy.OPERATOR, ClosedBy.VERDICT)

# ---- the venue's picture of the order ----------------------------------------------------------


def snapshot(order: Order, _: Trades, fact: f.Snapshot) -> Change:
    seen = fact.order
    if is_other(order, seen.venue_order_id):
        return note_double(order, fact, seen.venue_order_id)
    after = acknowledge(order, fact.at, seen.venue_order_id)
    after = _take_figures(after, fact)
    text = _restated(order, after)
    after = _take_progress(after, seen)
    after = _reopen_inferred_end(after, fact)
    after, alarms = _take_end(after, fact)
    after, less = _compare_filled(order, after, fact)
    if fact.source is not Source.STREAM:
        after = _move_times(after, fact.asked_at)
    return replace(only(after, *alarms, *less), text=text)


def _restated(before: Order, after: Order) -> str:
    """For the order's history: the venue has other figures, which no answer to us has told."""
    if before.quantity == ZERO or after.restated_at == before.restated_at:
        return ""
    was = f"{before.quantity} at {before.price}"
    return f"the venue has it as {after.quantity} at {after.price}, it was {was}"


def _move_times(order: Order, asked_at: int) -> Order:
    if asked_at <= min(order.checked_at, order.seen_at):
        return order
    return replace(
        order,
        checked_at=max(order.checked_at, asked_at),
        seen_at=max(order.seen_at, asked_at),
    )


def _take_figures(order: Order, fact: f.Snapshot) -> Order:
    """What was asked, as the venue states it: it may have been amended by hand, or by an amend of
    ours whose record was lost.

    A picture that may be from before the last amend is not used, nor is a stream's: nothing tells
    when that was taken.
    """
    seen = fact.order
    if order.origin is not Origin.OWN and order.quantity == ZERO:
        return _take_terms(order, fact)
    asked = fact.source in (Source.QUERY, Source.SWEEP)
    taken_after = fact.asked_at - fact.lag > max(order.amended_at, order.restated_at)
    if asked and taken_after and seen.quantity and not seen.status.is_closed:
        return _take_amended_figures(order, fact)
    return order


def _take_terms(order: Order, fact: f.Snapshot) -> Order:
    """The first figures that are known: an older picture must not undo these either."""
    seen = fact.order
    return replace(
        order,
        restated_at=max(order.restated_at, fact.asked_at),
        side=seen.side or order.side,
        order_type=seen.order_type or order.order_type,
        time_in_force=seen.time_in_force or order.time_in_force,
        quantity=seen.quantity or ZERO,
        ceiling=max(order.ceiling, seen.quantity or ZERO),
        price=seen.price,
        stop_price=seen.stop_price,
    )


def _take_amended_figures(order: Order, fact: f.Snapshot) -> Order:
    seen = fact.order
    quantity = seen.quantity or order.quantity
    price = order.price if order.order_type is OrderType.MARKET else seen.price or order.price
    moved = quantity != order.quantity or price != order.price
    if moved:
        order = replace(
            order,
            quantity=quantity,
            price=price,
            ceiling=max(order.ceiling, quantity),
            restated_at=fact.asked_at,
        )
    landed = moved or fact.asked_at > order.land_by + fact.lag
    if order.pending is Pending.REPLACE and landed:
        order = replace(order, pending=Pending.NONE)
    return order


def _take_progress(order: Order, seen: VenueOrder) -> Order:
    said = seen.cum_quantity
    if said is None and seen.status is OrderStatus.FILLED:
        said = seen.quantity or order.quantity
    if not said:
        return order
    if said > order.reported_quantity:
        return replace(order, reported_quantity=said, reported_cost=seen.cum_cost)
    if said == order.reported_quantity and order.reported_cost is None and seen.cum_cost:
        return replace(order, reported_cost=seen.cum_cost)
    return order


def _reopen_inferred_end(order: Order, fact: f.Snapshot) -> Order:
    if order.vanished_at is not None and fact.asked_at > order.vanished_at:
        order = replace(order, vanished_at=None, doubt=None)
    inferred = order.closed_by in INFERRED and order.closed_at is not None
    if inferred and fact.asked_at > (order.closed_at or 0):
        order = reopen(order)
    return order


def _take_end(order: Order, fact: f.Snapshot) -> tuple[Order, tuple[Alarm, ...]]:
    """The venue's first word on the end stands; a later one could only repeat it."""
    seen = fact.order
    if not seen.status.is_closed or order.closed_by is ClosedBy.VENUE:
        return order, ()
    if seen.status is OrderStatus.REJECTED and filled(order) > ZERO:
        return _end_rejected_with_fills(order, fact)
    order = replace(order, closed_quantity=seen.quantity)
    if order.closed_as is seen.status:
        return replace(order, closed_by=ClosedBy.VENUE), ()
    code = Code.VENUE_REFUSED if seen.status is OrderStatus.REJECTED else None
    return close(order, seen.status, ClosedBy.VENUE, fact.at, code, seen.reason), ()


def _end_rejected_with_fills(order: Order, fact: f.Snapshot) -> tuple[Order, tuple[Alarm, ...]]:
    text = f"the venue calls it rejected, with {filled(order)} filled"
    after = close(order, OrderStatus.CANCELED, ClosedBy.VENUE, fact.at, None, fact.order.reason)
    return after, (alarm(order, fact, "rejected_with_fills", text),)


def _compare_filled(
    before: Order, after: Order, fact: f.Snapshot
) -> tuple[Order, tuple[Alarm, ...]]:
    """The venue's lower filled quantity, asked after all that we know of, is kept beside ours."""
    said = fact.order.cum_quantity
    asked_late = fact.source is not Source.STREAM and fact.asked_at - fact.lag > before.changed_at
    if said is None or not asked_late:
        return after, ()
    held = filled(after)
    lower = said if said < held else None
    if lower == before.lower_quantity:
        return after, ()
    after = replace(after, lower_quantity=lower)
    if lower is None:
        return after, ()
    text = f"the venue says {said} filled, we hold {held}; both are kept"
    return after, (alarm(before, fact, "filled_less_at_venue", text),)


# ---- trades ------------------------------------------------------------------------------------


def trade(order: Order, trades: Trades, fact: f.Trade) -> Change:
    """Money: it counts in every state, and for a second order under our id as well."""
    seen = fact.trade
    key = trade_key(order.account, seen)
    known = trades.get(key)
    if known is not None:
        return _known_trade(order, trades, fact, key, known)
    if is_other(order, seen.venue_order_id):
        noted = note_double(order, fact, seen.venue_order_id)
    else:
        noted = only(acknowledge(order, fact.at, seen.venue_order_id))
    after = replace(
        noted.order,
        traded_quantity=plus(order.traded_quantity, seen.quantity),
        traded_cost=plus(order.traded_cost, times(seen.quantity, seen.price)),
        fees_missing=order.fees_missing + (seen.fee is None),
    )
    return Change(
        order=after,
        visible=True,
        transactions=(transaction(order, fact, key, Kind.FILL, seen),),
        alarms=noted.alarms,
        digests={key: digest(seen)},
    )


def _known_trade(
    order: Order, trades: Trades, fact: f.Trade, key: str, known: TradeDigest
) -> Change:
    seen = fact.trade
    if (seen.price, seen.quantity) != (known.price, known.quantity):
        return _conflicting_trade(order, trades, fact, key, known)
    if _decides(order, fact, key):
        order = _settle_dispute(order, key)
    if seen.fee is None or known.fee_known:
        return only(order)
    after = replace(order, fees_missing=max(order.fees_missing - 1, 0))
    return Change(
        order=after,
        visible=True,
        transactions=(transaction(order, fact, fee_key(key), Kind.FEE, seen),),
        digests={key: replace(known, fee_known=True)},
    )


def _conflicting_trade(
    order: Order, trades: Trades, fact: f.Trade, key: str, known: TradeDigest
) -> Change:
    """The first figures are kept until the venue, asked again, says which are right."""
    seen = fact.trade
    if _decides(order, fact, key):
        return _correct_trade(order, trades, fact, key, known)
    other = conflict_key(key, seen)
    if other in trades:
        return only(order)
    text = (
        f"trade {seen.trade_id} was {known.quantity} at {known.price} and is now said to be "
        f"{seen.quantity} at {seen.price}; the first is kept"
    )
    return Change(
        order=replace(_dispute(order, fact, key), conflicts=order.conflicts + 1),
        visible=True,
        alarms=(alarm(order, fact, "trade_conflict", text),),
        digests={other: digest(seen)},
    )


def _dispute(order: Order, fact: f.Trade, key: str) -> Order:
    others = tuple(one for one in order.disputed if one.trade != key)
    if len(others) >= KEPT_DISPUTES:
        return order
    return replace(order, disputed=(*others, Dispute(trade=key, asked_at=fact.asked_at or fact.at)))


def _decides(order: Order, fact: f.Trade, key: str) -> bool:
    """The answer that began a dispute does not end it, for it may be told twice; nor does one that
    was on its way already: it is from before the other figures."""
    return any(one.trade == key and fact.asked_at > one.asked_at for one in order.disputed)


def _settle_dispute(order: Order, key: str) -> Order:
    return replace(order, disputed=tuple(one for one in order.disputed if one.trade != key))


def _correct_trade(
    order: Order, trades: Trades, fact: f.Trade, key: str, known: TradeDigest
) -> Change:
    """The figures that were kept were the wrong ones: a transaction of its own states the right
    ones."""
    seen = fact.trade
    settled = _settle_dispute(order, key)
    corrected = correction_key(key, seen, corrections_of(key, trades))
    counted = _counted(trades, key, known)
    was = replace(seen, quantity=known.quantity, price=known.price)
    text = (
        f"trade {seen.trade_id} was kept as {known.quantity} at {known.price}; the venue, asked "
        f"again, says {seen.quantity} at {seen.price}: corrected"
    )
    fee_is_new = seen.fee is not None and not known.fee_known
    return Change(
        order=replace(
            _with_new_figures(settled, counted, seen),
            fees_missing=max(settled.fees_missing - fee_is_new, 0),
        ),
        visible=True,
        transactions=(transaction(order, fact, corrected, Kind.CORRECTION, seen),),
        alarms=(alarm(order, fact, "trade_amended", text),),
        digests={
            key: replace(digest(seen), fee_known=known.fee_known or fee_is_new),
            corrected: _larger(counted, digest(seen)),
            conflict_key(key, was): known,
        },
    )


def _counted(trades: Trades, key: str, known: TradeDigest) -> TradeDigest:
    """What the order's filled quantity has of a trade: the most that was ever kept of it. Under the
    key of each amendment is what counted after it."""
    amendments = amendment_key(key, "")
    counted = known
    for one, after in trades.items():
        if one.startswith(amendments) and after.quantity > known.quantity:
            counted = _larger(counted, after)
    return counted


def _larger(before: TradeDigest, after: TradeDigest) -> TradeDigest:
    return after if after.quantity >= before.quantity else before


def _with_new_figures(order: Order, counted: TradeDigest, new: VenueTrade) -> Order:
    """The filled quantity never falls: less is told by the correction alone."""
    if new.quantity < counted.quantity:
        return order
    more = plus(new.quantity, counted.quantity.copy_negate())
    less = times(counted.quantity, counted.price).copy_negate()
    return replace(
        order,
        traded_quantity=plus(order.traded_quantity, more),
        traded_cost=plus(order.traded_cost, plus(times(new.quantity, new.price), less)),
    )


def trade_amended(order: Order, trades: Trades, fact: f.TradeAmended) -> Change:
    """Appended as a transaction of its own; the filled quantity never falls. The new figures are
    those that the venue tells from now on; without a fee, the fee stays as it was told."""
    amended = fact.amendment
    seen = amended.trade
    of_trade = trade_key(order.account, seen)
    key = amendment_key(of_trade, amended.amendment_id)
    if key in trades:
        return only(order)
    kind = Kind.BUST if amended.busted else Kind.CORRECTION
    text = f"the venue sent a {kind} of trade {seen.trade_id}"
    digests = {key: digest(seen)}
    known = trades.get(of_trade)
    after = order
    if known is not None and not amended.busted:
        counted = _counted(trades, of_trade, known)
        fee_is_new = seen.fee is not None and not known.fee_known
        after = replace(
            _with_new_figures(order, counted, seen),
            fees_missing=max(order.fees_missing - fee_is_new, 0),
        )
        fee_known = known.fee_known or fee_is_new
        digests[key] = _larger(counted, digest(seen))
        digests[of_trade] = replace(digest(seen), fee_known=fee_known)
    return Change(
        order=after,
        visible=True,
        transactions=(transaction(order, fact, key, kind, seen),),
        alarms=(alarm(order, fact, "trade_amended", text),),
        digests=digests,
    )


# ---- absence -----------------------------------------------------------------------------------


def absent(order: Order, _: Trades, fact: f.Absent) -> Change:
    asked_at = fact.evidence.asked_at
    after = order if asked_at <= order.checked_at else replace(order, checked_at=asked_at)
    if order.is_closed or fact.evidence in order.absences:
        return only(after)
    if order.acknowledged_at is None:
        return only(_absent_and_never_acknowledged(after, fact))
    return _absent_after_acknowledgement(after, fact)


def _absent_and_never_acknowledged(order: Order, fact: f.Absent) -> Order:
    if fact.evidence.asked_at <= order.land_by + fact.lag:
        return order  # the request could still have landed, or be landed and not yet visible
    absences = remember(order, fact.evidence)
    order = replace(order, absences=absences)
    if len({absence.asked_at for absence in absences}) < ABSENCES_FOR_VERDICT:
        return order
    text = f"the venue never received it: {len(absences)} authoritative answers say so"
    rejected = OrderStatus.REJECTED
    return close(order, rejected, ClosedBy.VERDICT, fact.at, Code.NOT_RECEIVED, text)


def _absent_after_acknowledgement(order: Order, fact: f.Absent) -> Change:
    last_sign = max(order.acknowledged_at or 0, order.changed_at, order.seen_at)
    if order.doubt or last_sign >= fact.evidence.asked_at - fact.lag:
        return only(order)
    text = "the venue acknowledged it and no longer knows it"
    after = replace(
        order,
        doubt=text,
        vanished_at=fact.evidence.asked_at,
        absences=remember(order, fact.evidence),
    )
    return only(after, alarm(order, fact, "vanished", text))

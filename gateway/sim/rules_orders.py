"""Orders, fills and commands: the venue's record against what the gateway holds."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from gateway.sim.records import (
    CANCELED,
    EXPIRED,
    FILLED,
    OPEN,
    Evidence,
    HeldOrder,
    HeldTransaction,
    Item,
    VenueFill,
    VenueOrder,
    Violation,
)

ZERO = Decimal(0)
CLOSED = {FILLED, CANCELED, EXPIRED, "rejected"}
UNSETTLED = {"pending_new", "in_doubt"}
VenueKey = tuple[str, str, str]


def is_own(client_order_id: str, tag: int) -> bool:
    """Whether an id at the venue is of this gateway: its version digit, then its tag."""
    return len(client_order_id) == 36 and client_order_id[14:18] == f"8{tag:03x}"


def venue_key(order: VenueOrder | VenueFill) -> VenueKey:
    return order.account, order.symbol, order.venue_order_id


def own_orders(evidence: Evidence) -> dict[str, list[VenueOrder]]:
    """The venue's orders by our id."""
    found: dict[str, list[VenueOrder]] = defaultdict(list)
    for order in evidence.venue_orders:
        if is_own(order.client_order_id, evidence.tag):
            found[order.client_order_id].append(order)
    return found


def held_orders(evidence: Evidence) -> dict[str, HeldOrder]:
    return {order.order_id: order for order in evidence.orders}


def held_by_venue(evidence: Evidence) -> dict[VenueKey, HeldOrder]:
    return {
        (order.account, order.symbol, order.venue_order_id): order
        for order in evidence.orders
        if order.venue_order_id is not None
    }


# ---- lost, doubled, made up --------------------------------------------------------------------


def no_order_is_lost(evidence: Evidence) -> Iterator[Violation]:
    """An order by hand that opened and closed unheard, without a fill, can't be known of."""
    held, by_venue = held_orders(evidence), held_by_venue(evidence)
    for order in evidence.venue_orders:
        can_be_known = order.last.status == OPEN or order.last.executed > ZERO
        if is_own(order.client_order_id, evidence.tag):
            if order.client_order_id not in held:
                text = f"the venue has {order.venue_order_id} ({order.last.status}), we don't"
                yield Violation("order lost", order.client_order_id, text)
        elif can_be_known and venue_key(order) not in by_venue:
            text = f"external order {order.venue_order_id} is {order.last}, not held"
            yield Violation("external order lost", order.venue_order_id, text)


def no_order_is_doubled(evidence: Evidence) -> Iterator[Violation]:
    for order_id, found in own_orders(evidence).items():
        if len(found) > 1:
            names = ", ".join(order.venue_order_id for order in found)
            yield Violation("order doubled", order_id, f"the venue has it as {names}")
    sent = Counter(
        request.client_order_id for request in evidence.venue_requests if request.what == "place"
    )
    for order_id, times in sent.items():
        if times > 1 and is_own(order_id, evidence.tag):
            yield Violation("place sent twice", order_id, f"{times} requests arrived")
    ids = Counter(order.order_id for order in evidence.orders)
    for order_id, times in ids.items():
        if times > 1:
            yield Violation("order stored twice", order_id, f"{times} rows")


def no_order_is_made_up(evidence: Evidence) -> Iterator[Violation]:
    asked = {command.order_id for command in evidence.commands if command.what == "place"}
    at_venue = {venue_key(order) for order in evidence.venue_orders}
    for order in evidence.orders:
        key = (order.account, order.symbol, order.venue_order_id or "")
        if order.venue_order_id is not None and key not in at_venue:
            text = f"held as {order.venue_order_id}, which the venue never had"
            yield Violation("order made up", order.order_id, text)
        elif order.venue_order_id is None and order.order_id not in asked:
            yield Violation("order made up", order.order_id, "nobody asked for it")
    for order_id in own_orders(evidence):
        if order_id not in asked:
            yield Violation("order made up", order_id, "it is at the venue, nobody asked for it")


# ---- the end state -----------------------------------------------------------------------------


def final_states_are_the_venues(evidence: Evidence) -> Iterator[Violation]:
    by_venue = held_by_venue(evidence)
    for order in evidence.venue_orders:
        held = by_venue.get(venue_key(order))
        if held is not None:
            yield from _compare(order, held)
    own = own_orders(evidence)
    for held in evidence.orders:
        if held.venue_order_id is None and held.status != "rejected" and held.order_id not in own:
            text = f"it is {held.status}, and the venue never had it"
            yield Violation("wrong final state", held.order_id, text)
        if held.order_id in own and held.venue_order_id is None:
            text = f"it is {held.status} without the venue's id"
            yield Violation("wrong final state", held.order_id, text)


def _compare(order: VenueOrder, held: HeldOrder) -> Iterator[Violation]:
    last = order.last
    status = held.status if held.status in CLOSED | UNSETTLED else OPEN
    partly = "partially_filled" if last.executed else "new"
    if status != last.status or (last.status == OPEN and held.status != partly):
        text = f"held as {held.status}, the venue's is {last.status}, {last.executed} filled"
        yield Violation("wrong final state", held.order_id, text)
    if held.cum_quantity != last.executed:
        text = f"{held.cum_quantity} held as filled, the venue's is {last.executed}"
        yield Violation("wrong filled quantity", held.order_id, text)
    elif last.executed > ZERO and held.avg_price != last.cost / last.executed:
        text = f"average price {held.avg_price}, the venue's is {last.cost / last.executed}"
        yield Violation("wrong average price", held.order_id, text)
    if held.quantity != last.quantity and last.quantity:
        text = f"quantity {held.quantity}, the venue's is {last.quantity}"
        yield Violation("wrong quantity", held.order_id, text)
    if held.side != order.side:
        yield Violation("wrong side", held.order_id, f"{held.side}, the venue's is {order.side}")


def nothing_is_left_open_or_in_doubt(evidence: Evidence) -> Iterator[Violation]:
    """The venue can be asked about everything, and there was time to."""
    for order in evidence.orders:
        if order.status in UNSETTLED:
            text = f"still {order.status}: {order.doubt}"
            yield Violation("not settled", order.order_id, text)
        elif order.pending != "none":
            yield Violation("not settled", order.order_id, f"{order.pending} still pending")
        elif not order.trades_complete:
            yield Violation("not settled", order.order_id, "its trades are not all here")


# ---- fills -------------------------------------------------------------------------------------


class Told(NamedTuple):
    """The transactions of one trade. A correction states its new figures in full."""

    fills: list[HeldTransaction]
    corrections: list[HeldTransaction]
    fees: list[HeldTransaction]


def no_fill_is_lost_doubled_or_altered(evidence: Evidence) -> Iterator[Violation]:
    """A fill that was first told with other figures than the venue's is corrected."""
    told: dict[tuple[str, ...], Told] = defaultdict(lambda: Told([], [], []))
    keys: dict[str, HeldTransaction] = {}
    for item in evidence.items:
        done = item.transaction
        if done is None or keys.get(done.key) == done:
            continue  # the same fact, published again after a journal was lost
        keys[done.key] = done
        of_trade = told[_fill_key(done)]
        if done.kind == "bust":
            yield Violation("fill made up", done.order_id, f"a bust nobody made: {done}")
        elif done.kind == "correction":
            of_trade.corrections.append(done)
        else:
            (of_trade.fills if done.kind == "fill" else of_trade.fees).append(done)
    known: set[tuple[str, ...]] = set()
    for fill in evidence.venue_fills:
        key: tuple[str, ...] = (*venue_key(fill), fill.trade_id)
        known.add(key)
        yield from _compare_fill(fill, told[key])
    for name, extra in told.items():
        if name not in known:
            about = next(one for some in extra for one in some)
            yield Violation("fill made up", about.order_id, f"the venue has no trade {name}")


def _fill_key(done: HeldTransaction) -> tuple[str, ...]:
    return done.account, done.symbol, done.venue_order_id or "", done.trade_id or ""


def _compare_fill(fill: VenueFill, told: Told) -> Iterator[Violation]:
    held = told.fills
    if not held:
        yield Violation("fill lost", fill.venue_order_id, f"{fill}")
        return
    if len(held) > 1:
        yield Violation("fill doubled", held[0].order_id, f"trade {fill.trade_id}: {held}")
    first = held[0]
    if told.corrections and _has_figures_of(first, fill):
        text = f"it was right, and was corrected: {told.corrections}"
        yield Violation("fill altered", first.order_id, text)
    for stands in told.corrections or [first]:
        if not _has_figures_of(stands, fill):
            yield Violation("fill altered", first.order_id, f"{stands}, the venue's is {fill}")
    yield from _compare_fees(fill, told)


def _has_figures_of(held: HeldTransaction, fill: VenueFill) -> bool:
    return (held.price, held.quantity, held.side) == (fill.price, fill.quantity, fill.side)


def _compare_fees(fill: VenueFill, told: Told) -> Iterator[Violation]:
    """A correction that names a fee has said all about it; one that doesn't leaves it alone."""
    restated = [one for one in told.corrections if one.fee is not None]
    charged = restated[-1:] or [one for one in (told.fills[0], *told.fees) if one.fee is not None]
    if [(one.fee, one.fee_currency) for one in charged] != [(fill.fee, fill.fee_currency)]:
        said = [f"{one.fee} {one.fee_currency}" for one in charged]
        text = f"trade {fill.trade_id}: {said}, the venue's is {fill.fee} {fill.fee_currency}"
        yield Violation("wrong fee", told.fills[0].order_id, text)


# ---- never guessed -----------------------------------------------------------------------------


def no_state_is_guessed(evidence: Evidence) -> Iterator[Violation]:
    """What was published was true at the venue by then: its ends, and no more filled than was."""
    own = own_orders(evidence)
    at_venue = {venue_key(order): order for order in evidence.venue_orders}
    for item in evidence.items:
        held = item.order
        if held is None:
            continue
        key = (held.account, held.symbol, held.venue_order_id or "")
        order = at_venue.get(key) or next(iter(own.get(held.order_id, ())), None)
        problem = _guess(item, held, order)
        if problem:
            text = f"published as {held.status} ({item.epoch}/{item.seq}): {problem}"
            yield Violation("state guessed", held.order_id, text)


def _guess(item: Item, held: HeldOrder, order: VenueOrder | None) -> str:
    if held.status == "rejected":
        return "" if order is None else f"the venue accepted it at {order.accepted_at}"
    if held.status in UNSETTLED and not held.cum_quantity:
        return ""
    return "the venue never had it" if order is None else _ahead_of_venue(item, held, order)


def _ahead_of_venue(item: Item, held: HeldOrder, order: VenueOrder) -> str:
    by_then = [
        change
        for change in order.changes
        if item.published_at is None or change.at <= item.published_at
    ]
    if not by_then:
        return "the venue did not have it then"
    if held.cum_quantity > by_then[-1].executed:
        return f"{held.cum_quantity} filled, when the venue had {by_then[-1].executed}"
    if held.status in CLOSED and by_then[-1].status != held.status:
        return f"it was {by_then[-1].status} at the venue"
    return ""


def no_state_falls_back(evidence: Evidence) -> Iterator[Violation]:
    """Over an order's updates the filled quantity never falls, what is closed stays closed, and an
    amended quantity does not come back. Where a listener begins new epochs on an old journal while
    there is no database to ask, nothing can know what was said before them."""
    last: dict[str, tuple[int, HeldOrder]] = {}
    amended = _amended_quantities(evidence)
    for item in sorted(evidence.items, key=lambda one: (one.account, *one.number)):
        held = item.order
        if held is None:
            continue
        epoch, before = last.get(held.order_id, (item.epoch, None))
        last[held.order_id] = item.epoch, held
        if before is not None and not any(epoch < e <= item.epoch for e in evidence.blind_epochs):
            yield from _compare_states(before, held, amended.get(held.order_id, {}))


def _compare_states(
    before: HeldOrder, held: HeldOrder, quantities: Mapping[Decimal, int]
) -> Iterator[Violation]:
    if held.cum_quantity < before.cum_quantity:
        text = f"filled {before.cum_quantity}, then {held.cum_quantity}"
        yield Violation("filled quantity fell", held.order_id, text)
    if before.status in CLOSED and held.status not in CLOSED:
        text = f"{before.status}, then {held.status}"
        yield Violation("closed order re-opened", held.order_id, text)
    if quantities.get(held.quantity, 0) < quantities.get(before.quantity, 0):
        text = f"quantity {before.quantity}, then {held.quantity} again"
        yield Violation("amend undone", held.order_id, text)


def _amended_quantities(evidence: Evidence) -> dict[str, dict[Decimal, int]]:
    """Of each order the place of each quantity among those it had at the venue; an amend there
    only ever makes it smaller."""
    found: dict[str, dict[Decimal, int]] = {}
    for order_id, orders in own_orders(evidence).items():
        quantities = dict.fromkeys(change.quantity for change in orders[0].changes)
        found[order_id] = {quantity: at for at, quantity in enumerate(quantities)}
    return found

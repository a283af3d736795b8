"""What was delivered: streams to clients, transactions to consumers, alarms to people."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from gateway.sim.records import (
    Consumed,
    Evidence,
    Followed,
    Heard,
    HeldOrder,
    Item,
    Violation,
)

CLOSED = {"filled", "canceled", "expired", "rejected"}
HARMLESS = {"halted", "resumed"}
"""Alarms that a person caused. Every other one says that something is wrong: none is right without
a cause."""

Number = tuple[int, int]


def _by_account(evidence: Evidence) -> dict[str, dict[Number, Item]]:
    found: dict[str, dict[Number, Item]] = defaultdict(dict)
    for item in sorted(evidence.items, key=lambda one: one.number):
        found[item.account][item.number] = item
    return found


def numbers_have_no_holes(evidence: Evidence) -> Iterator[Violation]:
    """Dense within an epoch, each number once, and later epochs have larger numbers."""
    for (account, epoch, seq), times in Counter(
        (item.account, item.epoch, item.seq) for item in evidence.items
    ).items():
        if times > 1:
            yield Violation("number reused", account, f"{epoch}/{seq} stands for {times} items")
    for account, items in _by_account(evidence).items():
        for before, after in pairwise(items):
            if before[0] == after[0] and after[1] != before[1] + 1 and not evidence.losses:
                yield Violation("hole in the numbers", account, f"{before} is followed by {after}")
            if before[0] != after[0] and after[1] <= before[1]:
                yield Violation("number reused", account, f"{before} is followed by {after}")


def clients_heard_what_is_stored(evidence: Evidence) -> Iterator[Violation]:
    stored = _by_account(evidence)
    for followed in evidence.followed:
        yield from _check_entries(evidence, followed, stored[followed.account])


def _check_entries(
    evidence: Evidence, followed: Followed, stored: dict[Number, Item]
) -> Iterator[Violation]:
    about = f"{followed.client_id} {followed.account}"
    at: Number | None = None
    for entry in followed.entries:
        number = (entry.epoch, entry.seq)
        if entry.item is not None:
            if at is None or number != (at[0], at[1] + 1):
                yield Violation("hole in a client's stream", about, f"{at} is followed by {number}")
            yield from _check_item(evidence, about, entry.item, stored)
        elif at is not None and number < at:
            yield Violation("a client's stream ran back", about, f"{at}, then snapshot {number}")
        at = number
    last = max(stored, default=None)
    if followed.live and last is not None and (at is None or at < last):
        yield Violation("end of a stream not heard", about, f"it ends at {at}, stored is {last}")


def _check_item(
    evidence: Evidence, about: str, item: Item, stored: dict[Number, Item]
) -> Iterator[Violation]:
    there = stored.get(item.number)
    if there is None:
        if not evidence.losses:
            yield Violation("heard, not stored", about, f"{item.number}: {item}")
    elif (there.order, there.transaction) != (item.order, item.transaction):
        yield Violation("number reused", about, f"{item.number} was heard as {item}, is {there}")


def snapshots_are_true(evidence: Evidence) -> Iterator[Violation]:
    """A snapshot has the open orders as of its number, no more and no less."""
    stored = _by_account(evidence)
    for followed in evidence.followed:
        if evidence.losses:
            continue
        items = stored[followed.account]
        for entry in followed.entries:
            if entry.snapshot is not None:
                yield from _check_snapshot(followed, entry, items)


def _check_snapshot(
    followed: Followed, entry: Heard, items: dict[Number, Item]
) -> Iterator[Violation]:
    orders: dict[str, HeldOrder] = {}
    for number, item in items.items():
        if number > (entry.epoch, entry.seq):
            break
        if item.order is not None:
            orders[item.order.order_id] = item.order
    expected = {o.order_id: o.status for o in orders.values() if o.status not in CLOSED}
    told = {oid: status for oid, status in entry.snapshot or () if status not in CLOSED}
    if expected != told:
        differing = sorted(set(expected.items()) ^ set(told.items()))
        text = f"as of {entry.epoch}/{entry.seq} it differs in {differing}"
        yield Violation("snapshot untrue", f"{followed.client_id} {followed.account}", text)


def clients_know_the_end(evidence: Evidence) -> Iterator[Violation]:
    """Whoever placed an order knows at the end what became of it, and knows it right."""
    held = {order.order_id: order for order in evidence.orders}
    at_venue = {order.client_order_id for order in evidence.venue_orders}
    for belief in evidence.beliefs:
        order = held.get(belief.order_id)
        if belief.never_received and (order is not None or belief.order_id in at_venue):
            text = "its client was told that it was never received"
            yield Violation("wrong fate", belief.order_id, text)
        elif order is not None and belief.status is None:
            text = f"it is {order.status}, and {belief.client_id} does not know of it"
            yield Violation("fate not told", belief.order_id, text)
        elif order is not None and (belief.status, belief.cum_quantity) != (
            order.status,
            order.cum_quantity,
        ):
            text = f"{belief.client_id} has it as {belief.status}, it is {order.status}"
            yield Violation("wrong fate", belief.order_id, text)
        elif order is None and not (belief.never_received or belief.refused_as or evidence.losses):
            text = f"{belief.client_id} was never told what became of it"
            yield Violation("fate not told", belief.order_id, text)


def consumers_get_each_transaction(evidence: Evidence) -> Iterator[Violation]:
    """Each at least once, in order; nothing comes again that was acknowledged."""
    firsts: dict[str, dict[str, Item]] = defaultdict(dict)
    for item in sorted(evidence.items, key=lambda one: (one.seq, one.epoch)):
        if item.transaction is not None:
            firsts[item.account].setdefault(item.transaction.key, item)
    for consumed in evidence.consumed:
        wanted = list(firsts[consumed.account].values())
        check = _check_all_came if evidence.losses else _check_consumed
        yield from check(consumed, wanted)


def _check_all_came(consumed: Consumed, wanted: list[Item]) -> Iterator[Violation]:
    """What a lost journal had given out under other numbers can't be compared number by number."""
    got = {delivery.key for delivery in consumed.deliveries if delivery.what == "delivered"}
    missing = [one for one in wanted if one.transaction and one.transaction.key not in got]
    if missing:
        about = f"{consumed.consumer} {consumed.account}"
        yield Violation("transaction not delivered", about, f"{missing}")


def _check_consumed(consumed: Consumed, wanted: list[Item]) -> Iterator[Violation]:
    about = f"{consumed.consumer} {consumed.account}"
    place = {item.seq: at for at, item in enumerate(wanted)}
    keys = {item.seq: item.transaction.key for item in wanted if item.transaction is not None}
    got: set[int] = set()
    acknowledged = asked = 0
    next_at: int | None = None
    for delivery in consumed.deliveries:
        seq = delivery.seq
        if delivery.what == "restarted":
            next_at = None
        elif delivery.what == "asked":
            asked = max(asked, seq)
        elif delivery.what == "acknowledged":
            acknowledged = max(acknowledged, seq)
        elif keys.get(seq) != delivery.key:
            yield Violation("transaction not stored", about, f"{delivery} was delivered")
        else:
            yield from _check_order(about, seq, place, next_at, acknowledged, asked)
            got.add(seq)
            next_at = place[seq] + 1
    missing = [seq for seq in place if seq not in got]
    if missing:
        yield Violation("transaction not delivered", about, f"seq {missing}")


def _check_order(
    about: str,
    seq: int,
    place: dict[int, int],
    next_at: int | None,
    acknowledged: int,
    asked: int,
) -> Iterator[Violation]:
    at = place[seq]
    if seq <= acknowledged:
        text = f"{seq} came after {acknowledged} was acknowledged"
        yield Violation("acknowledged transaction again", about, text)
    if next_at is not None:
        if at != next_at:
            yield Violation("transactions out of order", about, f"{seq} came at the wrong place")
        return
    skipped = [one for one, its in place.items() if its < at and one > max(acknowledged, asked)]
    if skipped:
        yield Violation("transactions out of order", about, f"{skipped} are skipped before {seq}")


def alarms_have_a_cause(evidence: Evidence) -> Iterator[Violation]:
    for alarm in evidence.alarms:
        if alarm.kind not in HARMLESS | evidence.excused_alarms:
            yield Violation("alarm without cause", alarm.order_id, f"{alarm.kind}: {alarm.text}")


def nothing_was_rejected_by_the_store(evidence: Evidence) -> Iterator[Violation]:
    for row in evidence.rejected_rows:
        yield Violation("row rejected by the store", "store", row)


def nothing_fell_or_overflowed(evidence: Evidence) -> Iterator[Violation]:
    for fall in evidence.falls:
        yield Violation("process fell", "process", fall)
    for bound in evidence.bounds:
        if bound.size > bound.limit:
            text = f"{bound.size}, at most {bound.limit} are allowed"
            yield Violation("bound exceeded", bound.name, text)

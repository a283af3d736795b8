"""The checker says so when one record of any kind is lost, doubled or altered."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.sim.checker import judge
from gateway.sim.records import (
    OPEN,
    Alarm,
    Bound,
    Command,
    Delivery,
    Evidence,
    HeldTransaction,
    Refusal,
    VenueRequest,
)
from gateway.sim.world import Options, World

Change = Callable[[Evidence], Evidence]


@cache
def evidence() -> Evidence:
    """Of a world in which messages are lost and processes killed, and all is well at the end."""
    return World(3, Options(orders=60, faults="basic")).run()


def rules(changed: Evidence) -> set[str]:
    return {violation.rule for violation in judge(changed)}


def test_nothing_is_found_where_all_is_well() -> None:
    assert judge(evidence()) == []


# ---- which records to change -------------------------------------------------------------------


def first(rows: tuple[Any, ...], wanted: Callable[[Any], bool] = lambda _: True) -> Any:
    return next(row for row in rows if wanted(row))


def without(rows: tuple[Any, ...], row: Any) -> tuple[Any, ...]:
    return tuple(one for one in rows if one is not row)


def instead(rows: tuple[Any, ...], row: Any, **changes: Any) -> tuple[Any, ...]:
    return tuple(replace(one, **changes) if one is row else one for one in rows)


def is_own(order: Any) -> bool:
    return bool(order.client_order_id[14:18] == "85a5")


def is_closed(order: Any) -> bool:
    return bool(order.status in ("filled", "canceled", "expired"))


def is_fill(item: Any) -> bool:
    return item.transaction is not None and item.transaction.kind == "fill"


def shows(status: str) -> Callable[[Any], bool]:
    return lambda item: item.order is not None and item.order.status == status


def deliveries(e: Evidence, change: Callable[[list[Delivery]], list[Delivery]]) -> Evidence:
    consumed = first(e.consumed, lambda one: len(one.deliveries) > 10)
    changed = tuple(change(list(consumed.deliveries)))
    return replace(e, consumed=instead(e.consumed, consumed, deliveries=changed))


def entries(e: Evidence, change: Callable[[list[Any]], list[Any]]) -> Evidence:
    followed = first(e.followed, lambda one: one.live and len(one.entries) > 10)
    changed = tuple(change(list(followed.entries)))
    return replace(e, followed=instead(e.followed, followed, entries=changed))


# ---- orders ------------------------------------------------------------------------------------


def lose_an_order(e: Evidence) -> Evidence:
    return replace(e, orders=without(e.orders, first(e.orders, is_closed)))


def lose_an_external_order(e: Evidence) -> Evidence:
    order = first(e.orders, lambda one: one.origin == "external" and one.cum_quantity)
    return replace(e, orders=without(e.orders, order))


def double_an_order_at_the_venue(e: Evidence) -> Evidence:
    order = replace(first(e.venue_orders, is_own), venue_order_id="999999")
    return replace(e, venue_orders=(*e.venue_orders, order))


def double_a_place_request(e: Evidence) -> Evidence:
    request = first(e.venue_requests, lambda one: one.what == "place")
    return replace(e, venue_requests=(*e.venue_requests, request))


def double_a_stored_order(e: Evidence) -> Evidence:
    return replace(e, orders=(*e.orders, e.orders[0]))


def make_an_order_up(e: Evidence) -> Evidence:
    order = replace(e.orders[0], order_id="018bcfe5-0000-85a5-8000-000000000000")
    return replace(e, orders=(*e.orders, replace(order, venue_order_id=None)))


def forget_who_asked_for_an_order(e: Evidence) -> Evidence:
    order = first(e.venue_orders, is_own)
    kept = tuple(c for c in e.commands if c.order_id != order.client_order_id)
    return replace(e, commands=kept)


def alter_what_was_asked(field: str, value: Any) -> Change:
    def change(e: Evidence) -> Evidence:
        order = first(e.venue_orders, lambda one: is_own(one) and one.price is not None)
        kept = tuple(
            replace(c, **{field: value})
            if c.what == "place" and c.order_id == order.client_order_id
            else c
            for c in e.commands
        )
        return replace(e, commands=kept)

    return change


def alter_a_stored_order(wanted: Callable[[Any], bool], **changes: Any) -> Change:
    def change(e: Evidence) -> Evidence:
        return replace(e, orders=instead(e.orders, first(e.orders, wanted), **changes))

    return change


def has_status(status: str) -> Callable[[Any], bool]:
    return lambda order: order.status == status and order.origin == "own"


ORDERS: list[tuple[Change, str]] = [
    (lose_an_order, "order lost"),
    (lose_an_external_order, "external order lost"),
    (double_an_order_at_the_venue, "order doubled"),
    (double_a_place_request, "place sent twice"),
    (double_a_stored_order, "order stored twice"),
    (make_an_order_up, "order made up"),
    (forget_who_asked_for_an_order, "order made up"),
    (alter_what_was_asked("quantity", "7"), "order altered"),
    (alter_what_was_asked("price", "1.5"), "order altered"),
    (alter_what_was_asked("side", "none"), "order altered"),
    (alter_what_was_asked("account", "other"), "order altered"),
    (alter_what_was_asked("client_id", "other"), "order altered"),
    (alter_a_stored_order(has_status("canceled"), status="filled"), "wrong final state"),
    (alter_a_stored_order(has_status("filled"), status="canceled"), "wrong final state"),
    (alter_a_stored_order(has_status("filled"), status="partially_filled"), "wrong final state"),
    (alter_a_stored_order(has_status("expired"), status="canceled"), "wrong final state"),
    (alter_a_stored_order(has_status("filled"), venue_order_id="999999"), "order made up"),
    (alter_a_stored_order(has_status("filled"), cum_quantity=Decimal(1)), "wrong filled quantity"),
    (alter_a_stored_order(has_status("filled"), avg_price=Decimal(1)), "wrong average price"),
    (alter_a_stored_order(has_status("canceled"), quantity=Decimal(77)), "wrong quantity"),
    (alter_a_stored_order(has_status("canceled"), side="none"), "wrong side"),
    (alter_a_stored_order(has_status("new"), pending="cancel"), "not settled"),
    (alter_a_stored_order(has_status("new"), status="in_doubt"), "not settled"),
    (alter_a_stored_order(has_status("filled"), trades_complete=False), "not settled"),
]

# ---- fills, states, commands -------------------------------------------------------------------


def lose_a_fill(e: Evidence) -> Evidence:
    return replace(e, items=without(e.items, first(e.items, is_fill)))


def double_a_fill(e: Evidence) -> Evidence:
    item = first(e.items, is_fill)
    again = replace(item.transaction, key=item.transaction.key + "x")
    last = max(one.seq for one in e.items if one.account == item.account)
    return replace(e, items=(*e.items, replace(item, seq=last + 1, transaction=again)))


def lose_a_fill_at_the_venue(e: Evidence) -> Evidence:
    return replace(e, venue_fills=e.venue_fills[1:])


def alter_a_fill(**changes: Any) -> Change:
    def change(e: Evidence) -> Evidence:
        item = first(e.items, is_fill)
        transaction: HeldTransaction = replace(item.transaction, **changes)
        return replace(e, items=instead(e.items, item, transaction=transaction))

    return change


def correct_a_fill(**changes: Any) -> Change:
    """Beside the fill, with what it said or with other figures."""

    def change(e: Evidence) -> Evidence:
        item = first(e.items, is_fill)
        done = replace(item.transaction, key=item.transaction.key + "x", kind="correction")
        last = max(one.seq for one in e.items if one.account == item.account)
        told = replace(item, seq=last + 1, transaction=replace(done, **changes))
        return replace(e, items=(*e.items, told))

    return change


def publish(was: str, **changes: Any) -> Change:
    """Something else in the first update that said so."""

    def change(e: Evidence) -> Evidence:
        item = first(e.items, lambda one: shows(was)(one) and one.order.origin == "own")
        order = replace(item.order, **changes)
        return replace(e, items=instead(e.items, item, order=order))

    return change


def publish_an_end_too_early(e: Evidence) -> Evidence:
    item = first(e.items, shows("canceled"))
    return replace(e, items=instead(e.items, item, published_at=item.published_at - 10**12))


def reopen_an_order(e: Evidence) -> Evidence:
    item = first(e.items, shows("canceled"))
    last = max(one.seq for one in e.items if one.account == item.account)
    order = replace(item.order, status="new", cum_quantity=Decimal(0))
    return replace(e, items=(*e.items, replace(item, seq=last + 1, order=order)))


def fill_less_than_before(e: Evidence) -> Evidence:
    item = first(e.items, shows("filled"))
    last = max(one.seq for one in e.items if one.account == item.account)
    order = replace(item.order, cum_quantity=Decimal(0))
    return replace(e, items=(*e.items, replace(item, seq=last + 1, order=order)))


def land_late(e: Evidence) -> Evidence:
    order = first(e.venue_orders, is_own)
    late = order.accepted_at + 60 * 10**9
    return replace(e, venue_orders=instead(e.venue_orders, order, accepted_at=late))


def refuse_what_was_sent(e: Evidence) -> Evidence:
    sent = {request.client_order_id for request in e.venue_requests}
    place = first(e.commands, lambda one: one.what == "place" and one.order_id in sent)
    refusals = [
        Refusal(c.client_id, c.command_id, c.order_id, "expired")
        for c in e.commands
        if c.what == "place" and c.order_id == place.order_id
    ]
    return replace(e, refusals=(*e.refusals, *refusals))


def place_while_halted(account: str | None = None, **place: Any) -> Change:
    """One place that was sent and reached the venue while a halt was in force: of its account, of
    all, or of another one."""

    def change(e: Evidence) -> Evidence:
        at_venue = {one.client_order_id: one.at for one in e.venue_requests if one.what == "place"}
        asked = first(e.commands, lambda one: one.what == "place" and one.order_id in at_venue)
        halted = asked.account if account is None else account
        halt = Command("halt", 0, "operator", "h", "", halted, answered_at=asked.at - 1)
        resume = Command("resume", at_venue[asked.order_id] + 1, "operator", "r", "", "")
        return replace(e, commands=(*instead(e.commands, asked, **place), halt, resume))

    return change


def make_a_cancel_up(e: Evidence) -> Evidence:
    asked = {command.order_id for command in e.commands if command.what == "cancel"}
    order = first(e.venue_orders, lambda one: is_own(one) and one.client_order_id not in asked)
    request = VenueRequest(
        at=0,
        account=order.account,
        symbol=order.symbol,
        what="cancel",
        client_order_id=order.client_order_id,
        venue_order_id="",
    )
    kept = tuple(command for command in e.commands if command.what != "cancel_all")
    return replace(e, commands=kept, venue_requests=(*e.venue_requests, request))


def leave_a_canceled_order_open(e: Evidence) -> Evidence:
    asked = {command.order_id for command in e.commands if command.what == "cancel"}
    order = first(e.venue_orders, lambda one: one.client_order_id in asked)
    changes = (*order.changes, replace(order.last, status=OPEN))
    return replace(e, venue_orders=instead(e.venue_orders, order, changes=changes))


def answer_a_cancel_all_without_an_order(e: Evidence) -> Evidence:
    accepted = {order.client_order_id: order.accepted_at for order in e.venue_orders}
    held = {(order.order_id, order.client_id) for order in e.orders}
    place = first(
        e.commands,
        lambda one: (
            one.what == "place"
            and (one.order_id, one.client_id) in held
            and accepted.get(one.order_id, one.at + 10**9) < one.at + 10**8
        ),
    )
    told = {"order_id": "", "named": (), "sent_at": 2**62, "answered_at": place.at}
    return replace(e, commands=(*e.commands, replace(place, what="cancel_all", **told)))


def name_an_order_that_is_never_canceled(e: Evidence) -> Evidence:
    """In the answer to a cancel-all."""
    asked = {request.client_order_id for request in e.venue_requests if request.what == "cancel"}
    named = {request.venue_order_id for request in e.venue_requests if request.what == "cancel"}
    order = first(
        e.venue_orders,
        lambda one: (
            is_own(one) and one.client_order_id not in asked and one.venue_order_id not in named
        ),
    )
    place = first(e.commands, lambda one: one.order_id == order.client_order_id)
    told = {"order_id": "", "named": (order.client_order_id,), "answered_at": 0, "sent_at": 0}
    changes = (*order.changes, replace(order.last, status=OPEN))
    return replace(
        e,
        commands=(*e.commands, replace(place, what="cancel_all", **told)),
        venue_orders=instead(e.venue_orders, order, changes=changes),
    )


def repeat_a_cancel_for_ever(e: Evidence) -> Evidence:
    request = first(e.venue_requests, lambda one: one.what == "cancel")
    return replace(e, venue_requests=(*e.venue_requests, *([request] * 200)))


FACTS: list[tuple[Change, str]] = [
    (lose_a_fill, "fill lost"),
    (double_a_fill, "fill doubled"),
    (lose_a_fill_at_the_venue, "fill made up"),
    (alter_a_fill(price=Decimal(1)), "fill altered"),
    (alter_a_fill(quantity=Decimal(1)), "fill altered"),
    (alter_a_fill(side="none"), "fill altered"),
    (alter_a_fill(trade_id="x"), "fill lost"),
    (alter_a_fill(fee=Decimal(1)), "wrong fee"),
    (alter_a_fill(fee=None), "wrong fee"),
    (alter_a_fill(fee_currency="XYZ"), "wrong fee"),
    (alter_a_fill(kind="bust"), "fill made up"),
    (correct_a_fill(), "fill altered"),
    (correct_a_fill(price=Decimal(1)), "fill altered"),
    (correct_a_fill(trade_id="x"), "fill made up"),
    (publish("new", status="canceled"), "state guessed"),
    (publish("new", status="filled"), "state guessed"),
    (publish("new", status="rejected"), "state guessed"),
    (publish("new", cum_quantity=Decimal(10**6)), "state guessed"),
    (publish_an_end_too_early, "state guessed"),
    (reopen_an_order, "closed order re-opened"),
    (fill_less_than_before, "filled quantity fell"),
    (land_late, "place landed late"),
    (refuse_what_was_sent, "refused, yet sent"),
    (place_while_halted(), "placed while halted"),
    (place_while_halted(""), "placed while halted"),
    (make_a_cancel_up, "cancel made up"),
    (leave_a_canceled_order_open, "cancel without effect"),
    (answer_a_cancel_all_without_an_order, "left by cancel-all"),
    (name_an_order_that_is_never_canceled, "cancel-all without effect"),
    (repeat_a_cancel_for_ever, "repeated without end"),
]

# ---- delivery ----------------------------------------------------------------------------------


def lose_an_item(e: Evidence) -> Evidence:
    return replace(e, items=without(e.items, e.items[len(e.items) // 3]))


def double_an_item(e: Evidence) -> Evidence:
    return replace(e, items=(*e.items, e.items[len(e.items) // 3]))


def swap_two_items_heard(heard: list[Any]) -> list[Any]:
    heard[4], heard[5] = heard[5], heard[4]
    return heard


def alter_an_item_heard(heard: list[Any]) -> list[Any]:
    at = next(n for n, one in enumerate(heard) if one.item is not None)
    item = replace(heard[at].item, order=None, transaction=None)
    heard[at] = replace(heard[at], item=item)
    return heard


def alter_a_snapshot(heard: list[Any]) -> list[Any]:
    at = next(n for n, one in enumerate(heard) if one.snapshot is not None)
    heard[at] = replace(heard[at], snapshot=(*heard[at].snapshot, ("nobody's", "new")))
    return heard


def go_back_to_an_old_snapshot(heard: list[Any]) -> list[Any]:
    return [*heard, next(one for one in heard if one.snapshot is not None)]


def alter_a_belief(**changes: Any) -> Change:
    def change(e: Evidence) -> Evidence:
        belief = first(e.beliefs, lambda one: one.status == "filled")
        return replace(e, beliefs=instead(e.beliefs, belief, **changes))

    return change


def a_delivery(what: list[Delivery], at: int = 3) -> int:
    places = [n for n, one in enumerate(what) if one.what == "delivered"]
    return places[at]


def lose_a_delivery(what: list[Delivery]) -> list[Delivery]:
    del what[a_delivery(what)]
    return what


def alter_a_delivery(what: list[Delivery]) -> list[Delivery]:
    at = a_delivery(what)
    what[at] = replace(what[at], key="another")
    return what


def swap_two_deliveries(what: list[Delivery]) -> list[Delivery]:
    one, other = a_delivery(what, 0), a_delivery(what, 1)
    what[one], what[other] = what[other], what[one]
    return what


def deliver_what_was_acknowledged(what: list[Delivery]) -> list[Delivery]:
    given = what[a_delivery(what, 0)]
    return [*what, Delivery("acknowledged", given.seq), Delivery("restarted"), given]


DELIVERY: list[tuple[Change, str]] = [
    (lose_an_item, "hole in the numbers"),
    (lose_an_item, "heard, not stored"),
    (double_an_item, "number reused"),
    (lambda e: entries(e, lambda heard: heard[:5] + heard[6:]), "hole in a client's stream"),
    (lambda e: entries(e, lambda heard: heard[:6] + heard[5:]), "hole in a client's stream"),
    (lambda e: entries(e, swap_two_items_heard), "hole in a client's stream"),
    (lambda e: entries(e, alter_an_item_heard), "number reused"),
    (lambda e: entries(e, alter_a_snapshot), "snapshot untrue"),
    (lambda e: entries(e, go_back_to_an_old_snapshot), "a client's stream ran back"),
    (lambda e: entries(e, lambda heard: heard[:-1]), "end of a stream not heard"),
    (alter_a_belief(status="new"), "wrong fate"),
    (alter_a_belief(cum_quantity=Decimal(0)), "wrong fate"),
    (alter_a_belief(never_received=True), "wrong fate"),
    (alter_a_belief(status=None), "fate not told"),
    (alter_a_belief(status=None, order_id="nobody's"), "fate not told"),
    (lambda e: deliveries(e, lose_a_delivery), "transaction not delivered"),
    (lambda e: deliveries(e, lose_a_delivery), "transactions out of order"),
    (lambda e: deliveries(e, alter_a_delivery), "transaction not stored"),
    (lambda e: deliveries(e, swap_two_deliveries), "transactions out of order"),
    (lambda e: deliveries(e, deliver_what_was_acknowledged), "acknowledged transaction again"),
    (lambda e: replace(e, alarms=(Alarm("overfill", "main", "x", ""),)), "alarm without cause"),
    (lambda e: replace(e, rejected_rows=("x",)), "row rejected by the store"),
    (lambda e: replace(e, falls=("x",)), "process fell"),
    (lambda e: replace(e, bounds=(Bound("queue", 11, 10),)), "bound exceeded"),
]


@pytest.mark.parametrize(("change", "rule"), [*ORDERS, *FACTS, *DELIVERY])
def test_one_changed_record_is_noticed(change: Change, rule: str) -> None:
    assert rule in rules(change(evidence()))


def test_what_the_faults_explain_is_no_violation() -> None:
    alarmed = replace(evidence(), alarms=(Alarm("trade_conflict", "main", "x", ""),))
    excused = replace(alarmed, excused_alarms=frozenset({"trade_conflict"}))
    assert "alarm without cause" in rules(alarmed)
    assert "alarm without cause" not in rules(excused)


def test_what_was_placed_before_a_halt_or_after_the_resume_or_elsewhere_is_no_violation() -> None:
    for change in (place_while_halted("other"), place_while_halted(at=0)):
        assert "placed while halted" not in rules(change(evidence()))
    e = place_while_halted()(evidence())
    soon = instead(e.commands, e.commands[-1], at=e.commands[-2].answered_at + 1)
    assert "placed while halted" not in rules(replace(e, commands=soon))


def test_what_no_listener_can_know_is_excused_at_the_start_of_its_epochs_only() -> None:
    e = evidence()
    *before, reopened = reopen_an_order(e).items
    blind = replace(reopened, epoch=reopened.epoch + 1)
    crossing = replace(e, items=(*before, blind), blind_epochs=frozenset({blind.epoch}))
    assert "closed order re-opened" in rules(replace(crossing, blind_epochs=frozenset()))
    assert "closed order re-opened" not in rules(crossing)

    closed = replace(blind, seq=blind.seq + 1, order=replace(blind.order, status="canceled"))
    again = replace(blind, seq=blind.seq + 2)
    within = replace(crossing, items=(*crossing.items, closed, again))
    assert "closed order re-opened" in rules(within)

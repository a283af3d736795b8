"""Bugs in what facts make of an order."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from gateway.actioner.checking import Checking
from gateway.domain import change, life, merge_sightings, money
from gateway.domain import facts as f
from gateway.domain import venue as v
from gateway.domain.enums import ClosedBy, OrderStatus
from gateway.domain.errors import Code
from gateway.executor.places import Places
from gateway.listener.checks import Checks
from gateway.sim.planted.patches import Patches


def _merge(kind: type[f.Fact]) -> Any:
    return life._MERGES[kind]


# ---- fills ---------------------------------------------------------------------------------------


def no_dedupe_by_trade_key(patches: Patches) -> None:
    honest = _merge(f.Trade)
    patches.item(life._MERGES, f.Trade, lambda order, _trades, fact: honest(order, {}, fact))


def fill_counted_again_from_another_source(patches: Patches) -> None:
    honest = _merge(f.Trade)

    def trade(order: Any, trades: Any, fact: f.Trade) -> Any:
        told = replace(fact, trade=replace(fact.trade, leg=str(fact.source)))
        return honest(order, trades, told)

    patches.item(life._MERGES, f.Trade, trade)


def fills_after_the_end_ignored(patches: Patches) -> None:
    honest = _merge(f.Trade)

    def trade(order: Any, trades: Any, fact: f.Trade) -> Any:
        if order.closed_as in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
            return change.only(order)
        return honest(order, trades, fact)

    patches.item(life._MERGES, f.Trade, trade)


def late_fee_ignored(patches: Patches) -> None:
    honest = merge_sightings._known_trade

    def known_trade(order: Any, trades: Any, fact: f.Trade, key: str, known: Any) -> Any:
        return honest(order, trades, fact, key, replace(known, fee_known=True))

    patches.set(merge_sightings, "_known_trade", known_trade)


def money_through_a_float(patches: Patches) -> None:
    honest = money.times
    patches.set(
        merge_sightings, "times", lambda one, other: Decimal(float(honest(one, other)) * 1.0000001)
    )


# ---- states --------------------------------------------------------------------------------------


def not_found_is_final_at_once(patches: Patches) -> None:
    def absent(order: Any, fact: f.Absent) -> Any:
        by, code = ClosedBy.VERDICT, Code.NOT_RECEIVED
        return change.close(order, OrderStatus.REJECTED, by, fact.at, code, "not there")

    patches.set(merge_sightings, "_absent_and_never_acknowledged", absent)
    patches.set(Checks, "_counts", lambda *_: True)


def failed_query_is_evidence(patches: Patches) -> None:
    honest = Checking._report_order

    def report(self: Any, question: Any, report_id: str, asked_at: int, answer: Any) -> None:
        if isinstance(answer, v.QueryFailed):
            answer = v.OrderNotFound(searched=("by_id",))
        honest(self, question, report_id, asked_at, answer)

    patches.set(Checking, "_report_order", report)
    patches.set(merge_sightings, "ABSENCES_FOR_VERDICT", 1)


def time_out_is_a_rejection(patches: Patches) -> None:
    honest = Places.on_answer

    def on_answer(self: Any, order_id: Any, account: Any, sent_at: int, said: Any) -> None:
        if isinstance(said, v.OutcomeUnknown):
            said = v.Refused(code=Code.VENUE_REFUSED, text=said.text)
        honest(self, order_id, account, sent_at, said)

    patches.set(Places, "on_answer", on_answer)


def time_out_is_not_sent(patches: Patches) -> None:
    honest = Places.on_answer

    def on_answer(self: Any, order_id: Any, account: Any, sent_at: int, said: Any) -> None:
        if isinstance(said, v.OutcomeUnknown):
            said = v.NotSent(code=Code.VENUE_UNREACHABLE, text=said.text)
        honest(self, order_id, account, sent_at, said)

    patches.set(Places, "on_answer", on_answer)


def cancel_made_up(patches: Patches) -> None:
    """An order whose cancel was taken is called canceled without the venue's word."""

    def accepted(order: Any, _trades: Any, fact: f.CancelAccepted) -> Any:
        by = ClosedBy.VENUE
        return change.only(change.close(order, OrderStatus.CANCELED, by, fact.at, None, ""))

    patches.item(life._MERGES, f.CancelUnknown, accepted)
    moves = dict.fromkeys(OrderStatus, tuple(OrderStatus))
    patches.item(life.MOVES, f.CancelUnknown, moves)


def not_found_cancel_means_canceled(patches: Patches) -> None:
    """The venue's "unknown order" to a cancel: it may as well be filled."""

    def refused(order: Any, _trades: Any, fact: f.CancelRefused) -> Any:
        by = ClosedBy.VENUE
        return change.only(change.close(order, OrderStatus.CANCELED, by, fact.at, None, ""))

    patches.item(life._MERGES, f.CancelRefused, refused)
    moves = dict.fromkeys(OrderStatus, tuple(OrderStatus))
    patches.item(life.MOVES, f.CancelRefused, moves)


def closed_order_reopened_by_an_old_picture(patches: Patches) -> None:
    honest = _merge(f.Snapshot)

    def snapshot(order: Any, trades: Any, fact: f.Snapshot) -> Any:
        if order.is_closed and not fact.order.status.is_closed:
            order = change.reopen(order)
        return honest(order, trades, fact)

    patches.item(life._MERGES, f.Snapshot, snapshot)


def amend_undone_by_an_old_picture(patches: Patches) -> None:
    def take(order: Any, fact: f.Snapshot) -> Any:
        quantity = fact.order.quantity
        return replace(order, quantity=quantity) if quantity else order

    patches.set(merge_sightings, "_take_figures", take)


def filled_quantity_may_fall(patches: Patches) -> None:
    def take(order: Any, seen: v.VenueOrder) -> Any:
        if seen.cum_quantity is None:
            return order
        return replace(order, reported_quantity=seen.cum_quantity, reported_cost=seen.cum_cost)

    patches.set(merge_sightings, "_take_progress", take)

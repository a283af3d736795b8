"""Bugs planted on purpose: each must be found by the checker, which knows none of them.

A bug is a wrong turn that a real gateway took or could take, put into the real components for the
length of a run. `python -m gateway.sim --planted` looks for a seed that shows each of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from gateway.actioner import cancel_all
from gateway.actioner.checking import Checking
from gateway.actioner.streams import Streams
from gateway.client.follower import StreamFollower
from gateway.domain import change, life, merge_sightings, money
from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain import records as r
from gateway.domain import venue as v
from gateway.domain.enums import ClosedBy, OrderStatus
from gateway.domain.errors import Code, GatewayError
from gateway.domain.identity import AccountId
from gateway.executor.cancels import Cancels
from gateway.executor.memory import IdMemory
from gateway.executor.orders import PlacedOrder
from gateway.executor.outbox import Outbox
from gateway.executor.places import Places
from gateway.listener.announcer import Announcer
from gateway.listener.checks import Checks
from gateway.listener.ledger import Ledger
from gateway.listener.outboxes import OutboxIntake
from gateway.manager.sweep_watch import SweepWatch
from gateway.writer import Writer

SECOND = 1_000_000_000


class Patches:
    """What was put in the place of something, to be put back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    @property
    def count(self) -> int:
        return len(self._undo)

    def set(self, owner: Any, name: str, value: Any) -> None:
        before = getattr(owner, name)
        self._undo.append(lambda: setattr(owner, name, before))
        setattr(owner, name, value)

    def item(self, table: Any, key: Any, value: Any) -> None:
        before = table[key]
        self._undo.append(lambda: table.__setitem__(key, before))
        table[key] = value

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()


Bug = Callable[[Patches], None]


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    patches = Patches()
    try:
        bug(patches)
        yield
    finally:
        patches.undo()


def _merge(kind: type[f.Fact]) -> Any:
    return life._MERGES[kind]


# ---- fills -------------------------------------------------------------------------------------


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


# ---- states ------------------------------------------------------------------------------------


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


# ---- placing -----------------------------------------------------------------------------------


def intent_recorded_after_the_send(patches: Patches) -> None:
    append, send = Outbox.append, Places._send

    def skip(self: Any, event: Any, *, urgent: bool = False) -> None:
        if not isinstance(event, m.PlaceIntended):
            append(self, event, urgent=urgent)

    def send_first(self: Any, venue: Any, intent: Any, content: int) -> None:
        send(self, venue, intent, content)
        append(self._state.outbox, intent)
        self._state.outbox.tell()

    patches.set(Outbox, "append", skip)
    patches.set(Places, "_send", send_first)


def ids_forgotten_at_a_restart(patches: Patches) -> None:
    def apply_intent(self: Any, intent: m.PlaceIntended) -> None:
        self._state.orders.add(PlacedOrder(intent=intent))

    patches.set(Places, "apply_intent", apply_intent)
    patches.set(IdMemory, "load", lambda self, _buckets, floor: self.raise_floor(floor))


def unanswered_places_sent_again_at_a_restart(patches: Patches) -> None:
    honest = Places.give_up

    def give_up(self: Any, order: Any, why: str) -> None:
        asked = order.intent.order
        venue = self._state.venue(asked.account)
        venue.start(v.PlaceOrder(order=replace(asked, expires_at=0)), lambda _answer: None)
        honest(self, order, why)

    patches.set(Places, "give_up", give_up)


def repeated_place_sent_again(patches: Patches) -> None:
    """No memory of order ids at all."""
    patches.set(Places, "_again", lambda self, place, _known: _place_anew(self, place))


def _place_anew(places: Any, place: m.Place) -> None:
    state = places._state
    venue = state.venue(place.account)
    try:
        order = places._check(place, venue)
    except GatewayError:
        return
    venue.start(v.PlaceOrder(order=order), lambda _answer: None)


def expiry_not_checked_after_waiting(patches: Patches) -> None:
    honest = Places.on_place

    def on_place(self: Any, place: m.Place) -> None:
        now = self._state.moments.now()
        if now - 20 * SECOND < place.expires_at < now:
            place = replace(place, expires_at=now + SECOND)
        honest(self, place)

    patches.set(Places, "on_place", on_place)


# ---- cancels -----------------------------------------------------------------------------------


def cancel_not_repeated(patches: Patches) -> None:
    patches.set(Cancels, "_repeat", lambda _self, _order_id: None)


def cancel_all_takes_orders_of_others(patches: Patches) -> None:
    honest = cancel_all.is_meant

    def is_meant(order: Any, request: m.CancelAll) -> bool:
        return honest(order, replace(request, owner=None, include_external=True))

    patches.set(cancel_all, "is_meant", is_meant)


# ---- between executor and listener -------------------------------------------------------------


def outbox_not_sent_again(patches: Patches) -> None:
    patches.set(Outbox, "_rewind", lambda _self, _number: None)


def outbox_applied_over_a_gap(patches: Patches) -> None:
    honest = OutboxIntake.on_record

    def on_record(self: Any, record: m.OutboxRecord) -> None:
        position = self._ledger.outboxes.get(record.outbox)
        if position is not None and record.number > position.number + 1:
            self._apply(record, position)
        else:
            honest(self, record)

    patches.set(OutboxIntake, "on_record", on_record)


def acknowledged_before_the_journal(patches: Patches) -> None:
    """What was acknowledged is never asked for again, so a death in between loses it."""
    honest = OutboxIntake._apply

    def apply(self: Any, record: m.OutboxRecord, position: Any) -> None:
        announcer = self._acknowledger._announcer
        announcer.acknowledged(m.Acknowledged(outbox=record.outbox, number=record.number))
        honest(self, record, position)

    def on_record(self: Any, record: m.OutboxRecord) -> None:
        position = self._ledger.outboxes.get(record.outbox)
        if position is not None and record.number > position.number + 1:
            acknowledged = m.Acknowledged(outbox=record.outbox, number=record.number - 1)
            self._acknowledger._announcer.acknowledged(acknowledged)
            apply(self, record, position)
        else:
            plain(self, record)

    plain = OutboxIntake.on_record
    patches.set(OutboxIntake, "_apply", apply)
    patches.set(OutboxIntake, "on_record", on_record)


# ---- streams -----------------------------------------------------------------------------------


def published_before_the_journal(patches: Patches) -> None:
    honest = Ledger.commit

    def commit(self: Any, draft: Any, position: Any = None) -> bool:
        if not draft.is_empty:
            self._announcer.changes(draft.record(position))
        return bool(honest(self, draft, position))

    patches.set(Ledger, "commit", commit)


def numbers_reused_after_a_restart(patches: Patches) -> None:
    honest = Ledger.boot

    def boot(self: Any, checkpoint: Any, records: Any) -> None:
        honest(self, checkpoint, records)
        for account, stream in list(self.state.streams.items()):
            self.state.streams[account] = replace(stream, seq=max(stream.seq - 1, 0))

    patches.set(Ledger, "boot", boot)


def heads_not_published(patches: Patches) -> None:
    patches.set(Announcer, "head", lambda _self, _stream, _at: None)


def follower_steps_over_holes(patches: Patches) -> None:
    def advance(self: Any, *, replayed: bool) -> None:
        for seq in sorted(self._buffer):
            item = self._buffer.pop(seq)
            self.seq = item.seq
            self._deliver(item, replayed)

    patches.set(StreamFollower, "_advance", advance)


def cursor_moved_before_delivery(patches: Patches) -> None:
    honest = Streams.transactions

    def transactions(self: Any, asked: Any, account: AccountId, request: m.GetTransactions) -> None:
        honest(self, asked, account, request)
        if request.consumer is not None:
            seq = self._position(account).seq
            query = r.MoveCursor(account=account, consumer=request.consumer, seq=seq)
            self._store.ask(query, lambda _found: None)

    patches.set(Streams, "transactions", transactions)


def batch_given_up_when_the_store_fails(patches: Patches) -> None:
    def write(self: Any, batch: r.Batch) -> None:
        self._store.write(batch, lambda _failed: self._guard(lambda: self._on_written(batch)))

    patches.set(Writer, "_write", write)


# ---- the schedule ------------------------------------------------------------------------------


def accounts_never_swept(patches: Patches) -> None:
    patches.set(SweepWatch, "_begin", lambda _self: None)


BUGS: tuple[Bug, ...] = (
    no_dedupe_by_trade_key,
    fill_counted_again_from_another_source,
    fills_after_the_end_ignored,
    late_fee_ignored,
    money_through_a_float,
    not_found_is_final_at_once,
    failed_query_is_evidence,
    time_out_is_a_rejection,
    time_out_is_not_sent,
    cancel_made_up,
    not_found_cancel_means_canceled,
    closed_order_reopened_by_an_old_picture,
    amend_undone_by_an_old_picture,
    filled_quantity_may_fall,
    intent_recorded_after_the_send,
    ids_forgotten_at_a_restart,
    unanswered_places_sent_again_at_a_restart,
    repeated_place_sent_again,
    expiry_not_checked_after_waiting,
    cancel_not_repeated,
    cancel_all_takes_orders_of_others,
    outbox_not_sent_again,
    outbox_applied_over_a_gap,
    acknowledged_before_the_journal,
    published_before_the_journal,
    numbers_reused_after_a_restart,
    heads_not_published,
    follower_steps_over_holes,
    cursor_moved_before_delivery,
    batch_given_up_when_the_store_fails,
    accounts_never_swept,
)

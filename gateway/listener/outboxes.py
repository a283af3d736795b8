"""The executor's outbox: records are applied strictly in order, each once, and acknowledged.

A record that does not follow the last one applied is dropped, and what follows that one is asked
for. If the executor does not have it any more, or this listener has lost what it had applied
(numbers then begin far above what is known here), the executor begins a new outbox: it is the one
that knows what it can still send.
"""

import logging
from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import Origin
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.life import Alarm
from gateway.domain.order import Order
from gateway.listener.announcer import Acknowledger
from gateway.listener.draft import Draft
from gateway.listener.hearing import Answered
from gateway.listener.ledger import Ledger
from gateway.listener.settings import ListenerSettings
from gateway.listener.state import RECOVERED
from gateway.listener.translate import facts_of_outbox

log = logging.getLogger("gateway.listener")

OrderEvent = (
    m.PlaceIntended
    | m.PlaceAnswered
    | m.CancelIntended
    | m.CancelAnswered
    | m.AmendIntended
    | m.AmendAnswered
)


class OutboxIntake:
    def __init__(
        self,
        ledger: Ledger,
        acknowledger: Acknowledger,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self._ledger = ledger
        self._acknowledger = acknowledger
        self._clock_error = settings.clock_error
        self._intent_patience = settings.intent_patience
        self._passed: dict[OrderId, int] = {}
        self._counters = counters
        self.on_answered: Callable[[Answered], None] = lambda _event: None
        """What a venue answered to a command has been applied."""

    def on_record(self, record: m.OutboxRecord) -> None:
        position = self._ledger.outboxes.get(record.outbox) or m.OutboxPosition(
            outbox=record.outbox, born_at=record.born_at, number=0
        )
        if record.number <= position.number:
            self._counters["outbox_duplicates"] += 1
            superseded = self._is_superseded(record.outbox)
            self._acknowledger.duplicate(record.outbox, position.number, superseded=superseded)
        elif record.number > position.number + 1:
            self._counters["outbox_gaps"] += 1
            self._acknowledger.gap(record.outbox, position.number, record.number)
        else:
            self._apply(record, position)

    def _is_superseded(self, outbox: str) -> bool:
        """An executor that goes on with it has been put back from an older copy; or may have been,
        together with this journal, as a copy of the whole home would be."""
        if outbox in self._ledger.doubted_outboxes:
            return True
        newest = self._ledger.state.newest_outbox
        is_known = outbox in self._ledger.outboxes
        return is_known and newest is not None and newest.outbox != outbox

    def _apply(self, record: m.OutboxRecord, position: m.OutboxPosition) -> None:
        event = record.event
        alive_at = event.at if isinstance(event, m.Alive) else 0
        moved = replace(position, number=record.number, alive_at=max(alive_at, position.alive_at))
        if self._commit(record, moved):
            self._acknowledger.soon(record.outbox, record.number, self._ended(event))
            if isinstance(event, Answered):
                self.on_answered(event)

    def _commit(self, record: m.OutboxRecord, moved: m.OutboxPosition) -> bool:
        """False: not now; it is sent again until it is acknowledged. A record that can't be applied
        at all must not stop those that come after it: an alarm takes its place."""
        draft = self._ledger.draft()
        if record.number == 1 and self._ledger.outboxes:
            draft.alarms.append(_alarm_of_outbox(record, draft.at))
        try:
            return self._draft_event(record.event, draft) and self._ledger.commit(draft, moved)
        except Exception:
            self._counters["outbox_records_failed"] += 1
            log.exception("outbox_record_failed outbox=%s number=%d", record.outbox, record.number)
        draft = self._ledger.draft()
        text = f"record {record.number} of outbox {record.outbox} can't be applied: see the log"
        draft.alarms.append(_alarm(AccountId(""), None, "record_failed", text, draft.at))
        return self._ledger.commit(draft, moved)

    def _draft_event(self, event: m.OutboxEvent, draft: Draft) -> bool:
        match event:
            case m.CommandRefused():
                draft.refusals.append(_refusal_of(event))
            case m.Alive():
                self._draft_recovered(event.at, draft)
            case m.HaltChanged():
                draft.alarms.append(_alarm_of_halt(event))
            case _:
                return self._draft_order_event(event, draft)
        return True

    def _draft_order_event(self, event: OrderEvent, draft: Draft) -> bool:
        order_id, account = _order_of(event)
        self._ledger.open_account(account)
        order = draft.order(order_id)
        if order is not None and order.account != account:
            self._counters["wrong_account"] += 1
            return True
        at_hand = self._ledger.state.is_at_hand(order_id)
        for fact in facts_of_outbox(event, self._ledger.lag(account)):
            if not at_hand:
                if not draft.park(account, fact, order_id):
                    return False
            elif not draft.apply(order_id, account, fact):
                self._counters["facts_without_order"] += 1
        return True

    # ---- what the executor is told -------------------------------------------------------------

    def _ended(self, event: m.OutboxEvent) -> OrderId | None:
        """The order that a cancel names, if it is closed: the executor need not repeat it."""
        if not isinstance(event, m.CancelIntended | m.CancelAnswered):
            return None
        tracked = self._ledger.book.get(event.order_id)
        return event.order_id if tracked is not None and tracked.order.is_closed else None

    def on_recalled(self, order: Order) -> None:
        """What was said of the order had to wait for the store; a cancel may have been in it."""
        outbox = self._ledger.state.newest_outbox
        if outbox is not None and order.is_closed:
            self._acknowledger.soon(outbox.outbox, outbox.number, order.order_id)

    # ---- orders of ours that were never placed from here ---------------------------------------

    def _draft_recovered(self, alive_at: int, draft: Draft) -> None:
        """Ours by their ids, and the outbox, complete up to `alive_at`, has no intent: an alarm.

        Records that waited come all at once: what is behind this one has its time to come."""
        now = self._ledger.clock.monotonic()
        unconfirmed = self._ledger.state.unconfirmed
        self._passed = {
            one.order_id: self._passed.get(one.order_id, now)
            for one in unconfirmed.values()
            if alive_at > one.heard_at + self._clock_error and not self._is_ours(one.order_id)
        }
        for order_id, since in self._passed.items():
            if now - since >= self._intent_patience:
                text = "the venue has an order with an id of ours that was never placed from here"
                account = unconfirmed[order_id].account
                draft.alarms.append(_alarm(account, order_id, RECOVERED, text, draft.at))

    def _is_ours(self, order_id: OrderId) -> bool:
        tracked = self._ledger.book.get(order_id)
        return tracked is not None and tracked.order.origin is not Origin.RECOVERED


def _order_of(event: OrderEvent) -> tuple[OrderId, AccountId]:
    if isinstance(event, m.PlaceIntended):
        return event.order.order_id, event.order.account
    return event.order_id, event.account


def _refusal_of(event: m.CommandRefused) -> m.Refusal:
    return m.Refusal(
        at=event.at,
        client_id=event.client_id,
        command_id=event.command_id,
        code=event.code,
        text=event.text,
        order_id=event.order_id,
        account=event.account,
    )


def _alarm_of_outbox(record: m.OutboxRecord, at: int) -> Alarm:
    text = (
        f"the executor goes on with a new outbox, {record.outbox}: its journal or this one was "
        "lost, damaged or put back from an older copy. Ids made before are refused"
    )
    return _alarm(AccountId(""), None, "outbox_begun", text, at)


def _alarm_of_halt(event: m.HaltChanged) -> Alarm:
    word = "halted" if event.halted else "resumed"
    text = f"{event.client_id} {word} trading of {event.account or 'all accounts'}"
    return _alarm(AccountId(event.account), None, word, text, event.at)


def _alarm(account: AccountId, order_id: OrderId | None, kind: str, text: str, at: int) -> Alarm:
    return Alarm(kind=kind, text=text, at=at, account=account, order_id=order_id)

"""The executor's outbox: records are applied strictly in order, each once, and acknowledged."""

from collections import Counter

from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import Origin
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.life import Alarm
from gateway.listener.announcer import Acknowledger, alarm_of
from gateway.listener.draft import Draft
from gateway.listener.ledger import Ledger
from gateway.listener.recall import Recaller
from gateway.listener.settings import ListenerSettings
from gateway.listener.translate import facts_of_outbox

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
        recaller: Recaller,
        acknowledger: Acknowledger,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self._ledger = ledger
        self._recaller = recaller
        self._acknowledger = acknowledger
        self._clock_error = settings.clock_error
        self._counters = counters

    def on_record(self, record: m.OutboxRecord) -> None:
        position = self._ledger.outboxes.get(record.outbox) or m.OutboxPosition(
            outbox=record.outbox, born_at=record.born_at, number=0
        )
        if record.number <= position.number:
            self._counters["outbox_duplicates"] += 1
            self._acknowledger.soon(record.outbox, position.number)
        elif record.number > position.number + 1:
            self._counters["outbox_gaps"] += 1
            self._acknowledger.gap(record.outbox, position.number)
        else:
            self._apply(record, position)

    def _apply(self, record: m.OutboxRecord, position: m.OutboxPosition) -> None:
        event = record.event
        draft = self._ledger.draft()
        if not self._draft_event(event, draft):
            return  # it waits for the store, and is sent again until it is acknowledged
        alive_at = event.at if isinstance(event, m.Alive) else 0
        moved = replace(position, number=record.number, alive_at=max(alive_at, position.alive_at))
        if self._ledger.commit(draft, moved):
            self._acknowledger.soon(record.outbox, record.number, self._ended(event))

    def _draft_event(self, event: m.OutboxEvent, draft: Draft) -> bool:
        match event:
            case m.CommandRefused():
                draft.refusals.append(_refusal_of(event))
            case m.Alive():
                self._confirm_recovered(event.at, draft)
            case m.HaltChanged():
                draft.alarms.append(_alarm_of_halt(event))
            case _:
                return self._draft_order_event(event, draft)
        return True

    def _draft_order_event(self, event: OrderEvent, draft: Draft) -> bool:
        order_id, account = _order_of(event)
        begins = isinstance(event, m.PlaceIntended)
        if not begins and not self._recaller.is_at_hand(order_id):
            self._recaller.ask(account, order_id)
            return False
        if account not in self._ledger.profiles:
            self._counters["unknown_account"] += 1
            return True
        for fact in facts_of_outbox(event, self._ledger.lag(account)):
            if not draft.apply(order_id, account, fact):
                self._counters["facts_without_order"] += 1
        return True

    def _ended(self, event: m.OutboxEvent) -> OrderId | None:
        """The order that a cancel names, if it is closed: the executor need not repeat it."""
        if not isinstance(event, m.CancelIntended | m.CancelAnswered):
            return None
        tracked = self._ledger.book.get(event.order_id)
        return event.order_id if tracked is not None and tracked.order.is_closed else None

    def _confirm_recovered(self, alive_at: int, draft: Draft) -> None:
        """Ours by its id, and the outbox, complete up to `alive_at`, has no intent: an alarm."""
        for order_id, heard_at in list(self._ledger.unconfirmed.items()):
            tracked = self._ledger.book.get(order_id)
            if tracked is None or tracked.order.origin is not Origin.RECOVERED:
                del self._ledger.unconfirmed[order_id]
            elif alive_at > heard_at + self._clock_error:
                del self._ledger.unconfirmed[order_id]
                text = "the venue has an order with an id of ours that was never placed from here"
                account = tracked.order.account
                draft.alarms.append(alarm_of(account, order_id, "recovered", text, draft.at))


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


def _alarm_of_halt(event: m.HaltChanged) -> Alarm:
    word = "halted" if event.halted else "resumed"
    text = f"{event.client_id} {word} trading of {event.account or 'all accounts'}"
    return alarm_of(AccountId(event.account), None, word, text, event.at)

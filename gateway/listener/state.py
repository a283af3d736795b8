"""What the journal holds, in memory. A record has the same effect here when it is written and when
it is read again: there is one function for both."""

from collections import deque
from collections.abc import Callable

from gateway.domain import messages as m
from gateway.domain.enums import Origin
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.order import Order
from gateway.listener.book import Book
from gateway.listener.parking import Parking
from gateway.listener.settings import ListenerSettings

RECOVERED = "recovered"
"""The kind of alarm about an order of ours that was never placed from here."""

KEPT_LOSSES = 4


class State:
    """Bounded as `ListenerSettings` says; `unconfirmed` by the orders it names, each of which is
    there once, until its intent comes or its alarm is raised."""

    def __init__(self, settings: ListenerSettings, monotonic: Callable[[], int]) -> None:
        self.book = Book(settings.kept_closed, settings.kept_trades, monotonic)
        self.parking = Parking(monotonic)
        self.streams: dict[AccountId, m.StreamPosition] = {}
        self.outboxes: dict[str, m.OutboxPosition] = {}
        self.unconfirmed: dict[OrderId, m.Unconfirmed] = {}
        self.losses: tuple[m.Loss, ...] = ()
        """When orders may have been placed that no journal knows of; the newest few."""
        self.refusals: deque[m.Refusal] = deque(maxlen=settings.kept_refusals)
        self.last_at = 0
        self._kept_outboxes = settings.kept_outboxes

    @property
    def newest_outbox(self) -> m.OutboxPosition | None:
        """That of the executor's present journal: the one that moved last. Its birth does not tell,
        since the clock may have been set back before it."""
        return next(reversed(self.outboxes.values()), None)

    def is_at_hand(self, order_id: OrderId) -> bool:
        """Whether a fact about the order can be applied now: its newest state is in memory, or it
        certainly has none, and no earlier fact is parked for it."""
        return self.book.is_at_hand(order_id) and not self.parking.has(order_id)

    def load(self, checkpoint: m.ListenerCheckpoint, record: int) -> None:
        """`record`: the journal's last. Until the store has that one, it may lack any of these."""
        self.last_at = checkpoint.at
        self.streams = {stream.account: stream for stream in checkpoint.streams}
        self.outboxes = {position.outbox: position for position in checkpoint.outboxes}
        self.book.note_forgotten(checkpoint.evicted_upto, evicted_any=checkpoint.evicted_any)
        self.book.load(checkpoint.orders, record)
        self.book.unproven = dict.fromkeys(checkpoint.unproven)
        for parked in checkpoint.parked:
            self.parking.add(parked)
        self.unconfirmed = {one.order_id: one for one in checkpoint.unconfirmed}
        self.refusals.extend(checkpoint.refusals)
        self.losses = checkpoint.losses

    def dump(self, streams: dict[AccountId, m.StreamPosition]) -> m.ListenerCheckpoint:
        evicted_upto, evicted_any = self.book.forgotten()
        return m.ListenerCheckpoint(
            at=self.last_at,
            streams=tuple(streams.values()),
            outboxes=tuple(self.outboxes.values()),
            orders=self.book.dump(),
            refusals=tuple(self.refusals),
            evicted_upto=evicted_upto,
            evicted_any=evicted_any,
            parked=self.parking.dump(),
            unconfirmed=tuple(self.unconfirmed.values()),
            unproven=tuple(self.book.unproven),
            losses=self.losses,
        )

    def take(self, record: m.ListenerRecord, number: int) -> None:
        """The effect of a record of the journal; `number` is its number there, or a later one."""
        self.last_at = max(self.last_at, record.at)
        for recalled in record.recalled:
            self.book.take_back(recalled, number)
        for item in record.items:
            self._take_item(item, number)
        for order in record.touched:
            self.book.put(order, number)
        for order_id, digests in record.digests.items():
            self.book.remember(OrderId(order_id), digests)
        for parked_number in record.unparked:
            self.parking.remove(parked_number)
        for parked in record.parked:
            self.parking.add(parked)
        for alarm in record.alarms:
            if alarm.kind == RECOVERED and alarm.order_id is not None:
                self.unconfirmed.pop(alarm.order_id, None)
        self.refusals.extend(record.refusals)
        if record.position is not None:
            self._move(record.position)

    def _take_item(self, item: m.StreamItem, number: int) -> None:
        self.streams[item.account] = m.StreamPosition(
            account=item.account, epoch=item.epoch, seq=item.seq
        )
        if isinstance(item, m.OrderUpdate):
            self._confirm(item.order, item.at)
            self.book.change(item.order, number)

    def _confirm(self, order: Order, at: int) -> None:
        if order.origin is not Origin.RECOVERED:
            self.unconfirmed.pop(order.order_id, None)
        elif self.book.get(order.order_id) is None:
            self.unconfirmed[order.order_id] = m.Unconfirmed(
                order_id=order.order_id, account=order.account, heard_at=at
            )

    def note_loss(self, since: int, until: int) -> None:
        """The executor's journal, or this one, can't prove what happened in this time. One that was
        noted before, at a start that could not be recorded, is replaced."""
        others = [loss for loss in self.losses if loss.since != since]
        self.losses = (*others, m.Loss(since=since, until=until))[-KEPT_LOSSES:]

    def _move(self, position: m.OutboxPosition) -> None:
        before = self.newest_outbox
        if before is not None and position.outbox not in self.outboxes:
            since = before.alive_at or before.born_at
            self.note_loss(since, max(since, position.born_at))
        self.outboxes.pop(position.outbox, None)
        self.outboxes[position.outbox] = position
        if len(self.outboxes) > self._kept_outboxes:
            del self.outboxes[next(iter(self.outboxes))]

"""What the listener's journal says, followed read only: newer than the store, and without it.

The journal gets every change before it is published, so whatever a trading program can have heard
is here once `poll` has read to the end.
"""

import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator

from gateway.actioner.held_items import HeldItems
from gateway.actioner.held_orders import HeldOrders
from gateway.actioner.settings import ActionerSettings
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.change import Alarm
from gateway.domain.errors import BadMessage, Code, GatewayError, Unavailable
from gateway.domain.facts import Intent
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.order import NewOrder
from gateway.ports import LogEntry, LogFollower

log = logging.getLogger("gateway.actioner")


class View:
    """Orders, streams, refusals and outboxes as of the last `poll`."""

    def __init__(
        self, journal: LogFollower, settings: ActionerSettings, counters: Counter[str]
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._counters = counters
        self._identity = b""
        self._next = 0
        self._read_to_end = False
        self._failure = "the listener's journal does not exist yet"
        self._hole = ""
        self._heads_ahead: dict[AccountId, str] = {}
        self._begin()

    def _begin(self) -> None:
        self.orders = HeldOrders(self._settings.kept_closed)
        self.streams: dict[AccountId, m.StreamPosition] = {}
        self.outboxes: dict[str, m.OutboxPosition] = {}
        self.alarms: deque[Alarm] = deque(maxlen=self._settings.kept_alarms)
        self._items: dict[AccountId, HeldItems] = {}
        self._refusals: OrderedDict[str, m.Refusal] = OrderedDict()
        self._refusals_since = 0
        self._waiting: dict[int, OrderId] = {}
        self._waiting_places: dict[int, NewOrder] = {}

    # ---- reading -------------------------------------------------------------------------------

    def poll(self) -> None:
        """Takes in what is new, at most a slice of it; `problem` then says if that was all."""
        read = 0
        self._read_to_end = False
        while read < self._settings.read_slice:
            try:
                entries = self._journal.read(self._settings.read_slice - read)
            except (GatewayError, OSError) as error:
                self._fail(f"the listener's journal can't be read: {error}")
                return
            if not entries:
                self._read_to_end = True
                return
            read += len(entries)
            for entry in entries:
                self._take(entry)

    def _fail(self, text: str) -> None:
        if text != self._failure:
            log.error("journal_unreadable text=%s", text)
        self._failure = text

    def _take(self, entry: LogEntry) -> None:
        try:
            if entry.is_checkpoint:
                self._take_checkpoint(entry)
            elif self._identity == entry.identity:
                self._take_record(entry)
            # Else: a record without a checkpoint before it; the next checkpoint has its effect.
        except BadMessage as error:
            self._counters["journal_entries_undecodable"] += 1
            self._note_hole(f"entry {entry.number} can't be decoded: {error}")
            self._next = entry.number + (not entry.is_checkpoint)

    def _note_hole(self, text: str) -> None:
        log.error("journal_hole text=%s", text)
        self._hole = f"the listener's journal is damaged until its next checkpoint: {text}"

    def _take_checkpoint(self, entry: LogEntry) -> None:
        state = codec.listener_checkpoints.decode(entry.payload)
        if (entry.identity, entry.number) != (self._identity, self._next):
            self._begin()
        self._identity, self._next = entry.identity, entry.number
        self._failure = self._hole = ""
        self.outboxes = {position.outbox: position for position in state.outboxes}
        self._waiting.clear()
        self._waiting_places.clear()
        self._take_parked(state.parked)
        self.orders.note_evicted(state.evicted_upto, any_at_all=state.evicted_any)
        self.orders.drop_open_except(tracked.order.order_id for tracked in state.orders)
        for tracked in state.orders:
            self.orders.put(tracked.order, entry.number - 1)
        for position in state.streams:
            self.streams[position.account] = position
            self.items(position.account).begin(position, entry.number)
        if len(state.refusals) >= self._settings.kept_refusals:
            self._refusals_since = max(self._refusals_since, state.refusals[0].at)
        self._take_refusals(state.refusals)

    def _take_record(self, entry: LogEntry) -> None:
        record = codec.listener_records.decode(entry.payload)
        if entry.number != self._next:
            self._note_hole(f"records {self._next} to {entry.number - 1} are missing")
        self._next = entry.number + 1
        if record.position is not None:
            self.outboxes.pop(record.position.outbox, None)
            self.outboxes[record.position.outbox] = record.position
        for item in record.items:
            self._take_item(item, entry.number)
        for order in record.touched:
            self.orders.put(order, entry.number)
        self._take_refusals(record.refusals)
        for number in record.unparked:
            self._waiting.pop(number, None)
            self._waiting_places.pop(number, None)
        self._take_parked(record.parked)
        self.alarms.extend(record.alarms)

    def _take_item(self, item: m.StreamItem, record: int) -> None:
        self.streams[item.account] = m.StreamPosition(
            account=item.account, epoch=item.epoch, seq=item.seq
        )
        self.items(item.account).add(item, record)
        if isinstance(item, m.OrderUpdate):
            self.orders.put(item.order, record)

    def _take_parked(self, parked: Iterable[m.ParkedFact]) -> None:
        for one in parked:
            if one.order_id:
                self._waiting[one.number] = one.order_id
                if isinstance(one.fact, Intent):
                    self._waiting_places[one.number] = one.fact.order

    def _take_refusals(self, refusals: Iterable[m.Refusal]) -> None:
        for refusal in refusals:
            if refusal.order_id:
                self._refusals[refusal.order_id] = refusal
                self._refusals.move_to_end(refusal.order_id)
        while len(self._refusals) > self._settings.kept_refusals:
            _, dropped = self._refusals.popitem(last=False)
            self._refusals_since = max(self._refusals_since, dropped.at)

    def compare(self, head: m.Head) -> None:
        """The listener journals before it publishes: a head that is ahead of the journal read to
        its end means that this is not the journal that the listener writes."""
        self.poll()
        self._heads_ahead.pop(head.account, None)
        here = self.streams.get(head.account)
        epoch, seq = (0, 0) if here is None else (here.epoch, here.seq)
        if self._read_to_end and head.epoch >= epoch and (head.epoch, head.seq) > (epoch, seq):
            text = f"the stream of {head.account} is ahead of the journal that is read here"
            log.error("journal_behind account=%s head=%d journal=%d", head.account, head.seq, seq)
            self._heads_ahead[head.account] = text

    # ---- what it holds -------------------------------------------------------------------------

    @property
    def problem(self) -> str:
        """Why the view is not complete; empty: it is."""
        if self._failure or self._hole:
            return self._failure or self._hole
        if not self._read_to_end:
            return "the listener's journal is still being read"
        return next(iter(self._heads_ahead.values()), "")

    @property
    def is_behind(self) -> bool:
        """More is there than one `poll` takes."""
        return not self._read_to_end and not self._failure

    def require(self) -> None:
        """Polls, to the end unless that is far off. Raises `Unavailable` when what is held is not
        all there is."""
        for _ in range(self._settings.read_slices):
            self.poll()
            if not self.is_behind:
                break
        if self.problem:
            raise Unavailable(f"{self.problem}; ask again", Code.NOT_READY)

    @property
    def journal(self) -> str:
        """The journal's identity as the store names it."""
        return self._identity.hex()

    def items(self, account: AccountId) -> HeldItems:
        held = self._items.get(account)
        if held is None:
            held = self._items[account] = HeldItems(self._settings.kept_items)
        return held

    def seq_of(self, account: AccountId) -> int:
        """What the view says of the account's orders is as of this number."""
        position = self.streams.get(account)
        return 0 if position is None else position.seq

    def refusal_of(self, order_id: str) -> m.Refusal | None:
        return self._refusals.get(order_id)

    def has_refusals_since(self, at: int) -> bool:
        """Whether each refusal made after `at` is here."""
        return at > self._refusals_since

    def is_heard_of(self, order_id: OrderId) -> bool:
        """Whether the listener was told something of the order, and has still to ask the store
        what it was like before that: the order is in no list yet."""
        return order_id in self._waiting.values()

    def waiting_places(self, account: AccountId) -> Iterator[NewOrder]:
        """Orders whose place is among what waits for the store at the listener's."""
        return (new for new in self._waiting_places.values() if new.account == account)

    def outbox(self) -> m.OutboxPosition | None:
        """That of the executor's present journal: the one that moved last."""
        return next(reversed(self.outboxes.values()), None)

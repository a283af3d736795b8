"""The listener's state and its journal: what is in one is in the other.

A change is drafted, appended to the journal as one record, and only then becomes the state and is
published. A crash before the append leaves no trace, and what was not acknowledged is sent again;
a crash after it is repaired from the journal.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Origin
from gateway.domain.errors import GatewayError
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.order import Order
from gateway.domain.venue import VenueProfile
from gateway.listener.announcer import Announcer
from gateway.listener.balances import BalanceWatch
from gateway.listener.book import Book
from gateway.listener.draft import Draft
from gateway.listener.settings import SECOND, ListenerSettings
from gateway.ports import Clock, Log

log = logging.getLogger("gateway.listener")


class Ledger:
    """Orders, stream positions and outbox positions of all accounts."""

    def __init__(
        self,
        settings: ListenerSettings,
        profiles: Mapping[AccountId, VenueProfile],
        *,
        journal: Log,
        clock: Clock,
        announcer: Announcer,
        counters: Counter[str],
        written: Callable[[], int],
        appended: Callable[[], None],
    ) -> None:
        self.profiles = profiles
        self.clock = clock
        self.book = Book(settings.kept_closed)
        self.streams: dict[AccountId, m.StreamPosition] = {}
        self.outboxes: dict[str, m.OutboxPosition] = {}
        self.balances = {account: BalanceWatch() for account in profiles}
        self.unconfirmed: dict[OrderId, int] = {}
        """Orders of ours by their id, but without an intent so far, and when they were heard."""
        self.unacknowledged: dict[OrderId, int] = {}
        """Orders that the venue has not acknowledged, and since when known (monotonic)."""
        self.problem = ""
        self._settings = settings
        self._journal = journal
        self._announcer = announcer
        self._counters = counters
        self._written = written
        self._appended = appended
        self._refusals: deque[m.Refusal] = deque(maxlen=settings.kept_refusals)
        self._last_at = 0

    def now(self) -> int:
        """Wall time that never runs back within this journal, whatever the clock does."""
        self._last_at = max(self._last_at, self.clock.now())
        return self._last_at

    def lag(self, account: AccountId) -> int:
        profile = self.profiles.get(account)
        return 0 if profile is None else profile.visibility_lag

    # ---- start ---------------------------------------------------------------------------------

    def boot(self, checkpoint: m.ListenerCheckpoint | None, records: Iterable[bytes]) -> None:
        """Takes up the state that the journal holds. Publishes nothing.

        Writes a checkpoint if an account is new."""
        if checkpoint is not None:
            self._load(checkpoint)
        for payload in records:
            self._replay(codec.listener_records.decode(payload))
        started = self.clock.monotonic()
        for tracked in self.book.tracked():
            self._note(tracked.order, started)
        self._begin_streams()

    def _begin_streams(self) -> None:
        """An account that is new here gets a stream, and the journal's readers learn of it."""
        new = [account for account in self.profiles if account not in self.streams]
        for account in new:
            epoch = self._new_epoch()
            self.streams[account] = m.StreamPosition(account=account, epoch=epoch, seq=0)
        if new:
            self.checkpoint()

    def _load(self, checkpoint: m.ListenerCheckpoint) -> None:
        self._last_at = checkpoint.at
        self.streams = {stream.account: stream for stream in checkpoint.streams}
        self.outboxes = {position.outbox: position for position in checkpoint.outboxes}
        self.book.load(checkpoint.orders, checkpoint.evicted_upto, checkpoint.evicted_any)
        self._refusals.extend(checkpoint.refusals)

    def _replay(self, record: m.ListenerRecord) -> None:
        self._last_at = max(self._last_at, record.at)
        if record.position is not None:
            self.outboxes[record.position.outbox] = record.position
        for item in record.items:
            self.streams[item.account] = m.StreamPosition(
                account=item.account, epoch=item.epoch, seq=item.seq
            )
            if isinstance(item, m.OrderUpdate):
                self.book.put(item.order, record.digests.get(item.order.order_id, {}), 0)
        for order in record.touched:
            self.book.put(order, {}, 0)
        self._refusals.extend(record.refusals)

    def renumber(
        self, positions: Sequence[m.StreamPosition], orders: Iterable[m.TrackedOrder]
    ) -> None:
        """The journal can't prove that it holds all that was published: begins new epochs.

        What the store has beyond the journal is taken over. Numbers jump by `epoch_gap`, so that
        no consumer's cursor can be ahead of a number that is given out from now on.
        """
        for position in positions:
            held = self.streams.get(position.account, position)
            self.streams[position.account] = replace(
                held, epoch=max(held.epoch, position.epoch), seq=max(held.seq, position.seq)
            )
        for account, stream in self.streams.items():
            epoch = max(self._new_epoch(), stream.epoch + 1)
            seq = stream.seq + self._settings.epoch_gap
            self.streams[account] = m.StreamPosition(account=account, epoch=epoch, seq=seq)
        self.book.load(filter(self._is_newer, orders), evicted_upto=self.now(), evicted_any=True)
        started = self.clock.monotonic()
        for tracked in self.book.tracked():
            self._note(tracked.order, started)
        self.checkpoint()

    def _is_newer(self, tracked: m.TrackedOrder) -> bool:
        held = self.book.get(tracked.order.order_id)
        return held is None or held.order.changed_at < tracked.order.changed_at

    def _new_epoch(self) -> int:
        return self.clock.now() // SECOND

    def is_behind(self, positions: Sequence[m.StreamPosition]) -> bool:
        """Whether more was published, and stored, than this journal knows of."""
        return any(
            (position.epoch, position.seq) > (held.epoch, held.seq)
            for position in positions
            if (held := self.streams.get(position.account)) is not None
        )

    @property
    def has_history(self) -> bool:
        """Whether anything may have been published before."""
        return bool(len(self.book) or any(stream.seq for stream in self.streams.values()))

    def checkpoint(self) -> None:
        """Begins a new journal segment with the whole state."""
        evicted_upto, evicted_any = self.book.forgotten()
        state = m.ListenerCheckpoint(
            at=self.now(),
            streams=tuple(self.streams.values()),
            outboxes=tuple(self.outboxes.values()),
            orders=self.book.dump(),
            refusals=tuple(self._refusals),
            evicted_upto=evicted_upto,
            evicted_any=evicted_any,
        )
        self._journal.roll(codec.encode(state))

    # ---- change --------------------------------------------------------------------------------

    def draft(self) -> Draft:
        return Draft(self.book, self.streams, self.now())

    def commit(self, draft: Draft, position: m.OutboxPosition | None = None) -> bool:
        """Journal, then state, then publish. False: the journal is full and nothing happened."""
        if draft.is_empty and position is None:
            return True
        try:
            number = self._journal.append(codec.encode(draft.record(position)), urgent=True)
        except GatewayError as error:
            self._on_journal_error(error)
            return False
        self.problem = ""
        self._install(draft, position, number)
        self._announcer.changes(draft)
        self._appended()
        if self._journal.should_roll:
            self.checkpoint()
        return True

    def _on_journal_error(self, error: GatewayError) -> None:
        self._counters["journal_errors"] += 1
        self.problem = f"journal_full: {error}; make room on the journal's disk"
        log.error("journal_append_failed code=%s text=%s", error.code, error)

    def _install(self, draft: Draft, position: m.OutboxPosition | None, number: int) -> None:
        now = self.clock.monotonic()
        for order_id, order in draft.orders.items():
            self.book.put(order, draft.digests.get(order_id, {}), number)
            self._note(order, now)
        for stream in draft.heads():
            self.streams[stream.account] = stream
        for item in draft.items:
            if isinstance(item, m.TransactionUpdate):
                self.balances[item.account].note(item.transaction)
        if position is not None:
            self.outboxes[position.outbox] = position
        self._refusals.extend(draft.refusals)
        self.book.evict(self._written())

    def _note(self, order: Order, now: int) -> None:
        if order.acknowledged_at is None and not order.is_closed:
            self.unacknowledged.setdefault(order.order_id, now)
        else:
            self.unacknowledged.pop(order.order_id, None)
        if order.origin is Origin.RECOVERED:
            self.unconfirmed.setdefault(order.order_id, self.now())
        else:
            self.unconfirmed.pop(order.order_id, None)

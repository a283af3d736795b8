"""The listener's state and its journal: what is in one is in the other.

A change is drafted, appended to the journal as one record, and only then becomes the state and is
published. A crash before the append leaves no trace, and what was not acknowledged is sent again;
a crash after it is repaired from the journal.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import BadMessage, Code, GatewayError
from gateway.domain.facts import VenueFact
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.venue import VenueProfile
from gateway.listener.announcer import Announcer
from gateway.listener.balances import BalanceWatch
from gateway.listener.book import Book
from gateway.listener.draft import Draft
from gateway.listener.settings import SECOND, ListenerSettings
from gateway.listener.state import State
from gateway.ports import Clock, Log

log = logging.getLogger("gateway.listener")

LONGEST_LOSS = 86_400 * SECOND
"""What is older is not searched for: an executor that was away for days sent nothing meanwhile."""


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
        self.state = State(settings, clock.monotonic)
        self.balances = {account: BalanceWatch() for account in profiles}
        self.problem = ""
        """Why the journal takes nothing; empty: it does."""
        self.is_whole = True
        """Nothing of the journal was unreadable at the start."""
        self.on_named: Callable[[AccountId, OrderId, VenueFact], None] = lambda _a, _o, _f: None
        """Whose a fact of the venue's is has become known."""
        self.on_parked: Callable[[], None] = lambda: None
        """Called when there is more to ask the store."""
        self._settings = settings
        self._journal = journal
        self._announcer = announcer
        self._counters = counters
        self._written = written
        self._appended = appended
        self._has_history = False
        self._known_since = 0
        self._may_roll = True
        self._input, self._heard_at = "", 0
        self._unsaved: set[AccountId] = set()
        self._booted: dict[AccountId, m.StreamPosition] = {}
        self._stored: dict[AccountId, m.StreamPosition] = {}
        self.doubted_outboxes: set[str] = set()
        """May have come further than this journal knows; until they go on from here."""

    @property
    def book(self) -> Book:
        return self.state.book

    @property
    def streams(self) -> Mapping[AccountId, m.StreamPosition]:
        return self.state.streams

    @property
    def outboxes(self) -> Mapping[str, m.OutboxPosition]:
        return self.state.outboxes

    def now(self) -> int:
        """Wall time that never runs back within this journal, whatever the clock does."""
        self.state.last_at = max(self.state.last_at, self.clock.now())
        return self.state.last_at

    def lag(self, account: AccountId) -> int:
        profile = self.profiles.get(account)
        return 0 if profile is None else profile.visibility_lag

    # ---- start ---------------------------------------------------------------------------------

    def boot(self, checkpoint: m.ListenerCheckpoint | None, records: Iterable[bytes]) -> None:
        """Takes up the state that the journal holds. Publishes nothing.

        Writes a checkpoint if an account is new. A record that can't be read is passed over, and
        `is_whole` is False then: the streams need new epochs (`renumber`)."""
        last = self._journal.next_number - 1
        if checkpoint is not None:
            self.state.load(checkpoint, last)
            self._known_since = checkpoint.at
        for payload in records:
            try:
                record = codec.listener_records.decode(payload)
            except BadMessage as error:
                self._counters["records_unreadable"] += 1
                self.is_whole = False
                log.error("record_unreadable text=%s", error)  # noqa: TRY400 the text says it all
            else:
                self.state.take(record, last)
        self._date_changes()
        self.book.census.begin()
        self._has_history = bool(self.streams)
        self._booted = dict(self.streams)
        new = [account for account in self.profiles if account not in self.streams]
        self._unsaved = set(new)
        for account in new:
            self._begin_stream(account)
        self._save_streams()

    def _date_changes(self) -> None:
        """What changed before this process began did so as long ago as the wall clock says."""
        started, now = self.clock.monotonic(), self.clock.now()
        for tracked in self.book.tracked():
            tracked.changed_since = started - max(now - tracked.order.changed_at, 0)

    def _begin_stream(self, account: AccountId) -> None:
        stream = m.StreamPosition(account=account, epoch=self._new_epoch(), seq=0)
        stored = self._stored.get(account)
        self.state.streams[account] = stream if stored is None else self._renumbered(stored)

    def _save_streams(self) -> None:
        """A new stream's epoch is in the journal before it is announced: no other is ever drawn
        for it."""
        if self._unsaved and self._try_checkpoint():
            self._unsaved.clear()

    def open_account(self, account: AccountId) -> None:
        """The executor has orders of an account that this configuration does not name."""
        if account not in self.streams:
            self._begin_stream(account)
            self._unsaved.add(account)
            self._save_streams()

    @property
    def accounts(self) -> set[AccountId]:
        """Ours: those of this configuration, and those of which something has been told."""
        return {*self.profiles, *self.streams}

    @property
    def heads(self) -> list[m.StreamPosition]:
        """Of the streams that may be announced."""
        return [s for s in self.streams.values() if s.account not in self._unsaved]

    def renumber(
        self, positions: Sequence[m.StreamPosition], orders: Iterable[m.TrackedOrder]
    ) -> None:
        """The journal can't prove that it holds all that was published: begins new epochs.

        What the store has of our accounts beyond the journal is taken over; others may be another
        gateway's. Numbers jump by `epoch_gap`, so that no consumer's cursor can be ahead of a
        number that is given out from now on. Raises the journal's error if that can't be recorded:
        nothing is renumbered then, call it again.
        """
        streams = dict(self.streams)
        for position in positions:
            held = streams.get(position.account, position)
            if position.account in self.accounts:
                streams[position.account] = replace(
                    held, epoch=max(held.epoch, position.epoch), seq=max(held.seq, position.seq)
                )
        renumbered = {account: self._renumbered(stream) for account, stream in streams.items()}
        self._compare_with_store(orders)
        self._note_loss()
        self.book.note_forgotten(self.now() + self._settings.clock_error, evicted_any=True)
        self._roll(renumbered)
        self._journal.sync()  # or the next loss of power would bring these numbers back
        self.state.streams = renumbered
        self._booted = dict(renumbered)
        self.doubted_outboxes = set(self.outboxes)
        self._unsaved.clear()
        self.is_whole = True
        self.on_parked()

    def jump(self) -> None:
        """Nobody can say yet whether this journal is an older copy, put back: begins new epochs, so
        that no number is given out twice. `is_behind` tells later. Raises as `renumber` does."""
        renumbered = {account: self._renumbered(one) for account, one in self.streams.items()}
        self._roll(renumbered)
        self._journal.sync()
        self.state.streams = renumbered
        self._unsaved.clear()

    def note_stored(self, positions: Sequence[m.StreamPosition]) -> None:
        """Has the store told of epochs that are in none of its `positions`: they may have been
        announced, and nothing published in them. An older copy of this journal, put back, would
        look like the newest, and go on in an epoch that every client has left. If the journal
        takes nothing now, the next start makes good for it."""
        self._stored = {position.account: position for position in positions}
        stored = {position.account: position.epoch for position in positions}
        unknown = tuple(
            stream
            for stream in self.heads
            if stream.seq and stream.epoch > stored.get(stream.account, 0)
        )
        if unknown and self._append(m.ListenerRecord(at=self.now(), streams=unknown)) is not None:
            self._appended()

    def _append(self, record: m.ListenerRecord) -> int | None:
        """None: the journal takes nothing. Raises an error with code `too_large` if it never
        will."""
        try:
            number = self._journal.append(codec.encode(record), urgent=True)
        except GatewayError as error:
            if error.code is Code.TOO_LARGE:
                raise
            self._on_journal_error(error)
            return None
        self.problem = ""
        return number

    def _note_loss(self) -> None:
        """What is unreadable, or gone, came after the oldest checkpoint that is left; if none is,
        nothing says when it came."""
        now = self.clock.now()
        self.state.note_loss(max(self._known_since, now - self._settings.unproven_loss), now)

    def losses(self) -> Iterator[m.RecordsLost]:
        """Those of the last hour, as one time for each account."""
        said_from = self.clock.now() - self._settings.loss_said
        young = [loss for loss in self.state.losses if loss.until > said_from]
        if young:
            until = max(loss.until for loss in young)
            since = max(min(loss.since for loss in young), until - LONGEST_LOSS)
            for account in self.profiles:
                yield m.RecordsLost(account=account, since=since, until=until)

    def _renumbered(self, stream: m.StreamPosition) -> m.StreamPosition:
        epoch = max(self._new_epoch(), stream.epoch + 1)
        return replace(stream, epoch=epoch, seq=stream.seq + self._settings.epoch_gap)

    def _compare_with_store(self, orders: Iterable[m.TrackedOrder]) -> None:
        """These are open in the store. Of all others here the store may have a newer state, which
        was lost from the journal: until it has been asked, no fact is applied to them."""
        self.book.unproven = {t.order.order_id: None for t in self.book.tracked()}
        self.book.load(orders, self._journal.next_number - 1)
        self._date_changes()

    def _new_epoch(self) -> int:
        """Later than any other, even if all that was known of the others is gone."""
        return self.clock.now()

    def is_behind(self, positions: Sequence[m.StreamPosition]) -> bool:
        """Whether more was published, and stored, than this journal knew of when it was opened:
        it was put back from an older copy. What was numbered since does not hide it."""
        return any(self._is_behind(position) for position in positions)

    def _is_behind(self, stored: m.StreamPosition) -> bool:
        """The database may hold another gateway's accounts too."""
        held = self._booted.get(stored.account)
        if held is None:
            return stored.account in self.profiles and stored.seq > 0
        return stored.epoch > held.epoch or stored.seq > held.seq

    @property
    def has_history(self) -> bool:
        """Whether anything may have been published by an earlier process: its streams had begun."""
        return self._has_history

    # ---- checkpoint ----------------------------------------------------------------------------

    def attend(self) -> None:
        """Each second: what could not be written is tried again."""
        self._may_roll = True
        self._save_streams()
        self._roll_if_due()

    def _roll_if_due(self) -> None:
        if self._may_roll and self._journal.should_roll:
            self._may_roll = self._try_checkpoint()

    def _try_checkpoint(self) -> bool:
        try:
            self._roll(self.state.streams)
        except GatewayError as error:
            self._on_journal_error(error)
            return False
        return True

    def _roll(self, streams: dict[AccountId, m.StreamPosition]) -> None:
        """Begins a new journal segment with the whole state."""
        self.now()
        self._journal.roll(codec.encode(self.state.dump(streams)))
        self._counters["checkpoints"] += 1

    # ---- change --------------------------------------------------------------------------------

    def hear(self, name: str) -> None:
        """What is committed from here on comes of this input; until `heard`."""
        self._input, self._heard_at = name, self.clock.monotonic()

    def heard(self) -> None:
        self._heard_at = 0

    def draft(self, most_parked: int | None = None) -> Draft:
        """`most_parked`: below the bound, for what can be asked for again."""
        return Draft(self.state, self.now(), most_parked or self._settings.held_facts)

    def commit(self, draft: Draft, position: m.OutboxPosition | None = None) -> bool:
        """Journal, then state, then publish. False: the journal takes nothing, and nothing
        happened. Raises an error with code `too_large` if it never will."""
        if draft.is_empty and position is None:
            self._tell_named(draft)
            return True
        record = draft.record(position)
        number = self._append(record)
        if number is None:
            return False
        self._take(record, number)
        self._tell_named(draft)
        self._announcer.changes(record)
        if record.items and self._heard_at:
            took = self.clock.monotonic() - self._heard_at
            self.book.census.published[self._input].add(took)
        self._appended()
        self._roll_if_due()
        return True

    def _tell_named(self, draft: Draft) -> None:
        for named in draft.named:
            self.on_named(*named)

    def _on_journal_error(self, error: GatewayError) -> None:
        self._counters["journal_errors"] += 1
        full = error.code is Code.JOURNAL_FULL
        advice = "make room for the journal" if full else "start the listener again"
        problem = f"{'journal_full' if full else 'journal_failed'}: {error}; {advice}"
        if problem != self.problem:
            log.error("journal_error code=%s text=%s", error.code, problem)
        self.problem = problem

    def _take(self, record: m.ListenerRecord, number: int) -> None:
        self.state.take(record, number)
        if record.position is not None:
            self.doubted_outboxes.discard(record.position.outbox)
        for item in record.items:
            if isinstance(item, m.TransactionUpdate):
                self.balances.setdefault(item.account, BalanceWatch()).note(item.transaction)
                self.book.census.transactions[item.account, item.transaction.kind] += 1
        self.book.evict(self._written())
        if record.parked:
            self.on_parked()

"""Bugs on the way from the executor to the listener, and from there to everybody."""

from typing import Any

from msgspec.structs import replace

from gateway.actioner.streams import Streams
from gateway.client.follower import StreamFollower
from gateway.domain import messages as m
from gateway.domain import records as r
from gateway.domain.identity import AccountId
from gateway.executor.outbox import Outbox
from gateway.listener.announcer import Announcer
from gateway.listener.ledger import Ledger
from gateway.listener.outboxes import OutboxIntake
from gateway.manager.sweep_watch import SweepWatch
from gateway.sim.planted.patches import Patches
from gateway.writer import Writer

# ---- between executor and listener ---------------------------------------------------------------


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


# ---- streams -------------------------------------------------------------------------------------


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


# ---- the schedule --------------------------------------------------------------------------------


def accounts_never_swept(patches: Patches) -> None:
    patches.set(SweepWatch, "_begin", lambda _self: None)

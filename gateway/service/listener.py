"""The listener with its journal, its writer, the store and the venues' private streams."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from gateway.config import Config, nanoseconds
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import records as r
from gateway.domain.change import Alarm
from gateway.domain.enums import Role
from gateway.domain.errors import Unavailable
from gateway.domain.identity import AccountId
from gateway.journal import Journal, JournalFull, JournalReader
from gateway.listener import CheckpointReader, Listener, ListenerSettings, alarm_of_checkpoint
from gateway.listener.ledger import Ledger
from gateway.metrics.listener import sample_listener, sample_writer
from gateway.metrics.process import sample_journal, sample_venues
from gateway.metrics.samples import Samples
from gateway.ports import Store
from gateway.service.around import Around, VenueSessions
from gateway.service.metrics import ServedMetrics
from gateway.service.recovery import log_recovery, watch_journal
from gateway.service.upkeep import DailyUpkeep, retention_of
from gateway.store.claims import AccountsTaken
from gateway.store.postgres import PostgresStore
from gateway.venues.ccxt_venue import CcxtVenue
from gateway.wire import limits
from gateway.writer import Writer

log = logging.getLogger("gateway.service")

CLAIM_RETRY_S = 1.0
STORE_PATIENCE_S = 5.0
F = TypeVar("F", r.FoundPositions, r.FoundTracked)
EMPTY = codec.encode(m.ListenerCheckpoint(at=0, streams=(), outboxes=(), orders=()))


class ListenerService:
    """Ready when its journal is open, the store's view of it is known, and streams are heard."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._sessions = VenueSessions(around.venues())
        self._store = PostgresStore(around.store_url(), on_alarm=self._note_alarm)
        self._metrics = ServedMetrics(around, Role.LISTENER)
        keep = retention_of(around.config.retention)
        self._upkeep = DailyUpkeep(self._store, keep, around.clock)
        self._listener: Listener | None = None
        self._journal: Journal | None = None
        self._writer: Writer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._compared = asyncio.Event()
        self._waiting_for = "store_down: the database has not answered yet"

    async def start(self) -> None:
        around = self._around
        checkpoints = CheckpointReader()
        journal, recovery = Journal.open(
            around.journal_files(Role.LISTENER),
            around.journal_options(),
            empty_checkpoint=EMPTY,
            takes=checkpoints.takes,
        )
        self._journal = journal
        log_recovery(Role.LISTENER, recovery)
        listener = self._listener = self._build(journal)
        listener.boot(checkpoints.last, (payload for _, payload in recovery.records))
        await self._serve_metrics(listener, journal)
        if recovery.is_proven and listener.ledger.is_whole:
            self._tasks.append(around.start(self._open_store(journal, listener)))
            await until_compared(self._compared, listener.ledger)
        else:
            await self._open_store(journal, listener, renumber=True)
        self._listen(listener)
        if checkpoints.refused:
            listener.note_alarm(alarm_of_checkpoint(around.clock.now()))
        self._tasks.append(around.start(watch_journal(journal)))

    async def _serve_metrics(self, listener: Listener, journal: Journal) -> None:
        around = self._around
        max_bytes = around.journal_options().max_bytes

        def sample(out: Samples) -> None:
            sample_listener(out, listener, around.clock)
            if self._writer is not None:
                sample_writer(out, self._writer, around.clock)
            self._upkeep.sample(out)
            sample_journal(out, Role.LISTENER, journal, max_bytes)
            sample_venues(out, Role.LISTENER, self._sessions.venues.values())

        await self._metrics.start(sample, listener.problems)

    def _build(self, journal: Journal) -> Listener:
        around = self._around
        publisher = around.transport.bind_pub(around.endpoints.status, limits.STATUS)
        return Listener(
            listener_settings(around.config),
            {account: venue.profile for account, venue in self._sessions.venues.items()},
            journal=journal,
            status=publisher,
            clock=around.clock,
            timers=around.timers,
            ask_store=self._store.ask,
            instance=around.instance,
            written=lambda: 0 if self._writer is None else self._writer.written,
            appended=lambda: None if self._writer is None else self._writer.on_appended(),
            more_problems=(self._sessions.problems, self._store_problems),
            redial=lambda account, reason: self._sessions.venues[account].redial(reason),
        )

    def _listen(self, listener: Listener) -> None:
        around = self._around

        def hear(venue: CcxtVenue) -> None:
            if venue.profile.has_private_stream:
                venue.listen(listener.on_event)
            else:
                listener.polled(venue.account)

        around.transport.bind_pull(around.endpoints.reports, listener.on_report, limits.REPORTS)
        listener.start()
        self._sessions.open(hear)

    # ---- the store -----------------------------------------------------------------------------

    async def _open_store(
        self, journal: Journal, listener: Listener, *, renumber: bool = False
    ) -> None:
        """Waits for the database; nothing hot waits with it, unless the journal is in doubt."""
        await self._store.open(migrating=True)
        await self._claim()
        positions = await ask(
            self._store, r.FindPositions(journal=journal.identity.hex()), r.FoundPositions
        )
        if renumber or listener.ledger.is_behind(positions.streams):
            await self._renumber(listener, positions)
        listener.ledger.note_stored(positions.streams)
        journal.settle()
        self._compared.set()
        self._waiting_for = ""
        self._start_writer(journal)
        self._tasks.append(asyncio.create_task(self._upkeep.run()))

    async def _renumber(self, listener: Listener, positions: r.FoundPositions) -> None:
        ours = r.FindOpenOrders(accounts=tuple(sorted(listener.ledger.accounts)))
        found = await ask(self._store, ours, r.FoundTracked)
        if positions.streams or found.orders or listener.ledger.has_history:
            reason = "the journal may not hold all that was published"
            log.warning("streams_renumbered reason=%s", reason)
            listener.ledger.renumber(positions.streams, found.orders)

    async def _claim(self) -> None:
        while not await self._claimed():
            await asyncio.sleep(CLAIM_RETRY_S)

    async def _claimed(self) -> bool:
        try:
            await self._store.claim_accounts(self._around.accounts, self._on_taken)
        except AccountsTaken as error:
            self._around.fail(str(error))
            raise
        except Unavailable as error:
            log.warning("claim_waits problem=%s", error)
            return False
        return True

    def _on_taken(self, accounts: tuple[AccountId, ...]) -> None:
        self._around.fail(str(AccountsTaken(accounts)))

    def _start_writer(self, journal: Journal) -> None:
        around = self._around
        self._writer = Writer(
            journal.identity.hex(),
            log=journal,
            reader=JournalReader(around.journal_files(Role.LISTENER)),
            store=self._store,
            timers=around.timers,
            clock=around.clock,
            on_alarm=self._note_alarm,
        )
        self._writer.start()

    def _note_alarm(self, alarm: Alarm) -> None:
        if self._listener is not None:
            self._listener.note_alarm(alarm)

    def _store_problems(self) -> tuple[str, ...]:
        if self._waiting_for:
            return (f"{self._waiting_for} {self._store.problem}".strip(),)
        return () if self._writer is None else self._writer.problems()

    async def close(self) -> None:
        await self._metrics.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sessions.close()
        if self._writer is not None:
            self._writer.stop()
        await self._store.close()
        if self._journal is not None:
            self._journal.close()


def listener_settings(config: Config) -> ListenerSettings:
    silence = nanoseconds(config.timing.stream_silence)
    return ListenerSettings(tag=config.gateway.tag, stream_silence=silence)


async def until_compared(
    compared: asyncio.Event, ledger: Ledger, patience_s: float = STORE_PATIENCE_S
) -> None:
    """A journal that was put back from an older copy proves all that it can, and would give out
    numbers twice. The database tells; if it does not for a while, the numbers jump, and it is
    asked later what else is lost."""
    while ledger.has_history and not await _is_set_within(patience_s, compared):
        reason = "the database does not tell whether this journal is the newest"
        log.warning("streams_renumbered reason=%s", reason)
        try:
            ledger.jump()
        except JournalFull as error:
            log.warning("renumbering_waits text=%s", error)
        else:
            return


async def _is_set_within(seconds: float, event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def ask(store: Store, query: r.Query, expected: type[F]) -> F:
    """One question, awaited, and repeated until the store answers it."""
    while True:
        answered: asyncio.Future[r.Found | r.StoreFailed] = (
            asyncio.get_running_loop().create_future()
        )
        store.ask(query, _settle(answered))
        found = await answered
        if isinstance(found, expected):
            return found
        log.warning("store_waits answer=%s", found)
        await asyncio.sleep(CLAIM_RETRY_S)


def _settle(
    answered: "asyncio.Future[r.Found | r.StoreFailed]",
) -> Callable[[r.Found | r.StoreFailed], None]:
    def done(found: r.Found | r.StoreFailed) -> None:
        if not answered.done():
            answered.set_result(found)

    return done

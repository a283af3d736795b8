"""The executor with its journal and its venue sessions."""

import asyncio
import logging

from gateway.config import nanoseconds
from gateway.domain.checks import CheckRules
from gateway.domain.enums import Role
from gateway.executor import Executor, ExecutorSettings, first_checkpoint
from gateway.journal import Journal, JournalError, JournalReader
from gateway.metrics.executor import sample_executor
from gateway.metrics.process import sample_journal, sample_venues
from gateway.metrics.samples import Samples
from gateway.service.around import Around, VenueSessions
from gateway.service.metrics import ServedMetrics
from gateway.service.recovery import log_recovery, watch_journal
from gateway.service.rehearsal import Rehearsal
from gateway.wire import limits
from gateway.wire.base import PullInput

log = logging.getLogger("gateway.service")


class ExecutorService:
    """Takes commands as soon as its journal is read; an account's orders, once its venue is ready:
    its markets loaded and its connections warm."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._sessions = VenueSessions(around.venues(sends_commands=True))
        self._metrics = ServedMetrics(around, Role.EXECUTOR)
        self._journal: Journal | None = None
        self._watching: asyncio.Task[None] | None = None
        self._rehearsal: Rehearsal | None = None

    async def start(self) -> None:
        around = self._around
        born_at = around.clock.now()
        files = around.journal_files(Role.EXECUTOR)
        journal, recovery = Journal.open(
            files, around.journal_options(), empty_checkpoint=first_checkpoint(born_at)
        )
        self._journal = journal
        log_recovery(Role.EXECUTOR, recovery)
        executor = self._build(journal, JournalReader(files), born_at)
        continuous = recovery.created or recovery.is_proven
        executor.boot(recovery.checkpoint, recovery.records, continuous=continuous)
        self._connect(executor)
        self._watching = around.start(self._watch(journal))
        await self._serve_metrics(executor, journal)
        self._rehearse(executor)

    async def _watch(self, journal: Journal) -> None:
        """It stays all the same: cancels go out without a record, orders are refused."""
        try:
            await watch_journal(journal)
        except JournalError as error:
            log.error("journal_unusable code=%s text=%s", error.code, error)  # noqa: TRY400

    async def _serve_metrics(self, executor: Executor, journal: Journal) -> None:
        venues, max_bytes = self._sessions.venues, self._around.journal_options().max_bytes

        def sample(out: Samples) -> None:
            sample_executor(out, executor, venues)
            sample_journal(out, Role.EXECUTOR, journal, max_bytes)
            sample_venues(out, Role.EXECUTOR, venues.values())

        await self._metrics.start(sample, executor.problems, lambda: executor.ready)

    def _build(self, journal: Journal, reader: JournalReader, born_at: int) -> Executor:
        around = self._around
        transport, endpoints = around.transport, around.endpoints
        return Executor(
            executor_settings(around),
            log=journal,
            reader=reader,
            venues=self._sessions.venues,
            reports=transport.connect_push(endpoints.reports, limits.REPORTS),
            clock=around.clock,
            timers=around.timers,
            randomness=around.randomness,
            instance=around.instance,
            outbox=journal.identity.hex(),
            born_at=born_at,
            settled=journal.settle,
        )

    def _connect(self, executor: Executor) -> None:
        transport, endpoints = self._around.transport, self._around.endpoints
        status = transport.connect_sub(endpoints.status, executor.on_status, limits.STATUS)
        for topic in executor.topics():
            status.subscribe(topic)
        self._sessions.open()
        executor.start()
        transport.bind_pulls(
            [
                PullInput(endpoints.urgent, executor.on_urgent, limits.URGENT),
                PullInput(endpoints.orders, executor.on_order, limits.ORDERS),
            ]
        )

    def _rehearse(self, executor: Executor) -> None:
        around = self._around
        self._rehearsal = Rehearsal(
            executor,
            self._sessions.venues,
            around.clock,
            around.timers,
            around.randomness,
            interval=nanoseconds(around.config.timing.rehearsal),
        )
        self._rehearsal.begin()

    async def close(self) -> None:
        if self._rehearsal is not None:
            self._rehearsal.close()
        await self._metrics.close()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._sessions.close()
        if self._journal is not None:
            self._journal.close()


def executor_settings(around: Around) -> ExecutorSettings:
    config = around.config
    timing = config.timing
    rules = CheckRules(
        dedupe_horizon=nanoseconds(timing.dedupe_horizon),
        max_expiry=nanoseconds(timing.max_expiry),
        clock_error=nanoseconds(timing.clock_error),
    )
    return ExecutorSettings(tag=config.gateway.tag, rules=rules, on_store_down=config.store.on_down)

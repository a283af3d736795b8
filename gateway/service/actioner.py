"""The actioner with the store, the listener's journal and its own venue sessions."""

import asyncio
from functools import partial

from gateway.actioner import Actioner, ActionerSettings
from gateway.config import nanoseconds
from gateway.domain.enums import Role
from gateway.journal import JournalFollower
from gateway.metrics.actioner import sample_actioner
from gateway.metrics.process import sample_venues
from gateway.metrics.samples import Samples
from gateway.service.around import Around, VenueSessions
from gateway.service.metrics import ServedMetrics
from gateway.service.open_alarms import OpenAlarms
from gateway.store.postgres import PostgresStore
from gateway.wire import limits
from gateway.wire.base import Envelope, Responder


class ActionerService:
    """Answers from the start; what needs the database or a venue fails with a code until it is
    there."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._sessions = VenueSessions(around.venues())
        self._store = PostgresStore(around.store_url())
        self._metrics = ServedMetrics(around, Role.ACTIONER)
        self._opening: asyncio.Task[None] | None = None
        self._responder: Responder | None = None

    async def start(self) -> None:
        around = self._around
        transport, endpoints = around.transport, around.endpoints
        self._opening = around.start(self._store.open())
        actioner = self._build()
        status = transport.connect_sub(endpoints.status, actioner.on_status, limits.STATUS)
        for topic in actioner.topics():
            status.subscribe(topic)
        self._sessions.open()
        actioner.start()

        def on_request(envelope: Envelope, frame: bytes) -> None:
            actioner.on_request(frame, partial(self._reply, envelope))

        self._responder = transport.bind_router(endpoints.requests, on_request, limits.REQUESTS)
        await self._serve_metrics(actioner)

    async def _serve_metrics(self, actioner: Actioner) -> None:
        if not self._metrics.wanted:
            return
        open_alarms = OpenAlarms(self._store, self._around.timers)
        open_alarms.start()

        def sample(out: Samples) -> None:
            sample_actioner(out, actioner)
            open_alarms.sample(out)
            sample_venues(out, Role.ACTIONER, self._sessions.venues.values())

        await self._metrics.start(sample, actioner.problems)

    def _build(self) -> Actioner:
        around = self._around
        transport, endpoints = around.transport, around.endpoints
        clock_error = nanoseconds(around.config.timing.clock_error)
        return Actioner(
            ActionerSettings(clock_error=clock_error),
            journal=JournalFollower(around.journal_files(Role.LISTENER)),
            store=self._store,
            venues=self._sessions.venues,
            reports=transport.connect_push(endpoints.reports, limits.REPORTS),
            urgent=transport.connect_push(endpoints.urgent, limits.URGENT),
            clock=around.clock,
            timers=around.timers,
            instance=around.instance,
            tag=around.config.gateway.tag,
        )

    def _reply(self, envelope: Envelope, frame: bytes) -> None:
        if self._responder is not None:
            self._responder.reply(envelope, frame)

    async def close(self) -> None:
        await self._metrics.close()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._sessions.close()
        await self._store.close()

"""The store's upkeep, once a day."""

import asyncio
import logging
from collections import Counter

from gateway.config import RetentionSection
from gateway.domain.errors import GatewayError
from gateway.metrics.samples import Samples
from gateway.ports import Clock
from gateway.store.postgres import PostgresStore
from gateway.store.retention import Retention, Upkeep

log = logging.getLogger("gateway.service")

EVERY_S = 24 * 3600.0
RETRY_S = 3600.0
DAY_NS = 24 * 3600 * 1_000_000_000
SECOND = 1_000_000_000


def retention_of(section: RetentionSection) -> Retention:
    days = section.model_dump()
    return Retention(**{what: None if n is None else n * DAY_NS for what, n in days.items()})


class DailyUpkeep:
    """Its failure is logged, tried again within the hour, and stops nothing."""

    def __init__(self, store: PostgresStore, keep: Retention, clock: Clock) -> None:
        self._store = store
        self._keep = keep
        self._clock = clock
        self._deleted: Counter[str] = Counter()
        self._done_at: int | None = None

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S if await self._look_after() else RETRY_S)

    async def _look_after(self) -> bool:
        try:
            upkeep = await self._store.maintain(self._keep, self._clock.now())
        except GatewayError as error:
            log.warning("upkeep_failed code=%s reason=%s", error.code, error)
            return False
        except Exception:
            log.exception("upkeep_failed")
            return False
        self._note(upkeep)
        return not (upkeep.busy or upkeep.postponed)

    def _note(self, upkeep: Upkeep) -> None:
        self._done_at = self._clock.monotonic()
        self._deleted.update(upkeep.deleted)
        self._deleted["months"] += len(upkeep.months_dropped)

    def sample(self, out: Samples) -> None:
        out.put_each("retention_deleted_total", self._deleted)
        if self._done_at is not None:
            age = self._clock.monotonic() - self._done_at
            out.put("retention_age_seconds", age / SECOND)

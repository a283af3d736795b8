"""The manager: it asks the actioner, and no venue itself."""

from msgspec.structs import replace

from gateway.config import Config, VenueSection, nanoseconds
from gateway.domain.enums import Role
from gateway.manager import Manager, ManagerSettings
from gateway.manager.settings import Pace, Schedule
from gateway.metrics.manager import sample_manager
from gateway.service.around import Around
from gateway.service.metrics import ServedMetrics
from gateway.wire import limits


class ManagerService:
    def __init__(self, around: Around) -> None:
        self._around = around
        self._metrics = ServedMetrics(around, Role.MANAGER)
        self._profiles = {account: venue.profile for account, venue in around.venues().items()}

    async def start(self) -> None:
        around = self._around
        transport, endpoints = around.transport, around.endpoints
        manager = Manager(
            schedule_settings(around.config),
            asker=transport.connect_req(endpoints.requests, limits.REQUESTS),
            reports=transport.connect_push(endpoints.reports, limits.REPORTS),
            clock=around.clock,
            timers=around.timers,
            randomness=around.randomness,
            profiles=self._profiles,
            instance=around.instance,
        )
        status = transport.connect_sub(endpoints.status, manager.on_status, limits.STATUS)
        for topic in manager.topics():
            status.subscribe(topic)
        manager.start()
        await self._metrics.start(
            lambda out: sample_manager(out, manager), manager.problems, lambda: manager.ready
        )

    async def close(self) -> None:
        """Nothing to leave behind: what is due is known again from a snapshot."""
        await self._metrics.close()


def schedule_settings(config: Config) -> ManagerSettings:
    timing = config.timing
    schedule = Schedule(
        pending_new=Pace(nanoseconds(timing.pending_check), nanoseconds(timing.sweep)),
        in_doubt=Pace(nanoseconds(timing.doubt_check), nanoseconds(timing.doubt_check_max)),
        sweep=nanoseconds(timing.sweep),
        poll=nanoseconds(timing.poll),
    )
    venues = {venue.exchange: _overridden(schedule, venue) for venue in config.venues.values()}
    return ManagerSettings(schedule=schedule, venues=venues)


def _overridden(schedule: Schedule, venue: VenueSection) -> Schedule:
    """The schedule for one venue. Two sections of one exchange share the last one's."""
    return replace(
        schedule,
        sweep=schedule.sweep if venue.sweep is None else nanoseconds(venue.sweep),
        poll=schedule.poll if venue.poll is None else nanoseconds(venue.poll),
        checks_per_second=venue.checks_per_second or schedule.checks_per_second,
    )

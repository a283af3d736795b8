"""What the four services share: the configuration made into settings, endpoints and folders."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.config import Config, nanoseconds, read_secrets
from gateway.domain.enums import Role
from gateway.domain.errors import BadConfig, GatewayError
from gateway.domain.identity import AccountId
from gateway.home import Home
from gateway.journal import DirectoryFiles, JournalOptions, machine_boot_id
from gateway.service.database import store_url_of
from gateway.service.endpoints import curve_of, endpoints_of
from gateway.system import LoopTimers, SystemClock, SystemRandomness
from gateway.venues.ccxt_venue import CcxtVenue
from gateway.venues.settings import Credentials, OrdersOver, VenueSettings
from gateway.wire.base import Transport
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext
from gateway.wire.zeromq import ZmqTransport

log = logging.getLogger("gateway.service")

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Around:
    """The surroundings of one service on one event loop.

    `fail` ends the process with a reason, for what no waiting can mend.
    """

    config: Config
    home: Home
    endpoints: Endpoints
    transport: Transport
    fail: Callable[[str], None]
    clock: SystemClock = field(default_factory=SystemClock)
    randomness: SystemRandomness = field(default_factory=SystemRandomness)
    instance: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def timers(self) -> LoopTimers:
        return LoopTimers(asyncio.get_running_loop())

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that goes on beside the service; what ends it by an error ends the process too."""
        return asyncio.get_running_loop().create_task(self._or_fail(work))

    async def _or_fail(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except GatewayError as error:
            self.fail(f"{error.code}: {error}")
        except Exception as error:
            log.exception("background_work_failed")
            self.fail(f"{type(error).__name__} in the background: see the log")

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        return tuple(AccountId(name) for name in self.config.accounts)

    def journal_files(self, role: Role) -> DirectoryFiles:
        return DirectoryFiles(self.home.journal(role))

    def journal_options(self) -> JournalOptions:
        journal = self.config.journal
        return JournalOptions(
            durability=journal.durability,
            boot_id=machine_boot_id(),
            segment_bytes=journal.segment_mib * MIB,
            max_bytes=journal.max_mib * MIB,
            reserve_bytes=journal.reserve_mib * MIB,
        )

    def store_url(self) -> str:
        return store_url_of(self.config, self.home)

    def venues(self, *, sends_commands: bool = False) -> dict[AccountId, CcxtVenue]:
        """A session of this process for each account. Reads the accounts' keys.

        Raises BadConfig with a line for each account that can't have one.
        """
        return sessions(self.config, self.clock, self.randomness, sends_commands=sends_commands)


def sessions(
    config: Config, clock: SystemClock, randomness: SystemRandomness, *, sends_commands: bool
) -> dict[AccountId, CcxtVenue]:
    found: dict[AccountId, CcxtVenue] = {}
    problems: list[str] = []
    for account in map(AccountId, config.accounts):
        try:
            settings = venue_settings(config, account, sends_commands=sends_commands)
            found[account] = CcxtVenue(settings, clock, randomness)
        except BadConfig as error:
            problems.extend(_named(account, line) for line in str(error).splitlines())
    if problems:
        raise BadConfig("\n".join(problems))
    return found


def _named(account: AccountId, problem: str) -> str:
    prefix = f"accounts.{account}"
    return problem if problem.startswith(prefix) else f"{prefix}: {problem}"


def venue_settings(
    config: Config, account: AccountId, *, sends_commands: bool = False
) -> VenueSettings:
    """Reads the account's keys. Raises BadConfig."""
    section = config.accounts[account]
    venue = config.venues[section.venue]
    lag, window = venue.visibility_lag, venue.receive_window
    return VenueSettings(
        account=account,
        exchange=venue.exchange,
        credentials=_credentials(config, account),
        urls=venue.urls,
        options=venue.options,
        unverified=venue.unverified,
        orders_over=None if venue.orders_over is None else OrdersOver(venue.orders_over),
        fast_lane=sends_commands and venue.fast_lane,
        request_timeout=venue.request_timeout,
        visibility_lag=None if lag is None else nanoseconds(lag),
        receive_window=None if window is None else nanoseconds(window),
    )


def _credentials(config: Config, account: AccountId) -> Credentials:
    found = read_secrets(config.accounts[account].secrets(account))
    named = {key.removeprefix(f"accounts.{account}."): secret for key, secret in found.items()}
    return Credentials(
        api_key=named.pop("key", ""),
        secret=named.pop("secret", ""),
        password=named.pop("password", ""),
        other={name.removeprefix("other."): secret for name, secret in named.items()},
    )


def surroundings(
    config: Config,
    home: Home,
    fail: Callable[[str], None],
    *,
    endpoints: Endpoints | None = None,
    shared: SharedContext | None = None,
) -> Around:
    """For the running loop. Makes the home's folders."""
    home.make()
    transport = ZmqTransport(asyncio.get_running_loop(), shared=shared, curve=curve_of(config))
    return Around(
        config=config,
        home=home,
        endpoints=endpoints or endpoints_of(config, home),
        transport=transport,
        fail=fail,
    )


class VenueSessions:
    """Opens the sessions side by side, however long their venues take, and closes them."""

    def __init__(self, venues: Mapping[AccountId, CcxtVenue]) -> None:
        self.venues = venues
        self._opening: list[asyncio.Task[None]] = []

    def open(self, on_open: Callable[[CcxtVenue], None] = lambda _venue: None) -> None:
        """Returns at once; `on_open` is called for each one when it is ready."""
        self._opening = [
            asyncio.create_task(self._open(venue, on_open)) for venue in self.venues.values()
        ]

    async def _open(self, venue: CcxtVenue, on_open: Callable[[CcxtVenue], None]) -> None:
        await venue.open()
        on_open(venue)

    def problems(self) -> tuple[str, ...]:
        return tuple(
            f"venue_not_ready: account {account}: its markets are being loaded; does it answer?"
            for account, venue in self.venues.items()
            if not venue.ready
        )

    async def close(self) -> None:
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        await asyncio.gather(*(venue.close() for venue in self.venues.values()))

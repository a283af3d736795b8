"""What one venue session is made of. Parsing configuration files is not done here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.domain.identity import AccountId


class OrdersOver(StrEnum):
    """The way that places and cancels take; queries always go over REST."""

    REST = "rest"
    WS = "ws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Keys of one account. Never shown: its repr is `Credentials(***)`.

    `other` holds what few venues want besides (`walletAddress`, `privateKey`, `uid`...), under
    ccxt's names.
    """

    api_key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    other: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return "Credentials(***)"

    def for_ccxt(self) -> dict[str, str]:
        named = {"apiKey": self.api_key, "secret": self.secret, "password": self.password}
        return {name: value for name, value in {**named, **self.other}.items() if value}

    def values(self) -> tuple[str, ...]:
        return tuple(self.for_ccxt().values())


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """One account at one exchange. Times in seconds where no other unit is named.

    `exchange` is ccxt's id. `urls` and `options` are merged into ccxt's own (`urls` as
    `{"api": {...}}`). `unverified` must be set for an exchange that has no row in `profiles`.
    """

    account: AccountId
    exchange: str
    credentials: Credentials = field(default_factory=Credentials)
    urls: Mapping[str, Any] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unverified: bool = False
    orders_over: OrdersOver | None = None
    """None: the profile's way."""
    fast_lane: bool = True
    """Commands leave without ccxt where the venue has a fast lane and orders go over a websocket.
    False for a session that sends none."""
    visibility_lag: int | None = None
    """Ns, instead of the profile's."""
    receive_window: int | None = None
    """Ns, instead of the profile's; only for a venue that can be told of one."""
    request_timeout: float = 10.0
    """A command or one page of a query. After it a command's outcome is unknown."""
    same_order_wait: float = 10.0
    """Over REST a request waits so long for the answer to the order's one before it."""
    max_in_flight: int = 1000
    """Requests under way at once; more are answered `busy`. Cancels may come on top, up to as many
    again."""
    keep_warm: float = 10.0
    """Between pings on an idle connection; an idle one is closed after three."""
    keep_alive: float = 5.0
    """Between websocket pings; three without any frame end the private stream."""
    open_retry: float = 1.0
    """First pause after a failed load of the markets; doubles to thirty seconds."""

"""The sections of the configuration, with their defaults and bounds."""

import ipaddress
import itertools
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from gateway.config.secrets import PathText, Secret, Section
from gateway.domain.identity import MAX_TAG, NAME

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=30, le=36_500)]

_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
PAPER_HOST = "127.0.0.1"


class GatewaySection(Section):
    """`tag`: the id space of this gateway, 1 to 4095; two gateways never share one."""

    tag: int = Field(default=1, ge=1, le=MAX_TAG)


class CurveSection(Section):
    """Key files of CURVE. `secret` is this side's pair (`NAME.key_secret`). The gateway's side
    has `clients`, a folder of the public keys that may connect; a program elsewhere has `server`,
    the gateway's public key."""

    secret: PathText
    server: PathText | None = None
    clients: PathText | None = None


class EndpointsSection(Section):
    """`ipc`: sockets in the home's run folder. `tcp`: five ports from `port` on at `host`."""

    transport: Literal["ipc", "tcp"] = "ipc"
    host: str = PAPER_HOST
    port: int = Field(default=7701, ge=1, le=65531)
    curve: CurveSection | None = None

    @field_validator("host")
    @classmethod
    def _is_host(cls, host: str) -> str:
        if not _HOST.fullmatch(host):
            raise ValueError("not a host: a name, an IPv4 address, or an IPv6 address in brackets")
        return host

    @model_validator(mode="after")
    def _keys_where_needed(self) -> Self:
        if self.transport == "tcp" and self.curve is None and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} is not of this machine alone: give [endpoints.curve]"
            )
        if self.transport == "ipc" and self.curve is not None:
            raise ValueError(
                "curve is for tcp; ipc sockets are in a folder that only you can enter"
            )
        return self


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class StoreSection(Section):
    """`url` empty: the embedded PostgreSQL. `on_down`: whether orders are taken without it.

    A `password` inside the URL is taken only from a file that others can't read.
    """

    url: SecretStr = SecretStr("")
    password: Secret | None = None
    on_down: Literal["trade", "halt"] = "trade"

    @model_validator(mode="after")
    def _password_of_a_url(self) -> Self:
        if self.password is not None and not self.url.get_secret_value():
            raise ValueError("password goes with url; the embedded PostgreSQL has none")
        return self


class JournalSection(Section):
    """`process`: survives the death of the process; `disk`: also syncs each record."""

    durability: Literal["process", "disk"] = "process"
    segment_mib: int = Field(default=64, ge=1, le=4096)
    max_mib: int = Field(default=4096, ge=2)
    reserve_mib: int = Field(default=8, ge=0)

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.max_mib < 2 * self.segment_mib:
            raise ValueError("max_mib must be at least twice segment_mib")
        if self.reserve_mib >= self.max_mib:
            raise ValueError("reserve_mib must be less than max_mib")
        return self


class TimingSection(Section):
    """Seconds. The manager's schedule, what the executor holds commands to, when the listener
    mistrusts a private stream, and how often the way of an order is rehearsed (0: never)."""

    max_expiry: Seconds = 60.0
    dedupe_horizon: Seconds = 24 * 3600.0
    clock_error: Seconds = 1.0
    pending_check: Seconds = 2.0
    doubt_check: Seconds = 1.0
    doubt_check_max: Seconds = 60.0
    sweep: Seconds = 30.0
    poll: Seconds = 2.0
    stream_silence: Seconds = 3.0
    rehearsal: float = Field(default=0.005, ge=0, le=1)

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.doubt_check > self.doubt_check_max:
            raise ValueError("doubt_check must not be more than doubt_check_max")
        if self.max_expiry >= self.dedupe_horizon:
            raise ValueError("max_expiry must be less than dedupe_horizon")
        return self


class LogSection(Section):
    """`text` for people, `json` for machines: one object a line."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class MetricsSection(Section):
    """`port` 0: off. Otherwise four ports from it on, for this machine only: the executor's, the
    listener's, the manager's and the actioner's."""

    port: int = Field(default=0, ge=0, le=65532)

    @field_validator("port")
    @classmethod
    def _is_free_for_users(cls, port: int) -> int:
        if 0 < port < 1024:
            raise ValueError("ports below 1024 are the system's; 0 is off")
        return port


class RetentionSection(Section):
    """Days after which the database lets go of what is old; without a number it is kept for ever.

    30 at least: venues are asked about up to a day back, and an order that has been let go of must
    not come again. Open orders, orders with missing trades, alarms that nobody acknowledged and
    transactions that a consumer has not acknowledged stay, however old.
    """

    order_events: Days | None = None
    closed_orders: Days | None = None
    transactions: Days | None = None
    refusals: Days | None = None
    alarms: Days | None = None

    @model_validator(mode="after")
    def _transactions_with_their_orders(self) -> Self:
        orders, transactions = self.closed_orders, self.transactions
        if transactions is not None and (orders is None or orders > transactions):
            raise ValueError(
                "transactions are kept as long as their orders: give closed_orders as many days at"
                " most"
            )
        return self


class PaperSection(Section):
    """The paper venue that runs beside the gateway if a venue has `paper = true`.

    `liquidity`: quotes and takers of its own; without, only your orders meet each other.
    """

    port: int = Field(default=8901, ge=1, le=65535)
    liquidity: bool = True

    @property
    def url(self) -> str:
        return f"http://{PAPER_HOST}:{self.port}"


class VenueSection(Section):
    """One exchange of ccxt. `options` and `urls` are merged into what ccxt is built with.

    `visibility_lag` and `receive_window` (seconds) override what the gateway knows of the venue;
    `orders_over` the way that places and cancels take, and `fast_lane` whether they may leave
    without ccxt where the gateway has a way of its own. `paper`: it is the paper venue. `sweep`,
    `poll` and `checks_per_second` replace the schedule's for venues with a budget of their own.
    """

    exchange: Text
    paper: bool = False
    unverified: bool = False
    orders_over: Literal["rest", "ws"] | None = None
    fast_lane: bool = True
    request_timeout: Seconds = 10.0
    visibility_lag: Seconds | None = None
    receive_window: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] | None = None
    sweep: Seconds | None = None
    poll: Seconds | None = None
    checks_per_second: int | None = Field(default=None, ge=1, le=1000)
    options: dict[str, Any] = Field(default_factory=dict, repr=False)
    urls: dict[str, Any] = Field(default_factory=dict, repr=False)

    @model_validator(mode="after")
    def _paper_speaks_one_protocol(self) -> Self:
        if self.paper and self.exchange != "binance":
            raise ValueError('the paper venue speaks Binance\'s protocol: exchange = "binance"')
        if self.paper and self.urls:
            raise ValueError("with paper = true the URLs are known: leave urls out")
        return self

    def at_paper(self, paper: PaperSection) -> "VenueSection":
        """This venue with the paper venue's URLs, and with nothing that reaches for others."""
        http, socket = paper.url, "ws" + paper.url.removeprefix("http")
        api = {"public": "api/v3", "private": "api/v3", "v1": "api/v1", "sapi": "sapi/v1"}
        urls: dict[str, Any] = {name: f"{http}/{path}" for name, path in api.items()}
        urls["ws"] = {
            "spot": f"{socket}/ws",
            "margin": f"{socket}/ws",
            "ws-api": {"spot": f"{socket}/ws-api/v3"},
        }
        options = {
            "fetchCurrencies": False,
            "fetchMargins": False,
            "fetchMarkets": {"types": ["spot"]},
        }
        return self.model_copy(
            update={"urls": {"api": urls}, "options": {**options, **self.options}}
        )


class AccountSection(Section):
    """`other`: what few venues want besides, under ccxt's names (`walletAddress`, `uid`...)."""

    venue: Name
    key: Secret | None = None
    secret: Secret | None = None
    password: Secret | None = None
    other: dict[Name, Secret] = Field(default_factory=dict)

    def secrets(self, account: str) -> dict[str, Secret | None]:
        """By their keys in the configuration, for errors."""
        named = {"key": self.key, "secret": self.secret, "password": self.password}
        other = {f"other.{name}": secret for name, secret in self.other.items()}
        return {f"accounts.{account}.{name}": one for name, one in {**named, **other}.items()}


class Config(Section):
    gateway: GatewaySection = GatewaySection()
    endpoints: EndpointsSection = EndpointsSection()
    store: StoreSection = StoreSection()
    journal: JournalSection = JournalSection()
    timing: TimingSection = TimingSection()
    log: LogSection = LogSection()
    metrics: MetricsSection = MetricsSection()
    retention: RetentionSection = RetentionSection()
    paper: PaperSection = PaperSection()
    venues: dict[Name, VenueSection] = Field(default_factory=dict)
    accounts: dict[Name, AccountSection] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_port_once(self) -> Self:
        for (name, ports), (other, others) in itertools.combinations(self._ports().items(), 2):
            if both := set(ports) & set(others):
                raise ValueError(
                    f"{name} and {other} both want port {min(both)}: {name} has"
                    f" {ports[0]} to {ports[-1]}, {other} {others[0]} to {others[-1]}"
                )
        return self

    def _ports(self) -> dict[str, range]:
        """What is taken on this machine."""
        endpoints, metrics, paper = self.endpoints, self.metrics.port, self.paper.port
        found = {"metrics.port": range(metrics, metrics + 4)} if metrics else {}
        if endpoints.transport == "tcp":
            found["endpoints.port"] = range(endpoints.port, endpoints.port + 5)
        if self.runs_paper:
            found["paper.port"] = range(paper, paper + 1)
        return found

    @property
    def runs_paper(self) -> bool:
        """Whether the paper venue belongs to this gateway's processes."""
        return any(venue.paper for venue in self.venues.values())

    @property
    def runs_postgres(self) -> bool:
        """Whether the embedded PostgreSQL belongs to this gateway's processes."""
        return not self.store.url.get_secret_value()

"""The configuration: one TOML file, checked as a whole when a process starts.

Every wrong, missing or misspelt key is named at once, with the reason. Secrets are held in
`Secret`, which shows itself nowhere.
"""

import os
import stat
import subprocess
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from gateway.domain.errors import BadConfig
from gateway.domain.identity import MAX_TAG, NAME

SECRET_COMMAND_SECONDS = 30

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GatewaySection(Section):
    """`tag`: the id space of this gateway, 1 to 4095; two gateways never share one."""

    tag: int = Field(default=1, ge=1, le=MAX_TAG)


class EndpointsSection(Section):
    """`ipc`: sockets in the home's run folder. `tcp`: five ports from `port` on at `host`."""

    transport: Literal["ipc", "tcp"] = "ipc"
    host: str = "127.0.0.1"
    port: int = Field(default=7701, ge=1, le=65530)


class StoreSection(Section):
    """`url` empty: the embedded PostgreSQL. `on_down`: whether orders are taken without it."""

    url: SecretStr = SecretStr("")
    on_down: Literal["trade", "halt"] = "trade"


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
        return self


class TimingSection(Section):
    """Seconds. The manager's schedule, and what the executor holds commands to."""

    max_expiry: Seconds = 60.0
    dedupe_horizon: Seconds = 24 * 3600.0
    clock_error: Seconds = 1.0
    pending_check: Seconds = 2.0
    doubt_check: Seconds = 1.0
    doubt_check_max: Seconds = 60.0
    sweep: Seconds = 30.0
    poll: Seconds = 2.0


class VenueSection(Section):
    """One exchange of ccxt. `options` and `urls` are merged into what ccxt is built with."""

    exchange: str
    unverified: bool = False
    orders_over: Literal["rest", "ws"] | None = None
    request_timeout: Seconds = 10.0
    options: dict[str, Any] = {}
    urls: dict[str, Any] = {}


class Secret(Section):
    """Where a secret is found: exactly one of these. `value` is in clear: for paper trading."""

    env: str | None = None
    file: str | None = None
    command: str | None = None
    value: SecretStr | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [s for s in (self.env, self.file, self.command, self.value) if s is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of env, file, command, value")
        return self

    def read(self, key: str) -> str:
        """The secret itself. Raises BadConfig, naming `key` but never what was found."""
        if self.value is not None:
            return self.value.get_secret_value()
        if self.env is not None:
            return _from_environment(self.env, key)
        if self.file is not None:
            return _from_file(Path(self.file), key)
        return _from_command(self.command or "", key)


class AccountSection(Section):
    venue: Name
    key: Secret | None = None
    secret: Secret | None = None
    password: Secret | None = None


class Config(Section):
    gateway: GatewaySection = GatewaySection()
    endpoints: EndpointsSection = EndpointsSection()
    store: StoreSection = StoreSection()
    journal: JournalSection = JournalSection()
    timing: TimingSection = TimingSection()
    venues: dict[Name, VenueSection]
    accounts: dict[Name, AccountSection] = Field(min_length=1)

    @model_validator(mode="after")
    def _venues_exist(self) -> Self:
        for name, account in self.accounts.items():
            if account.venue not in self.venues:
                raise ValueError(f"accounts.{name}.venue: there is no [venues.{account.venue}]")
        return self


def load(path: Path) -> Config:
    """The configuration in the file. Raises BadConfig that names every wrong key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: {error}") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Config:
    """`source` names the text in errors."""
    try:
        raw = tomllib.loads(text, parse_float=float)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{source}: {error}") from error
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise BadConfig("\n".join(_explain(source, error))) from None


def nanoseconds(seconds: float) -> int:
    return int(Decimal(str(seconds)) * 1_000_000_000)


def _explain(source: str, error: ValidationError) -> Iterable[str]:
    for one in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in one["loc"])
        reason = "there is no such key" if one["type"] == "extra_forbidden" else one["msg"]
        yield f"{source}: {key}: {reason}" if key else f"{source}: {reason}"


def _from_environment(name: str, key: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise BadConfig(f"{key}: the environment variable {name} is not set")
    return value


def _from_file(path: Path, key: str) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise BadConfig(f"{key}: {path} can be read by others; use chmod 600")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{key}: cannot read {path}: {type(error).__name__}") from error


def _from_command(command: str, key: str) -> str:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            capture_output=True,
            check=True,
            text=True,
            timeout=SECRET_COMMAND_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BadConfig(f"{key}: its command failed: {type(error).__name__}") from None
    return done.stdout.strip()


PAPER_URL = "http://127.0.0.1:8901"

_EMBEDDED = """\
# The embedded defaults: two accounts at the paper venue that runs beside the gateway.

[venues.paper]
exchange = "binance"

[venues.paper.urls.api]
public = "{http}/api/v3"
private = "{http}/api/v3"
v1 = "{http}/api/v1"
sapi = "{http}/sapi/v1"

[venues.paper.urls.api.ws]
spot = "{ws}/ws"
margin = "{ws}/ws"
ws-api = {{ spot = "{ws}/ws-api/v3" }}

[venues.paper.options]
fetchCurrencies = false
fetchMargins = false
fetchMarkets = {{ types = ["spot"] }}

[accounts.main]
venue = "paper"
key = {{ value = "paper-main" }}
secret = {{ value = "paper-main-secret" }}

[accounts.second]
venue = "paper"
key = {{ value = "paper-second" }}
secret = {{ value = "paper-second-secret" }}
"""


def embedded_text(paper_url: str = PAPER_URL) -> str:
    """The embedded configuration as a file would have it, with the paper venue at `paper_url`."""
    return _EMBEDDED.format(http=paper_url, ws="ws" + paper_url.removeprefix("http"))


def embedded() -> Config:
    """What runs when no configuration is given."""
    return parse(embedded_text(), "the embedded configuration")

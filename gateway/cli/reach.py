"""The way to the gateway that a command line means: its configuration, and clients."""

import contextlib
from collections.abc import Iterator

from gateway import config as configuration
from gateway.cli.exits import NotReachable
from gateway.cli.setting import Setting
from gateway.client import Client, ClientOptions, NotSent
from gateway.client import questions as q
from gateway.config import Config
from gateway.domain.errors import BadInput, Code, GatewayError, TimedOut
from gateway.domain.identity import is_name
from gateway.service.endpoints import curve_of, endpoints_of

CLIENT_ID = "cli"
REACH_S, CONNECT_S = 3.0, 15.0
REQUEST_S = 20.0  # some questions go on to a venue, which has ten seconds


def load(setting: Setting, *, for_processes: bool = False) -> Config:
    """Raises BadConfig."""
    file = setting.config_file
    if file is None:
        return configuration.embedded()
    return configuration.load(file, for_processes=for_processes)


@contextlib.contextmanager
def asking(
    setting: Setting, client_id: str = CLIENT_ID, seconds: float = REQUEST_S
) -> Iterator[Client]:
    """A client for questions only: it follows no stream. Raises NotReachable.

    `seconds`: how long an answer may take.
    """
    _reach(setting, client_id)
    options = ClientOptions(client_id=client_id, request_timeout_s=seconds)
    with contextlib.closing(_client(setting, options)) as client:
        yield client


@contextlib.contextmanager
def following(
    setting: Setting, client_id: str = CLIENT_ID, accounts: tuple[str, ...] = ()
) -> Iterator[Client]:
    """A client whose streams are whole. Raises NotReachable, before anything was sent."""
    known = _reach(setting, client_id)
    for account in accounts:
        if known and account not in known:
            text = f"the gateway has no account {account}; it has {', '.join(known)}"
            raise BadInput(text, Code.UNKNOWN_ACCOUNT)
    options = ClientOptions(client_id=client_id, request_timeout_s=REQUEST_S)
    client = _client(setting, options, accounts)
    try:
        client.__enter__()
    except TimedOut as error:
        raise NotReachable(f"the gateway is not whole yet: {error}") from error
    with contextlib.closing(client):
        yield client


@contextlib.contextmanager
def commanding(setting: Setting) -> Iterator[Client]:
    """A client for commands that no stream answers. Raises NotReachable, also for NotSent."""
    _look_for_home(setting)
    with contextlib.closing(_client(setting, ClientOptions(client_id=CLIENT_ID))) as client:
        try:
            yield client
        except NotSent:
            raise _nobody(setting) from None


def _client(setting: Setting, options: ClientOptions, accounts: tuple[str, ...] = ()) -> Client:
    """`accounts` empty: all that the gateway has."""
    if not is_name(options.client_id):
        raise BadInput("a client's name has 1 to 64 letters, digits, '_', '.' or '-'")
    config = load(setting)
    return Client(
        endpoints_of(config, setting.place),
        options.client_id,
        accounts=accounts,
        connect_timeout=CONNECT_S,
        options=options,
        curve=curve_of(config),
    )


def _reach(setting: Setting, client_id: str) -> tuple[str, ...]:
    """The gateway's accounts: somebody answers, before anything that matters is sent.

    Empty if it answers that it can't say now.
    """
    _look_for_home(setting)
    options = ClientOptions(client_id=client_id, request_timeout_s=REACH_S)
    with contextlib.closing(_client(setting, options)) as client:
        try:
            return tuple(info.account for info in client.ask(q.accounts()).accounts)
        except GatewayError as error:
            if error.code is Code.TIMED_OUT:
                raise _nobody(setting) from None
            return ()


def _look_for_home(setting: Setting) -> None:
    if load(setting).endpoints.transport == "ipc" and not setting.place.run.is_dir():
        raise _nobody(setting)


def _nobody(setting: Setting) -> NotReachable:
    where = endpoints_of(load(setting), setting.place).requests
    return NotReachable(f"no gateway answers at {where}; `gateway up` starts one")

"""A gateway inside this process, on a thread of its own, or in a child process."""

import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Protocol
from weakref import WeakSet

from gateway.attached.beside import (
    PROGRAM_START_S,
    PROGRAM_STOP_S,
    Beside,
    beside,
    held,
    paper_url,
    read_config,
)
from gateway.attached.components import end, new_runner, serve
from gateway.attached.kept import KeptProgram
from gateway.client import Client
from gateway.config import Config
from gateway.domain import messages as m
from gateway.domain.errors import TimedOut, Unavailable
from gateway.home import Home
from gateway.service.embedded import embedded_text
from gateway.service.endpoints import curve_of, endpoints_of
from gateway.wire.curve import CurveKeys
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext

log = logging.getLogger("gateway.attached")

STOP_S = 3 * PROGRAM_STOP_S
"""More than the components and each program beside them may take."""
LEAVE_S = 5.0
EVERY_ROLE = 4


class Running(Protocol):
    """Where clients find the gateway, and how it is."""

    endpoints: Endpoints
    shared: SharedContext | None
    curve: CurveKeys | None
    clients: "WeakSet[Client]"
    """Blocking clients that were given out."""
    paper_url: str
    """Empty without a paper venue."""

    ended: "Future[None]"

    @property
    def failure(self) -> BaseException | None:
        """Why it does not run any more, if nobody stopped it."""

    def problems(self) -> Sequence[str]:
        """What is not well beside the components."""

    def start(self) -> None:
        """Returns at once; what keeps it from starting is told by `failure`."""

    def stop(self) -> None:
        """Returns at once; `ended` tells when."""


class GatewayThread:
    """Everything on one thread with an event loop of its own.

    Not on the host's loop, even where it has one: a host that computes for a second would keep the
    venues' heartbeats, acknowledgements and cancels waiting as long. The interpreter is shared all
    the same; a host that keeps it busy is better off with a child process.
    """

    def __init__(self, config: Config, home: Home, shared: SharedContext) -> None:
        self.endpoints = Endpoints.inproc("gateway")
        self.shared: SharedContext | None = shared
        self.curve: CurveKeys | None = None
        self.clients: WeakSet[Client] = WeakSet()
        self.paper_url = paper_url(config)
        self.ended: Future[None] = Future()
        self._config = config
        self._home = home
        self._stopping: Future[str] = Future()
        self._beside = Beside()
        self._thread = Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        end(self._stopping)

    @property
    def failure(self) -> BaseException | None:
        return self.ended.exception() if self.ended.done() else None

    def problems(self) -> Sequence[str]:
        return self._beside.problems()

    def _run(self) -> None:
        try:
            with held(self._home), beside(self._config, self._home) as self._beside:
                self._beside.wait(PROGRAM_START_S, self._stopping.done)
                reason = self._serve()
        except BaseException as error:  # noqa: BLE001 whoever waits gets it
            self._note_end(error)
        else:
            self._note_end(Unavailable(reason) if reason else None)

    def _serve(self) -> str:
        with new_runner() as runner:
            return runner.run(
                serve(
                    self._config,
                    self._home,
                    self._stopping,
                    endpoints=self.endpoints,
                    shared=self.shared,
                )
            )

    def _note_end(self, error: BaseException | None) -> None:
        if error is None:
            self.ended.set_result(None)
        else:
            log.critical("gateway_ended reason=%s", error)
            self.ended.set_exception(error)


class GatewayChild:
    """Everything in a child process, on the configured endpoints: other programs can use it too.

    It is started again when it dies, and ends with this process however that ends.
    """

    def __init__(self, config: Config, config_file: Path, home: Home) -> None:
        self.endpoints = endpoints_of(config, home)
        self.shared: SharedContext | None = None
        self.curve = curve_of(config)
        self.clients: WeakSet[Client] = WeakSet()
        self.paper_url = paper_url(config)
        self.ended: Future[None] = Future()
        command = [sys.executable, "-P", "-m", "gateway.attached"]
        options = ["--config", str(config_file.absolute()), "--home", str(home.root)]
        self._program = KeptProgram("gateway", [*command, *options], signal.SIGTERM)

    def start(self) -> None:
        self._program.start()

    def stop(self) -> None:
        Thread(target=self._stop, name="gateway-stop", daemon=True).start()

    def _stop(self) -> None:
        self._program.stop(STOP_S)
        self.ended.set_result(None)

    @property
    def pid(self) -> int:
        """0 while it is being started again."""
        return self._program.pid

    @property
    def failure(self) -> BaseException | None:
        return self._program.failure

    def problems(self) -> Sequence[str]:
        return [self._program.problem] if self._program.problem else []


@contextmanager
def running(config_file: Path | str | None, home: Home, *, child: bool) -> Iterator[Running]:
    """One that is not started yet. Raises BadConfig.

    Leaves nothing of it behind, except what it wrote to its home: stop it before.
    """
    if child:
        yield _child(config_file, home)
        return
    config = read_config(config_file)
    shared = SharedContext()
    gateway = GatewayThread(config, home, shared)
    try:
        yield gateway
    finally:
        _leave(shared, list(gateway.clients))


def _leave(shared: SharedContext, clients: Sequence[Client]) -> None:
    """Closing the context breaks off the waiting of other threads, and itself waits until every
    client is closed: those that nobody closed are closed here."""
    closing = Thread(target=shared.close, name="gateway-leave", daemon=True)
    closing.start()
    for client in clients:
        client.close()
    closing.join(LEAVE_S)
    if closing.is_alive():
        reason = "a client outlives the gateway it is attached to"
        log.warning("clients_still_open reason=%s", reason)


def _child(config_file: Path | str | None, home: Home) -> GatewayChild:
    """The embedded defaults are written to a file, so that a restart finds the same ports."""
    config = None if config_file is None else read_config(config_file)
    home.make()
    if config_file is None:
        config_file = home.root / "attached.toml"
        config_file.write_text(embedded_text(), encoding="utf-8")
        config_file.chmod(0o600)
    return GatewayChild(config or read_config(config_file), Path(config_file), home)


def what_is_missing(processes: Sequence[m.Health]) -> str:
    """What keeps the gateway from trading; empty: nothing."""
    silent = EVERY_ROLE - len({one.role for one in processes})
    words = [f"{silent} of {EVERY_ROLE} components have not been heard"] if silent else []
    words += [
        f"{one.role}: {', '.join(one.problems) or 'not ready'}"
        for one in processes
        if not one.ready
    ]
    return "; ".join(words)


def not_ready(gateway: Running, missing: str) -> BaseException:
    """The error for a start that took too long, or failed."""
    words = "; ".join([missing, *gateway.problems()])
    return gateway.failure or TimedOut(f"the gateway is not ready in time: {words}")

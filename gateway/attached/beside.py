"""What four components need beside them: the locks of their roles, a database, a venue."""

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway import config as configuration
from gateway.attached.kept import KeptProgram
from gateway.config import Config
from gateway.domain.enums import Role
from gateway.domain.errors import Unavailable
from gateway.home import Home
from gateway.service.embedded import embedded_text
from gateway.service.paper import paper_environment
from gateway.store.embedded import EmbeddedPostgres
from gateway.wire.base import EndpointInUse
from gateway.wire.locks import Lock, take_lock

ROLES = (Role.LISTENER, Role.EXECUTOR, Role.ACTIONER, Role.MANAGER)
LOOPBACK = "127.0.0.1"
POLL_S = 0.05
PROGRAM_STOP_S = 30.0
PROGRAM_START_S = 60.0
"""A new database cluster takes a few seconds, and more on a busy machine."""
PYTHON = (sys.executable, "-P", "-m")
"""`-P`: a folder named `procs` where the host happens to run is not ours."""


def read_config(path: Path | str | None) -> Config:
    """The file's, or the embedded defaults with the paper venue on a free port.

    Raises BadConfig that names every wrong key.
    """
    if path is not None:
        return configuration.load(Path(path))
    return configuration.parse(embedded_text(), "the embedded configuration")


def paper_url(config: Config) -> str:
    """Empty without a paper venue."""
    return config.paper.url if config.runs_paper else ""


@contextlib.contextmanager
def held(home: Home) -> Iterator[None]:
    """The locks of the four roles, the same that their processes take.

    Raises EndpointInUse, naming the process that has one of them.
    """
    home.make()
    with contextlib.ExitStack() as stack:
        for role in ROLES:
            stack.callback(_lock(home, role).release)
        yield


def _lock(home: Home, role: Role) -> Lock:
    try:
        return take_lock(home.run / f"{role}.lock", f"the role {role}")
    except EndpointInUse as error:
        text = f"{error}; a gateway runs in this home: gateway.connect(...) gives a client of it"
        raise EndpointInUse(text) from None


@dataclass(frozen=True, slots=True)
class Beside:
    """The programs that run beside the components, each with whether it does its work."""

    programs: tuple[tuple[KeptProgram, Callable[[], bool]], ...] = ()

    def problems(self) -> list[str]:
        return [program.problem for program, _ in self.programs if program.problem]

    def wait(self, timeout_s: float, is_stopping: Callable[[], bool]) -> None:
        """Until all do their work, or for so long: the components can do without them for a
        while, but would complain."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not is_stopping():
            if all(is_ready() for _, is_ready in self.programs):
                return
            time.sleep(POLL_S)


@contextlib.contextmanager
def beside(config: Config, home: Home) -> Iterator[Beside]:
    """Runs the embedded PostgreSQL and the paper venue, where the configuration wants them."""
    found = Beside(tuple(_programs(config, home)))
    with contextlib.ExitStack() as stack:
        for program, _ in found.programs:
            program.start()
            stack.callback(program.stop, PROGRAM_STOP_S)
        yield found


def _programs(config: Config, home: Home) -> Iterator[tuple[KeptProgram, Callable[[], bool]]]:
    if config.runs_postgres:
        folders = ("--data", str(home.postgres), "--runtime", str(home.run))
        command = [*PYTHON, "procs.postgres", *folders]
        postgres = EmbeddedPostgres(home.postgres, home.run)
        yield KeptProgram("postgres", command, signal.SIGINT), partial(_answers, postgres)
    if config.runs_paper:
        command = [*PYTHON, "procs.paper"]
        options = paper_environment(config, home.root)
        paper = KeptProgram("paper", command, signal.SIGTERM, options)
        yield paper, partial(_listens, config.paper.port)


def _answers(postgres: EmbeddedPostgres) -> bool:
    try:
        postgres.wait_ready(timeout=0)
    except Unavailable:
        return False
    return True


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True

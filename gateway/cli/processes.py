"""The gateway's processes under supervisord, and what they are started with."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn
from xmlrpc.client import Fault, ProtocolError, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from gateway.cli.exits import NotReachable
from gateway.cli.setting import Setting
from gateway.config import Config
from gateway.domain.errors import Code, GatewayError, Unavailable
from gateway.home import Home
from gateway.service.paper import paper_environment
from gateway.supervision import write_configuration

PROGRAMS = ("postgres", "paper", "listener", "executor", "actioner", "manager")
START_S = 30.0
POLL_S = 0.1


def without(config: Config) -> tuple[str, ...]:
    """Programs that this configuration does not need."""
    needless = {"postgres": not config.runs_postgres, "paper": not config.runs_paper}
    return tuple(name for name, is_needless in needless.items() if is_needless)


def environment(setting: Setting, config: Config) -> dict[str, str]:
    """For every program, the paper venue among them; what is set already goes before."""
    return {**paper_environment(config, setting.place.root), **setting.environment()}


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    state: str
    pid: int
    since: int
    """Ns UTC, of its start or end; 0: never started."""
    trouble: str

    @property
    def runs(self) -> bool:
        return self.state == "RUNNING"


class Supervisor:
    """supervisord of one home, asked over its socket. Raises NotReachable if there is none."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def processes(self) -> list[Process]:
        found = [_process(info) for info in self._call("getAllProcessInfo")]
        return sorted(found, key=lambda one: PROGRAMS.index(one.name))

    def is_running(self) -> bool:
        """Also while it stops."""
        try:
            self._call("getState")
        except NotReachable:
            return False
        except SupervisorRefused:
            return True
        return True

    def restart(self, name: str) -> None:
        """Returns when it has been started again."""
        self.stop(name)
        self.start(name)

    def stop(self, name: str) -> None:
        self._unless("NOT_RUNNING", "stopProcess", name)

    def start(self, name: str) -> None:
        self._unless("ALREADY_STARTED", "startProcess", name)

    def shut_down(self) -> None:
        self._call("shutdown")

    def become(self, variables: Mapping[str, str], needless: tuple[str, ...]) -> NoReturn:
        """This process is the supervisor from here on."""
        file = write_configuration(self._home, needless)
        os.execve(sys.executable, [*_supervisord(file), "--nodaemon"], dict(variables))

    def launch(self, variables: Mapping[str, str], needless: tuple[str, ...]) -> None:
        """As a daemon. Returns when it answers."""
        file = write_configuration(self._home, needless)
        done = subprocess.run(
            _supervisord(file),
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Unavailable(
                f"supervisord did not start: {said[-1] if said else 'no reason given'}"
            )
        deadline = time.monotonic() + START_S
        while not self.is_running():
            if time.monotonic() > deadline:
                raise Unavailable(f"supervisord does not answer; see {self._home.log}")
            time.sleep(POLL_S)

    def _unless(self, harmless: str, method: str, name: str) -> None:
        try:
            self._call(method, name)
        except SupervisorRefused as error:
            if harmless not in str(error):
                raise

    def _call(self, method: str, *arguments: Any) -> Any:
        """On a connection of its own: a transport that failed to connect once never does again."""
        url = f"unix://{self._home.run / 'supervisor.sock'}"
        try:
            with contextlib.closing(SupervisorTransport(None, None, url)) as transport:
                rpc = ServerProxy("http://127.0.0.1", transport=transport).supervisor
                return getattr(rpc, method)(*arguments)
        except Fault as fault:
            raise SupervisorRefused(f"supervisord: {fault.faultString}") from None
        except ProtocolError as error:
            raise SupervisorRefused(f"supervisord: {error.errmsg}") from None
        except (OSError, HTTPException) as error:
            text = f"no supervisord runs for {self._home.root}; `gateway up` starts it"
            raise NotReachable(text) from error


def _supervisord(file: Path) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(file)]


class SupervisorRefused(GatewayError):
    code = Code.NOT_READY


def _process(info: Mapping[str, Any]) -> Process:
    started = int(info["start"] if info["pid"] else info["stop"])
    return Process(
        name=str(info["name"]),
        state=str(info["statename"]),
        pid=int(info["pid"]),
        since=started * 1_000_000_000,
        trouble=str(info["spawnerr"]),
    )

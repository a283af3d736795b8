"""A whole gateway under supervisord in a folder of its own: for the demo, tests and trials."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from gateway import config as configuration
from gateway.domain.errors import TimedOut, Unavailable
from gateway.home import Home
from gateway.service.embedded import embedded_text
from gateway.service.endpoints import endpoints_of
from gateway.supervision import write_configuration

POLL_S = 0.05
PROGRAMS = ("postgres", "paper", "listener", "executor", "actioner", "manager")


class Stage:
    """postgres, the paper venue and the four processes, started and stopped together.

    Use as a context manager. Without `liquidity` only the users' orders meet each other.
    `environment` is added to that of the processes.
    """

    def __init__(
        self,
        root: Path,
        *,
        config_text: str | None = None,
        liquidity: bool = True,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.home = Home.at(root)
        self.config_text = config_text or embedded_text()
        self.config = configuration.parse(self.config_text, "the stage's configuration")
        self.paper_port = self.config.paper.port
        self.paper_url = self.config.paper.url
        self.endpoints = endpoints_of(self.config, self.home)
        self._liquidity = liquidity
        self._environment = environment
        self._supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Stage":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        supervisor_file = write_configuration(self.home)
        config_file = self.home.root / "gateway.toml"
        config_file.write_text(self.config_text, encoding="utf-8")
        config_file.chmod(0o600)
        environment = {
            **os.environ,
            **self._environment,
            "GATEWAY_CONFIG": str(config_file),
            "GATEWAY_PAPER_PORT": str(self.paper_port),
            "GATEWAY_PAPER_STATE": str(self.home.root / "paper.state"),
            "GATEWAY_PAPER_LIQUIDITY": "true" if self._liquidity else "false",
        }
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(supervisor_file)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self, timeout_s: float = 60.0) -> None:
        """Stops everything, writers before keepers. Kills what does not stop in time."""
        supervisor = self._supervisor
        if supervisor is None:
            return
        supervisor.terminate()
        try:
            supervisor.wait(timeout_s)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
            raise
        finally:
            self._supervisor = None

    def end_supervisor(self, number: signal.Signals) -> None:
        """Its programs are told by the kernel; `start` makes a new one."""
        if self._supervisor is None:
            return
        self._supervisor.send_signal(number)
        self._supervisor.wait()
        self._supervisor = None

    def leave_running(self) -> int:
        """Gives up the supervisor, which goes on; its pid."""
        if self._supervisor is None:
            raise Unavailable("nothing is running")
        pid, self._supervisor = self._supervisor.pid, None
        return pid

    # ---- one program ---------------------------------------------------------------------------

    def pid(self, program: str) -> int:
        """0 while it is not running."""
        return int(self._ask("getProcessInfo", program)["pid"])

    def signal(self, program: str, number: signal.Signals) -> None:
        os.kill(self.pid(program), number)

    def kill_and_wait(self, program: str, timeout_s: float = 60.0) -> None:
        """SIGKILL; returns when the supervisor has started it again."""
        before = self.pid(program)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: self.pid(program) not in (0, before), f"{program} is back", timeout_s)

    def restart(self, program: str) -> None:
        """SIGTERM and a new start, as an operator does it."""
        self._ask("stopProcess", program)
        self._ask("startProcess", program)

    def stop_program(self, program: str) -> None:
        self._ask("stopProcess", program)

    def start_program(self, program: str) -> None:
        self._ask("startProcess", program)

    def log_tail(self, program: str, size: int = 4000) -> str:
        path = self.home.log / f"{program}.log"
        return path.read_text(errors="replace")[-size:] if path.exists() else ""

    def _ask(self, method: str, program: str) -> Any:
        """A call of the supervisor's own interface, over its socket."""
        transport = SupervisorTransport(None, None, f"unix://{self.home.run / 'supervisor.sock'}")
        try:
            proxy = ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(program)
        finally:
            if transport.connection is not None:
                transport.connection.close()

    def is_up(self) -> bool:
        """Whether the supervisor answers and has started every program."""
        try:
            return all(self.pid(program) for program in PROGRAMS)
        except (OSError, Fault):
            return False

    def wait_up(self, timeout_s: float = 120.0) -> None:
        wait_for(self.is_up, "every program is started", timeout_s)

    # ---- the paper venue -----------------------------------------------------------------------

    def paper(self, path: str) -> Any:
        """A question to the venue's test kit: its own record."""
        with urllib.request.urlopen(self.paper_url + path, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def paper_send(self, path: str, body: Any, method: str = "POST") -> Any:
        request = urllib.request.Request(  # noqa: S310
            self.paper_url + path,
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float) -> None:
    """Returns when the condition holds. Raises TimedOut."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {timeout_s:g} s, and not: {what}")
        time.sleep(POLL_S)

"""A program that runs beside this process, is started again when it dies, and dies with us.

A thread of its own looks after each one: the kernel's promise that the program dies with its
parent (PR_SET_PDEATHSIG) is bound to the thread that started it, so that thread must live as long
as the program. The host's signals are not needed for any of it: no SIGCHLD, no handler.
"""

import json
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

from gateway.domain.errors import BadConfig, GatewayError
from gateway.supervision import PARENT

log = logging.getLogger("gateway.attached")

RETRY_S = 1.0
LONGEST_LINE = 8192
FORWARDED = frozenset({"debug", "info", "warning", "error", "critical"})


class KeptProgram:
    """`start`, then it is kept running until `stop`. What it says goes to the logger
    `gateway.attached`; how much of that is kept is up to the host.

    A terminal's signals do not reach it: whoever presses ctrl-c wants the host to end, which then
    ends this one in its turn.
    """

    hopeless = 78
    """The exit code (EX_CONFIG) of a program that would fail again: it is not started again."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        stop_signal: signal.Signals,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to ours."""
        self.name = name
        self._environment = {"PYTHONUNBUFFERED": "1", **(environment or {})}
        self._command = ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), *command]
        self._stop_signal = stop_signal
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._last_line = ""
        self._ended_with = ""
        self._failure: GatewayError | None = None
        self._thread = threading.Thread(target=self._keep, name=f"gateway-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Returns when it has ended; kills it after `timeout_s`."""
        self._stopping.set()
        self._signal(self._stop_signal)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("program_killed name=%s waited_s=%g", self.name, timeout_s)
            self._signal(signal.SIGKILL)
            self._thread.join()

    @property
    def pid(self) -> int:
        """0 while it does not run."""
        process = self._process
        return 0 if process is None or process.returncode is not None else process.pid

    @property
    def problem(self) -> str:
        """Why it does not run; empty while it does."""
        return "" if self.pid else self._ended_with

    @property
    def failure(self) -> GatewayError | None:
        """Why it won't be started again."""
        return self._failure

    def _keep(self) -> None:
        while not self._stopping.is_set():
            code = self._run_once()
            if self._stopping.is_set():
                return
            self._ended_with = f"{self.name} ended with code {code}: {self._last_line}"
            log.error("program_ended name=%s code=%d said=%s", self.name, code, self._last_line)
            if code == self.hopeless:
                self._failure = BadConfig(self._last_line)
                return
            self._stopping.wait(RETRY_S)

    def _run_once(self) -> int:
        """The exit code."""
        try:
            process = self._spawn()
        except OSError as error:
            self._last_line = str(error)
            return -1
        with self._lock:
            self._process = process
            if self._stopping.is_set():
                process.send_signal(self._stop_signal)
        assert process.stdout is not None  # noqa: S101 we asked for the pipe
        with process.stdout as said:
            while line := said.readline(LONGEST_LINE):
                self._note(line.rstrip())
        return process.wait()

    def _spawn(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env={**os.environ, **self._environment, PARENT: str(os.getpid())},
        )

    def _note(self, line: str) -> None:
        level, text = read_line(line)
        self._last_line = text
        log.log(level, "%s: %s", self.name, text)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self._process is not None:
                self._process.send_signal(number)


FRAME = frozenset({"at", "level", "role", "logger"})


def read_line(line: str) -> tuple[int, str]:
    """A line's level and text; one in the form of our JSON logs brings its own level."""
    try:
        said = json.loads(line) if line.startswith("{") else None
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("level") not in FORWARDED:
        return logging.INFO, line
    event = str(said.pop("event", line))
    fields = (
        ""
        if " " in event
        else "".join(f" {key}={value}" for key, value in said.items() if key not in FRAME)
    )
    return logging.getLevelNamesMapping()[said["level"].upper()], event + fields

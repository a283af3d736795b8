"""Runs one service as a process: loop, signals, logs, exit code."""

import asyncio
import gc
import logging
import os
import resource
import signal
import threading
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import uvloop

from gateway import config as configuration
from gateway.config import Config
from gateway.domain.enums import Role
from gateway.domain.errors import Code, GatewayError
from gateway.folders import want_of_files
from gateway.home import Home
from gateway.service import logs
from gateway.service.around import Around, surroundings
from gateway.supervision import require_parent
from gateway.venues.scrub import scrub
from gateway.wire.locks import take_lock

log = logging.getLogger("gateway.service")

LONGEST_CLOSE_S = 10.0
"""Less than a supervisor waits before it kills."""
MOST_FILES = 65_536


class Service(Protocol):
    """One of the four, with everything around it."""

    async def start(self) -> None:
        """Returns when it takes messages. Raises GatewayError for what no waiting can mend."""

    async def close(self) -> None:
        """Stops taking messages, and leaves the journal closed cleanly."""


def run(role: Role, build: Callable[[Around], Service], config_path: Path | None) -> int:
    """Until SIGTERM or SIGINT. The exit code: 0, or 1 after a reason in the log."""
    logs.configure(role)
    allow_files()
    try:
        require_parent(os.environ)
        config = configuration.load(config_path) if config_path else configuration.embedded()
        logs.configure(role, config.log.format, config.log.level.upper())
        home = Home.from_environment(os.environ)
        home.make()
        source = config_path or "the embedded defaults"
        log.info("starting version=%s config=%s home=%s", version("gateway"), source, home.root)
        lock = take_lock(home.run / f"{role}.lock", f"the role {role}")
    except GatewayError as error:
        log.critical("cannot_start code=%s reason=%s", error.code, error)
        return 1
    except OSError as error:
        log.critical("cannot_start code=%s reason=%s", Code.TOO_MANY, want_of_files(error))
        return 1
    leaving = threading.Timer(LONGEST_CLOSE_S, _leave_at_once)
    leaving.daemon = True
    try:
        return uvloop.run(_serve(build, config, home, leaving))
    except GatewayError as error:
        log.critical("cannot_start code=%s reason=%s", error.code, error)
        return 1
    finally:
        leaving.cancel()
        lock.release()


def allow_files() -> None:
    """As many as the host lets us. Each program that is connected takes some, and libzmq aborts a
    process that has none left for a connection (`ipc_listener.cpp` asserts that it has)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(
    build: Callable[[Around], Service], config: Config, home: Home, leaving: threading.Timer
) -> int:
    stop = asyncio.Event()
    reasons: list[str] = []

    def fail(reason: str) -> None:
        reasons.append(reason)
        stop.set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(note_stray)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    around = surroundings(config, home, fail)
    service = build(around)
    await _run_until(stop, service, reasons, leaving)
    around.transport.close()
    if reasons:
        log.critical("stopped reason=%s", reasons[0])
        return 1
    log.info("stopped")
    return 0


def _leave_at_once() -> None:
    """Whoever watches over this process may be gone, and its locks keep out its successor; dying
    here is no worse than being killed."""
    log.critical("stopped reason=%s", f"it did not close within {LONGEST_CLOSE_S} s")
    os._exit(1)


def note_stray(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error that nobody waited for. Where it was raised, and its text without what is secret:
    asyncio itself would log both in full, signed URLs and all."""
    error = context.get("exception")
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    text = scrub(f"{context.get('message')}: {type(error).__name__}: {error}")
    log.error("stray_error where=%s text=%s", at, text)


async def _run_until(
    stop: asyncio.Event, service: Service, reasons: list[str], leaving: threading.Timer
) -> None:
    starting = asyncio.create_task(service.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            gc.freeze()  # what was loaded at start lives as long as the process
            await stopping
    except GatewayError as error:
        reasons.append(f"{error.code}: {error}")
    except OSError as error:
        reasons.append(f"{Code.TOO_MANY}: {want_of_files(error)}")
    finally:
        leaving.start()
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await service.close()

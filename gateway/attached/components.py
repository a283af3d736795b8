"""The four components on one event loop, each with a transport of its own."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any

import uvloop

from gateway.config import Config
from gateway.home import Home
from gateway.service.actioner import ActionerService
from gateway.service.around import Around, surroundings
from gateway.service.executor import ExecutorService
from gateway.service.listener import ListenerService
from gateway.service.manager import ManagerService
from gateway.service.runner import Service
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext

SERVICES: tuple[Callable[[Around], Service], ...] = (
    ListenerService,
    ExecutorService,
    ActionerService,
    ManagerService,
)
"""In the order of starting. They end the other way round: who writes before who keeps."""


class Components:
    def __init__(
        self,
        config: Config,
        home: Home,
        fail: Callable[[str], None],
        endpoints: Endpoints | None,
        shared: SharedContext | None,
    ) -> None:
        """`endpoints` None: those of the configuration."""
        self._around = partial(surroundings, config, home, fail, endpoints=endpoints, shared=shared)
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Returns when all take messages. Raises GatewayError for what no waiting can mend."""
        await asyncio.gather(*(service.start() for service in [*map(self._build, SERVICES)]))

    def _build(self, build: Callable[[Around], Service]) -> Service:
        around = self._around()
        self._closing.callback(around.transport.close)
        service = build(around)
        self._closing.push_async_callback(service.close)
        return service

    async def close(self) -> None:
        await self._closing.aclose()


async def serve(
    config: Config,
    home: Home,
    stopping: "Future[str]",
    *,
    endpoints: Endpoints | None = None,
    shared: SharedContext | None = None,
) -> str:
    """Runs the four until `stopping` has a result, which is returned: why, or nothing if asked.

    Raises GatewayError if they can't start.
    """
    stop: asyncio.Future[str] = asyncio.wrap_future(stopping)
    components = Components(config, home, lambda reason: end(stopping, reason), endpoints, shared)
    starting = asyncio.create_task(components.start())
    try:
        either: list[asyncio.Future[Any]] = [starting, stop]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        return await stop
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await components.close()


def new_runner() -> asyncio.Runner:
    """A loop of our own kind, whatever the host's policy says. Off the main thread it touches no
    signals."""
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def end(stopping: "Future[str]", reason: str = "") -> None:
    """From any thread, as often as one likes: the first reason counts."""
    with contextlib.suppress(InvalidStateError):
        stopping.set_result(reason)

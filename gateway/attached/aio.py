"""`gateway.attach_async`: for programs on an asyncio loop, of whatever kind it is."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

from gateway.attached.blocking import POLL_S, home_of
from gateway.attached.running import STOP_S, Running, not_ready, running, what_is_missing
from gateway.client import AsyncClient
from gateway.domain.errors import GatewayError


class AttachedAsyncClient(AsyncClient):
    """An asyncio client of the gateway that is attached to this program."""

    def __init__(self, gateway: Running, client_id: str, **options: Any) -> None:
        super().__init__(
            gateway.endpoints, client_id, shared=gateway.shared, curve=gateway.curve, **options
        )
        self._gateway = gateway
        self._given: WeakSet[AsyncClient] = WeakSet()

    def client(self, client_id: str, **options: Any) -> AsyncClient:
        """One more, on the same loop: use it in an `async with` of its own, inside this one's.
        `options` are those of `AsyncClient`."""
        gateway = self._gateway
        more = AsyncClient(
            gateway.endpoints, client_id, shared=gateway.shared, curve=gateway.curve, **options
        )
        self._given.add(more)
        return more

    @property
    def paper_url(self) -> str:
        """Of the paper venue that was started; empty without one."""
        return self._gateway.paper_url

    @property
    def failure(self) -> BaseException | None:
        """Why the gateway ended by itself; None while it runs."""
        return self._gateway.failure

    async def close(self) -> None:
        for client in tuple(self._given):
            await client.close()
        await super().close()


@contextlib.asynccontextmanager
async def attach_async(
    config: Path | str | None = None,
    *,
    client_id: str = "attached",
    home: Path | str | None = None,
    child: bool = False,
    start_timeout: float = 120.0,
) -> AsyncIterator[AttachedAsyncClient]:
    """As `gateway.attach`, with an asyncio client. The gateway has a thread and a loop of its own:
    what the caller's loop is busy with does not hold it up."""
    with running(config, home_of(home), child=child) as gateway:
        client = AttachedAsyncClient(gateway, client_id, connect_timeout=2 * start_timeout)
        gateway.start()
        try:
            await _connect(client, gateway, start_timeout)
            yield client
        finally:
            await client.close()
            gateway.stop()
            await _until_ended(gateway)


async def _connect(client: AsyncClient, gateway: Running, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    connecting = asyncio.create_task(client.__aenter__())
    try:
        while missing := await _missing(client):
            if gateway.failure is not None or time.monotonic() > deadline:
                raise not_ready(gateway, missing)
            await asyncio.sleep(POLL_S)
        await connecting
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)


async def _until_ended(gateway: Running) -> None:
    ended = asyncio.wrap_future(gateway.ended)
    await asyncio.wait({ended}, timeout=STOP_S)
    if ended.done():
        ended.exception()  # it has been told by `failure`


async def _missing(client: AsyncClient) -> str:
    try:
        return what_is_missing((await client.health()).processes)
    except GatewayError as error:
        return str(error)

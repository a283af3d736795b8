"""The venue as a server: one port for REST, websockets and the test kit.

It is an aiohttp low-level server: no router, no middleware, no access log, because it is also the
far end of benchmarks.
"""

from __future__ import annotations

import asyncio
import ssl

from aiohttp import web

from gateway.paper.control import PREFIX, Control
from gateway.paper.rest import ROUTES, RestApi
from gateway.paper.service import Service
from gateway.paper.tide import Tide
from gateway.paper.websocket_api import WebsocketApi

WEBSOCKET_PATH = "/ws-api/v3"
PUBLIC_WEBSOCKET_PATH = "/ws"


class PaperServer:
    """`start`, then `port` says where it listens; `stop` ends it and leaves the record saved."""

    def __init__(
        self,
        service: Service,
        tide: Tide,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.service = service
        self.host = host
        self.port = port
        self._tls = tls
        self._tide = tide
        self._rest = RestApi(service)
        self._sockets = WebsocketApi(service)
        self._control = Control(service, self._sockets, tide)
        self._web: web.Server | None = None
        self._listening: asyncio.Server | None = None
        self._rising: asyncio.Task[None] | None = None
        service.crash = self.crash

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    async def start(self, *, liquidity: bool = True) -> None:
        await self._listen()
        if liquidity:
            self._tide.start()

    async def stop(self) -> None:
        """Close everything; what is in flight is dropped."""
        self._tide.stop()
        if self._rising is not None:
            self._rising.cancel()
        self._fall()
        if self._web is not None:
            await self._web.shutdown(0.1)
        self.service.save()
        if self.service.file is not None:
            self.service.file.close()

    def crash(self, duration_ms: int) -> None:
        """Drop every connection and all requests in flight, refuse dials for so long, come back.

        What had been executed stays executed: an engine's book outlives its gateways. To lose the
        process as well, kill it.
        """
        now = self.service.clock()
        self.service.venue.record.fault("", "crash", "", 0, now)
        self.service.save()
        self._fall()
        self._rising = asyncio.create_task(self._rise(duration_ms / 1000))

    def _fall(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self.service.forget_requests()
        for connection in self._web.connections if self._web is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def _rise(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._listen()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        if self._web is None:
            self._web = web.Server(self._handle, access_log=None)
        self._listening = await loop.create_server(
            self._web, self.host, self.port, ssl=self._tls, reuse_address=True, backlog=1024
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        operation = ROUTES.get((request.method, path))
        if operation is not None:
            return await self._rest.handle(request, operation)
        if path == WEBSOCKET_PATH:
            return await self._sockets.handle(request)
        if path.startswith(PREFIX):
            return await self._control.handle(request)
        if path == PUBLIC_WEBSOCKET_PATH:
            return await _public_websocket(request)
        return web.Response(status=404, text="<html>404 Not found</html>")


async def _public_websocket(request: web.BaseRequest) -> web.StreamResponse:
    """Market data is not simulated: the connection opens and accepts any subscription."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is web.WSMsgType.TEXT:
            await socket.send_json({"result": None, "id": None})
    return socket

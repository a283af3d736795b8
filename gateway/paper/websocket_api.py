"""The websocket API at /ws-api/v3: requests, and private events on the same socket."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from gateway.paper import wire
from gateway.paper.connection import Connection
from gateway.paper.errors import INVALID_MESSAGE, VenueError
from gateway.paper.faults import CONNECT, FaultKind, first_of
from gateway.paper.operations import OPERATIONS
from gateway.paper.parameters import Parameters
from gateway.paper.service import Ending, Incoming, Reply, Service, spoilt
from gateway.paper.signing import check_signature, check_time, websocket_payload
from gateway.paper.streams import Subscriptions

SUBSCRIBE = "userDataStream.subscribe.signature"
UNSUBSCRIBE = "userDataStream.unsubscribe"

MAX_FRAME_BYTES = 1 << 20


class Session:
    """One websocket connection."""

    def __init__(self, service: Service, connection: Connection) -> None:
        self._service = service
        self.connection = connection
        self.subscriptions = Subscriptions(service, connection)
        self._slow: set[asyncio.Task[None]] = set()

    async def receive(self, text: str) -> None:
        """One frame from the client. Answers of slow requests come later, in their own order."""
        request_id, method, params = _parse(text)
        if method in {SUBSCRIBE, UNSUBSCRIBE}:
            self._send(request_id, self._manage(method, params))
        elif method not in OPERATIONS:
            refusal = VenueError(INVALID_MESSAGE, f"Unknown method '{method}'.")
            self._send(request_id, Reply(400, wire.error(refusal)))
        elif self._service.is_calm:
            await self._request(request_id, method, params)
        else:
            task = asyncio.create_task(self._request(request_id, method, params))
            self._slow.add(task)
            task.add_done_callback(self._slow.discard)

    def close(self) -> None:
        """The socket is gone. Requests that wait are still executed, unanswered."""
        self.subscriptions.close()

    async def _request(self, request_id: Any, method: str, params: dict[str, str]) -> None:
        incoming = Incoming(
            "ws",
            method,
            params,
            params.get("apiKey", ""),
            websocket_payload(params),
            params.get("signature", ""),
        )
        self._send(request_id, await self._service.answer(incoming))

    def _manage(self, method: str, params: dict[str, str]) -> Reply:
        """Subscriptions belong to the connection, so they are answered here."""
        service = self._service
        now = service.clock()
        seq = service.venue.record.request("", method, {}, now, channel="ws")
        spoilt_reply = service.spoil(method, "", seq)
        reply = spoilt_reply or self._managed(method, params, now)
        service.venue.record.outcome(
            seq,
            "",
            method,
            now,
            executed=spoilt_reply is None,
            answered=reply.ending is Ending.ANSWER,
            code=0 if reply.status == 200 or reply.raw is not None else reply.result["code"],
        )
        service.save()
        return reply

    def _managed(self, method: str, params: dict[str, str], now: int) -> Reply:
        try:
            if method == UNSUBSCRIBE:
                self.subscriptions.unsubscribe(Parameters(params).integer("subscriptionId"))
                return Reply(200, {})
            signer = self._service.keys.find(params.get("apiKey", ""))
            check_signature(signer, websocket_payload(params), params.get("signature", ""))
            check_time(Parameters(params), now)
            return Reply(200, {"subscriptionId": self.subscriptions.subscribe(signer.account)})
        except VenueError as refusal:
            return Reply(400, wire.error(refusal))

    def _send(self, request_id: Any, reply: Reply) -> None:
        if reply.ending is Ending.CLOSE:
            self.connection.cut()
        if reply.ending is not Ending.ANSWER:
            return
        good = reply.status == 200
        body = {
            "id": request_id,
            "status": reply.status,
            "result" if good else "error": reply.result,
            "rateLimits": [],
        }
        for _ in range(reply.times):
            self.connection.send(spoilt(body, reply))


class WebsocketApi:
    """Accepts connections and knows the open ones."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.sessions: set[Session] = set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._refused():
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=MAX_FRAME_BYTES, compress=False)
        await socket.prepare(request)
        if request.transport is None:
            return socket
        connection = Connection(socket, request.transport, self._service.clock)
        session = Session(self._service, connection)
        self.sessions.add(session)
        writer = asyncio.create_task(connection.write_waiting())
        try:
            async for message in socket:
                if message.type is web.WSMsgType.TEXT:
                    await session.receive(message.data)
        finally:
            self.sessions.discard(session)
            session.close()
            writer.cancel()
        return socket

    def cut(self, account: str | None = None) -> int:
        """Cut the sockets that carry this account's events, or all. How many."""
        hit = [s for s in self.sessions if s.subscriptions.serves(account)]
        for session in hit:
            session.connection.cut()
        return len(hit)

    def _refused(self) -> bool:
        service = self._service
        if not service.plan:
            return False
        now = service.clock()
        faults = service.plan.decide(CONNECT, "", now, service.rng, "ws")
        fault = first_of(faults, FaultKind.REFUSE_CONNECTION)
        if fault is not None:
            service.venue.record.fault("", fault.kind.value, CONNECT, 0, now)
        return fault is not None


def _parse(text: str) -> tuple[Any, str, dict[str, str]]:
    """Id, method and parameters as strings; what cannot be read has an empty method."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None, "", {}
    if not isinstance(frame, dict):
        return None, "", {}
    params = frame.get("params")
    strings = {k: _as_text(v) for k, v in params.items()} if isinstance(params, dict) else {}
    return frame.get("id"), str(frame.get("method", "")), strings


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

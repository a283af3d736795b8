"""The REST side: paths to operations, framing, and acting on replies."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.paper.limits import Usage
from gateway.paper.operations import OPERATIONS
from gateway.paper.service import Ending, Incoming, Reply, Service, spoilt

ROUTES = {
    ("GET", "/api/v3/ping"): "ping",
    ("GET", "/api/v3/time"): "time",
    ("GET", "/api/v3/exchangeInfo"): "exchangeInfo",
    ("GET", "/api/v3/depth"): "depth",
    ("GET", "/api/v3/ticker/price"): "ticker.price",
    ("GET", "/api/v3/ticker/bookTicker"): "ticker.book",
    ("POST", "/api/v3/order"): "order.place",
    ("POST", "/api/v3/order/test"): "order.test",
    ("DELETE", "/api/v3/order"): "order.cancel",
    ("GET", "/api/v3/order"): "order.status",
    ("POST", "/api/v3/order/cancelReplace"): "order.cancelReplace",
    ("PUT", "/api/v3/order/amend/keepPriority"): "order.amend.keepPriority",
    ("GET", "/api/v3/openOrders"): "openOrders.status",
    ("DELETE", "/api/v3/openOrders"): "openOrders.cancelAll",
    ("GET", "/api/v3/allOrders"): "allOrders",
    ("GET", "/api/v3/myTrades"): "myTrades",
    ("GET", "/api/v3/account"): "account.status",
}

_POLL_S = 0.05


class RestApi:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._usage = Usage()

    async def handle(self, request: web.BaseRequest, operation: str) -> web.StreamResponse:
        incoming = await _incoming(request, operation)
        reply = await self._service.answer(incoming)
        if reply.ending is Ending.HANG:
            await _until_gone(request)
        if reply.ending is not Ending.ANSWER:
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=500)
        return self._response(incoming, reply)

    def _response(self, incoming: Incoming, reply: Reply) -> web.Response:
        operation = OPERATIONS[incoming.operation]
        now = self._service.clock()
        headers = {"x-mbx-used-weight-1m": str(self._usage.weight(operation.weight, now))}
        if operation.counts_orders and reply.status == 200:
            count = self._usage.orders(incoming.key, 1, now)
            headers["x-mbx-order-count-10s"] = str(count)
        if reply.retry_after_s:
            headers["Retry-After"] = str(reply.retry_after_s)
        return web.Response(
            body=spoilt(reply.result, reply),
            status=reply.status,
            headers=headers,
            content_type="text/html" if reply.is_html else "application/json",
        )


async def _incoming(request: web.BaseRequest, operation: str) -> Incoming:
    """What Binance signs is the query followed by the body, without the signature itself."""
    query = request.raw_path.partition("?")[2]
    body = (await request.read()).decode("utf-8", "replace") if request.body_exists else ""
    total = query + body if not (query and body) else f"{query}&{body}"
    raw = dict(parse_qsl(total, keep_blank_values=True))
    payload, _, _ = (query + body).partition("&signature=")
    return Incoming(
        "rest",
        operation,
        raw,
        request.headers.get("X-MBX-APIKEY", ""),
        payload,
        raw.get("signature", ""),
    )


async def _until_gone(request: web.BaseRequest) -> None:
    """Leave the caller waiting until it hangs up, which aiohttp announces to nobody."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(_POLL_S)

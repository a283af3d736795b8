"""The test kit's endpoints on the venue's own port: its record, its faults, its switches.

They are not signed: a paper venue guards nothing, and listens on loopback unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from gateway.paper.entries import Entry
from gateway.paper.errors import VenueError
from gateway.paper.faults import Fault
from gateway.paper.orders import IOC, ZERO
from gateway.paper.record import encode_entries
from gateway.paper.service import Service
from gateway.paper.tide import Tide
from gateway.paper.websocket_api import WebsocketApi

PREFIX = "/paper/"
MAX_PAGE = 10_000


class Action(msgspec.Struct, forbid_unknown_fields=True):
    """Body of POST /paper/control. Which fields count depends on `action`."""

    action: str
    account: str | None = None
    duration_ms: int = 1000
    steps: int = 1
    symbol: str = ""
    side: str = ""
    price: Decimal = ZERO
    quantity: Decimal = ZERO
    asset: str = ""


class Control:
    def __init__(self, service: Service, sockets: WebsocketApi, tide: Tide) -> None:
        self._service = service
        self._sockets = sockets
        self._tide = tide
        self._routes: dict[tuple[str, str], Callable[[Mapping[str, str], bytes], Any]] = {
            ("GET", "record"): self._record,
            ("GET", "orders"): self._orders,
            ("GET", "fills"): self._fills,
            ("GET", "balances"): self._balances,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._set_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "cut"): self._cut,
            ("POST", "control"): self._control,
        }

    async def handle(self, request: web.BaseRequest) -> web.Response:
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return web.Response(status=404)
        body = await request.read()
        try:
            answer = route(request.query, body)
        except (msgspec.DecodeError, ValueError, KeyError, VenueError) as error:
            return _json({"error": str(error)}, status=400)
        self._service.save()
        return answer if isinstance(answer, web.Response) else _json(answer)

    # -- the record

    def _record(self, query: Mapping[str, str], _body: bytes) -> Any:
        """`?after=N&limit=M`; `&format=lines` for JSON lines instead of a page."""
        after = int(query.get("after", "0"))
        limit = min(int(query.get("limit", "1000")), MAX_PAGE)
        record = self._service.venue.record
        entries: list[Entry]
        if after + 1 < record.first_seq and self._service.file is not None:
            entries = self._service.file.read(after, limit)
        else:
            entries = record.entries(after, limit)
        if query.get("format") == "lines":
            return web.Response(body=encode_entries(entries), content_type="application/x-ndjson")
        return {
            "entries": entries,
            "next_after": entries[-1].seq if entries else after,
            "last_seq": record.last_seq,
            "first_seq_in_memory": record.first_seq,
        }

    def _orders(self, query: Mapping[str, str], _body: bytes) -> Any:
        orders = self._service.venue.record.orders(query.get("account"))
        client_id = query.get("client_order_id")
        return [order for order in orders if client_id in {None, order.client_order_id}]

    def _fills(self, query: Mapping[str, str], _body: bytes) -> Any:
        return self._service.venue.record.fills(query.get("account"))

    def _balances(self, query: Mapping[str, str], _body: bytes) -> Any:
        venue = self._service.venue
        wanted = query.get("account")
        names = [wanted] if wanted else venue.accounts()
        return {name: venue.balances(name) for name in names}

    # -- faults

    def _faults(self, _query: Mapping[str, str], _body: bytes) -> Any:
        hits = self._service.plan.hits()
        return [{"fault": fault, "hits": count} for fault, count in hits]

    def _set_faults(self, query: Mapping[str, str], body: bytes) -> Any:
        """A JSON list of faults replaces the plan; with `?mode=add` it is added to it."""
        faults = msgspec.json.decode(body, type=list[Fault])
        if query.get("mode") == "add":
            self._service.plan.add(faults)
        else:
            self._service.plan.replace(faults)
        return {"faults": len(self._service.plan.faults)}

    def _clear_faults(self, _query: Mapping[str, str], _body: bytes) -> Any:
        self._service.plan.replace([])
        return {"faults": 0}

    # -- switches

    def _cut(self, query: Mapping[str, str], _body: bytes) -> Any:
        account = query.get("account")
        now = self._service.clock()
        self._service.venue.record.fault(account or "", "cut", "", 0, now)
        return {"cut": self._sockets.cut(account)}

    def _control(self, _query: Mapping[str, str], body: bytes) -> Any:
        """See `Action`; the answer is `{}` or what the action tells."""
        action = msgspec.json.decode(body, type=Action)
        switches: dict[str, Callable[[Action], Any]] = {
            "pause": lambda _a: self._service.running.clear(),
            "resume": lambda _a: self._service.running.set(),
            "liquidity_on": lambda _a: self._tide.start(),
            "liquidity_off": lambda _a: self._tide.stop(),
            "step": self._step,
            "crash": lambda a: self._service.crash(a.duration_ms),
            "terminate_streams": self._terminate_streams,
            "silence": self._silence,
            "deposit": self._deposit,
            "house_order": self._house_order,
        }
        if action.action not in switches:
            raise ValueError(f"unknown action {action.action!r}; there are {sorted(switches)}")
        return switches[action.action](action) or {}

    def _step(self, action: Action) -> None:
        for _ in range(min(action.steps, MAX_PAGE)):
            self._tide.step()

    def _terminate_streams(self, action: Action) -> None:
        for session in self._sockets.sessions:
            session.subscriptions.terminate(action.account)

    def _silence(self, action: Action) -> None:
        for session in self._sockets.sessions:
            if session.subscriptions.serves(action.account):
                session.connection.silence(action.duration_ms)

    def _deposit(self, action: Action) -> None:
        now = self._service.clock()
        if action.account is None:
            raise ValueError("account is needed")
        self._service.venue.deposit(action.account, action.asset, action.quantity, now)

    def _house_order(self, action: Action) -> None:
        """The venue itself takes what rests up to `price`: fills on demand for tests."""
        now = self._service.clock()
        engine = self._service.venue.engine
        terms = (action.symbol, action.side, action.price, action.quantity)
        engine.submit_house(*terms, IOC, now)
        engine.reporter.finish(now)


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )

"""One request from arrival to answer: recorded, delayed, executed, spoilt, answered.

The transports (REST, websocket) parse a `Call` out of their framing, let `Service.answer` decide
what becomes of it, and act on the `Reply`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from random import Random
from typing import Any

import msgspec
import orjson

from gateway.paper import distort, wire
from gateway.paper.core import PaperVenue
from gateway.paper.errors import (
    BAD_API_KEY_FORMAT,
    CANCEL_REPLACE_PARTLY_FAILED,
    REJECTED_KEY,
    SERVER_BUSY,
    TOO_MANY_REQUESTS,
    UNKNOWN,
    VenueError,
)
from gateway.paper.faults import Fault, FaultKind, FaultPlan, first_of
from gateway.paper.operations import OPERATIONS, Call
from gateway.paper.parameters import NS_PER_MS, Parameters
from gateway.paper.record_file import RecordFile
from gateway.paper.signing import Keys, Signer, check_signature, check_time
from gateway.paper.state import write_head
from gateway.paper.view import TRUTH, View, view_under

_K = FaultKind

NOT_JSON = b"<html><body>upstream error</body></html>"
CDN_PAGE = b"<html><head><title>403 Forbidden</title></head><body>Request blocked.</body></html>"

_UNRECORDED = {"signature", "apiKey"}
_HTTP_STATUS = {
    BAD_API_KEY_FORMAT: 401,
    REJECTED_KEY: 401,
    CANCEL_REPLACE_PARTLY_FAILED: 409,
    TOO_MANY_REQUESTS: 429,
    SERVER_BUSY: 503,
}


class Ending(Enum):
    """How the caller's wait ends."""

    ANSWER = "answer"
    CLOSE = "close"
    HANG = "hang"


class Reply(msgspec.Struct):
    """What to send. `result` is the JSON of a good answer or the error's; `raw` replaces it."""

    status: int
    result: Any
    ending: Ending = Ending.ANSWER
    raw: bytes | None = None
    is_html: bool = False
    truncated: bool = False
    retry_after_s: int = 0
    times: int = 1


class Incoming(msgspec.Struct, frozen=True):
    """A request as a transport understood it. `payload` is what the signature covers."""

    channel: str
    operation: str
    raw: dict[str, str]
    key: str
    payload: str
    signature: str


class Service:
    """The venue behind its API. `clock` is nanoseconds UTC."""

    def __init__(
        self,
        venue: PaperVenue,
        keys: Keys,
        *,
        clock: Callable[[], int],
        rng: Random,
        file: RecordFile | None = None,
    ) -> None:
        self.venue = venue
        self.keys = keys
        self.clock = clock
        self.rng = rng
        self.plan = FaultPlan()
        self.file = file
        self.running = asyncio.Event()
        self.running.set()
        self._slow: set[asyncio.Task[Reply]] = set()
        self.crash: Callable[[int], None] = lambda _duration_ms: None

    def save(self) -> None:
        """Bring the record to disk, before anyone hears of what is in it."""
        self.venue.record.flush()
        if self.file is not None and self.file.is_full:
            self.file.rotate()
            write_head(self.venue, self.clock())
            self.venue.record.flush()

    async def answer(self, request: Incoming) -> Reply:
        """Execute one request under the plan. Never raises for what a caller may send."""
        now = self.clock()
        signer, refusal = self._identify(request)
        account = signer.account if signer else ""
        faults: list[Fault] = []
        if self.plan:
            faults = self.plan.decide(request.operation, account, now, self.rng, request.channel)
        seq = self._record_request(request, account, now)
        if not faults and self.running.is_set():
            return self._finish(request, account, seq, self._judge(request, signer, refusal), ())
        slow = asyncio.create_task(self._answer_under(faults, request, signer, refusal, seq))
        self._slow.add(slow)
        slow.add_done_callback(self._slow.discard)
        await asyncio.wait((slow,))
        return _ended(Ending.CLOSE) if slow.cancelled() else slow.result()

    @property
    def is_calm(self) -> bool:
        """Nothing can make a request wait."""
        return not self.plan and self.running.is_set()

    def spoil(self, operation: str, account: str, request: int) -> Reply | None:
        """The plan's answer to something that only a transport can execute; None: execute it."""
        if not self.plan:
            return None
        now = self.clock()
        faults = self.plan.decide(operation, account, now, self.rng, "ws")
        for fault in faults:
            self.venue.record.fault(account, fault.kind.value, operation, request, now)
        return self._spoilt_before(faults)

    def forget_requests(self) -> None:
        """Drop every request that waits, but the one that asks for this."""
        for task in self._slow:
            if task is not asyncio.current_task():
                task.cancel()

    async def _answer_under(
        self,
        faults: list[Fault],
        request: Incoming,
        signer: Signer | None,
        refusal: VenueError | None,
        seq: int,
    ) -> Reply:
        account = signer.account if signer else ""
        record = self.venue.record
        for fault in faults:
            record.fault(account, fault.kind.value, request.operation, seq, self.clock())
        record.flush()
        try:
            await self.running.wait()
            await _wait(first_of(faults, _K.DELAY_REQUEST))
        except asyncio.CancelledError:
            dropped = _ended(Ending.CLOSE)
            self._finish_unexecuted(request, account, seq, tuple(faults), dropped)
            raise
        reply = self._spoilt_before(faults)
        if reply is None:
            skew = first_of(faults, _K.CLOCK_SKEW)
            skew_ns = skew.skew_ms * NS_PER_MS if skew else 0
            view = view_under(faults, record, self.clock())
            judged = self._judge(request, signer, refusal, skew_ns, view)
            reply = self._spoilt_after(judged, faults)
            self._finish(request, account, seq, judged, tuple(faults), reply)
        else:
            self._finish_unexecuted(request, account, seq, tuple(faults), reply)
        self._crash_if(faults)
        await _wait(first_of(faults, _K.DELAY_ANSWER))
        return reply

    def _identify(self, request: Incoming) -> tuple[Signer | None, VenueError | None]:
        operation = OPERATIONS.get(request.operation)
        if operation is not None and not operation.is_signed:
            return None, None
        try:
            return self.keys.find(request.key), None
        except VenueError as refusal:
            return None, refusal

    def _judge(
        self,
        request: Incoming,
        signer: Signer | None,
        refusal: VenueError | None,
        skew_ns: int = 0,
        view: View = TRUTH,
    ) -> Reply:
        """Check and execute: the honest answer."""
        now = self.clock()
        try:
            if refusal is not None:
                raise refusal
            params = Parameters(request.raw)
            if signer is not None:
                check_signature(signer, request.payload, request.signature)
                check_time(params, now + skew_ns)
            account = signer.account if signer else ""
            at = now + skew_ns if signer is None else now
            result = OPERATIONS[request.operation].run(Call(self.venue, account, params, at, view))
        except VenueError as error:
            return Reply(_HTTP_STATUS.get(error.code, 400), wire.error(error))
        return Reply(200, result)

    def _spoilt_before(self, faults: list[Fault]) -> Reply | None:
        """What the caller gets instead of an execution; None: execute it."""
        fault = next((f for f in faults if f.kind in _INSTEAD), None)
        return _INSTEAD[fault.kind](fault) if fault is not None else None

    def _spoilt_after(self, judged: Reply, faults: list[Fault]) -> Reply:
        if judged.status == 200:
            result = distort.answer(judged.result, faults)
            judged = Reply(judged.status, result)
        fault = next((f for f in faults if f.kind in _AFTERWARDS), None)
        return _AFTERWARDS[fault.kind](fault, judged) if fault is not None else judged

    def _crash_if(self, faults: list[Fault]) -> None:
        fault = first_of(faults, _K.CRASH_BEFORE, _K.CRASH_AFTER)
        if fault is not None:
            self.crash(fault.duration_ms)

    def _record_request(self, request: Incoming, account: str, now: int) -> int:
        raw = request.raw
        client_id = raw.get("newClientOrderId") or raw.get("origClientOrderId") or ""
        return self.venue.record.request(
            account,
            request.operation,
            {key: value for key, value in raw.items() if key not in _UNRECORDED},
            now,
            channel=request.channel,
            client_order_id=client_id,
        )

    def _finish(
        self,
        request: Incoming,
        account: str,
        seq: int,
        judged: Reply,
        faults: tuple[Fault, ...],
        sent: Reply | None = None,
    ) -> Reply:
        """Record what became of an executed request and save it."""
        refused = judged.status != 200
        self.venue.record.outcome(
            seq,
            account,
            request.operation,
            self.clock(),
            executed=True,
            answered=(sent or judged).ending is Ending.ANSWER,
            code=judged.result["code"] if refused else 0,
            msg=judged.result["msg"] if refused else "",
            faults=tuple(fault.kind.value for fault in faults),
        )
        self.save()
        return judged

    def _finish_unexecuted(
        self, request: Incoming, account: str, seq: int, faults: tuple[Fault, ...], sent: Reply
    ) -> None:
        self.venue.record.outcome(
            seq,
            account,
            request.operation,
            self.clock(),
            executed=False,
            answered=sent.ending is Ending.ANSWER,
            faults=tuple(fault.kind.value for fault in faults),
        )
        self.save()


async def _wait(fault: Fault | None) -> None:
    if fault is not None:
        await asyncio.sleep(fault.delay_ms / 1000)


def _error(fault: Fault) -> Reply:
    return Reply(fault.status, {"code": fault.code, "msg": fault.msg})


def _refusal(fault: Fault) -> Reply:
    status = _HTTP_STATUS.get(fault.code, 400)
    return Reply(status, {"code": fault.code, "msg": fault.msg})


def _limited(fault: Fault) -> Reply:
    banned = fault.kind is _K.BAN
    msg = "Way too much request weight used; IP banned." if banned else "Too much request weight."
    status = 418 if banned else 429
    body = {"code": TOO_MANY_REQUESTS, "msg": msg}
    return Reply(status, body, retry_after_s=fault.retry_after_s)


def _ended(ending: Ending) -> Reply:
    return Reply(500, {"code": UNKNOWN, "msg": ""}, ending=ending)


def _truncated(reply: Reply) -> Reply:
    return Reply(reply.status, reply.result, truncated=True)


_INSTEAD: dict[FaultKind, Callable[[Fault], Reply]] = {
    _K.CRASH_BEFORE: lambda _f: _ended(Ending.CLOSE),
    _K.DROP_REQUEST: lambda _f: _ended(Ending.CLOSE),
    _K.HANG_REQUEST: lambda _f: _ended(Ending.HANG),
    _K.ERROR_BEFORE: _error,
    _K.REFUSE: _refusal,
    _K.RATE_LIMIT: _limited,
    _K.BAN: _limited,
    _K.CDN_PAGE: lambda _f: Reply(403, None, raw=CDN_PAGE, is_html=True),
}
_AFTERWARDS: dict[FaultKind, Callable[[Fault, Reply], Reply]] = {
    _K.CRASH_AFTER: lambda _f, _r: _ended(Ending.CLOSE),
    _K.DROP_ANSWER: lambda _f, _r: _ended(Ending.CLOSE),
    _K.HANG_ANSWER: lambda _f, _r: _ended(Ending.HANG),
    _K.ERROR_AFTER: lambda f, _r: _error(f),
    _K.EMPTY_BODY: lambda _f, _r: Reply(200, None, raw=b""),
    _K.BAD_BODY: lambda _f, _r: Reply(200, None, raw=NOT_JSON),
    _K.TRUNCATED_BODY: lambda _f, r: _truncated(r),
    _K.DUPLICATE_ANSWER: lambda _f, r: Reply(r.status, r.result, times=2),
}


def spoilt(body: Any, reply: Reply) -> bytes:
    """The bytes of an answer whose JSON would be `body`."""
    if reply.raw is not None:
        return reply.raw
    encoded = orjson.dumps(body)
    return encoded[: len(encoded) // 2] if reply.truncated else encoded

"""The transport over libzmq: `inproc://`, `ipc://` and `tcp://` behind one interface."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import zmq

from gateway.wire.base import (
    BadEndpoint,
    Counters,
    Limits,
    OnMessage,
    OnRequest,
    OnSubscribe,
    OnTopic,
    PullInput,
    SocketReport,
)
from gateway.wire.curve import CurveKeys, ZapHandler
from gateway.wire.endpoints import Scheme, parse
from gateway.wire.factory import SocketFactory
from gateway.wire.inproc import SharedContext
from gateway.wire.limits import REQUEST_POOL_SIZE
from gateway.wire.links import Binding
from gateway.wire.pub_sub import ZmqPublisher, ZmqSubscriber
from gateway.wire.push_pull import BoundPull, ZmqReceiver, ZmqSender
from gateway.wire.req_router import ReqChannel, ZmqRequester, ZmqResponder
from gateway.wire.sockets import Socket


class OpenSocket(Protocol):
    """What the transport knows of each socket that it opened."""

    @property
    def pattern(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=OpenSocket)


class ZmqTransport:
    """The five patterns over libzmq, read on `loop`. Use it on that loop's thread only."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        shared: SharedContext | None = None,
        curve: CurveKeys | None = None,
    ) -> None:
        self._loop = loop
        self._curve = curve
        self._factory = SocketFactory(shared, curve)
        self._zap: ZapHandler | None = None
        self._open: list[OpenSocket] = []

    def bind_pull(self, endpoint: str, on_message: OnMessage, limits: Limits) -> ZmqReceiver:
        return self.bind_pulls([PullInput(endpoint, on_message, limits)])

    def bind_pulls(self, inputs: Sequence[PullInput]) -> ZmqReceiver:
        bound: list[BoundPull] = []
        try:
            for one in inputs:
                socket, binding = self._bind(zmq.PULL, one.endpoint, one.limits)
                bound.append(BoundPull(socket, binding, one.on_message))
        except BaseException:
            for pull in bound:
                pull.close()
            raise
        return self._keep(ZmqReceiver(self._loop, bound))

    def connect_push(self, endpoint: str, limits: Limits) -> ZmqSender:
        if any(one.pattern == "push" and one.endpoint == endpoint for one in self._still_open()):
            raise BadEndpoint(f"{endpoint!r} has its sender already: messages would be shared out")
        socket, link = self._factory.connect(zmq.PUSH, endpoint, limits)
        return self._keep(ZmqSender(socket, link, endpoint, limits, self._loop))

    def bind_pub(
        self, endpoint: str, limits: Limits, on_subscribe: OnSubscribe | None = None
    ) -> ZmqPublisher:
        socket, binding = self._bind(zmq.XPUB, endpoint, limits)
        return self._keep(ZmqPublisher(self._loop, socket, binding, limits, on_subscribe))

    def connect_sub(self, endpoint: str, on_message: OnTopic, limits: Limits) -> ZmqSubscriber:
        socket, link = self._factory.connect(zmq.SUB, endpoint, limits)
        return self._keep(ZmqSubscriber(self._loop, socket, link, endpoint, on_message))

    def bind_router(self, endpoint: str, on_request: OnRequest, limits: Limits) -> ZmqResponder:
        socket, binding = self._bind(zmq.ROUTER, endpoint, limits)
        return self._keep(ZmqResponder(self._loop, socket, binding, on_request, limits))

    def connect_req(self, endpoint: str, limits: Limits) -> ZmqRequester:
        def open_channel(counters: Counters, on_idle: Callable[[ReqChannel], None]) -> ReqChannel:
            socket, link = self._factory.connect(zmq.REQ, endpoint, limits)
            return ReqChannel(self._loop, socket, link, endpoint, counters, on_idle)

        requester = ZmqRequester(self._loop, open_channel, endpoint, limits, REQUEST_POOL_SIZE)
        return self._keep(requester)

    def reports(self) -> list[SocketReport]:
        return [SocketReport(one.pattern, one.endpoint, one.counters) for one in self._still_open()]

    def close(self) -> None:
        for one in self._still_open():
            one.close()
        if self._zap is not None:
            self._zap.close()
            self._zap = None
        self._factory.close()

    @property
    def refused_keys(self) -> int:
        """How often somebody with a key that is not known, or none, tried to come in."""
        return self._zap.refused if self._zap is not None else 0

    def _bind(self, kind: int, endpoint: str, limits: Limits) -> tuple[Socket, Binding]:
        if self._curve is not None and self._zap is None and _is_tcp(endpoint):
            self._zap = ZapHandler(self._loop, self._factory.context, self._curve)
        return self._factory.bind(kind, endpoint, limits)

    def _keep(self, opened: Opened) -> Opened:
        self._open = [*self._still_open(), opened]
        return opened

    def _still_open(self) -> list[OpenSocket]:
        return [one for one in self._open if not one.closed]


def _is_tcp(endpoint: str) -> bool:
    return parse(endpoint).scheme is Scheme.TCP

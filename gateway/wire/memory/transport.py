"""The transport in memory: one process's side of a network."""

from collections.abc import Sequence
from typing import TypeVar

from gateway.wire.base import (
    BadEndpoint,
    EndpointInUse,
    Limits,
    OnMessage,
    OnRequest,
    OnSubscribe,
    OnTopic,
    PullInput,
    SocketReport,
)
from gateway.wire.memory.network import MemoryNetwork, MemorySocket
from gateway.wire.memory.pub_sub import MemoryPublisher, MemorySubscriber
from gateway.wire.memory.push_pull import MemoryReceiver, MemorySender
from gateway.wire.memory.req_router import MemoryRequester, MemoryResponder

Opened = TypeVar("Opened", bound=MemorySocket)


class MemoryTransport:
    """The five patterns in memory. Any text is an endpoint. Closing it is its process's death."""

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._open: list[MemorySocket] = []

    def bind_pull(self, endpoint: str, on_message: OnMessage, limits: Limits) -> MemoryReceiver:
        return self.bind_pulls([PullInput(endpoint, on_message, limits)])

    def bind_pulls(self, inputs: Sequence[PullInput]) -> MemoryReceiver:
        endpoints = [one.endpoint for one in inputs]
        for endpoint in endpoints:
            self._network.check_free(endpoint)
        if len(set(endpoints)) < len(endpoints):
            raise EndpointInUse(f"bound twice in one set: {', '.join(endpoints)}")
        return self._keep(MemoryReceiver(self._network, inputs))

    def connect_push(self, endpoint: str, limits: Limits) -> MemorySender:
        if any(one.pattern == "push" and one.endpoint == endpoint for one in self._still_open()):
            raise BadEndpoint(f"{endpoint!r} has its sender already: messages would be shared out")
        return self._keep(MemorySender(self._network, endpoint, limits))

    def bind_pub(
        self, endpoint: str, limits: Limits, on_subscribe: OnSubscribe | None = None
    ) -> MemoryPublisher:
        self._network.check_free(endpoint)
        return self._keep(MemoryPublisher(self._network, endpoint, limits, on_subscribe))

    def connect_sub(self, endpoint: str, on_message: OnTopic, limits: Limits) -> MemorySubscriber:
        return self._keep(MemorySubscriber(self._network, endpoint, on_message, limits))

    def bind_router(self, endpoint: str, on_request: OnRequest, limits: Limits) -> MemoryResponder:
        self._network.check_free(endpoint)
        return self._keep(MemoryResponder(self._network, endpoint, on_request, limits))

    def connect_req(self, endpoint: str, limits: Limits) -> MemoryRequester:
        return self._keep(MemoryRequester(self._network, endpoint, limits))

    def reports(self) -> list[SocketReport]:
        return [SocketReport(one.pattern, one.endpoint, one.counters) for one in self._still_open()]

    @property
    def refused_keys(self) -> int:
        """There are no keys in memory."""
        return 0

    def close(self) -> None:
        for one in self._still_open():
            one.close()

    def _keep(self, opened: Opened) -> Opened:
        self._open = [*self._still_open(), opened]
        return opened

    def _still_open(self) -> list[MemorySocket]:
        return [one for one in self._open if not one.closed]

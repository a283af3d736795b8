"""PUSH and PULL in memory."""

from collections.abc import Sequence

from gateway.wire.base import Limits, PullInput, check_size
from gateway.wire.edge import call_guarded
from gateway.wire.memory.network import Inbox, MemoryNetwork, MemorySocket
from gateway.wire.pump import Pump


class MemorySender(MemorySocket):
    """PUSH."""

    pattern = "push"

    def __init__(self, network: MemoryNetwork, endpoint: str, limits: Limits) -> None:
        super().__init__(network, endpoint)
        self._limits = limits

    def send(self, frame: bytes) -> bool:
        check_size(frame, self._limits)
        if not self.ready():
            self.counters.refused += 1
            return False
        self._network.pulls[self.endpoint].put(self.endpoint, self, frame)
        self.counters.sent += 1
        return True

    def ready(self) -> bool:
        receiver = self._network.pulls.get(self.endpoint)
        if self.closed or receiver is None:
            return False
        return receiver.has_room(self.endpoint, self, self._limits.hwm)


class MemoryReceiver(MemorySocket):
    """PULL from one endpoint, or from several of which the first comes first."""

    pattern = "pull"

    def __init__(self, network: MemoryNetwork, inputs: Sequence[PullInput]) -> None:
        self.endpoints = tuple(one.endpoint for one in inputs)
        super().__init__(network, ", ".join(self.endpoints))
        self._inputs = tuple(inputs)
        self._inboxes = {one.endpoint: Inbox[bytes](one.limits.hwm) for one in inputs}
        self._pump = Pump(network.scheduler, self._take_one)
        for endpoint in self.endpoints:
            network.pulls[endpoint] = self

    def has_room(self, endpoint: str, sender: object, hwm: int) -> bool:
        return self._inboxes[endpoint].has_room(sender, hwm)

    def put(self, endpoint: str, sender: object, frame: bytes) -> None:
        self._inboxes[endpoint].put(sender, frame)
        self._pump.schedule()

    def _take_one(self) -> bool:
        return any(self._take_from(one) for one in self._inputs)

    def _take_from(self, one: PullInput) -> bool:
        frame = self._inboxes[one.endpoint].take()
        if frame is None:
            return False
        self.counters.received += 1
        call_guarded(self.counters, one.endpoint, one.on_message, frame)
        return True

    def _leave(self) -> None:
        self._pump.close()
        for endpoint in self.endpoints:
            del self._network.pulls[endpoint]

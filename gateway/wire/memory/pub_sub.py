"""PUB and SUB in memory."""

from collections import deque

from gateway.wire.base import (
    Limits,
    OnSubscribe,
    OnTopic,
    check_size,
    check_subscription,
    check_topic,
)
from gateway.wire.edge import call_guarded
from gateway.wire.memory.network import MemoryNetwork, MemorySocket
from gateway.wire.pump import Pump


class MemoryPublisher(MemorySocket):
    """PUB."""

    pattern = "pub"

    def __init__(
        self,
        network: MemoryNetwork,
        endpoint: str,
        limits: Limits,
        on_subscribe: OnSubscribe | None,
    ) -> None:
        super().__init__(network, endpoint)
        self._limits = limits
        self._on_subscribe = on_subscribe
        network.pubs[endpoint] = self
        for subscriber in network.subs.get(endpoint, []):
            subscriber.subscribe_again()

    def publish(self, topic: str, frame: bytes) -> None:
        check_topic(topic)
        check_size(frame, self._limits)
        if self.closed:
            self.counters.refused += 1
            return
        self.counters.sent += 1
        for subscriber in self._network.subs.get(self.endpoint, []):
            if not subscriber.offer(topic, frame, self._limits.hwm):
                self.counters.dropped += 1

    def note_subscription(self, topic: str) -> None:
        self.counters.subscriptions += 1
        if self._on_subscribe is not None:
            call_guarded(self.counters, self.endpoint, self._on_subscribe, topic)

    def note_unsubscription(self) -> None:
        self.counters.subscriptions -= 1

    def _leave(self) -> None:
        del self._network.pubs[self.endpoint]
        for subscriber in self._network.subs.get(self.endpoint, []):
            subscriber.lose_publisher()


class MemorySubscriber(MemorySocket):
    """SUB. A subscription comes into force on the loop's next turn, never at once: as in life."""

    pattern = "sub"

    def __init__(
        self, network: MemoryNetwork, endpoint: str, on_message: OnTopic, limits: Limits
    ) -> None:
        super().__init__(network, endpoint)
        self._limits = limits
        self._on_message = on_message
        self._wanted: set[str] = set()
        self._in_force: set[str] = set()
        self._queue: deque[tuple[str, bytes]] = deque()
        self._pump = Pump(network.scheduler, self._take_one)
        network.subs.setdefault(endpoint, []).append(self)

    def subscribe(self, topic: str) -> None:
        check_subscription(topic)
        if topic not in self._wanted and not self.closed:
            self._wanted.add(topic)
            self.subscribe_again()

    def unsubscribe(self, topic: str) -> None:
        self._wanted.discard(topic)
        self._drop(topic)

    def subscribe_again(self) -> None:
        """Put what is wanted into force, soon."""
        self._network.scheduler.call_soon(self._put_in_force)

    def lose_publisher(self) -> None:
        self._in_force.clear()

    def offer(self, topic: str, frame: bytes, hwm: int) -> bool:
        """Queue the message if it is wanted; False if it is and there is no room."""
        if not any(topic.startswith(prefix) for prefix in self._in_force):
            return True
        if len(self._queue) >= self._limits.hwm + hwm:
            return False
        self._queue.append((topic, frame))
        self._pump.schedule()
        return True

    def _put_in_force(self) -> None:
        publisher = self._network.pubs.get(self.endpoint)
        if publisher is None or self.closed:
            return
        for topic in sorted(self._wanted - self._in_force):
            self._in_force.add(topic)
            publisher.note_subscription(topic)

    def _drop(self, topic: str) -> None:
        publisher = self._network.pubs.get(self.endpoint)
        if topic in self._in_force and publisher is not None:
            publisher.note_unsubscription()
        self._in_force.discard(topic)

    def _take_one(self) -> bool:
        if not self._queue:
            return False
        topic, frame = self._queue.popleft()
        self.counters.received += 1
        call_guarded(self.counters, self.endpoint, self._on_message, topic, frame)
        return True

    def _leave(self) -> None:
        self._pump.close()
        for topic in list(self._in_force):
            self._drop(topic)
        subscribers = self._network.subs[self.endpoint]
        subscribers.remove(self)
        if not subscribers:
            del self._network.subs[self.endpoint]

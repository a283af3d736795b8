"""PUB and SUB over libzmq: each message is a topic frame, then a body."""

import asyncio

import zmq

from gateway.wire.base import (
    Counters,
    Limits,
    OnSubscribe,
    OnTopic,
    check_size,
    check_subscription,
    check_topic,
)
from gateway.wire.drain import Drain, Source
from gateway.wire.edge import note_malformed
from gateway.wire.links import Binding, Link
from gateway.wire.sockets import Socket

SUBSCRIBED = b"\x01"
UNSUBSCRIBED = b"\x00"


class ZmqPublisher:
    """XPUB: a PUB that also hears who subscribes."""

    pattern = "pub"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket: Socket,
        binding: Binding,
        limits: Limits,
        on_subscribe: OnSubscribe | None,
    ) -> None:
        self.endpoint = binding.endpoint
        self.counters = Counters()
        self._socket = socket
        self._binding = binding
        self._limits = limits
        self._on_subscribe = on_subscribe
        source = Source(socket, binding.endpoint, self._note_subscription)
        self._drain = Drain(loop, [source], self.counters)

    def publish(self, topic: str, frame: bytes) -> None:
        check_topic(topic)
        check_size(frame, self._limits)
        if self._socket.closed:
            self.counters.refused += 1
            return
        self._socket.send_multipart([topic.encode(), frame], zmq.NOBLOCK)  # a full queue drops
        self.counters.sent += 1
        self._drain.recheck()

    def _note_subscription(self, frames: list[bytes]) -> None:
        kind, topic = frames[0][:1], frames[0][1:]
        if len(frames) != 1 or kind not in {SUBSCRIBED, UNSUBSCRIBED}:
            note_malformed(self.counters, self.endpoint)
            return
        if kind == UNSUBSCRIBED:
            self.counters.subscriptions = max(0, self.counters.subscriptions - 1)
            return
        self.counters.subscriptions += 1
        if self._on_subscribe is not None:
            self._on_subscribe(topic.decode(errors="replace"))

    @property
    def closed(self) -> bool:
        return self._socket.closed

    def close(self) -> None:
        if self.closed:
            return
        self._drain.close()
        self._binding.release()
        self._socket.close()


class ZmqSubscriber:
    """SUB."""

    pattern = "sub"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket: Socket,
        link: Link,
        endpoint: str,
        on_message: OnTopic,
    ) -> None:
        self.endpoint = endpoint
        self.counters = Counters()
        self._socket = socket
        self._link = link
        self._on_message = on_message
        self._topics: set[str] = set()
        self._drain = Drain(loop, [Source(socket, endpoint, self._take)], self.counters)
        link.follow(loop, self._drain.recheck)

    def subscribe(self, topic: str) -> None:
        check_subscription(topic)
        if topic in self._topics or self._socket.closed:
            return  # libzmq would count, and want as many unsubscribes
        self._topics.add(topic)
        self._socket.subscribe(topic)
        self._drain.recheck()

    def unsubscribe(self, topic: str) -> None:
        if topic not in self._topics or self._socket.closed:
            return
        self._topics.remove(topic)
        self._socket.unsubscribe(topic)
        self._drain.recheck()

    def _take(self, frames: list[bytes]) -> None:
        message = split_topic(frames)
        if message is None:
            note_malformed(self.counters, self.endpoint)
            return
        self._on_message(*message)

    @property
    def closed(self) -> bool:
        return self._socket.closed

    def close(self) -> None:
        if self.closed:
            return
        self._drain.close()
        self._link.close()
        self._socket.close(linger=0)


def split_topic(frames: list[bytes]) -> tuple[str, bytes] | None:
    """The topic and body of a published message, or None if it is none of ours."""
    if len(frames) != 2:
        return None
    try:
        return frames[0].decode(), frames[1]
    except UnicodeDecodeError:
        return None

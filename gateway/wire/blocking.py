"""The same sockets for a program without an event loop: each call does its waiting itself.

Each socket has a lock, so that one thread may place orders while another waits for updates.
"""

import contextlib
import math
import threading
import time

import zmq

from gateway.wire import limits
from gateway.wire.base import Counters, Limits, check_size, check_subscription
from gateway.wire.curve import CurveKeys
from gateway.wire.edge import note_malformed
from gateway.wire.endpoints import Endpoints
from gateway.wire.factory import SocketFactory
from gateway.wire.inproc import SharedContext
from gateway.wire.pub_sub import split_topic
from gateway.wire.push_pull import ZmqSender
from gateway.wire.sockets import Socket

LONGEST_POLL_S = 3600.0

LONGEST_POLL_S = 3600.0
"""A poll's time is a C int of ms; whoever waits for ever polls again."""


class BlockingSockets:
    """A trading program's side of the wires: `orders`, `urgent`, `status`, `requests`.

    Nothing needs to be bound yet. Raises BadEndpoint, InsecureEndpoint.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        shared: SharedContext | None = None,
        curve: CurveKeys | None = None,
    ) -> None:
        factory = SocketFactory(shared, curve)
        self._open = contextlib.ExitStack()
        self._open.callback(factory.close)
        with contextlib.ExitStack() as undo:
            undo.callback(self._open.close)
            self.orders = BlockingSender(factory, endpoints.orders, limits.ORDERS)
            self._open.callback(self.orders.close)
            self.urgent = BlockingSender(factory, endpoints.urgent, limits.URGENT)
            self._open.callback(self.urgent.close)
            self.status = BlockingSubscriber(factory, endpoints.status)
            self._open.callback(self.status.close)
            self.requests = BlockingRequester(factory, endpoints.requests)
            self._open.callback(self.requests.close)
            undo.pop_all()

    def close(self) -> None:
        """Close all, each call after it finding nobody there.

        Waits at most the linger time for what was sent to leave.
        """
        self._open.close()


class BlockingSender:
    """PUSH; it never waits, except `ready`."""

    def __init__(self, factory: SocketFactory, endpoint: str, bounds: Limits) -> None:
        socket, link = factory.connect(zmq.PUSH, endpoint, bounds)
        self._socket = socket
        self._sender = ZmqSender(socket, link, endpoint, bounds)
        self._lock = threading.Lock()
        self.counters = self._sender.counters

    def send(self, frame: bytes) -> bool:
        """As `Sender.send`: False at once if there is no live peer or its queue is full."""
        with self._lock:
            return self._sender.send(frame)

    def ready(self, timeout_s: float = 0.0) -> bool:
        """Whether a send would be taken, waiting up to `timeout_s` until it would."""
        with self._lock:
            if self._sender.closed:
                return False
            if self._sender.ready():
                return True
            return bool(self._socket.poll(_milliseconds(timeout_s), zmq.POLLOUT))

    def close(self) -> None:
        with self._lock:
            self._sender.close()


class BlockingSubscriber:
    """SUB. `subscribe` and `unsubscribe` wait for a `receive` of another thread to return."""

    def __init__(self, factory: SocketFactory, endpoint: str) -> None:
        self._socket, self._link = factory.connect(zmq.SUB, endpoint, limits.STATUS)
        self._endpoint = endpoint
        self._topics: set[str] = set()
        self._lock = threading.Lock()
        self.counters = Counters()

    def subscribe(self, topic: str) -> None:
        """As `Subscriber.subscribe`."""
        check_subscription(topic)
        with self._lock:
            if topic not in self._topics and not self._socket.closed:
                self._topics.add(topic)
                self._socket.subscribe(topic)

    def unsubscribe(self, topic: str) -> None:
        with self._lock:
            if topic in self._topics and not self._socket.closed:
                self._topics.remove(topic)
                self._socket.unsubscribe(topic)

    def receive(self, timeout_s: float) -> tuple[str, bytes] | None:
        """The next topic and frame, or None after `timeout_s` (0: only what is here)."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            if self._socket.closed:
                return None
            self._link.refresh()
            while (frames := receive_before(self._socket, deadline)) is not None:
                self.counters.received += 1
                message = split_topic(frames)
                if message is not None:
                    return message
                note_malformed(self.counters, self._endpoint)
        return None

    def close(self) -> None:
        with self._lock:
            self._link.close()
            self._socket.close(linger=0)


class BlockingRequester:
    """REQ, one question at a time."""

    def __init__(self, factory: SocketFactory, endpoint: str) -> None:
        self._socket, self._link = factory.connect(zmq.REQ, endpoint, limits.REQUESTS)
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self.counters = Counters()

    def request(self, frame: bytes, timeout_s: float) -> bytes | None:
        """Ask and wait; None as for `Requester.request`. The object can be used on after it."""
        check_size(frame, limits.REQUESTS)
        deadline = time.monotonic() + timeout_s
        with self._lock:
            if not self._send(frame, min(limits.SEND_WAIT_S, timeout_s)):
                self.counters.refused += 1
                return None
            self.counters.sent += 1
            return self._await_reply(deadline)

    def _send(self, frame: bytes, timeout_s: float) -> bool:
        if self._socket.closed:
            return False
        self._link.refresh()
        if not self._socket.poll(_milliseconds(timeout_s), zmq.POLLOUT):
            return False
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _await_reply(self, deadline: float) -> bytes | None:
        while (frames := receive_before(self._socket, deadline)) is not None:
            self.counters.received += 1
            if len(frames) == 1:
                return frames[0]
            note_malformed(self.counters, self._endpoint)
        self.counters.timeouts += 1
        return None

    def close(self) -> None:
        with self._lock:
            self._link.close()
            self._socket.close(linger=0)


def receive_before(socket: Socket, deadline: float) -> list[bytes] | None:
    """The frames of the next message, or None at `deadline` (of the monotonic clock).

    A socket may be readable and yet have nothing: a REQ drops late replies only when it reads.
    """
    while True:
        left = deadline - time.monotonic()
        if not socket.poll(_milliseconds(left)):
            if left <= 0:
                return None
            continue
        try:
            return socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            continue


def _milliseconds(seconds: float) -> int:
    """Rounded up: a wait that ends early would only be begun again. At most what libzmq takes."""
    return max(0, math.ceil(min(seconds, LONGEST_POLL_S) * 1000))

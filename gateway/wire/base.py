"""What every transport offers: five patterns, all non-blocking and driven by callbacks.

Components are synchronous state machines on one event loop. They send with calls that return at
once, and hear through callbacks that the transport runs on the loop, one message at a time. A
callback that raises is logged and counted, and the next message is read: bad input never stops a
transport. Frames are opaque here: one message is one frame.

The errors are leaves of the domain's tree:

    BadConfig ── BadEndpoint           the endpoint cannot be used: mend the configuration
                 └── InsecureEndpoint  strangers could enter: keys or folder rights are missing
    Unavailable ── EndpointInUse       another process holds it: stop that one, or wait for it
    BadInput ── FrameTooLarge          this message can never be sent: refuse it where it was made

A send that may succeed later is not an error: it returns False.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from gateway.domain.errors import BadConfig, BadInput, Code, Unavailable

Envelope: TypeAlias = tuple[bytes, ...]
"""The way back to an asker. Opaque: keep it, and give it to `Responder.reply` unchanged."""

OnMessage: TypeAlias = Callable[[bytes], None]
OnTopic: TypeAlias = Callable[[str, bytes], None]
OnRequest: TypeAlias = Callable[[Envelope, bytes], None]
OnReply: TypeAlias = Callable[[bytes | None], None]
OnSubscribe: TypeAlias = Callable[[str], None]


class BadEndpoint(BadConfig):
    """The endpoint's text, or what lies behind it, cannot be used."""


class InsecureEndpoint(BadEndpoint):
    """The endpoint could be entered by strangers: no keys, or a folder that others can open."""


class EndpointInUse(Unavailable):
    """A live process holds the endpoint. `pid` is that process, or None where it is not known."""

    code = Code.BUSY

    def __init__(self, text: str, pid: int | None = None) -> None:
        super().__init__(text)
        self.pid = pid


class FrameTooLarge(BadInput):
    """The frame is larger than its receiver takes. It was not sent, and cannot be."""

    code = Code.TOO_LARGE


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one socket.

    `hwm` counts messages queued for or from one peer; `max_bytes` is the largest frame. A queue
    that is full refuses (PUSH, ROUTER) or drops for that one peer (PUB); none grows beyond it.
    """

    hwm: int
    max_bytes: int

    def __post_init__(self) -> None:
        if self.hwm < 1 or self.max_bytes < 1:  # zero would mean "without a bound" to libzmq
            raise ValueError("a socket's limits must be positive")


@dataclass(slots=True)
class Counters:
    """What happened on one socket since it was opened."""

    sent: int = 0
    received: int = 0
    refused: int = 0
    """Not sent: no live peer, or its queue was full."""
    dropped: int = 0
    """Not kept for a slow subscriber. Only the memory transport can count these."""
    gone: int = 0
    """Replies whose asker had left."""
    timeouts: int = 0
    """Requests sent and not answered in time."""
    late: int = 0
    """Replies that came after their request had timed out."""
    malformed: int = 0
    """Messages with the wrong frames, thrown away."""
    handler_errors: int = 0
    """Callbacks that raised."""
    subscriptions: int = 0
    """Topics that subscribers hold at present."""


@dataclass(frozen=True, slots=True)
class SocketReport:
    """One open socket's counters, for health messages and metrics."""

    pattern: str
    endpoint: str
    counters: Counters


class Sender(Protocol):
    """PUSH: to the one process that bound the endpoint."""

    counters: Counters

    def send(self, frame: bytes) -> bool:
        """Send, or return False at once: no live peer, or its queue is full.

        True is not a receipt: what was taken is lost if the peer dies before it reads. Whoever
        needs more keeps the message until it is acknowledged. Raises FrameTooLarge.
        """

    def ready(self) -> bool:
        """Whether a send would be taken now."""

    def close(self) -> None: ...


class Receiver(Protocol):
    """PULL: hears through the callback given when it was bound."""

    endpoints: tuple[str, ...]
    """As bound: a port left to the system is filled in."""
    counters: Counters

    def close(self) -> None:
        """Stop hearing. What is queued and not read is lost."""


class Publisher(Protocol):
    """PUB: to every subscriber of a topic, never waiting for one of them."""

    endpoint: str
    counters: Counters

    def publish(self, topic: str, frame: bytes) -> None:
        """Send to whoever subscribes to a prefix of `topic`, which must end with "/".

        A subscriber whose queue is full misses the message; the others do not. Raises ValueError
        for a bad topic, FrameTooLarge.
        """

    def close(self) -> None: ...


class Subscriber(Protocol):
    """SUB: hears through the callback given when it was connected.

    A subscription takes time to reach the publisher, and nothing says when it has: subscribe, wait
    until a first message of the topic is heard (stream heads come each second), and only then rely
    on it. After a lost connection the subscriptions are made again by themselves.
    """

    counters: Counters

    def subscribe(self, topic: str) -> None:
        """Hear topics that begin with `topic`, which ends with "/" or is empty (everything)."""

    def unsubscribe(self, topic: str) -> None: ...

    def close(self) -> None: ...


class Requester(Protocol):
    """REQ: questions and their answers."""

    counters: Counters

    def request(self, frame: bytes, timeout_s: float, on_reply: OnReply) -> None:
        """Ask. `on_reply` runs exactly once, later, never inside this call: the answer, or None.

        None: no answer within `timeout_s`, nobody to ask, or too many questions open at once. The
        request may have arrived all the same. A late answer is thrown away, never taken for that
        of another request. Closing drops open requests without a call. Raises FrameTooLarge.
        """

    def close(self) -> None: ...


class Responder(Protocol):
    """ROUTER: answers many askers, in any order, at any time."""

    endpoint: str
    counters: Counters

    def reply(self, envelope: Envelope, frame: bytes) -> bool:
        """Answer the asker behind `envelope`; False if it has left or does not read.

        Raises FrameTooLarge.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PullInput:
    """One endpoint of a set that is drained by priority, and who hears it."""

    endpoint: str
    on_message: OnMessage
    limits: Limits


class Transport(Protocol):
    """Opens sockets. The side that binds an endpoint is the one process that owns it.

    Opening raises BadEndpoint, InsecureEndpoint or EndpointInUse.
    """

    def bind_pull(self, endpoint: str, on_message: OnMessage, limits: Limits) -> Receiver: ...

    def bind_pulls(self, inputs: Sequence[PullInput]) -> Receiver:
        """Bind several inputs drained in the order given.

        Before each message of a later input, the earlier ones are looked at again: a cancel
        overtakes the orders that wait.
        """

    def connect_push(self, endpoint: str, limits: Limits) -> Sender:
        """Connect to an endpoint, once: two connections would share out one program's orders."""

    def bind_pub(
        self, endpoint: str, limits: Limits, on_subscribe: OnSubscribe | None = None
    ) -> Publisher:
        """Bind a publisher. `on_subscribe(topic)` runs when a subscription has come into force."""

    def connect_sub(self, endpoint: str, on_message: OnTopic, limits: Limits) -> Subscriber: ...

    def bind_router(self, endpoint: str, on_request: OnRequest, limits: Limits) -> Responder: ...

    def connect_req(self, endpoint: str, limits: Limits) -> Requester: ...

    def reports(self) -> list[SocketReport]:
        """Counters of every open socket."""

    @property
    def refused_keys(self) -> int:
        """How often somebody with a key that is not known, or none, tried to come in."""

    def close(self) -> None:
        """Close every socket. Waits at most the linger time for what was taken to leave."""


def check_size(frame: bytes, limits: Limits) -> None:
    """Refuse a frame that its receiver would cut the connection for."""
    if len(frame) > limits.max_bytes:
        raise FrameTooLarge(
            f"the message has {len(frame)} bytes and at most {limits.max_bytes} are taken"
        )


def check_topic(topic: str) -> None:
    """Refuse a topic that could match another's subscribers: `acc1` would match `acc10`."""
    if not topic.endswith("/"):
        raise ValueError(f"a topic ends with '/': {topic!r}")


def check_subscription(topic: str) -> None:
    """As `check_topic`; the empty topic is everything."""
    if topic:
        check_topic(topic)

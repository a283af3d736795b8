"""Who is bound and connected where, for the transports that share it."""

from collections import deque
from typing import Generic, Protocol, TypeVar

from gateway.wire.base import Counters, EndpointInUse
from gateway.wire.pump import Scheduler

Item = TypeVar("Item")


class PullEnd(Protocol):
    """A bound PULL, as a sender sees it."""

    def has_room(self, endpoint: str, sender: object, hwm: int) -> bool: ...
    def put(self, endpoint: str, sender: object, frame: bytes) -> None: ...


class PubEnd(Protocol):
    """A bound PUB, as a subscriber sees it."""

    def note_subscription(self, topic: str) -> None: ...
    def note_unsubscription(self) -> None: ...


class SubEnd(Protocol):
    """A subscriber, as its publisher sees it."""

    def subscribe_again(self) -> None: ...
    def lose_publisher(self) -> None: ...
    def offer(self, topic: str, frame: bytes, hwm: int) -> bool: ...


class RouterEnd(Protocol):
    """A bound ROUTER, as an asker sees it."""

    def has_room(self, asker: bytes, hwm: int) -> bool: ...
    def put(self, asker: bytes, number: bytes, frame: bytes) -> None: ...


class AskerEnd(Protocol):
    """An asker, as a ROUTER sees it."""

    def send_waiting(self) -> None: ...
    def has_room(self, hwm: int) -> bool: ...
    def put(self, number: bytes, frame: bytes) -> None: ...


class MemoryNetwork:
    """The endpoints of one test or program. Give it to each transport."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.pulls: dict[str, PullEnd] = {}
        self.pubs: dict[str, PubEnd] = {}
        self.routers: dict[str, RouterEnd] = {}
        self.subs: dict[str, list[SubEnd]] = {}
        self.requesters: dict[str, list[AskerEnd]] = {}
        self.askers: dict[bytes, AskerEnd] = {}
        self._names = 0

    def check_free(self, endpoint: str) -> None:
        """Raises EndpointInUse if somebody is bound there."""
        if any(endpoint in bound for bound in (self.pulls, self.pubs, self.routers)):
            raise EndpointInUse(f"{endpoint} is bound already")

    def new_name(self) -> bytes:
        """A name that no other asker has."""
        self._names += 1
        return self._names.to_bytes(8)


class MemorySocket:
    """What they have in common."""

    pattern = ""

    def __init__(self, network: MemoryNetwork, endpoint: str) -> None:
        self.endpoint = endpoint
        self.counters = Counters()
        self.closed = False
        self._network = network

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._leave()

    def _leave(self) -> None:
        """Undo what opening did to the network."""


class Inbox(Generic[Item]):
    """What waits for one bound socket: a bounded queue for each peer, read in turn."""

    def __init__(self, hwm: int) -> None:
        self.hwm = hwm
        self._queues: dict[object, deque[Item]] = {}
        self._turn: deque[object] = deque()

    def has_room(self, peer: object, hwm: int) -> bool:
        return len(self._queues.get(peer, ())) < self.hwm + hwm

    def put(self, peer: object, item: Item) -> None:
        queue = self._queues.setdefault(peer, deque())
        queue.append(item)
        if len(queue) == 1:
            self._turn.append(peer)

    def take(self) -> Item | None:
        """The next item; the peer it came from goes to the end of the line."""
        if not self._turn:
            return None
        peer = self._turn.popleft()
        queue = self._queues[peer]
        item = queue.popleft()
        if queue:
            self._turn.append(peer)
        else:
            del self._queues[peer]
        return item

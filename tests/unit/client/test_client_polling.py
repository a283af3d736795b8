"""A blocking client that only polls, its sockets in memory and its clock standing still."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from client_kit import EPOCH, MAIN, SECOND, Outlet, Time, head, transaction

from gateway.client import Client, NotSent, blocking
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.identity import AccountId
from gateway.wire.endpoints import Endpoints

SECOND_ACCOUNT = AccountId("second")


class Status:
    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()

    def subscribe(self, topic: str) -> None:
        pass

    def receive(self, timeout_s: float) -> tuple[str, bytes] | None:
        return ("", self.waiting.popleft()) if self.waiting else None


class Requests:
    """Notes what is asked, and what has not been read by then; answers if it is told how."""

    def __init__(self, status: Status) -> None:
        self.asked: list[Any] = []
        self.unread: list[int] = []
        self.answer: Callable[[Any], m.Reply | None] = lambda _request: None
        self._status = status

    def request(self, frame: bytes, timeout_s: float) -> bytes | None:
        request = codec.requests.decode(frame)
        self.asked.append(request)
        self.unread.append(len(self._status.waiting))
        reply = self.answer(request)
        return None if reply is None else codec.encode(reply)


class Sockets:
    def __init__(self, *_: Any, **__: Any) -> None:
        self.orders, self.urgent, self.status = Outlet(), Outlet(), Status()
        self.requests = Requests(self.status)

    def close(self) -> None:
        pass


class Poller:
    """Follows both accounts, each whole up to 0."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time, self.sockets = Time(), Sockets()
        monkeypatch.setattr(blocking, "BlockingSockets", lambda *_, **__: self.sockets)
        monkeypatch.setattr(blocking, "SystemClock", lambda: self.time)
        self.client = Client(Endpoints.inproc("none"), "desk")
        self.requests = self.sockets.requests
        self.requests.answer = self.replay
        self.replayed_at_once = 1_000
        self.client.protocol.connect((MAIN, SECOND_ACCOUNT), tag=7)
        self.hear(head(0), head_of_second(0))
        while not self.client.protocol.is_live:
            self.client.pump()
        self.requests.asked.clear()
        self.requests.unread.clear()

    def hear(self, *messages: m.Message) -> None:
        self.sockets.status.waiting += [codec.encode(message) for message in messages]

    def replay(self, request: Any) -> m.Reply:
        if isinstance(request, m.TakeSnapshot):
            return m.SnapshotReply(request_id="r", epoch=EPOCH, seq=0, orders=())
        last = min(request.to_seq, request.from_seq + self.replayed_at_once - 1)
        items = [
            transaction(seq, account=AccountId(request.account))
            for seq in range(request.from_seq, last + 1)
        ]
        return m.ReplayReply(request_id="r", items=tuple(items), more=False)

    @property
    def seq(self) -> int:
        return self.client.protocol.position(MAIN)[1]


def head_of_second(seq: int) -> m.Head:
    return m.Head(account=SECOND_ACCOUNT, epoch=EPOCH, seq=seq, at=1)


@pytest.fixture
def poller(monkeypatch: pytest.MonkeyPatch) -> Iterator[Poller]:
    one = Poller(monkeypatch)
    yield one
    one.client.close()


def test_a_gap_that_a_poll_finds_is_closed_by_the_same_poll(poller: Poller) -> None:
    poller.hear(head(3))
    poller.client.pump()

    assert poller.seq == 3


def test_what_has_come_is_read_before_anything_is_asked(poller: Poller) -> None:
    poller.hear(head(3), transaction(1, account=SECOND_ACCOUNT))
    poller.client.pump()

    assert poller.requests.unread == [0]


def test_a_poll_asks_so_much_and_the_next_ones_the_rest(poller: Poller) -> None:
    poller.replayed_at_once = 1
    poller.hear(head(3 * blocking.MOST_ASKED))
    poller.client.pump()
    assert 0 < len(poller.requests.asked) <= blocking.MOST_ASKED
    while poller.seq < 3 * blocking.MOST_ASKED:
        poller.client.pump()

    assert len(poller.requests.asked) == 3 * blocking.MOST_ASKED


def test_a_halt_asks_nothing_and_what_waited_has_its_whole_time_when_it_is_asked(
    poller: Poller,
) -> None:
    poller.hear(head(3))
    poller.sockets.urgent.up = False
    with pytest.raises(NotSent):
        poller.client.halt(timeout=0)
    assert poller.sockets.status.waiting == deque()
    assert poller.requests.asked == []
    poller.time.wall += 60 * SECOND
    poller.client.pump()

    (asked,) = poller.requests.asked
    assert asked.expires_at == poller.time.wall + 5 * SECOND

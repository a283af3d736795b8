"""What only the memory transport does: the same run each time, on any scheduler."""

from collections.abc import Callable

from gateway.wire.base import Limits
from gateway.wire.memory import MemoryNetwork, MemoryTransport

LIMITS = Limits(hwm=2, max_bytes=100)


class Turn:
    """A callback that waits its turn."""

    def __init__(self, at: float, callback: Callable[[], object]) -> None:
        self.at = at
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualTime:
    """A scheduler without a clock: it jumps to the next turn."""

    def __init__(self) -> None:
        self.now = 0.0
        self._turns: list[Turn] = []

    def call_soon(self, callback: Callable[[], object], /) -> Turn:
        return self.call_later(0.0, callback)

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Turn:
        turn = Turn(self.now + delay, callback)
        self._turns.append(turn)
        return turn

    def run(self) -> None:
        while self._turns:
            turn = min(self._turns, key=lambda one: one.at)
            self._turns.remove(turn)
            self.now = turn.at
            if turn.callback is not None:
                turn.callback()


def ignore(*_: object) -> None:
    """A callback for those who do not listen."""


def test_it_runs_on_virtual_time() -> None:
    time = VirtualTime()
    network = MemoryNetwork(time)
    server, client = MemoryTransport(network), MemoryTransport(network)
    server.bind_router("requests", ignore, LIMITS)
    replies: list[bytes | None] = []

    client.connect_req("requests", LIMITS).request(b"?", 3_600.0, replies.append)
    time.run()

    assert replies == [None]
    assert time.now == 3_600.0


def test_senders_take_turns() -> None:
    time = VirtualTime()
    network = MemoryNetwork(time)
    received: list[bytes] = []
    MemoryTransport(network).bind_pull("orders", received.append, LIMITS)
    senders = [MemoryTransport(network).connect_push("orders", LIMITS) for _ in range(2)]

    for name, sender in zip((b"a", b"b"), senders, strict=True):
        for number in (b"1", b"2", b"3"):
            assert sender.send(name + number)
    time.run()

    assert received == [b"a1", b"b1", b"a2", b"b2", b"a3", b"b3"]


def test_each_sender_has_the_sum_of_both_bounds() -> None:
    network = MemoryNetwork(VirtualTime())
    MemoryTransport(network).bind_pull("orders", ignore, LIMITS)
    greedy, modest = (MemoryTransport(network).connect_push("orders", LIMITS) for _ in range(2))

    taken = [greedy.send(b"order") for _ in range(6)]

    assert taken == [True] * 4 + [False] * 2
    assert modest.send(b"order")


def test_what_a_slow_subscriber_misses_is_counted() -> None:
    time = VirtualTime()
    network = MemoryNetwork(time)
    heard: list[bytes] = []
    publisher = MemoryTransport(network).bind_pub("status", LIMITS)
    subscriber = MemoryTransport(network).connect_sub(
        "status", lambda _, frame: heard.append(frame), LIMITS
    )
    subscriber.subscribe("updates/")
    publisher.publish("updates/", b"too early")
    time.run()

    for number in range(6):
        publisher.publish("updates/", b"%d" % number)
    time.run()

    assert heard == [b"0", b"1", b"2", b"3"]
    assert publisher.counters.dropped == 2


def test_nothing_is_left_on_the_network_when_all_have_closed() -> None:
    time = VirtualTime()
    network = MemoryNetwork(time)
    server, client = MemoryTransport(network), MemoryTransport(network)
    server.bind_pull("orders", ignore, LIMITS)
    server.bind_pub("status", LIMITS)
    server.bind_router("requests", ignore, LIMITS)
    client.connect_push("orders", LIMITS)
    client.connect_sub("status", ignore, LIMITS).subscribe("heads/")
    client.connect_req("requests", LIMITS).request(b"?", 1.0, ignore)

    client.close()
    server.close()
    time.run()

    held = (network.pulls, network.pubs, network.routers)
    assert not any(held)
    assert not any((network.subs, network.requesters, network.askers))

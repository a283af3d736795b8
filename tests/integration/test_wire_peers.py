"""The socket rules that need a real process at the other end: killed, stopped, rival."""

import signal
from collections.abc import Iterator

import pytest
from wire_kit import Peer, Side, a_side

from gateway.wire.base import EndpointInUse, Limits, PullInput
from gateway.wire.limits import ORDERS, STATUS

ROOMY = Limits(hwm=100_000, max_bytes=ORDERS.max_bytes)


@pytest.fixture
def side() -> Iterator[Side]:
    with a_side() as made:
        yield made


def ignore(*_: object) -> None:
    """A callback for those who do not listen."""


@pytest.mark.parametrize("scheme", ["ipc", "tcp"])
def test_a_killed_receiver_is_an_error_at_once_and_its_successor_is_found(
    side: Side, scheme: str
) -> None:
    endpoint = side.endpoint(scheme)
    sender = side.transport().connect_push(endpoint, ORDERS)
    with Peer("pull", endpoint) as peer:
        side.until(lambda: sender.send(b"to the first"))
        side.until(lambda: b"to the first" in peer.listen())

        peer.kill()

        side.until(lambda: not sender.ready())
        assert not sender.send(b"to the dead")
    with Peer("pull", endpoint) as successor:
        side.until(lambda: sender.send(b"to the next"))
        side.until(lambda: b"to the next" in successor.listen())
        assert b"to the dead" not in successor.listen()


@pytest.mark.parametrize("scheme", ["ipc", "tcp"])
def test_a_stopped_receiver_is_noticed_by_heartbeat_and_found_when_it_goes_on(
    side: Side, scheme: str
) -> None:
    endpoint = side.endpoint(scheme)
    sender = side.transport().connect_push(endpoint, ORDERS)
    with Peer("pull", endpoint) as peer:
        side.until(sender.ready)

        peer.signal(signal.SIGSTOP)
        side.until(lambda: not sender.ready())
        assert not sender.send(b"to the stopped")

        peer.signal(signal.SIGCONT)
        side.until(lambda: sender.send(b"to the living"))
        side.until(lambda: b"to the living" in peer.listen())
        assert b"to the stopped" not in peer.listen()


def test_a_live_endpoint_cannot_be_stolen_and_a_dead_ones_can_be_taken_over(side: Side) -> None:
    endpoint = side.endpoint("ipc")
    with Peer("pull", endpoint) as peer:
        with pytest.raises(EndpointInUse, match=f"held by process {peer.pid}") as refused:
            side.transport().bind_pull(endpoint, ignore, ORDERS)

        assert refused.value.pid == peer.pid
        sender = side.transport().connect_push(endpoint, ORDERS)
        side.until(lambda: sender.send(b"still yours"))
        side.until(lambda: b"still yours" in peer.listen())
        peer.kill()

    received: list[bytes] = []
    assert (side.folder / "orders").is_socket()  # what the dead one left behind
    side.transport().bind_pull(endpoint, received.append, ORDERS)
    side.until(lambda: sender.send(b"ours now"))
    side.until(lambda: received == [b"ours now"])


def test_a_taken_port_is_refused(side: Side) -> None:
    endpoint = side.endpoint("tcp")
    with Peer("pull", endpoint), pytest.raises(EndpointInUse, match="in use"):
        side.transport().bind_pull(endpoint, ignore, ORDERS)


def test_a_stopped_subscriber_misses_messages_and_the_others_do_not(side: Side) -> None:
    """Case 74."""
    endpoint = side.endpoint("ipc", "status")
    known: list[str] = []
    publisher = side.transport().bind_pub(
        endpoint, Limits(hwm=100, max_bytes=STATUS.max_bytes), known.append
    )
    with Peer("sub", endpoint, "updates/") as stopped, Peer("sub", endpoint, "updates/") as well:
        side.until(lambda: len(known) == 2)
        stopped.signal(signal.SIGSTOP)

        def publish(number: int) -> None:
            publisher.publish("updates/", b"%d " % number + b"x" * 5_000)
            side.until(lambda: len(well.listen()) == 1 + number)

        for number in range(1, 1_501):
            publish(number)

        stopped.signal(signal.SIGCONT)

        def last_is_heard() -> bool:
            publisher.publish("updates/", b"last")
            return b"last" in stopped.listen()

        side.until(last_is_heard)
        assert len([line for line in stopped.listen() if line.endswith(b"x")]) < 1_500
        assert len([line for line in well.listen() if line.endswith(b"x")]) == 1_500


@pytest.mark.parametrize("scheme", ["ipc", "tcp"])
def test_a_cancel_overtakes_every_order_that_waits_when_it_comes(side: Side, scheme: str) -> None:
    """Case 86."""
    heard: list[bytes] = []
    endpoints = {name: side.endpoint(scheme, name) for name in ("orders", "urgent")}
    client = side.transport()

    def on_order(frame: bytes) -> None:
        heard.append(frame)
        if len(heard) == 1:  # the executor is busy with the first of a thousand: a cancel comes
            assert urgent.send(b"cancel")
            assert urgent_socket.poll(10_000), "the cancel never came"

    from_orders = PullInput(endpoints["orders"], on_order, ROOMY)
    from_urgent = PullInput(endpoints["urgent"], heard.append, ROOMY)
    receiver = side.transport().bind_pulls([from_urgent, from_orders])
    urgent_socket = receiver._bound[0].socket
    orders = client.connect_push(endpoints["orders"], ROOMY)
    urgent = client.connect_push(endpoints["urgent"], ROOMY)
    side.until(lambda: orders.ready() and urgent.ready())

    sent = sum(orders.send(b"order") for _ in range(1_000))

    side.until(lambda: len(heard) == 1 + sent)
    assert sent == 1_000
    assert heard.index(b"cancel") == 1

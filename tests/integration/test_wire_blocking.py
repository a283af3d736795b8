"""The blocking side of the wires, against a gateway's endpoints in another process or thread."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire_kit import Peer, wait_until

from gateway.wire import limits
from gateway.wire.base import FrameTooLarge, InsecureEndpoint
from gateway.wire.blocking import BlockingSockets
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext
from gateway.wire.zeromq import ZmqTransport

WAIT_S = 20.0


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("w", numbered=True)
    made.chmod(0o700)
    return made


@pytest.fixture
def sockets(folder: Path) -> Iterator[BlockingSockets]:
    opened = BlockingSockets(Endpoints.ipc(folder))
    yield opened
    opened.close()


def subscribe_and_see_a_first_message(sockets: BlockingSockets) -> None:
    sockets.status.subscribe("echo/")
    assert sockets.urgent.ready(WAIT_S)

    def first_is_heard() -> bool:
        sockets.urgent.send(b"first?")
        return sockets.status.receive(0.05) is not None

    wait_until(first_is_heard)
    assert sockets.urgent.send(b"last")
    wait_until(lambda: sockets.status.receive(0.05) == ("echo/", b"last"))


def test_what_is_sent_is_heard_of_on_status(folder: Path, sockets: BlockingSockets) -> None:
    with Peer("serve", str(folder)):
        subscribe_and_see_a_first_message(sockets)

        assert sockets.orders.ready(WAIT_S)
        assert sockets.orders.send(b"order")

        assert sockets.status.receive(WAIT_S) == ("echo/", b"order")
        assert sockets.status.receive(0) is None


def test_a_send_to_nobody_is_refused_at_once(sockets: BlockingSockets) -> None:
    assert not sockets.orders.send(b"order")
    assert not sockets.orders.ready()
    assert sockets.orders.counters.refused == 1


def test_a_killed_gateway_is_an_error_at_once_and_its_successor_is_found(
    folder: Path, sockets: BlockingSockets
) -> None:
    with Peer("serve", str(folder)) as peer:
        assert sockets.orders.ready(WAIT_S)
        peer.kill()
        wait_until(lambda: not sockets.orders.send(b"order"))
    with Peer("serve", str(folder)):
        assert sockets.orders.ready(WAIT_S)
        assert sockets.orders.send(b"order")


def test_a_request_is_answered(folder: Path, sockets: BlockingSockets) -> None:
    with Peer("serve", str(folder)):
        wait_until(lambda: sockets.requests.request(b"?", WAIT_S) is not None)

        assert sockets.requests.request(b"question", WAIT_S) == b"re: question"


def test_a_request_to_nobody_gives_none(sockets: BlockingSockets) -> None:
    assert sockets.requests.request(b"anyone?", 0.1) is None
    assert sockets.requests.counters.refused == 1


def test_a_request_that_times_out_gives_none_and_the_same_object_goes_on(
    folder: Path, sockets: BlockingSockets
) -> None:
    with Peer("serve", str(folder)):
        wait_until(lambda: sockets.requests.request(b"?", WAIT_S) is not None)

        assert sockets.requests.request(b"silence", 0.1) is None

        assert sockets.requests.counters.timeouts == 1
        assert sockets.requests.request(b"question", WAIT_S) == b"re: question"


def test_a_late_reply_is_not_taken_for_the_next(folder: Path, sockets: BlockingSockets) -> None:
    with Peer("serve", str(folder)) as peer:
        wait_until(lambda: sockets.requests.request(b"?", WAIT_S) is not None)
        peer.signal(signal.SIGSTOP)
        assert sockets.requests.request(b"first", 0.1) is None
        peer.signal(signal.SIGCONT)

        assert sockets.requests.request(b"second", WAIT_S) == b"re: second"


def test_a_frame_above_the_bound_is_an_error(sockets: BlockingSockets) -> None:
    with pytest.raises(FrameTooLarge):
        sockets.orders.send(b"x" * (limits.ORDERS.max_bytes + 1))
    with pytest.raises(FrameTooLarge):
        sockets.requests.request(b"x" * (limits.REQUESTS.max_bytes + 1), 1.0)


def test_one_thread_may_send_while_another_waits(folder: Path, sockets: BlockingSockets) -> None:
    with Peer("serve", str(folder)):
        subscribe_and_see_a_first_message(sockets)
        heard: list[bytes] = []

        def listen() -> None:
            while len(heard) < 200:
                message = sockets.status.receive(WAIT_S)
                assert message is not None
                heard.append(message[1])

        listener = threading.Thread(target=listen)
        listener.start()
        assert sockets.orders.ready(WAIT_S)

        def send() -> None:
            for _ in range(100):
                wait_until(lambda: sockets.orders.send(b"order"))

        senders = [threading.Thread(target=send) for _ in range(2)]
        for sender in senders:
            sender.start()
        for thread in (*senders, listener):
            thread.join(WAIT_S)

        assert heard == [b"order"] * 200


def test_after_closing_every_call_finds_nobody(folder: Path) -> None:
    sockets = BlockingSockets(Endpoints.ipc(folder))
    sockets.close()
    sockets.close()

    assert not sockets.orders.send(b"order")
    assert not sockets.orders.ready(1.0)
    assert sockets.requests.request(b"?", 1.0) is None
    assert sockets.status.receive(1.0) is None
    sockets.status.subscribe("echo/")
    sockets.status.unsubscribe("echo/")


def test_nothing_stays_open_where_one_endpoint_is_refused(folder: Path) -> None:
    good = Endpoints.ipc(folder)
    with pytest.raises(InsecureEndpoint):
        BlockingSockets(
            Endpoints(good.orders, good.urgent, good.reports, good.status, "tcp://10.0.0.1:1")
        )


def test_a_blocking_program_talks_to_a_gateway_attached_in_another_thread() -> None:
    shared = SharedContext()
    endpoints = Endpoints.inproc("attached")
    ready, stop = threading.Event(), threading.Event()

    async def gateway() -> None:
        transport = ZmqTransport(asyncio.get_running_loop(), shared=shared)
        status = transport.bind_pub(endpoints.status, limits.STATUS)
        transport.bind_pull(
            endpoints.orders, lambda frame: status.publish("echo/", frame), limits.ORDERS
        )
        ready.set()
        await asyncio.to_thread(stop.wait)
        transport.close()

    thread = threading.Thread(target=lambda: asyncio.run(gateway()))
    sockets = BlockingSockets(endpoints, shared=shared)  # before anything is bound
    sockets.status.subscribe("echo/")
    assert not sockets.orders.send(b"too early")
    thread.start()
    assert ready.wait(WAIT_S)

    def echoed() -> bool:
        sockets.orders.send(b"order")
        return sockets.status.receive(0.01) == ("echo/", b"order")

    wait_until(echoed)
    stop.set()
    thread.join(WAIT_S)
    wait_until(lambda: not sockets.orders.send(b"too late"))
    sockets.close()
    shared.close()

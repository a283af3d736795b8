"""Who must not get in, and what must do no harm when it does: strangers, garbage, giants."""

import os
import socket
from collections.abc import Iterator

import pytest
import zmq
from wire_kit import Side, a_side

from gateway.wire.base import BadEndpoint, InsecureEndpoint, Limits
from gateway.wire.curve import CurveKeys
from gateway.wire.zeromq import ZmqTransport

LIMITS = Limits(hwm=1_000, max_bytes=64 * 1024)


@pytest.fixture
def side() -> Iterator[Side]:
    with a_side() as made:
        yield made


def ignore(*_: object) -> None:
    """A callback for those who do not listen."""


GARBAGE = {
    "random bytes": bytes(range(256)) * 40,
    "a web browser": b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n",
    "an old peer's greeting, then a giant frame": b"\x01\x00\xff" + (1 << 40).to_bytes(8) + b"\x00",
    "a good greeting, then rubbish": (
        b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32) + b"\xee" * 500
    ),
    "nothing": b"",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_on_the_port_harms_nobody(side: Side, garbage: bytes) -> None:
    received: list[bytes] = []
    receiver = side.transport().bind_pull("tcp://127.0.0.1:0", received.append, LIMITS)
    endpoint = receiver.endpoints[0]
    sender = side.transport().connect_push(endpoint, LIMITS)
    side.until(sender.ready)

    with socket.create_connection(("127.0.0.1", int(endpoint.rpartition(":")[2]))) as stranger:
        stranger.sendall(garbage)
        side.until(lambda: sender.send(b"order"))
        side.until(lambda: b"order" in received)
        stranger.close()

    assert sender.send(b"another order")
    side.until(lambda: b"another order" in received)


def test_messages_with_the_wrong_frames_are_counted_and_thrown_away(side: Side) -> None:
    received: list[bytes] = []
    receiver = side.transport().bind_pull(side.endpoint("ipc"), received.append, LIMITS)
    with zmq.Context() as context, context.socket(zmq.PUSH) as stranger:
        stranger.connect(receiver.endpoints[0])
        stranger.send_multipart([b"two", b"frames"])
        stranger.send(b"one frame")

        side.until(lambda: received == [b"one frame"])

    assert receiver.counters.malformed == 1


@pytest.mark.parametrize(
    "frames", [[b"no envelope"], [b"", b"body", b"more"], [b"x"] * 20, [b"a", b""] * 3]
)
def test_requests_with_the_wrong_frames_are_counted_and_thrown_away(
    side: Side, frames: list[bytes]
) -> None:
    received: list[bytes] = []
    responder = side.transport().bind_router(
        side.endpoint("ipc"), lambda _, frame: received.append(frame), LIMITS
    )
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
        stranger.connect(responder.endpoint)
        stranger.send_multipart(frames)
        stranger.send_multipart([b"", b"well formed"])

        side.until(lambda: received == [b"well formed"])

    assert responder.counters.malformed == 1


@pytest.mark.parametrize("frames", [[b"one"], [b"a/", b"b", b"c"], [b"\xff\xfe/", b"not text"]])
def test_published_messages_with_the_wrong_frames_are_counted_and_thrown_away(
    side: Side, frames: list[bytes]
) -> None:
    heard: list[tuple[str, bytes]] = []
    with zmq.Context() as context, context.socket(zmq.XPUB) as stranger:
        port = stranger.bind_to_random_port("tcp://127.0.0.1")
        subscriber = side.transport().connect_sub(
            f"tcp://127.0.0.1:{port}", lambda *message: heard.append(message), LIMITS
        )
        subscriber.subscribe("")
        side.until(lambda: bool(stranger.poll(0)))
        stranger.send_multipart(frames)
        stranger.send_multipart([b"a/", b"well formed"])

        side.until(lambda: heard == [("a/", b"well formed")])

    assert subscriber.counters.malformed == 1


def test_a_subscriber_with_bad_messages_is_counted_and_the_others_are_served(side: Side) -> None:
    known: list[str] = []
    publisher = side.transport().bind_pub(side.endpoint("ipc"), LIMITS, known.append)
    with zmq.Context() as context, context.socket(zmq.XSUB) as stranger:
        stranger.connect(publisher.endpoint)
        stranger.send(b"\x07 what a subscriber never says")
        stranger.send(b"\x01heads/")

        side.until(lambda: known == ["heads/"])

    assert publisher.counters.malformed == 1


def test_a_giant_frame_cuts_its_sender_off_and_no_other(side: Side) -> None:
    received: list[bytes] = []
    receiver = side.transport().bind_pull(side.endpoint("ipc"), received.append, LIMITS)
    sender = side.transport().connect_push(receiver.endpoints[0], LIMITS)
    side.until(sender.ready)
    with zmq.Context() as context, context.socket(zmq.PUSH) as stranger:
        stranger.set(zmq.LINGER, 0)
        monitor = stranger.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        stranger.connect(receiver.endpoints[0])
        stranger.send(b"x" * (10 * LIMITS.max_bytes))

        side.until(lambda: bool(monitor.poll(0)))
        stranger.disable_monitor()
        monitor.close()

    assert sender.send(b"order")
    side.until(lambda: received == [b"order"])


# CURVE


def server_keys(*clients: CurveKeys) -> CurveKeys:
    pair = CurveKeys.generate()
    return CurveKeys(pair.public, pair.secret, clients=frozenset(one.public for one in clients))


def test_a_known_key_is_let_in_and_an_unknown_one_is_not(side: Side) -> None:
    known, stranger = CurveKeys.generate(), CurveKeys.generate()
    keys = server_keys(known)
    server = side.transport(keys)
    received: list[bytes] = []
    endpoint = server.bind_pull("tcp://127.0.0.1:0", received.append, LIMITS).endpoints[0]

    theirs = side.transport(CurveKeys(stranger.public, stranger.secret, server=keys.public))
    refused = theirs.connect_push(endpoint, LIMITS)
    side.until(lambda: server.refused_keys > 1)
    ours = side.transport(CurveKeys(known.public, known.secret, server=keys.public))
    accepted = ours.connect_push(endpoint, LIMITS)
    side.until(accepted.ready)

    assert not refused.send(b"from a stranger")
    assert accepted.send(b"from a friend")
    side.until(lambda: received == [b"from a friend"])


def test_a_peer_without_keys_is_not_let_in(side: Side) -> None:
    server = side.transport(server_keys())
    received: list[bytes] = []
    endpoint = server.bind_pull("tcp://127.0.0.1:0", received.append, LIMITS).endpoints[0]
    with zmq.Context() as context, context.socket(zmq.PUSH) as stranger:
        stranger.set(zmq.LINGER, 0)
        monitor = stranger.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
        stranger.connect(endpoint)
        stranger.send(b"in the clear")

        side.until(lambda: bool(monitor.poll(0)))
        stranger.disable_monitor()
        monitor.close()

    assert received == []


def test_a_server_with_another_key_than_expected_is_not_talked_to(side: Side) -> None:
    client, other = CurveKeys.generate(), CurveKeys.generate()
    server = side.transport(server_keys(client))
    endpoint = server.bind_pull("tcp://127.0.0.1:0", ignore, LIMITS).endpoints[0]
    deceived = side.transport(CurveKeys(client.public, client.secret, server=other.public))
    sender = deceived.connect_push(endpoint, LIMITS)
    monitor = sender._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED)

    side.until(lambda: bool(monitor.poll(0)))

    assert not sender.send(b"order")
    sender._socket.disable_monitor()
    monitor.close()


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:0", "tcp://*:5555", "tcp://[::]:5555"])
def test_binding_beyond_this_host_without_keys_is_refused(side: Side, endpoint: str) -> None:
    with pytest.raises(InsecureEndpoint, match="CURVE keys are required"):
        side.transport().bind_pull(endpoint, ignore, LIMITS)


@pytest.mark.parametrize("endpoint", ["tcp://10.0.0.1:5555", "tcp://gateway.example:5555"])
def test_connecting_beyond_this_host_without_keys_is_refused(side: Side, endpoint: str) -> None:
    with pytest.raises(InsecureEndpoint, match="CURVE keys are required"):
        side.transport().connect_push(endpoint, LIMITS)


def test_with_keys_an_endpoint_may_be_open_to_other_hosts(side: Side) -> None:
    client = CurveKeys.generate()
    keys = server_keys(client)
    received: list[bytes] = []
    endpoint = side.transport(keys).bind_pull("tcp://0.0.0.0:0", received.append, LIMITS)
    port = endpoint.endpoints[0].rpartition(":")[2]

    ours = side.transport(CurveKeys(client.public, client.secret, server=keys.public))
    sender = ours.connect_push(f"tcp://127.0.0.1:{port}", LIMITS)

    side.until(lambda: sender.send(b"order"))
    side.until(lambda: received == [b"order"])


def test_connecting_with_keys_needs_the_servers_key(side: Side) -> None:
    with pytest.raises(InsecureEndpoint, match="server's public CURVE key"):
        side.transport(CurveKeys.generate()).connect_push("tcp://127.0.0.1:5555", LIMITS)


# Folders


def test_an_ipc_folder_is_made_for_our_eyes_only(side: Side) -> None:
    side.transport().bind_pull(f"ipc://{side.folder}/run/orders", ignore, LIMITS)

    assert (side.folder / "run").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_an_ipc_folder_that_others_can_enter_is_refused_on_both_sides(
    side: Side, mode: int
) -> None:
    (side.folder / "run").mkdir()
    (side.folder / "run").chmod(mode)

    with pytest.raises(InsecureEndpoint, match="chmod 700"):
        side.transport().bind_pull(f"ipc://{side.folder}/run/orders", ignore, LIMITS)
    with pytest.raises(InsecureEndpoint, match="chmod 700"):
        side.transport().connect_push(f"ipc://{side.folder}/run/orders", LIMITS)


def test_a_link_in_place_of_the_ipc_folder_is_refused(side: Side) -> None:
    (side.folder / "elsewhere").mkdir(mode=0o700)
    (side.folder / "run").symlink_to(side.folder / "elsewhere")

    with pytest.raises(InsecureEndpoint, match="must be a folder"):
        side.transport().bind_pull(f"ipc://{side.folder}/run/orders", ignore, LIMITS)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(side: Side) -> None:
    (side.folder / "run").mkdir(mode=0o700)
    os.chown(side.folder / "run", 65_534, 65_534)

    with pytest.raises(InsecureEndpoint, match="belongs to user 65534"):
        side.transport().bind_pull(f"ipc://{side.folder}/run/orders", ignore, LIMITS)


def test_a_file_in_place_of_the_socket_is_refused_and_kept(side: Side) -> None:
    (side.folder / "orders").write_text("somebody's work")

    with pytest.raises(BadEndpoint, match="would be overwritten"):
        side.transport().bind_pull(f"ipc://{side.folder}/orders", ignore, LIMITS)

    assert (side.folder / "orders").read_text() == "somebody's work"


def test_inproc_without_a_shared_context_is_refused(side: Side) -> None:
    alone = ZmqTransport(side.loop)

    with pytest.raises(BadEndpoint, match="shared in the process"):
        alone.connect_push("inproc://orders", LIMITS)

    alone.close()

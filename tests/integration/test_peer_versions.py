"""Programs of other versions at one gateway: an older one is served, a newer one told clearly.

Frames and journals of version 1 themselves are kept readable by `tests/unit/domain` and
`tests/unit/journal`; here they come over a socket, and out of a folder.
"""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
from record_home import types_in

import gateway
from gateway.domain.identity import make_order_id
from gateway.supervision import CHECKOUT

DATA = CHECKOUT / "tests/data"
START_S, WAIT_MS = 150.0, 20_000
SECOND = 1_000_000_000
NEWER = 2

pytestmark = pytest.mark.timeout(START_S + 60)


class Peer:
    """A program of whatever version, with sockets of its own."""

    def __init__(self, base: str, client_id: str) -> None:
        self.context = zmq.Context()
        self._base = base
        self._client_id = client_id
        self.orders = self._connect(zmq.PUSH, "orders")
        self.requests = self._connect(zmq.REQ, "requests")
        self.status = self._connect(zmq.SUB, "status")
        self.status.subscribe(b"")
        self.hear("head")  # the subscription is in force

    def _connect(self, kind: int, name: str) -> Any:
        socket = self.context.socket(kind)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RCVTIMEO, WAIT_MS)
        socket.connect(f"{self._base}/{name}")
        return socket

    def ask(self, message: dict[str, Any]) -> Any:
        self.requests.send(msgpack.packb(message))
        return msgpack.unpackb(self.requests.recv())

    def hear_order(self, order_id: str) -> Any:
        """The first update of that order; of others there may be some, too."""
        while (heard := self.hear("order_update"))["order"]["order_id"] != order_id:
            pass
        return heard

    def hear(self, message_type: str, **fields: Any) -> Any:
        """The first message of that type with these fields."""
        while True:
            _topic, frame = self.status.recv_multipart()
            message = msgpack.unpackb(frame)
            if message["type"] == message_type and fields.items() <= message.items():
                return message


@pytest.fixture(scope="module")
def base(short_folder: Path) -> Iterator[str]:
    home = short_folder / "versions"
    with gateway.attach(home=home, child=True, start_timeout=START_S):
        yield f"ipc://{home}/run"


@pytest.fixture
def peer(base: str) -> Iterator[Peer]:
    made = Peer(base, "peer")
    yield made
    made.context.destroy(linger=0)


def recorded(name: str) -> dict[str, Any]:
    """A frame as version 1 wrote it."""
    message: dict[str, Any] = msgpack.unpackb((DATA / f"frames_v1/{name}.msgpack").read_bytes())
    return message


def recorded_place() -> dict[str, Any]:
    """That order, for now and for the paper venue."""
    now = time.time_ns()
    order_id = make_order_id(1, now, now)
    return recorded("place") | {
        "order_id": order_id,
        "command_id": f"place-{order_id}",
        "client_id": "peer",
        "account": "main",
        "symbol": "BTC/USDT",
        "side": "buy",
        "order_type": "limit",
        "quantity": "0.01",
        "price": "20000",
        "stop_price": None,
        "time_in_force": "gtc",
        "post_only": False,
        "expires_at": now + 30 * SECOND,
    }


def test_a_program_of_version_1_is_served(peer: Peer) -> None:
    place = recorded_place()

    peer.orders.send(msgpack.packb(place))

    assert peer.hear_order(place["order_id"])["account"] == "main"
    answer = peer.ask(recorded("get_order") | asked(order_id=place["order_id"]))
    assert answer["type"] == "order_reply"


def test_a_program_that_says_more_than_we_know_is_served(peer: Peer) -> None:
    """A newer one that only added fields keeps its version."""
    place = recorded_place() | {"colour": "green"}

    peer.orders.send(msgpack.packb(place))

    assert peer.hear_order(place["order_id"])["account"] == "main"


def test_a_command_of_a_newer_version_is_refused_by_name(peer: Peer) -> None:
    place = recorded_place() | {"version": NEWER}

    peer.orders.send(msgpack.packb(place))

    refusal = peer.hear("refusal", client_id="peer")
    assert refusal["code"] == "unsupported_version"
    assert refusal["command_id"] == place["command_id"]
    assert f"version {NEWER} is not spoken here" in refusal["text"]


def test_a_question_of_a_newer_version_is_refused_by_name(peer: Peer) -> None:
    answer = peer.ask(recorded("accounts") | asked(version=NEWER))

    assert answer["type"] == "failed"
    assert answer["code"] == "unsupported_version"


def asked(**fields: Any) -> dict[str, Any]:
    now = time.time_ns()
    return {
        "request_id": f"r-{now}",
        "client_id": "peer",
        "expires_at": now + 30 * SECOND,
        **fields,
    }


@pytest.mark.parametrize("role", ["executor", "listener"])
def test_a_journal_that_version_1_left_behind_is_read_to_its_end(role: str, tmp_path: Path) -> None:
    """`recorded.json` holds what the commands that recorded it said of it."""
    journal = tmp_path / role
    shutil.copytree(DATA / "home_v1" / role, journal)

    assert types_in(journal) == json.loads((DATA / "home_v1/recorded.json").read_text())[role]

"""Every kind of bad input, sent to the real processes (case 77).

Whatever it is, it gets a refusal with a code and a sentence (or is counted, where it names nobody
to answer), a counter and a line of the log. Nothing is sent to the venue, and no process falls.
"""

import itertools
import re
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
import zmq
from readiness import START_S, wait_ready

from gateway import config as configuration
from gateway.cli.stage import Stage, wait_for
from gateway.client import Client
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.identity import make_order_id
from gateway.service.embedded import free_port
from gateway.wire.blocking import BlockingSockets

SECOND = 1_000_000_000
DAY = 24 * 3600 * SECOND
WAIT_S = 20.0
TAG = 1
EXECUTOR, LISTENER, ACTIONER = 0, 1, 3  # of the metrics ports
NAME = "bad-desk"
PROGRAMS = ("listener", "executor", "actioner", "manager", "paper", "postgres")

pack = msgspec.msgpack.encode
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """With metrics, and without background liquidity: the venue does only what it is told."""
    text = configuration.embedded_text(f"http://127.0.0.1:{free_port()}")
    text += f"[metrics]\nport = {free_port(4)}\n"
    with Stage(tmp_path_factory.mktemp("gw"), config_text=text, liquidity=False) as running:
        with Client(running.endpoints, "waiter", connect_timeout=START_S) as client:
            wait_ready(client)
        yield running


class BadDesk:
    """A program that speaks with raw sockets, and can therefore say anything."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sockets = BlockingSockets(stage.endpoints)
        self.sockets.status.subscribe(m.refusals_topic(NAME))
        self.sockets.status.subscribe(m.HEADS)
        self._wait_for_head()
        assert self.sockets.orders.ready(WAIT_S)

    def _wait_for_head(self) -> None:
        heard = self.sockets.status.receive(WAIT_S)
        assert heard is not None

    def send(self, message: Mapping[str, Any]) -> str:
        assert self.sockets.orders.send(pack(message))
        return str(message["command_id"])

    def refusal_of(self, command_id: str) -> m.Refusal:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            heard = self.sockets.status.receive(0.1)
            if heard is None or heard[0] == m.HEADS:
                continue
            said = codec.statuses.decode(heard[1])
            if isinstance(said, m.Refusal) and said.command_id == command_id:
                return said
        raise AssertionError(f"no refusal of {command_id}")

    def ask(self, message: Any) -> m.AnyReply:
        frame = message if isinstance(message, bytes) else pack(message)
        answer = self.sockets.requests.request(frame, WAIT_S)
        assert answer is not None
        return codec.replies.decode(answer)

    def log_of(self, program: str) -> str:
        return (self.stage.home.log / f"{program}.log").read_text(errors="replace")

    def wait_for_line(self, program: str, *parts: str) -> None:
        """The supervisor writes the log, a moment behind."""

        def is_there() -> bool:
            lines = self.log_of(program).split("\n")
            return any(all(part in line for part in parts) for line in lines)

        wait_for(is_there, f"a line of {program} with {parts}", WAIT_S)

    def counted(self, which: int, sample: str) -> float:
        port = self.stage.config.metrics.port + which
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def refused_count(self, code: str) -> float:
        return self.counted(EXECUTOR, f'gateway_commands_refused_total{{code="{code}"}}')


@pytest.fixture(scope="module")
def connected(stage: Stage) -> Iterator[BadDesk]:
    desk = BadDesk(stage)
    yield desk
    desk.sockets.close()


@pytest.fixture
def desk(stage: Stage, connected: BadDesk) -> Iterator[BadDesk]:
    """Afterwards the venue has heard of no order, and every process lives as before."""
    pids = {program: stage.pid(program) for program in PROGRAMS}
    before = stage.paper("/paper/orders")
    yield connected
    assert stage.paper("/paper/orders") == before
    assert {program: stage.pid(program) for program in PROGRAMS} == pids
    for program in ("executor", "actioner", "listener", "manager"):
        assert "Traceback" not in connected.log_of(program)


def good_place(**changes: Any) -> dict[str, Any]:
    """What would rest at the venue, were nothing changed."""
    now = time.time_ns()
    number = next(numbers)
    return {
        "type": "place",
        "version": 1,
        "order_id": make_order_id(TAG, now, number),
        "command_id": f"c{number}",
        "client_id": NAME,
        "account": "main",
        "symbol": "BTC/USDT",
        "side": "buy",
        "order_type": "limit",
        "quantity": "0.01",
        "price": "20000",
        "expires_at": now + 2 * SECOND,
        **changes,
    }


def in_a_while(seconds: float) -> int:
    return time.time_ns() + int(seconds * SECOND)


def made(ago_s: int, tag: int = TAG) -> str:
    return make_order_id(tag, time.time_ns() - ago_s * SECOND, next(numbers))


BAD_PLACES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown type": ({"type": "conquer"}, "unknown_type"),
    "a report on the wrong endpoint": ({"type": "order_checked"}, "unknown_type"),
    "newer version": ({"version": 99}, "unsupported_version"),
    "unknown account": ({"account": "nobody"}, "unknown_account"),
    "unknown symbol": ({"symbol": "BTC/MOON"}, "unknown_symbol"),
    "unknown side": ({"side": "hold"}, "malformed"),
    "unknown order type": ({"order_type": "hope"}, "malformed"),
    "price too precise": ({"price": "20000.001"}, "price_precision"),
    "quantity too precise": ({"quantity": "0.010000001"}, "quantity_precision"),
    "zero quantity": ({"quantity": "0"}, "bad_quantity"),
    "zero price": ({"price": "0.00"}, "bad_price"),
    "negative quantity": ({"quantity": "-0.01"}, "bad_quantity"),
    "negative price": ({"price": "-1"}, "bad_price"),
    "NaN quantity": ({"quantity": "NaN"}, "bad_quantity"),
    "infinite price": ({"price": "Infinity"}, "bad_price"),
    "exponent": ({"quantity": "1e-2"}, "bad_quantity"),
    "words for a number": ({"price": "much"}, "bad_price"),
    "empty number": ({"quantity": ""}, "bad_quantity"),
    "full-width digits": ({"quantity": "\uff11"}, "bad_quantity"),
    "float NaN": ({"quantity": float("nan")}, "malformed"),
    "float": ({"quantity": 0.01}, "malformed"),
    "integer": ({"quantity": 1}, "malformed"),
    "huge quantity": ({"quantity": "9" * 18}, "quantity_limit"),
    "more digits than a number has": ({"quantity": "9" * 400}, "bad_quantity"),
    "huge price": ({"price": "9" * 18}, "price_limit"),
    "value too small": ({"quantity": "0.00001", "price": "20000"}, "value_limit"),
    "limit order without price": ({"price": None}, "bad_combination"),
    "market order with price": ({"order_type": "market"}, "bad_combination"),
    "null quantity": ({"quantity": None}, "malformed"),
    "null expiry": ({"expires_at": None}, "malformed"),
    "expiry as text": ({"expires_at": "soon"}, "malformed"),
    "expiry without end": ({"expires_at": float("inf")}, "malformed"),
    "id that is none": ({"order_id": "42"}, "bad_order_id"),
    "id of another kind of UUID": (
        {"order_id": "0190a5c4-7c00-4007-8000-000000000001"},
        "bad_order_id",
    ),
    "id as a number": ({"order_id": 42}, "malformed"),
}


@pytest.mark.parametrize("kind", BAD_PLACES)
def test_a_bad_place_is_refused_counted_and_logged(desk: BadDesk, kind: str) -> None:
    changes, code = BAD_PLACES[kind]
    expect_refused(desk, good_place(**changes), code)


def expect_refused(desk: BadDesk, message: Mapping[str, Any], code: str) -> m.Refusal:
    before = desk.refused_count(code)
    command_id = desk.send(message)

    refusal = desk.refusal_of(command_id)

    assert refusal.code == code
    assert len(refusal.text) > 10
    assert desk.refused_count(code) == before + 1
    desk.wait_for_line("executor", "command_refused", f"code={code}", f"command_id={command_id}")
    return refusal


@pytest.mark.parametrize("field", ["quantity", "expires_at", "order_id", "account", "symbol"])
def test_a_place_that_lacks_a_field_is_refused(desk: BadDesk, field: str) -> None:
    message = good_place()
    del message[field]

    refusal = expect_refused(desk, message, "malformed")
    assert field in refusal.text


def test_a_place_out_of_its_time_is_refused(desk: BadDesk) -> None:
    """Times are reckoned here, not when the cases are collected."""
    cases = [
        ({"expires_at": in_a_while(-5)}, "expired"),
        ({"expires_at": 0}, "expired"),
        ({"expires_at": -1}, "expired"),
        ({"expires_at": in_a_while(3600)}, "expires_too_late"),
        ({"expires_at": 2**63 - 1}, "expires_too_late"),
        ({"expires_at": 2**64 - 1}, "expires_too_late"),
        ({"order_id": made(ago_s=25 * 3600)}, "order_id_too_old"),
        ({"order_id": made(ago_s=-3600)}, "order_id_in_future"),
        ({"order_id": made(ago_s=0, tag=77)}, "foreign_order_id"),
        ({"order_id": made(ago_s=0, tag=0)}, "foreign_order_id"),
    ]
    for changes, code in cases:
        expect_refused(desk, good_place(**changes), code)


UNREADABLE = {
    "nothing": b"",
    "no MessagePack": b"\xc1\xff\x00",
    "JSON": b'{"type": "place"}',
    "cut off": pack({"type": "place", "order_id": "x"})[:-3],
    "more behind the end": pack({"type": "cancel"}) + b"more",
    "a list": pack(["place"]),
    "a number": pack(7),
    "nested without end": b"\x81" * 8_000,
    "an array larger than memory": b"\xdd\xff\xff\xff\xff",
    "a map without type": pack({"order_id": "x"}),
    "text that is no text": b"\x81\xa4type\xa3\xff\xfe\xfd",
    "a sender that is no name": pack(good_place(client_id="\n../\x00", quantity="0")),
    "larger than a command": pack({"type": "place", "padding": "x" * 20_000}),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_names_nobody_to_answer_is_counted_and_logged(desk: BadDesk, kind: str) -> None:
    unusable = 'gateway_commands_ignored_total{reason="unusable"}'
    before = desk.counted(EXECUTOR, unusable)

    assert desk.sockets.orders.send(UNREADABLE[kind])
    assert desk.sockets.urgent.send(UNREADABLE[kind])

    wait_for(lambda: desk.counted(EXECUTOR, unusable) == before + 2, "both are counted", WAIT_S)
    desk.wait_for_line("executor", "message_without_sender")


def test_messages_of_many_frames_are_thrown_away_and_counted(desk: BadDesk) -> None:
    def malformed() -> float:
        labels = 'role="executor",pattern="pull",endpoint="orders",event="malformed"'
        return desk.counted(EXECUTOR, f"gateway_socket_events_total{{{labels}}}")

    before = malformed()
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(desk.stage.endpoints.orders)
        socket.send_multipart([pack(good_place()), pack(good_place())])
        wait_for(lambda: malformed() == before + 1, "it is counted", WAIT_S)


def test_bad_cancels_amends_and_halts_are_refused(desk: BadDesk) -> None:
    order = {"order_id": made(ago_s=1), "client_id": NAME, "account": "main", "symbol": "BTC/USDT"}
    amend = {"type": "amend", **order, "expires_at": in_a_while(5)}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"type": "cancel", **order, "account": "nobody"}, "unknown_account"),
        ({"type": "cancel", **order, "symbol": "BTC/MOON"}, "unknown_symbol"),
        ({"type": "cancel", **order, "order_id": "42"}, "bad_order_id"),
        ({"type": "cancel", **order, "venue_order_id": "a\nb"}, "bad_order_id"),
        (amend, "bad_combination"),
        ({**amend, "price": "nan"}, "bad_price"),
        ({**amend, "price": "1", "quantity": "1"}, "value_limit"),
        ({**amend, "price": "20000", "expires_at": 1}, "expired"),
        ({**amend, "price": "20000"}, "unknown_order"),
        ({"type": "halt", "client_id": NAME, "account": "nobody"}, "unknown_account"),
    ]
    for message, code in cases:
        command_id = desk.send({**message, "command_id": f"b{next(numbers)}"})
        refusal = desk.refusal_of(command_id)
        assert (refusal.code, message) == (code, message)
        assert refusal.text


BAD_REQUESTS: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "undecodable"),
    "no MessagePack": (b"\xc1\xff", "undecodable"),
    "a list": (pack([1, 2]), "undecodable"),
    "unknown type": ({"type": "give_me_all"}, "unknown_type"),
    "newer version": ({"type": "accounts", "version": 9}, "unsupported_version"),
    "no id": ({"type": "accounts", "request_id": ""}, "malformed"),
    "an id that writes lines": ({"type": "accounts", "request_id": "a\n2026 INFO b"}, "malformed"),
    "no expiry": ({"type": "accounts", "expires_at": None}, "malformed"),
    "unknown account": ({"type": "balances", "account": "nobody"}, "unknown_account"),
    "unknown symbol": (
        {"type": "open_orders", "account": "main", "symbol": "BTC/MOON"},
        "unknown_symbol",
    ),
    "an id that is none": ({"type": "get_order", "order_id": "42"}, "bad_order_id"),
    "unknown order": (
        {"type": "refresh_order", "order_id": "0190a5c4-7c00-8001-8000-000000000001"},
        "unknown_order",
    ),
    "a page of less than none": ({"type": "list_orders", "limit": -1}, "malformed"),
    "a cursor of one's own making": ({"type": "list_orders", "after": "\x00'--"}, "malformed"),
    "an acknowledgement of what never was": (
        {"type": "acknowledge", "account": "main", "consumer": "books", "seq": 10**12},
        "malformed",
    ),
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_a_bad_request_is_answered_counted_and_logged(desk: BadDesk, kind: str) -> None:
    content, code = BAD_REQUESTS[kind]
    if isinstance(content, dict):
        content = {**common(), **content}
    before = failed_count(desk, code)

    answer = desk.ask(content)

    assert isinstance(answer, m.Failed)
    assert answer.code == code
    assert len(answer.text) > 10
    assert failed_count(desk, code) == before + 1
    desk.wait_for_line("actioner", f"code={code} text={answer.text[:20]}")
    assert "\n2026 INFO" not in desk.log_of("actioner")


def failed_count(desk: BadDesk, code: str) -> float:
    """Refused before or after it was begun."""
    events = (f"refused_{code}", f"failed_{code}")
    return sum(
        desk.counted(ACTIONER, f'gateway_actioner_events_total{{event="{event}"}}')
        for event in events
    )


def common() -> dict[str, Any]:
    return {
        "request_id": f"r{next(numbers)}",
        "client_id": NAME,
        "expires_at": in_a_while(5),
    }


def test_requests_out_of_their_time_are_not_carried_out(desk: BadDesk) -> None:
    cancel_all = {"type": "cancel_all", "account": "main", "sent_at": time.time_ns()}

    passed = desk.ask({**common(), **cancel_all, "expires_at": in_a_while(-1)})
    far_off = desk.ask({**common(), **cancel_all, "expires_at": in_a_while(1e6)})

    assert isinstance(passed, m.Failed)
    assert isinstance(far_off, m.Failed)
    assert (passed.code, far_off.code) == ("timed_out", "expires_too_late")


def test_bytes_that_are_no_report_harm_nobody(desk: BadDesk) -> None:
    """`reports` is the gateway's own; a program of the same user can reach it."""
    frames = [*UNREADABLE.values(), pack(good_place())]
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(desk.stage.endpoints.reports)
        for frame in frames:
            socket.send(frame)
        wait_for(lambda: bad_reports(desk) >= len(frames), "they are counted", WAIT_S)
    desk.wait_for_line("listener", "bad_report", "code=undecodable")
    expect_refused(desk, good_place(quantity="0"), "bad_quantity")


def bad_reports(desk: BadDesk) -> float:
    codes = ("undecodable", "unknown_type", "malformed")
    return sum(
        desk.counted(LISTENER, f'gateway_listener_events_total{{event="{code}"}}') for code in codes
    )


def test_a_reused_id_with_other_content_is_refused_and_its_order_is_as_it_was(
    stage: Stage, connected: BadDesk
) -> None:
    with Client(stage.endpoints, "good-desk", connect_timeout=START_S) as client:
        order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
        order = client.wait(order_id, until="accepted", timeout=WAIT_S)
        before = stage.paper("/paper/orders")
        for changes in ({"price": "20001"}, {"quantity": "0.02"}, {"side": "sell"}):
            message = good_place(order_id=order_id, client_id=NAME, **changes)
            expect_refused(connected, message, "order_id_reused")
        expect_refused(
            connected, good_place(order_id=order_id), "order_id_reused"
        )  # another client's

        assert stage.paper("/paper/orders") == before
        after = client.get_order(order_id).order
        assert after is not None
        assert (after.status, after.quantity, after.price) == ("new", order.quantity, order.price)
        client.cancel(order_id)
        client.wait(order_id, timeout=WAIT_S)


def test_after_all_this_a_good_order_is_carried_out(stage: Stage) -> None:
    with Client(stage.endpoints, "good-desk", connect_timeout=START_S) as client:
        order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
        assert client.wait(order_id, until="accepted", timeout=WAIT_S).status == "new"
        client.cancel(order_id)
        assert client.wait(order_id, timeout=WAIT_S).status == "canceled"

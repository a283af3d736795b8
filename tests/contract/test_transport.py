"""The contract of a transport: memory, inproc, ipc, tcp and tcp with CURVE all pass it."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from gateway.service.embedded import free_port
from gateway.wire import req_router
from gateway.wire.base import (
    BadEndpoint,
    EndpointInUse,
    Envelope,
    FrameTooLarge,
    Limits,
    PullInput,
    Requester,
    Responder,
    Subscriber,
    Transport,
)
from gateway.wire.curve import CurveKeys
from gateway.wire.inproc import SharedContext
from gateway.wire.limits import REQUEST_POOL_SIZE
from gateway.wire.memory import MemoryNetwork, MemoryTransport
from gateway.wire.memory import req_router as memory_req_router
from gateway.wire.zeromq import ZmqTransport

LIMITS = Limits(hwm=1_000, max_bytes=64 * 1024)
SMALL = Limits(hwm=10, max_bytes=64 * 1024)
BURST, REPEATS = 2_000, 10_000
"""Messages of 60 kB: together far more than HWMs and the kernel's buffers hold, whose sizes are
the machine's affair, and tens of MB on some."""
DEADLINE_S = 20.0


class Wires:
    """One kind of transport, on a loop of its own; each `transport()` is a process's side."""

    def __init__(self, kind: str, loop: asyncio.AbstractEventLoop, folder: Path) -> None:
        self.kind = kind
        self.loop = loop
        self._folder = folder
        self._memory = MemoryNetwork(loop)
        self._shared = SharedContext()
        pair = CurveKeys.generate()
        self._curve = CurveKeys(pair.public, pair.secret, server=pair.public)
        self._opened: list[Transport] = []
        self._names: dict[str, str] = {}

    def transport(self) -> Transport:
        opened: Transport = self._make()
        self._opened.append(opened)
        return opened

    def _make(self) -> Transport:
        if self.kind == "memory":
            return MemoryTransport(self._memory)
        curve = self._curve if self.kind == "tcp+curve" else None
        return ZmqTransport(self.loop, shared=self._shared, curve=curve)

    def endpoint(self, name: str) -> str:
        return self._names.setdefault(name, self._new_endpoint(name))

    def _new_endpoint(self, name: str) -> str:
        if self.kind in {"memory", "inproc"}:
            return f"inproc://{name}"
        if self.kind.startswith("ipc"):
            return f"ipc://{self._folder / name}"
        return f"tcp://127.0.0.1:{free_port()}"

    def until(self, condition: Callable[[], bool]) -> None:
        """Run the loop until the condition holds; fail the test if it never does."""

        async def wait() -> bool:
            deadline = self.loop.time() + DEADLINE_S
            while self.loop.time() < deadline:
                if condition():
                    return True
                await asyncio.sleep(0.001)
            return False

        assert self.loop.run_until_complete(wait()), "the condition never held"

    def close(self) -> None:
        for opened in self._opened:
            opened.close()
        self._shared.close()


@pytest.fixture(params=["memory", "inproc", "ipc", "ipc, plain asyncio", "tcp", "tcp+curve"])
def wires(request: pytest.FixtureRequest) -> Iterator[Wires]:
    plain = "asyncio" in request.param
    loop = asyncio.new_event_loop() if plain else uvloop.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        made = Wires(request.param, loop, Path(folder))
        yield made
        made.close()
        loop.close()


def ignore(*_: object) -> None:
    """A callback for those who do not listen."""


def pair(wires: Wires) -> tuple[Transport, Transport]:
    return wires.transport(), wires.transport()


# PUSH and PULL


def test_frames_arrive_whole_and_in_order(wires: Wires) -> None:
    server, client = pair(wires)
    received: list[bytes] = []
    server.bind_pull(wires.endpoint("orders"), received.append, LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)
    frames = [b"", b"\x00\xff", b"x" * LIMITS.max_bytes, *(b"%d" % n for n in range(300))]

    assert all(sender.send(frame) for frame in frames)

    wires.until(lambda: len(received) == len(frames))
    assert received == frames
    assert sender.counters.sent == len(frames)


def test_nothing_is_delivered_inside_the_send(wires: Wires) -> None:
    server, client = pair(wires)
    received: list[bytes] = []
    server.bind_pull(wires.endpoint("orders"), received.append, LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)

    sender.send(b"order")

    assert received == []
    wires.until(lambda: received == [b"order"])


def test_a_send_to_nobody_is_refused_at_once_and_counted(wires: Wires) -> None:
    sender = wires.transport().connect_push(wires.endpoint("orders"), LIMITS)

    assert not sender.send(b"order")

    assert not sender.ready()
    assert (sender.counters.sent, sender.counters.refused) == (0, 1)


def test_a_sender_that_comes_after_the_receiver_has_gone_finds_nobody(wires: Wires) -> None:
    server, client = pair(wires)
    server.bind_pull(wires.endpoint("orders"), ignore, LIMITS).close()
    server.close()

    sender = client.connect_push(wires.endpoint("orders"), LIMITS)

    assert not sender.send(b"order")


def test_a_refused_frame_is_not_kept_for_a_peer_that_comes_later(wires: Wires) -> None:
    server, client = pair(wires)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    received: list[bytes] = []
    assert not sender.send(b"too early")

    server.bind_pull(wires.endpoint("orders"), received.append, LIMITS)
    wires.until(sender.ready)
    assert sender.send(b"now")

    wires.until(lambda: len(received) > 0)
    assert received == [b"now"]


def test_a_sender_finds_a_restarted_receiver_again(wires: Wires) -> None:
    server, client = pair(wires)
    server.bind_pull(wires.endpoint("orders"), ignore, LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)

    server.close()
    wires.until(lambda: not sender.ready())
    assert not sender.send(b"to the dead")
    received: list[bytes] = []
    wires.transport().bind_pull(wires.endpoint("orders"), received.append, LIMITS)
    wires.until(sender.ready)
    assert sender.send(b"to the living")

    wires.until(lambda: len(received) > 0)
    assert received == [b"to the living"]


def test_a_full_queue_refuses_at_once_and_takes_again_when_it_has_been_read(wires: Wires) -> None:
    server, client = pair(wires)
    received: list[bytes] = []
    server.bind_pull(wires.endpoint("orders"), received.append, SMALL)
    sender = client.connect_push(wires.endpoint("orders"), SMALL)
    wires.until(sender.ready)
    frame = b"x" * 16_384

    attempts = range(10_000)  # far more than HWMs and kernel buffers hold together
    taken = next(count for count in attempts if not sender.send(frame))

    assert taken >= SMALL.hwm
    assert sender.counters.refused == 1
    wires.until(lambda: len(received) == taken)
    wires.until(sender.ready)
    assert sender.send(b"again")
    wires.until(lambda: received[-1] == b"again")


def test_a_frame_above_the_bound_is_an_error_and_the_sender_goes_on(wires: Wires) -> None:
    server, client = pair(wires)
    received: list[bytes] = []
    server.bind_pull(wires.endpoint("orders"), received.append, LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)

    with pytest.raises(FrameTooLarge):
        sender.send(b"x" * (LIMITS.max_bytes + 1))

    assert sender.send(b"small")
    wires.until(lambda: received == [b"small"])


def test_a_cancel_overtakes_the_orders_that_wait(wires: Wires) -> None:
    server, client = pair(wires)
    heard: list[bytes] = []
    sent = [0]

    def on_order(frame: bytes) -> None:
        heard.append(frame)
        if b"cancel" not in heard:  # it may be slow to come: orders wait for as long as it takes
            sent[0] += orders.send(b"order")

    server.bind_pulls(
        [
            PullInput(wires.endpoint("urgent"), heard.append, LIMITS),
            PullInput(wires.endpoint("orders"), on_order, LIMITS),
        ]
    )
    orders = client.connect_push(wires.endpoint("orders"), LIMITS)
    urgent = client.connect_push(wires.endpoint("urgent"), LIMITS)
    wires.until(lambda: orders.ready() and urgent.ready())

    sent[0] = sum(orders.send(b"order") for _ in range(1_000))
    assert urgent.send(b"cancel")

    wires.until(lambda: len(heard) == sent[0] + 1)
    assert heard.index(b"cancel") < sent[0]


def test_a_callback_that_raises_is_counted_and_the_next_frame_is_heard(
    wires: Wires, caplog: pytest.LogCaptureFixture
) -> None:
    server, client = pair(wires)
    received: list[bytes] = []

    def on_message(frame: bytes) -> None:
        if frame == b"bad":
            raise ValueError("what a decoder might raise")
        received.append(frame)

    receiver = server.bind_pull(wires.endpoint("orders"), on_message, LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)

    sender.send(b"bad")
    sender.send(b"good")

    wires.until(lambda: received == [b"good"])
    assert receiver.counters.handler_errors == 1
    assert "wire_handler_failed" in caplog.text


def test_a_burst_leaves_turns_to_the_rest_of_the_loop(wires: Wires) -> None:
    server, client = pair(wires)
    turns: list[str] = []
    server.bind_pull(wires.endpoint("orders"), lambda _: turns.append("message"), LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)

    def tick() -> None:
        turns.append("other")
        wires.loop.call_soon(tick)

    wires.loop.call_soon(tick)
    sent = sum(sender.send(b"order") for _ in range(600))

    wires.until(lambda: turns.count("message") == sent)
    runs = [len(run) for run in "".join(turn[0] for turn in turns).split("o")]
    assert max(runs) < sent / 4


def test_every_sender_is_heard(wires: Wires) -> None:
    server = wires.transport()
    received: list[bytes] = []
    server.bind_pull(wires.endpoint("orders"), received.append, LIMITS)
    endpoint = wires.endpoint("orders")
    senders = [wires.transport().connect_push(endpoint, LIMITS) for _ in range(3)]
    wires.until(lambda: all(sender.ready() for sender in senders))

    for number, sender in enumerate(senders):
        assert sender.send(b"%d" % number)

    wires.until(lambda: sorted(received) == [b"0", b"1", b"2"])


def test_a_receiver_may_be_closed_by_its_own_callback(wires: Wires) -> None:
    server, client = pair(wires)
    received: list[bytes] = []

    def on_message(frame: bytes) -> None:
        received.append(frame)
        receiver.close()

    receiver = server.bind_pull(wires.endpoint("orders"), on_message, LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)

    sender.send(b"first")
    sender.send(b"second")

    wires.until(lambda: len(received) > 0 and not sender.ready())
    assert received == [b"first"]


def test_what_was_sent_before_the_sender_closed_still_arrives(wires: Wires) -> None:
    server, client = pair(wires)
    received: list[bytes] = []
    server.bind_pull(wires.endpoint("orders"), received.append, LIMITS)
    sender = client.connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)

    sent = sum(sender.send(b"order") for _ in range(100))
    client.close()

    assert not sender.send(b"after the end")
    wires.until(lambda: len(received) == sent)


def test_a_program_has_one_sender_for_each_endpoint(wires: Wires) -> None:
    client = wires.transport()
    first = client.connect_push(wires.endpoint("orders"), LIMITS)

    with pytest.raises(BadEndpoint, match="shared out"):
        client.connect_push(wires.endpoint("orders"), LIMITS)

    first.close()
    client.connect_push(wires.endpoint("orders"), LIMITS)


def test_an_endpoint_that_is_bound_is_refused_to_others(wires: Wires) -> None:
    first, second = pair(wires)
    received: list[bytes] = []
    first.bind_pull(wires.endpoint("orders"), received.append, LIMITS)

    with pytest.raises(EndpointInUse):
        second.bind_pull(wires.endpoint("orders"), ignore, LIMITS)

    sender = wires.transport().connect_push(wires.endpoint("orders"), LIMITS)
    wires.until(sender.ready)
    sender.send(b"order")
    wires.until(lambda: received == [b"order"])


def test_a_set_of_inputs_is_bound_as_a_whole_or_not_at_all(wires: Wires) -> None:
    server, other = pair(wires)
    other.bind_pull(wires.endpoint("orders"), ignore, LIMITS)
    urgent = PullInput(wires.endpoint("urgent"), ignore, LIMITS)

    with pytest.raises(EndpointInUse):
        server.bind_pulls([urgent, PullInput(wires.endpoint("orders"), ignore, LIMITS)])

    server.close()
    assert wires.transport().bind_pulls([urgent]).endpoints == (wires.endpoint("urgent"),)


# PUB and SUB


def subscribed(wires: Wires, subscriber: Subscriber, topics: list[str], topic: str) -> None:
    """Subscribe and wait until the publisher knows."""
    subscriber.subscribe(topic)
    wires.until(lambda: topic in topics)


def test_a_subscriber_hears_the_topics_that_it_asked_for_and_no_others(wires: Wires) -> None:
    server, client = pair(wires)
    known: list[str] = []
    heard: list[tuple[str, bytes]] = []
    publisher = server.bind_pub(wires.endpoint("status"), LIMITS, known.append)
    subscriber = client.connect_sub(
        wires.endpoint("status"), lambda topic, frame: heard.append((topic, frame)), LIMITS
    )
    subscribed(wires, subscriber, known, "updates/acc1/")

    publisher.publish("updates/acc10/", b"of a stranger")
    publisher.publish("heads/", b"not asked for")
    publisher.publish("updates/acc1/", b"ours")
    publisher.publish("updates/acc1/BTC/", b"ours too")

    wires.until(lambda: len(heard) == 2)
    assert heard == [("updates/acc1/", b"ours"), ("updates/acc1/BTC/", b"ours too")]


def test_the_empty_topic_is_everything(wires: Wires) -> None:
    server, client = pair(wires)
    known: list[str] = []
    heard: list[str] = []
    publisher = server.bind_pub(wires.endpoint("status"), LIMITS, known.append)
    subscriber = client.connect_sub(
        wires.endpoint("status"), lambda topic, _: heard.append(topic), LIMITS
    )
    subscribed(wires, subscriber, known, "")

    publisher.publish("heads/", b"")
    publisher.publish("updates/acc1/", b"")

    wires.until(lambda: heard == ["heads/", "updates/acc1/"])


@pytest.mark.parametrize("topic", ["acc1", "", "a/b"])
def test_a_topic_without_an_end_is_refused(wires: Wires, topic: str) -> None:
    publisher = wires.transport().bind_pub(wires.endpoint("status"), LIMITS)

    with pytest.raises(ValueError, match="ends with"):
        publisher.publish(topic, b"")

    assert publisher.counters.sent == 0


def test_a_subscription_to_a_topic_without_an_end_is_refused(wires: Wires) -> None:
    subscriber = wires.transport().connect_sub(wires.endpoint("status"), ignore, LIMITS)

    with pytest.raises(ValueError, match="ends with"):
        subscriber.subscribe("acc1")


def test_publishing_to_nobody_is_no_error(wires: Wires) -> None:
    publisher = wires.transport().bind_pub(wires.endpoint("status"), LIMITS)

    publisher.publish("heads/", b"1")

    assert publisher.counters.sent == 1
    with pytest.raises(FrameTooLarge):
        publisher.publish("heads/", b"x" * (LIMITS.max_bytes + 1))


def test_one_unsubscribe_ends_a_topic_however_often_it_was_subscribed(wires: Wires) -> None:
    server, client = pair(wires)
    known: list[str] = []
    heard: list[str] = []
    publisher = server.bind_pub(wires.endpoint("status"), LIMITS, known.append)
    subscriber = client.connect_sub(
        wires.endpoint("status"), lambda topic, _: heard.append(topic), LIMITS
    )
    subscriber.subscribe("a/")
    subscriber.subscribe("a/")
    subscribed(wires, subscriber, known, "b/")
    wires.until(lambda: publisher.counters.subscriptions == 2)

    subscriber.unsubscribe("a/")
    wires.until(lambda: publisher.counters.subscriptions == 1)
    publisher.publish("a/", b"")
    publisher.publish("b/", b"")

    wires.until(lambda: len(heard) > 0)
    assert heard == ["b/"]


def test_a_subscription_outlives_its_publisher(wires: Wires) -> None:
    server, client = pair(wires)
    known: list[str] = []
    heard: list[bytes] = []
    server.bind_pub(wires.endpoint("status"), LIMITS, known.append)
    subscriber = client.connect_sub(
        wires.endpoint("status"), lambda _, frame: heard.append(frame), LIMITS
    )
    subscribed(wires, subscriber, known, "heads/")

    server.close()
    known_to_next: list[str] = []
    next_one = wires.transport().bind_pub(wires.endpoint("status"), LIMITS, known_to_next.append)
    wires.until(lambda: known_to_next == ["heads/"])
    next_one.publish("heads/", b"of the next")

    wires.until(lambda: heard == [b"of the next"])


def test_a_publisher_never_waits_for_a_subscriber_that_does_not_read(wires: Wires) -> None:
    server, client = pair(wires)
    known: list[str] = []
    heard: list[bytes] = []
    publisher = server.bind_pub(wires.endpoint("status"), SMALL, known.append)
    subscriber = client.connect_sub(
        wires.endpoint("status"), lambda _, frame: heard.append(frame), SMALL
    )
    subscribed(wires, subscriber, known, "updates/")

    for number in range(BURST):  # the loop does not run meanwhile, so nothing is read
        publisher.publish("updates/", b"%06d" % number * REPEATS)

    assert publisher.counters.sent == BURST

    def last_is_heard() -> bool:
        publisher.publish("updates/", b"last")
        return b"last" in heard

    wires.until(last_is_heard)
    numbered = [frame for frame in heard if frame != b"last"]
    assert numbered == sorted(numbered)
    assert 0 < len(numbered) < BURST


def test_a_late_subscriber_is_sure_of_what_follows_the_first_head(wires: Wires) -> None:
    server, client = pair(wires)
    heard: list[bytes] = []
    publisher = server.bind_pub(wires.endpoint("status"), LIMITS)
    subscriber = client.connect_sub(
        wires.endpoint("status"), lambda _, frame: heard.append(frame), LIMITS
    )
    subscriber.subscribe("updates/")
    subscriber.subscribe("heads/")

    def head_is_heard() -> bool:
        publisher.publish("heads/", b"head")
        return b"head" in heard

    wires.until(head_is_heard)
    for number in range(100):
        publisher.publish("updates/", b"%d" % number)

    wires.until(lambda: b"99" in heard)
    assert [frame for frame in heard if frame != b"head"] == [b"%d" % n for n in range(100)]


def test_a_lost_last_message_is_seen_by_the_next_head(wires: Wires) -> None:
    server, client = pair(wires)
    known: list[str] = []
    heard = {"updates/": 0, "heads/": 0}
    said = 0
    publisher = server.bind_pub(wires.endpoint("status"), SMALL, known.append)

    def note(topic: str, frame: bytes) -> None:
        heard[topic] = int(frame[:6])

    subscriber = client.connect_sub(wires.endpoint("status"), note, SMALL)
    subscribed(wires, subscriber, known, "updates/")
    subscribed(wires, subscriber, known, "heads/")

    def head_is_heard() -> bool:
        publisher.publish("heads/", b"%06d" % said)
        return heard["heads/"] == said

    while heard["updates/"] == said:  # the last one may find room that another has left
        for _ in range(BURST):
            said += 1
            publisher.publish("updates/", b"%06d" % said * REPEATS)
        wires.until(head_is_heard)
    assert heard["updates/"] < heard["heads/"] == said


# REQ and ROUTER


class Desk:
    """A responder that keeps its requests, to be answered by the test."""

    def __init__(self) -> None:
        self.requests: list[tuple[Envelope, bytes]] = []

    def on_request(self, envelope: Envelope, frame: bytes) -> None:
        self.requests.append((envelope, frame))


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a connection takes: a question waits until there is somebody to ask."""
    monkeypatch.setattr(req_router, "SEND_WAIT_S", DEADLINE_S)
    monkeypatch.setattr(memory_req_router, "SEND_WAIT_S", DEADLINE_S)


def connected(wires: Wires, requester: Requester, responder: Responder, desk: Desk) -> None:
    """Have a first question answered, with `patience`: the next one leaves at once."""
    replies: list[bytes | None] = []
    requester.request(b"?", DEADLINE_S, replies.append)
    wires.until(lambda: len(desk.requests) == 1)
    envelope, _ = desk.requests.pop()
    assert responder.reply(envelope, b"!")
    wires.until(lambda: replies == [b"!"])


@pytest.mark.usefixtures("patience")
def test_a_request_is_answered(wires: Wires) -> None:
    server, client = pair(wires)
    responder = server.bind_router(
        wires.endpoint("requests"),
        lambda envelope, frame: answers.append(responder.reply(envelope, b"re: " + frame)),
        LIMITS,
    )
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    answers: list[bool] = []
    replies: list[bytes | None] = []

    for question in (b"one", b"", b"three"):
        requester.request(question, DEADLINE_S, replies.append)

    assert replies == []
    wires.until(lambda: len(replies) == 3)
    assert set(replies) == {b"re: one", b"re: ", b"re: three"}
    assert answers == [True, True, True]


@pytest.mark.usefixtures("patience")
def test_requests_are_answered_in_any_order_and_each_answer_finds_its_asker(wires: Wires) -> None:
    server = wires.transport()
    desk = Desk()
    responder = server.bind_router(wires.endpoint("requests"), desk.on_request, LIMITS)
    replies: dict[bytes, bytes | None] = {}

    def ask(question: bytes) -> None:
        requester = wires.transport().connect_req(wires.endpoint("requests"), LIMITS)
        requester.request(question, DEADLINE_S, lambda reply: replies.update({question: reply}))

    for question in (b"a", b"b", b"c"):
        ask(question)
    wires.until(lambda: len(desk.requests) == 3)
    for envelope, frame in sorted(desk.requests, key=lambda one: one[1], reverse=True):
        assert responder.reply(envelope, frame.upper())

    wires.until(lambda: len(replies) == 3)
    assert replies == {b"a": b"A", b"b": b"B", b"c": b"C"}


@pytest.mark.usefixtures("patience")
def test_a_request_that_times_out_gives_none_and_the_same_object_goes_on(wires: Wires) -> None:
    server, client = pair(wires)
    desk = Desk()
    responder = server.bind_router(wires.endpoint("requests"), desk.on_request, LIMITS)
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    replies: list[bytes | None] = []

    connected(wires, requester, responder, desk)
    requester.request(b"first", 0.2, replies.append)
    wires.until(lambda: len(replies) == 1 and len(desk.requests) == 1)
    assert replies == [None]
    assert requester.counters.timeouts == 1
    requester.request(b"second", DEADLINE_S, replies.append)
    wires.until(lambda: len(desk.requests) == 2)
    late, timely = (envelope for envelope, _ in desk.requests)
    responder.reply(late, b"answer to the first")
    responder.reply(timely, b"answer to the second")

    wires.until(lambda: len(replies) == 2)
    assert replies == [None, b"answer to the second"]


@pytest.mark.usefixtures("patience")
def test_a_late_reply_is_not_taken_for_the_answer_to_a_request_that_follows_it(
    wires: Wires,
) -> None:
    server, client = pair(wires)
    desk = Desk()
    responder = server.bind_router(wires.endpoint("requests"), desk.on_request, LIMITS)
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    replies: list[bytes | None] = []
    connected(wires, requester, responder, desk)
    requester.request(b"first", 0.2, replies.append)
    wires.until(lambda: replies == [None] and len(desk.requests) == 1)

    assert responder.reply(desk.requests[0][0], b"answer to the first")
    wires.until(lambda: requester.counters.late == 1)
    requester.request(b"second", DEADLINE_S, replies.append)
    wires.until(lambda: len(desk.requests) == 2)
    responder.reply(desk.requests[1][0], b"answer to the second")

    wires.until(lambda: len(replies) == 2)
    assert replies == [None, b"answer to the second"]


def test_a_request_to_nobody_gives_none_without_waiting_for_its_time(wires: Wires) -> None:
    requester = wires.transport().connect_req(wires.endpoint("requests"), LIMITS)
    replies: list[bytes | None] = []

    requester.request(b"anyone?", 3_600, replies.append)

    assert replies == []
    wires.until(lambda: replies == [None])
    assert requester.counters.refused == 1
    assert requester.counters.sent == 0


@pytest.mark.usefixtures("patience")
def test_a_request_waits_a_moment_for_somebody_to_ask(wires: Wires) -> None:
    server, client = pair(wires)
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    replies: list[bytes | None] = []
    requester.request(b"anyone?", DEADLINE_S, replies.append)

    responder = server.bind_router(
        wires.endpoint("requests"),
        lambda envelope, frame: ignore(responder.reply(envelope, b"me")),
        LIMITS,
    )

    wires.until(lambda: replies == [b"me"])


@pytest.mark.usefixtures("patience")
def test_one_question_too_many_gives_none_and_the_others_are_answered(wires: Wires) -> None:
    server, client = pair(wires)
    desk = Desk()
    responder = server.bind_router(wires.endpoint("requests"), desk.on_request, LIMITS)
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    replies: list[bytes | None] = []

    for _ in range(REQUEST_POOL_SIZE + 1):
        requester.request(b"?", DEADLINE_S, replies.append)

    assert replies == []
    wires.until(lambda: replies == [None] and len(desk.requests) == REQUEST_POOL_SIZE)
    for envelope, _ in desk.requests:
        responder.reply(envelope, b"!")
    wires.until(lambda: len(replies) == REQUEST_POOL_SIZE + 1)
    assert replies[1:] == [b"!"] * REQUEST_POOL_SIZE


@pytest.mark.usefixtures("patience")
def test_a_requester_goes_on_with_a_restarted_responder(wires: Wires) -> None:
    server, client = pair(wires)
    desk = Desk()
    first = server.bind_router(wires.endpoint("requests"), desk.on_request, LIMITS)
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    connected(wires, requester, first, desk)
    replies: list[bytes | None] = []
    requester.request(b"to the first", 0.5, replies.append)
    wires.until(lambda: len(desk.requests) == 1)

    server.close()
    wires.until(lambda: replies == [None])
    responder = wires.transport().bind_router(
        wires.endpoint("requests"),
        lambda envelope, frame: ignore(responder.reply(envelope, b"re: " + frame)),
        LIMITS,
    )

    def answered() -> bool:
        if replies[-1] is None and len(replies) == asked[0]:
            asked[0] += 1
            requester.request(b"to the next", 2.0, replies.append)
        return replies[-1] is not None

    asked = [1]
    wires.until(answered)
    assert replies[-1] == b"re: to the next"


@pytest.mark.usefixtures("patience")
def test_a_reply_to_an_asker_who_left_is_refused_and_counted(wires: Wires) -> None:
    server, client = pair(wires)
    desk = Desk()
    responder = server.bind_router(wires.endpoint("requests"), desk.on_request, LIMITS)
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    requester.request(b"?", DEADLINE_S, ignore)
    wires.until(lambda: len(desk.requests) == 1)

    client.close()

    wires.until(lambda: not responder.reply(desk.requests[0][0], b"!"))
    assert responder.counters.gone == 1


@pytest.mark.usefixtures("patience")
def test_a_callback_may_ask_again(wires: Wires) -> None:
    server, client = pair(wires)
    responder = server.bind_router(
        wires.endpoint("requests"),
        lambda envelope, frame: ignore(responder.reply(envelope, frame)),
        LIMITS,
    )
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    replies: list[bytes | None] = []

    def on_reply(reply: bytes | None) -> None:
        replies.append(reply)
        if len(replies) < 50:
            requester.request(b"%d" % len(replies), DEADLINE_S, on_reply)

    requester.request(b"0", DEADLINE_S, on_reply)

    wires.until(lambda: len(replies) == 50)
    assert replies == [b"%d" % n for n in range(50)]


@pytest.mark.usefixtures("patience")
def test_closing_drops_open_requests_without_a_call(wires: Wires) -> None:
    server, client = pair(wires)
    desk = Desk()
    responder = server.bind_router(wires.endpoint("requests"), desk.on_request, LIMITS)
    requester = client.connect_req(wires.endpoint("requests"), LIMITS)
    connected(wires, requester, responder, desk)
    replies: list[bytes | None] = []
    requester.request(b"?", 0.1, replies.append)
    assert requester.counters.sent == 2

    requester.close()  # before the loop runs again, however late that is
    later: list[bool] = []
    wires.loop.call_later(0.2, lambda: later.append(True))

    wires.until(lambda: later == [True])
    assert replies == []


# All


def test_reports_name_every_open_socket(wires: Wires) -> None:
    server = wires.transport()
    receiver = server.bind_pull(wires.endpoint("orders"), ignore, LIMITS)
    server.bind_router(wires.endpoint("requests"), ignore, LIMITS)

    both = [(report.pattern, report.endpoint) for report in server.reports()]
    receiver.close()
    one = [(report.pattern, report.endpoint) for report in server.reports()]

    assert both == [("pull", wires.endpoint("orders")), ("router", wires.endpoint("requests"))]
    assert one == both[1:]


def test_closing_twice_is_no_error(wires: Wires) -> None:
    server, client = pair(wires)
    closables = [
        server.bind_pull(wires.endpoint("orders"), ignore, LIMITS),
        server.bind_pub(wires.endpoint("status"), LIMITS),
        server.bind_router(wires.endpoint("requests"), ignore, LIMITS),
        client.connect_push(wires.endpoint("orders"), LIMITS),
        client.connect_sub(wires.endpoint("status"), ignore, LIMITS),
        client.connect_req(wires.endpoint("requests"), LIMITS),
    ]

    for closable in closables * 2:
        closable.close()

    assert server.reports() == client.reports() == []

"""The trap of libzmq's descriptors: a look at a socket takes in what they would have told."""

from collections.abc import Iterator

import pytest
import zmq
from wire_kit import Side, a_side, wait_until

from gateway.wire.base import Counters
from gateway.wire.drain import Drain, Source
from gateway.wire.sockets import look


@pytest.fixture
def side() -> Iterator[Side]:
    with a_side() as made:
        yield made


def settle(side: Side) -> None:
    """Let the loop take in all that the descriptors have told so far."""
    turns = iter(range(5))
    side.until(lambda: next(turns) == 4)


def test_what_waits_before_a_socket_is_read_is_heard(side: Side) -> None:
    heard: list[bytes] = []
    context = side.shared.zmq
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.bind("inproc://orders")
        push.connect("inproc://orders")
        push.send(b"order")
        wait_until(lambda: bool(look(pull) & zmq.POLLIN))  # and so the descriptor tells no more

        drain = Drain(side.loop, [Source(pull, "orders", heard.extend)], Counters())
        try:
            side.until(lambda: heard == [b"order"])
        finally:
            drain.close()


def test_what_a_use_of_the_socket_took_in_is_heard_after_a_recheck(side: Side) -> None:
    heard: list[bytes] = []
    context = side.shared.zmq
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.bind("inproc://orders")
        push.connect("inproc://orders")
        drain = Drain(side.loop, [Source(pull, "orders", heard.extend)], Counters())
        try:
            settle(side)
            push.send(b"order")
            wait_until(lambda: bool(look(pull) & zmq.POLLIN))  # as a send on it would
            settle(side)
            assert heard == []  # the descriptor has nothing more to tell

            drain.recheck()

            side.until(lambda: heard == [b"order"])
        finally:
            drain.close()

"""A halt is said until it is carried out."""

import contextlib
from collections.abc import Iterator

import pytest
from client_kit import SECOND, START, Desk

from gateway.client import NotSent, Refused
from gateway.client.wishes import Wish
from gateway.domain import messages as m
from gateway.domain.enums import Role
from gateway.domain.errors import Code, TimedOut


def health(*carried_out: tuple[str, str]) -> m.Health:
    return m.Health(role=Role.EXECUTOR, instance="i", at=START, ready=True, carried_out=carried_out)


@contextlib.contextmanager
def halting(desk: Desk, account: str = "main") -> Iterator[Wish]:
    with desk.protocol.wishing(desk.protocol.compose.halt(account)) as wish:
        yield wish


def test_it_is_said_again_with_the_same_id_until_it_is_carried_out() -> None:
    desk = Desk()
    with halting(desk) as wish:
        desk.pass_time(2 * SECOND)
        assert not wish.is_over
        desk.hear(health(("desk", wish.command.command_id)))
        assert wish.result() == wish.command.command_id

    desk.pass_time(5 * SECOND)
    assert desk.urgent.sent == [wish.command] * 3
    assert desk.time.armed == 0


def test_once_carried_out_it_is_over_whatever_comes_after() -> None:
    desk = Desk()
    with halting(desk) as wish:
        desk.hear(health(("desk", wish.command.command_id), ("another", "resume")))
        desk.hear(health(*((f"client-{number}", "halt") for number in range(20))))
        assert wish.result()


def test_what_others_had_carried_out_is_not_its_own() -> None:
    desk = Desk()
    with halting(desk) as wish:
        desk.hear(health(("desk", "another"), ("another", wish.command.command_id)))
        assert not wish.is_over
        with pytest.raises(TimedOut):
            wish.result()


def test_two_at_once_end_each_by_itself() -> None:
    desk = Desk()
    with halting(desk) as first, halting(desk) as second:
        desk.hear(health(("desk", second.command.command_id)))
        assert (first.is_over, second.is_over) == (False, True)


def test_what_nobody_took_was_not_sent() -> None:
    desk = Desk()
    desk.urgent.up = False
    with halting(desk) as wish:
        with pytest.raises(NotSent):
            wish.result()
        desk.urgent.up = True
        desk.pass_time(SECOND // 2)
        assert desk.urgent.sent == [wish.command]


def test_it_needs_no_stream_that_is_followed() -> None:
    desk = Desk(connect=False)
    with halting(desk), halting(desk):
        assert sorted(desk.topics) == [m.HEALTH, m.refusals_topic("desk")]


def test_a_refusal_ends_it_and_one_of_the_moment_does_not() -> None:
    desk = Desk()
    with halting(desk, "nobody") as wish:
        desk.hear(refusal(wish.command.command_id, Code.BUSY))
        desk.hear(refusal("another", Code.UNKNOWN_ACCOUNT))
        assert not wish.is_over
        desk.hear(refusal(wish.command.command_id, Code.UNKNOWN_ACCOUNT))
        with pytest.raises(Refused) as refused:
            wish.result()
        assert refused.value.code is Code.UNKNOWN_ACCOUNT


def refusal(command_id: str, code: Code) -> m.Refusal:
    return m.Refusal(at=START, client_id="desk", command_id=command_id, code=code, text="no")

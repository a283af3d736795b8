"""Halts and the store: what keeps new orders out, and lets cancels through."""

import pytest
from executor_world import ACCOUNT, SECOND, SETTINGS, done, started
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId

OTHER = AccountId("acc2")


def halt(account: str = "", command: str = "h1") -> m.Halt:
    return m.Halt(command_id=command, client_id="desk", account=account)


def resume(account: str = "", command: str = "r1") -> m.Resume:
    return m.Resume(command_id=command, client_id="desk", account=account)


def test_case_81_a_halt_refuses_places_and_amends_and_lets_cancels_go_on() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(halt())
    world.order(world.place())
    world.order(world.amend(order_id))
    world.urgent(world.cancel(order_id))
    world.deliver()

    assert [code for _, code in world.refusals()] == [Code.HALTED] * 2
    assert len(world.venue.cancels()) == 1
    assert world.executor.ready
    assert [changed.halted for changed in world.listener.of(m.HaltChanged)] == [True]


def test_a_halt_of_one_account_leaves_the_others_alone() -> None:
    world = started(accounts=(ACCOUNT, OTHER))
    world.urgent(halt(OTHER))
    world.order(world.place(account=OTHER))
    world.order(world.place())

    assert [code for _, code in world.refusals()] == [Code.HALTED]
    assert len(world.venue.places()) == 1
    assert any(problem.startswith("halted") for problem in world.executor.problems())


def test_what_was_carried_out_shows_in_its_health_at_once() -> None:
    world = started()
    before = len(world.listener.heartbeats)
    for command in (halt(), resume(), halt()):
        world.urgent(command)
    world.deliver()

    shown = [beat.carried_out for beat in world.listener.heartbeats[before:]]
    halted, resumed = ("desk", "h1"), ("desk", "r1")
    assert shown == [(halted,), (halted, resumed), (resumed, halted)]
    assert world.listener.of(m.HaltChanged)[-1].halted is False, "one that came again does nothing"


def test_only_the_last_are_in_its_health_and_over_a_restart() -> None:
    world = started()
    for number in range(30):
        world.urgent(halt(command=f"h{number}"))
    world.restart()
    world.deliver()

    shown = world.listener.heartbeats[-1].carried_out
    assert shown == tuple(("desk", f"h{number}") for number in range(10, 30))


def test_one_that_was_refused_is_not_carried_out() -> None:
    world = started()
    world.urgent(halt("nobody"))
    world.advance(2 * SECOND)
    world.deliver()

    assert world.listener.heartbeats[-1].carried_out == ()


def test_one_that_can_not_be_recorded_is_in_force_and_not_called_carried_out() -> None:
    world = started()
    world.files.capacity = 0
    world.urgent(halt())
    world.order(world.place())
    world.advance(2 * SECOND)
    world.deliver()
    assert world.venue.places() == []
    assert world.listener.heartbeats[-1].carried_out == ()
    assert any(problem.startswith("halt_unrecorded: 1 ") for problem in world.executor.problems())

    world.files.capacity = None
    world.advance(2 * SECOND)
    world.deliver()
    assert world.listener.heartbeats[-1].carried_out == (("desk", "h1"),)
    assert [problem.partition(":")[0] for problem in world.executor.problems()] == ["halted"]
    world.restart()
    world.order(world.place())
    assert world.venue.places() == []


def test_one_that_was_not_recorded_is_done_again_by_the_next_process() -> None:
    world = started()
    world.files.capacity = 0
    world.urgent(halt())
    world.files.capacity = None
    world.restart()
    world.urgent(halt())
    world.deliver()

    assert world.executor.holds().halted == ("",)
    assert world.listener.heartbeats[-1].carried_out == (("desk", "h1"),)


def test_one_whose_disk_fails_is_not_called_carried_out() -> None:
    world = started()
    world.files.sync_fails = True
    world.urgent(halt())
    world.deliver()

    assert world.executor.holds().halted == ("",)
    assert world.listener.heartbeats[-1].carried_out == ()


@pytest.mark.parametrize("commands", [[halt()], [halt(), resume()]])
def test_what_was_carried_out_survives_a_loss_of_power(commands: list[m.Halt | m.Resume]) -> None:
    world = started()
    for command in commands:
        world.urgent(command)
    halted = world.executor.holds().halted
    world.kill()
    world.files.lose_power()
    world.start()
    world.deliver()

    assert world.executor.holds().halted == halted
    assert len(world.listener.heartbeats[-1].carried_out) == len(commands)


def test_a_halt_survives_a_restart() -> None:
    world = started()
    world.urgent(halt())
    world.restart()
    world.order(world.place())
    assert [code for _, code in world.refusals()] == [Code.HALTED]

    world.urgent(resume())
    world.restart()
    world.placed()
    assert len(world.venue.places()) == 1


@pytest.mark.parametrize("restart", [False, True])
def test_a_resume_that_comes_again_does_not_undo_a_later_halt(restart: bool) -> None:
    world = started()
    world.urgent(halt(command="h1"))
    world.urgent(resume(command="r1"))
    world.urgent(halt(command="h2"))
    if restart:
        world.restart()
    world.urgent(resume(command="r1"))
    world.order(world.place())

    assert [code for _, code in world.refusals()] == [Code.HALTED]


def test_a_halt_of_an_account_that_is_not_there_is_refused() -> None:
    world = started()
    world.urgent(halt("nobody"))
    assert world.refusals() == [("h1", Code.UNKNOWN_ACCOUNT)]


@pytest.mark.parametrize("policy", ["trade", "halt"])
def test_case_67_a_store_that_is_down_stops_new_orders_only_if_the_policy_says_so(
    policy: str,
) -> None:
    world = started(replace(SETTINGS, on_store_down=policy))
    order_id = world.placed()
    world.health("store_down: no connection")
    world.order(world.place())
    world.urgent(world.cancel(order_id))
    assert [code for _, code in world.refusals()] == [Code.STORE_DOWN] * (policy == "halt")
    assert len(world.venue.cancels()) == 1

    world.health()
    before = len(world.venue.places())
    world.order(world.place())
    assert len(world.venue.places()) == before + 1


def test_the_heartbeat_says_each_second_whether_it_is_ready_and_why_not() -> None:
    world = started()
    world.deliver()
    assert world.listener.heartbeats[-1].ready
    world.venue.ready = False
    before = len(world.listener.heartbeats)
    world.advance(3 * SECOND)
    world.deliver()

    beats = world.listener.heartbeats[before:]
    assert len(beats) == 3
    assert not beats[-1].ready
    assert beats[-1].problems == (
        "venue_not_ready: account acc1: not connected yet; does the venue answer?",
    )
    assert beats[-1].instance == "1"


def test_status_that_is_not_for_it_or_not_understood_changes_nothing() -> None:
    world = started()
    world.executor.on_status("x/", b"\xc1")
    world.tell(m.ACKNOWLEDGEMENTS, m.Acknowledged(outbox="another", number=99))
    world.tell(m.HEADS, m.Head(account=ACCOUNT, epoch=1, seq=5, at=0))

    assert world.executor.counters.bad_status == 1
    assert world.executor.topics() == (m.ACKNOWLEDGEMENTS, m.HEALTH, "stream/acc1/")
    world.placed()
    assert world.recorded(m.PlaceAnswered)[0].answer == done("v1")

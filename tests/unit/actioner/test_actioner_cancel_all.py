"""Cancel-all covers every order that was placed before it was sent, also those on their way."""

from typing import Any

import pytest
from actioner_desk import ACC, BTC, ETH, SECOND, START, TAG, Desk, ids
from msgspec import convert
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import Origin, Pending
from gateway.domain.errors import Code
from gateway.domain.facts import Intent
from gateway.domain.identity import ClientId, external_order_id, make_order_id
from gateway.domain.order import NewOrder, Order

TENTH = SECOND // 10


def ask(desk: Desk, **more: Any) -> list[Any]:
    fields = {"account": ACC, "sent_at": desk.clock.now(), "owner": "bot", **more}
    return desk.send(desk.request(m.CancelAll, **fields))


def test_orders_that_are_on_their_way_when_it_is_sent_are_canceled_as_they_come() -> None:
    desk = Desk()
    held, near, far = desk.placed(), desk.order(), desk.order()
    answers = ask(desk)
    assert ids(desk.cancels()) == ids([held])

    desk.run(0.2)
    desk.listener.put(near)
    desk.run(0.05)
    assert ids(desk.cancels()) == ids([held, near])
    desk.run(0.4)
    desk.listener.put(far)
    desk.listener.alive(START + SECOND)
    assert answers == []
    desk.run()

    assert ids(answers[0].results) == ids(desk.cancels()) == ids([held, near, far])
    assert all(result.sent for result in answers[0].results)


def test_what_was_placed_later_or_is_not_meant_is_left_alone_although_it_comes_meanwhile() -> None:
    desk = Desk()
    others = [desk.order(client_id=ClientId("other")), desk.order(symbol=ETH)]
    mine = desk.order()
    answers = ask(desk, symbol="BTC/USDT", client_id="bot")
    desk.run(0.1)
    for order in (*others, desk.order(), mine):
        desk.listener.put(order)
    desk.executor_lives()
    desk.run(2)

    assert ids(answers[0].results) == ids(desk.cancels()) == ids([mine])


@pytest.mark.parametrize("error", [-4 * TENTH, 0, 4 * TENTH])
def test_how_long_it_waits_does_not_depend_on_the_clock_of_the_program(error: int) -> None:
    desk = Desk()
    answers = ask(desk, sent_at=START + error)

    desk.listener.alive(START + 4 * TENTH)
    desk.run(0.6)
    assert answers == []
    desk.listener.alive(START + 5 * TENTH)
    desk.run()
    assert answers[0].results == ()


def test_an_executor_whose_clock_was_set_back_has_to_come_past_what_it_said_before() -> None:
    desk = Desk()
    desk.listener.alive(START + SECOND)
    late = desk.order()
    answers = ask(desk)
    desk.run(0.6)
    desk.listener.alive(START + SECOND)
    desk.run()
    assert answers == []

    desk.listener.put(late)
    desk.listener.alive(START + 2 * SECOND)
    desk.run()
    assert ids(answers[0].results) == ids([late])


def test_a_clock_that_is_set_forward_takes_nothing_of_the_wait_away() -> None:
    desk = Desk()
    late = desk.order()
    answers = ask(desk)
    desk.listener.alive(START + 9 * TENTH)
    desk.run(0.6)
    assert answers == []

    desk.listener.put(late)
    desk.listener.alive(START + 19 * TENTH)
    desk.run()
    assert ids(answers[0].results) == ids([late])


def test_only_the_executors_present_journal_counts() -> None:
    desk = Desk()
    answers = ask(desk)
    desk.listener.alive(START + SECOND, outbox="before")
    desk.listener.alive(START, outbox="present")
    desk.run(0.6)
    assert answers == []

    desk.listener.alive(START + SECOND, outbox="present")
    desk.run()
    assert len(answers) == 1


def test_an_order_of_which_it_becomes_known_whose_it_is_counts_from_then() -> None:
    desk = Desk()
    found = desk.placed(client_id=ClientId(""), origin=Origin.RECOVERED)
    answers = ask(desk)
    desk.run()
    assert desk.cancels() == []

    desk.listener.put(replace(found, client_id=ClientId("bot"), origin=Origin.OWN))
    desk.executor_lives()
    desk.run(2)

    assert ids(answers[0].results) == ids(desk.cancels()) == ids([found])


def test_a_place_that_waits_for_the_store_at_the_listeners_is_waited_for() -> None:
    desk = Desk()
    order = desk.order()
    desk.listener.append(parked=(parked(order),))
    desk.executor_lives()
    answers = ask(desk)
    desk.run(2)
    assert answers == []

    desk.listener.append(unparked=(1,))
    desk.listener.put(order)
    desk.run()
    assert ids(answers[0].results) == ids([order])


def parked(order: Order) -> m.ParkedFact:
    new = convert(order, NewOrder, from_attributes=True)
    fact = Intent(at=START, order=new, land_by=START + SECOND)
    return m.ParkedFact(number=1, account=ACC, at=START, fact=fact, order_id=order.order_id)


def made_at(desk: Desk, at: int, **fields: Any) -> Order:
    """By the clock of the program that placed it."""
    return desk.order(order_id=make_order_id(TAG, START + at, next(desk.numbers)), **fields)


def test_the_clocks_of_other_programs_may_be_ahead_of_the_askers() -> None:
    desk = Desk(clock_error=SECOND)
    ahead, later = made_at(desk, SECOND), made_at(desk, SECOND + 1_000_000)
    before, after = made_at(desk, 0, client_id="tester"), made_at(desk, TENTH, client_id="tester")
    by_hand = {"origin": Origin.EXTERNAL, "client_id": ""}
    external = [
        desk.order(order_id=external_order_id(ACC, BTC, str(at)), created_at=START + at, **by_hand)
        for at in (SECOND, SECOND + 1)
    ]
    for order in (ahead, later, before, after, *external):
        desk.listener.put(order)
    desk.executor_lives()
    answers = ask(desk, owner=None, include_external=True)
    desk.run(2)

    assert ids(answers[0].results) == ids(desk.cancels()) == ids([ahead, before, external[0]])


@pytest.mark.parametrize(("client", "is_waited_for"), [("tester", False), ("bot", True)])
def test_a_waiting_place_of_another_program_whose_clock_may_be_ahead_is_waited_for(
    client: str, is_waited_for: bool
) -> None:
    desk = Desk(clock_error=SECOND)
    desk.listener.append(parked=(parked(made_at(desk, TENTH, client_id=client)),))
    desk.executor_lives()
    answers = ask(desk, owner=None)
    desk.run(2)

    assert (answers == []) is is_waited_for


def test_when_time_runs_out_it_says_what_was_sent_before_the_asker_gives_up() -> None:
    desk = Desk()
    held, late = desk.placed(), desk.order()
    request = desk.request(m.CancelAll, account=ACC, sent_at=START)
    answers = desk.send(request)
    desk.run(1)
    desk.listener.put(late)
    desk.run(3.95)

    assert answers[0].code is Code.TIMED_OUT
    assert "cancels of 2 orders were sent" in answers[0].text
    assert ids(desk.cancels()) == ids([held, late])

    desk.executor_lives()
    again = desk.send(replace(request, expires_at=desk.clock.now() + 5 * SECOND))
    desk.run(2)
    assert ids(again[0].results) == ids([held, late])


def test_a_journal_that_is_damaged_meanwhile_ends_as_not_ready() -> None:
    desk = Desk()
    held = desk.placed()
    answers = ask(desk)
    desk.listener.journal.append(b"\xc1")
    desk.executor_lives()
    desk.run(5)

    assert answers[0].code is Code.NOT_READY
    assert "cancels of 1 orders were sent" in answers[0].text
    assert ids(desk.cancels()) == ids([held])


def test_repeated_while_it_is_under_way_it_does_nothing_twice() -> None:
    desk = Desk()
    desk.placed()
    late = desk.order()
    request = desk.request(m.CancelAll, account=ACC, sent_at=START)
    first = desk.send(request)
    desk.run(0.2)
    again = desk.send(replace(request, expires_at=START + 9 * SECOND))
    desk.listener.put(late)
    desk.executor_lives()
    desk.run(2)

    assert first == again
    assert len(first[0].results) == len(desk.cancels()) == 2


def test_an_order_that_changes_meanwhile_is_canceled_once() -> None:
    desk = Desk()
    order = desk.placed()
    answers = ask(desk)
    desk.run(0.1)
    desk.closed(order)
    desk.listener.put(order)
    desk.listener.roll()
    desk.executor_lives()
    desk.run(2)

    assert ids(answers[0].results) == ids(desk.cancels()) == ids([order])


def test_what_came_meanwhile_and_is_not_taken_by_the_executor_is_named() -> None:
    desk = Desk()
    held, late = desk.placed(), desk.order()
    desk.urgent.room = 1
    answers = ask(desk)
    desk.run(0.5)
    desk.listener.put(late)
    desk.executor_lives()
    desk.run(2)

    told = [(result.order_id, result.sent) for result in answers[0].results]
    assert told == [(held.order_id, True), (late.order_id, False)]


@pytest.mark.parametrize(("slices", "is_refused"), [(4, False), (3, True)])
def test_a_journal_that_has_grown_by_more_than_a_slice_is_read_on_within_bounds(
    slices: int, is_refused: bool
) -> None:
    desk = Desk(read_slice=3, read_slices=slices)
    desk.actioner.view.poll()
    orders = [desk.placed() for _ in range(10)]
    answers = ask(desk)

    assert ids(desk.cancels()) == ([] if is_refused else ids(orders))
    assert [answer.code for answer in answers] == [Code.NOT_READY] * is_refused


# ---- what the executor took, and lost -----------------------------------------------------------


def refuse(desk: Desk, order: Order, code: Code) -> None:
    """The last cancel of it, by the executor."""
    cancel = next(one for one in reversed(desk.cancels()) if one.order_id == order.order_id)
    refusal = m.Refusal(
        client_id=cancel.client_id,
        command_id=cancel.command_id,
        code=code,
        text="no",
        at=desk.clock.now(),
        order_id=order.order_id,
        account=ACC,
    )
    desk.listener.append(refusals=(refusal,))


def test_cancels_that_died_with_the_executor_are_sent_again_as_the_same() -> None:
    desk = Desk()
    shown, lost = desk.placed(), [desk.order(), desk.order()]
    answers = ask(desk)
    desk.run(0.1)
    desk.executor_stands = True
    for order in lost:
        desk.listener.put(order)
    desk.run(0.3)
    assert ids(desk.cancels()) == ids([shown, *lost])

    desk.executor_stands = False
    desk.executor_lives()
    desk.run(1.9)

    first, again = desk.cancels()[1:3], desk.cancels()[3:]
    assert ids(again) == ids(lost)
    assert [one.command_id for one in again] == [one.command_id for one in first]
    assert [(result.order_id, result.sent) for result in answers[0].results] == [
        (order.order_id, True) for order in (shown, *lost)
    ]


def test_cancels_that_the_executor_never_shows_are_not_said_to_be_sent() -> None:
    desk = Desk()
    shown, lost = desk.placed(), desk.placed()
    desk.executor_stands = True
    answers = ask(desk)
    desk.listener.put(replace(shown, pending=Pending.CANCEL))
    desk.executor_lives()
    desk.run(4.8)
    assert answers == []
    desk.run(0.15)

    told = [(result.order_id, result.sent, result.code) for result in answers[0].results]
    assert told == [(shown.order_id, True, None), (lost.order_id, False, Code.NOT_READY)]
    assert 3 <= ids(desk.cancels()).count(lost.order_id) <= 5
    assert ids(desk.cancels()).count(shown.order_id) == 1


def test_what_can_show_no_pending_cancel_is_not_waited_for() -> None:
    desk = Desk()
    desk.executor_stands = True
    ended, refused = desk.placed(), desk.placed()
    settled, crowded = desk.placed(), desk.placed()
    pending = desk.placed(pending=Pending.CANCEL)
    answers = ask(desk)
    desk.run(0.1)
    desk.closed(ended)
    desk.listener.put(replace(refused, pending=Pending.CANCEL))
    refuse(desk, settled, Code.ALREADY_CLOSED)
    refuse(desk, crowded, Code.TOO_MANY)
    desk.run(0.1)
    desk.listener.put(refused)
    desk.executor_lives()
    desk.run(1.5)

    assert ids(desk.cancels()) == ids([ended, refused, settled, crowded, pending])
    assert [result.code for result in answers[0].results] == [
        None, None, None, Code.TOO_MANY, None
    ]  # fmt: skip


def test_an_answer_to_a_cancel_that_was_sent_again_needs_no_further_word() -> None:
    desk = Desk()
    desk.placed()
    desk.executor_stands = True
    answers = ask(desk)
    desk.listener.alive(START)
    desk.run(0.6)
    desk.listener.alive(START + SECOND)
    desk.executor_stands = False
    desk.run(0.1)

    assert [result.sent for result in answers[0].results] == [True]


def test_an_executor_that_takes_no_repeated_cancel_is_not_waited_for_longer() -> None:
    desk = Desk()
    order = desk.placed()
    desk.executor_stands = True
    desk.urgent.room = 1
    answers = ask(desk)
    desk.executor_lives()
    desk.run(2.5)

    assert [(r.order_id, r.sent) for r in answers[0].results] == [(order.order_id, False)]


def test_all_that_are_under_way_look_into_the_journal_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    asked = [ask(desk) for _ in range(5)]
    desk.run(0.25)
    asked += [ask(desk) for _ in range(5)]
    polls: list[None] = []
    poll = desk.actioner.view.poll
    monkeypatch.setattr(desk.actioner.view, "poll", lambda: polls.append(poll()))
    desk.run(0.2)
    assert 9 <= len(polls) <= 11

    desk.executor_lives()
    desk.run(2)
    assert all(len(answers) == 1 for answers in asked)

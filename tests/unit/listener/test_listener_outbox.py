"""The executor's records: in order, each once, acknowledged once they are journaled."""

from listener_kit import (
    OUTBOX,
    SECOND,
    START,
    Desk,
    an_id,
    answered,
    cancel_intended,
    intended,
    order_heard,
)

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code

MOMENT = SECOND // 10


def acknowledged(desk: Desk) -> list[tuple[int, bool]]:
    desk.pass_time(MOMENT)
    return [(a.number, a.gap) for a in desk.heard(m.Acknowledged)]


def test_a_record_number_0_is_a_question_how_far_the_outbox_has_come() -> None:
    desk = Desk()
    desk.tell(1, intended(1))
    desk.tell(2, answered(1))
    assert acknowledged(desk) == [(2, False)]
    desk.tell(0, m.Alive(at=0))
    desk.tell(0, m.Alive(at=0), outbox="0d" * 16)
    desk.pass_time(MOMENT)

    said = {a.outbox: (a.number, a.gap) for a in desk.heard(m.Acknowledged)[1:]}
    assert said == {OUTBOX: (2, False), "0d" * 16: (0, False)}
    assert "0d" * 16 not in desk.ledger.outboxes


def test_an_outbox_after_which_another_one_went_on_is_called_superseded() -> None:
    desk = Desk()
    other = "0d" * 16
    desk.tell(1, m.Alive(at=START))
    desk.tell(1, m.Alive(at=START), outbox=other)
    desk.pass_time(MOMENT)
    desk.tell(0, m.Alive(at=0))
    desk.tell(0, m.Alive(at=0), outbox=other)
    desk.pass_time(MOMENT)

    said = {a.outbox: a.superseded for a in desk.heard(m.Acknowledged)[-2:]}
    assert said == {OUTBOX: True, other: False}


def test_after_new_epochs_an_outbox_is_doubted_until_it_goes_on() -> None:
    """Executor and listener put back together agree with each other, and not with the store."""
    desk = Desk()
    desk.tell(1, m.Alive(at=START))
    desk.ledger.renumber((), ())
    desk.tell(0, m.Alive(at=0))
    desk.pass_time(MOMENT)
    assert desk.heard(m.Acknowledged)[-1].superseded
    desk.tell(2, m.Alive(at=START))
    desk.tell(0, m.Alive(at=0))
    desk.pass_time(MOMENT)

    assert not desk.heard(m.Acknowledged)[-1].superseded


def test_a_new_outbox_beside_an_earlier_one_raises_an_alarm_and_the_first_of_all_does_not() -> None:
    desk = Desk()
    desk.tell(1, m.Alive(at=START))
    desk.tell(2, m.Alive(at=START))
    assert desk.heard(m.AlarmRaised) == []
    other = "0d" * 16
    desk.tell(1, m.Alive(at=START), outbox=other)
    desk.tell(1, m.Alive(at=START), outbox=other)
    desk.tell(2, m.Alive(at=START), outbox=other)

    (raised,) = desk.heard(m.AlarmRaised)
    assert raised.alarm.kind == "outbox_begun"
    assert other in raised.alarm.text


def test_records_are_acknowledged_together_once_they_are_journaled() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())

    assert acknowledged(desk) == [(2, False)]


def test_a_record_that_comes_twice_is_applied_once_and_acknowledged_again_case_8() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.pass_time(MOMENT)
    desk.tell(1, intended())

    assert acknowledged(desk) == [(1, False), (1, False)]
    assert len(desk.heard(m.OrderUpdate)) == 1


def test_a_gap_asks_for_what_is_missing_and_nothing_behind_it_is_applied() -> None:
    desk = Desk()
    desk.tell(1, intended(1))
    desk.tell(3, intended(3))
    desk.tell(4, intended(4))

    assert acknowledged(desk) == [(1, True)]
    assert [u.order.order_id for u in desk.heard(m.OrderUpdate)] == [an_id(1)]


def test_a_gap_that_was_closed_meanwhile_asks_for_nothing() -> None:
    desk = Desk()
    desk.tell(1, intended(1))
    desk.tell(3, intended(3))
    desk.tell(2, intended(2))
    desk.tell(3, intended(3))

    assert acknowledged(desk) == [(3, False)]


def test_an_outbox_that_is_not_known_and_does_not_begin_at_one_is_asked_for_its_beginning() -> None:
    desk = Desk()
    desk.tell(701, intended())

    assert acknowledged(desk) == [(0, True)]
    assert desk.ledger.outboxes == {}


def test_a_new_outbox_begins_at_one_and_what_it_tells_again_changes_nothing() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    updates = len(desk.heard(m.OrderUpdate))
    desk.tell(1, intended(), outbox="0c" * 16)
    desk.tell(2, answered(), outbox="0c" * 16)

    assert len(desk.heard(m.OrderUpdate)) == updates
    desk.pass_time(MOMENT)
    assert {(a.outbox, a.number) for a in desk.heard(m.Acknowledged)} == {
        (OUTBOX, 2),
        ("0c" * 16, 2),
    }


def test_only_the_newest_outboxes_are_remembered() -> None:
    desk = Desk(kept_outboxes=2)
    for number in range(5):
        record = m.OutboxRecord(
            outbox=f"box-{number}", born_at=START + number, number=1, event=m.Alive(at=START)
        )
        desk.report(record)

    assert sorted(desk.ledger.outboxes) == ["box-3", "box-4"]
    desk.crash()
    desk.boot()
    assert sorted(desk.ledger.outboxes) == ["box-3", "box-4"]


def test_the_present_outbox_is_the_one_that_moved_last_whatever_the_clock_was_set_to() -> None:
    desk = Desk()
    for outbox, born_at, number in (("old", START, 1), ("old", START, 2), ("new", START - 3, 1)):
        event = m.Alive(at=START)
        desk.report(m.OutboxRecord(outbox=outbox, born_at=born_at, number=number, event=event))

    for _ in range(2):
        newest = desk.ledger.state.newest_outbox
        assert newest is not None
        assert newest.outbox == "new"
        desk.crash()
        desk.boot()


def test_a_full_journal_acknowledges_nothing_and_what_comes_again_is_applied() -> None:
    desk = Desk()
    desk.tell(1, intended(1))
    desk.pass_time(MOMENT)
    desk.fill_disk()
    desk.tell(2, intended(2))
    assert acknowledged(desk) == [(1, False)]
    assert any(p.startswith("journal_full") for p in desk.listener.problems())

    desk.free_disk()
    desk.tell(2, intended(2))
    assert acknowledged(desk) == [(1, False), (2, False)]
    assert not any(p.startswith("journal_full") for p in desk.listener.problems())
    assert [u.seq for u in desk.heard(m.OrderUpdate)] == [1, 2]


def test_the_position_survives_a_restart() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, m.Alive(at=START + 5))
    desk.crash()
    desk.boot()

    position = desk.ledger.outboxes[OUTBOX]
    assert (position.number, position.alive_at) == (2, START + 5)
    desk.tell(2, m.Alive(at=START + 5))
    assert acknowledged(desk)[-1] == (2, False)


def test_a_record_that_can_not_be_applied_leaves_an_alarm_and_stops_nothing() -> None:
    desk = Desk()
    desk.tell(1, intended())
    broken = m.AmendIntended(
        at=START,
        command_id="c",
        client_id="desk",
        order_id=an_id(1),
        account="main",
        symbol="BTC/USDT",
        quantity="not a figure",
        price=None,
        land_by=START,
    )
    desk.tell(2, broken)
    desk.tell(3, answered())

    assert acknowledged(desk) == [(3, False)]
    assert desk.order(an_id(1)).status is OrderStatus.NEW
    assert [a.alarm.kind for a in desk.heard(m.AlarmRaised)] == ["record_failed"]


def test_a_refusal_goes_to_its_client_and_outlives_a_restart() -> None:
    desk = Desk()
    refused = m.CommandRefused(
        at=START,
        client_id="desk",
        command_id="c7",
        code=Code.HALTED,
        text="halted",
        order_id=an_id(1),
    )
    desk.tell(1, refused)

    (told,) = [(topic, one) for topic, one in desk.said if isinstance(one, m.Refusal)]
    assert told[0] == "refusals/desk/"
    assert (told[1].command_id, told[1].code) == ("c7", Code.HALTED)
    desk.crash()
    desk.boot()
    assert [r.command_id for r in desk.ledger.state.refusals] == ["c7"]


def test_a_halt_is_an_alarm() -> None:
    desk = Desk()
    desk.tell(
        1, m.HaltChanged(at=START, client_id="jo", command_id="c", account="main", halted=True)
    )

    (alarm,) = desk.heard(m.AlarmRaised)
    assert (alarm.alarm.kind, alarm.alarm.account) == ("halted", "main")


# ---- orders that a cancel names ----------------------------------------------------------------


def ended(desk: Desk) -> list[str]:
    desk.pass_time(MOMENT)
    return [order_id for a in desk.heard(m.Acknowledged) for order_id in a.ended]


def test_a_cancel_of_an_order_that_is_closed_is_answered_with_its_end_case_20() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.event(order_heard(1, OrderStatus.FILLED, 10))
    desk.tell(2, cancel_intended())

    assert ended(desk) == [an_id(1)]


def test_a_cancel_of_an_open_order_is_not_ended() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    desk.tell(3, cancel_intended())

    assert ended(desk) == []


# ---- orders of ours that were never placed from here -------------------------------------------


def recovered(desk: Desk) -> list[str | None]:
    alarms = [a.alarm for a in desk.heard(m.AlarmRaised)]
    return [alarm.order_id for alarm in alarms if alarm.kind == "recovered"]


def test_an_order_of_ours_without_an_intent_alarms_once_the_outbox_has_passed_it() -> None:
    desk = Desk()
    desk.event(order_heard(1))
    desk.tell(1, m.Alive(at=desk.clock.now()))
    assert recovered(desk) == []
    desk.tell(2, m.Alive(at=desk.clock.now() + 3 * SECOND))
    assert recovered(desk) == []
    desk.pass_time(4 * SECOND)
    desk.tell(3, m.Alive(at=desk.clock.now() + 3 * SECOND))
    desk.tell(4, m.Alive(at=desk.clock.now() + 9 * SECOND))

    assert recovered(desk) == [an_id(1)]


def test_records_that_waited_while_the_clock_was_set_back_pass_no_order() -> None:
    desk = Desk()
    before = desk.clock.now()
    desk.clock.wall -= 3 * SECOND
    desk.event(order_heard(1))
    desk.tell(1, m.Alive(at=before))
    desk.tell(2, m.Alive(at=before + SECOND // 2))
    desk.tell(3, intended(1, desk.clock.now()))
    desk.pass_time(10 * SECOND)
    desk.tell(4, m.Alive(at=desk.clock.now()))

    assert recovered(desk) == []


def test_a_late_intent_is_no_alarm() -> None:
    desk = Desk()
    desk.event(order_heard(1))
    desk.tell(1, intended())
    desk.tell(2, m.Alive(at=desk.clock.now() + 9 * SECOND))

    assert recovered(desk) == []


def test_the_alarm_of_a_recovered_order_is_lost_neither_to_a_full_journal_nor_told_twice() -> None:
    desk = Desk()
    desk.event(order_heard(1))
    late = m.Alive(at=desk.clock.now() + 9 * SECOND)
    desk.tell(1, late)
    desk.pass_time(4 * SECOND)
    desk.fill_disk()
    desk.tell(2, late)
    desk.free_disk()
    desk.crash()
    desk.boot()
    desk.tell(2, late)
    desk.pass_time(4 * SECOND)
    desk.tell(3, late)
    assert recovered(desk) == [an_id(1)]

    desk.ledger._roll(desk.ledger.state.streams)
    desk.crash()
    desk.boot()
    desk.tell(4, m.Alive(at=desk.clock.now() + 20 * SECOND))
    desk.pass_time(4 * SECOND)
    desk.tell(5, m.Alive(at=desk.clock.now() + 20 * SECOND))
    assert recovered(desk) == [an_id(1)]


def test_an_answer_with_its_fills_is_one_record() -> None:
    desk = Desk()
    desk.tell(1, intended())
    appends = desk.appends
    done = v.Done(
        venue_order_id="v1",
        order=order_heard(1, OrderStatus.FILLED, 10).order,
    )
    desk.tell(2, answered(answer=done))

    assert desk.appends == appends + 1
    assert desk.order(an_id(1)).status is OrderStatus.FILLED

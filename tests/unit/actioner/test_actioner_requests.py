"""What every request has in common: ids, repetition, expiry, bounds, bad input (cases 75, 77)."""

from typing import Any

import pytest
from actioner_desk import ACC, BTC, ETH, SECOND, START, Desk
from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.alarms import alarm_id_of
from gateway.domain.change import Alarm
from gateway.domain.enums import Role
from gateway.domain.errors import Code


def cancel_all(desk: Desk, **more: Any) -> m.AnyRequest:
    desk.executor_lives()
    return desk.request(m.CancelAll, account=ACC, sent_at=desk.clock.now(), **more)


def test_case_75_each_answer_names_its_request() -> None:
    desk = Desk()
    desk.venue.answers = lambda _: None
    slow = desk.request(m.GetBalances, account=ACC)
    quick = desk.request(m.GetAccounts)
    slow_answers, quick_answers = desk.send(slow), desk.send(quick)
    desk.run()
    assert [answer.request_id for answer in quick_answers] == [quick.request_id]

    desk.venue.answer(v.Balances(balances=()))
    desk.run()
    assert [answer.request_id for answer in slow_answers] == [slow.request_id]


def test_a_repeated_request_gets_the_same_answer_and_does_nothing_twice() -> None:
    desk = Desk()
    desk.placed()
    request = cancel_all(desk)
    first = desk.send(request)
    desk.run(2)
    again = desk.send(replace(request, expires_at=desk.clock.now() + 9 * SECOND))

    assert len(first) == 1
    assert first == again
    assert len(desk.cancels()) == 1


def test_a_request_repeated_while_it_is_under_way_waits_for_the_same_answer() -> None:
    desk = Desk()
    request = desk.request(m.GetBalances, account=ACC)
    first, again = desk.send(request), desk.send(request)
    desk.run()
    assert len(desk.venue.asked) == 1

    desk.venue.answer(v.Balances(balances=()))
    desk.run()
    assert first == again
    assert len(first) == 1


def test_the_same_id_with_another_question_is_refused() -> None:
    desk = Desk()
    request = desk.request(m.GetAccounts)
    desk.send(request)
    other = desk.request(m.GetHealth, request_id=request.request_id)

    assert desk.send(other)[0].code is Code.MALFORMED
    elsewhere = desk.request(m.GetHealth, request_id=request.request_id, client_id="other")
    assert isinstance(desk.send(elsewhere)[0], m.HealthReply)


def test_what_failed_for_now_is_tried_again_when_it_is_repeated() -> None:
    desk = Desk()
    desk.store.down = True
    request = desk.request(m.GetTransactions, account=ACC, consumer="books")
    first = desk.send(request)
    desk.run()
    assert first[0].code is Code.STORE_DOWN

    desk.store.down = False
    again = desk.send(request)
    desk.run()
    assert isinstance(again[0], m.TransactionsReply)


def test_a_request_whose_asker_gave_up_is_not_carried_out() -> None:
    desk = Desk()
    desk.placed()
    request = cancel_all(desk, expires_at=START)

    assert desk.send(request)[0].code is Code.TIMED_OUT
    assert desk.cancels() == []
    assert desk.actioner.counters["refused_timed_out"] == 1


def test_a_cursor_is_not_moved_for_an_asker_who_gave_up_while_the_store_was_asked() -> None:
    desk = Desk()
    desk.listener.fill(desk.placed(), "t1")
    desk.listener.write(desk.store)
    moving = {"account": ACC, "consumer": "books", "seq": 2}
    given_up = desk.send(
        desk.request(m.AcknowledgeTransactions, **moving, expires_at=desk.clock.now() + 1)
    )
    desk.run()

    assert given_up[0].code is Code.TIMED_OUT
    assert desk.ask(m.GetTransactions, account=ACC, consumer="books").cursor == 0
    assert desk.ask(m.AcknowledgeTransactions, **moving).cursor == 2


def test_cancels_that_the_executor_does_not_take_are_not_sent_after_the_asker_gave_up() -> None:
    desk = Desk()
    desk.placed()
    desk.urgent.room = 0
    answers = desk.send(cancel_all(desk, expires_at=desk.clock.now() + SECOND // 10))
    desk.run(0.2)
    desk.urgent.room = None
    desk.run(2)

    assert [result.sent for result in answers[0].results] == [False]
    assert desk.cancels() == []


def test_a_question_to_the_venue_that_expires_while_it_waits_is_not_asked() -> None:
    desk = Desk(lane_width=1)
    desk.send(desk.request(m.GetBalances, account=ACC))
    waiting = desk.send(desk.request(m.GetBalances, account=ACC))
    desk.run(10)
    desk.venue.answer(v.Balances(balances=()))
    desk.run()

    assert waiting[0].code is Code.TIMED_OUT
    assert len(desk.venue.asked) == 1


def test_a_far_off_expiry_is_refused() -> None:
    desk = Desk()
    request = cancel_all(desk, expires_at=START + 3600 * SECOND)
    assert desk.send(request)[0].code is Code.EXPIRES_TOO_LATE


def test_answers_are_forgotten_only_when_the_request_has_expired() -> None:
    desk = Desk(max_life=10 * SECOND)
    order = desk.placed()
    request = cancel_all(desk)
    desk.send(request)
    desk.run(11)

    assert desk.send(request)[0].code is Code.TIMED_OUT
    assert [cancel.order_id for cancel in desk.cancels()] == [order.order_id]


def test_answers_are_bounded_in_number_and_bytes() -> None:
    desk = Desk(kept_answers=5, kept_answer_bytes=1_000)
    for _ in range(20):
        desk.send(cancel_all(desk))
    desk.run(2)
    assert len(desk.actioner._answers) == 5

    for _ in range(20):
        desk.placed()
    desk.send(cancel_all(desk))
    desk.run(2)
    assert len(desk.actioner._answers) == 0


def test_no_number_of_questions_pushes_out_the_answer_to_a_cancel_all() -> None:
    desk = Desk(kept_answers=5, kept_answer_bytes=2_000)
    desk.placed()
    request = cancel_all(desk)
    first = desk.send(request)
    desk.run(2)
    assert len(first) == 1
    for _ in range(50):
        desk.send(desk.request(m.GetAccounts))
        desk.send(
            desk.request(
                m.CheckOrders,
                account=ACC,
                order_ids=(desk.new_id(),),
                symbols=(BTC,),
                venue_order_ids=(None,),
            )
        )
    desk.placed()

    assert desk.send(request) == first
    assert len(desk.cancels()) == 1
    assert len(desk.actioner._answers) <= 6


def test_more_requests_than_the_bound_are_busy() -> None:
    desk = Desk(max_under_way=2)
    for _ in range(2):
        desk.send(desk.request(m.GetBalances, account=ACC))

    assert desk.send(desk.request(m.GetAccounts))[0].code is Code.BUSY


def test_more_questions_to_a_venue_than_its_queue_holds_are_busy() -> None:
    desk = Desk(lane_queue=2, lane_width=1)
    answers = []
    for _ in range(4):
        answers.append(desk.send(desk.request(m.GetBalances, account=ACC)))
        desk.run()

    assert [len(got) for got in answers] == [0, 0, 0, 1]
    assert answers[3][0].code is Code.BUSY


@pytest.mark.parametrize(
    ("frame", "code", "request_id"),
    [
        (b"\xc1", Code.UNDECODABLE, ""),
        (codec.encode([1, 2]), Code.UNDECODABLE, ""),
        (codec.encode({"type": "nonsense", "request_id": "r1"}), Code.UNKNOWN_TYPE, "r1"),
        (codec.encode({"type": "snapshot", "request_id": "r1"}), Code.MALFORMED, "r1"),
        (
            codec.encode({"type": "snapshot", "request_id": "r1", "version": 9}),
            Code.UNSUPPORTED_VERSION,
            "r1",
        ),
    ],
)
def test_case_77_a_malformed_request_is_answered_with_a_code(
    frame: bytes, code: Code, request_id: str
) -> None:
    answers: list[Any] = []
    desk = Desk()
    desk.actioner.on_request(frame, lambda f: answers.append(codec.replies.decode(f)))

    assert [(a.code, a.request_id) for a in answers] == [(code, request_id)]
    assert desk.actioner.counters[f"refused_{code}"] == 1


@pytest.mark.parametrize(
    "wrong", [{"client_id": ""}, {"client_id": "a/b"}, {"request_id": "x" * 65}]
)
def test_case_77_names_that_are_no_names_are_refused(wrong: dict[str, str]) -> None:
    desk = Desk()
    assert desk.send(desk.request(m.GetAccounts, **wrong))[0].code is Code.MALFORMED


def test_case_77_a_malformed_status_message_is_counted() -> None:
    desk = Desk()
    desk.actioner.on_status(m.CHECKS, b"\xc1")
    assert desk.actioner.counters["bad_status_undecodable"] == 1


def test_an_answer_larger_than_the_wire_is_an_error_and_not_a_crash() -> None:
    desk = Desk(max_reply_bytes=500)
    desk.placed()
    assert desk.ask(m.TakeSnapshot, account=ACC).code is Code.TOO_LARGE


# ---- surroundings ------------------------------------------------------------------------------


def test_accounts_tell_their_venue_stream_and_numbers() -> None:
    desk = Desk()
    desk.placed()
    desk.hear(m.STREAMS, m.StreamState(account=ACC, at=START, up=True))

    reply = desk.ask(m.GetAccounts)

    assert reply.accounts == (
        m.AccountInfo(account=ACC, venue="paper", epoch=1, seq=1, stream_up=True),
    )


def test_markets_are_those_of_the_venue() -> None:
    desk = Desk()
    assert {market.symbol for market in desk.ask(m.GetMarkets, account=ACC).markets} == {BTC, ETH}
    one = desk.ask(m.GetMarkets, account=ACC, symbol=ETH)
    assert [market.symbol for market in one.markets] == [ETH]
    assert desk.ask(m.GetMarkets, account=ACC, symbol="X/Y").code is Code.UNKNOWN_SYMBOL
    desk.venue.ready = False
    assert desk.ask(m.GetMarkets, account=ACC).code is Code.NOT_READY


def test_health_names_every_process_and_a_silent_one_is_not_ready() -> None:
    desk = Desk()
    beat = m.Health(role=Role.EXECUTOR, instance="e1", at=START, ready=True)
    desk.hear(m.HEALTH, beat)
    assert desk.ask(m.GetHealth).processes[0] == beat

    desk.run(10)
    processes = {health.role: health for health in desk.ask(m.GetHealth).processes}
    assert not processes[Role.EXECUTOR].ready
    assert "silent" in processes[Role.EXECUTOR].problems[0]
    assert processes[Role.ACTIONER].instance == "run-1"


def test_alarms_come_from_store_and_journal_once_each_newest_first() -> None:
    desk = Desk()
    alarms = [Alarm(kind="k", text=str(n), at=START + n, account=ACC) for n in range(3)]
    desk.listener.append(alarms=tuple(alarms[:2]))
    desk.listener.write(desk.store)
    desk.run()
    desk.listener.append(alarms=(alarms[2],))

    known = [m.KnownAlarm.of(alarm, alarm_id_of(alarm)) for alarm in alarms]
    assert desk.ask(m.ListAlarms).alarms == tuple(known[::-1])
    assert desk.ask(m.ListAlarms, account="other").alarms == ()
    desk.store.down = True
    assert desk.ask(m.ListAlarms, limit=2).alarms == (known[2], known[1])
    assert desk.ask(m.ListAlarms, limit=9).code is Code.STORE_DOWN


def test_an_alarm_is_acknowledged_and_leaves_the_list_of_open_ones() -> None:
    desk = Desk()
    stored, fresh = (Alarm(kind="k", text=str(n), at=START + n, account=ACC) for n in range(2))
    desk.listener.append(alarms=(stored,))
    desk.listener.write(desk.store)
    desk.run()
    desk.listener.append(alarms=(fresh,))
    seen_to = {"alarm_id": alarm_id_of(stored), "operator": "ann", "text": "mended"}

    reply = desk.ask(m.AcknowledgeAlarm, **seen_to)

    assert (reply.alarm.text, reply.alarm.acknowledged_by) == (stored.text, "ann")
    assert reply.alarm.acknowledged_at is not None
    still_open = desk.ask(m.ListAlarms, unacknowledged=True).alarms
    assert [alarm.text for alarm in still_open] == [fresh.text]
    assert reply.alarm in desk.ask(m.ListAlarms).alarms


def test_an_alarm_that_the_store_lacks_is_acknowledged_later_and_an_unknown_one_never() -> None:
    desk = Desk()
    fresh = Alarm(kind="k", text="fresh", at=START, account=ACC)
    desk.listener.append(alarms=(fresh,))

    def acknowledge(alarm_id: str, operator: str = "ann") -> Code:
        code: Code = desk.ask(m.AcknowledgeAlarm, alarm_id=alarm_id, operator=operator).code
        return code

    assert acknowledge(alarm_id_of(fresh)) is Code.STORE_DOWN
    assert acknowledge("0" * 32) is Code.UNKNOWN_ALARM
    assert acknowledge("' or 1=1") is Code.UNKNOWN_ALARM
    assert acknowledge("0" * 32, operator="") is Code.MALFORMED


def test_it_beats_each_second_and_says_what_is_wrong() -> None:
    desk = Desk()
    desk.actioner.start()
    desk.run(3.5)
    beats = desk.reported(m.Heartbeat)
    assert len(beats) == 4
    assert beats[-1].ready

    desk.store.down = True
    desk.venue.ready = False
    desk.run(10)
    beat = desk.reported(m.Heartbeat)[-1]
    assert not beat.ready
    assert [problem.split(":")[0] for problem in beat.problems] == ["store_down", "venue_not_ready"]

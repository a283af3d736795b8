"""New orders: recorded before they are sent, sent at most once, refused with a code."""

import pytest
from executor_world import ACCOUNT, MILLI, SECOND, SETTINGS, TAG, Killed, World, done, started
from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId


def test_an_order_is_in_the_journal_before_it_goes_to_the_venue() -> None:
    world = started()
    place = world.place()
    world.fuse.calls = 1  # the append, and no more

    with pytest.raises(Killed):
        world.order(place)

    assert [intent.order.order_id for intent in world.recorded(m.PlaceIntended)] == [place.order_id]
    assert world.venue.places() == []


def test_an_order_goes_out_and_both_its_intent_and_its_answer_reach_the_listener() -> None:
    world = started()
    order_id = world.placed("v77")
    world.deliver()

    (intent,) = world.listener.of(m.PlaceIntended)
    (answered,) = world.listener.of(m.PlaceAnswered)
    assert intent.order.order_id == answered.order_id == order_id
    assert answered.answer == done("v77")
    assert world.executor.counters.placed == 1


def test_land_by_is_the_expiry_and_the_receive_window_and_the_clock_error() -> None:
    world = started()
    place = world.place()
    world.order(place)
    world.venue.profile = replace(world.venue.profile, receive_window=None)
    slow = world.place()
    world.order(slow)

    first, second = world.recorded(m.PlaceIntended)
    assert first.land_by == place.expires_at + 5 * SECOND + SETTINGS.rules.clock_error
    assert second.land_by == slow.expires_at + SETTINGS.landing_window + SETTINGS.rules.clock_error


def test_case_8_the_same_place_twice_is_one_order_and_no_refusal() -> None:
    world = started()
    place = world.place(quantity="0.50")
    world.order(place)
    world.order(place)
    world.order(replace(place, command_id="again", quantity="0.5", expires_at=place.expires_at + 9))

    assert world.venue.places() == [place.order_id]
    assert world.refusals() == []
    assert world.executor.counters.repeated == 2


def test_a_duplicate_that_comes_after_its_expiry_is_no_refusal_of_the_order() -> None:
    world = started()
    place = world.place()
    world.order(place)
    world.advance(10 * SECOND)
    world.order(place)

    assert world.refusals() == []


def test_case_7_the_same_id_with_other_content_is_refused_and_the_first_stands() -> None:
    world = started()
    place = world.place()
    world.order(place)
    for change in ({"quantity": "0.6"}, {"price": "1"}, {"side": "sell"}, {"client_id": "other"}):
        world.order(replace(place, command_id="second", **change))

    assert world.venue.places() == [place.order_id]
    assert world.refusals() == [("second", Code.ORDER_ID_REUSED)] * 4


def test_case_9_a_place_that_waited_past_its_expiry_is_refused_and_its_cancel_is_not() -> None:
    world = started()
    order_id = world.placed()
    late = world.place()
    world.advance(3 * SECOND)
    world.order(late)
    world.urgent(world.cancel(order_id))

    assert world.refusals() == [(late.command_id, Code.EXPIRED)]
    assert len(world.venue.cancels()) == 1


def test_after_alive_nothing_that_expires_before_it_is_taken_though_the_clock_steps_back() -> None:
    world = started()
    place = world.place()
    world.advance(5 * SECOND)
    world.clock.wall -= 5 * SECOND
    world.order(place)
    world.restart()
    other = world.place()
    world.order(other)

    assert max(alive.at for alive in world.recorded(m.Alive)) > place.expires_at
    assert world.venue.places() == []
    assert [code for _, code in world.refusals()] == [Code.EXPIRED] * 2
    assert any(problem.startswith("clock_back") for problem in world.executor.problems())


@pytest.mark.parametrize("twice", [False, True])
def test_what_was_refused_once_is_never_sent_when_it_comes_again(twice: bool) -> None:
    world = started()
    place = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.urgent(m.Halt(command_id="h", client_id="desk"))
    world.order(place)
    world.urgent(m.Resume(command_id="r", client_id="desk"))
    if twice:
        world.restart()
    world.order(place)

    assert world.venue.places() == []
    assert world.refusals() == [(place.command_id, Code.HALTED)]


def test_ids_from_before_the_outbox_was_born_are_refused() -> None:
    world = World()
    early = world.place()
    world.advance(10 * MILLI)
    world.start()
    world.order(early)
    assert world.refusals() == [(early.command_id, Code.ORDER_ID_TOO_OLD)]
    assert not world.executor.ready

    world.advance(2 * SECOND)
    assert world.executor.ready
    world.placed()
    assert len(world.venue.places()) == 1


def test_a_lost_data_folder_never_doubles_an_order() -> None:
    world = started()
    place = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.order(place)
    world.kill()
    world.files.lose()
    world.advance(SECOND // 2)
    world.start()
    world.advance(5 * SECOND)
    world.order(place)

    assert world.venue.places() == [place.order_id]
    assert world.refusals() == [(place.command_id, Code.ORDER_ID_TOO_OLD)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "nobody"}, Code.UNKNOWN_ACCOUNT),
        ({"symbol": "NO/NE"}, Code.UNKNOWN_SYMBOL),
        ({"quantity": "0"}, Code.BAD_QUANTITY),
        ({"quantity": "NaN"}, Code.BAD_QUANTITY),
        ({"quantity": "0.00001"}, Code.QUANTITY_PRECISION),
        ({"price": "-1"}, Code.BAD_PRICE),
        ({"expires_at": 0}, Code.EXPIRED),
        ({"expires_at": 1 << 62}, Code.EXPIRES_TOO_LATE),
        ({"order_id": "no uuid"}, Code.BAD_ORDER_ID),
        ({"side": "sideways"}, Code.MALFORMED),
    ],
)
def test_a_wrong_place_is_refused_with_its_code(change: dict[str, object], code: Code) -> None:
    world = started()
    place = world.place(**change)
    world.order(place)
    world.deliver()

    assert world.refusals() == [(place.command_id, code)]
    assert [refused.code for refused in world.listener.of(m.CommandRefused)] == [code]
    assert world.executor.counters.refused[code] == 1
    assert world.venue.sent == []


def test_ids_of_another_space_too_old_or_from_the_future_are_refused_whenever_they_come() -> None:
    world = started()
    foreign = world.place(world.new_id(tag=TAG + 1))
    old = world.place(world.new_id(age=25 * 3600 * SECOND))
    future = world.place(world.new_id(age=-30 * SECOND), expires_at=world.clock.now() + 60 * SECOND)
    for place in (foreign, old, future):
        world.order(place)
    world.advance(40 * SECOND)
    world.order(future)

    assert [code for _, code in world.refusals()] == [
        Code.FOREIGN_ORDER_ID,
        Code.ORDER_ID_TOO_OLD,
        Code.ORDER_ID_IN_FUTURE,
    ]
    assert world.venue.sent == []


@pytest.mark.parametrize("frame", [b"", b"\xc1", b"\x80", bytes(20_000), codec.encode({"a": 1})])
def test_case_77_garbage_is_counted_and_changes_nothing(frame: bytes) -> None:
    world = started()
    before = world.journal.next_number
    world.executor.on_order(frame)
    world.executor.on_urgent(frame)

    assert world.executor.counters.unusable == 2
    assert world.journal.next_number == before


def test_a_message_that_names_its_sender_is_answered_though_it_is_not_valid() -> None:
    world = started()
    message = {"type": "place", "client_id": "desk", "command_id": "c1", "quantity": 1.5}
    world.executor.on_order(codec.encode(message))
    world.executor.on_order(codec.encode({**message, "type": "dance"}))
    world.executor.on_order(codec.encode({**message, "version": 99}))

    assert world.refusals() == [
        ("c1", Code.MALFORMED),
        ("c1", Code.UNKNOWN_TYPE),
        ("c1", Code.UNSUPPORTED_VERSION),
    ]


def test_a_venue_that_is_not_ready_takes_no_orders() -> None:
    world = started()
    world.venue.ready = False
    world.order(world.place())

    assert [code for _, code in world.refusals()] == [Code.NOT_READY]
    assert not world.executor.ready
    assert any(p.startswith("venue_not_ready: account acc1") for p in world.executor.problems())


def test_too_many_unanswered_requests_refuse_new_ones_until_answers_come() -> None:
    world = started(replace(SETTINGS, max_unanswered=2))
    for _ in range(3):
        world.order(world.place())
    assert [code for _, code in world.refusals()] == [Code.BUSY]

    world.venue.answer(done())
    world.order(world.place())
    assert len(world.venue.places()) == 3


def test_an_adapter_that_never_answers_leaves_the_outcome_unknown_and_a_late_word_counts() -> None:
    world = started()
    order_id = world.placed(None)
    world.advance(SETTINGS.answer_timeout + 2 * SECOND)
    (given_up,) = world.recorded(m.PlaceAnswered)
    assert isinstance(given_up.answer, v.OutcomeUnknown)

    world.venue.answer(done("v9"))
    assert [a.answer for a in world.recorded(m.PlaceAnswered)][1:] == [done("v9")]
    assert world.executor.counters.late_answers == 1
    assert world.venue.places() == [order_id]


def test_an_answer_to_a_question_never_asked_leaves_the_outcome_unknown() -> None:
    world = started()
    world.placed(None)
    world.venue.answer(v.QueryFailed(code=Code.INTERNAL, text="?"))

    (answered,) = world.recorded(m.PlaceAnswered)
    assert isinstance(answered.answer, v.OutcomeUnknown)


def test_orders_of_several_accounts_go_to_their_own_venue() -> None:
    second = AccountId("acc2")
    world = started(accounts=(ACCOUNT, second))
    world.order(world.place())
    world.order(world.place(account=second))

    assert [len(venue.sent) for venue in world.venues.values()] == [1, 1]


def test_when_ids_are_too_many_the_oldest_are_forgotten_and_refused_as_too_old() -> None:
    settings = replace(SETTINGS, max_remembered=3)
    world = started(settings)
    first = world.place(expires_at=world.clock.now() + 50 * SECOND)
    world.order(first)
    old = world.new_id()
    for _ in range(3):
        world.advance(150 * SECOND)
        world.order(world.place())
    assert len(world.venue.places()) == 4

    world.order(world.place(old))
    world.order(replace(first, expires_at=world.clock.now() + SECOND))
    assert [code for _, code in world.refusals()] == [Code.ORDER_ID_TOO_OLD] * 2


def test_ids_that_may_be_on_their_way_are_not_forgotten_new_orders_wait_instead() -> None:
    world = started(replace(SETTINGS, max_remembered=10))
    for _ in range(12):
        world.order(world.place())

    assert len(world.venue.places()) == 10
    # one can be remembered as refused, the other can't and is not called so
    assert [code for _, code in world.refusals()] == [Code.TOO_MANY]
    assert world.executor.counters.silent == 1


def test_an_order_that_ended_in_its_answer_takes_no_more_memory_of_details() -> None:
    world = started(replace(SETTINGS, max_unanswered=1))
    for status in (OrderStatus.FILLED, OrderStatus.EXPIRED):
        order_id = world.placed(None)
        world.venue.answer(done("v", status))
        world.urgent(world.cancel(order_id))

    assert [code for _, code in world.refusals()] == [Code.ALREADY_CLOSED] * 2
    assert world.venue.cancels() == []

"""A private stream that says nothing of what the venue answered (cases 46, 47)."""

import pytest
from listener_kit import (
    MAIN,
    OTHER,
    PROFILE,
    SECOND,
    Desk,
    an_id,
    answered,
    cancel_intended,
    checked,
    intended,
    new_order,
    order_heard,
    seen,
    trade_heard,
    venue_id,
)
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus, OrderType

WAIT = 5 * SECOND


class Ears:
    """A desk whose streams are up; what it does about them."""

    def __init__(self, **settings: int) -> None:
        self.dialled: list[tuple[str, str]] = []
        self.desk = Desk(redial=self._redial, **settings)
        self.number = 0
        self.desk.event(v.StreamUp(account=MAIN))
        self.desk.pass_time(SECOND)

    def _redial(self, account: str, reason: str) -> None:
        self.dialled.append((account, reason))

    def tell(self, event: m.OutboxEvent) -> None:
        self.number += 1
        self.desk.tell(self.number, event)

    def place(self, number: int = 1) -> None:
        now = self.desk.clock.now()
        self.tell(intended(number, now))
        self.tell(answered(number, at=now))

    def cancel(self, number: int = 1) -> None:
        now = self.desk.clock.now()
        self.tell(cancel_intended(number, now))
        self.tell(
            m.CancelAnswered(
                at=now, sent_at=now, order_id=an_id(number), account=MAIN, answer=v.Done()
            )
        )

    def come_up_again(self) -> None:
        self.desk.event(v.StreamDown(account=MAIN, text="dialled anew"))
        self.desk.event(v.StreamUp(account=MAIN))

    @property
    def unheard(self) -> list[str]:
        states = self.desk.heard(m.StreamState)
        return [order_id for state in states for order_id in state.unheard]


def test_a_stream_that_says_nothing_of_an_accepted_order_is_dialled_anew_case_46() -> None:
    ears = Ears()
    ears.place()
    ears.desk.pass_time(2 * SECOND)
    assert ears.dialled == []
    ears.desk.pass_time(2 * SECOND)

    ((account, reason),) = ears.dialled
    assert account == MAIN
    assert an_id(1) in reason
    assert ears.desk.listener.counters["streams_silent"] == 1
    assert ears.unheard == [an_id(1)]


@pytest.mark.parametrize("event", [order_heard(1), trade_heard(1)])
@pytest.mark.parametrize("first", [True, False])
def test_a_stream_that_tells_of_it_before_or_after_the_answer_is_left_alone(
    event: v.OrderHeard | v.TradeHeard, first: bool
) -> None:
    ears = Ears()
    if first:
        ears.tell(intended(1))
        ears.desk.event(event)
    ears.place()
    if not first:
        ears.desk.event(event)
    ears.desk.pass_time(WAIT)

    assert ears.dialled == []
    assert ears.unheard == []


def test_one_lost_event_of_a_stream_that_speaks_costs_one_look_up_case_47() -> None:
    ears = Ears()
    ears.place(1)
    ears.place(2)
    ears.desk.event(order_heard(2))
    ears.desk.pass_time(4 * SECOND)

    assert ears.dialled == []
    assert ears.unheard == [an_id(1)]
    ears.desk.report(checked(1, v.OrderFound(order=seen(1)), ears.desk.clock.now()))
    ears.desk.pass_time(WAIT)
    assert ears.unheard == [an_id(1)]


def test_a_look_up_without_effect_is_asked_for_again_and_not_for_ever() -> None:
    ears = Ears()
    ears.place(1)
    ears.place(2)
    ears.desk.event(order_heard(2))
    ears.desk.pass_time(60 * SECOND)

    assert ears.unheard == [an_id(1)] * 3


def test_a_cancel_is_heard_of_only_when_the_order_ends() -> None:
    ears = Ears()
    ears.place()
    ears.desk.event(order_heard(1))
    ears.cancel()
    ears.desk.event(trade_heard(1))
    ears.desk.pass_time(4 * SECOND)
    assert ears.unheard == [an_id(1)]

    ears.place(2)
    ears.cancel(2)
    ears.desk.event(order_heard(2, OrderStatus.CANCELED))
    ears.desk.pass_time(4 * SECOND)
    assert an_id(2) not in ears.unheard


def test_an_amend_that_the_stream_does_not_tell_of_is_looked_up() -> None:
    ears = Ears()
    ears.place()
    ears.desk.event(order_heard(1))
    ears.desk.pass_time(SECOND)
    now = ears.desk.clock.now()
    ears.tell(
        m.AmendAnswered(
            at=now,
            sent_at=now,
            order_id=an_id(1),
            account=MAIN,
            quantity="5",
            price=None,
            answer=v.Done(),
        )
    )
    ears.desk.pass_time(4 * SECOND)

    assert ears.unheard == [an_id(1)]


def test_a_refusal_is_nothing_that_a_stream_tells_of() -> None:
    ears = Ears()
    ears.tell(intended(1))
    ears.tell(answered(1, v.OutcomeUnknown(text="no answer"), at=ears.desk.clock.now()))
    ears.desk.pass_time(WAIT)

    assert ears.dialled == []


def test_orders_that_wait_for_a_price_are_told_of_elsewhere_at_some_venues() -> None:
    ears = Ears()
    now = ears.desk.clock.now()
    placed = intended(1, now)
    stop = replace(new_order(1), order_type=OrderType.STOP_LIMIT)
    ears.tell(replace(placed, order=stop))
    ears.tell(answered(1, at=now))
    ears.desk.pass_time(WAIT)

    assert ears.dialled == []


def test_a_stream_that_stays_silent_is_dialled_seldom_and_an_alarm_says_so_once() -> None:
    ears = Ears()
    for number in range(1, 41):
        dialled = len(ears.dialled)
        ears.place(number)
        ears.desk.pass_time(4 * SECOND)
        if len(ears.dialled) > dialled:
            ears.come_up_again()

    assert 4 <= len(ears.dialled) <= 8
    (raised,) = ears.desk.heard(m.AlarmRaised)
    assert raised.alarm.kind == "stream_silent"
    assert "timing.stream_silence" in raised.alarm.text
    assert any(p.startswith("stream_silent: account main") for p in ears.desk.listener.problems())
    assert not ears.desk.listener.is_up(MAIN)
    assert set(ears.unheard) == {an_id(number) for number in range(1, 41)}

    ears.desk.event(order_heard(40))
    assert ears.desk.listener.is_up(MAIN)


def test_what_was_sent_before_the_stream_was_up_is_the_sweeps_to_find() -> None:
    ears = Ears()
    now = ears.desk.clock.now()
    ears.tell(intended(1, now))
    ears.come_up_again()
    ears.tell(answered(1, at=now - SECOND))
    ears.desk.pass_time(WAIT)

    assert ears.dialled == []


def test_a_fall_of_the_stream_ends_every_wait_for_it() -> None:
    ears = Ears()
    ears.place()
    ears.come_up_again()
    ears.desk.pass_time(WAIT)

    assert ears.unheard == []


def test_an_answer_from_long_ago_is_waited_for_by_nobody() -> None:
    ears = Ears()
    ears.desk.pass_time(20 * SECOND)
    ears.tell(intended(1))
    ears.tell(answered(1, at=ears.desk.clock.now() - 10 * SECOND))
    ears.desk.pass_time(WAIT)

    assert ears.dialled == []


def test_a_listener_that_stood_still_reads_first_what_the_stream_said() -> None:
    ears = Ears()
    ears.place()
    ears.desk.clock.mono += 30 * SECOND
    ears.desk.clock.wall += 30 * SECOND
    ears.desk.pass_time(SECOND)
    assert ears.dialled == []
    ears.desk.event(order_heard(1))
    ears.desk.pass_time(WAIT)

    assert ears.dialled == []


def test_an_event_that_is_named_late_counts_when_it_is_named() -> None:
    ears = Ears()
    now = ears.desk.clock.now()
    ears.tell(intended(1, now))
    ears.desk.event(order_heard(1, named=False))
    ears.tell(answered(1, v.Done(venue_order_id=venue_id(1)), at=now))
    ears.desk.pass_time(WAIT)

    assert ears.dialled == []
    assert ears.unheard == []


def test_the_waits_are_bounded() -> None:
    ears = Ears(awaited_events=5)
    for number in range(1, 21):
        ears.place(number)
    ears.desk.event(order_heard(30))
    ears.desk.pass_time(4 * SECOND)

    assert ears.unheard == [an_id(number) for number in range(1, 6)]
    assert ears.desk.listener.counters["answers_not_awaited"] == 15


@pytest.mark.parametrize(
    "profile", [replace(PROFILE, stream_lag=None), replace(PROFILE, has_private_stream=False)]
)
def test_a_venue_whose_stream_need_not_tell_is_never_called_silent(
    profile: v.VenueProfile,
) -> None:
    dialled: list[str] = []
    desk = Desk(profiles={MAIN: profile, OTHER: PROFILE}, redial=lambda a, _: dialled.append(a))
    desk.event(v.StreamUp(account=MAIN))
    desk.tell(1, intended(1, desk.clock.now()))
    desk.tell(2, answered(1, at=desk.clock.now()))
    desk.pass_time(WAIT)

    assert dialled == []


def test_a_venues_own_lag_is_added() -> None:
    dialled: list[str] = []
    slow = replace(PROFILE, stream_lag=10 * SECOND)
    desk = Desk(profiles={MAIN: slow, OTHER: PROFILE}, redial=lambda a, _: dialled.append(a))
    desk.event(v.StreamUp(account=MAIN))
    desk.tell(1, intended(1, desk.clock.now()))
    desk.tell(2, answered(1, at=desk.clock.now()))
    desk.pass_time(12 * SECOND)
    assert dialled == []
    desk.pass_time(3 * SECOND)

    assert dialled == [MAIN]

"""What a journal lost is said, so that it is searched for; and what the search finds is applied."""

from listener_kit import (
    BTC,
    MAIN,
    OUTBOX,
    SECOND,
    START,
    Desk,
    an_id,
    answered,
    intended,
    order_heard,
    seen,
)

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Origin

OTHER_OUTBOX = "0c" * 16


def alive(desk: Desk, number: int, outbox: str = OUTBOX, born_at: int = START) -> None:
    event = m.Alive(at=desk.clock.now())
    desk.report(m.OutboxRecord(outbox=outbox, born_at=born_at, number=number, event=event))


def said(desk: Desk) -> list[m.RecordsLost]:
    """Of one account, since the last call."""
    found = [one for one in desk.heard(m.RecordsLost) if one.account == MAIN]
    desk.said.clear()
    return found


def desk_with_a_new_outbox() -> Desk:
    """The executor's journal was lost 10 s after its last sign of life."""
    desk = Desk()
    alive(desk, 1)
    desk.pass_time(10 * SECOND)
    alive(desk, 1, OTHER_OUTBOX, born_at=desk.clock.now())
    desk.said.clear()
    return desk


def test_nothing_is_said_at_the_first_start_of_all() -> None:
    desk = Desk()
    alive(desk, 1)
    desk.pass_time(3 * SECOND)

    assert said(desk) == []


def test_an_outbox_that_begins_anew_may_lack_all_since_the_last_ones_last_sign_of_life() -> None:
    desk = desk_with_a_new_outbox()
    desk.pass_time(2 * SECOND)

    assert {(one.since, one.until) for one in said(desk)} == {(START, START + 10 * SECOND)}


def test_it_is_said_for_an_hour_also_after_restarts() -> None:
    desk = desk_with_a_new_outbox()
    desk.crash()
    desk.boot()
    desk.pass_time(2 * SECOND)
    assert len(said(desk)) >= 1
    desk.ledger._try_checkpoint()
    desk.crash()
    desk.boot()
    desk.pass_time(2 * SECOND)
    assert {one.since for one in said(desk)} == {START}
    desk.pass_time(3_600 * SECOND)
    desk.said.clear()
    desk.pass_time(2 * SECOND)

    assert said(desk) == []


def test_a_journal_that_can_not_prove_its_end_may_lack_all_since_its_checkpoint() -> None:
    desk = Desk()
    desk.tell(1, intended())
    desk.tell(2, answered())
    desk.event(order_heard(1, OrderStatus.CANCELED))
    desk.pass_time(5 * SECOND)
    desk.said.clear()
    desk.lose_power()
    desk.boot()
    now = desk.clock.now()
    desk.pass_time(2 * SECOND)

    (lost,) = {(one.since, one.until) for one in said(desk)}
    assert lost[0] <= START
    assert lost[1] == now


def test_several_losses_are_searched_as_one_and_few_are_kept() -> None:
    desk = Desk()
    alive(desk, 1)
    for number in range(10):
        desk.pass_time(10 * SECOND)
        alive(desk, 1, f"{number:02x}" * 16, born_at=desk.clock.now())
    desk.said.clear()
    desk.pass_time(2 * SECOND)

    (lost,) = {(one.since, one.until) for one in said(desk)}
    assert lost[1] == START + 100 * SECOND
    assert lost[0] < lost[1]
    assert len(desk.ledger.state.losses) == 4


def report_of(desk: Desk, *numbers: int, is_last: bool = True) -> m.ClosedOrdersFetched:
    return m.ClosedOrdersFetched(
        report_id="c",
        account=MAIN,
        symbol=BTC,
        asked_at=desk.clock.now(),
        answered_at=desk.clock.now(),
        orders=tuple(seen(number, OrderStatus.CANCELED) for number in numbers),
        is_last=is_last,
    )


def test_a_closed_order_that_no_journal_knew_is_held_from_then_on() -> None:
    desk = desk_with_a_new_outbox()
    desk.report(report_of(desk, 7))

    order = desk.order(an_id(7))
    assert (order.status, order.origin) == (OrderStatus.CANCELED, Origin.RECOVERED)


def test_what_the_last_piece_of_a_search_found_ends_it() -> None:
    desk = desk_with_a_new_outbox()
    desk.report(report_of(desk, 7, is_last=False))
    assert desk.heard(m.Checked) == []
    desk.report(report_of(desk))

    assert [one.closed for one in desk.heard(m.Checked)] == [BTC]

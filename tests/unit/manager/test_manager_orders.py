"""The schedule's rows for single orders (cases 5, 18, 35, 53, 54, 55, 58)."""

import pytest
from manager_desk import ACC, ETH, PROFILE, SECOND, Desk
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Pending
from gateway.domain.order import Dispute, Evidence, Order
from gateway.manager import ManagerSettings, Pace, Schedule

LONG = 300


def doubled(first: float, most: float, start: float, end: float) -> list[float]:
    """When checks are due that begin `first` after `start` and double up to `most`."""
    times, delay, at = [], first, start + first
    while at < end:
        times.append(at)
        delay = min(2 * delay, most)
        at += delay
    return times


def assert_near(times: list[float], expected: list[float]) -> None:
    assert len(times) == len(expected)
    for one, other in zip(times, expected, strict=True):
        assert abs(one - other) < 1


@pytest.mark.parametrize(
    ("fields", "first", "most", "with_trades"),
    [
        pytest.param({"status": OrderStatus.PENDING_NEW}, 2, 30, False, id="pending_new"),
        pytest.param({"status": OrderStatus.IN_DOUBT}, 1, 60, False, id="in_doubt"),
        pytest.param({"pending": Pending.CANCEL}, 2, 30, False, id="pending cancel, case 18"),
        pytest.param({"pending": Pending.REPLACE}, 2, 30, False, id="pending amend"),
        pytest.param({"trades_complete": False}, 2, 60, True, id="trades missing"),
        pytest.param(
            {"trades_complete": False, "status": OrderStatus.FILLED},
            2,
            60,
            True,
            id="trades missing behind a closed order, case 35",
        ),
        pytest.param(
            {"disputed": (Dispute(trade="k"),), "status": OrderStatus.FILLED},
            2,
            60,
            True,
            id="a trade told in two ways, case 31",
        ),
        pytest.param({"fees_missing": 1}, 60, 3_600, True, id="a fee missing, case 42"),
        pytest.param(
            {"fees_missing": 1, "status": OrderStatus.FILLED},
            60,
            3_600,
            True,
            id="a fee missing behind a closed order",
        ),
        pytest.param(
            {"trades_complete": False, "status": OrderStatus.IN_DOUBT},
            1,
            60,
            True,
            id="in doubt with trades missing",
        ),
    ],
)
def test_a_row_is_checked_first_soon_then_ever_later(
    fields: dict[str, object], first: float, most: float, with_trades: bool
) -> None:
    desk = Desk().started()
    order = desk.placed(**fields)

    desk.run(LONG)

    assert_near(desk.times(m.CheckOrders, order), doubled(first, most, start=0.5, end=0.5 + LONG))
    assert {request.with_trades for request in desk.asked(m.CheckOrders)} == {with_trades}


def test_case_53_a_quiet_open_order_is_left_to_the_sweeps() -> None:
    desk = Desk().started()
    desk.placed()

    desk.run(LONG)

    assert desk.asked(m.CheckOrders) == []
    assert len(desk.asked(m.SweepAccount)) == 1 + LONG // 30


def test_case_5_news_of_the_order_cancel_its_look_up() -> None:
    desk = Desk().started()
    order = desk.placed(status=OrderStatus.IN_DOUBT)
    desk.run(0.5)
    desk.change(order, status=OrderStatus.NEW)

    desk.run(LONG)

    assert desk.asked(m.CheckOrders) == []


def test_news_that_leave_the_order_in_doubt_leave_its_pace() -> None:
    desk = Desk().started()
    order = desk.placed(status=OrderStatus.IN_DOUBT)
    for _ in range(40):
        desk.run(5)
        desk.change(order, checked_at=desk.clock.now())

    assert_near(desk.times(m.CheckOrders, order), doubled(1, 60, start=0.5, end=200))


def test_after_an_absence_that_counts_the_next_question_is_not_put_off() -> None:
    """Found by the chaos run: the second "no", the verdict, came a minute after the first."""
    desk = Desk().started()
    order = desk.placed(status=OrderStatus.IN_DOUBT)
    desk.run(100)
    asked = len(desk.times(m.CheckOrders, order))

    seen = Evidence(asked_at=desk.clock.now(), answered_at=desk.clock.now(), searched=("by_id",))
    desk.change(order, absences=(seen,))
    desk.run(4)

    assert len(desk.times(m.CheckOrders, order)) > asked


def test_a_closed_order_is_forgotten_once_its_trades_are_here() -> None:
    desk = Desk().started()
    order = desk.placed(status=OrderStatus.FILLED, trades_complete=False)
    watch = desk.manager.accounts[ACC].orders
    assert len(watch) == 1

    desk.change(order, trades_complete=True)

    assert len(watch) == 0
    desk.run(LONG)
    assert desk.asked(m.CheckOrders) == []


def test_nothing_is_kept_of_orders_that_have_ended() -> None:
    desk = Desk().started()
    for _ in range(500):
        order = desk.placed(status=OrderStatus.PENDING_NEW)
        desk.change(order, status=OrderStatus.CANCELED)
    desk.run(1)

    assert len(desk.manager.accounts[ACC].orders) == 0
    assert len(desk.manager.deadlines) <= 3
    assert desk.manager.deadlines.heap_size < 200


def test_the_question_names_the_order_as_the_venue_may_know_it() -> None:
    desk = Desk().started()
    order = desk.placed(status=OrderStatus.IN_DOUBT, symbol=ETH, venue_order_id="v9")
    desk.run(1.5)

    request = desk.asked(m.CheckOrders)[0]
    assert request.order_ids == (order.order_id,)
    assert (request.symbols, request.venue_order_ids) == ((ETH,), ("v9",))
    assert request.expires_at > desk.clock.now()


# ---- what goes wrong ---------------------------------------------------------------------------


def test_case_55_a_check_without_effect_is_due_again() -> None:
    desk = Desk().started()
    desk.checks_have_effect = False
    order = desk.placed(status=OrderStatus.PENDING_NEW)

    desk.run(60)

    assert len(desk.times(m.CheckOrders, order)) >= 3
    assert desk.manager.counters["checks_without_effect"] >= 2


@pytest.mark.parametrize("how", ["failing", "silent"])
def test_case_55_requests_that_are_refused_or_lost_are_repeated_ever_later(how: str) -> None:
    desk = Desk().started()
    getattr(desk, how).add(m.CheckOrders)
    order = desk.placed(status=OrderStatus.IN_DOUBT)
    desk.run(LONG)
    tries = desk.times(m.CheckOrders, order)
    assert 5 <= len(tries) <= 20

    getattr(desk, how).clear()
    desk.run(100)
    desk.change(order, status=OrderStatus.NEW)
    assert len(desk.times(m.CheckOrders, order)) > len(tries)


def test_an_answer_in_another_shape_is_survived() -> None:
    desk = Desk().started()
    desk.asker.answer = lambda request: m.AccountsReply(request_id=request.request_id, accounts=())
    desk.placed(status=OrderStatus.IN_DOUBT)
    desk.run(30)
    assert len(desk.asked(m.CheckOrders)) > 1


def test_status_that_can_not_be_read_is_counted() -> None:
    desk = Desk().started()
    desk.manager.on_status(m.HEADS, b"\xc1")
    desk.hear(m.HEADS, m.Head(account="stranger", epoch=1, seq=1, at=0))
    assert desk.manager.counters["bad_status_undecodable"] == 1
    assert desk.manager.counters["unknown_account"] == 1


# ---- many --------------------------------------------------------------------------------------


def test_case_54_thousands_of_idle_orders_cost_a_sweep_each_half_minute() -> None:
    desk = Desk().started()
    for _ in range(5_000):
        desk.placed()
    deadlines = len(desk.manager.deadlines)

    desk.run(300)

    assert desk.asked(m.CheckOrders) == []
    assert len(desk.asked(m.SweepAccount)) == 11
    assert deadlines <= 3


def test_case_54_thousands_of_doubts_keep_within_the_venues_budget() -> None:
    desk = Desk().started()
    for _ in range(2_000):
        desk.placed(status=OrderStatus.IN_DOUBT)
    before = len(desk.asked(m.CheckOrders))

    desk.run(60)

    requests = desk.asked(m.CheckOrders)[before:]
    count = sum(len(request.order_ids) for request in requests)
    assert 400 <= count <= 60 * 10 + 50
    assert max(len(request.order_ids) for request in requests) <= 50
    ids = [order_id for request in requests for order_id in request.order_ids]
    assert len(set(ids)) == len(ids)


def test_orders_that_are_due_together_are_asked_for_together() -> None:
    desk = Desk().started()
    orders = [desk.placed(status=OrderStatus.PENDING_NEW) for _ in range(20)]
    trades = [desk.placed(trades_complete=False) for _ in range(5)]
    desk.run(2.5)

    requests = desk.asked(m.CheckOrders)
    assert [set(request.order_ids) for request in requests] == [
        {order.order_id for order in orders},
        {order.order_id for order in trades},
    ]


def test_no_more_requests_are_under_way_than_the_bound() -> None:
    desk = Desk(in_flight=2, batch=1).started()
    desk.asker.held.add(m.CheckOrders)
    for _ in range(10):
        desk.placed(status=OrderStatus.PENDING_NEW)
    desk.run(3)
    assert len(desk.asker.open) == 2

    desk.asker.release()
    desk.run(0.5)
    assert len(desk.asked(m.CheckOrders)) == 3


def test_the_schedule_of_a_venue_overrides_the_others() -> None:
    slow = Schedule(in_doubt=Pace(20 * SECOND, 20 * SECOND))
    settings = ManagerSettings(venues={"paper": slow})
    desk = Desk(venues={"paper": slow}).started()
    order = desk.placed(status=OrderStatus.IN_DOUBT)
    desk.run(30)

    assert_near(desk.times(m.CheckOrders, order), [20.5])
    assert settings.schedule_of("other").in_doubt.after == SECOND


# ---- what no sweep covers ----------------------------------------------------------------------


def test_case_53_while_sweeps_fail_each_open_order_is_refreshed_by_itself() -> None:
    desk = Desk().started()
    order = desk.placed()
    desk.sweeps_have_effect = False
    desk.run(180)
    refreshed = desk.times(m.CheckOrders, order)
    assert len(refreshed) >= 3
    assert "not_swept" in desk.manager.problems()[0]
    late = desk.placed()
    desk.run(40)
    assert desk.times(m.CheckOrders, late) != []

    desk.sweeps_have_effect = True
    desk.run(70)
    assert desk.manager.problems() == ()
    count = len(desk.asked(m.CheckOrders))
    desk.run(100)
    assert len(desk.asked(m.CheckOrders)) == count


def test_thousands_that_no_sweep_covers_do_not_hold_up_what_is_in_doubt() -> None:
    desk = Desk().started()
    for _ in range(2_000):
        desk.placed()
    desk.sweeps_have_effect = False
    desk.run(75)
    fee = desk.placed(fees_missing=1, status=OrderStatus.FILLED)
    desk.run(55)
    before = desk.manager.counters["checks"]
    doubtful = desk.placed(status=OrderStatus.IN_DOUBT)
    began = desk.clock.monotonic() / SECOND
    desk.run(20)

    assert desk.times(m.CheckOrders, doubtful)[0] < began + 2
    assert desk.manager.counters["checks"] > before + 100
    assert desk.times(m.CheckOrders, fee) == []


def test_a_missing_order_that_no_sweep_covers_is_asked_for_once_and_before_the_others() -> None:
    desk = Desk().started()
    orders = [desk.placed() for _ in range(2_000)]
    desk.sweeps_have_effect = False
    desk.run(130)
    missing = next(one for one in reversed(orders) if desk.times(m.CheckOrders, one) == [])
    watch(desk).look_up([missing.order_id])
    desk.run(2)
    assert len(desk.times(m.CheckOrders, missing)) == 1


def test_case_68_it_is_not_ready_until_each_account_was_compared_with_its_venue() -> None:
    desk = Desk()
    desk.sweeps_have_effect = False
    desk.started()
    desk.run(5)
    assert any("not_swept" in problem for problem in desk.manager.problems())

    desk.sweeps_have_effect = True
    desk.run(70)
    assert desk.manager.problems() == ()


def test_case_58_an_order_missing_from_a_sweep_is_looked_up_at_once_with_its_trades() -> None:
    desk = Desk().started()
    order: Order = desk.placed()
    desk.swept = {"missing": (order.order_id,)}
    desk.run(31)

    requests = desk.asked(m.CheckOrders)
    assert [(request.order_ids, request.with_trades) for request in requests] == [
        ((order.order_id,), True)
    ]


def test_an_order_in_doubt_keeps_its_pace_however_often_it_is_missing() -> None:
    desk = Desk(profile=replace(PROFILE, has_private_stream=False)).started()
    order = desk.placed(status=OrderStatus.IN_DOUBT)
    for _ in range(100):
        desk.swept = {"missing": (order.order_id,)}
        desk.run(2)

    assert_near(desk.times(m.CheckOrders, order), doubled(1, 60, start=0.5, end=200.5))


def test_a_missing_order_that_was_never_heard_of_means_a_gap() -> None:
    desk = Desk().started()
    order = desk.put(desk.order(), heard=False)
    snapshots = len(desk.asked(m.TakeSnapshot))
    desk.swept = {"missing": (order.order_id,)}
    desk.run(31)

    assert len(desk.asked(m.TakeSnapshot)) == snapshots + 1
    assert desk.manager.accounts[ACC].orders.knows(order.order_id)


# ---- fees ---------------------------------------------------------------------------------------


def watch(desk: Desk):  # type: ignore[no-untyped-def]
    return desk.manager.accounts[ACC].orders


def test_an_order_whose_fees_have_come_is_let_go_of() -> None:
    desk = Desk().started()
    order = desk.placed(fees_missing=1, status=OrderStatus.FILLED)
    desk.change(order, fees_missing=0)
    desk.run(LONG)

    assert desk.times(m.CheckOrders) == []
    assert not watch(desk).knows(order.order_id)


def test_a_venue_that_gives_no_fees_is_not_asked_for_them() -> None:
    desk = Desk(profile=replace(PROFILE, gives_fees=False)).started()
    desk.placed(fees_missing=1)
    closed = desk.placed(fees_missing=1, status=OrderStatus.FILLED)
    desk.run(LONG)

    assert desk.times(m.CheckOrders) == []
    assert not watch(desk).knows(closed.order_id)


def test_a_fee_that_never_comes_is_given_up() -> None:
    schedule = Schedule(missing_fees=Pace(10 * SECOND, 20 * SECOND), fee_attempts=3)
    desk = Desk(schedule=schedule).started()
    closed = desk.placed(fees_missing=1, status=OrderStatus.FILLED)
    still_open = desk.placed(fees_missing=1)
    desk.run(LONG)

    assert len(desk.times(m.CheckOrders, closed)) == 3
    assert len(desk.times(m.CheckOrders, still_open)) == 3
    assert not watch(desk).knows(closed.order_id)
    assert watch(desk).knows(still_open.order_id)
    assert desk.manager.counters["fees_given_up"] == 2


def test_the_orders_that_are_watched_for_a_fee_are_bounded_and_the_oldest_go() -> None:
    desk = Desk(kept_fees=2).started()
    orders = [desk.placed(fees_missing=1, status=OrderStatus.FILLED) for _ in range(4)]

    assert [watch(desk).knows(order.order_id) for order in orders] == [False, False, True, True]


def test_an_open_order_without_a_fee_that_no_sweep_covers_is_refreshed_as_any_other() -> None:
    desk = Desk().started()
    desk.sweeps_have_effect = False
    order = desk.placed(fees_missing=1)
    desk.run(200)
    uncovered = desk.times(m.CheckOrders, order)
    assert len(uncovered) >= 3
    desk.sweeps_have_effect = True
    desk.run(400)

    assert watch(desk)._orders[order.order_id].row == "missing_fees"


def test_missing_fees_do_not_hold_up_what_is_in_doubt_nor_take_the_whole_budget() -> None:
    desk = Desk().started()
    for _ in range(600):
        desk.placed(fees_missing=1, status=OrderStatus.FILLED)
    desk.run(70)
    doubtful = desk.placed(status=OrderStatus.IN_DOUBT)
    began = desk.clock.monotonic() / SECOND
    left = desk.manager.accounts[ACC].budget.available()
    desk.run(3)

    assert desk.times(m.CheckOrders, doubtful)[0] < began + 2
    assert left >= 20
    desk.run(60)
    assert desk.manager.counters["checks"] >= 600


def test_a_venue_that_never_tells_a_fee_is_warned_of_often_at_first_then_seldom(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(kept_fees=1).started()
    with caplog.at_level("INFO", "gateway.manager"):
        for _ in range(65):
            desk.placed(fees_missing=1, status=OrderStatus.FILLED)

    given_up = [record for record in caplog.records if record.msg.startswith("fees_given_up")]
    assert len(given_up) == 64
    assert sum(record.levelname == "WARNING" for record in given_up) == 7

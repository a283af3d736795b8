"""Orders of which only the venue's id is known are looked up, within the venue's budget."""

from manager_desk import ACC, BTC, Desk

from gateway.domain import messages as m
from gateway.domain.identity import OrderId, VenueOrderId, external_order_id
from gateway.manager import Schedule


def external(number: int) -> OrderId:
    return external_order_id(ACC, BTC, f"v{number}")


def unknown(*numbers: int) -> m.UnknownOrders:
    orders = tuple(
        m.UnknownOrder(order_id=external(n), symbol=BTC, venue_order_id=VenueOrderId(f"v{n}"))
        for n in numbers
    )
    return m.UnknownOrders(account=ACC, orders=orders)


def hear_each_second(desk: Desk, seconds: int, *numbers: int) -> None:
    for _ in range(seconds):
        desk.hear(m.CHECKS, unknown(*numbers))
        desk.run(1)


def test_they_are_asked_for_by_the_venues_id() -> None:
    desk = Desk().started()
    desk.hear(m.CHECKS, unknown(7, 8))

    (request,) = desk.asked(m.CheckOrders)
    assert request.venue_order_ids == ("v7", "v8")
    assert request.order_ids == (external(7), external(8))
    assert request.symbols == (BTC, BTC)


def test_each_is_asked_for_again_ever_more_slowly_while_it_is_unknown() -> None:
    desk = Desk().started()
    hear_each_second(desk, 40, 7)

    assert desk.times(m.CheckOrders) == [0.5, 5.5, 15.5, 35.5]


def test_one_that_is_known_by_now_is_forgotten() -> None:
    desk = Desk().started()
    hear_each_second(desk, 3, 7, 8)
    desk.hear(m.CHECKS, unknown(8))

    assert len(desk.manager.accounts[ACC].names) == 1


def test_a_request_that_was_refused_is_no_attempt() -> None:
    desk = Desk().started()
    desk.failing.add(m.CheckOrders)
    hear_each_second(desk, 4, 7)
    asked_in_vain = len(desk.asked(m.CheckOrders))
    assert asked_in_vain >= 2
    desk.failing.clear()
    hear_each_second(desk, 5, 7)

    assert len(desk.asked(m.CheckOrders)) == asked_in_vain + 1


def test_the_venues_budget_is_kept() -> None:
    desk = Desk(schedule=Schedule(burst=3, checks_per_second=1)).started()
    hear_each_second(desk, 1, *range(20))

    assert sum(len(request.order_ids) for request in desk.asked(m.CheckOrders)) <= 4

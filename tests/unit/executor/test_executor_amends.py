"""Amends: one at a time for each order, each command at most once."""

import pytest
from executor_world import ACCOUNT, SECOND, SETTINGS, SYMBOL, World, done, started
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId

UNKNOWN = v.OutcomeUnknown(text="time-out")


def test_an_amend_is_recorded_sent_with_the_orders_own_words_and_its_answer_recorded() -> None:
    world = started()
    order_id = world.placed("v1")
    amend = world.amend(order_id, quantity="0.30", price=None)
    world.order(amend)
    world.venue.answer(done("v2"))
    world.deliver()

    (request,) = world.venue.amends()
    assert (request.order_id, request.venue_order_id, request.symbol) == (order_id, "v1", SYMBOL)
    assert (str(request.quantity), request.price) == ("0.30", None)
    assert request.expires_at == amend.expires_at
    (intended,) = world.listener.of(m.AmendIntended)
    (answered,) = world.listener.of(m.AmendAnswered)
    assert (intended.quantity, intended.price) == (answered.quantity, answered.price)
    assert intended.land_by == amend.expires_at + 5 * SECOND + SETTINGS.rules.clock_error


def test_an_amend_that_expired_before_it_was_sent_makes_room_for_the_next() -> None:
    world = started()
    order_id = world.placed()
    world.order(world.amend(order_id))
    world.venue.answer(v.NotSent(code=Code.EXPIRED, text="too late"))
    world.order(world.amend(order_id))

    assert len(world.venue.amends()) == 2
    assert world.refusals() == []


def test_an_amend_that_gives_the_order_a_new_venue_id_is_canceled_by_it() -> None:
    world = started()
    order_id = world.placed("v1")
    world.order(world.amend(order_id))
    world.venue.answer(done("v2"))
    world.urgent(world.cancel(order_id))

    assert [c.venue_order_id for c in world.venue.cancels()] == ["v2"]


def test_case_25_an_amend_while_another_is_pending_is_refused() -> None:
    world = started()
    order_id = world.placed()
    world.order(world.amend(order_id))
    second = world.amend(order_id)
    world.order(second)
    world.venue.answer(done())
    world.order(world.amend(order_id))

    assert world.refusals() == [(second.command_id, Code.REPLACE_PENDING)]
    assert len(world.venue.amends()) == 2


def test_an_amend_of_unknown_outcome_blocks_others_until_it_can_not_land_any_more() -> None:
    world = started()
    order_id = world.placed()
    world.order(world.amend(order_id))
    world.venue.answer(UNKNOWN)
    world.order(world.amend(order_id))
    world.advance(10 * SECOND)
    world.order(world.amend(order_id))

    assert [code for _, code in world.refusals()] == [Code.REPLACE_PENDING]
    assert len(world.venue.amends()) == 2


@pytest.mark.parametrize("restart", [False, True])
def test_an_amend_delivered_again_after_a_later_one_does_not_undo_it(restart: bool) -> None:
    world = started()
    order_id = world.placed()
    first = world.amend(order_id, price="100")
    world.order(first)
    world.venue.answer(done())
    world.order(world.amend(order_id, price="200"))
    world.venue.answer(done())
    if restart:
        world.restart()
    world.order(first)

    assert [str(a.price) for a in world.venue.amends()] == ["100", "200"]
    assert world.refusals() == []


@pytest.mark.parametrize("restart", [False, True])
def test_an_amend_that_was_refused_is_not_carried_out_when_it_comes_again(restart: bool) -> None:
    world = started()
    order_id = world.placed(None)
    early = world.amend(order_id)
    world.order(early)
    world.venue.answer(done())
    if restart:
        world.restart()
    world.order(early)

    assert world.venue.amends() == []
    assert world.refusals() == [(early.command_id, Code.REPLACE_PENDING)]


def test_an_order_that_is_being_canceled_is_not_amended() -> None:
    world = started()
    order_id = world.placed()
    world.urgent(world.cancel(order_id))
    world.order(world.amend(order_id))

    assert [code for _, code in world.refusals()] == [Code.REPLACE_PENDING]


def test_a_venue_that_can_not_amend_says_so() -> None:
    world = started()
    world.venue.profile = replace(world.venue.profile, can_amend=False)
    world.order(world.amend(world.placed()))

    assert [code for _, code in world.refusals()] == [Code.AMEND_UNSUPPORTED]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "acc9"}, Code.UNKNOWN_ACCOUNT),
        ({"account": "acc2"}, Code.WRONG_ACCOUNT),
        ({"symbol": "NO/NE"}, Code.UNKNOWN_SYMBOL),
        ({"price": None}, Code.BAD_COMBINATION),
        ({"price": "1e3"}, Code.BAD_PRICE),
        ({"expires_at": 1}, Code.EXPIRED),
        ({"order_id": "x"}, Code.BAD_ORDER_ID),
    ],
)
def test_a_wrong_amend_is_refused_with_its_code(change: dict[str, object], code: Code) -> None:
    world = started(accounts=(ACCOUNT, AccountId("acc2")))
    amend = replace(world.amend(world.placed()), **change)
    world.order(amend)

    assert world.refusals() == [(amend.command_id, code)]
    assert world.venue.amends() == []


def test_orders_that_are_not_at_hand_are_not_amended() -> None:
    world = started()
    closed = world.placed(None)
    world.venue.answer(done("v", OrderStatus.FILLED))
    world.order(world.amend(closed))
    world.order(world.amend(world.new_id()))
    world.order(world.amend(world.new_id(tag=0)))

    assert [code for _, code in world.refusals()] == [
        Code.ALREADY_CLOSED,
        Code.UNKNOWN_ORDER,
        Code.FOREIGN_ORDER_ID,
    ]


def test_details_of_the_oldest_orders_give_way_and_they_can_still_be_canceled() -> None:
    world = started(replace(SETTINGS, max_orders=2))
    orders = [world.placed() for _ in range(3)]
    world.order(world.amend(orders[0]))
    world.order(world.amend(orders[1]))
    world.urgent(world.cancel(orders[0]))

    assert [code for _, code in world.refusals()] == [Code.UNKNOWN_ORDER]
    assert [a.order_id for a in world.venue.amends()] == [orders[1]]
    assert [c.order_id for c in world.venue.cancels()] == [orders[0]]


def test_an_amend_without_answer_at_a_restart_has_an_unknown_outcome() -> None:
    world = started()
    world.order(world.amend(world.placed()))
    world.restart()

    (answered,) = world.recorded(m.AmendAnswered)
    assert isinstance(answered.answer, v.OutcomeUnknown)
    assert len(world.venue.amends()) == 1


def test_an_amend_that_fills_the_order_closes_it() -> None:
    """Case 23, as far as the executor goes: the venue says filled, the cancel is answered here."""
    world: World = started()
    order_id = world.placed()
    world.order(world.amend(order_id, quantity="0.1"))
    world.venue.answer(done("v1", OrderStatus.FILLED))
    world.urgent(world.cancel(order_id))

    assert [code for _, code in world.refusals()] == [Code.ALREADY_CLOSED]


def test_remembered_amends_are_bounded_and_forgotten_with_time() -> None:
    world = started(replace(SETTINGS, max_amends=10))
    order_id = world.placed()
    for _ in range(13):
        world.order(world.amend(order_id))
    codes = [code for _, code in world.refusals()]
    assert codes == [Code.REPLACE_PENDING] * 9 + [Code.TOO_MANY]
    assert world.executor.counters.silent == 2

    world.venue.answer(done())
    world.advance(80 * SECOND)
    world.order(world.amend(order_id))
    assert len(world.venue.amends()) == 2

"""The rehearsals of an order's way leave no trace in what is real."""

import logging
from decimal import Decimal

import pytest
from executor_world import (
    ACCOUNT,
    MARKETS,
    MILLI,
    SECOND,
    SYMBOL,
    HandVenue,
    World,
    started,
)
from msgspec.structs import replace

from gateway.domain.identity import AccountId
from gateway.domain.venue import PlaceOrder
from gateway.service.rehearsal import TURNS, Rehearsal

INTERVAL = 5 * MILLI


class Stage(HandVenue):
    """A venue that counts what is rehearsed on it."""

    def __init__(self, world: World, account: AccountId = ACCOUNT) -> None:
        super().__init__(account, world.fuse)
        self.rehearsed: list[PlaceOrder] = []
        self.fails = False

    def rehearse(self, request: PlaceOrder) -> None:
        if self.fails:
            raise ValueError("of the test")
        self.rehearsed.append(request)


def rehearsal_of(world: World, *venues: Stage, interval: int = INTERVAL) -> Rehearsal:
    found = Rehearsal(
        world.executor,
        {venue.account: venue for venue in venues},
        world.clock,
        world.timers,
        world.chance,
        interval=interval,
    )
    found.begin()
    return found


def test_orders_get_as_far_as_the_socket_and_nothing_real_hears_of_them() -> None:
    world = started()
    stage = Stage(world)
    rehearsal_of(world, stage)
    before = world.journal.next_number
    world.advance(10 * INTERVAL)

    assert len({request.order.order_id for request in stage.rehearsed}) == 10
    assert stage.sent == world.venue.sent == []
    assert world.journal.next_number == before
    assert world.executor.holds().ids == world.executor.counters.placed == 0


def test_each_account_has_its_turn_if_its_venue_is_ready() -> None:
    world = started()
    first, second, away = (Stage(world, AccountId(name)) for name in ("acc1", "acc2", "acc3"))
    away.ready = False
    rehearsal_of(world, first, second, away)
    world.advance(9 * INTERVAL)

    assert [len(one.rehearsed) for one in (first, second, away)] == [3, 3, 0]


def test_a_market_that_comes_late_is_rehearsed_on_then() -> None:
    world = started()
    stage = Stage(world)
    stage.markets = {}
    rehearsal_of(world, stage)
    world.advance(3 * INTERVAL)
    stage.markets = MARKETS
    world.advance(INTERVAL)

    assert len(stage.rehearsed) == 1


def test_a_clock_that_is_set_does_not_reach_it(caplog: pytest.LogCaptureFixture) -> None:
    world = started()
    stage = Stage(world)
    rehearsal_of(world, stage)
    for step in (-60 * SECOND, 90 * SECOND):
        world.advance(INTERVAL)
        world.clock.wall += step
        world.advance(INTERVAL)

    assert len(stage.rehearsed) == 4
    assert caplog.records == []


def test_limits_and_steps_of_the_market_do_not_matter() -> None:
    world = started()
    stage = Stage(world)
    odd = replace(MARKETS[SYMBOL], price_step=Decimal("1e-24"), min_quantity=Decimal(10_000))
    stage.markets = {SYMBOL: odd}
    rehearsal_of(world, stage)
    world.advance(INTERVAL)

    assert len(stage.rehearsed) == 1


def test_one_that_is_refused_is_the_last(caplog: pytest.LogCaptureFixture) -> None:
    world = started()
    stage = Stage(world, AccountId("not a name"))
    rehearsal_of(world, stage)
    world.advance(10 * INTERVAL)

    assert [record.message for record in caplog.records][1:] == ["rehearsal_failed"]


def test_it_pauses_while_real_orders_come() -> None:
    world = started()
    stage = Stage(world)
    rehearsal_of(world, stage)
    for _ in range(10):
        world.placed()
        world.advance(INTERVAL)
    assert stage.rehearsed == []

    world.advance(INTERVAL)
    assert len(stage.rehearsed) == 1


def test_its_memory_stays_small() -> None:
    world = started()
    rehearsal = rehearsal_of(world, Stage(world))
    world.advance((2 * TURNS + 5) * INTERVAL)

    executor = rehearsal._executor
    assert executor is not None
    holds = executor.holds()
    assert (holds.ids, holds.unanswered, holds.unacknowledged) == (5, 0, 0)


def test_one_that_fails_is_the_last_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    world = started()
    stage = Stage(world)
    rehearsal_of(world, stage)
    stage.fails = True
    world.advance(INTERVAL)
    stage.fails = False
    world.advance(10 * INTERVAL)

    assert stage.rehearsed == []
    assert [record.message for record in caplog.records] == ["rehearsal_failed"]


def test_none_while_debug_messages_would_tell_of_it() -> None:
    world = started()
    stage = Stage(world)
    rehearsal_of(world, stage)
    logger = logging.getLogger("gateway.service")
    logger.setLevel(logging.DEBUG)
    try:
        world.advance(10 * INTERVAL)
    finally:
        logger.setLevel(logging.NOTSET)

    assert stage.rehearsed == []


def test_none_after_its_end_or_without_an_interval() -> None:
    world = started()
    ended, without = Stage(world), Stage(world)
    rehearsal_of(world, ended).close()
    rehearsal_of(world, without, interval=0)
    world.advance(10 * INTERVAL)

    assert ended.rehearsed == without.rehearsed == []

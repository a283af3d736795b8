"""The real processes, each killed once under load and under the venue's faults, judged by the
checker of the simulation."""

import asyncio

import pytest

from gateway.chaos.plan import Blow, Planned
from gateway.chaos.run import Outcome, Run, Settings
from gateway.chaos.scene import Scene
from gateway.chaos.striking import Struck

SECOND = 1_000_000_000
PLAN = (
    Planned(1.0, Blow.AWAY, "postgres", 10.0),
    Planned(3.0, Blow.KILL, "executor", 0.0),
    Planned(5.0, Blow.GARBAGE, "all", 0.0),
    Planned(6.0, Blow.KILL, "listener", 0.0),
    Planned(8.0, Blow.KILL, "actioner", 0.0),
    Planned(9.0, Blow.STOP, "manager", 2.0),
    Planned(10.0, Blow.KILL, "trader-2", 1.0),
    Planned(12.0, Blow.KILL, "paper", 0.0),
    Planned(14.0, Blow.KILL, "manager", 0.0),
    Planned(15.0, Blow.KILL, "postgres", 0.0),
    Planned(16.0, Blow.KILL, "accounts-1", 1.0),
    Planned(17.0, Blow.STOP, "listener", 2.0),
    Planned(18.0, Blow.VENUE_CUT, "all", 0.0),
)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    settings = Settings(
        seed=7,
        seconds=20.0,
        orders_per_second=15.0,
        blows_per_minute=0.0,
        strength=0.7,
        settle_s=120.0,
        longest_life_s=1.0,
        planned=PLAN,
    )
    scene = Scene(tmp_path_factory.mktemp("chaos"))
    try:
        scene.start()
        return asyncio.run(Run(scene, settings, print).run())
    finally:
        scene.stop()


@pytest.mark.timeout(300)
def test_no_order_fill_or_message_is_lost_doubled_or_wrong(outcome: Outcome) -> None:
    """Cases 10, 62, 67, 69: whatever dies, the books agree with the venue's record."""
    assert outcome.violations == []


def test_it_was_a_run_in_which_something_happened(outcome: Outcome) -> None:
    struck = {(one.blow, one.target) for one in outcome.struck}

    assert struck == {(one.blow, one.target) for one in PLAN}
    assert outcome.venue_faults.total() > 20
    assert len(outcome.evidence.venue_orders) > 50
    assert len(outcome.evidence.venue_fills) > 10
    assert all(consumed.deliveries for consumed in outcome.evidence.consumed)


def test_case_67_while_postgresql_is_away_orders_go_on(outcome: Outcome) -> None:
    away = outage(outcome)
    placed = [one for one in outcome.evidence.venue_orders if within(away, one.accepted_at)]
    published = [one for one in outcome.evidence.items if within(away, one.published_at or 0)]

    assert placed, "how many is the machine's affair"
    assert published


def outage(outcome: Outcome) -> Struck:
    return next(one for one in outcome.struck if one.blow is Blow.AWAY)


def within(struck: Struck, at: int) -> bool:
    """Well inside: it takes a moment to go, and another to come back."""
    return struck.began + 2 * SECOND < at < struck.ended - SECOND

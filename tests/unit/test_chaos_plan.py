"""What the chaos run is going to break is known from its seed."""

from gateway.chaos import plan, weather
from gateway.paper.faults import FaultKind
from gateway.sim.randomness import chance

USERS = ("trader-1", "accounts-1")


def test_the_same_seed_breaks_the_same_things_at_the_same_time() -> None:
    assert plan.blows(3, 600, 14, USERS, frozenset()) == plan.blows(3, 600, 14, USERS, frozenset())
    assert plan.blows(3, 600, 14, USERS, frozenset()) != plan.blows(4, 600, 14, USERS, frozenset())


def test_a_long_plan_has_every_kind_of_blow_and_hits_everyone() -> None:
    planned = plan.blows(1, 36_000, 14, USERS, frozenset())

    assert {one.blow for one in planned} == set(plan.Blow)
    assert {*plan.SERVERS, *USERS} <= {one.target for one in planned}
    assert all(0 < one.at_s < 36_000 for one in planned)


def test_what_is_left_out_does_not_happen() -> None:
    planned = plan.blows(1, 36_000, 14, USERS, frozenset({"disk full"}))

    assert plan.Blow.DISK_FULL not in {one.blow for one in planned}


def test_in_time_the_weather_has_every_fault_of_the_venue() -> None:
    random = chance(1, "weather")
    spells = [weather.spell(random, 1.0, frozenset()) for _ in range(300)]

    assert {fault.kind for spell in spells for fault in spell} == set(FaultKind)
    assert any(not spell for spell in spells)

"""Private streams that fall silent: how long until what the venue did is right and published."""

import pytest

from gateway.listener import Listener
from gateway.listener.hearing import Hearing
from gateway.sim.checker import judge
from gateway.sim.records import Evidence
from gateway.sim.world import Options, World

SECOND = 1_000_000_000
CLOSED = {"filled", "canceled", "expired"}
SWEEP = 30 * SECOND


def delays(evidence: Evidence) -> list[int]:
    """From each change of an order at the venue to the first update that covers it."""
    updates: dict[str, list[tuple[int, str, object]]] = {}
    for item in evidence.items:
        if item.order is not None and item.published_at is not None:
            told = item.published_at, item.order.status, item.order.cum_quantity
            updates.setdefault(item.order.order_id, []).append(told)
    found = []
    for order in evidence.venue_orders:
        for change in order.changes:
            covered = [
                at
                for at, status, filled in updates.get(order.client_order_id, ())
                if filled >= change.executed and (change.status == "open" or status in CLOSED)
            ]
            if covered:
                found.append(max(min(covered) - change.at, 0))
    return sorted(found)


def live(seed: int) -> tuple[World, Evidence]:
    world = World(seed, Options(orders=90, clients=3, faults="silence"))
    evidence = world.run()
    assert judge(evidence) == []
    return world, evidence


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody ever wondered about a stream that says nothing."""
    monkeypatch.setattr(Hearing, "attend", lambda _self: None)


def test_a_silent_stream_is_found_by_what_it_does_not_say_case_46() -> None:
    late = []
    dialled = 0
    for seed in range(3):
        world, evidence = live(seed)
        late += delays(evidence)
        listener = world.parts["listener"].listener  # type: ignore[union-attr]
        assert isinstance(listener, Listener)
        dialled += listener.counters["streams_silent"]
    late.sort()

    assert dialled > 0
    assert late[int(len(late) * 0.99)] < 8 * SECOND


def test_without_that_only_the_sweep_finds_it(deaf: None) -> None:
    late = sorted(delay for seed in range(3) for delay in delays(live(seed)[1]))

    assert late[int(len(late) * 0.99)] > SWEEP / 2

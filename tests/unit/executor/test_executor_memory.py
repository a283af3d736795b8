"""What is remembered of order ids: compact, bounded, and the same from a place and its order."""

import random
import tracemalloc

import pytest
from executor_world import MARKETS, TAG, World
from msgspec.structs import replace

from gateway.domain.checks import CheckRules, check_place
from gateway.domain.errors import Busy
from gateway.domain.identity import make_order_id
from gateway.executor.memory import (
    KILLED,
    IdMemory,
    fingerprint_of_order,
    fingerprint_of_place,
    same_content,
)

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
HORIZON = 24 * 3600 * SECOND


def memory(limit: int = 1_000_000) -> IdMemory:
    return IdMemory(limit, HORIZON, 120 * SECOND)


def ids(count: int, seed: int = 1, span: int = 3600) -> list[str]:
    chance = random.Random(seed)
    return [
        make_order_id(TAG, NOW - chance.randrange(span * SECOND), chance.getrandbits(62))
        for _ in range(count)
    ]


def test_each_id_has_its_own_value_and_others_have_none() -> None:
    known, unknown = ids(5_000), ids(5_000, seed=2)
    kept = memory()
    for value, order_id in enumerate(known):
        kept.put(order_id, value)
    kept.put(known[3], KILLED)

    assert [kept.get(order_id) for order_id in known] == [0, 1, 2, KILLED, *range(4, 5_000)]
    assert not any(kept.get(order_id) is not None for order_id in unknown)
    assert len(kept) == 5_000


def test_ids_that_differ_in_their_time_or_count_up_are_told_apart() -> None:
    counted = [make_order_id(TAG, NOW + ms * 1_000_000, n) for ms in range(100) for n in range(50)]
    kept = memory()
    for order_id in counted:
        assert kept.get(order_id) is None
        kept.put(order_id, KILLED)


def test_a_saved_memory_is_the_same_memory() -> None:
    known = ids(2_000)
    kept, loaded = memory(), memory()
    for value, order_id in enumerate(known):
        kept.put(order_id, (1 << 64) - 1 - value)
    kept.raise_floor(NOW - 7200 * SECOND)
    loaded.load(kept.dump(), kept.fixed_floor)

    assert [loaded.get(order_id) for order_id in known] == [kept.get(i) for i in known]
    assert len(loaded) == len(kept)
    assert loaded.floor(NOW) == kept.floor(NOW)


def test_what_lies_behind_the_horizon_is_forgotten_and_said_to_be() -> None:
    kept = memory()
    for order_id in ids(100):
        kept.put(order_id, 4)
    kept.forget_old(NOW)
    assert len(kept) == 100

    kept.forget_old(NOW + HORIZON + 20 * SECOND)
    assert len(kept) == 0
    assert kept.floor(NOW + HORIZON + 20 * SECOND) > NOW
    newest = max(int(order_id.replace("-", "")[:12], 16) for order_id in ids(100)) * 1_000_000
    assert kept.fixed_floor > newest  # also for a clock that steps back


def test_doubts_about_an_id_are_forgotten_with_it() -> None:
    kept, later = memory(), NOW + HORIZON + 20 * SECOND
    young = make_order_id(TAG, later, 1)
    for order_id in [*ids(100), young]:
        kept.put(order_id, KILLED, is_certain=False)
    kept.forget_old(later)
    assert [*kept._uncertain.values()] == [{young}]

    kept.distrust()
    assert len(kept) == 0


def test_the_floor_rises_with_every_id_that_gives_way() -> None:
    kept = memory(limit=1_000)
    for order_id in sorted(ids(3_000)):
        kept.check_room(NOW + 3600 * SECOND)
        kept.put(order_id, 4)

    assert len(kept) <= 1_000
    for order_id in ids(3_000):
        made = int(order_id.replace("-", "")[:12], 16) * 1_000_000
        assert kept.get(order_id) is not None or made < kept.floor(NOW)


def test_young_ids_never_give_way() -> None:
    kept = memory(limit=100)
    for order_id in ids(100, span=60):
        kept.check_room(NOW)
        kept.put(order_id, 4)

    with pytest.raises(Busy):
        kept.check_room(NOW)


def test_a_million_ids_take_some_twenty_megabytes() -> None:
    tracemalloc.start()
    kept = memory()
    for number in range(100_000):
        kept.put(make_order_id(TAG, NOW + number * 86_400_000, number * 7919), 1 << 60)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 10_000_000  # 8,640 buckets and a tenth of the ids


@pytest.mark.parametrize("figure", ["0.5", "0.50", "00.5", "00.5000"])
def test_a_figure_written_in_another_way_is_the_same_content(figure: str) -> None:
    world = World()
    place = world.place(quantity="0.5", price="30000")
    again = replace(place, quantity=figure, price="30000.00", command_id="x", expires_at=1)

    assert same_content(fingerprint_of_place(place), fingerprint_of_place(again))


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "5"},
        {"quantity": "0.05"},
        {"price": "3000"},
        {"price": "300000"},
        {"side": "sell"},
        {"post_only": True},
        {"client_id": "other"},
        {"time_in_force": "ioc"},
        {"order_type": "stop_limit", "stop_price": "30000"},
    ],
)
def test_a_place_and_the_order_it_asks_for_have_one_fingerprint(change: dict[str, object]) -> None:
    world = World()
    place = world.place()
    other = replace(place, **change)
    order = check_place(other, now=world.clock.now(), tag=TAG, markets=MARKETS, rules=CheckRules())

    assert fingerprint_of_order(order) == fingerprint_of_place(other)
    assert not same_content(fingerprint_of_place(place), fingerprint_of_place(other))

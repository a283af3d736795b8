"""Places with one thing wrong, as a program that is broken would send them."""

from random import Random
from typing import Any

from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.identity import make_order_id

SECOND = 1_000_000_000


def spoilt(place: m.Place, now: int, tag: int, random: Random) -> m.Place:
    """`tag` is the id space of the gateway that must refuse it."""
    wrong: dict[str, Any] = random.choice(
        (
            {"account": "nobody"},
            {"symbol": "XXX/YYY"},
            {"quantity": random.choice(("0", "-1", "NaN", "1e3", "", "0.000000000001"))},
            {"price": "1.23456789"} if place.price else {"price": "1"},
            {"expires_at": now - SECOND},
            {"expires_at": now + 3_600 * SECOND},
            {"order_id": "not-an-id"},
            {"order_id": make_order_id(tag ^ 1, now, random.getrandbits(62))},
            {"order_id": make_order_id(tag, now - 90_000 * SECOND, random.getrandbits(62))},
            {"order_id": make_order_id(tag, now + 60 * SECOND, random.getrandbits(62))},
            {"side": "both"},
            {"order_type": "iceberg"},
        )
    )
    return replace(place, **wrong)

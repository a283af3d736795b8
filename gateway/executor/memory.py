"""Which order ids have been seen: what makes one order id one order.

An id carries the time it was made, so ids are kept in buckets of that time. A bucket is two flat
arrays sorted by a 64-bit hash of the id: 16 bytes an id, found by bisection, forgotten a bucket at
a time. Two ids of one bucket share a hash with a chance of about 1 in 10^15 at 10,000 ids a
second; a good order would then be refused, none doubled.
"""

from array import array
from bisect import bisect_left
from hashlib import blake2b

from msgspec import Struct

from gateway.domain.errors import Busy, Code
from gateway.domain.identity import order_id_time
from gateway.domain.messages import Place
from gateway.domain.order import NewOrder

SECOND = 1_000_000_000
SPAN = 10 * SECOND
_MASK = (1 << 64) - 1
_MIX = 0x9E3779B97F4A7C15

# What is remembered of an id: a hash of the order's content, and these bits.
DEAD, CLOSED, _CONTENT = 1, 2, 4
KILLED = DEAD
"""Canceled before its place came: there is no content."""


def fingerprint_of_place(place: Place) -> int:
    """Equal for places that ask for the same; `expires_at` and `command_id` may differ."""
    return _fingerprint(
        place.account,
        place.symbol,
        place.client_id,
        place.side,
        place.order_type,
        _figure(place.quantity),
        _figure(place.price),
        _figure(place.stop_price),
        place.time_in_force,
        place.post_only,
    )


def fingerprint_of_order(order: NewOrder) -> int:
    """As that of the place which asked for it."""
    return _fingerprint(
        order.account,
        order.symbol,
        order.client_id,
        order.side,
        order.order_type,
        _figure(f"{order.quantity:f}"),
        _figure(None if order.price is None else f"{order.price:f}"),
        _figure(None if order.stop_price is None else f"{order.stop_price:f}"),
        order.time_in_force,
        order.post_only,
    )


def same_content(one: int, other: int) -> bool:
    return one >> 2 == other >> 2


def _figure(text: str | None) -> str:
    if text is None:
        return ""
    text = text.lstrip("0")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fingerprint(*content: object) -> int:
    text = "\x1f".join(map(str, content)).encode("utf-8", "surrogatepass")
    digest = int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
    return digest & ~(DEAD | CLOSED) | _CONTENT


class RememberedIds(Struct, frozen=True, kw_only=True):
    """A bucket in a checkpoint: 64-bit numbers in the order of bytes of the machine."""

    bucket: int
    keys: bytes
    values: bytes


class IdMemory:
    """Bounded by `limit` ids; `floor` is the time before which nothing is known any more.

    `least` (ns): ids younger than this are never forgotten, since they may be on their way.
    """

    def __init__(self, limit: int, horizon: int, least: int) -> None:
        self._limit = limit
        self._horizon = horizon
        self._least = least
        self._buckets: dict[int, tuple[array[int], array[int]]] = {}
        self._count = 0
        self._floor = 0
        self._uncertain: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return self._count

    def floor(self, now: int) -> int:
        """Ids made before this may have been seen and forgotten."""
        return max(self._floor, now - self._horizon)

    def raise_floor(self, to: int) -> None:
        self._floor = max(self._floor, to)

    @property
    def fixed_floor(self) -> int:
        return self._floor

    def get(self, order_id: str) -> int | None:
        bucket = self._buckets.get(order_id_time(order_id) // SPAN)
        if bucket is None:
            return None
        keys, values = bucket
        key = _key(order_id)
        at = bisect_left(keys, key)
        return values[at] if at < len(keys) and keys[at] == key else None

    def check_room(self, now: int) -> None:
        """Makes room for one more id. Raises `Busy` if only ids on their way could give way."""
        while self._count >= self._limit:
            oldest = min(self._buckets)
            if (oldest + 1) * SPAN > now - self._least:
                text = f"{self._count} order ids were used in a short time: wait"
                raise Busy(text, Code.TOO_MANY)
            self._forget(oldest)

    def has_reserve(self) -> bool:
        """A tenth more than `limit` is for ids of refused orders."""
        return self._count < self._limit + self._limit // 10

    def put(self, order_id: str, value: int, *, is_certain: bool = True) -> None:
        """Call `check_room` first where it may be refused. `is_certain` False: the id has not come
        before, or been refused, unless what is known here is an older copy; `trust` or `distrust`
        will tell."""
        index = order_id_time(order_id) // SPAN
        if not is_certain:
            self._uncertain.setdefault(index, set()).add(order_id)
        keys, values = self._buckets.setdefault(index, (array("Q"), array("Q")))
        key = _key(order_id)
        at = bisect_left(keys, key)
        if at < len(keys) and keys[at] == key:
            values[at] = value
            return
        keys.insert(at, key)
        values.insert(at, value)
        self._count += 1

    def trust(self) -> None:
        self._uncertain.clear()

    def distrust(self) -> None:
        """Ids that were taken for such as had never been placed may have been: a cancel of them now
        goes to the venue. Raise the floor as well, so that no place of them does."""
        for order_id in (order_id for ids in self._uncertain.values() for order_id in ids):
            self._remove(order_id)
        self._uncertain.clear()

    def _remove(self, order_id: str) -> None:
        index = order_id_time(order_id) // SPAN
        keys, values = self._buckets.get(index, (array("Q"), array("Q")))
        at = bisect_left(keys, _key(order_id))
        if at < len(keys) and keys[at] == _key(order_id):
            del keys[at], values[at]
            self._count -= 1

    def mark_closed(self, order_id: str, *, closed: bool) -> None:
        """Of an id that is remembered; nothing for others."""
        value = self.get(order_id)
        if value is not None and bool(value & CLOSED) != closed:
            self.put(order_id, value ^ CLOSED)

    def forget_old(self, now: int) -> None:
        """Drops what lies behind the horizon."""
        last = (now - self._horizon) // SPAN
        for index in [index for index in self._buckets if index < last]:
            self._forget(index)

    def dump(self) -> tuple[RememberedIds, ...]:
        return tuple(
            RememberedIds(bucket=index, keys=keys.tobytes(), values=values.tobytes())
            for index, (keys, values) in self._buckets.items()
        )

    def load(self, buckets: tuple[RememberedIds, ...], floor: int) -> None:
        self.raise_floor(floor)
        for saved in buckets:
            keys, values = array("Q", saved.keys), array("Q", saved.values)
            self._buckets[saved.bucket] = (keys, values)
            self._count += len(keys)

    def _forget(self, index: int) -> None:
        keys, _ = self._buckets.pop(index)
        self._count -= len(keys)
        self._uncertain.pop(index, None)
        self.raise_floor((index + 1) * SPAN)


def _key(order_id: str) -> int:
    number = int(order_id.replace("-", ""), 16)
    return (number + (number >> 64) * _MIX) & _MASK

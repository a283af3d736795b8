"""Messages made up from their types, and what can be done to them that leaves them almost right."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from msgspec import inspect

from gateway.domain.identity import make_order_id

EXTREMES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1),
    *(0.0, -0.0, 1.5, 1e308, float("inf"), float("-inf"), float("nan")),
    *(
        "",
        "0",
        "-0",
        "-1",
        "1e5",
        "1E400",
        "NaN",
        "Infinity",
        "sNaN",
        "0x10",
        "1_0",
        " 1",
        "\u0661",
    ),
    *("9" * 400, "a" * 5_000, "\0", "\ud7ff", "../../x", "buy", "closed", "null", "%s", "{}"),
    *([], {}, [[]], {"": {}}, [None], {"type": "place"}, b"", b"\xff" * 30),
)
MOST_ITEMS = 3
DEPTH = 6


class Maker:
    """Builds plain values (what a message is on the wire) for a msgspec type."""

    def __init__(self, random: Random, tag: int = 1) -> None:
        self._random = random
        self._tag = tag

    def made(self, wanted: inspect.Type, depth: int = 0) -> Any:
        way = _WAYS.get(type(wanted))
        if way is None:
            raise TypeError(f"nothing is known of making {wanted}")
        return way(self, wanted, depth)

    def _union(self, wanted: inspect.UnionType, depth: int) -> Any:
        return self.made(self._random.choice(self._affordable(wanted.types, depth)), depth)

    def _enum(self, wanted: inspect.EnumType, _depth: int) -> Any:
        return self._random.choice([member.value for member in wanted.cls])

    def _literal(self, wanted: inspect.LiteralType, _depth: int) -> Any:
        return self._random.choice(wanted.values)

    def _int(self, _wanted: inspect.Type, _depth: int) -> int:
        random = self._random
        return random.choice((0, 1, 7, 1_700_000_000_000_000_000, random.getrandbits(62)))

    def _decimal(self, _wanted: inspect.Type, _depth: int) -> str:
        random = self._random
        return f"{Decimal(random.randrange(10**9)) / 10 ** random.randrange(9):f}"

    def _bool(self, _wanted: inspect.Type, _depth: int) -> bool:
        return self._random.random() < 0.5

    def _bytes(self, _wanted: inspect.Type, _depth: int) -> bytes:
        return self._random.randbytes(self._random.randrange(20))

    def _list(self, wanted: inspect.VarTupleType | inspect.ListType, depth: int) -> list[Any]:
        return [self.made(wanted.item_type, depth + 1) for _ in range(self._count(depth))]

    def _tuple(self, wanted: inspect.TupleType, depth: int) -> list[Any]:
        return [self.made(item, depth + 1) for item in wanted.item_types]

    def _map(self, wanted: inspect.DictType, depth: int) -> dict[Any, Any]:
        return {
            self.made(wanted.key_type, depth + 1): self.made(wanted.value_type, depth + 1)
            for _ in range(self._count(depth))
        }

    def _struct(self, wanted: inspect.StructType, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if wanted.tag_field is not None:
            made[wanted.tag_field] = wanted.tag
        for field in wanted.fields:
            if field.encode_name == "version":
                made["version"] = 1
            elif field.required or self._random.random() < 0.5:
                made[field.encode_name] = self.made(field.type, depth + 1)
        return made

    def _affordable(self, types: tuple[inspect.Type, ...], depth: int) -> tuple[inspect.Type, ...]:
        plain = tuple(one for one in types if not isinstance(one, inspect.StructType))
        return plain if depth > DEPTH and plain else types

    def _count(self, depth: int) -> int:
        return 0 if depth > DEPTH else self._random.randrange(MOST_ITEMS)

    def _text(self, _wanted: inspect.Type, _depth: int) -> str:
        random = self._random
        order_id = make_order_id(self._tag, 1_700_000_000_000_000_000, random.getrandbits(62))
        words = ("main", "second", "BTC/USDT", "buy", "limit", "0.01", "60000", "gtc", "x-1")
        return str(random.choice((*words, order_id, order_id)))


_WAYS: dict[type[inspect.Type], Callable[[Maker, Any, int], Any]] = {
    inspect.StructType: Maker._struct,
    inspect.UnionType: Maker._union,
    inspect.EnumType: Maker._enum,
    inspect.LiteralType: Maker._literal,
    inspect.StrType: Maker._text,
    inspect.IntType: Maker._int,
    inspect.DecimalType: Maker._decimal,
    inspect.BoolType: Maker._bool,
    inspect.BytesType: Maker._bytes,
    inspect.VarTupleType: Maker._list,
    inspect.ListType: Maker._list,
    inspect.TupleType: Maker._tuple,
    inspect.DictType: Maker._map,
    inspect.NoneType: lambda _maker, _wanted, _depth: None,
}


def spoil(random: Random, value: Any) -> Any:
    """One change somewhere inside; the value itself may be the place."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        return _spoil_map(random, value)
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        return [*value[:at], spoil(random, value[at]), *value[at + 1 :]]
    return random.choice(EXTREMES)


def _spoil_map(random: Random, value: dict[str, Any]) -> dict[str, Any]:
    key, way = random.choice(list(value)), random.random()
    if way < 0.1:
        return {name: one for name, one in value.items() if name != key}
    if way < 0.15:
        return {**value, f"{key}_": value[key]}
    if way < 0.2:
        return {**value, random.choice(("version", "type", "seq", "extra")): spoil(random, None)}
    return {**value, key: spoil(random, value[key])}


def spoil_bytes(random: Random, frame: bytes) -> bytes:
    """Bits flipped, bytes put in, taken away, doubled, or the rest cut off."""
    spoilt = bytearray(frame)
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(spoilt) + 1)
        random.choice(_CHANGES)(random, spoilt, at)
    return bytes(spoilt)


def _flip(random: Random, frame: bytearray, at: int) -> None:
    if at < len(frame):
        frame[at] ^= 1 << random.randrange(8)


def _insert(random: Random, frame: bytearray, at: int) -> None:
    frame[at:at] = random.randbytes(random.randrange(1, 6))


def _delete(random: Random, frame: bytearray, at: int) -> None:
    del frame[at : at + random.randrange(1, 6)]


def _double(random: Random, frame: bytearray, at: int) -> None:
    frame[at:at] = frame[at : at + random.randrange(1, 40)]


def _cut(_random: Random, frame: bytearray, at: int) -> None:
    del frame[at:]


def _set(random: Random, frame: bytearray, at: int) -> None:
    if at < len(frame):
        frame[at] = random.choice((0x00, 0x80, 0x90, 0xC0, 0xC1, 0xCB, 0xD9, 0xDD, 0xDF, 0xFF))


_CHANGES: tuple[Callable[[Random, bytearray, int], None], ...] = (
    _flip,
    _flip,
    _insert,
    _delete,
    _double,
    _cut,
    _set,
)


def type_of(family: Any) -> inspect.Type:
    return inspect.type_info(family)


def packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)

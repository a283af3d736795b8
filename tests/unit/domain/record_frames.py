"""Records a frame of each message that has none yet: python tests/unit/domain/record_frames.py

A recorded frame is never written again: it stands for what older peers and journals hold.
"""

import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from gateway.domain import codec, messages
from gateway.domain.schemas import message_types

FOLDER = Path(__file__).resolve().parents[2] / "data" / "frames_v1"
TIME = 1_700_000_000_123_456_789

JOURNALED: Mapping[str, type[msgspec.Struct]] = {
    str(one.__struct_config__.tag): one
    for one in (
        messages.ListenerRecord,
        messages.ListenerCheckpoint,
        *get_args(messages.OutboxEvent),
    )
}


def all_types() -> dict[str, type[msgspec.Struct]]:
    on_wires = {tag: message for tag, (_, message) in message_types().items()}
    return {**on_wires, **JOURNALED}


def example(wanted: Any, name: str = "") -> Any:  # noqa: PLR0911 - one for each kind of type
    """A value of a type, with every field filled in."""
    if isinstance(wanted, typing.NewType):
        return example(wanted.__supertype__, name)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        hints = typing.get_type_hints(wanted)
        fields = (field.name for field in msgspec.structs.fields(wanted))
        return wanted(**{field: example(hints[field], field) for field in fields})
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return list(wanted)[-1]
    if get_origin(wanted) in (types.UnionType, typing.Union):
        return example(get_args(wanted)[0], name)
    if get_origin(wanted) is typing.Literal:
        return get_args(wanted)[0]
    if get_origin(wanted) is tuple:
        return _example_tuple(get_args(wanted), name)
    if get_origin(wanted) is dict:
        return {"key": example(get_args(wanted)[1], name)}
    return _plain(wanted, name)


def _example_tuple(items: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    return tuple(example(item, name) for item in items if item is not Ellipsis)


def _plain(wanted: Any, name: str) -> Any:
    values: dict[Any, Any] = {
        str: "0190a5c4-7c00-8007-8000-000000000001" if name == "order_id" else f"some {name}",
        int: messages.VERSION if name == "version" else TIME,
        bool: True,
        bytes: b"\x00\xff",
        Decimal: Decimal("12345678.00000001"),
    }
    return values[wanted]


def record_missing() -> list[Path]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = []
    for tag, message in all_types().items():
        path = FOLDER / f"{tag}.msgpack"
        if not path.exists():
            path.write_bytes(codec.encode(example(message)))
            written.append(path)
    return written


if __name__ == "__main__":
    for path in record_missing():
        print(f"recorded: {path.name}")

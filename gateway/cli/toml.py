"""Plain values as TOML text."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(document: Mapping[str, Any]) -> str:
    return "\n".join(_table((), document)).strip() + "\n"


def _table(path: tuple[str, ...], values: Mapping[str, Any]) -> Iterator[str]:
    at_top = not path
    inner = {name: value for name, value in values.items() if _is_table(value, always=at_top)}
    plain = {name: value for name, value in values.items() if name not in inner}
    if plain and path:
        yield f"\n[{'.'.join(map(_key, path))}]"
    for name, value in plain.items():
        yield f"{_key(name)} = {_value(value)}"
    for name, value in inner.items():
        yield from _table((*path, name), value)


def _is_table(value: object, *, always: bool = False) -> bool:
    """Small ones without tables in them read better in one line."""
    if not isinstance(value, Mapping):
        return False
    return always or len(value) > 1 or any(map(_is_table, value.values()))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str | bool):
        return json.dumps(value)
    return str(value)

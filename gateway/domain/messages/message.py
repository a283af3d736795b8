"""What every message has in common."""

from typing import Any

from msgspec import Struct

VERSION = 1


class Message(Struct, frozen=True, kw_only=True):
    version: int = VERSION


def hints_of(raw: Any) -> dict[str, str]:
    """What can be read of a message that is not valid, to answer it: its ids and its type."""
    if not isinstance(raw, dict):
        return {}
    names = ("type", "client_id", "command_id", "order_id", "account", "request_id")
    return {name: raw[name] for name in names if isinstance(raw.get(name), str)}

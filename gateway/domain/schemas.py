"""JSON Schemas of every message on the wire, derived from the messages themselves.

The code types a command's figures as plain text, so that each wrong one gets a code of its own;
COMMAND_FIELDS says in the schemas what that text must be.
"""

import inspect
import json
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from gateway.domain import identity, messages, money
from gateway.domain.checks import VENUE_ORDER_ID
from gateway.domain.enums import OrderType, Side, TimeInForce

FAMILIES: Mapping[str, Any] = {
    "orders, urgent": messages.Command,
    "reports": messages.Report,
    "status": messages.Status,
    "requests (asked)": messages.AnyRequest,
    "requests (answered)": messages.AnyReply,
}
"""Which messages travel on which endpoint."""

DECIMAL = r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$"
"""Figures that the gateway sends; a small one can come with an exponent, as 1E-8."""

Schema = dict[str, Any]


def _pattern(expression: str) -> Schema:
    return {"type": "string", "pattern": f"^{expression}$"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "default": None}


_NAME = _pattern(identity.NAME.pattern)
_FIGURE = _pattern(money.PLAIN.pattern)
COMMAND_FIELDS: Mapping[str, Mapping[str, Schema]] = {
    "Place": {
        "order_id": _pattern(identity.ORDER_ID.pattern),
        "command_id": _NAME,
        "client_id": _NAME,
        "account": _NAME,
        "side": {"enum": list(Side)},
        "order_type": {"enum": list(OrderType)},
        "time_in_force": {"enum": list(TimeInForce), "default": TimeInForce.GTC},
        "quantity": _FIGURE,
        "price": _or_null(_FIGURE),
        "stop_price": _or_null(_FIGURE),
    },
    "Amend": {
        "order_id": _pattern(identity.ORDER_ID.pattern),
        "command_id": _NAME,
        "client_id": _NAME,
        "account": _NAME,
        "quantity": _or_null(_FIGURE),
        "price": _or_null(_FIGURE),
    },
    "Cancel": {
        "order_id": _pattern(identity.ORDER_ID.pattern),
        "command_id": _NAME,
        "client_id": _NAME,
        "account": _NAME,
        "venue_order_id": _or_null(_pattern(VENUE_ORDER_ID.pattern)),
    },
}


def message_types() -> dict[str, tuple[str, type[msgspec.Struct]]]:
    """Every message on the wire by its `type`, with the endpoint that it travels on."""
    found: dict[str, tuple[str, type[msgspec.Struct]]] = {}
    for endpoint, family in FAMILIES.items():
        for message in get_args(family):
            tag = str(message.__struct_config__.tag)
            if tag in found:
                raise ValueError(f"two messages have the type {tag}")
            found[tag] = (endpoint, message)
    return found


def message_schemas() -> dict[str, str]:
    """The text of each schema file, by file name."""
    return {
        f"{tag}.json": json.dumps(_schema(endpoint, message), indent=2) + "\n"
        for tag, (endpoint, message) in sorted(message_types().items())
    }


def _schema(endpoint: str, message: type[msgspec.Struct]) -> Schema:
    _, components = msgspec.json.schema_components([message], ref_template="#/$defs/{name}")
    parts = {name: _mended(part) for name, part in components.items()}
    own = parts.pop(message.__name__)
    own["properties"].update(COMMAND_FIELDS.get(message.__name__, {}))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-endpoint": endpoint}
    return {**head, **own, **({"$defs": parts} if parts else {})}


def _mended(part: Any) -> Any:
    """Decimals get a pattern, descriptions lose the indentation of the source."""
    if isinstance(part, list):
        return [_mended(one) for one in part]
    if not isinstance(part, dict):
        return part
    mended = {name: _mended(value) for name, value in part.items()}
    if mended.get("format") == "decimal":
        del mended["format"]
        mended["pattern"] = DECIMAL
    if isinstance(mended.get("description"), str):
        mended["description"] = inspect.cleandoc(mended["description"])
    return mended

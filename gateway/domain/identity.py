"""Identifiers: how an order is named on the wire, at each venue, and whose it is.

An order id is a UUIDv8 (RFC 9562) in canonical text:

    tttttttt-tttt-8ggg-vrrr-rrrrrrrrrrrr
    t: 48 bits of milliseconds since the epoch   g: 12-bit gateway tag   r: 62 random bits

The tag is the id space of one gateway; 0 is kept for orders that are not ours.
"""

import base64
import binascii
import hashlib
import re
from enum import StrEnum
from typing import NewType

OrderId = NewType("OrderId", str)
AccountId = NewType("AccountId", str)
ClientId = NewType("ClientId", str)
CommandId = NewType("CommandId", str)
Symbol = NewType("Symbol", str)
VenueOrderId = NewType("VenueOrderId", str)

EXTERNAL_TAG = 0
MAX_TAG = 0xFFF
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What an account, client, command or consumer may be called: it becomes part of a topic."""

ORDER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_VARIANT = 0b10 << 62
_RANDOM_BITS = (1 << 62) - 1


def make_order_id(tag: int, now_ns: int, random_bits: int) -> OrderId:
    """A new id in the id space `tag`; `random_bits` are cut to 62."""
    low = _VARIANT | (random_bits & _RANDOM_BITS)
    return _from_hex(f"{now_ns // 1_000_000:012x}8{tag:03x}{low:016x}")


def external_order_id(account: str, symbol: str, venue_order_id: str) -> OrderId:
    """The id of an order that is not ours: the same venue order always gets the same id."""
    seed = f"{account}\x1f{symbol}\x1f{venue_order_id}".encode()
    digest = int.from_bytes(hashlib.sha256(seed).digest()[:14])
    low = _VARIANT | (digest & _RANDOM_BITS)
    return _from_hex(f"{digest >> 62 & 0xFFFFFFFFFFFF:012x}8{EXTERNAL_TAG:03x}{low:016x}")


def is_order_id(text: str) -> bool:
    return ORDER_ID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None


def order_id_time(order_id: str) -> int:
    """When the id was made, in nanoseconds UTC (to the millisecond)."""
    return int(order_id[0:8] + order_id[9:13], 16) * 1_000_000


def order_id_tag(order_id: str) -> int:
    return int(order_id[15:18], 16)


class IdForm(StrEnum):
    """The forms of client order id that venues allow; each carries all 128 bits."""

    UUID = "uuid"  # Binance (36 characters), Kraken, Coinbase
    HEX = "hex"  # OKX: 32 alphanumerics
    HEX_0X = "hex_0x"  # Hyperliquid: 0x and 32 hex digits
    GATE = "gate"  # Gate: `t-` and at most 28 characters


def to_venue_id(order_id: OrderId, form: IdForm) -> str:
    digits = order_id.replace("-", "")
    match form:
        case IdForm.UUID:
            return order_id
        case IdForm.HEX:
            return digits
        case IdForm.HEX_0X:
            return "0x" + digits
        case IdForm.GATE:
            packed = base64.b32encode(bytes.fromhex(digits)).decode()
            return "t-" + packed.rstrip("=").lower()


def from_venue_id(text: str | None, form: IdForm) -> OrderId | None:
    """The order id inside a venue's client order id, or None where it is not one of a gateway's.

    Upper case is understood; any other spelling than ours is somebody else's.
    """
    if not text or not text.isascii():
        return None
    text = text.lower()
    digits = _hex_of(text, form)
    if digits is None or len(digits) != 32:
        return None
    order_id = _from_hex(digits)
    return order_id if is_order_id(order_id) and to_venue_id(order_id, form) == text else None


def _hex_of(text: str, form: IdForm) -> str | None:
    match form:
        case IdForm.UUID:
            return text.replace("-", "") if len(text) == 36 else None
        case IdForm.HEX:
            return text
        case IdForm.HEX_0X:
            return text[2:] if text.startswith("0x") else None
        case IdForm.GATE:
            return _unpack_base32(text.removeprefix("t-"))


def _unpack_base32(text: str) -> str | None:
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8)).hex()
    except binascii.Error:
        return None


def _from_hex(d: str) -> OrderId:
    return OrderId(f"{d[0:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:32]}")

"""Decimal figures: parsed strictly, never through a float."""

import re
from decimal import Decimal

ZERO = Decimal(0)
MAX_DIGITS = 40
_PLAIN = re.compile(r"[0-9]{1,24}(\.[0-9]{1,24})?")


def parse_positive(text: str) -> Decimal | None:
    """A plain decimal above zero (`"0.10"`); None for anything else: signs, exponents, NaN."""
    if len(text) > MAX_DIGITS or _PLAIN.fullmatch(text) is None:
        return None
    value = Decimal(text)
    return value if value > ZERO else None


def is_multiple(value: Decimal, step: Decimal) -> bool:
    return step == ZERO or value % step == ZERO


def plain(value: Decimal) -> str:
    """The shortest plain form: no exponent, no trailing zeros; equal values give equal text."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if text not in ("-0", "") else "0"

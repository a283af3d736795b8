"""Decimal figures: parsed strictly, never through a float, added and multiplied without rounding.

The default context rounds at 28 digits. Two sums of the same trades could then differ by their
order, and a remainder of a long figure is an error; so exact sums have a context of their own.
"""

import re
from decimal import Context, Decimal

ZERO = Decimal(0)
MAX_DIGITS = 37
_EXACT = Context(prec=120)
PLAIN = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")

plus = _EXACT.add
times = _EXACT.multiply


def parse_positive(text: str) -> Decimal | None:
    """A plain decimal above zero (`"0.10"`); None for anything else: signs, exponents, NaN."""
    if len(text) > MAX_DIGITS or PLAIN.fullmatch(text) is None:
        return None
    value = Decimal(text)
    return value if value > ZERO else None


def is_multiple(value: Decimal, step: Decimal) -> bool:
    return step == ZERO or _EXACT.remainder(value, step) == ZERO


def plain(value: Decimal) -> str:
    """The shortest plain form: no exponent, no trailing zeros; equal values give equal text."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if text not in ("-0", "") else "0"

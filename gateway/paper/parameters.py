"""The parameters of one request: strings from the wire, parsed completely or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from gateway.paper.errors import illegal_characters, mandatory, too_precise
from gateway.paper.orders import ZERO, NewOrder
from gateway.paper.symbols import ASSET_DECIMALS

DECIMAL_FORM = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER_FORM = "^[0-9]{1,20}$"
_DECIMAL = re.compile(DECIMAL_FORM)
_INTEGER = re.compile(INTEGER_FORM)

NS_PER_MS = 1_000_000


class Parameters:
    """Typed access by name; an empty value counts as not sent."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, str]) -> None:
        self.raw = raw

    def text(self, name: str) -> str:
        """Empty if it was not sent."""
        return self.raw.get(name, "")

    def required(self, name: str) -> str:
        value = self.raw.get(name)
        if not value:
            raise mandatory(name)
        return value

    def integer(self, name: str) -> int | None:
        value = self.raw.get(name)
        if not value:
            return None
        if _INTEGER.fullmatch(value) is None:
            raise illegal_characters(name, INTEGER_FORM)
        return int(value)

    def limit(self, default: int = 500, most: int = 1000) -> int:
        """A page size: what is asked for, at least 1 and at most what the venue gives."""
        asked = self.integer("limit")
        return default if asked is None else max(1, min(asked, most))

    def time_ns(self, name: str) -> int | None:
        """A time sent in milliseconds."""
        value = self.integer(name)
        return None if value is None else value * NS_PER_MS

    def decimal(self, name: str) -> Decimal:
        """Zero if it was not sent. -1100 for what is no plain decimal, -1111 beyond 8 places."""
        value = self.raw.get(name)
        if not value:
            return ZERO
        if _DECIMAL.fullmatch(value) is None:
            raise illegal_characters(name, DECIMAL_FORM)
        if len(value.partition(".")[2].rstrip("0")) > ASSET_DECIMALS:
            raise too_precise(name)
        return Decimal(value)

    def new_order(self) -> NewOrder:
        return NewOrder(
            self.required("symbol"),
            self.required("side"),
            self.required("type"),
            self.decimal("quantity"),
            self.decimal("price"),
            self.text("timeInForce"),
            self.text("newClientOrderId"),
            self.decimal("quoteOrderQty"),
            self.decimal("stopPrice"),
            self.text("selfTradePreventionMode"),
        )

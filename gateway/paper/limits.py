"""Request weight and order counts as Binance's headers show them."""

from __future__ import annotations

from gateway.paper.parameters import NS_PER_MS

MINUTE_NS = 60_000 * NS_PER_MS
TEN_SECONDS_NS = 10_000 * NS_PER_MS


class _Window:
    """A count that starts anew with each period."""

    __slots__ = ("_period", "count", "number")

    def __init__(self, period_ns: int) -> None:
        self._period = period_ns
        self.number = 0
        self.count = 0

    def add(self, amount: int, now: int) -> int:
        number = now // self._period
        if number != self.number:
            self.number = number
            self.count = 0
        self.count += amount
        return self.count


class Usage:
    """Counted, never enforced: a limit that bites is a fault of the plan (`rate_limit`, `ban`)."""

    def __init__(self) -> None:
        self._weight = _Window(MINUTE_NS)
        self._orders: dict[str, _Window] = {}

    def weight(self, amount: int, now: int) -> int:
        return self._weight.add(amount, now)

    def orders(self, key: str, amount: int, now: int) -> int:
        """By API key; only known keys may be counted, so that this stays bounded."""
        window = self._orders.get(key)
        if window is None:
            window = self._orders[key] = _Window(TEN_SECONDS_NS)
        return window.add(amount, now)

"""Of a long run, only what each order and fill came to: what the venue says, and what is stored."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway.chaos.books import Books
from gateway.chaos.venue_record import RecordReader
from gateway.paper import orders as paper
from gateway.paper.entries import Entry, Execution
from gateway.paper.symbols import DEFAULT_SYMBOLS

Name = tuple[str, str, str]
"""Account, symbol, and the venue's id."""
State = tuple[str, Decimal]
"""Whether it is open, and as what it ended; how much is filled."""
Figures = tuple[Decimal, Decimal, Decimal]
"""Price, quantity, fee."""

_NAMES = {symbol.name: symbol.unified for symbol in DEFAULT_SYMBOLS}
_WORDS = {
    paper.NEW: "open",
    paper.PARTIALLY_FILLED: "open",
    paper.FILLED: "filled",
    paper.CANCELED: "canceled",
    paper.EXPIRED: "expired",
    paper.EXPIRED_IN_MATCH: "expired",
}
_OPEN = {"new", "partially_filled"}


class Tally:
    def __init__(self, url: str) -> None:
        self._reader = RecordReader(url)
        self.orders: dict[Name, State] = {}
        self.fills: dict[tuple[str, ...], Figures] = {}

    def follow(self) -> bool:
        """Reads what is new. False: the venue does not answer now."""
        return self._reader.read(self._take)

    def _take(self, entries: list[Entry]) -> None:
        for entry in entries:
            if not isinstance(entry, Execution):
                continue
            order, trade = entry.order, entry.trade
            name = (order.account, _NAMES[order.symbol], str(order.order_id))
            self.orders[name] = _WORDS[order.status], order.executed
            if trade is not None:
                figures = trade.price, trade.quantity, trade.commission
                self.fills[*name, str(trade.trade_id)] = figures

    def differences(self, books: Books) -> list[str]:
        return [
            *_compare("order", self.orders, _said(books.final_states())),
            *_compare("fill", self.fills, books.fills()),
        ]


def _said(states: dict[Name, State]) -> dict[Name, State]:
    return {
        name: ("open" if status in _OPEN else status, filled)
        for name, (status, filled) in states.items()
    }


def _compare(what: str, venues: Mapping[Any, object], ours: Mapping[Any, object]) -> list[str]:
    return [
        f"{what} {name}: database {ours.get(name)}, venue {venues.get(name)}"
        for name in venues.keys() | ours.keys()
        if venues.get(name) != ours.get(name)
    ]

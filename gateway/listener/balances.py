"""Whether the known trades explain how an account's balances moved between two sweeps."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from gateway.domain.enums import Side, TransactionKind
from gateway.domain.money import ZERO, plus, times
from gateway.domain.order import Transaction
from gateway.domain.venue import Balance

MAX_MOVES = 200_000


class Move(NamedTuple):
    """What one trade did to one currency, at the venue's time of it, ns UTC."""

    at: int
    currency: str
    amount: Decimal


class Looked(NamedTuple):
    """An account's balances as they were at some moment between `since` and `until`, ns UTC."""

    since: int
    until: int
    totals: dict[str, Decimal]


class BalanceWatch:
    """One account. Two looks at its balances are compared when the third comes: what happened
    before the second has been told by then, by the stream or by the sweep.

    Nobody says which trades a look has in it. But it has all of them up to some moment, so a
    difference is explained if there is such a moment for each of the two: on an account that trades
    all the time, too. A difference is named once, since the next two looks have it both: a false
    alarm, as by a deposit, costs one search for trades.

    A contract moves no base and no quote, but what it is settled in, by figures that no trade
    tells: a currency in which a contract was traded is not compared any more.

    Bounded by MAX_MOVES, three for each fill since the look before last: with more, as when sweeps
    fail for long, the older half goes and looking begins anew.
    """

    def __init__(self) -> None:
        self._looks: list[Looked] = []
        self._moves: list[Move] = []
        self._settled_in: set[str] = set()

    def note(self, transaction: Transaction) -> None:
        """Adds what a fill or a late fee moves. What a correction moves is in the balances only."""
        if transaction.kind not in (TransactionKind.FILL, TransactionKind.FEE):
            return
        if settled_in := settlement_of(transaction.symbol):
            self._settled_in.add(settled_in)
            return
        at = transaction.venue_time or transaction.recorded_at
        self._moves += (Move(at, currency, amount) for currency, amount in _moved_by(transaction))
        if len(self._moves) > MAX_MOVES:
            del self._moves[: MAX_MOVES // 2]
            self._looks.clear()

    def compare(self, balances: Iterable[Balance], since: int, until: int) -> tuple[str, ...]:
        """Takes a look, and names the currencies in which the two before it differ by more than
        their trades. `since`, `until`: as in `Looked`, widened by what clocks may be apart."""
        totals = {balance.currency: plus(balance.free, balance.locked) for balance in balances}
        named: tuple[str, ...] = ()
        if len(self._looks) == 2:
            one, other = self._looks
            found = self._unexplained(one, other)
            named = tuple(currency for currency in found if currency not in self._settled_in)
            del self._looks[0]
        self._looks.append(Looked(since, until, totals))
        first = self._looks[0].since
        self._moves = [move for move in self._moves if move.at >= first]
        return named

    def _unexplained(self, one: Looked, other: Looked) -> Iterator[str]:
        self._moves.sort(key=lambda move: move.at)
        moves: dict[str, list[Move]] = {}
        for move in self._moves:
            moves.setdefault(move.currency, []).append(move)
        for currency in sorted(one.totals.keys() | other.totals.keys() | moves.keys()):
            before, after = one.totals.get(currency, ZERO), other.totals.get(currency, ZERO)
            difference = plus(after, before.copy_negate())
            of_currency = moves.get(currency, [])
            ends = _sums(of_currency, other)
            if not any(plus(begin, difference) in ends for begin in _sums(of_currency, one)):
                yield currency


def _sums(moves: list[Move], look: Looked) -> set[Decimal]:
    """What all moves up to the look come to, for each moment at which it may have been. `moves` in
    order of time."""
    total = ZERO
    found = set()
    for move in moves:
        if move.at > look.until:
            break
        if move.at >= look.since:
            found.add(total)
        total = plus(total, move.amount)
    return found | {total}


def _moved_by(transaction: Transaction) -> Iterator[tuple[str, Decimal]]:
    if transaction.kind is TransactionKind.FILL:
        base, quote = currencies_of(transaction.symbol)
        sign = Decimal(1 if transaction.side is Side.BUY else -1)
        moved = times(sign, transaction.quantity)
        yield base, moved
        yield quote, times(moved, transaction.price).copy_negate()
    if transaction.fee is not None and transaction.fee_currency is not None:
        yield transaction.fee_currency, transaction.fee.copy_negate()


def currencies_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a unified symbol: `BTC/USDT`, `BTC/USDT:USDT`."""
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]


def settlement_of(symbol: str) -> str:
    """USDT of `BTC/USDT:USDT` and of `BTC/USDT:USDT-261225`; empty where base moves for quote."""
    return symbol.partition(":")[2].partition("-")[0]

"""Whether the known trades explain how an account's balances moved between two sweeps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from gateway.domain.enums import Side, TransactionKind
from gateway.domain.money import ZERO, plus, times
from gateway.domain.order import Transaction
from gateway.domain.venue import Balance

PATIENCE = 3


class BalanceWatch:
    """One account; bounded by its currencies.

    Balances and trades come by different ways, so that a fill can be in one and not yet in the
    other. A drift counts when it stays: the same in two sweeps, or of any size in three. It is
    named once, and what it then is becomes the new normal: a false alarm, as by a deposit, costs
    one search for trades.
    """

    def __init__(self) -> None:
        self._first: Mapping[str, Decimal] | None = None
        self._flow: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        self._drifts: dict[str, tuple[Decimal, int]] = {}

    def note(self, transaction: Transaction) -> None:
        """Adds what a fill or a late fee moves. What a correction moves is in the balances only."""
        if transaction.kind not in (TransactionKind.FILL, TransactionKind.FEE):
            return
        if transaction.kind is TransactionKind.FILL:
            base, quote = currencies_of(transaction.symbol)
            sign = Decimal(1 if transaction.side is Side.BUY else -1)
            moved = times(sign, transaction.quantity)
            self._add(base, moved)
            self._add(quote, times(moved, transaction.price).copy_negate())
        if transaction.fee is not None and transaction.fee_currency is not None:
            self._add(transaction.fee_currency, transaction.fee.copy_negate())

    def _add(self, currency: str, amount: Decimal) -> None:
        self._flow[currency] = plus(self._flow[currency], amount)

    def compare(self, balances: Iterable[Balance]) -> tuple[str, ...]:
        """The currencies that stay otherwise than the trades noted since the first call say."""
        totals = {balance.currency: plus(balance.free, balance.locked) for balance in balances}
        if self._first is None:
            self._first = totals
            self._flow.clear()
            return ()
        named = []
        for currency in sorted(self._first.keys() | totals.keys() | self._flow.keys()):
            expected = plus(self._first.get(currency, ZERO), self._flow[currency])
            drift = plus(totals.get(currency, ZERO), expected.copy_negate())
            if self._stays(currency, drift):
                self._add(currency, drift)
                del self._drifts[currency]
                named.append(currency)
        return tuple(named)

    def _stays(self, currency: str, drift: Decimal) -> bool:
        if drift == ZERO:
            self._drifts.pop(currency, None)
            return False
        before, seen = self._drifts.get(currency, (ZERO, 0))
        self._drifts[currency] = drift, seen + 1
        return drift == before or seen + 1 >= PATIENCE


def currencies_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a unified symbol: `BTC/USDT`, `BTC/USDT:USDT`."""
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]

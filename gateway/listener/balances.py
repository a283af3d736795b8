"""Whether the known trades explain how an account's balances moved between two sweeps."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from gateway.domain.enums import Side, TransactionKind
from gateway.domain.money import ZERO
from gateway.domain.order import Transaction
from gateway.domain.venue import Balance


class BalanceWatch:
    """One account. A false alarm costs one search for trades; a missed fill would cost more."""

    def __init__(self) -> None:
        self._totals: dict[str, Decimal] | None = None
        self._flow: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)

    def note(self, transaction: Transaction) -> None:
        """Adds what a fill or a late fee moves."""
        if transaction.kind is TransactionKind.FILL:
            base, quote = currencies_of(transaction.symbol)
            sign = 1 if transaction.side is Side.BUY else -1
            self._flow[base] += sign * transaction.quantity
            self._flow[quote] -= sign * transaction.quantity * transaction.price
        if transaction.fee is not None and transaction.fee_currency is not None:
            self._flow[transaction.fee_currency] -= transaction.fee

    def compare(self, balances: Iterable[Balance]) -> tuple[str, ...]:
        """The currencies that moved otherwise than the noted trades say; starts a new interval."""
        totals = {balance.currency: balance.free + balance.locked for balance in balances}
        before, flow = self._totals, self._flow
        self._totals, self._flow = totals, defaultdict(lambda: ZERO)
        if before is None:
            return ()
        return tuple(
            currency
            for currency in sorted(before.keys() | totals.keys() | flow.keys())
            if totals.get(currency, ZERO) - before.get(currency, ZERO) != flow[currency]
        )


def currencies_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a unified symbol: `BTC/USDT`, `BTC/USDT:USDT`."""
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]

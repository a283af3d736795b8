"""Facts that can't be applied yet, in memory as in the journal."""

from collections import Counter
from collections.abc import Callable, Iterator

from gateway.domain import facts as f
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages import ParkedFact
from gateway.domain.venue import VenueTrade

_NAMES_OURS = (f.Intent, f.Accepted)


class Parking:
    """Those with an order id wait for the store, the others for a name."""

    def __init__(self, monotonic: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._facts: dict[int, ParkedFact] = {}
        self._by_order: dict[OrderId, dict[int, None]] = {}
        self._nameless: dict[int, int] = {}  # and since when on the monotonic clock
        self._naming: Counter[AccountId] = Counter()
        self._trades: Counter[tuple[AccountId, VenueTrade]] = Counter()  # nameless ones
        self.next_number = 1

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, parked: ParkedFact) -> None:
        self._facts[parked.number] = parked
        self._naming[parked.account] += isinstance(parked.fact, _NAMES_OURS)
        self.next_number = max(self.next_number, parked.number + 1)
        if parked.order_id is None:
            self._nameless[parked.number] = self._monotonic()
            if isinstance(parked.fact, f.Trade):
                self._trades[parked.account, parked.fact.trade] += 1
        else:
            self._by_order.setdefault(parked.order_id, {})[parked.number] = None

    def remove(self, number: int) -> None:
        parked = self._facts.pop(number, None)
        if parked is None:
            return
        self._nameless.pop(number, None)
        self._naming[parked.account] -= isinstance(parked.fact, _NAMES_OURS)
        if parked.order_id is None:
            self._forget_trade(parked)
        else:
            numbers = self._by_order[parked.order_id]
            del numbers[number]
            if not numbers:
                del self._by_order[parked.order_id]

    def _forget_trade(self, parked: ParkedFact) -> None:
        if isinstance(parked.fact, f.Trade):
            key = parked.account, parked.fact.trade
            self._trades[key] -= 1
            if not self._trades[key]:
                del self._trades[key]

    def has_same(self, account: AccountId, fact: f.Fact) -> bool:
        """Whether that very trade waits for a name already: each sweep tells of it again."""
        return isinstance(fact, f.Trade) and (account, fact.trade) in self._trades

    def dump(self) -> tuple[ParkedFact, ...]:
        return tuple(self._facts.values())

    def order_ids(self) -> Iterator[OrderId]:
        return iter(self._by_order)

    def names_orders_of(self, account: AccountId) -> bool:
        """Whether one of these will tell of an order of ours, or of its id at the venue."""
        return self._naming[account] > 0

    def has(self, order_id: OrderId) -> bool:
        return order_id in self._by_order

    def of_order(self, order_id: OrderId) -> list[ParkedFact]:
        """In the order in which they came."""
        return [self._facts[number] for number in self._by_order.get(order_id, ())]

    @property
    def has_nameless(self) -> bool:
        return bool(self._nameless)

    def nameless(self) -> list[tuple[ParkedFact, int]]:
        """Each with how long it has waited here, in ns."""
        now = self._monotonic()
        return [(self._facts[number], now - since) for number, since in self._nameless.items()]

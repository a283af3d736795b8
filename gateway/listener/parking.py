"""Facts that can't be applied yet, in memory as in the journal."""

from collections import Counter
from collections.abc import Callable, Iterator

from gateway.domain import facts as f
from gateway.domain.identity import AccountId, OrderId, Symbol, VenueOrderId
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
        self._pictures: dict[tuple[AccountId, Symbol, VenueOrderId], int] = {}  # the last of each
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
            elif isinstance(parked.fact, f.Snapshot):
                self._pictures[_pictured(parked.account, parked.fact)] = parked.number
        else:
            self._by_order.setdefault(parked.order_id, {})[parked.number] = None

    def remove(self, number: int) -> None:
        parked = self._facts.pop(number, None)
        if parked is None:
            return
        self._nameless.pop(number, None)
        self._naming[parked.account] -= isinstance(parked.fact, _NAMES_OURS)
        if parked.order_id is None:
            self._forget_nameless(parked)
        else:
            numbers = self._by_order[parked.order_id]
            del numbers[number]
            if not numbers:
                del self._by_order[parked.order_id]

    def _forget_nameless(self, parked: ParkedFact) -> None:
        if isinstance(parked.fact, f.Trade):
            key = parked.account, parked.fact.trade
            self._trades[key] -= 1
            if not self._trades[key]:
                del self._trades[key]
        elif isinstance(parked.fact, f.Snapshot):
            pictured = _pictured(parked.account, parked.fact)
            if self._pictures.get(pictured) == parked.number:
                del self._pictures[pictured]

    def has_same(self, account: AccountId, fact: f.Fact, order_id: OrderId | None = None) -> bool:
        """Whether that very trade, or as the last of its order that very picture, waits already,
        for a name or for the store: each sweep tells of it again."""
        if order_id is not None:
            return self._has_same_of(order_id, fact)
        if isinstance(fact, f.Trade):
            return (account, fact.trade) in self._trades
        if isinstance(fact, f.Snapshot):
            last = self._facts.get(self._pictures.get(_pictured(account, fact), 0))
            return last is not None and _shows_the_same(last.fact, fact)
        return False

    def _has_same_of(self, order_id: OrderId, fact: f.Fact) -> bool:
        waiting = [parked.fact for parked in self.of_order(order_id)]
        if isinstance(fact, f.Trade):
            return any(isinstance(one, f.Trade) and one.trade == fact.trade for one in waiting)
        pictures = [one for one in waiting if isinstance(one, f.Snapshot)]
        return bool(pictures) and _shows_the_same(pictures[-1], fact)

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


def _pictured(account: AccountId, fact: f.Snapshot) -> tuple[AccountId, Symbol, VenueOrderId]:
    return account, fact.order.symbol, fact.order.venue_order_id


def _shows_the_same(one: f.Fact, other: f.Fact) -> bool:
    return (
        isinstance(one, f.Snapshot) and isinstance(other, f.Snapshot) and one.order == other.order
    )

"""Orders that are no longer in memory: facts about them wait until the store has been asked."""

from collections import Counter
from collections.abc import Callable

from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain import records
from gateway.domain.identity import AccountId, OrderId, Symbol, VenueOrderId
from gateway.domain.records import Found, StoreFailed
from gateway.listener.ledger import Ledger
from gateway.listener.settings import ListenerSettings
from gateway.ports import Timers

AskStore = Callable[[records.Query, Callable[[Found | StoreFailed], None]], None]


class Recaller:
    """Bounded by `held_facts`; what goes over it is dropped, counted, and comes with a sweep."""

    def __init__(
        self,
        ledger: Ledger,
        ask_store: AskStore,
        timers: Timers,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self._ledger = ledger
        self._ask_store = ask_store
        self._timers = timers
        self._settings = settings
        self._counters = counters
        self._waiting: dict[OrderId, list[f.Fact]] = {}
        self._waiting_count = 0

    def is_at_hand(self, order_id: OrderId) -> bool:
        """In memory, or certainly not one that was in memory before."""
        book = self._ledger.book
        return book.get(order_id) is not None or not book.may_be_evicted(order_id)

    def park(
        self,
        account: AccountId,
        order_id: OrderId,
        fact: f.Fact,
        at_venue: tuple[Symbol, VenueOrderId] | None = None,
    ) -> None:
        """Keeps the fact until the order has been looked up, then applies it.

        `at_venue`: the order may be one of ours that was named by the venue's id only.
        """
        if self._waiting_count >= self._settings.held_facts:
            self._counters["held_facts_dropped"] += 1
            return
        self.ask(account, order_id, at_venue)
        self._waiting[order_id].append(fact)
        self._waiting_count += 1

    def ask(
        self,
        account: AccountId,
        order_id: OrderId,
        at_venue: tuple[Symbol, VenueOrderId] | None = None,
    ) -> None:
        if order_id not in self._waiting:
            self._waiting[order_id] = []
            symbol, venue_order_id = at_venue or (None, None)
            query = records.Recall(
                account=account, order_id=order_id, symbol=symbol, venue_order_id=venue_order_id
            )
            self._look_up(query, order_id)

    def _look_up(self, query: records.Recall, order_id: OrderId) -> None:
        self._ask_store(query, lambda found: self._on_found(query, order_id, found))

    def _on_found(
        self, query: records.Recall, order_id: OrderId, found: Found | StoreFailed
    ) -> None:
        if not isinstance(found, records.FoundTracked):
            self._counters["recalls_failed"] += 1
            delay = self._settings.recall_retry
            self._timers.after(delay, lambda: self._look_up(query, order_id))
            return
        self._finish(query.account, order_id, found.orders)

    def _finish(
        self, account: AccountId, order_id: OrderId, found: tuple[m.TrackedOrder, ...]
    ) -> None:
        facts = self._waiting.pop(order_id, [])
        self._waiting_count -= len(facts)
        known_as = self._take_back(order_id, found)
        draft = self._ledger.draft()
        for fact in facts:
            if not draft.apply(known_as, account, fact):
                self._counters["facts_without_order"] += 1
        self._ledger.commit(draft)

    def _take_back(self, order_id: OrderId, found: tuple[m.TrackedOrder, ...]) -> OrderId:
        """Puts what the store has into memory; the id that the order is known by."""
        book = self._ledger.book
        if not found:
            book.never_seen(order_id)
            return order_id
        tracked = found[0]
        if book.get(tracked.order.order_id) is None:
            book.put(tracked.order, tracked.digests, 0)
        return tracked.order.order_id

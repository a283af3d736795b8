"""Parked facts: applied as soon as what they wait for is known.

Some name an order that is no longer in memory, or of which the journal may have lost the newest
state: the store is asked for it. Others name an order by the venue's id only, and wait until it is
known whose it is, which may need a look-up at the venue. They are in the journal, so a dead store
or process delays them and loses none.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain import records
from gateway.domain.identity import EXTERNAL_TAG, AccountId, OrderId, order_id_tag
from gateway.domain.order import Order
from gateway.domain.records import Found, StoreFailed
from gateway.listener.draft import Draft
from gateway.listener.ledger import Ledger
from gateway.listener.matching import seen_in
from gateway.listener.settings import ListenerSettings
from gateway.listener.venue_facts import VenueFacts
from gateway.ports import Timer, Timers

Nameless = tuple[m.ParkedFact, int]
AskStore = Callable[[records.Query, Callable[[Found | StoreFailed], None]], None]


class Waiting:
    def __init__(
        self,
        ledger: Ledger,
        venue_facts: VenueFacts,
        ask_store: AskStore,
        timers: Timers,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self.on_recalled: Callable[[Order], None] = lambda _order: None
        """An order that facts were parked for, once they are applied."""
        self._ledger = ledger
        self._parking = ledger.state.parking
        self._venue_facts = venue_facts
        self._ask_store = ask_store
        self._timers = timers
        self._settings = settings
        self._counters = counters
        self._asked: set[OrderId] = set()
        self._timer: Timer | None = None
        self._looked_upto = 0
        self._turns: dict[AccountId, tuple[int, int]] = {}
        """By account, the first fact whose order is said to be unknown, and until when."""
        ledger.on_parked = self.attend

    def attend(self) -> None:
        """Sees to it that each parked fact is looked at again."""
        for order_id in chain(self._parking.order_ids(), self._ledger.book.unproven):
            if len(self._asked) >= self._settings.recalls_at_once:
                break
            if order_id not in self._asked:
                self._asked.add(order_id)
                self._look_up(order_id)
        if self._timer is None and self._parking.has_nameless:
            self._timer = self._timers.after(self._settings.hold // 4, self._look_at_nameless)

    # ---- those that name an order which is not in memory ---------------------------------------

    def _look_up(self, order_id: OrderId) -> None:
        query = self._recall(order_id)
        if query is None:
            self._asked.discard(order_id)
            self.attend()
            return
        self._ask_store(query, lambda found: self._on_found(order_id, found))

    def _recall(self, order_id: OrderId) -> records.Recall | None:
        """What is named by the venue's id only may be one of ours."""
        parked = self._parking.of_order(order_id)
        tracked = self._ledger.book.get(order_id)
        if not parked:
            if tracked is None:
                return None
            return records.Recall(account=tracked.order.account, order_id=order_id)
        account, fact = parked[0].account, parked[0].fact
        external = order_id_tag(order_id) == EXTERNAL_TAG
        if external and isinstance(fact, f.Snapshot | f.Trade | f.TradeAmended):
            seen = seen_in(fact)
            return records.Recall(
                account=account,
                order_id=order_id,
                symbol=seen.symbol,
                venue_order_id=seen.venue_order_id,
            )
        return records.Recall(account=account, order_id=order_id)

    def _on_found(self, order_id: OrderId, found: Found | StoreFailed) -> None:
        if isinstance(found, records.FoundTracked):
            self._apply(order_id, found.orders)
        else:
            self._counters["recalls_failed"] += 1
            self._look_up_after(self._settings.recall_retry, order_id)

    def _look_up_after(self, delay: int, order_id: OrderId) -> None:
        self._timers.after(delay, lambda: self._look_up(order_id))

    def _apply(self, order_id: OrderId, found: tuple[m.TrackedOrder, ...]) -> None:
        """A part at a time, when there are many; the store is asked anew for the rest, since the
        order may have changed and gone again meanwhile."""
        known_as = found[0].order.order_id if found else order_id
        draft = self._ledger.draft()
        for tracked in found:
            draft.take_back(tracked)
        for parked in self._parking.of_order(order_id)[: self._settings.slice]:
            draft.unpark(parked)
            if not found and self._venue_must_say(draft, order_id, parked):
                continue
            if not draft.apply(known_as, parked.account, parked.fact):
                self._counters["facts_without_order"] += 1
        if not self._ledger.commit(draft):
            self._look_up_after(self._settings.recall_retry, order_id)
            return
        if not found:
            self._ledger.book.never_seen(order_id)
        if self._parking.of_order(order_id):
            self._look_up_after(0, order_id)
        else:
            self._asked.discard(order_id)
            self._ledger.book.prove(known_as)
            self._tell(known_as)
            self.attend()

    def _venue_must_say(self, draft: Draft, order_id: OrderId, parked: m.ParkedFact) -> bool:
        """Nothing is known of an order that a fill names by the venue's id only."""
        if order_id_tag(order_id) != EXTERNAL_TAG or self._ledger.book.get(order_id) is not None:
            return False
        return self._venue_facts.return_unnamed(draft, parked)

    def _tell(self, order_id: OrderId) -> None:
        tracked = self._ledger.book.get(order_id)
        if tracked is not None:
            self.on_recalled(tracked.order)

    # ---- those that name an order by the venue's id only ---------------------------------------

    def _look_at_nameless(self) -> None:
        self._timer = None
        draft = self._ledger.draft()
        named = 0
        for parked, waited in self._next_nameless():
            self._looked_upto = parked.number
            named += self._name(draft, parked, waited)
            if named >= self._settings.slice:
                break
        if named and self._ledger.commit(draft) and named >= self._settings.slice:
            self._timer = self._timers.after(0, self._look_at_nameless)
        self.attend()

    def _next_nameless(self) -> list[Nameless]:
        """A part of them in turn, if they are many: each look is time in which nothing is heard."""
        waiting, most = self._parking.nameless(), self._settings.looked_at_once
        if len(waiting) <= most:
            return waiting
        return _beginning_at(waiting, self._looked_upto + 1)[:most]

    def unknown_orders(self) -> Iterator[m.UnknownOrders]:
        """By account, what only a look-up at the venue can tell of."""
        of_account: dict[AccountId, list[Nameless]] = {}
        for one in self._parking.nameless():
            of_account.setdefault(one[0].account, []).append(one)
        for account in self._turns.keys() - of_account:
            del self._turns[account]
        for account, waiting in of_account.items():
            orders = self._unknown_of(account, waiting)
            if orders:
                yield m.UnknownOrders(account=account, orders=orders)

    def _unknown_of(
        self, account: AccountId, waiting: list[Nameless]
    ) -> tuple[m.UnknownOrder, ...]:
        """When there are more than can be said at once, those that the venue can't tell of make way
        for others after a while."""
        now = self._ledger.clock.monotonic()
        begin, ends = self._turns.setdefault(account, (0, now + self._settings.unknown_turn))
        found: dict[OrderId, m.UnknownOrder] = {}
        left = 0
        for parked, waited in _beginning_at(waiting, begin):
            one = self._unknown(parked, waited)
            if one is not None and len(found) >= self._settings.unknown_said:
                left = parked.number
                break
            if one is not None:
                found[one.order_id] = one
        if now >= ends:
            self._turns[account] = left, now + self._settings.unknown_turn
        return tuple(found.values())

    def _unknown(self, parked: m.ParkedFact, waited: int) -> m.UnknownOrder | None:
        fact = parked.fact
        if not isinstance(fact, f.Trade | f.TradeAmended):
            return None
        return self._venue_facts.unknown_order(parked, fact, waited)

    def _name(self, draft: Draft, parked: m.ParkedFact, waited: int) -> bool:
        fact = parked.fact
        if not isinstance(fact, f.Snapshot | f.Trade | f.TradeAmended):
            return False
        return self._venue_facts.name_parked(draft, parked, fact, waited)


def _beginning_at(waiting: list[Nameless], number: int) -> list[Nameless]:
    """All of them, those from this number on first."""
    behind = [one for one in waiting if one[0].number >= number]
    return behind + [one for one in waiting if one[0].number < number]

"""What venues say, by stream or by answer: named, and applied or parked."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from enum import Enum

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.change import Alarm
from gateway.domain.enums import Source
from gateway.domain.facts import Snapshot, Trade, TradeAmended, VenueFact
from gateway.domain.identity import AccountId, OrderId, external_order_id
from gateway.listener.draft import Draft
from gateway.listener.ledger import Ledger
from gateway.listener.matching import Matching, seen_in
from gateway.listener.settings import SECOND, ListenerSettings
from gateway.ports import Timers

log = logging.getLogger("gateway.listener")

Heard = v.OrderHeard | v.TradeHeard | v.AmendmentHeard
RETRY = SECOND


class Taken(Enum):
    """What became of facts that were to be applied as one change."""

    ALL = "all"
    NO_ROOM = "no room"  # too many are parked already
    NOT_NOW = "not now"  # the journal takes nothing


class VenueFacts:
    """What was asked is asked again if it is not applied; an event of a stream does not come again:
    while the journal takes nothing, events wait in memory, in order."""

    def __init__(
        self, ledger: Ledger, timers: Timers, settings: ListenerSettings, counters: Counter[str]
    ) -> None:
        self.on_lost: Callable[[AccountId, str], None] = lambda _account, _text: None
        """What the venue said of an account could not be kept: only a sweep brings it back."""
        self._ledger = ledger
        self._timers = timers
        self._counters = counters
        self._matching = Matching(ledger.state, settings, ledger.profiles)
        self._hold = settings.hold
        self._max_backlog = settings.backlog
        self._max_parked = settings.held_facts
        self._backlog: deque[tuple[AccountId, VenueFact]] = deque()

    # ---- the streams ---------------------------------------------------------------------------

    def on_event(self, event: Heard) -> None:
        fact = self._fact_of(event)
        if not self._backlog and self._take(event.account, fact):
            return
        if len(self._backlog) >= self._max_backlog:
            self._lose(event.account, "the journal takes nothing, and too much waits for it")
            return
        self._backlog.append((event.account, fact))
        if len(self._backlog) == 1:
            self._timers.after(RETRY, self._retry)

    def _fact_of(self, event: Heard) -> VenueFact:
        """`asked_at` is later than all that was known before; `at` is not bent by a clock that
        once ran ahead."""
        at = self._ledger.clock.now()
        match event:
            case v.OrderHeard(order=order):
                asked_at = self._ledger.now()
                return Snapshot(at=at, asked_at=asked_at, source=Source.STREAM, order=order)
            case v.TradeHeard(trade=trade):
                return Trade(at=at, source=Source.STREAM, trade=trade)
            case v.AmendmentHeard(amendment=amendment):
                return TradeAmended(at=at, source=Source.STREAM, amendment=amendment)

    def _retry(self) -> None:
        while self._backlog:
            account, fact = self._backlog[0]
            if not self._take(account, fact):
                self._timers.after(RETRY, self._retry)
                return
            self._backlog.popleft()

    def _lose(self, account: AccountId, why: str) -> None:
        self._counters["facts_dropped"] += 1
        self.on_lost(account, why)

    def _take(self, account: AccountId, fact: VenueFact) -> bool:
        """False: the journal takes nothing and nothing happened."""
        draft = self._ledger.draft(self._max_parked)
        is_kept = self._draft(draft, account, fact)
        if not self._ledger.commit(draft):
            return False
        if not is_kept:
            self._lose(account, "too many facts wait for the store, or for our orders' venue ids")
        return True

    # ---- what was asked ------------------------------------------------------------------------

    def take_all(
        self, account: AccountId, facts: Iterable[VenueFact], *, spare: bool = False
    ) -> Taken:
        """Applies them as one change, or none of them: whoever asked for them asks again. With
        `spare`, half of the room for parked facts is left to others."""
        draft = self._ledger.draft(self._max_parked // 2 if spare else self._max_parked)
        if not all(self._draft(draft, account, fact) for fact in facts):
            return Taken.NO_ROOM
        return Taken.ALL if self._ledger.commit(draft) else Taken.NOT_NOW

    # ---- facts ---------------------------------------------------------------------------------

    def _draft(self, draft: Draft, account: AccountId, fact: VenueFact) -> bool:
        """False: it can't be kept."""
        if isinstance(fact, Trade) and self._is_known(account, fact):
            self._counters["trades_known"] += 1
            return True
        named = self._matching.name(draft, account, fact, waited=0, heard_at=draft.at)
        if named is None:
            return self._ledger.state.parking.has_same(account, fact) or draft.park(account, fact)
        return self._place(draft, account, named.order_id, named.fact)

    def _is_known(self, account: AccountId, fact: Trade) -> bool:
        """A trade of an order that has left memory, with nothing that waits for that order: it
        would be recalled only to see that nothing changes."""
        seen, book = fact.trade, self._ledger.book
        if not book.has_counted(account, seen):
            return False
        external = external_order_id(account, seen.symbol, seen.venue_order_id)
        names = (
            seen.order_id,
            external,
            book.by_venue_id(account, seen.symbol, seen.venue_order_id),
        )
        return not any(
            name is not None and (book.get(name) or self._ledger.state.parking.has(name))
            for name in names
        )

    def name_parked(self, draft: Draft, parked: m.ParkedFact, fact: VenueFact, waited: int) -> bool:
        """Whether it can be told by now whose it is; it is then applied, or waits for the store."""
        named = self._matching.name(draft, parked.account, fact, waited, parked.at)
        if named is None:
            return False
        draft.unpark(parked)
        if named.given_up:
            alarm = _alarm_of_stranger(parked, named.order_id, draft.at)
            draft.alarms += [] if alarm in draft.alarms else [alarm]
        self._place(draft, parked.account, named.order_id, named.fact)
        return True

    def unknown_order(
        self, parked: m.ParkedFact, fact: VenueFact, waited: int
    ) -> m.UnknownOrder | None:
        """The order that must be looked up to tell whose the fact is; None: time or the executor
        may tell as well. A little later than that: the venue's stream itself may show the order."""
        if waited < 2 * self._hold or not self._matching.waits_for_venue(parked, fact, waited):
            return None
        seen = seen_in(fact)
        return m.UnknownOrder(
            order_id=external_order_id(parked.account, seen.symbol, seen.venue_order_id),
            symbol=seen.symbol,
            venue_order_id=seen.venue_order_id,
        )

    def note_absence(self, order_id: OrderId, asked_at: int) -> None:
        """The venue, asked for an order by its own id, has none."""
        self._matching.note_absence(order_id, asked_at)

    def return_unnamed(self, draft: Draft, parked: m.ParkedFact) -> bool:
        """The store does not know the order either: if the venue may, it is asked next."""
        fact = parked.fact
        if not isinstance(fact, Trade | TradeAmended):
            return False
        if not self._matching.is_to_be_looked_up(parked.account, fact):
            return False
        draft.park(parked.account, fact)
        return True

    def _place(self, draft: Draft, account: AccountId, order_id: OrderId, fact: VenueFact) -> bool:
        draft.named.append((account, order_id, fact))
        state = self._ledger.state
        if not state.is_at_hand(order_id):
            is_parked = state.parking.has_same(account, fact, order_id)
            return is_parked or draft.park(account, fact, order_id)
        if not draft.apply(order_id, account, fact):
            self._counters["facts_without_order"] += 1
            log.warning(
                "fact_without_order account=%s fact=%s venue_order_id=%s",
                account, type(fact).__name__, seen_in(fact).venue_order_id,
            )  # fmt: skip
        return True


def _alarm_of_stranger(parked: m.ParkedFact, order_id: OrderId, at: int) -> Alarm:
    text = "the venue can't say whose order a fill is of; it counts as an external order's"
    return Alarm(
        kind="unattributed_fill", text=text, at=at, account=parked.account, order_id=order_id
    )

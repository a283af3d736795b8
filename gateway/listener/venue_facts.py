"""What venues say, by stream or by answer: named, held or parked, and applied."""

import logging
from collections import Counter

from gateway.domain import venue as v
from gateway.domain.enums import Source
from gateway.domain.facts import Snapshot, Trade, TradeAmended
from gateway.domain.identity import AccountId
from gateway.listener.draft import Draft
from gateway.listener.ledger import Ledger
from gateway.listener.matching import Held, Matching, VenueFact, seen_in
from gateway.listener.recall import Recaller
from gateway.listener.settings import ListenerSettings
from gateway.ports import Timer, Timers

log = logging.getLogger("gateway.listener")


class VenueFacts:
    def __init__(
        self,
        ledger: Ledger,
        recaller: Recaller,
        timers: Timers,
        settings: ListenerSettings,
        counters: Counter[str],
    ) -> None:
        self._ledger = ledger
        self._recaller = recaller
        self._timers = timers
        self._hold_time = settings.hold
        self._counters = counters
        self._matching = Matching(ledger.book, settings)
        self._timer: Timer | None = None

    def on_event(self, event: v.OrderHeard | v.TradeHeard | v.AmendmentHeard) -> None:
        """One event of an account's private stream."""
        now = self._ledger.now()
        fact: VenueFact
        match event:
            case v.OrderHeard(order=order):
                fact = Snapshot(at=now, asked_at=now, source=Source.STREAM, order=order)
            case v.TradeHeard(trade=trade):
                fact = Trade(at=now, source=Source.STREAM, trade=trade)
            case v.AmendmentHeard(amendment=amendment):
                fact = TradeAmended(at=now, source=Source.STREAM, amendment=amendment)
        self.take(event.account, fact)

    def take(self, account: AccountId, *facts: VenueFact) -> bool:
        """Applies them as one change. False: the journal is full and nothing happened."""
        draft = self._ledger.draft()
        for fact in facts:
            self.draft(draft, account, fact)
        return self._ledger.commit(draft)

    def draft(
        self, draft: Draft, account: AccountId, fact: VenueFact, since: int | None = None
    ) -> None:
        """`since`: when it was heard first (monotonic), if it has been held before."""
        now = self._ledger.clock.monotonic()
        since = now if since is None else since
        named = self._matching.name(account, fact, now - since)
        if named is None:
            self._hold(account, fact, since)
            return
        order_id, fact = named
        if draft.order(order_id) is None and not self._recaller.is_at_hand(order_id):
            seen = seen_in(fact)
            self._recaller.park(account, order_id, fact, (seen.symbol, seen.venue_order_id))
        elif not draft.apply(order_id, account, fact):
            self._counters["facts_without_order"] += 1

    def _hold(self, account: AccountId, fact: VenueFact, since: int) -> None:
        if not self._matching.hold(account, fact, since):
            self._counters["held_facts_dropped"] += 1
            log.error(
                "held_fact_dropped account=%s venue_order_id=%s",
                account, seen_in(fact).venue_order_id,
            )  # fmt: skip
        if self._timer is None:
            self._timer = self._timers.after(self._hold_time // 4, self._look_at_held)

    def _look_at_held(self) -> None:
        self._timer = None
        held = self._matching.release()
        draft = self._ledger.draft()
        for one in held:
            self.draft(draft, one.account, one.fact, one.since)
        if not self._ledger.commit(draft):
            self._hold_again(held)

    def _hold_again(self, held: list[Held]) -> None:
        self._matching.release()
        for one in held:
            self._hold(one.account, one.fact, one.since)

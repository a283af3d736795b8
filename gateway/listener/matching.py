"""Which order a venue's word is about.

A venue names an order by our id, or only by its own. In the second case the word may be about an
order of ours whose acknowledgement has not been applied yet: it is held until that is known, and
taken for an external order only when no order of ours can be meant.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain.enums import Origin
from gateway.domain.identity import AccountId, OrderId, external_order_id, order_id_tag
from gateway.domain.venue import VenueOrder, VenueTrade
from gateway.listener.book import Book
from gateway.listener.settings import ListenerSettings

VenueFact = f.Snapshot | f.Trade | f.TradeAmended


@dataclass(slots=True)
class Held:
    account: AccountId
    fact: VenueFact
    since: int  # monotonic


class Matching:
    """Names the order of each venue fact, or holds the fact. Bounded by `held_facts`."""

    def __init__(self, book: Book, settings: ListenerSettings) -> None:
        self._book = book
        self._settings = settings
        self._held: list[Held] = []
        self.overflowed = 0

    def __len__(self) -> int:
        return len(self._held)

    def name(
        self, account: AccountId, fact: VenueFact, waited: int
    ) -> tuple[OrderId, VenueFact] | None:
        """The order and the fact as it applies to it; None: not to be told yet."""
        seen = seen_in(fact)
        if seen.order_id is not None and order_id_tag(seen.order_id) == self._settings.tag:
            return seen.order_id, fact
        known = self._book.by_venue_id(account, seen.symbol, seen.venue_order_id)
        if known is not None:
            return known, fact
        if seen.order_id is None and self._may_be_ours(account, seen.symbol, waited):
            return None
        external = external_order_id(account, seen.symbol, seen.venue_order_id)
        if isinstance(fact, f.TradeAmended):
            return external, fact
        return external, replace(fact, origin=Origin.EXTERNAL)

    def _may_be_ours(self, account: AccountId, symbol: str, waited: int) -> bool:
        return waited < self._settings.hold or self._book.has_unacknowledged(account, symbol)

    def hold(self, account: AccountId, fact: VenueFact, now: int) -> bool:
        """False: the bound is reached, and the fact is dropped until a sweep brings it back."""
        if len(self._held) >= self._settings.held_facts:
            self.overflowed += 1
            return False
        self._held.append(Held(account, fact, now))
        return True

    def release(self) -> list[Held]:
        """All that is held; what still can't be named is to be held again with its `since`."""
        held, self._held = self._held, []
        return held


def seen_in(fact: VenueFact) -> VenueOrder | VenueTrade:
    match fact:
        case f.Snapshot():
            return fact.order
        case f.Trade():
            return fact.trade
        case f.TradeAmended():
            return fact.amendment.trade

"""Which order a venue's word is about.

A venue names an order by our id, or only by its own. In the second case the word may be about an
order of ours whose acknowledgement has not been applied yet. It is taken for an external order only
when no order of ours can be meant: a while has passed, no open order of ours on the symbol lacks
its venue's id, and the executor's outbox, as far as it is known here, reaches to after the word was
heard.

That is enough for a picture of the order, in which the venue would have said our id. A fill need
not say it, and an outbox that was lost knows nothing of the order that it is of: so a fill of an
order that is not known waits until the venue has been asked for that order.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain.enums import Origin
from gateway.domain.identity import AccountId, OrderId, Symbol, external_order_id, order_id_tag
from gateway.domain.messages import ParkedFact
from gateway.domain.venue import VenueOrder, VenueProfile, VenueTrade
from gateway.listener.draft import Draft
from gateway.listener.settings import ListenerSettings
from gateway.listener.state import State

KEPT_STRANGERS = 1_000


class Named(NamedTuple):
    """The order, and the fact as it applies to it. `given_up`: the venue could not say whose it
    is, and has been asked long enough."""

    order_id: OrderId
    fact: f.VenueFact
    given_up: bool = False


class Matching:
    def __init__(
        self,
        state: State,
        settings: ListenerSettings,
        profiles: Mapping[AccountId, VenueProfile],
    ) -> None:
        self._state = state
        self._settings = settings
        self._profiles = profiles
        self._strangers: dict[OrderId, int] = {}  # asked then, the venue had no such order

    def name(
        self, draft: Draft, account: AccountId, fact: f.VenueFact, waited: int, heard_at: int
    ) -> Named | None:
        """None: not to be told yet."""
        seen = seen_in(fact)
        if seen.order_id is not None and self._is_ours(draft, account, seen.order_id):
            return Named(seen.order_id, fact)
        known = self._state.book.by_venue_id(account, seen.symbol, seen.venue_order_id)
        if known is not None:
            return Named(known, fact)
        nameless = seen.order_id is None
        if nameless and self._may_be_ours(account, seen.symbol, waited, heard_at):
            return None
        external = external_order_id(account, seen.symbol, seen.venue_order_id)
        given_up = False
        if self.is_to_be_looked_up(account, fact) and not self._is_stranger(external, fact):
            given_up = waited >= self._settings.name_patience
            if not given_up:
                return None
        if isinstance(fact, f.TradeAmended):
            return Named(external, fact, given_up)
        return Named(external, replace(fact, origin=Origin.EXTERNAL), given_up)

    def _is_ours(self, draft: Draft, account: AccountId, order_id: OrderId) -> bool:
        """By its tag; an id of ours on another account than the order's is not that order."""
        order = draft.order(order_id)
        of_account = order is None or order.account == account
        return of_account and order_id_tag(order_id) == self._settings.tag

    def _may_be_ours(self, account: AccountId, symbol: Symbol, waited: int, heard_at: int) -> bool:
        if waited < self._settings.hold or self._state.book.has_unnamed(account, symbol):
            return True
        if self._state.parking.names_orders_of(account):
            return True
        outbox = self._state.newest_outbox
        return outbox is None or outbox.alive_at <= heard_at + self._settings.clock_error

    # ---- fills of orders that are not known ----------------------------------------------------

    def is_to_be_looked_up(self, account: AccountId, fact: f.VenueFact) -> bool:
        """It says nothing of our id, where a venue would not always say it."""
        if isinstance(fact, f.Snapshot) or seen_in(fact).order_id is not None:
            return False
        profile = self._profiles.get(account)
        return profile is not None and profile.finds_by_venue_id

    def waits_for_venue(self, parked: ParkedFact, fact: f.VenueFact, waited: int) -> bool:
        """Whether only the venue can tell by now whose it is."""
        account, seen = parked.account, seen_in(fact)
        if not self.is_to_be_looked_up(account, fact):
            return False
        return not self._may_be_ours(account, seen.symbol, waited, parked.at)

    def _is_stranger(self, external: OrderId, fact: f.VenueFact) -> bool:
        """The store has not been asked for it yet, or the venue itself does not have the order."""
        if not self._state.book.is_at_hand(external):
            return True
        return self._strangers.get(external, 0) > fact.at

    def note_absence(self, external: OrderId, asked_at: int) -> None:
        """The venue has no such order, of what happened before `asked_at`. The oldest go when
        there are too many: they are looked up again."""
        self._strangers.pop(external, None)
        self._strangers[external] = asked_at
        if len(self._strangers) > KEPT_STRANGERS:
            del self._strangers[next(iter(self._strangers))]


def seen_in(fact: f.VenueFact) -> VenueOrder | VenueTrade:
    match fact:
        case f.Snapshot():
            return fact.order
        case f.Trade():
            return fact.trade
        case f.TradeAmended():
            return fact.amendment.trade

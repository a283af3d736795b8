"""Which order a venue's word is about.

A venue names an order by our id, or only by its own. In the second case the word may be about an
order of ours whose acknowledgement has not been applied yet. It is taken for an external order only
when no order of ours can be meant: a while has passed, no open order of ours on the symbol lacks
its venue's id, and the executor's outbox, as far as it is known here, reaches to after the word was
heard.
"""

from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain.enums import Origin
from gateway.domain.identity import AccountId, OrderId, Symbol, external_order_id, order_id_tag
from gateway.domain.venue import VenueOrder, VenueTrade
from gateway.listener.draft import Draft
from gateway.listener.settings import ListenerSettings
from gateway.listener.state import State

VenueFact = f.Snapshot | f.Trade | f.TradeAmended


class Matching:
    def __init__(self, state: State, settings: ListenerSettings) -> None:
        self._state = state
        self._settings = settings

    def name(
        self, draft: Draft, account: AccountId, fact: VenueFact, waited: int, heard_at: int
    ) -> tuple[OrderId, VenueFact] | None:
        """The order and the fact as it applies to it; None: not to be told yet."""
        seen = seen_in(fact)
        if seen.order_id is not None and self._is_ours(draft, account, seen.order_id):
            return seen.order_id, fact
        known = self._state.book.by_venue_id(account, seen.symbol, seen.venue_order_id)
        if known is not None:
            return known, fact
        nameless = seen.order_id is None
        if nameless and self._may_be_ours(account, seen.symbol, waited, heard_at):
            return None
        external = external_order_id(account, seen.symbol, seen.venue_order_id)
        if isinstance(fact, f.TradeAmended):
            return external, fact
        return external, replace(fact, origin=Origin.EXTERNAL)

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


def seen_in(fact: VenueFact) -> VenueOrder | VenueTrade:
    match fact:
        case f.Snapshot():
            return fact.order
        case f.Trade():
            return fact.trade
        case f.TradeAmended():
            return fact.amendment.trade

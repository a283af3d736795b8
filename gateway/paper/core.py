"""The paper venue: a spot exchange as a pure state machine.

No socket, file, clock or randomness: `now` (nanoseconds UTC, never falling) comes with each call,
so the same calls give the same ids, fills and record, always. Calls return plain results or raise
`VenueError`; a refused call has changed nothing (but see `cancel_replace`).

As at Binance: order ids and trade ids are dense integers per symbol; a client order id must be
unique among the account's *open* orders only; commissions are taken from what a fill brings;
orders of one account that would trade with each other are handled by self-trade prevention,
EXPIRE_MAKER unless the order says otherwise, which is the default of Binance's live symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from gateway.paper.accounts import Account, Balance, Fees
from gateway.paper.admission import (
    admitted,
    check_amend,
    check_request,
    check_restriction,
    open_order,
)
from gateway.paper.engine import HOUSE, Engine
from gateway.paper.entries import EXECUTED_CANCELED, EXECUTED_REPLACED
from gateway.paper.errors import (
    BAD_PARAMETER_COMBINATION,
    VenueError,
    bad_symbol,
    no_such_order,
    one_of_mandatory,
    unknown_order,
)
from gateway.paper.filters import check_client_order_id
from gateway.paper.history import History
from gateway.paper.market import Market
from gateway.paper.orders import CANCELED, NewOrder, Order, Trade
from gateway.paper.record import Record
from gateway.paper.reporter import Listener
from gateway.paper.results import Amended, Canceled, Placed, Replaced, replaced
from gateway.paper.symbols import DEFAULT_SYMBOLS, Symbol

ALLOW_FAILURE = "ALLOW_FAILURE"
STOP_ON_FAILURE = "STOP_ON_FAILURE"


class PaperVenue:
    """See the module. `record` is what it has done; `history` bounds what can be asked for."""

    def __init__(
        self,
        symbols: Iterable[Symbol] = DEFAULT_SYMBOLS,
        *,
        record: Record | None = None,
        history: History | None = None,
    ) -> None:
        self.record = record or Record()
        self.history = history or History()
        self.engine = Engine(symbols, self.record, self.history)
        self._generated_ids = 0

    # -- accounts

    def open_account(
        self, name: str, balances: Mapping[str, Decimal], now: int, fees: Fees | None = None
    ) -> None:
        """A new account; what it owns is recorded as deposits. ValueError if the name is taken."""
        if name in self.engine.accounts:
            raise ValueError(f"account {name!r} exists")
        self.engine.accounts[name] = Account(name, fees or Fees())
        for asset, amount in balances.items():
            self.deposit(name, asset, amount, now)

    def deposit(self, account: str, asset: str, delta: Decimal, now: int) -> None:
        """Money from outside, or to outside if negative (-2010 if it is not free)."""
        self.engine.deposit(self._account(account), asset, delta, now)
        self.engine.reporter.finish(now)

    def listen(self, account: str, listener: Listener) -> None:
        """Call it with every later event of the account, when each operation is over."""
        self.engine.reporter.listeners.setdefault(account, []).append(listener)

    def unlisten(self, account: str, listener: Listener) -> None:
        self.engine.reporter.listeners[account].remove(listener)

    # -- commands

    def place(self, account: str, new: NewOrder, now: int) -> Placed:
        """Raises -1013 for filters, -2010 for balance, duplicate id and post-only, or -11xx."""
        market = self._market(new.symbol)
        client_order_id = self._client_order_id(new.client_order_id)
        order = admitted(self._account(account), market, new, client_order_id, now)
        fills = self.engine.submit(order, now)
        placed = Placed(order.copy(), tuple(fills))
        self.engine.reporter.finish(now)
        return placed

    def test_order(self, account: str, new: NewOrder) -> None:
        """All checks of `place` that need neither money nor the book; nothing is placed."""
        check_request(self._account(account), self._market(new.symbol), new)

    def cancel(
        self,
        account: str,
        symbol: str,
        now: int,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        cancel_client_order_id: str = "",
        restriction: str = "",
    ) -> Canceled:
        """Raises -2011 if no such order is open, whatever became of it."""
        check_client_order_id(cancel_client_order_id, "newClientOrderId")
        self._market(symbol)
        order = open_order(self._account(account), symbol, order_id, client_order_id)
        check_restriction(order, restriction)
        canceled = self._cancel(order, cancel_client_order_id, now)
        self.engine.reporter.finish(now)
        return canceled

    def cancel_all(self, account: str, symbol: str, now: int) -> list[Canceled]:
        """Every open order of one symbol, oldest first. Raises -2011 if there is none."""
        self._market(symbol)
        orders = [o for o in self._account(account).open_orders.values() if o.symbol == symbol]
        if not orders:
            raise unknown_order()
        shared_id = self._client_order_id("")
        canceled = [self._cancel(order, shared_id, now) for order in orders]
        self.engine.reporter.finish(now)
        return canceled

    def cancel_replace(
        self,
        account: str,
        new: NewOrder,
        now: int,
        *,
        mode: str = STOP_ON_FAILURE,
        order_id: int | None = None,
        client_order_id: str | None = None,
        cancel_client_order_id: str = "",
        restriction: str = "",
    ) -> Replaced:
        """Cancel one order, then place another that stands at the end of its queue.

        The new order's form and filters are checked before anything happens. Then -2022 means
        that nothing was done, -2021 that one half was: `data` is a `Replaced` that says which.
        """
        if mode not in {STOP_ON_FAILURE, ALLOW_FAILURE}:
            raise VenueError(BAD_PARAMETER_COMBINATION, "Invalid cancelReplaceMode.")
        check_request(self._account(account), self._market(new.symbol), new)
        canceled: Canceled | VenueError
        placed: Placed | VenueError | None = None
        try:
            canceled = self.cancel(
                account,
                new.symbol,
                now,
                order_id=order_id,
                client_order_id=client_order_id,
                cancel_client_order_id=cancel_client_order_id,
                restriction=restriction,
            )
        except VenueError as refusal:
            canceled = refusal
        if isinstance(canceled, Canceled) or mode == ALLOW_FAILURE:
            placed = self._place_or_refusal(account, new, now)
        return replaced(canceled, placed)

    def amend_keep_priority(
        self,
        account: str,
        symbol: str,
        new_quantity: Decimal,
        now: int,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str = "",
    ) -> Amended:
        """Reduce an open order's quantity; it keeps its id and its place in the queue.

        Without `new_client_order_id` it gets a generated one, as at Binance; its present one may
        be given. A quantity that is not below the order's, or not above what it has filled, is
        refused with -2038 (the second case is our reading: Binance documents none).
        """
        market = self._market(symbol)
        check_client_order_id(new_client_order_id, "newClientOrderId")
        order = open_order(self._account(account), symbol, order_id, client_order_id)
        check_amend(self._account(account), market, order, new_quantity, new_client_order_id)
        old_id = order.client_order_id
        self._rename(order, self._client_order_id(new_client_order_id))
        unlocked = order.quantity - new_quantity
        order.quantity = new_quantity
        order.updated_at = now
        self.engine.release_excess(order, unlocked * order.price if order.is_buy else unlocked)
        seq = self.engine.reporter.report(
            EXECUTED_REPLACED, order, now, orig_client_order_id=old_id
        )
        amended = Amended(order.copy(), old_id, seq)
        self.engine.reporter.finish(now)
        return amended

    # -- questions (nothing changes)

    def order(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> Order:
        """The latest order with that id. Raises -2013 if there is none in the history."""
        self._market(symbol)
        if order_id is None and not client_order_id:
            raise one_of_mandatory("origClientOrderId", "orderId")
        found = self.history.find(account, symbol, order_id, client_order_id)
        if found is None:
            raise no_such_order()
        return found.copy()

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Oldest first; of all symbols if none is given."""
        if symbol is not None:
            self._market(symbol)
        orders = self._account(account).open_orders.values()
        return [order.copy() for order in orders if symbol in {None, order.symbol}]

    def all_orders(
        self,
        account: str,
        symbol: str,
        *,
        from_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """Times in nanoseconds. From `from_id` or `start` on, else the most recent."""
        self._market(symbol)
        found = self.history.orders(
            account, symbol, from_id=from_id, start=start, end=end, limit=limit
        )
        return [order.copy() for order in found]

    def trades(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Trade]:
        """Times in nanoseconds. From `from_id` or `start` on, else the most recent."""
        self._market(symbol)
        return self.history.trades(
            account,
            symbol,
            order_id=order_id,
            from_id=from_id,
            start=start,
            end=end,
            limit=limit,
        )

    def balances(self, account: str) -> dict[str, Balance]:
        """Copies, by asset; also assets of which nothing is left."""
        held = self._account(account).balances
        return {asset: Balance(b.free, b.locked) for asset, b in held.items()}

    def fees_of(self, account: str) -> Fees:
        return self._account(account).fees

    def accounts(self) -> Sequence[str]:
        return [name for name in self.engine.accounts if name != HOUSE]

    def symbols(self) -> Sequence[Symbol]:
        return [market.symbol for market in self.engine.markets.values()]

    def depth(
        self, symbol: str, limit: int = 100
    ) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Bids and asks, best first, as (price, quantity)."""
        book = self._market(symbol).book
        return book.bids.depth(limit), book.asks.depth(limit)

    def last_price(self, symbol: str) -> Decimal:
        return self._market(symbol).last_price

    # -- steps

    def _account(self, name: str) -> Account:
        return self.engine.accounts[name]

    def _market(self, symbol: str) -> Market:
        market = self.engine.markets.get(symbol)
        if market is None:
            raise bad_symbol()
        return market

    def _client_order_id(self, given: str) -> str:
        if given:
            return given
        self._generated_ids += 1
        return f"paper-{self.record.next_seq}-{self._generated_ids}"

    def _cancel(self, order: Order, cancel_client_order_id: str, now: int) -> Canceled:
        own_id = self._client_order_id(cancel_client_order_id)
        self.engine.withdraw(order)
        self.engine.close(order, CANCELED, EXECUTED_CANCELED, now, client_order_id=own_id)
        return Canceled(order.copy(), own_id)

    def _place_or_refusal(self, account: str, new: NewOrder, now: int) -> Placed | VenueError:
        try:
            return self.place(account, new, now)
        except VenueError as refusal:
            return refusal

    def _rename(self, order: Order, client_order_id: str) -> None:
        account = self._account(order.account)
        old_id = order.client_order_id
        del account.open_client_ids[old_id]
        order.client_order_id = client_order_id
        account.open_client_ids[client_order_id] = order
        self.history.renamed(order, old_id)

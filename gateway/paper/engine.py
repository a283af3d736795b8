"""Matching and settlement: how one order meets the book and what that does to money.

The engine trusts its caller: orders that reach it have passed the filters. Every change goes to
the reporter.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from gateway.paper.accounts import Account, Fees
from gateway.paper.entries import (
    EXECUTED_EXPIRED,
    EXECUTED_NEW,
    EXECUTED_TRADE,
    EXECUTED_TRADE_PREVENTION,
)
from gateway.paper.errors import insufficient_balance
from gateway.paper.history import History
from gateway.paper.market import Market, reaches
from gateway.paper.orders import (
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    EXPIRED,
    EXPIRED_IN_MATCH,
    FILLED,
    FOK,
    GTC,
    LIMIT,
    MARKET,
    NEW,
    PARTIALLY_FILLED,
    STP_NONE,
    ZERO,
    Order,
    Trade,
)
from gateway.paper.record import Record
from gateway.paper.reporter import Reporter
from gateway.paper.symbols import Symbol

HOUSE = "house"


class Match(msgspec.Struct, frozen=True, gc=False):
    """What two orders exchange at once."""

    price: Decimal
    quantity: Decimal
    quote: Decimal
    trade_id: int
    time: int


class Engine:
    """Accounts, markets and the record. `now` is always nanoseconds UTC and never falls."""

    def __init__(self, symbols: Iterable[Symbol], record: Record, history: History) -> None:
        self.markets = {symbol.name: Market(symbol) for symbol in symbols}
        self.house = Account(HOUSE, Fees(ZERO, ZERO), is_house=True)
        self.accounts: dict[str, Account] = {HOUSE: self.house}
        self.reporter = Reporter(record, self.accounts)
        self.history = history
        self.fees_collected: dict[str, Decimal] = {}
        self.next_priority = 1
        self._next_house_id = -1

    # -- the life of an order

    def submit(self, order: Order, now: int) -> list[Trade]:
        """Take a new order in and match it. Raises -2010 before anything has changed.

        The order's own fills, oldest first.
        """
        market = self.markets[order.symbol]
        account = self.accounts[order.account]
        self._reserve(account, market, order)
        market.next_order_id += 1
        account.opened(order)
        self.history.add_order(order)
        if order.is_working:
            self._start_working(order, now)
        self.reporter.report(EXECUTED_NEW, order, now)
        if not order.is_working:
            market.hold_stop(order)
            return []
        fills = self.work(order, market, now)
        self.trigger_stops(market, now)
        return fills

    def work(self, order: Order, market: Market, now: int) -> list[Trade]:
        """Match it and rest, close or expire what remains."""
        fills: list[Trade] = []
        if order.time_in_force != FOK or market.walk(order)[0] >= order.quantity:
            fills = self._match(order, market, now)
        if not order.is_open:
            return fills
        if order.type != MARKET and order.time_in_force == GTC:
            market.book.side_of(order).add(order)
        else:
            self.close(order, EXPIRED, EXECUTED_EXPIRED, now, reason=_expiry_reason(order))
        return fills

    def _start_working(self, order: Order, now: int) -> None:
        """It enters the book or meets it, behind all that came before."""
        order.is_working = True
        order.working_at = now
        order.priority = self.next_priority
        self.next_priority += 1

    def withdraw(self, order: Order) -> None:
        """Take an open order out of the book or out of the waiting stops."""
        market = self.markets[order.symbol]
        if order.is_working:
            market.book.side_of(order).remove(order)
        else:
            market.drop_stop(order)

    def close(
        self,
        order: Order,
        status: str,
        kind: str,
        now: int,
        *,
        client_order_id: str = "",
        reason: str = "NONE",
    ) -> None:
        """End it with what it has filled; what it held locked is free again.

        `client_order_id` is that of the request which ended it, if one did.
        """
        order.status = status
        order.updated_at = now
        if order.account == HOUSE:
            return
        account = self.accounts[order.account]
        self._release(account, order, order.locked)
        account.closed(order)
        self.history.closed(order)
        self.reporter.report(kind, order, now, client_order_id=client_order_id, reason=reason)

    def trigger_stops(self, market: Market, now: int) -> None:
        """Work every stop that the last price has reached, also those that this sets off."""
        while (order := market.pop_triggered()) is not None:
            order.updated_at = now
            self._start_working(order, now)
            self.reporter.report(EXECUTED_NEW, order, now)
            self.work(order, market, now)

    def submit_house(
        self, symbol: str, side: str, price: Decimal, quantity: Decimal, tif: str, now: int
    ) -> Order:
        """The venue's own limit order: no money is checked, nobody is told of it."""
        market = self.markets[symbol]
        order = _house_order(symbol, side, price, quantity, tif, self._next_house_id, now)
        self._next_house_id -= 1
        self._match(order, market, now)
        if order.is_open and order.time_in_force == GTC:
            market.book.side_of(order).add(order)
        self.trigger_stops(market, now)
        return order

    # -- matching

    def _match(self, taker: Order, market: Market, now: int) -> list[Trade]:
        fills: list[Trade] = []
        opposite = market.book.against(taker)
        while taker.is_open:
            maker = opposite.first()
            if maker is None or not reaches(taker, maker.price):
                break
            wanted = market.wanted(taker, maker.price, taker.executed, taker.quote_executed)
            quantity = min(maker.remaining, wanted)
            if quantity <= ZERO:
                break
            if self._prevents(taker, maker):
                self._prevent(taker, maker, quantity, market, now)
                continue
            trade = self._fill(taker, maker, quantity, market, now, done=quantity == wanted)
            if trade is not None:
                fills.append(trade)
            if not maker.is_open:
                opposite.remove(maker)
        return fills

    def _prevents(self, taker: Order, maker: Order) -> bool:
        own = taker.account == maker.account
        return own and taker.self_trade_prevention != STP_NONE

    def _prevent(
        self, taker: Order, maker: Order, quantity: Decimal, market: Market, now: int
    ) -> None:
        mode = taker.self_trade_prevention
        taker.prevented += quantity
        maker.prevented += quantity
        if mode in {EXPIRE_MAKER, EXPIRE_BOTH}:
            market.book.side_of(maker).remove(maker)
            self.close(maker, EXPIRED_IN_MATCH, EXECUTED_TRADE_PREVENTION, now)
        if mode in {EXPIRE_TAKER, EXPIRE_BOTH}:
            self.close(taker, EXPIRED_IN_MATCH, EXECUTED_TRADE_PREVENTION, now)

    def _fill(
        self,
        taker: Order,
        maker: Order,
        quantity: Decimal,
        market: Market,
        now: int,
        *,
        done: bool,
    ) -> Trade | None:
        """Exchange `quantity` at the maker's price; the taker's side of it, if a user's."""
        price = maker.price
        market.last_price = price
        trade_id = 0
        if taker.account != HOUSE or maker.account != HOUSE:
            trade_id = market.next_trade_id
            market.next_trade_id += 1
        match = Match(price, quantity, price * quantity, trade_id, now)
        self._settle(maker, match, market.symbol, done=quantity == maker.remaining, is_maker=True)
        return self._settle(taker, match, market.symbol, done=done, is_maker=False)

    def _settle(
        self, order: Order, match: Match, symbol: Symbol, *, done: bool, is_maker: bool
    ) -> Trade | None:
        """One side of a match: quantities, money, then its report."""
        order.executed += match.quantity
        order.quote_executed += match.quote
        order.updated_at = match.time
        order.status = FILLED if done else PARTIALLY_FILLED
        if order.quote_quantity:
            order.quantity = order.executed
        account = self.accounts[order.account]
        if account.is_house:
            _exchange_house(account, order, symbol, match)
            return None
        fee, fee_asset = self._exchange(account, order, symbol, match, is_maker=is_maker)
        trade = _trade(order, match, fee, fee_asset, is_maker=is_maker)
        self.history.add_trade(trade)
        if done:
            account.closed(order)
            self.history.closed(order)
        self.reporter.report(EXECUTED_TRADE, order, match.time, trade=trade)
        return trade

    # -- money

    def _reserve(self, account: Account, market: Market, order: Order) -> None:
        """Lock what a limit order may cost; a market order must only be able to pay."""
        asset = market.symbol.quote if order.is_buy else market.symbol.base
        if order.type != MARKET:
            order.locked = order.price * order.quantity if order.is_buy else order.quantity
            account.lock(asset, order.locked)
            self.reporter.touch(account.name, asset)
            return
        base, quote = market.walk(order)
        needed = (order.quote_quantity or quote) if order.is_buy else (order.quantity or base)
        if needed > account.balance(asset).free:
            raise insufficient_balance()

    def _release(self, account: Account, order: Order, amount: Decimal) -> None:
        """Free a part of the order's lock."""
        if amount:
            symbol = self.markets[order.symbol].symbol
            asset = symbol.quote if order.is_buy else symbol.base
            account.unlock(asset, amount)
            order.locked -= amount
            self.reporter.touch(account.name, asset)

    def release_excess(self, order: Order, amount: Decimal) -> None:
        """A smaller quantity needs less locked."""
        self._release(self.accounts[order.account], order, amount)

    def _exchange(
        self,
        account: Account,
        order: Order,
        symbol: Symbol,
        match: Match,
        *,
        is_maker: bool,
    ) -> tuple[Decimal, str]:
        """Pay, receive and be charged. The commission and its asset."""
        if order.is_buy:
            paid_asset, paid = symbol.quote, match.quote
            received_asset, received = symbol.base, match.quantity
            reserved = order.price * match.quantity
        else:
            paid_asset, paid = symbol.base, match.quantity
            received_asset, received = symbol.quote, match.quote
            reserved = match.quantity
        payer = account.balance(paid_asset)
        if order.locked:
            payer.locked -= reserved
            payer.free += reserved - paid
            order.locked -= reserved
        else:
            payer.free -= paid
        account.balance(received_asset).free += received
        fee, fee_asset = account.commission(received_asset, received, is_maker=is_maker)
        if fee:
            account.balance(fee_asset).free -= fee
            self.fees_collected[fee_asset] = self.fees_collected.get(fee_asset, ZERO) + fee
        self.reporter.touch(account.name, paid_asset, received_asset, fee_asset)
        return fee, fee_asset

    def deposit(self, account: Account, asset: str, delta: Decimal, now: int) -> None:
        """Money from outside; a negative delta that the free balance does not cover raises."""
        balance = account.balance(asset)
        if balance.free + delta < ZERO:
            raise insufficient_balance()
        balance.free += delta
        self.reporter.deposited(account.name, asset, delta, balance, now)


def _house_order(
    symbol: str,
    side: str,
    price: Decimal,
    quantity: Decimal,
    tif: str,
    order_id: int,
    now: int,
) -> Order:
    return Order(
        account=HOUSE,
        symbol=symbol,
        order_id=order_id,
        client_order_id="",
        side=side,
        type=LIMIT,
        time_in_force=tif,
        price=price,
        quantity=quantity,
        quote_quantity=ZERO,
        stop_price=ZERO,
        self_trade_prevention=STP_NONE,
        status=NEW,
        executed=ZERO,
        quote_executed=ZERO,
        prevented=ZERO,
        locked=ZERO,
        is_working=True,
        priority=0,
        created_at=now,
        updated_at=now,
        working_at=now,
    )


def _exchange_house(account: Account, order: Order, symbol: Symbol, match: Match) -> None:
    sign = 1 if order.is_buy else -1
    account.balance(symbol.base).free += sign * match.quantity
    account.balance(symbol.quote).free -= sign * match.quote


def _trade(order: Order, match: Match, fee: Decimal, fee_asset: str, *, is_maker: bool) -> Trade:
    return Trade(
        order.symbol,
        match.trade_id,
        order.order_id,
        order.client_order_id,
        order.account,
        order.side,
        match.price,
        match.quantity,
        match.quote,
        fee,
        fee_asset,
        is_maker,
        match.time,
    )


def _expiry_reason(order: Order) -> str:
    if order.type == MARKET:
        return "INSUFFICIENT_LIQUIDITY"
    if order.time_in_force == FOK:
        return "UNFILLED_FOK_ORDER_EXPIRED"
    return "UNFILLED_IOC_QUANTITY_EXPIRED"

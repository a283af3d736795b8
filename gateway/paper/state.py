"""A venue rebuilt from its record, and the head that lets a new file stand alone.

Users' orders, trades and balances come back exactly, with ids and queue places. The house's
quotes do not: the market makers quote anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.paper.accounts import Account, Balance, Fees
from gateway.paper.core import PaperVenue
from gateway.paper.entries import (
    EXECUTED_SNAPSHOT,
    AssetBalance,
    Deposit,
    Entry,
    Execution,
    Position,
    SymbolState,
)
from gateway.paper.orders import ZERO, Order, Trade


def restore(venue: PaperVenue, entries: Iterable[Entry]) -> int:
    """Apply a record, oldest first, to a venue without accounts. How many entries there were.

    Fees of the accounts are not in it: call `open_account` or set them afterwards.
    """
    orders: dict[tuple[str, int], Order] = {}
    count = 0
    for entry in entries:
        count += 1
        venue.record.load(entry)
        if isinstance(entry, Execution):
            orders[entry.order.symbol, entry.order.order_id] = entry.order
            if entry.trade is not None:
                _restore_trade(venue, entry.trade)
        elif isinstance(entry, Position):
            for held in entry.balances:
                _restore_balance(venue, entry.account, held.asset, held)
        elif isinstance(entry, Deposit):
            _restore_balance(venue, entry.account, entry.asset, entry)
        elif isinstance(entry, SymbolState):
            _restore_symbol(venue, entry)
    for order in sorted(orders.values(), key=lambda o: (o.symbol, o.order_id)):
        _restore_order(venue, order.copy())
    _restore_queues(venue)
    return count


def write_head(venue: PaperVenue, now: int) -> None:
    """Add to the record all that `restore` needs if what came before is gone."""
    record = venue.record
    for name, market in venue.engine.markets.items():
        ids = (market.next_order_id, market.next_trade_id)
        record.add(SymbolState(record.next_seq, now, name, *ids, market.last_price))
    for name in venue.accounts():
        balances = venue.balances(name)
        held = tuple(AssetBalance(asset, b.free, b.locked) for asset, b in balances.items())
        record.add(Position(record.next_seq, now, name, held))
        for order in venue.open_orders(name):
            record.add(
                Execution(
                    record.next_seq,
                    now,
                    name,
                    EXECUTED_SNAPSHOT,
                    order,
                    None,
                    order.client_order_id,
                    "",
                    "NONE",
                )
            )


def _account(venue: PaperVenue, name: str) -> Account:
    accounts = venue.engine.accounts
    if name not in accounts:
        accounts[name] = Account(name, Fees())
    return accounts[name]


def _restore_balance(
    venue: PaperVenue, account: str, asset: str, held: AssetBalance | Deposit
) -> None:
    _account(venue, account).balances[asset] = Balance(held.free, held.locked)


def _restore_symbol(venue: PaperVenue, state: SymbolState) -> None:
    market = venue.engine.markets[state.symbol]
    market.next_order_id = state.next_order_id
    market.next_trade_id = state.next_trade_id
    market.last_price = state.last_price


def _restore_trade(venue: PaperVenue, trade: Trade) -> None:
    venue.history.add_trade(trade)
    market = venue.engine.markets[trade.symbol]
    market.next_trade_id = max(market.next_trade_id, trade.trade_id + 1)
    market.last_price = trade.price
    fees = venue.engine.fees_collected
    fees[trade.commission_asset] = fees.get(trade.commission_asset, ZERO) + trade.commission


def _restore_order(venue: PaperVenue, order: Order) -> None:
    engine = venue.engine
    market = engine.markets[order.symbol]
    market.next_order_id = max(market.next_order_id, order.order_id + 1)
    engine.next_priority = max(engine.next_priority, order.priority + 1)
    venue.history.add_order(order)
    if order.is_open:
        _account(venue, order.account).opened(order)
    else:
        venue.history.closed(order)


def _restore_queues(venue: PaperVenue) -> None:
    for account in venue.engine.accounts.values():
        for order in account.open_orders.values():
            if not order.is_working:
                venue.engine.markets[order.symbol].hold_stop(order)
    resting = [
        order
        for account in venue.engine.accounts.values()
        for order in account.open_orders.values()
        if order.is_working
    ]
    for order in sorted(resting, key=lambda o: o.priority):
        venue.engine.markets[order.symbol].book.side_of(order).add(order)

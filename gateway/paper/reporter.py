"""Writes each change to the record and tells the accounts' listeners when an operation is over.

A listener therefore never sees a half-done state, and may call the venue again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from gateway.paper.accounts import Account, Balance
from gateway.paper.entries import AssetBalance, Deposit, Event, Execution, Position
from gateway.paper.orders import Order, Trade
from gateway.paper.record import Record

Listener = Callable[[Event], None]


class Reporter:
    def __init__(self, record: Record, accounts: Mapping[str, Account]) -> None:
        self.record = record
        self.listeners: dict[str, list[Listener]] = {}
        self._accounts = accounts
        self._events: list[Event] = []
        self._touched: dict[str, set[str]] = {}

    def report(
        self,
        kind: str,
        order: Order,
        now: int,
        *,
        trade: Trade | None = None,
        client_order_id: str = "",
        orig_client_order_id: str = "",
        reason: str = "NONE",
    ) -> int:
        """A user's order has changed. The seq of its entry, which is its execution id.

        `client_order_id` is that of the request which changed it, if that is not the order's own;
        `orig_client_order_id` the order's own before the change (default: its present one).
        """
        if client_order_id and not orig_client_order_id:
            orig_client_order_id = order.client_order_id
        entry = Execution(
            self.record.next_seq,
            now,
            order.account,
            kind,
            order.copy(),
            trade,
            client_order_id or order.client_order_id,
            orig_client_order_id,
            reason,
        )
        self._add(entry)
        return entry.seq

    def deposited(
        self, account: str, asset: str, delta: Decimal, balance: Balance, now: int
    ) -> None:
        seq = self.record.next_seq
        self._add(Deposit(seq, now, account, asset, delta, balance.free, balance.locked))

    def touch(self, account: str, *assets: str) -> None:
        """These balances may have changed: `finish` will state them."""
        self._touched.setdefault(account, set()).update(assets)

    def finish(self, now: int) -> None:
        """The operation is over: state the balances it touched, then tell the listeners."""
        for name, assets in self._touched.items():
            self._add(Position(self.record.next_seq, now, name, self._held(name, assets)))
        self._touched.clear()
        events, self._events = self._events, []
        for event in events:
            for listener in self.listeners.get(event.account, ()):
                listener(event)

    def _held(self, account: str, assets: set[str]) -> tuple[AssetBalance, ...]:
        balances = self._accounts[account].balances
        return tuple(
            AssetBalance(asset, balances[asset].free, balances[asset].locked)
            for asset in sorted(assets)
            if asset in balances
        )

    def _add(self, entry: Event) -> None:
        self.record.add(entry)
        if entry.account in self.listeners:
            self._events.append(entry)

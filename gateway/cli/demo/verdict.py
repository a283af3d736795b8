"""Whether PostgreSQL and the venue's own record say the same, to the last fill.

Nothing of the gateway's logic is used: the database is read with SQL, the venue over HTTP.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg

Row = tuple[Any, ...]
VENUE_STATUS = {
    "NEW": "new",
    "PARTIALLY_FILLED": "partially_filled",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",  # it would have met an order of the same account
    "REJECTED": "rejected",
}


@dataclass(slots=True)
class Verdict:
    orders: int = 0
    fills: int = 0
    fees: int = 0
    balances: int = 0
    differences: list[str] = field(default_factory=list)

    def differ(self, what: str, ours: object, venues: object) -> None:
        if ours != venues:
            self.differences.append(f"{what}: database {ours}, venue {venues}")


def compare(store_url: str, venue: Mapping[str, Any], deposits: Mapping[str, Any]) -> Verdict:
    """`venue`: orders, fills and balances of the venue's test kit. `deposits`: what each account
    began with, by account and asset."""
    verdict = Verdict()
    with psycopg.connect(store_url) as connection:
        orders = connection.execute(
            "select account, venue_order_id, status, cum_quantity, quantity from orders"
            " where venue_order_id is not null"
        ).fetchall()
        fills = connection.execute(
            "select account, symbol, trade_id, venue_order_id, side, price, quantity, fee,"
            " fee_currency, liquidity from transactions where not repeated and kind = 'fill'"
        ).fetchall()
    _compare_orders(verdict, orders, venue["orders"])
    _compare_fills(verdict, fills, venue["fills"])
    _compare_balances(verdict, fills, venue["balances"], deposits)
    return verdict


def _compare_orders(verdict: Verdict, ours: Iterable[Row], theirs: Iterable[Any]) -> None:
    held = {
        (account, str(venue_id)): (status, cum, quantity)
        for account, venue_id, status, cum, quantity in ours
    }
    for order in theirs:
        verdict.orders += 1
        said = (
            VENUE_STATUS[order["status"]],
            Decimal(order["executed"]),
            Decimal(order["quantity"]),
        )
        key = (order["account"], str(order["order_id"]))
        verdict.differ(f"order {key}", held.pop(key, None), said)
    for key, state in held.items():
        verdict.differ(f"order {key}", state, None)


def _compare_fills(verdict: Verdict, ours: Iterable[Row], theirs: Iterable[Any]) -> None:
    held: dict[Row, Row] = {}
    for account, symbol, trade_id, venue_id, side, price, quantity, fee, currency, role in ours:
        key = (account, symbol.replace("/", ""), str(trade_id), str(venue_id))
        if key in held:
            verdict.differences.append(f"fill {key}: twice in the database")
        held[key] = (side, price, quantity, fee, currency, role)
    for fill in theirs:
        verdict.fills += 1
        verdict.fees += 1
        key = (fill["account"], fill["symbol"], str(fill["trade_id"]), str(fill["order_id"]))
        said = (
            fill["side"].lower(),
            Decimal(fill["price"]),
            Decimal(fill["quantity"]),
            Decimal(fill["commission"]),
            fill["commission_asset"],
            "maker" if fill["is_maker"] else "taker",
        )
        verdict.differ(f"fill {key}", held.pop(key, None), said)
    for key, figures in held.items():
        verdict.differ(f"fill {key}", figures, None)


def _compare_balances(
    verdict: Verdict, fills: Iterable[Row], theirs: Mapping[str, Any], deposits: Mapping[str, Any]
) -> None:
    """What an account began with and its transactions must add up to what the venue says."""
    totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for account, assets in deposits.items():
        for asset, amount in assets.items():
            totals[account, asset] += Decimal(amount)
    for account, symbol, _, _, side, price, quantity, fee, currency, _ in fills:
        base, quote = symbol.split("/")
        sign = 1 if side == "buy" else -1
        totals[account, base] += sign * quantity
        totals[account, quote] -= sign * quantity * price
        totals[account, currency] -= fee
    for account, assets in theirs.items():
        for asset, balance in assets.items():
            verdict.balances += 1
            said = Decimal(balance["free"]) + Decimal(balance["locked"])
            verdict.differ(f"balance {account} {asset}", totals[account, asset], said)

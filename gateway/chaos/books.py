"""What PostgreSQL holds, by plain SQL, in the checker's words. None of the gateway's code reads it.

The figures of an item are those of the message that was published, whole; a transaction's are
compared with the columns beside it on the way.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from gateway.chaos.recovery import Update
from gateway.sim import records as r

Number = tuple[str, int, int]
Row = tuple[Any, ...]

_ORDERS = """
select order_id::text, account, symbol, client_id, side, origin, status, pending, quantity,
    cum_quantity, avg_price, trades_complete, venue_order_id, reason_code, state from orders
"""
_EVENTS = "select account, epoch, seq, message from order_events"
_UPDATES = """
select account, epoch, seq, at_ns, order_id::text, status, cum_quantity from order_events
order by account, epoch, seq
"""
_TRANSACTIONS = """
select account, epoch, seq, key, kind, order_id::text, symbol, side, quantity, price, fee,
    fee_currency, trade_id, venue_order_id from transactions
"""
_UNSETTLED = """
select count(*) from orders where status in ('pending_new', 'in_doubt') or pending <> 'none'
    or not trades_complete
"""
_decoder = msgspec.msgpack.Decoder()


class Unreachable(Exception):
    """The database does not answer now."""


class Books:
    def __init__(self, url: str) -> None:
        self._url = url

    def unsettled(self) -> int | None:
        """Orders of which more is to be heard; None: the database does not answer."""
        try:
            return int(self._read(_UNSETTLED)[0][0])
        except Unreachable:
            return None

    def positions(self) -> dict[str, tuple[int, int]]:
        """How far each account's stream is stored: epoch and seq."""
        found = self._read("select account, epoch, seq from stream_positions")
        return {account: (epoch, seq) for account, epoch, seq in found}

    def orders(self) -> tuple[r.HeldOrder, ...]:
        return tuple(
            r.HeldOrder(*(*row[:-1], _decoder.decode(row[-1]).get("doubt")))
            for row in self._read(_ORDERS)
        )

    def items(self, published: Mapping[Number, int]) -> tuple[r.Item, ...]:
        orders = [
            r.Item(*number, published.get(number), order=_order(_decoder.decode(message)["order"]))
            for *key, message in self._read(_EVENTS)
            for number in [_number(key)]
        ]
        transactions = [
            r.Item(*number, published.get(number), transaction=_transaction(row))
            for row in self._read(_TRANSACTIONS)
            for number in [_number(row[:3])]
        ]
        return (*orders, *transactions)

    def updates(self, published: Mapping[Number, int]) -> dict[str, list[Update]]:
        """Each order's, in order of their numbers; of those that nobody heard in time, when they
        were made."""
        found: dict[str, list[Update]] = defaultdict(list)
        for account, epoch, seq, at, order_id, status, filled in self._read(_UPDATES):
            heard = published.get((account, epoch, seq), at)
            found[order_id].append(Update(heard, status, filled))
        return found

    def refusals(self) -> tuple[r.Refusal, ...]:
        found = self._read("select client_id, command_id, order_id, code from refusals")
        return tuple(r.Refusal(*row) for row in found)

    def alarms(self) -> tuple[r.Alarm, ...]:
        found = self._read("select kind, account, coalesce(order_id, ''), text from alarms")
        return tuple(r.Alarm(*row) for row in found)

    def rejected(self) -> tuple[str, ...]:
        found = self._read("select what, error from rejected_writes")
        return tuple(f"{what}: {error}" for what, error in found)

    def final_states(self) -> dict[tuple[str, str, str], tuple[str, Decimal]]:
        """Status and filled quantity by account, symbol and the venue's id."""
        found = self._read(
            "select account, symbol, venue_order_id, status, cum_quantity from orders"
            " where venue_order_id is not null"
        )
        return {(a, symbol, number): (status, cum) for a, symbol, number, status, cum in found}

    def fills(self) -> dict[tuple[str, ...], tuple[Decimal, Decimal, Decimal]]:
        """Price, quantity and fee by account, symbol, the venue's order id and the trade's: as they
        were corrected last."""
        found = self._read(
            "select distinct on (account, symbol, venue_order_id, trade_id)"
            " account, symbol, venue_order_id, trade_id, price, quantity, fee"
            " from transactions where kind in ('fill', 'correction') and not repeated"
            " order by account, symbol, venue_order_id, trade_id, epoch desc, seq desc"
        )
        return {(a, s, number, trade): (p, q, f) for a, s, number, trade, p, q, f in found}

    def count_orders(self) -> int:
        return int(self._read("select count(*) from orders")[0][0])

    def sizes(self) -> dict[str, int]:
        """Bytes of each table with its indexes."""
        found = self._read(
            "select relname, pg_total_relation_size(oid) from pg_class"
            " where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
        )
        return dict(found)

    def _read(self, query: str) -> list[Row]:
        try:
            with psycopg.connect(self._url, connect_timeout=5) as connection:
                return connection.execute(query.encode()).fetchall()
        except psycopg.OperationalError as error:
            raise Unreachable(str(error)) from error


def _number(columns: Any) -> Number:
    account, epoch, seq = columns
    return account, epoch, seq


def _order(told: dict[str, Any]) -> r.HeldOrder:
    """Of a message, in which what has its default is left out."""
    average = told.get("avg_price")
    return r.HeldOrder(
        order_id=told["order_id"],
        account=told["account"],
        symbol=told["symbol"],
        client_id=told["client_id"],
        side=told["side"],
        origin=told.get("origin", "own"),
        status=told.get("status", "pending_new"),
        pending=told.get("pending", "none"),
        quantity=Decimal(told["quantity"]),
        cum_quantity=Decimal(told.get("cum_quantity", "0")),
        avg_price=None if average is None else Decimal(average),
        trades_complete=told.get("trades_complete", True),
        venue_order_id=told.get("venue_order_id"),
        reason_code=told.get("reason_code"),
        doubt=told.get("doubt"),
    )


def _transaction(row: Row) -> r.HeldTransaction:
    _, _, _, key, kind, order_id, symbol, side, quantity, price, fee, currency, trade, venue = row
    return r.HeldTransaction(
        key=key,
        kind=kind,
        order_id=order_id,
        account=row[0],
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=price,
        fee=fee,
        fee_currency=currency,
        trade_id=trade,
        venue_order_id=venue,
    )

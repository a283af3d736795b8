"""No question reads a whole table: PostgreSQL finds an index for each, once tables are large."""

import asyncio
from typing import Any

import psycopg

from gateway.domain.identity import make_order_id
from gateway.store import rows
from gateway.store.postgres import PostgresStore

ID = make_order_id(1, 1_790_000_000_000_000_000, 1)
PAGE = dict.fromkeys(
    ("account", "symbol", "owner", "statuses", "since", "until", "after_created_at")
) | {"after_order_id": None, "limit": 100}
RANGE = {"account": "main", "from_seq": 5, "to_seq": 9, "limit": 100}
OF_ORDER = {"order_id": ID, "limit": 100}
ALARMS = {"account": None, "open": False, "limit": 100}
VENUES_ID = {"account": "main", "order_id": ID, "symbol": "BTC/USDT", "venue_order_id": "7"}

QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("find_order", {"order_id": ID}),
    ("find_order_events", OF_ORDER),
    ("find_order_transactions", OF_ORDER),
    ("find_refusal", {"order_id": ID}),
    ("find_orders", PAGE),
    ("find_orders", PAGE | {"account": "main"}),
    ("find_orders", PAGE | {"owner": "desk", "since": 1, "until": 2}),
    ("find_orders", PAGE | {"after_created_at": 7, "after_order_id": ID}),
    ("find_open_orders", {"accounts": ["main"], "limit": 100}),
    ("find_items", RANGE),
    ("find_transactions", RANGE),
    ("find_trades", {"order_ids": [ID]}),
    ("find_alarms", ALARMS),
    ("find_alarms", ALARMS | {"account": "main"}),
    ("find_stored_alarms", {"digests": [b"1"]}),
    ("find_written_items", {"rows": '[{"account": "main", "epoch": 1, "seq": 7}]'}),
    ("recall", VENUES_ID),
]


def test_every_question_of_the_store_is_answered_by_an_index(database_url: str) -> None:
    async def migrate() -> None:
        store = PostgresStore(database_url)
        await store.open(migrating=True)
        await store.close()

    asyncio.run(migrate())
    with psycopg.connect(database_url) as connection:
        connection.execute("set enable_seqscan = off")
        for name, values in QUESTIONS:
            plan = plan_of(connection, rows.statement(name), values)
            assert "Index" in plan, (name, plan)
            assert "Seq Scan" not in plan, (name, plan)
        without_index = b"select state from orders where symbol = %(symbol)s"
        assert "Seq Scan" in plan_of(connection, without_index, {"symbol": "BTC/USDT"})


def plan_of(connection: psycopg.Connection[Any], question: bytes, values: dict[str, Any]) -> str:
    lines = connection.execute(b"explain (costs off) " + question, values).fetchall()
    return "\n".join(line for (line,) in lines)

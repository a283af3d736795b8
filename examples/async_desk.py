"""A desk on asyncio: an accountant, and a trader who works through a list of orders.

    python examples/async_desk.py

Both use one gateway that is attached to this program. The trader learns of his orders by `wait`;
the accountant takes every transaction exactly once, by acknowledging what he has written down, and
would go on from there after a restart.
"""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

import gateway

SYMBOL = "BTC/USDT"
QUANTITIES = ("0.003", "0.002", "0.001")
CONSUMER = "accountant"


class Ledger:
    """What the accountant has written down."""

    def __init__(self) -> None:
        self.bought = self.acknowledged = Decimal(0)
        self.changed = asyncio.Event()

    async def keep(self, client: gateway.AsyncClient, account: str) -> None:
        async for item in client.transactions(account, CONSUMER):
            fill = item.transaction
            self.bought += fill.quantity
            print(f"bought {fill.quantity:f} at {fill.price:f}, fee {fill.fee} {fill.fee_currency}")
            await client.acknowledge(account, CONSUMER, item.seq)
            self.acknowledged = self.bought
            self.changed.set()

    async def until_bought(self, quantity: Decimal) -> None:
        while self.acknowledged < quantity:
            await self.changed.wait()
            self.changed.clear()


async def trade(client: gateway.AsyncClient, account: str) -> Decimal:
    """Buys at the market; what was filled."""
    ids = [client.place(account, SYMBOL, "buy", "market", quantity) for quantity in QUANTITIES]
    orders = await asyncio.gather(*(client.wait(order_id, timeout=30) for order_id in ids))
    for order in orders:
        print(f"{order.order_id} is {order.status} at {order.avg_price}")
    return sum((order.cum_quantity for order in orders), Decimal(0))


async def main(config: Path | None) -> None:
    async with (
        gateway.attach_async(config, client_id="trader") as trader,
        trader.client("accountant") as accountant,
    ):
        ledger = Ledger()
        async with asyncio.TaskGroup() as desk:
            keeping = desk.create_task(ledger.keep(accountant, "main"))
            filled = await trade(trader, "main")
            await asyncio.wait_for(ledger.until_bought(filled), timeout=30)
            keeping.cancel()
        print(f"bought {ledger.bought:f}, as ordered" if ledger.bought >= filled else "missing")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))

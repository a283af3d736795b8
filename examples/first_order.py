"""A first order, in one program with its gateway: nothing else needs to run.

    python examples/first_order.py

The embedded defaults are used: a PostgreSQL of the gateway's own, and a paper venue. What is
written is under `var/` or GATEWAY_HOME; the next run goes on from there.
"""

import sys
from pathlib import Path

import gateway


def main(config: Path | None) -> None:
    with gateway.attach(config) as gw:
        order_id = gw.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
        order = gw.wait(order_id, until="accepted")
        print(f"{order_id} is {order.status} at the venue, as {order.venue_order_id}")

        gw.cancel(order_id)
        order = gw.wait(order_id)
        print(f"{order_id} is {order.status}, {order.cum_quantity} of {order.quantity} filled")

        for update in gw.get_order(order_id, history=True).history:
            print(f"  {update.seq}: {update.order.status} because of {update.cause.fact}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

"""Somebody who trades past the gateway: `python -m gateway.chaos.hand NAME DIARY PAPER_URL`.

With the accounts' own keys, by signed requests of its own: orders placed by hand, canceled by hand,
and orders of the gateway's that are made smaller by hand. Whatever the venue says to it, it goes
on. Told to rest, it does no more of it. SIGTERM: end.
"""

import hashlib
import hmac
import json
import signal
import sys
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from gateway.chaos import signals
from gateway.chaos.desk import middles, on_step
from gateway.chaos.diary import Diary, Gave
from gateway.chaos.venue_record import UNREACHABLE
from gateway.domain.identity import make_order_id
from gateway.paper.settings import AccountSettings
from gateway.paper.symbols import DEFAULT_SYMBOLS, Symbol
from gateway.sim.randomness import chance
from gateway.sim.records import Command

ACCOUNTS = ("main", "second")
ANOTHER_TAG = 2
PAUSE_S = (0.3, 2.5)
TIMEOUT_S = 5.0
WINDOW_MS = 5_000
VALUES = (100, 10_000, 60_000)


class Hand:
    def __init__(self, name: str, diary: Diary, url: str, seed: int) -> None:
        self.resting = False
        self._name = name
        self._diary = diary
        self._url = url
        self._random = chance(seed, f"{name}/{time.time_ns()}")
        self._keys = {
            account: AccountSettings(account, balances={}).credential() for account in ACCOUNTS
        }
        self._placed: list[tuple[str, Symbol, str]] = []

    def run(self) -> None:
        while True:
            time.sleep(self._random.uniform(*PAUSE_S))
            if not self.resting:
                ways = (self._place, self._cancel, self._amend)
                self._random.choices(ways, (6, 4, 3))[0]()

    def _place(self) -> None:
        random, symbol = self._random, self._random.choice(DEFAULT_SYMBOLS)
        middle = middles(self._url).get(symbol.name, symbol.start_price)
        price = on_step(middle * (1 + Decimal(random.randrange(-60, 60)) / 10_000), symbol.tick)
        value = Decimal(random.choice(VALUES)) / (1 if symbol.quote == "USDT" else 3_000)
        account = random.choice(ACCOUNTS)
        told = self._ask(
            "POST",
            "order",
            account,
            symbol=symbol.name,
            side=random.choice(("BUY", "SELL")),
            type="LIMIT",
            timeInForce="GTC",
            quantity=on_step(value / middle, symbol.step, least=symbol.step),
            price=price,
            **self._client_order_id(),
        )
        if isinstance(told, dict) and "orderId" in told:
            self._placed.append((account, symbol, str(told["orderId"])))

    def _client_order_id(self) -> dict[str, str]:
        """None of its own, a program's, or one of another gateway's."""
        bits = self._random.getrandbits(62)
        other = make_order_id(ANOTHER_TAG, time.time_ns(), bits)
        given = self._random.choice(("", f"web_{bits:x}", str(other)))
        return {"newClientOrderId": given} if given else {}

    def _cancel(self) -> None:
        if not self._placed:
            return
        account, symbol, number = self._placed.pop(self._random.randrange(len(self._placed)))
        asked = Command(
            what="cancel",
            at=time.time_ns(),
            client_id=self._name,
            command_id="",
            order_id="",
            account=account,
            symbol=symbol.unified,
            venue_order_id=number,
            kept=False,  # nobody sees to it that it takes effect
        )
        self._diary.write(Gave(asked))
        self._ask("DELETE", "order", account, symbol=symbol.name, orderId=number)

    def _amend(self) -> None:
        """Any order that is open, down to somewhere above what is filled."""
        account = self._random.choice(ACCOUNTS)
        found = self._ask("GET", "openOrders", account)
        if not isinstance(found, list) or not found:
            return
        order = self._random.choice(found)
        if not isinstance(order, dict) or "clientOrderId" not in order:
            return
        symbol = next(one for one in DEFAULT_SYMBOLS if one.name == order["symbol"])
        filled = Decimal(order["executedQty"])
        part = (Decimal(order["origQty"]) - filled) * self._random.randrange(1, 10) / 10
        self._ask(
            "PUT",
            "order/amend/keepPriority",
            account,
            symbol=symbol.name,
            orderId=str(order["orderId"]),
            newClientOrderId=order["clientOrderId"],
            newQty=on_step(filled + part, symbol.step),
        )

    def _ask(self, method: str, path: str, account: str, **params: str) -> Any:
        """None: it came to nothing, or nobody knows."""
        key = self._keys[account]
        now = str(time.time_ns() // 1_000_000)
        query = urlencode({**params, "timestamp": now, "recvWindow": str(WINDOW_MS)})
        signature = hmac.new(key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        address = f"{self._url}/api/v3/{path}?{query}&signature={signature}"
        request = urllib.request.Request(address, method=method)  # noqa: S310
        request.add_header("X-MBX-APIKEY", key.key)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except UNREACHABLE:
            return None


@click.command()
@click.argument("name")
@click.argument("diary", type=click.Path(path_type=Path))
@click.argument("paper_url")
@click.option("--seed", type=int, required=True)
def main(name: str, diary: Path, paper_url: str, seed: int) -> None:
    """Trade past the gateway until told to stop."""
    hand = Hand(name, Diary(diary), paper_url, seed)
    signal.signal(signals.REST, lambda *_: setattr(hand, "resting", True))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signals.hear()
    hand.run()


if __name__ == "__main__":
    main()

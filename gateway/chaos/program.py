"""A trading program as a process of its own: `python -m gateway.chaos.program NAME FOLDER ...`.

It hears what `signals` has. SIGTERM: end.
"""

import asyncio
import contextlib
import signal
from pathlib import Path

import click

from gateway.chaos import signals
from gateway.chaos.desk import Desk, Pace, middles
from gateway.chaos.diary import Believed, Diary, Told
from gateway.client import AsyncClient
from gateway.client import questions as q
from gateway.client.protocol import ClientOptions, ClientProtocol
from gateway.domain import messages as m
from gateway.domain.errors import GatewayError
from gateway.domain.identity import AccountId
from gateway.domain.order import Order
from gateway.sim.records import Heard
from gateway.sim.rows import belief, item_row
from gateway.wire import limits
from gateway.wire.endpoints import Endpoints
from gateway.wire.zeromq import ZmqTransport

ACCOUNTS = ("main", "second")
KEPT_ORDERS = 1_000_000
CONNECT_S = 600.0
PRICES_S = 2.0
RETRY_S = 0.5


class Program:
    def __init__(
        self, name: str, diary: Diary, endpoints: Endpoints, paper_url: str, seed: int, pace: Pace
    ) -> None:
        self._name = name
        self._diary = diary
        self._endpoints = endpoints
        self._paper_url = paper_url
        self._seed = seed
        self._pace = pace
        self._resting = False
        self._ended = asyncio.Event()
        self._asked = 0
        self._desk: Desk | None = None

    async def run(self) -> None:
        self._listen_to_signals()
        options = ClientOptions(client_id=self._name, kept_orders=KEPT_ORDERS)
        client = AsyncClient(
            self._endpoints, self._name, connect_timeout=CONNECT_S, options=options
        )
        connecting = asyncio.create_task(self._trade(client))
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait({connecting, ended}, return_when=asyncio.FIRST_COMPLETED)
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signals.REST, lambda: setattr(self, "_resting", True))
        loop.add_signal_handler(signals.BELIEVE, self._believe)
        loop.add_signal_handler(signal.SIGTERM, self._ended.set)
        signals.hear()

    # ---- its life ------------------------------------------------------------------------------

    async def _trade(self, client: AsyncClient) -> None:
        transport = ZmqTransport(asyncio.get_running_loop())
        try:
            async with client:
                known = await self._ask_accounts(client)
                mischief = transport.connect_push(self._endpoints.orders, limits.ORDERS)
                parts = (client.protocol, mischief, self._diary)
                self._desk = Desk(self._name, self._seed, *parts, ACCOUNTS, known.tag, self._pace)
                self._follow(client.protocol)
                prices = asyncio.create_task(self._follow_prices())
                try:
                    await self._act(client.protocol)
                finally:
                    prices.cancel()
        finally:
            transport.close()

    async def _ask_accounts(self, client: AsyncClient) -> m.AccountsReply:
        while True:
            try:
                return await client.ask(q.accounts())
            except GatewayError:
                await asyncio.sleep(RETRY_S)

    async def _act(self, protocol: ClientProtocol) -> None:
        desk = self._need
        while True:
            await asyncio.sleep(desk.pause_s(self._pace.orders_per_second))
            if not self._resting and protocol.is_live:
                desk.act()

    async def _follow_prices(self) -> None:
        while True:
            found = await asyncio.to_thread(middles, self._paper_url)
            self._need.prices.update(found)
            await asyncio.sleep(PRICES_S)

    @property
    def _need(self) -> Desk:
        if self._desk is None:
            raise RuntimeError("the desk is not there yet")
        return self._desk

    # ---- what it hears -------------------------------------------------------------------------

    def _follow(self, protocol: ClientProtocol) -> None:
        """From where each stream stands now: what came before is of no concern to this life."""
        for account in ACCOUNTS:
            self._diary.write(Told(account, Heard(*protocol.position(AccountId(account)))))
        pass_on = protocol.on_item

        def on_item(item: m.StreamItem, replayed: bool) -> None:
            entry = Heard(item.epoch, item.seq, item=item_row(item, None))
            self._diary.write(Told(item.account, entry))
            pass_on(item, replayed)

        def on_restated(account: AccountId, orders: tuple[Order, ...]) -> None:
            shown = tuple(sorted((order.order_id, order.status.value) for order in orders))
            entry = Heard(*protocol.position(account), snapshot=shown)
            self._diary.write(Told(account, entry))

        protocol.on_item = on_item
        protocol.on_restated = on_restated

    def _believe(self) -> None:
        self._asked += 1
        desk = self._desk
        known = [] if desk is None else [desk.protocol.followed(one) for one in desk.placed]
        beliefs = tuple(belief(self._name, one) for one in known if one is not None)
        self._diary.write(Believed(self._asked, beliefs))


@click.command()
@click.argument("name")
@click.argument("diary", type=click.Path(path_type=Path))
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.argument("paper_url")
@click.option("--seed", type=int, required=True)
@click.option("--rate", type=float, required=True, help="Orders a second.")
@click.option("--longest-life", type=float, default=30.0, help="Seconds until an order expires.")
def main(
    name: str,
    diary: Path,
    run_folder: Path,
    paper_url: str,
    seed: int,
    rate: float,
    longest_life: float,
) -> None:
    """Trade on both accounts until told to stop."""
    pace = Pace(rate, longest_life)
    program = Program(name, Diary(diary), Endpoints.ipc(run_folder), paper_url, seed, pace)
    asyncio.run(program.run())


if __name__ == "__main__":
    main()

"""Consumers of transactions as a process of their own: `python -m gateway.chaos.accountant`.

Each acknowledges now and then, and begins again behind its cursor when the process is restarted.
"""

import asyncio
import contextlib
import signal
from pathlib import Path

import click

from gateway.chaos.diary import Diary, Got
from gateway.client import AsyncClient
from gateway.domain.errors import GatewayError
from gateway.sim.randomness import chance
from gateway.sim.records import Delivery
from gateway.wire.endpoints import Endpoints

CONNECT_S = 600.0


class Accountant:
    def __init__(self, client: AsyncClient, diary: Diary, consumer: str, account: str) -> None:
        self._client = client
        self._diary = diary
        self._consumer = consumer
        self._account = account
        self._random = chance(1, consumer + account)

    async def run(self) -> None:
        self._note("restarted")
        async for item in self._client.transactions(self._account, self._consumer):
            self._note("delivered", item.seq, item.transaction.key)
            if self._random.random() < 0.1:
                await self._acknowledge(item.seq)

    async def _acknowledge(self, seq: int) -> None:
        self._note("asked", seq)
        with contextlib.suppress(GatewayError):  # not in time: a later one says more
            if await self._client.acknowledge(self._account, self._consumer, seq) >= seq:
                self._note("acknowledged", seq)

    def _note(self, what: str, seq: int = 0, key: str = "") -> None:
        self._diary.write(Got(self._consumer, self._account, Delivery(what, seq, key)))


async def account(endpoints: Endpoints, diary: Diary, consumers: tuple[str, ...]) -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    client = AsyncClient(endpoints, consumers[0], connect_timeout=CONNECT_S)
    async with client, asyncio.TaskGroup() as group:
        for consumer in consumers:
            for name in ("main", "second"):
                group.create_task(Accountant(client, diary, consumer, name).run())


@click.command()
@click.argument("diary", type=click.Path(path_type=Path))
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.argument("consumers", nargs=-1, required=True)
def main(diary: Path, run_folder: Path, consumers: tuple[str, ...]) -> None:
    """Follow both accounts' transactions as each of CONSUMERS until told to stop."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(account(Endpoints.ipc(run_folder), Diary(diary), consumers))


if __name__ == "__main__":
    main()

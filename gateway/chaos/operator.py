"""The kill switch as a process of its own: `python -m gateway.chaos.operator NAME DIARY ...`.

Now and then it halts an account or all of them, as `gateway halt` does, and resumes after a while.
Told to rest, it halts no more. SIGTERM: end. A life begins with a resume: the last one may have
been killed before its own.
"""

import asyncio
import contextlib
import signal
import time
from pathlib import Path

import click

from gateway.chaos import signals
from gateway.chaos.diary import Diary, Gave
from gateway.client import AsyncClient
from gateway.sim.randomness import chance
from gateway.sim.records import Command
from gateway.wire.endpoints import Endpoints

ACCOUNTS = ("main", "second")
ALL = ""
CONNECT_S = 600.0
BETWEEN_S = (10.0, 40.0)
HALTED_S = (0.5, 6.0)


class Operator:
    def __init__(
        self, client: AsyncClient, name: str, diary: Diary, seed: int, resting: asyncio.Event
    ) -> None:
        self._client = client
        self._name = name
        self._diary = diary
        self._random = chance(seed, f"{name}/{time.time_ns()}")
        self._resting = resting

    async def run(self) -> None:
        await self._resume()
        while not self._resting.is_set():
            await self._pause(BETWEEN_S)
            if not self._resting.is_set():
                await self._halt(self._random.choice((ALL, *ACCOUNTS)))
                await self._pause(HALTED_S)
                await self._resume()

    async def _pause(self, between: tuple[float, float]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._random.uniform(*between)):
                await self._resting.wait()

    async def _halt(self, account: str) -> None:
        began = time.time_ns()
        command_id = await self._client.halt(account, timeout=None)
        self._note("halt", account, began, command_id)

    async def _resume(self) -> None:
        """Told before it is sent: from then on a place may get through."""
        self._note("resume", ALL, time.time_ns())
        await self._client.resume(timeout=None)

    def _note(self, what: str, account: str, at: int, command_id: str = "") -> None:
        told = Command(
            what=what,
            at=at,
            client_id=self._name,
            command_id=command_id,
            order_id="",
            account=account,
            answered_at=time.time_ns(),
        )
        self._diary.write(Gave(told))


async def operate(name: str, diary: Diary, endpoints: Endpoints, seed: int) -> None:
    loop, resting, task = asyncio.get_running_loop(), asyncio.Event(), asyncio.current_task()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    loop.add_signal_handler(signals.REST, resting.set)
    signals.hear()
    async with AsyncClient(endpoints, name, connect_timeout=CONNECT_S) as client:
        await Operator(client, name, diary, seed, resting).run()
        await asyncio.Event().wait()


@click.command()
@click.argument("name")
@click.argument("diary", type=click.Path(path_type=Path))
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option("--seed", type=int, required=True)
def main(name: str, diary: Path, run_folder: Path, seed: int) -> None:
    """Halt and resume until told to stop."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(operate(name, Diary(diary), Endpoints.ipc(run_folder), seed))


if __name__ == "__main__":
    main()

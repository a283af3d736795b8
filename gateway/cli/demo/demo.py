"""`gateway demo`: start everything, trade, compare, stop."""

import asyncio
import logging
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from gateway.cli.demo.program import Program, Seen
from gateway.cli.demo.table import render
from gateway.cli.demo.verdict import Verdict, compare
from gateway.cli.stage import PROGRAMS, Stage, wait_for
from gateway.client import AsyncClient
from gateway.domain.enums import Role
from gateway.domain.errors import TimedOut
from gateway.store.embedded import EmbeddedPostgres

ACCOUNTS = ("main", "second")
START_S, SETTLE_S = 180.0, 30.0
REFRESH_S = 0.2


def demo(folder: Path, *, keep: bool, console: Console) -> int:
    """Returns the exit code: 0 if the venue and PostgreSQL agree on everything."""
    logging.basicConfig(level=logging.ERROR)
    shutil.rmtree(folder, ignore_errors=True)
    stage = Stage(folder)
    console.print(f"starting {', '.join(PROGRAMS)} under supervisord in {folder} ...")
    stage.start()
    try:
        agreed = _trade_and_compare(stage, console)
        if keep:
            _leave(stage, console)
    finally:
        if not keep:
            console.print("stopping everything ...")
            stage.stop()
    return 0 if agreed else 1


def _trade_and_compare(stage: Stage, console: Console) -> bool:
    stage.wait_up(START_S)
    asyncio.run(_trade(stage, console))
    store_url = EmbeddedPostgres(stage.home.postgres, stage.home.run).url
    verdicts: list[Verdict] = []

    def settled() -> bool:
        """The store is written in batches, a moment behind the stream."""
        verdicts.append(compare(store_url, venue_record(stage), deposits_of(stage)))
        return not verdicts[-1].differences

    try:
        wait_for(settled, "PostgreSQL and the venue agree", SETTLE_S)
    except TimedOut as error:
        console.print(str(error), style="red")
    _show(verdicts[-1], console)
    return not verdicts[-1].differences


async def _trade(stage: Stage, console: Console) -> None:
    programs = [Seen(account) for account in ACCOUNTS]
    async with asyncio.TaskGroup() as group:
        with Live(render(programs), console=console, refresh_per_second=5) as live:
            running = [group.create_task(_program(stage, seen)) for seen in programs]
            while not all(task.done() for task in running):
                await asyncio.sleep(REFRESH_S)
                live.update(render(programs))
    console.print()
    placed = sum(sum(seen.kinds.values()) for seen in programs)
    kinds = sum((seen.kinds for seen in programs), start=type(programs[0].kinds)())
    console.print(f"{placed} orders placed: {', '.join(f'{n} {k}' for k, n in kinds.items())}")


async def _program(stage: Stage, seen: Seen) -> None:
    client_id = f"demo-{seen.account}"
    async with AsyncClient(
        stage.endpoints, client_id, accounts=(seen.account,), connect_timeout=START_S
    ) as client:
        await client.until_ready(Role.EXECUTOR, Role.LISTENER)
        client.protocol.on_restated = lambda _account, orders: seen.orders.update(
            {order.order_id: order for order in orders}
        )
        following = asyncio.create_task(_follow(client, seen))
        try:
            await Program(client, seen, stage.paper_url).run()
        finally:
            following.cancel()


async def _follow(client: AsyncClient, seen: Seen) -> None:
    async for item in client.updates():
        seen.note(item)


def venue_record(stage: Stage) -> dict[str, Any]:
    """What the venue itself says that it did."""
    return {name: stage.paper(f"/paper/{name}") for name in ("orders", "fills", "balances")}


def deposits_of(stage: Stage) -> dict[str, dict[str, str]]:
    """What each account began with, by asset."""
    page = stage.paper("/paper/record?after=0&limit=100")
    found: dict[str, dict[str, str]] = {}
    for entry in page["entries"]:
        if entry["type"] == "deposit":
            found.setdefault(entry["account"], {})[entry["asset"]] = entry["delta"]
    return found


def _show(verdict: Verdict, console: Console) -> None:
    console.print(
        f"compared with the venue's own record: {verdict.orders} orders, {verdict.fills} fills,"
        f" {verdict.fees} fees, {verdict.balances} balances;"
        f" {len(verdict.differences)} differences"
    )
    for difference in verdict.differences[:20]:
        console.print(f"  {difference}", style="red")


def _leave(stage: Stage, console: Console) -> None:
    pid = stage.leave_running()
    console.print(f"left running; `kill {pid}` stops everything. Its folder: {stage.home.root}")

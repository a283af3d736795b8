"""An operator restarts each program while the desk trades: nothing is lost, nothing doubled."""

import asyncio

import pytest
from books import SETTLE_S, Books
from load import Load, settle

from gateway.cli.stage import Stage

PROGRAMS = ("listener", "executor", "actioner", "manager", "postgres")
BETWEEN = 30
"""Orders placed between two restarts."""


@pytest.mark.timeout(400)
def test_each_program_is_restarted_under_load_and_nothing_is_lost_or_doubled(stage: Stage) -> None:
    load = Load(stage.endpoints)
    before = {program: stage.pid(program) for program in PROGRAMS}

    async def trade_and_restart() -> None:
        trading = asyncio.create_task(load.run("rolling-desk"))
        for program in PROGRAMS:
            placed = len(load.placed)
            while len(load.placed) < placed + BETWEEN and not trading.done():
                await asyncio.sleep(0.02)
            await asyncio.to_thread(stage.restart, program)
        load.stopping = True
        await trading

    asyncio.run(trade_and_restart())

    fates = asyncio.run(settle(stage.endpoints, load.placed, SETTLE_S))
    books = Books.of_stage(stage)
    verdict = books.wait_until_they_agree()
    assert {stage.pid(program) for program in PROGRAMS}.isdisjoint(before.values())
    assert sum(fates.values()) == len(load.placed)
    assert set(fates) <= {"known", "refused", "never_received"}
    assert fates["known"] >= verdict.orders > 100
    assert verdict.fills > 20
    books.assert_each_id_is_there_once_at_most()

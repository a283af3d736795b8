"""What a start does until the database has told whether the journal is the newest."""

import asyncio

from listener_kit import MAIN, Desk, answered, intended

from gateway.service.listener import until_compared


def worked() -> Desk:
    desk = Desk()
    desk.tell(1, intended(1))
    desk.tell(2, answered(1))
    desk.crash()
    desk.boot()
    return desk


def test_a_database_that_answers_keeps_the_numbers() -> None:
    desk = worked()
    before = desk.ledger.streams[MAIN]

    async def start() -> None:
        compared = asyncio.Event()
        asyncio.get_running_loop().call_soon(compared.set)
        await until_compared(compared, desk.ledger, 60.0)

    asyncio.run(start())
    assert desk.ledger.streams[MAIN] == before


def test_a_database_that_is_away_costs_new_epochs_and_holds_up_nothing_more() -> None:
    desk = worked()
    before = desk.ledger.streams[MAIN]
    asyncio.run(until_compared(asyncio.Event(), desk.ledger, 0.0))

    assert desk.ledger.streams[MAIN].epoch > before.epoch
    assert desk.ledger.streams[MAIN].seq > before.seq


def test_a_full_disk_is_waited_for_until_the_numbers_can_jump() -> None:
    desk = worked()
    before = desk.ledger.streams[MAIN]
    desk.fill_disk()

    async def start() -> None:
        waiting = asyncio.create_task(until_compared(asyncio.Event(), desk.ledger, 0.0))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        assert desk.ledger.streams[MAIN] == before
        desk.free_disk()
        await waiting

    asyncio.run(start())
    assert desk.ledger.streams[MAIN].epoch > before.epoch


def test_a_first_start_has_nothing_to_wait_for() -> None:
    desk = Desk()
    epoch = desk.ledger.streams[MAIN].epoch
    asyncio.run(until_compared(asyncio.Event(), desk.ledger, 60.0))

    assert desk.ledger.streams[MAIN].epoch == epoch

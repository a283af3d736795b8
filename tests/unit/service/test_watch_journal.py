"""A journal that can't be trusted any more ends its process (case 69)."""

import asyncio
import shutil
from pathlib import Path

import pytest

from gateway.journal import (
    DirectoryFiles,
    Journal,
    JournalFailed,
    JournalFull,
    JournalLost,
    JournalOptions,
    MemoryFiles,
)
from gateway.service.recovery import watch_journal

OPTIONS = JournalOptions(reserve_bytes=0)


def test_a_folder_that_was_taken_away_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal, _ = Journal.open(DirectoryFiles(folder), OPTIONS, empty_checkpoint=b"")
    shutil.rmtree(folder)

    with pytest.raises(JournalLost):
        asyncio.run(watch_journal(journal, every_s=0))
    journal.close(clean=False)


def test_a_disk_that_failed_once_is_not_trusted_again() -> None:
    files = MemoryFiles()
    journal, _ = Journal.open(files, OPTIONS, empty_checkpoint=b"")
    files.sync_fails = True
    with pytest.raises(JournalFailed):
        journal.sync()
    files.sync_fails = False

    with pytest.raises(JournalFailed):
        asyncio.run(watch_journal(journal, every_s=0))


def test_a_full_disk_is_waited_for() -> None:
    files = MemoryFiles()
    journal, _ = Journal.open(files, OPTIONS, empty_checkpoint=b"")
    files.capacity = sum(files.size(name) for name in files.names())
    with pytest.raises(JournalFull):
        journal.append(b"record")

    async def watch() -> bool:
        watching = asyncio.create_task(watch_journal(journal, every_s=0))
        for _ in range(10):
            await asyncio.sleep(0)
        still = not watching.done()
        watching.cancel()
        return still

    assert asyncio.run(watch())

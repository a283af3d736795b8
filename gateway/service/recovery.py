"""What is said of a journal that was not left as it should be, or is not what it was."""

import asyncio
import logging

from gateway.domain.enums import Role
from gateway.journal import Journal, Recovery

log = logging.getLogger("gateway.service")

WATCH_S = 1.0


async def watch_journal(journal: Journal, every_s: float = WATCH_S) -> None:
    """Raises once nothing can be recorded any more, or what is recorded is not kept: the disk
    failed, or the folder is gone. Only a new start can tell what the disk holds; until then what
    is not recorded is neither published nor acknowledged. A full disk is none of it: that is
    waited for."""
    while True:
        journal.check()
        await asyncio.sleep(every_s)


def log_recovery(role: Role, recovery: Recovery) -> None:
    """What was wrong with the journal, for people."""
    if recovery.created or (recovery.is_continuous and not recovery.damaged):
        return
    log.error(
        "journal_damaged process=%s torn_bytes=%d missing=%s damaged=%s power_loss_possible=%s",
        role, recovery.torn_bytes, recovery.missing,
        [damage.segment for damage in recovery.damaged], recovery.power_loss_possible,
    )  # fmt: skip

"""What is said of a journal that was not left as it should be."""

import logging

from gateway.domain.enums import Role
from gateway.journal import Recovery

log = logging.getLogger("gateway.service")


def log_recovery(role: Role, recovery: Recovery) -> None:
    """What was wrong with the journal, for people."""
    if recovery.created or (recovery.is_continuous and not recovery.damaged):
        return
    log.error(
        "journal_damaged process=%s torn_bytes=%d missing=%s damaged=%s power_loss_possible=%s",
        role, recovery.torn_bytes, recovery.missing,
        [damage.segment for damage in recovery.damaged], recovery.power_loss_possible,
    )  # fmt: skip

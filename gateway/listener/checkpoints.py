"""Checkpoints as the listener's journal is opened: one that can't be read is none."""

import logging

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.change import Alarm
from gateway.domain.errors import BadMessage
from gateway.domain.identity import AccountId

log = logging.getLogger("gateway.listener")


class CheckpointReader:
    """Hand `takes` to the opening of the journal: what it refuses counts as damaged, and the
    opening goes back to an older checkpoint and reads on from there. `last` is the one to go on
    from, None if there is none: the database then has what the journal has not."""

    def __init__(self) -> None:
        self.last: m.ListenerCheckpoint | None = None
        self.refused = 0

    def takes(self, payload: bytes) -> bool:
        try:
            self.last = codec.listener_checkpoints.decode(payload)
        except BadMessage as error:
            self.refused += 1
            log.error("checkpoint_unreadable text=%s", error)  # noqa: TRY400 the text says it all
            return False
        return True


def alarm_of_checkpoint(at: int) -> Alarm:
    text = (
        "a checkpoint of the listener's journal could not be read: it went on from an older one, "
        "or from the database. A copy is beside the journal's segments"
    )
    return Alarm(kind="checkpoint_unreadable", text=text, at=at, account=AccountId(""))

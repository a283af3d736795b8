"""What the executor counts, for its metrics."""

from collections import Counter
from dataclasses import dataclass, field

from gateway.domain.errors import Code


@dataclass(slots=True)
class Counters:
    """All since the start of the process.

    repeated: commands that came again and were ignored. collapsed: cancels of an order whose
    cancel was under way. silent: refusals of which no record could be made. unusable: messages
    that could not be answered, since they name nobody.
    """

    placed: int = 0
    amended: int = 0
    canceled: int = 0
    cancels_sent: int = 0
    cancels_ended: int = 0
    repeated: int = 0
    collapsed: int = 0
    silent: int = 0
    unusable: int = 0
    unanswered: int = 0
    late_answers: int = 0
    sent: int = 0
    resent: int = 0
    gaps: int = 0
    outboxes_begun: int = 0
    unrecorded_lost: int = 0
    bad_status: int = 0
    bad_records: int = 0
    refused: Counter[Code] = field(default_factory=Counter)

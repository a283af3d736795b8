"""What the executor counts and times, for its metrics."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.domain.errors import Code
from gateway.domain.identity import AccountId
from gateway.domain.latency import Latencies, Sampled
from gateway.domain.venue import CommandAnswer, Done, NotSent, OutcomeUnknown, Refused

PLACE, CANCEL, AMEND = "place", "cancel", "amend"
OUTCOMES = {Done: "done", Refused: "refused", NotSent: "not_sent", OutcomeUnknown: "unknown"}

Answer = tuple[str, AccountId, str, str]
"""The command, the account, the outcome, and the code of a refusal or of what was not sent."""


@dataclass(slots=True)
class Timings:
    """journaled: from a command's message to its record. answered: from a command's record to the
    venue's answer, by command and account. acknowledged: from a record to the listener's word that
    it has it; one record at a time is timed."""

    journaled: defaultdict[str, Latencies] = field(default_factory=lambda: defaultdict(Latencies))
    answered: defaultdict[tuple[str, AccountId], Latencies] = field(
        default_factory=lambda: defaultdict(Latencies)
    )
    acknowledged: Sampled = field(default_factory=Sampled)


class Holds(NamedTuple):
    """What the executor holds at present.

    unacknowledged: records that the listener has not acknowledged. unanswered: places and amends
    that the venue has not answered. halted: accounts, with an empty name for all of them.
    """

    unacknowledged: int
    unanswered: int
    cancels: int
    ids: int
    halted: tuple[str, ...]


@dataclass(slots=True)
class Counters:
    """All since the start of the process.

    repeated: commands that came again and were ignored. collapsed: cancels of an order whose
    cancel was under way. silent: refusals of which no record could be made. unusable: messages
    that could not be answered, since they name nobody. unread: times that the journal could not be
    read.
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
    unread: int = 0
    bad_status: int = 0
    bad_records: int = 0
    refused: Counter[Code] = field(default_factory=Counter)
    answers: Counter[Answer] = field(default_factory=Counter)
    timings: Timings = field(default_factory=Timings)

    def note_answer(
        self, command: str, account: AccountId, answer: CommandAnswer, took: int | None
    ) -> None:
        """`took` None: it was not this process that sent it."""
        code = answer.code if isinstance(answer, Refused | NotSent) else ""
        self.answers[command, account, OUTCOMES[type(answer)], code] += 1
        if took is not None:
            self.timings.answered[command, account].add(took)

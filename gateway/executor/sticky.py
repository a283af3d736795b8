"""A cancel that is repeated, and what the venue's answers mean for it."""

from msgspec import Struct

from gateway.domain.errors import Code
from gateway.domain.messages import CancelIntended
from gateway.domain.venue import CommandAnswer, NotSent, OutcomeUnknown, Refused

FINAL = frozenset({Code.VENUE_REFUSED, Code.VENUE_FILTER, Code.VENUE_FUNDS, Code.VENUE_WOULD_MATCH})
"""The venue has judged the cancel and said no (case 21)."""


class StickyCancel(Struct, kw_only=True):
    """`placed`: the order went out from here. `recorded`: the last answer in the journal.

    The last three are of this process: whether a request is under way, and since when; when the
    listener was last told of the cancel (monotonic).
    """

    intended: CancelIntended
    placed: bool
    recorded: str = ""
    under_way: bool = False
    sent_since: int = 0
    told_since: int = 0


def settled(answer: CommandAnswer) -> CommandAnswer:
    """What does not decide the cancel is an unknown outcome of it: it will be repeated."""
    decides = isinstance(answer, Refused) and (
        answer.code in FINAL or answer.code is Code.VENUE_ORDER_NOT_FOUND
    )
    if isinstance(answer, NotSent) or (isinstance(answer, Refused) and not decides):
        return OutcomeUnknown(text=f"to be repeated after {answer.code}: {answer.text}")
    return answer


def kind_of(answer: CommandAnswer) -> str:
    """The outcome without its words, which may differ from time to time."""
    code = answer.code if isinstance(answer, Refused) else ""
    return f"{type(answer).__name__} {code}".strip()

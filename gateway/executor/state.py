"""What the parts of the executor share."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.errors import BadInput, Code
from gateway.domain.identity import AccountId
from gateway.domain.venue import CommandAnswer, Done, NotSent, OutcomeUnknown, Refused, VenueAnswer
from gateway.executor.counters import Counters
from gateway.executor.memory import IdMemory
from gateway.executor.moments import Moments
from gateway.executor.orders import PlacedOrders
from gateway.executor.outbox import Outbox
from gateway.executor.refusals import Refusals
from gateway.executor.settings import ExecutorSettings
from gateway.ports import Randomness, Timers, Venue


@dataclass(slots=True, kw_only=True)
class State:
    settings: ExecutorSettings
    venues: Mapping[AccountId, Venue]
    moments: Moments
    timers: Timers
    randomness: Randomness
    outbox: Outbox
    refusals: Refusals
    memory: IdMemory
    orders: PlacedOrders
    counters: Counters

    def venue(self, account: str) -> Venue:
        venue = self.venues.get(AccountId(account))
        if venue is None:
            raise BadInput("the gateway has no such account", Code.UNKNOWN_ACCOUNT)
        return venue

    def land_by(self, venue: Venue, expires_at: int) -> int:
        """A request that is not sent after `expires_at` can't reach the book after this."""
        window = venue.profile.receive_window
        if window is None:
            window = self.settings.landing_window
        return expires_at + window + self.settings.rules.clock_error


def command_answer(answer: VenueAnswer) -> CommandAnswer:
    """An answer that does not answer a command leaves its outcome unknown."""
    if isinstance(answer, Done | Refused | NotSent | OutcomeUnknown):
        return answer
    return OutcomeUnknown(text=f"the venue adapter answered with {type(answer).__name__}")

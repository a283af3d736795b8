"""What a trading program is told when a command can't be, or was not, carried out."""

from gateway.domain import messages as m
from gateway.domain.errors import Code, GatewayError, Unavailable


class Refused(GatewayError):
    """The gateway refused the command; nothing was sent to the venue."""

    def __init__(self, refusal: m.Refusal) -> None:
        super().__init__(refusal.text, refusal.code)
        self.refusal = refusal


class NotSent(Unavailable):
    """The command did not leave this program: nobody takes orders at the moment."""

    def __init__(self, text: str = "nobody takes orders: is the executor running?") -> None:
        super().__init__(text, Code.NOT_READY)


class Closed(Unavailable):
    """This client has been closed."""

    def __init__(self) -> None:
        super().__init__("the client is closed", Code.NOT_READY)


PASSING = frozenset(
    {Code.TIMED_OUT, Code.NOT_READY, Code.BUSY, Code.TOO_MANY, Code.STORE_DOWN, Code.JOURNAL_FULL}
)
"""What a question failed of that may be answered later; any other code stays."""

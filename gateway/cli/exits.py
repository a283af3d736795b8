"""Exit codes, for scripts."""

from enum import IntEnum

from gateway.domain.errors import BadConfig, Code, GatewayError, TimedOut, Unavailable


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    """Refused, or failed for certain; the code says why."""
    USAGE = 2
    """The command line or the configuration is wrong; nothing was done."""
    UNKNOWN = 3
    """No answer in time, or an order in doubt: it may have been done. Ask before doing it again."""
    UNREACHABLE = 4
    """No gateway, or no supervisor, is there. Nothing was done."""
    INTERRUPTED = 130


class NotReachable(Unavailable):
    """Nobody answers where the gateway should be."""


class OutcomeNotKnown(TimedOut):
    """What was asked may have been done, and could not be seen in time."""


class Problems(GatewayError):
    """Something was looked at and is not as it should be; it has been shown already."""

    code = Code.NOT_READY


def exit_of(error: GatewayError) -> Exit:
    match error:
        case BadConfig():
            return Exit.USAGE
        case NotReachable():
            return Exit.UNREACHABLE
        case TimedOut() | GatewayError(code=Code.TIMED_OUT):
            return Exit.UNKNOWN
        case _:
            return Exit.FAILED

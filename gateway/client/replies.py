"""What came back for a question."""

from typing import TypeVar

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import BadMessage, Code, GatewayError, TimedOut

R = TypeVar("R", bound=m.Reply)


def read_reply(frame: bytes | None, expected: type[R]) -> R | GatewayError:
    """The reply as `expected`, or the error in its place."""
    if frame is None:
        return TimedOut("no answer in time; it may have been carried out")
    try:
        reply = codec.replies.decode(frame)
    except BadMessage as error:
        return error
    if isinstance(reply, m.Failed):
        return GatewayError(reply.text, reply.code)
    if not isinstance(reply, expected):
        return GatewayError(f"unexpected reply {type(reply).__name__}", Code.UNKNOWN_TYPE)
    return reply

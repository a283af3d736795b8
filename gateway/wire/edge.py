"""The edge of the read loops: what a callback raises ends here."""

import logging
from collections.abc import Callable
from typing import ParamSpec

from gateway.wire.base import Counters

P = ParamSpec("P")

logger = logging.getLogger(__name__)


def call_guarded(
    counters: Counters,
    endpoint: str,
    callback: Callable[P, None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Run a callback; if it raises, log and count that, and go on with the next message."""
    try:
        callback(*args, **kwargs)
    except Exception:
        counters.handler_errors += 1
        logger.exception("wire_handler_failed", extra={"endpoint": endpoint})


def note_malformed(counters: Counters, endpoint: str) -> None:
    """Count a message that cannot be one of ours, and log the first, second, fourth, eighth..."""
    counters.malformed += 1
    if is_power_of_two(counters.malformed):
        logger.warning("wire_malformed", extra={"endpoint": endpoint, "count": counters.malformed})


def is_power_of_two(count: int) -> bool:
    """For logging something that a stranger can repeat at will: often at first, then seldom."""
    return count > 0 and count & (count - 1) == 0

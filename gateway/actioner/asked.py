"""One request on its way to its one answer, and what every request has in common."""

import logging
from collections.abc import Callable
from typing import TypeVar

from gateway.domain import messages as m
from gateway.domain.errors import BadInput, Code, GatewayError, TimedOut, Unavailable
from gateway.domain.identity import OrderId, is_order_id
from gateway.domain.records import Found, Query, StoreFailed
from gateway.domain.venue import QueryFailed, VenueAnswer
from gateway.ports import Clock, Store

log = logging.getLogger("gateway.actioner")

T = TypeVar("T")
F = TypeVar("F")


class Asked:
    """Answers once; what comes after that is ignored."""

    def __init__(
        self, request: m.AnyRequest, send: Callable[[m.AnyReply], None], clock: Clock
    ) -> None:
        self.request = request
        self.answered = False
        self._send = send
        self._clock = clock

    @property
    def id(self) -> str:
        return self.request.request_id

    @property
    def time_left(self) -> int:
        """ns until the asker gives up; zero or less: it has."""
        return self.request.expires_at - self._clock.now()

    def require_time(self) -> None:
        """To be called before anything is done. Raises `TimedOut` once the asker has given up."""
        if self.time_left <= 0:
            raise _gave_up()

    def answer(self, reply: m.AnyReply) -> None:
        if not self.answered:
            self.answered = True
            self._send(reply)

    def fail(self, error: GatewayError) -> None:
        self.answer(m.Failed(request_id=self.id, code=error.code, text=str(error)))

    def expire(self) -> None:
        self.fail(_gave_up())

    def run(self, step: Callable[[], None]) -> None:
        """Runs a step on the way; what it raises becomes the answer."""
        try:
            step()
        except GatewayError as error:
            self.fail(error)
        except Exception:
            log.exception("request_failed type=%s request_id=%s", kind_of(self.request), self.id)
            text = "the gateway made a mistake; its log says which"
            self.fail(GatewayError(text, Code.INTERNAL))

    def then(self, step: Callable[[T], None]) -> Callable[[T], None]:
        """`step` as a callback."""
        return lambda value: self.run(lambda: step(value))

    def find(self, store: Store, query: Query, kind: type[F], step: Callable[[F], None]) -> None:
        """Asks the store; a store that fails becomes the answer."""
        store.ask(query, self.then(lambda found: step(expect(found, kind))))


def _gave_up() -> TimedOut:
    return TimedOut("the asker gave up before its turn came: it was not carried out")


def kind_of(request: m.AnyRequest) -> str:
    return str(type(request).__struct_config__.tag)


def expect(found: Found | StoreFailed, kind: type[F]) -> F:
    """Raises `Unavailable` with code `store_down` for a store that can't say."""
    if isinstance(found, kind):
        return found
    text = found.text if isinstance(found, StoreFailed) else f"it said {type(found).__name__}"
    raise Unavailable(f"the store does not answer: {text}; ask again", Code.STORE_DOWN)


def expect_venue(answer: VenueAnswer, kind: type[F]) -> F:
    """Raises `Unavailable` with the venue's code for a query that failed."""
    if isinstance(answer, kind):
        return answer
    if isinstance(answer, QueryFailed):
        raise Unavailable(f"the venue was asked in vain: {answer.text}", answer.code)
    text = f"the venue answered with {type(answer).__name__}"
    raise Unavailable(text, Code.VENUE_QUERY_FAILED)


def checked_order_id(text: str) -> OrderId:
    if not is_order_id(text):
        raise BadInput("order_id must be a UUIDv8 in lower case", Code.BAD_ORDER_ID)
    return OrderId(text)


def unknown_order() -> BadInput:
    return BadInput("the gateway knows no such order", Code.UNKNOWN_ORDER)

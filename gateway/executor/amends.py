"""Amends in place: one request at a time for each order, each command at most once (case 25)."""

import logging
from decimal import Decimal
from functools import partial

from gateway.domain.checks import NewFigures, check_amend
from gateway.domain.errors import BadInput, Busy, Code, GatewayError, Unavailable
from gateway.domain.identity import (
    AccountId,
    ClientId,
    CommandId,
    OrderId,
    Symbol,
    is_order_id,
    order_id_tag,
)
from gateway.domain.messages import Amend, AmendAnswered, AmendIntended
from gateway.domain.money import plain
from gateway.domain.venue import AmendOrder, CommandAnswer, Done, OutcomeUnknown, VenueAnswer
from gateway.executor.cancels import Cancels
from gateway.executor.counters import AMEND
from gateway.executor.gate import Gate
from gateway.executor.memory import CLOSED, DEAD
from gateway.executor.orders import PlacedOrder
from gateway.executor.state import State, command_answer
from gateway.ports import Venue

logger = logging.getLogger(__name__)


class Amends:
    """`_seen` are commands by order and command id, until they can't be carried out any more: a
    duplicate that came late would undo a later amend."""

    def __init__(self, state: State, gate: Gate, cancels: Cancels) -> None:
        self._state = state
        self._gate = gate
        self._cancels = cancels
        self._seen: dict[tuple[str, str], int] = {}

    def on_amend(self, amend: Amend) -> None:
        if (amend.order_id, amend.command_id) in self._seen:
            self._state.counters.repeated += 1
            return
        if len(self._seen) >= self._state.settings.max_amends:
            self._refuse(amend, Busy("too many amends at once: try later", Code.TOO_MANY))
            return
        try:
            venue = self._state.venue(amend.account)
            self._gate.check(venue)
            figures = self._check(amend, venue)
            order = self._find(amend)
            self._check_free(order, venue)
            intended = self._intend(amend, figures, venue)
        except GatewayError as error:
            self._refuse(amend, error)
            return
        self._send(order, intended, figures, amend.expires_at, venue)

    def _check(self, amend: Amend, venue: Venue) -> NewFigures:
        return check_amend(
            amend,
            now=self._state.moments.latest(),
            markets=venue.markets,
            rules=self._state.settings.rules,
        )

    def _find(self, amend: Amend) -> PlacedOrder:
        state = self._state
        order = state.orders.get(amend.order_id)
        if order is None:
            raise self._missing(amend.order_id)
        if order.account != amend.account:
            raise BadInput("the order is of another account", Code.WRONG_ACCOUNT)
        if order.intent.order.symbol != amend.symbol:
            raise BadInput("the order is of another symbol", Code.BAD_COMBINATION)
        return order

    def _missing(self, order_id: str) -> GatewayError:
        if order_id_tag(order_id) != self._state.settings.tag:
            text = "the order was not placed through this gateway"
            return BadInput(text, Code.FOREIGN_ORDER_ID)
        remembered = self._state.memory.get(order_id)
        if remembered is not None and remembered & (DEAD | CLOSED):
            return BadInput("the order is closed already", Code.ALREADY_CLOSED)
        text = "no open order of that id is at hand: cancel it and place a new one"
        return BadInput(text, Code.UNKNOWN_ORDER)

    def _check_free(self, order: PlacedOrder, venue: Venue) -> None:
        if not venue.profile.can_amend:
            raise BadInput("the venue can't amend an order in place", Code.AMEND_UNSUPPORTED)
        if order.order_id in self._cancels:
            raise Unavailable("the order is being canceled", Code.REPLACE_PENDING)
        if not order.answered or order.doubt:
            raise Unavailable("the venue has not acknowledged the order", Code.REPLACE_PENDING)
        if self._is_pending(order):
            raise Unavailable("another amend of the order is under way", Code.REPLACE_PENDING)
        self._state.orders.check_room()

    def _is_pending(self, order: PlacedOrder) -> bool:
        if order.amend is None:
            return False
        return not order.amend_answered or self._state.moments.now() <= order.amend.land_by

    def _intend(self, amend: Amend, figures: NewFigures, venue: Venue) -> AmendIntended:
        intended = AmendIntended(
            at=self._state.moments.now(),
            command_id=CommandId(amend.command_id),
            client_id=ClientId(amend.client_id),
            order_id=OrderId(amend.order_id),
            account=AccountId(amend.account),
            symbol=Symbol(amend.symbol),
            quantity=_text(figures.quantity),
            price=_text(figures.price),
            land_by=self._state.land_by(venue, amend.expires_at),
        )
        self._state.outbox.append(intended)
        return intended

    def _send(
        self,
        order: PlacedOrder,
        intended: AmendIntended,
        figures: NewFigures,
        expires_at: int,
        venue: Venue,
    ) -> None:
        state, asked = self._state, order.intent.order
        self.apply_intent(intended)
        now = order.amended_since = state.moments.monotonic()
        state.counters.timings.journaled[AMEND].add(now - state.moments.received)
        venue.start(
            AmendOrder(
                order_id=asked.order_id,
                symbol=asked.symbol,
                venue_order_id=order.venue_order_id,
                side=asked.side,
                order_type=asked.order_type,
                quantity=figures.quantity,
                price=figures.price,
                expires_at=expires_at,
            ),
            partial(self.on_answer, intended),
        )
        state.counters.amended += 1
        logger.debug(
            "order_amended order_id=%s command_id=%s client_id=%s account=%s",
            intended.order_id, intended.command_id, intended.client_id, intended.account,
        )  # fmt: skip
        state.outbox.tell()

    def _refuse(self, amend: Amend, error: GatewayError) -> None:
        """What was refused once is refused for good: a duplicate of it is not carried out."""
        rules, until = self._state.settings.rules, 0
        if is_order_id(amend.order_id):
            limit = self._state.settings.max_amends
            if len(self._seen) >= limit + limit // 10:
                self._state.counters.silent += 1  # what can't be remembered is not called refused
                return
            latest = self._state.moments.latest()
            until = min(amend.expires_at, latest + rules.max_expiry + rules.clock_error)
            self._seen[amend.order_id, amend.command_id] = until
        self._state.refusals.refuse(amend, error, repeat_until=until)

    # ---- the venue's answer --------------------------------------------------------------------

    def on_answer(self, intended: AmendIntended, said: VenueAnswer) -> None:
        answered = AmendAnswered(
            at=self._state.moments.next(),  # an order takes amends in the order of their times
            sent_at=intended.at,
            order_id=intended.order_id,
            account=intended.account,
            quantity=intended.quantity,
            price=intended.price,
            answer=command_answer(said),
        )
        self._state.outbox.keep(answered)
        self._note_answer(answered)
        self.apply_answer(answered)
        self._state.outbox.tell()

    def _note_answer(self, answered: AmendAnswered) -> None:
        state = self._state
        order = state.orders.get(answered.order_id)
        since = 0 if order is None or order.amend_answered else order.amended_since
        took = state.moments.monotonic() - since if since else None
        state.counters.note_answer(AMEND, answered.account, answered.answer, took)
        order_id, account, said = (
            answered.order_id,
            answered.account,
            type(answered.answer).__name__,
        )
        logger.debug("amend_answered order_id=%s account=%s said=%s", order_id, account, said)

    def apply_answer(self, answered: AmendAnswered) -> None:
        state, answer = self._state, answered.answer
        order = state.orders.get(answered.order_id)
        if order is not None:
            self._release(order, answer)
        if not isinstance(answer, Done):
            return
        if answer.order is not None and answer.order.status.is_closed:
            state.memory.mark_closed(answered.order_id, closed=True)
            state.orders.forget(answered.order_id)
            self._cancels.end(answered.order_id)
        else:
            state.memory.mark_closed(answered.order_id, closed=False)

    def _release(self, order: PlacedOrder, answer: CommandAnswer) -> None:
        order.amend_answered = True
        if not isinstance(answer, OutcomeUnknown):
            order.amend = None
        if isinstance(answer, Done) and answer.venue_order_id is not None:
            order.venue_order_id = answer.venue_order_id  # some venues give it a new one
        self._state.orders.note(order)

    # ---- start and time-out --------------------------------------------------------------------

    def apply_intent(self, intended: AmendIntended) -> None:
        self._seen[intended.order_id, intended.command_id] = intended.land_by
        order = self._state.orders.get(intended.order_id)
        if order is not None:
            order.amend = intended
            order.amend_answered = False
            self._state.orders.note(order)

    def apply_refusal(self, order_id: str, command_id: str, until: int) -> None:
        self._seen[order_id, command_id] = until

    def give_up(self, order: PlacedOrder, why: str) -> None:
        if order.amend is not None:
            self._state.counters.unanswered += 1
            self.on_answer(order.amend, OutcomeUnknown(text=why))

    def forget_old(self, now: int) -> None:
        for key in [key for key, until in self._seen.items() if until < now]:
            del self._seen[key]

    def dump(self) -> tuple[tuple[str, str, int], ...]:
        return tuple(
            (order_id, command, until) for (order_id, command), until in self._seen.items()
        )

    def load(self, seen: tuple[tuple[str, str, int], ...]) -> None:
        self._seen = {(order_id, command): until for order_id, command, until in seen}


def _text(figure: Decimal | None) -> str | None:
    return None if figure is None else plain(figure)

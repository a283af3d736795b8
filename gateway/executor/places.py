"""New orders: checked, remembered, recorded, and only then sent; each order id at most once."""

import logging
from functools import partial

from gateway.domain.checks import check_place
from gateway.domain.errors import BadInput, Code, GatewayError
from gateway.domain.identity import (
    AccountId,
    CommandId,
    OrderId,
    is_order_id,
    order_id_tag,
    order_id_time,
)
from gateway.domain.messages import Place, PlaceAnswered, PlaceIntended
from gateway.domain.order import NewOrder
from gateway.domain.venue import Done, NotSent, OutcomeUnknown, PlaceOrder, Refused, VenueAnswer
from gateway.executor.cancels import Cancels
from gateway.executor.counters import PLACE
from gateway.executor.gate import Gate
from gateway.executor.memory import (
    DEAD,
    KILLED,
    fingerprint_of_order,
    fingerprint_of_place,
    same_content,
)
from gateway.executor.orders import PlacedOrder
from gateway.executor.state import State, command_answer
from gateway.ports import Venue

logger = logging.getLogger(__name__)

RESTARTED = "the executor was started again before the venue had answered"
SILENT = "the venue adapter has not answered"


class Places:
    def __init__(self, state: State, gate: Gate, cancels: Cancels) -> None:
        self._state = state
        self._gate = gate
        self._cancels = cancels

    def on_place(self, place: Place) -> None:
        """What repeats an order is told apart before anything else is looked at: a duplicate that
        comes too late, or while halted, must not be refused as if it were the order."""
        known = self._state.memory.get(place.order_id) if is_order_id(place.order_id) else None
        if known is not None:
            self._again(place, known)
            return
        try:
            self._check_memory(place.order_id)
            venue = self._state.venue(place.account)
            order = self._check(place, venue)
            self._check_is_new(order.order_id)
            intent = PlaceIntended(
                at=self._state.moments.now(),
                command_id=CommandId(place.command_id),
                order=order,
                land_by=self._state.land_by(venue, order.expires_at),
            )
            self._state.outbox.append(intent)
        except GatewayError as error:
            self._refuse(place, error)
            return
        self._send(venue, intent, fingerprint_of_place(place))

    def _check_memory(self, order_id: str) -> None:
        """First of all: of such an id nothing is certain, and every other refusal says that it was
        never sent."""
        state = self._state
        if not is_order_id(order_id) or order_id_tag(order_id) != state.settings.tag:
            return
        if order_id_time(order_id) < state.memory.floor(state.moments.latest()):
            raise BadInput(
                "order_id was made at a time of which not every order is remembered (too long ago, "
                "or before the outbox was begun): ask what became of it, or make a new one",
                Code.ORDER_ID_TOO_OLD,
            )

    def _check_is_new(self, order_id: str) -> None:
        """Until it is clear that the journal is no older copy, an unknown id from before this start
        may be one that was placed. Its refusal stands, whatever turns out."""
        outbox = self._state.outbox
        if not outbox.is_proven and order_id_time(order_id) < outbox.opened_at:
            text = "order_id was made before the executor's start: make a new one"
            raise BadInput(text, Code.ORDER_ID_TOO_OLD)

    def _check(self, place: Place, venue: Venue) -> NewOrder:
        state = self._state
        self._gate.check(venue)
        now = state.moments.latest()
        rules = state.settings.rules
        order = check_place(
            place, now=now, tag=state.settings.tag, markets=venue.markets, rules=rules
        )
        state.orders.check_room()
        state.memory.check_room(now)
        return order

    def _send(self, venue: Venue, intent: PlaceIntended, content: int) -> None:
        state, order = self._state, intent.order
        state.memory.put(order.order_id, content)
        now = state.moments.monotonic()
        state.counters.timings.journaled[PLACE].add(now - state.moments.received)
        state.orders.add(PlacedOrder(intent=intent, placed_since=now))
        answered = partial(self.on_answer, order.order_id, order.account, intent.at)
        venue.start(PlaceOrder(order=order), answered)
        state.counters.placed += 1
        logger.debug(
            "order_placed order_id=%s command_id=%s client_id=%s account=%s",
            order.order_id, intent.command_id, order.client_id, order.account,
        )  # fmt: skip
        state.outbox.tell()

    # ---- no ------------------------------------------------------------------------------------

    def _again(self, place: Place, known: int) -> None:
        content = fingerprint_of_place(place)
        if known == KILLED:
            text = "it was canceled before it came: nothing was sent"
            self._refuse(place, BadInput(text, Code.CANCELED_BEFORE_SENT))
        elif same_content(known, content):
            self._state.counters.repeated += 1
        else:
            text = "this order_id was used before with other content; the first use stands"
            self._state.refusals.refuse(place, BadInput(text, Code.ORDER_ID_REUSED))

    def _refuse(self, place: Place, error: GatewayError) -> None:
        """The id is dead from now on: a duplicate of a refused place is never sent."""
        state = self._state
        remembered = None
        if self._must_remember(place.order_id):
            if not state.memory.has_reserve():
                state.counters.silent += 1  # what can't be remembered as refused is not called so
                return
            remembered = fingerprint_of_place(place) | DEAD
            state.memory.put(place.order_id, remembered, is_certain=state.outbox.is_proven)
        state.refusals.refuse(place, error, remembered=remembered)

    def _must_remember(self, order_id: str) -> bool:
        """Ids of another space, too old, or far in the future are refused whenever they come."""
        state = self._state
        if not is_order_id(order_id) or order_id_tag(order_id) != state.settings.tag:
            return False
        now = state.moments.latest()
        made = order_id_time(order_id)
        young = now + state.settings.rules.clock_error + state.settings.rules.max_expiry
        return state.memory.floor(now) <= made <= young

    # ---- the venue's answer --------------------------------------------------------------------

    def on_answer(
        self, order_id: OrderId, account: AccountId, sent_at: int, said: VenueAnswer
    ) -> None:
        """The one answer, or a late one after it was given up: recorded either way."""
        state = self._state
        known = state.orders.get(order_id)
        if known is None or known.answered:
            state.counters.late_answers += 1
        answered = PlaceAnswered(
            at=state.moments.now(),
            sent_at=sent_at,
            order_id=order_id,
            account=account,
            answer=command_answer(said),
        )
        state.outbox.keep(answered)
        since = 0 if known is None or known.answered else known.placed_since
        took = state.moments.monotonic() - since if since else None
        state.counters.note_answer(PLACE, account, answered.answer, took)
        kind = type(said).__name__
        logger.debug("place_answered order_id=%s account=%s said=%s", order_id, account, kind)
        self.apply_answer(answered)
        state.outbox.tell()

    def apply_answer(self, answered: PlaceAnswered) -> None:
        state, answer, order_id = self._state, answered.answer, answered.order_id
        order = state.orders.get(order_id)
        if order is not None:
            order.answered = True
            order.doubt = isinstance(answer, OutcomeUnknown)
            state.orders.note(order)
        if isinstance(answer, Refused | NotSent):
            self._end(order_id, surely=isinstance(answer, NotSent))
        elif isinstance(answer, Done):
            if answer.order is not None and answer.order.status.is_closed:
                self._end(order_id, surely=True)
            elif order is not None and answer.venue_order_id is not None:
                order.venue_order_id = answer.venue_order_id
                self._cancels.nudge(order_id)

    def _end(self, order_id: OrderId, *, surely: bool) -> None:
        self._state.orders.forget(order_id)
        if surely:
            self._state.memory.mark_closed(order_id, closed=True)
            self._cancels.end(order_id)
        else:
            self._cancels.lay_by(order_id)

    # ---- start and time-out --------------------------------------------------------------------

    def apply_intent(self, intent: PlaceIntended) -> None:
        order = intent.order
        self._state.memory.put(order.order_id, fingerprint_of_order(order))
        self._state.orders.add(PlacedOrder(intent=intent))

    def give_up(self, order: PlacedOrder, why: str) -> None:
        """Its outcome is unknown: whatever the venue did, it is never sent again."""
        self._state.counters.unanswered += 1
        self.on_answer(order.order_id, order.account, order.intent.at, OutcomeUnknown(text=why))

    def tell_again(self, order: PlacedOrder) -> None:
        """The listener has lost what it knew of it."""
        self._state.outbox.keep(order.intent)
        if order.venue_order_id is not None:
            self._answer_again(order, Done(venue_order_id=order.venue_order_id))
        elif order.doubt:
            self._answer_again(order, OutcomeUnknown(text="the outcome was not known"))

    def _answer_again(self, order: PlacedOrder, answer: Done | OutcomeUnknown) -> None:
        self._state.outbox.keep(
            PlaceAnswered(
                at=self._state.moments.now(),
                sent_at=order.intent.at,
                order_id=order.order_id,
                account=order.account,
                answer=answer,
            )
        )

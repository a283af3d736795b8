"""Cancels: taken at any time, recorded, and repeated until the order's end is evidenced.

What a cancel meets, and what then happens:

- an order placed from here: sent at once, beside or behind its place, and repeated;
- an id that has not come yet and still may: the id is dead from now on, its place will be refused;
- an id that can't come any more and was never placed from here: refused `unknown_order`;
- an order known to be closed, or refused: refused `already_closed`, nothing is sent;
- an id older than the memory, of another gateway, or external: sent and repeated too; the venue's
  "no such order" ends it, since nothing here says that there ever was one.

The venue's final no to the cancel itself ends it, and the order stays as it was. A no that is about
the moment (rate limit, clock, key) or the line decides nothing: it is repeated.
"""

import logging
from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from gateway.domain.checks import check_cancel
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import BadInput, Busy, Code, GatewayError
from gateway.domain.identity import (
    AccountId,
    ClientId,
    CommandId,
    OrderId,
    Symbol,
    VenueOrderId,
    order_id_tag,
    order_id_time,
)
from gateway.domain.messages import Cancel, CancelAnswered, CancelIntended
from gateway.domain.money import ZERO
from gateway.domain.venue import (
    CancelOrder,
    CommandAnswer,
    Done,
    Market,
    Refused,
    VenueAnswer,
)
from gateway.executor.counters import CANCEL
from gateway.executor.memory import CLOSED, DEAD, KILLED
from gateway.executor.refusals import Addressee
from gateway.executor.state import State, command_answer
from gateway.executor.sticky import StickyCancel, kind_of, settled
from gateway.ports import Timer, Venue

logger = logging.getLogger(__name__)

KEPT_LAID_BY = 10_000
"""Cancels of orders whose end could be revoked; of more, the oldest are forgotten."""


class Cancels:
    def __init__(self, state: State) -> None:
        self._state = state
        self._cancels: dict[OrderId, StickyCancel] = {}
        self._delays: dict[OrderId, int] = {}
        self._timers: dict[OrderId, Timer] = {}
        self._laid_by: dict[OrderId, StickyCancel] = {}
        self._started = False

    def __len__(self) -> int:
        return len(self._cancels)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._cancels

    def on_cancel(self, cancel: Cancel) -> None:
        try:
            venue = self._state.venue(cancel.account)
            request = check_cancel(cancel, markets=_markets(venue, cancel.symbol))
            self._decide(cancel, request, venue)
        except GatewayError as error:
            self._state.refusals.refuse(cancel, error)

    def _decide(self, cancel: Cancel, request: CancelOrder, venue: Venue) -> None:
        pending = self._cancels.get(request.order_id)
        if pending is not None:
            self._collapse(pending, cancel, request.venue_order_id)
            return
        own = order_id_tag(request.order_id) == self._state.settings.tag
        remembered = self._state.memory.get(request.order_id) if own else None
        if remembered is None:
            latest = self._state.moments.latest()
            if own and self._never_came(request.order_id, latest):
                self._kill(cancel, request)
                return
        elif remembered == KILLED:
            self._killed_again(request.order_id)
            return
        else:
            request = self._check_open(request, venue, remembered)
        self._begin(cancel, request, venue, placed=remembered is not None)

    def _collapse(
        self, pending: StickyCancel, cancel: Cancel, venue_order_id: VenueOrderId | None
    ) -> None:
        """One cancel is enough (case 22); a newly named venue order id sends it again at once."""
        if pending.intended.account != cancel.account:
            raise BadInput("the order is of another account", Code.WRONG_ACCOUNT)
        self._state.counters.collapsed += 1
        if venue_order_id is not None and pending.intended.venue_order_id is None:
            pending.intended = replace(pending.intended, venue_order_id=venue_order_id)
            self.nudge(pending.intended.order_id)

    def _check_open(self, request: CancelOrder, venue: Venue, remembered: int) -> CancelOrder:
        """What is known of the order counts for more than what the cancel says of it."""
        if remembered & (DEAD | CLOSED):
            why = "it was refused and never sent" if remembered & DEAD else "it is closed already"
            raise BadInput(f"{why}: nothing was sent", Code.ALREADY_CLOSED)
        order = self._state.orders.get(request.order_id)
        if order is None:
            return request
        if order.account != venue.account:
            raise BadInput("the order is of another account", Code.WRONG_ACCOUNT)
        return replace(request, symbol=order.intent.order.symbol)

    # ---- ids that have not come ----------------------------------------------------------------

    def _never_came(self, order_id: OrderId, at: int) -> bool:
        """Had the id come before, it would be known. Until it is clear that the journal is no older
        copy that counts only of ids which can still come, and `IdMemory.distrust` mends it."""
        if order_id_time(order_id) < self._state.memory.floor(self._state.moments.latest()):
            return False
        return self._state.outbox.is_proven or self._may_come(order_id, at)

    def _may_come(self, order_id: OrderId, at: int) -> bool:
        rules = self._state.settings.rules
        return at <= order_id_time(order_id) + rules.max_expiry + 2 * rules.clock_error

    def _kill(self, cancel: Cancel, request: CancelOrder) -> None:
        """The id is dead either way; if it can't come any more, the client is told so."""
        state, order_id = self._state, request.order_id
        rules, now = state.settings.rules, state.moments.latest()
        if order_id_time(order_id) > now + rules.clock_error + rules.max_expiry:
            text = "order_id is from the future: the clocks are apart"
            raise BadInput(text, Code.ORDER_ID_IN_FUTURE)
        state.memory.check_room(now)
        state.memory.put(order_id, KILLED, is_certain=state.outbox.is_proven)
        if self._may_come(order_id, now):
            state.outbox.keep(self._intended(cancel, request))
            state.outbox.tell()
        else:
            state.refusals.refuse(cancel, _never_came(), remembered=KILLED)

    def _killed_again(self, order_id: OrderId) -> None:
        if not self._may_come(order_id, self._state.moments.latest()):
            raise _never_came()
        self._state.counters.collapsed += 1

    # ---- sending -------------------------------------------------------------------------------

    def _intended(self, cancel: Cancel, request: CancelOrder) -> CancelIntended:
        return CancelIntended(
            at=self._state.moments.now(),
            command_id=CommandId(cancel.command_id),
            client_id=ClientId(cancel.client_id),
            order_id=request.order_id,
            account=AccountId(cancel.account),
            symbol=request.symbol,
            venue_order_id=request.venue_order_id,
        )

    def _begin(self, cancel: Cancel, request: CancelOrder, venue: Venue, *, placed: bool) -> None:
        """Goes out even if it can't be recorded: a full disk keeps no order alive."""
        state = self._state
        if len(self._cancels) >= state.settings.max_cancels:
            text = f"{len(self._cancels)} cancels are being repeated: try later"
            raise Busy(text, Code.TOO_MANY)
        pending = StickyCancel(intended=self._intended(cancel, request), placed=placed)
        pending.told_since = state.moments.monotonic()
        state.outbox.keep(pending.intended)
        took = state.moments.monotonic() - state.moments.received
        state.counters.timings.journaled[CANCEL].add(took)
        self._cancels[request.order_id] = pending
        state.counters.canceled += 1
        logger.debug(
            "cancel_taken order_id=%s command_id=%s client_id=%s account=%s",
            request.order_id, cancel.command_id, cancel.client_id, cancel.account,
        )  # fmt: skip
        self._send(pending, venue)
        state.outbox.tell()

    def _send(self, pending: StickyCancel, venue: Venue) -> None:
        state, intended = self._state, pending.intended
        order_id = intended.order_id
        self._arm(pending)
        if not venue.ready:
            return
        pending.under_way = True
        pending.sent_since = state.moments.monotonic()
        state.counters.cancels_sent += 1
        venue.start(
            CancelOrder(
                order_id=order_id,
                symbol=intended.symbol,
                venue_order_id=intended.venue_order_id or self._learnt_id(order_id),
            ),
            partial(self.on_answer, order_id, intended.account, state.moments.now()),
        )

    def _learnt_id(self, order_id: OrderId) -> VenueOrderId | None:
        order = self._state.orders.get(order_id)
        return None if order is None else order.venue_order_id

    def _arm(self, pending: StickyCancel) -> None:
        """Next time after the present delay, which doubles; spread a little, so that a thousand
        cancels do not come at one moment for ever."""
        order_id, settings = pending.intended.order_id, self._state.settings
        order = self._state.orders.get(order_id)
        in_doubt = order is not None and order.doubt
        most = settings.cancel_doubt_delay if in_doubt else settings.cancel_max_delay
        delay = min(self._delays.get(order_id, settings.cancel_delay), most)
        self._delays[order_id] = 2 * delay
        delay += int(delay * self._state.randomness.uniform() / 10)
        self._disarm(order_id)
        self._timers[order_id] = self._state.timers.after(delay, partial(self._repeat, order_id))

    def _disarm(self, order_id: OrderId) -> None:
        timer = self._timers.pop(order_id, None)
        if timer is not None:
            timer.cancel()

    def _repeat(self, order_id: OrderId) -> None:
        self._timers.pop(order_id, None)
        pending = self._cancels.get(order_id)
        if pending is None:
            return
        state, now = self._state, self._state.moments.monotonic()
        if pending.under_way and now - pending.sent_since < state.settings.answer_timeout:
            self._arm(pending)
            return
        self._send(pending, state.venue(pending.intended.account))
        if now - pending.told_since >= state.settings.ask_again:
            self._tell_again(pending)

    def _tell_again(self, pending: StickyCancel) -> None:
        pending.told_since = self._state.moments.monotonic()
        self._state.outbox.keep(pending.intended)
        self._state.outbox.tell()

    def nudge(self, order_id: OrderId) -> None:
        """Something was learnt that may make the cancel work: do not wait (case 19)."""
        pending = self._cancels.get(order_id)
        if pending is None or pending.under_way or not self._started:
            return
        self._delays.pop(order_id, None)
        self._send(pending, self._state.venue(pending.intended.account))

    # ---- answers and the end -------------------------------------------------------------------

    def on_answer(
        self, order_id: OrderId, account: AccountId, sent_at: int, said: VenueAnswer
    ) -> None:
        state, plain = self._state, command_answer(said)
        answer = settled(plain)
        answered = CancelAnswered(
            at=state.moments.now(),
            sent_at=sent_at,
            order_id=order_id,
            account=account,
            answer=answer,
        )
        pending = self._cancels.get(order_id)
        if pending is not None:  # else the order was heard to have ended before the answer came
            pending.under_way = False
        state.counters.note_answer(CANCEL, account, plain, answered.at - sent_at)
        kind = type(said).__name__
        logger.debug("cancel_answered order_id=%s account=%s said=%s", order_id, account, kind)
        if self._is_news(pending, answer):
            state.outbox.keep(answered)
        unknown = self.apply_answer(answered)
        if unknown is not None:
            self._refuse(unknown, Code.UNKNOWN_ORDER, "the venue knows no such order")
        state.outbox.tell()

    def _is_news(self, pending: StickyCancel | None, answer: CommandAnswer) -> bool:
        """Each repeat gets an answer: only what differs from the one before is recorded."""
        if isinstance(answer, Done) and (answer.order is not None or answer.trades):
            return True
        return pending is not None and pending.recorded != kind_of(answer)

    def apply_answer(self, answered: CancelAnswered) -> StickyCancel | None:
        """Ends the cancel if the answer does. Returns it if the venue knows no such order."""
        order_id, answer = answered.order_id, answered.answer
        pending = self._cancels.get(order_id)
        if isinstance(answer, Done) and answer.order is not None and answer.order.status.is_closed:
            self._state.memory.mark_closed(order_id, closed=True)
            self._state.orders.forget(order_id)
            self.end(order_id)
            return None
        if pending is None:
            return None
        pending.recorded = kind_of(answer)
        if isinstance(answer, Refused):
            not_found = answer.code is Code.VENUE_ORDER_NOT_FOUND
            if not not_found or not pending.placed:
                self.end(order_id)
                return pending if not_found else None
        return None

    def end(self, order_id: OrderId, closed_as: OrderStatus | None = None) -> None:
        """The order has ended, or its cancel is decided. A faster fill is told (case 15)."""
        self._laid_by.pop(order_id, None)
        self._end(order_id, closed_as)

    def _end(self, order_id: OrderId, closed_as: OrderStatus | None) -> None:
        pending = self._cancels.pop(order_id, None)
        if pending is None:
            return
        self._delays.pop(order_id, None)
        self._disarm(order_id)
        self._state.counters.cancels_ended += 1
        if closed_as not in (None, OrderStatus.CANCELED):
            text = f"too late: the order is {closed_as}"
            self._refuse(pending, Code.ALREADY_CLOSED, text)

    def lay_by(self, order_id: OrderId, closed_as: OrderStatus | None = None) -> None:
        """The order has ended as far as is known, but later evidence could open it again."""
        laid_by = self._laid_by.pop(order_id, None)
        pending = self._cancels.get(order_id) or laid_by
        if pending is not None:
            self._laid_by[order_id] = pending
        if len(self._laid_by) > KEPT_LAID_BY:
            del self._laid_by[next(iter(self._laid_by))]
        self._end(order_id, closed_as)

    def resume(self, order_id: OrderId) -> None:
        """The order is open after all, and somebody wanted it canceled."""
        pending = self._laid_by.pop(order_id, None)
        if pending is None or not self._started or order_id in self._cancels:
            return
        self._cancels[order_id] = pending
        pending.under_way = False
        self._send(pending, self._state.venue(pending.intended.account))
        self._tell_again(pending)

    def _refuse(self, pending: StickyCancel, code: Code, text: str) -> None:
        intended = pending.intended
        to = Addressee(
            client_id=intended.client_id,
            command_id=intended.command_id,
            order_id=intended.order_id,
            account=intended.account,
        )
        self._state.refusals.tell(to, code, text, urgent=True)

    # ---- start ---------------------------------------------------------------------------------

    def apply_intent(self, intended: CancelIntended) -> None:
        order_id = intended.order_id
        own = order_id_tag(order_id) == self._state.settings.tag
        remembered = self._state.memory.get(order_id) if own else None
        if own and remembered is None and self._never_came(order_id, intended.at):
            self._state.memory.put(order_id, KILLED, is_certain=False)
        elif remembered != KILLED and order_id not in self._cancels:
            self._cancels[order_id] = StickyCancel(intended=intended, placed=remembered is not None)

    def apply_refusal(self, order_id: str, command_id: str) -> None:
        """A cancel that was answered with a refusal has ended."""
        pending = self._cancels.get(OrderId(order_id))
        if pending is not None and pending.intended.command_id == command_id:
            del self._cancels[OrderId(order_id)]

    def send_all(self) -> None:
        """After a start: each again, and the listener is asked which of the orders have ended."""
        self._started = True
        for pending in list(self._cancels.values()):
            venue = self._state.venues.get(pending.intended.account)
            if venue is not None:  # else its account was taken out of the configuration
                self._tell_again(pending)
                self._send(pending, venue)

    def tell_all(self) -> None:
        for pending in self._cancels.values():
            self._tell_again(pending)

    def dump(self) -> tuple[tuple[StickyCancel, ...], tuple[StickyCancel, ...]]:
        return tuple(self._cancels.values()), tuple(self._laid_by.values())

    def load(self, cancels: tuple[StickyCancel, ...], laid_by: tuple[StickyCancel, ...]) -> None:
        for pending in cancels:
            pending.under_way = False
            self._cancels[pending.intended.order_id] = pending
        self._laid_by = {pending.intended.order_id: pending for pending in laid_by}


def _markets(venue: Venue, symbol: str) -> Mapping[Symbol, Market]:
    """A venue that is not ready knows no markets; its cancels wait, they are not refused."""
    if venue.markets:
        return venue.markets
    name = Symbol(symbol)
    unchecked = Market(symbol=name, base="", quote="", price_step=ZERO, quantity_step=ZERO)
    return {name: unchecked}


def _never_came() -> BadInput:
    text = "no such order was ever placed through this gateway, and it can't come any more"
    return BadInput(text, Code.UNKNOWN_ORDER)

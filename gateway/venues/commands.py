"""Place, amend and cancel: from a request to ccxt's arguments, and from its answer to ours."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from decimal import Decimal
from typing import Any

from gateway.domain.enums import OrderType, TimeInForce
from gateway.domain.errors import Code
from gateway.domain.identity import (
    EXTERNAL_TAG,
    OrderId,
    Symbol,
    VenueOrderId,
    order_id_tag,
    to_venue_id,
)
from gateway.domain.money import is_multiple, plain
from gateway.domain.order import NewOrder
from gateway.domain.venue import (
    AmendOrder,
    CancelOrder,
    CommandAnswer,
    Done,
    FetchOrder,
    NotSent,
    OutcomeUnknown,
    PlaceOrder,
    VenueOrder,
    VenueTrade,
)
from gateway.venues import translate
from gateway.venues.guard import WriteGuard, guarded_by
from gateway.venues.hooked import forget_ws_call, was_cancelled
from gateway.venues.outcomes import Failure, classify
from gateway.venues.profiles import AS_ARGUMENT, AmendBy, VenueRow
from gateway.venues.session import VenueSession

logger = logging.getLogger(__name__)

WHOLE_FILL = ("id", "order", "side", "timestamp")

Command = PlaceOrder | AmendOrder | CancelOrder

TOO_LATE = "it expired before it was sent"
KEEP_PRIORITY_PATH = "order/amend/keepPriority"


class Commands:
    """Each method answers with exactly one outcome and raises nothing but a cancellation."""

    def __init__(self, session: VenueSession) -> None:
        self._session = session
        self._row: VenueRow = session.row

    async def carry_out(self, request: Command, guard: WriteGuard) -> CommandAnswer:
        match request:
            case PlaceOrder():
                return await self._place(request.order, guard)
            case AmendOrder():
                return await self._amend(request, guard)
            case CancelOrder():
                return await self._cancel(request, guard)

    def socket_for(self, request: object) -> str:
        """The name of the one ordered connection that it goes over; empty: none, but REST."""
        over = self._session.uses_socket and isinstance(request, PlaceOrder | CancelOrder)
        return "ccxt" if over else ""

    # -- place

    async def _place(self, order: NewOrder, guard: WriteGuard) -> CommandAnswer:
        refusal = self._unplaceable(order)
        if refusal is not None:
            return refusal
        exchange = self._session.exchange
        call = exchange.create_order_ws if self._session.uses_socket else exchange.create_order
        arguments = place_arguments(order)
        answered = await self._call(guard, call(*arguments, place_params(self._row, order)))
        if isinstance(answered, Failure):
            return self._classified(answered, guard)
        return self._placed(answered, order.order_id)

    def _unplaceable(self, order: NewOrder) -> NotSent | None:
        """ccxt would round the figures without a word, and leave an id out that it can't carry."""
        market = self._session.markets.get(order.symbol)
        if market is None:
            return NotSent(code=Code.UNKNOWN_SYMBOL, text=f"no market {order.symbol}")
        if order.stop_price is not None and not self._takes_stops(order.symbol):
            text = "stop orders are not sent to this venue: they have not been seen to work there"
            return NotSent(code=Code.BAD_COMBINATION, text=text)
        if not is_multiple(order.quantity, market.quantity_step):
            text = f"quantity {order.quantity} is no multiple of {market.quantity_step}"
            return NotSent(code=Code.QUANTITY_PRECISION, text=text)
        for price in (order.price, order.stop_price):
            if price is not None and not is_multiple(price, market.price_step):
                text = f"price {price} is no multiple of {market.price_step}"
                return NotSent(code=Code.PRICE_PRECISION, text=text)
        return None

    def _takes_stops(self, symbol: Symbol) -> bool:
        """Contracts have stop orders of another kind, also where spot orders are as others."""
        is_contract = self._session.exchange.markets[symbol].get("contract")
        return self._row.stop_by is not None and not is_contract

    def _placed(self, answered: Any, order_id: OrderId) -> CommandAnswer:
        """An answer without an id is no acknowledgement: ccxt makes one of an empty body too."""
        raw: Mapping[str, Any] = answered if isinstance(answered, Mapping) else {}
        venue_order_id = raw.get("id")
        if not venue_order_id:
            return OutcomeUnknown(text="the venue's answer has no order id")
        return Done(
            venue_order_id=VenueOrderId(str(venue_order_id)),
            order=self._order_of(raw, order_id),
            trades=self._trades_of(raw),
        )

    # -- cancel

    async def _cancel(self, request: CancelOrder, guard: WriteGuard) -> CommandAnswer:
        name = self._named(request.order_id, request.venue_order_id, self._row.cancel_by)
        if name is None:
            text = "the venue cancels by its own id only, and that is not known yet"
            return NotSent(code=Code.VENUE_ORDER_NOT_FOUND, text=text)
        venue_id, params = name
        exchange = self._session.exchange
        call = exchange.cancel_order_ws if self._session.uses_socket else exchange.cancel_order
        answered = await self._call(guard, call(venue_id, request.symbol, params))
        if isinstance(answered, Failure):
            return self._classified(answered, guard)
        # the client id in the answer may be that of the cancel itself (Binance)
        order_id = None if order_id_tag(request.order_id) == EXTERNAL_TAG else request.order_id
        if not _says_something(answered):
            return OutcomeUnknown(text="the venue's answer says nothing")
        return Done(venue_order_id=request.venue_order_id, order=self._order_of(answered, order_id))

    # -- amend

    async def _amend(self, request: AmendOrder, guard: WriteGuard) -> CommandAnswer:
        match self._row.amend_by:
            case AmendBy.NOTHING:
                return _unsupported("this venue can't amend an order in place")
            case AmendBy.KEEP_PRIORITY:
                call = self._keep_priority(request)
            case AmendBy.EDIT_ORDER:
                call = self._edit_order(request)
        if isinstance(call, NotSent):
            return call
        answered = await self._call(guard, call)
        if isinstance(answered, Failure):
            return self._classified(answered, guard)
        if not _says_something(answered):
            return OutcomeUnknown(text="the venue's answer says nothing")
        return Done(venue_order_id=request.venue_order_id)

    def _keep_priority(self, request: AmendOrder) -> Awaitable[Any] | NotSent:
        """ccxt 4.5 has no method for it; its generic signed request does. The order keeps its
        client id only if that is given as the new one."""
        if request.quantity is None or request.price is not None:
            return _unsupported("this venue amends the quantity only, and only down")
        our_id = to_venue_id(request.order_id, self._row.id_form)
        exchange = self._session.exchange
        params = {
            "symbol": exchange.market_id(request.symbol),
            "newQty": plain(request.quantity),
            "origClientOrderId": our_id,
            "newClientOrderId": our_id,
        }
        awaitable: Awaitable[Any] = exchange.request(KEEP_PRIORITY_PATH, ["private"], "PUT", params)
        return awaitable

    def _edit_order(self, request: AmendOrder) -> Awaitable[Any] | NotSent:
        name = self._named(request.order_id, request.venue_order_id, self._row.amend_id)
        if name is None:
            return _unsupported("the venue amends by its own id only, and that is not known yet")
        venue_id, params = name
        awaitable: Awaitable[Any] = self._session.exchange.edit_order(
            venue_id,
            request.symbol,
            _ccxt_type(request.order_type),
            request.side.value,
            _figure(request.quantity),
            _figure(request.price),
            params,
        )
        return awaitable

    # -- pieces

    def _named(
        self, order_id: OrderId, venue_order_id: str | None, by: str | None
    ) -> tuple[str | None, dict[str, Any]] | None:
        return order_name(self._row, order_id, venue_order_id, by)

    async def _call(self, guard: WriteGuard, call: Awaitable[Any]) -> Any:
        """What ccxt returned, or the Failure. ccxt's websocket calls have no time-out of theirs."""
        with guarded_by(guard):
            task = asyncio.ensure_future(call)
        guard.abandon = task.cancel
        try:
            async with asyncio.timeout(self._session.settings.request_timeout):
                return await task
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and was_cancelled():
                raise
            return failure_of(error, guard)
        finally:
            guard.closed = True  # a websocket that opens only now must not send it any more
            task.cancel()
            forget_ws_call(guard)

    def _classified(self, failure: Failure, guard: WriteGuard) -> CommandAnswer:
        if guard.expired:
            return NotSent(code=Code.EXPIRED, text=TOO_LATE)
        return classify(self._row.family, failure)

    def _order_of(self, raw: Mapping[str, Any], order_id: OrderId | None) -> VenueOrder | None:
        """Many venues answer with ids only: then there is nothing to tell of the order."""
        if raw.get("status") is None:
            return None
        try:
            return self._session.order(raw, order_id)
        except translate.NotUnderstood as error:
            logger.warning("venue_answer_not_understood", extra={"error": str(error)})
            return None

    def _trades_of(self, raw: Mapping[str, Any]) -> tuple[VenueTrade, ...]:
        """The fills in an answer that are told in full.

        Binance's answer leaves out side, order, time and liquidity: the stream tells the same fill
        whole a moment later, and a transaction is never edited.
        """
        fills = [fill for fill in raw.get("trades") or () if isinstance(fill, Mapping)]
        whole = [fill for fill in fills if all(fill.get(key) for key in WHOLE_FILL)]
        try:
            return tuple(self._session.trade(fill) for fill in whole)
        except translate.NotUnderstood as error:
            logger.warning("venue_fill_not_understood", extra={"error": str(error)})
            return ()


def order_of(request: Command | FetchOrder) -> OrderId:
    return request.order.order_id if isinstance(request, PlaceOrder) else request.order_id


def order_name(
    row: VenueRow, order_id: OrderId, venue_order_id: str | None, by: str | None
) -> tuple[str | None, dict[str, Any]] | None:
    """How an order is named to ccxt: its `id` argument and the parameters with it.

    By the venue's id where that is known; else by ours, where the order is ours and the venue can.
    """
    if venue_order_id:
        return venue_order_id, {}
    if by is None or order_id_tag(order_id) == EXTERNAL_TAG:
        return None
    ours = to_venue_id(order_id, row.id_form)
    return (ours, {}) if by == AS_ARGUMENT else (None, {by: ours})


def failure_of(error: BaseException, guard: WriteGuard) -> Failure:
    return Failure(error=error, written=guard.written, status=guard.status, body=guard.body)


def _says_something(answered: object) -> bool:
    """An id, or an answer that ccxt could not make more of than to pass it on as `info`."""
    if not isinstance(answered, Mapping):
        return False
    return any(answered.get(name) for name in ("id", "info", "amendedOrder"))


def place_params(row: VenueRow, order: NewOrder) -> dict[str, Any]:
    """The `params` of ccxt's call."""
    params: dict[str, Any] = {}
    if row.create_by is not None:
        params[row.create_by] = to_venue_id(order.order_id, row.id_form)
    if order.time_in_force is not TimeInForce.GTC:
        params["timeInForce"] = order.time_in_force.value.upper()
    if order.post_only:
        params["postOnly"] = True
    if order.stop_price is not None:
        if row.stop_by is None:
            raise ValueError("without its trigger a stop order would execute at once")
        params[row.stop_by] = plain(order.stop_price)
    return params


def place_arguments(order: NewOrder) -> tuple[Symbol, str, str, str, str | None]:
    """The arguments of ccxt's call before `params`."""
    return (
        order.symbol,
        _ccxt_type(order.order_type),
        order.side.value,
        plain(order.quantity),
        _figure(order.price),
    )


def _ccxt_type(kind: OrderType) -> str:
    """ccxt names a stop-limit order by its trigger price."""
    return "market" if kind is OrderType.MARKET else "limit"


def _figure(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _unsupported(text: str) -> NotSent:
    return NotSent(code=Code.AMEND_UNSUPPORTED, text=text)

"""What a request must satisfy before the engine sees it. Nothing here changes anything."""

from __future__ import annotations

from decimal import Decimal

from gateway.paper.accounts import Account
from gateway.paper.errors import (
    CANCEL_REJECTED,
    INVALID_CANCEL_RESTRICTIONS,
    VenueError,
    amend_rejected,
    duplicate_order,
    filter_failure,
    one_of_mandatory,
    unknown_order,
    would_take,
    would_trigger,
)
from gateway.paper.filters import check_filters, check_form, check_notional, check_quantity
from gateway.paper.market import Market
from gateway.paper.orders import (
    EXPIRE_MAKER,
    GTC,
    LIMIT_MAKER,
    NEW,
    PARTIALLY_FILLED,
    STOP_LOSS_LIMIT,
    ZERO,
    NewOrder,
    Order,
)

ONLY_NEW = "ONLY_NEW"
ONLY_PARTIALLY_FILLED = "ONLY_PARTIALLY_FILLED"
_RESTRICTED_TO = {ONLY_NEW: NEW, ONLY_PARTIALLY_FILLED: PARTIALLY_FILLED}


def check_request(account: Account, market: Market, new: NewOrder) -> None:
    """Form, filters and the number of open orders: all that needs neither money nor the book."""
    check_form(new)
    check_filters(market.symbol, new, market.last_price)
    if account.open_count.get(new.symbol, 0) >= market.symbol.max_orders:
        raise filter_failure("MAX_NUM_ORDERS")


def admitted(
    account: Account, market: Market, new: NewOrder, client_order_id: str, now: int
) -> Order:
    """The order that may be submitted; only its funds are not checked yet."""
    check_request(account, market, new)
    if client_order_id in account.open_client_ids:
        raise duplicate_order()
    order = _order(account.name, market, new, client_order_id, now)
    if new.type == LIMIT_MAKER and market.book.crosses(order):
        raise would_take()
    if new.type == STOP_LOSS_LIMIT and market.would_trigger(order):
        raise would_trigger()
    return order


def open_order(
    account: Account, symbol: str, order_id: int | None, client_order_id: str | None
) -> Order:
    """By the venue's id (the client's must then agree) or by the client's, or -2011."""
    order: Order | None
    if order_id is not None:
        order = account.open_orders.get((symbol, order_id))
        if order is not None and client_order_id not in {None, "", order.client_order_id}:
            order = None
    elif client_order_id:
        order = account.open_client_ids.get(client_order_id)
    else:
        raise one_of_mandatory("origClientOrderId", "orderId")
    if order is None or order.symbol != symbol:
        raise unknown_order()
    return order


def check_restriction(order: Order, restriction: str) -> None:
    """`cancelRestrictions`: cancel only if nothing, or only if something has filled."""
    if not restriction:
        return
    if restriction not in _RESTRICTED_TO:
        raise VenueError(
            INVALID_CANCEL_RESTRICTIONS,
            "cancelRestrictions has to be either ONLY_NEW or ONLY_PARTIALLY_FILLED.",
        )
    if order.status != _RESTRICTED_TO[restriction]:
        raise VenueError(CANCEL_REJECTED, "Order was not canceled due to cancel restrictions.")


def check_amend(
    account: Account, market: Market, order: Order, new_quantity: Decimal, new_client_order_id: str
) -> None:
    check_quantity(market.symbol, new_quantity)
    check_notional(market.symbol, order.price * new_quantity)
    if new_quantity >= order.quantity:
        raise amend_rejected("Order amend (quantity increase) is not supported.")
    if new_quantity <= order.executed:
        raise amend_rejected("Order amend (quantity below executed quantity) is not supported.")
    owner = account.open_client_ids.get(new_client_order_id)
    if owner is not None and owner is not order:
        raise amend_rejected("Duplicate order sent.")


def _order(account: str, market: Market, new: NewOrder, client_order_id: str, now: int) -> Order:
    return Order(
        account=account,
        symbol=new.symbol,
        order_id=market.next_order_id,
        client_order_id=client_order_id,
        side=new.side,
        type=new.type,
        time_in_force=new.time_in_force or GTC,
        price=new.price,
        quantity=new.quantity,
        quote_quantity=new.quote_quantity if not new.quantity else ZERO,
        stop_price=new.stop_price,
        self_trade_prevention=new.self_trade_prevention or EXPIRE_MAKER,
        status=NEW,
        executed=ZERO,
        quote_executed=ZERO,
        prevented=ZERO,
        locked=ZERO,
        is_working=new.type != STOP_LOSS_LIMIT,
        priority=0,
        created_at=now,
        updated_at=now,
        working_at=0,
    )

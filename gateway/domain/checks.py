"""What a command must satisfy before anything is done for it: small checks on visible lists.

Each check looks at one thing and raises `BadInput` with its code and a plain sentence. The first
that fails is the one reported, so the order of the lists is behaviour: names and ids first (so
that the refusal can be addressed), then what is asked, its figures, and its time last.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from gateway.domain.enums import OrderType, Side, TimeInForce
from gateway.domain.errors import BadInput, Code
from gateway.domain.identity import (
    EXTERNAL_TAG,
    AccountId,
    ClientId,
    OrderId,
    Symbol,
    VenueOrderId,
    is_name,
    is_order_id,
    order_id_tag,
    order_id_time,
)
from gateway.domain.messages import Amend, Cancel, Place
from gateway.domain.money import is_multiple, parse_positive, plain, times
from gateway.domain.order import NewOrder
from gateway.domain.venue import CancelOrder, Market

SECOND = 1_000_000_000
SHOWN = 48
VENUE_ORDER_ID = re.compile(r"[!-~]{1,128}")


class CheckRules(Struct, frozen=True, kw_only=True):
    """All in ns.

    `dedupe_horizon` bounds what must be remembered to recognise a repeated place. `clock_error` is
    how far the clocks of a trading program and of the gateway may be apart.
    """

    dedupe_horizon: int = 24 * 3600 * SECOND
    max_expiry: int = 60 * SECOND
    clock_error: int = 1 * SECOND


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a command is checked against; `markets` are those of its account."""

    now: int
    tag: int
    markets: Mapping[Symbol, Market]
    rules: CheckRules


class NewFigures(Struct, frozen=True, kw_only=True):
    """What an amend asks for; None stays as it is."""

    quantity: Decimal | None
    price: Decimal | None


def check_place(
    place: Place, *, now: int, tag: int, markets: Mapping[Symbol, Market], rules: CheckRules
) -> NewOrder:
    """The order that is asked for. Raises `BadInput`; the account's being known is not its task."""
    around = Surroundings(now=now, tag=tag, markets=markets, rules=rules)
    for check in PLACE_CHECKS:
        check(place, around)
    order = _new_order(place)
    market = markets[order.symbol]
    for figure_check in ORDER_CHECKS:
        figure_check(order, market)
    check_expiry(place, around)
    return order


def check_amend(
    amend: Amend, *, now: int, markets: Mapping[Symbol, Market], rules: CheckRules
) -> NewFigures:
    """What the order is to become. Whether it is open and ours is for its owner to say."""
    around = Surroundings(now=now, tag=EXTERNAL_TAG, markets=markets, rules=rules)
    for check in AMEND_CHECKS:
        check(amend, around)
    figures = NewFigures(
        quantity=_figure(amend.quantity, "quantity", Code.BAD_QUANTITY),
        price=_figure(amend.price, "price", Code.BAD_PRICE),
    )
    market = markets[Symbol(amend.symbol)]
    _check_quantity(figures.quantity, market)
    _check_price(figures.price, "price", market)
    _check_value(figures.quantity, figures.price, market)
    check_expiry(amend, around)
    return figures


def check_cancel(cancel: Cancel, *, markets: Mapping[Symbol, Market]) -> CancelOrder:
    """What the venue is to be asked. Any id may be named, however old and whoever made it."""
    around = Surroundings(now=0, tag=EXTERNAL_TAG, markets=markets, rules=CheckRules())
    for check in CANCEL_CHECKS:
        check(cancel, around)
    name = cancel.venue_order_id
    return CancelOrder(
        order_id=OrderId(cancel.order_id),
        symbol=Symbol(cancel.symbol),
        venue_order_id=None if name is None else VenueOrderId(name),
    )


def repeats(place: Place, order: NewOrder) -> bool:
    """Whether a place asks for exactly `order` again: one order, not two (only its expiry may
    differ). False for the same id with other content, which is refused as `order_id_reused`."""
    try:
        again = _new_order(place)
    except BadInput:
        return False
    return _content(again) == _content(order)


# ---- the checks of a command -------------------------------------------------------------------


def check_names(command: Place | Amend | Cancel, _: Surroundings) -> None:
    for field in ("client_id", "command_id", "account"):
        value = getattr(command, field)
        if not is_name(value):
            raise BadInput(
                f"{field} is {shown(value)}; it must be 1 to 64 letters, digits, '_', '.' or '-', "
                "beginning with a letter or digit",
                Code.MALFORMED,
            )


def check_order_id(command: Place | Amend | Cancel, _: Surroundings) -> None:
    if not is_order_id(command.order_id):
        text = f"order_id is {shown(command.order_id)}; it must be a UUIDv8 in lower case"
        raise BadInput(text, Code.BAD_ORDER_ID)


def check_id_space(place: Place, around: Surroundings) -> None:
    tag = order_id_tag(place.order_id)
    if tag != around.tag:
        text = f"order_id has the gateway tag {tag:#05x}; this gateway's is {around.tag:#05x}"
        raise BadInput(text, Code.FOREIGN_ORDER_ID)


def check_id_age(place: Place, around: Surroundings) -> None:
    age = around.now - order_id_time(place.order_id)
    rules = around.rules
    if age > rules.dedupe_horizon:
        text = f"order_id was made {_seconds(age)} ago; at most {_seconds(rules.dedupe_horizon)}"
        raise BadInput(text + " are allowed: make a new one", Code.ORDER_ID_TOO_OLD)
    if -age > rules.clock_error:
        text = f"order_id is from {_seconds(-age)} in the future: the clocks are apart"
        raise BadInput(text, Code.ORDER_ID_IN_FUTURE)


def check_symbol(command: Place | Amend | Cancel, around: Surroundings) -> None:
    if command.symbol not in around.markets:
        text = f"the account's venue has no market {shown(command.symbol)}"
        raise BadInput(text, Code.UNKNOWN_SYMBOL)


def check_words(place: Place, _: Surroundings) -> None:
    """A FIX enum's field that holds another word; the sentence names the words allowed."""
    _word(Side, place.side, "side")
    _word(OrderType, place.order_type, "order_type")
    _word(TimeInForce, place.time_in_force, "time_in_force")


def check_combination(place: Place, _: Surroundings) -> None:
    """Which fields go with which order type; COMBINATIONS says it."""
    price, stop, words, post_only = COMBINATIONS[OrderType(place.order_type)]
    _present(place.price, "price", place.order_type, price)
    _present(place.stop_price, "stop_price", place.order_type, stop)
    if place.time_in_force not in words:
        allowed = " or ".join(words)
        _combination(f"a {place.order_type} order's time_in_force is {allowed}")
    if place.post_only and not (post_only and place.time_in_force == TimeInForce.GTC):
        _combination("post_only goes with a limit order that is gtc, and with no other")


def check_figures_given(amend: Amend, _: Surroundings) -> None:
    if amend.quantity is None and amend.price is None:
        _combination("an amend names a new quantity, a new price, or both")


def check_venue_order_id(cancel: Cancel, _: Surroundings) -> None:
    name = cancel.venue_order_id
    if name is not None and VENUE_ORDER_ID.fullmatch(name) is None:
        text = f"venue_order_id is {shown(name)}; it must be 1 to 128 printable characters"
        raise BadInput(text, Code.BAD_ORDER_ID)
    if name is None and order_id_tag(cancel.order_id) == EXTERNAL_TAG:
        _combination("an order that is not the gateway's is canceled by its venue_order_id")


def check_expiry(command: Place | Amend, around: Surroundings) -> None:
    left = command.expires_at - around.now
    if left < 0:
        raise BadInput(f"it expired {_seconds(-left)} ago: nothing was sent", Code.EXPIRED)
    if left > around.rules.max_expiry + around.rules.clock_error:
        cap = _seconds(around.rules.max_expiry)
        text = f"expires_at is {_seconds(left)} from now; at most {cap} are allowed"
        raise BadInput(text, Code.EXPIRES_TOO_LATE)


# ---- the checks of figures against the market --------------------------------------------------


def check_quantity(order: NewOrder, market: Market) -> None:
    _check_quantity(order.quantity, market)


def check_prices(order: NewOrder, market: Market) -> None:
    _check_price(order.price, "price", market)
    _check_price(order.stop_price, "stop_price", market)


def check_value(order: NewOrder, market: Market) -> None:
    """A market order's value is not known before it trades: the venue judges it."""
    _check_value(order.quantity, order.price, market)


PLACE_CHECKS: tuple[Callable[[Place, Surroundings], None], ...] = (
    check_names,
    check_order_id,
    check_id_space,
    check_id_age,
    check_symbol,
    check_words,
    check_combination,
)
ORDER_CHECKS: tuple[Callable[[NewOrder, Market], None], ...] = (
    check_quantity,
    check_prices,
    check_value,
)
AMEND_CHECKS: tuple[Callable[[Amend, Surroundings], None], ...] = (
    check_names,
    check_order_id,
    check_symbol,
    check_figures_given,
)
CANCEL_CHECKS: tuple[Callable[[Cancel, Surroundings], None], ...] = (
    check_names,
    check_order_id,
    check_symbol,
    check_venue_order_id,
)

_ANY = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
COMBINATIONS: Mapping[OrderType, tuple[bool, bool, tuple[TimeInForce, ...], bool]] = {
    # whether it takes price, stop_price, which time_in_force, post_only
    OrderType.LIMIT: (True, False, _ANY, True),
    # A market order rests nowhere, so it takes no time in force but the default.
    OrderType.MARKET: (False, False, (TimeInForce.GTC,), False),
    OrderType.STOP_LIMIT: (True, True, _ANY, False),
}


# ---- pieces ------------------------------------------------------------------------------------

W = TypeVar("W", bound=StrEnum)


def shown(text: str) -> str:
    """Foreign text as part of a sentence: quoted, in ASCII, cut."""
    return ascii(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def _new_order(place: Place) -> NewOrder:
    return NewOrder(
        order_id=OrderId(place.order_id),
        account=AccountId(place.account),
        symbol=Symbol(place.symbol),
        client_id=ClientId(place.client_id),
        side=_word(Side, place.side, "side"),
        order_type=_word(OrderType, place.order_type, "order_type"),
        quantity=_positive(place.quantity, "quantity", Code.BAD_QUANTITY),
        price=_figure(place.price, "price", Code.BAD_PRICE),
        stop_price=_figure(place.stop_price, "stop_price", Code.BAD_STOP_PRICE),
        time_in_force=_word(TimeInForce, place.time_in_force, "time_in_force"),
        post_only=place.post_only,
        expires_at=place.expires_at,
    )


def _content(order: NewOrder) -> tuple[object, ...]:
    return tuple(getattr(order, name) for name in order.__struct_fields__ if name != "expires_at")


def _figure(text: str | None, field: str, code: Code) -> Decimal | None:
    return None if text is None else _positive(text, field, code)


def _positive(text: str, field: str, code: Code) -> Decimal:
    value = parse_positive(text)
    if value is None:
        wanted = "it must be a plain decimal above zero with at most 18 digits on either side"
        raise BadInput(f"{field} is {shown(text)}; {wanted}", code)
    return value


def _word(words: type[W], text: str, field: str) -> W:
    try:
        return words(text)
    except ValueError:
        allowed = ", ".join(words)
        raise BadInput(f"{field} is {shown(text)}; it must be one of {allowed}") from None


def _present(text: str | None, field: str, order_type: str, wanted: bool) -> None:
    if (text is not None) != wanted:
        _combination(f"a {order_type} order takes {'a' if wanted else 'no'} {field}")


def _combination(text: str) -> None:
    raise BadInput(text, Code.BAD_COMBINATION)


def _check_quantity(value: Decimal | None, market: Market) -> None:
    if value is None:
        return
    _check_step(value, market.quantity_step, "quantity", Code.QUANTITY_PRECISION)
    limits = (market.min_quantity, market.max_quantity)
    _check_range(value, limits, "quantity", Code.QUANTITY_LIMIT)


def _check_price(value: Decimal | None, field: str, market: Market) -> None:
    if value is None:
        return
    _check_step(value, market.price_step, field, Code.PRICE_PRECISION)
    _check_range(value, (market.min_price, market.max_price), field, Code.PRICE_LIMIT)


def _check_value(quantity: Decimal | None, price: Decimal | None, market: Market) -> None:
    if quantity is None or price is None:
        return
    limits = (market.min_cost, market.max_cost)
    _check_range(times(quantity, price), limits, "quantity x price", Code.VALUE_LIMIT)


def _check_step(value: Decimal, step: Decimal, field: str, code: Code) -> None:
    if not is_multiple(value, step):
        raise BadInput(f"{field} {plain(value)} is not a multiple of {plain(step)}", code)


def _check_range(
    value: Decimal, limits: tuple[Decimal | None, Decimal | None], field: str, code: Code
) -> None:
    low, high = limits
    if low is not None and value < low:
        raise BadInput(f"{field} {plain(value)} is below the least, {plain(low)}", code)
    if high is not None and value > high:
        raise BadInput(f"{field} {plain(value)} is above the most, {plain(high)}", code)


def _seconds(ns: int) -> str:
    return f"{ns / SECOND:.3f} s"

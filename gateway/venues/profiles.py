"""What differs between venues, one row each.

The names of parameters are not ccxt's unified `clientOrderId` where that is lost or renamed on the
way: tests/contract/test_venue_ids.py records what each venue's request really carries, and runs
again at every upgrade of ccxt. Figures without a source are cautious guesses, said so in place.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.errors import BadConfig
from gateway.domain.identity import IdForm
from gateway.venues.settings import OrdersOver, VenueSettings

SECOND = 1_000_000_000
AS_ARGUMENT = ""
"""In `cancel_by` and `fetch_by`: our id stands where the venue's own would."""
ANYTHING = "*"

Pattern = Mapping[str, object]
"""Dotted paths into a message and what stands there; `ANYTHING` but nothing."""


class AmendBy(StrEnum):
    """How an order is amended so that it keeps its id."""

    NOTHING = "nothing"
    EDIT_ORDER = "edit_order"
    KEEP_PRIORITY = "keep_priority"  # Binance spot: only down in quantity


class FastDialect(StrEnum):
    """How commands are written and answers read without ccxt; see `fast`."""

    BINANCE_SPOT = "binance_spot"


class NextPage(StrEnum):
    """What asks for the next page of a list."""

    NONE = "none"  # the venue lists everything at once, or there is no way to more
    LAST_ID = "last_id"  # the id of the oldest row, and rows older than that come
    NUMBER = "number"  # 1, 2, 3...
    CURSOR = "cursor"  # found in one of the raw rows, under `cursor_key`


class Paging(Struct, frozen=True, kw_only=True):
    """`size` rows at most come in one answer, 0: all; `parameter` asks for the next."""

    by: NextPage = NextPage.NONE
    size: int = 0
    parameter: str = ""
    cursor_key: str = ""


class VenueRow(Struct, frozen=True, kw_only=True):
    """One venue. Names are ccxt parameters; `None` for an id parameter: the venue can't do it."""

    family: str
    """Whose error codes it answers with; see `outcomes`."""
    id_form: IdForm
    create_by: str | None = "clientOrderId"
    cancel_by: str | None = "clientOrderId"
    fetch_by: str | None = "clientOrderId"
    stop_by: str | None = None
    """Parameter with the trigger price of a spot stop order. None: it has not been seen that one
    waits there, and is found, listed and canceled as any order is."""
    amend_by: AmendBy = AmendBy.NOTHING
    amend_id: str | None = None
    fetch_params: Mapping[str, Any] = {}
    fetch_id: str | None = None
    """What stands for the venue's own id in a question by ours: some can't do with None."""
    by_id_is_complete: bool = True
    """Asked by id, it knows open and closed orders alike, so its "no" covers both."""
    visibility_lag: int = 2 * SECOND
    stream_lag: int | None = 0
    """How much later than others its private stream may tell of what a command's answer said.
    None: whether it does has not been seen, and its silence means nothing."""
    receive_window: int | None = None
    receive_window_option: str = ""
    orders_over: OrdersOver = OrdersOver.REST
    orders_over_ws_work: bool = True
    ws_warm_call: str = ""
    fast_dialect: FastDialect | None = None
    lists_all_open_orders: bool = True
    """Without a symbol: not only of one kind of market."""
    open_pages: Paging = Paging()
    closed_call: str = ""
    """ccxt's method that lists filled and canceled orders alike, if not one that always does."""
    closed_by_time: bool = True
    """False: it takes no times and lists the latest only, `closed_page` of them at least."""
    closed_until_s: str = ""
    """Parameter for the end of a range in seconds, where ccxt sends its `until` in another unit."""
    closed_page: int = 50
    trade_page: int = 100
    order_trade_page: int = 50
    """What comes at most if the trades of one order are asked for. 0: ccxt can't ask for them."""
    pages_forward: bool = False
    """A page of closed orders or trades begins at the time asked from, and the next is asked for
    from its end on. Else it is not known where one begins, and only ranges of time of which all
    comes in one page are taken for complete. Every size here must be one that the venue gives: a
    page that is cut shorter would pass for the last."""
    trade_from_id: str = ""
    """Parameter that asks for trades from an id on, inclusive; else pages go by time."""
    gives_fees: bool = True
    """Its trades have a fee, if perhaps only some time after them."""
    stream_filled: str = ""
    """Where a streamed order carries all that was filled of it, if ccxt reads the last fill."""
    stream_has_quantity: bool = True
    """False: ccxt takes what was filled of a streamed order for its quantity."""
    raw_ids: tuple[str, ...] = ()
    """Where a raw order or fill carries our id, if ccxt does not find it there."""
    acks: tuple[Pattern, ...] = ()
    """Each must have been heard before the private stream is up. None: any frame will do."""
    ends: tuple[Pattern, ...] = ()
    """Heard on a socket that stays open: the private stream has ended."""
    options: Mapping[str, Any] = {}


_BINANCE_ENDS: tuple[Pattern, ...] = (
    {"event.e": "eventStreamTerminated"},
    {"e": "eventStreamTerminated"},
    {"e": "listenKeyExpired"},
)

ROWS: Mapping[str, VenueRow] = {
    "binance": VenueRow(
        family="binance",
        id_form=IdForm.UUID,
        create_by="newClientOrderId",
        cancel_by="origClientOrderId",
        fetch_by="origClientOrderId",
        stop_by="triggerPrice",
        amend_by=AmendBy.KEEP_PRIORITY,
        amend_id="origClientOrderId",
        visibility_lag=SECOND,
        receive_window=5 * SECOND,
        receive_window_option="recvWindow",
        orders_over=OrdersOver.WS,  # a third quicker than REST, and it keeps requests in order
        ws_warm_call="fetch_open_orders_ws",
        fast_dialect=FastDialect.BINANCE_SPOT,
        closed_page=1000,
        trade_page=1000,
        trade_from_id="fromId",
        order_trade_page=500,
        pages_forward=True,
        raw_ids=("c",),
        acks=({"result.subscriptionId": ANYTHING},),
        ends=_BINANCE_ENDS,
        options={
            "fetchMarkets": {"types": ["spot"]},  # contracts are those of binanceusdm
            "fetchOpenOrders": {"warnWithoutSymbol": False},
            "watchBalance": {"fetchBalanceSnapshot": True},  # else a deposit is taken for a balance
        },
    ),
    "binanceusdm": VenueRow(
        family="binance",
        id_form=IdForm.UUID,
        create_by="newClientOrderId",
        cancel_by="origClientOrderId",
        fetch_by="origClientOrderId",
        visibility_lag=SECOND,
        receive_window=5 * SECOND,
        receive_window_option="recvWindow",
        trade_page=1000,
        order_trade_page=0,
        raw_ids=("c",),
        ends=_BINANCE_ENDS,
        options={"fetchOpenOrders": {"warnWithoutSymbol": False}},
    ),
    "okx": VenueRow(
        family="okx",
        id_form=IdForm.HEX,
        create_by="clOrdId",
        cancel_by="clOrdId",
        fetch_by="clOrdId",
        amend_by=AmendBy.EDIT_ORDER,
        amend_id="clOrdId",
        open_pages=Paging(by=NextPage.LAST_ID, size=100, parameter="after"),
        order_trade_page=100,
        raw_ids=("clOrdId",),
        acks=({"event": "subscribe", "arg.channel": "orders"},),
    ),
    "bybit": VenueRow(
        family="bybit",
        id_form=IdForm.UUID,
        create_by="orderLinkId",
        cancel_by="orderLinkId",
        fetch_by="orderLinkId",
        amend_by=AmendBy.EDIT_ORDER,
        amend_id=None,  # ccxt drops orderLinkId from an edit
        fetch_params={"acknowledged": True},
        fetch_id="",  # None goes out as a word
        by_id_is_complete=False,  # only the last 500 orders
        closed_call="fetch_canceled_and_closed_orders",
        receive_window=5 * SECOND,
        receive_window_option="recvWindow",
        lists_all_open_orders=False,  # of linear contracts in USDT only
        open_pages=Paging(
            by=NextPage.CURSOR, size=50, parameter="cursor", cursor_key="nextPageCursor"
        ),
        raw_ids=("orderLinkId",),
        acks=({"op": "subscribe", "success": True},),
    ),
    "kraken": VenueRow(
        family="kraken",
        id_form=IdForm.UUID,
        create_by="cl_ord_id",
        cancel_by="cl_ord_id",
        fetch_by=None,  # sent as `userref`, which is another thing
        amend_by=AmendBy.EDIT_ORDER,
        amend_id="cl_ord_id",
        visibility_lag=5 * SECOND,
        orders_over_ws_work=False,  # ccxt cancels there by the venue's id only, and of no symbol
        closed_call="fetch_closed_orders",
        closed_until_s="end",
        trade_page=50,
        raw_ids=("cl_ord_id",),
        acks=({"method": "subscribe", "success": True},),
    ),
    "gate": VenueRow(
        family="gate",
        id_form=IdForm.GATE,
        create_by="text",
        cancel_by=AS_ARGUMENT,
        fetch_by=AS_ARGUMENT,
        by_id_is_complete=False,  # by our id only while open and for some time after
        closed_call="fetch_closed_orders",
        lists_all_open_orders=False,  # of spot markets only
        open_pages=Paging(by=NextPage.NUMBER, size=100, parameter="page"),
        order_trade_page=100,
        raw_ids=("text",),
        acks=({"event": "subscribe", "result.status": "success"},),
        options={"unifiedAccount": False},
    ),
    "kucoin": VenueRow(
        family="kucoin",
        id_form=IdForm.UUID,
        create_by="clientOid",
        cancel_by="clientOid",
        fetch_by="clientOid",
        by_id_is_complete=False,
        closed_call="fetch_closed_orders",
        trade_page=50,  # of the older accounts; ccxt asks for no other number
        order_trade_page=20,  # of the newer ones
        lists_all_open_orders=False,
        open_pages=Paging(size=50),
        raw_ids=("clientOid",),
        acks=({"type": "ack"},),
    ),
    "bitget": VenueRow(
        family="bitget",
        id_form=IdForm.UUID,
        create_by="clientOid",
        cancel_by="clientOid",
        fetch_by="clientOid",
        fetch_id="",  # None breaks ccxt where it says that there is no such order
        lists_all_open_orders=False,  # of spot markets only
        open_pages=Paging(by=NextPage.LAST_ID, size=100, parameter="idLessThan"),
        stream_filled="accBaseVolume",
        raw_ids=("clientOid",),
        acks=({"event": "subscribe"},),
    ),
    "hyperliquid": VenueRow(
        family="hyperliquid",
        id_form=IdForm.HEX_0X,
        create_by="clientOrderId",
        cancel_by="clientOrderId",
        fetch_by=AS_ARGUMENT,
        lists_all_open_orders=False,  # not those on the exchanges that others have built there
        closed_by_time=False,
        closed_page=500,  # of 2000 steps, of which an order has up to three
        trade_page=2000,  # of all markets
        raw_ids=("cloid",),
        acks=({"channel": "subscriptionResponse"},),
        options={"builderFee": False, "refSet": True},  # nobody else earns by its orders
    ),
    "coinbase": VenueRow(
        family="coinbase",
        id_form=IdForm.UUID,
        create_by="client_order_id",
        cancel_by=None,
        fetch_by=None,
        open_pages=Paging(by=NextPage.CURSOR, size=100, parameter="cursor", cursor_key="cursor"),
        closed_page=100,
        stream_has_quantity=False,
        acks=({"channel": "subscriptions"},),
    ),
}

UNKNOWN = VenueRow(
    family="",
    id_form=IdForm.HEX,
    cancel_by=None,
    fetch_by=None,
    by_id_is_complete=False,
    visibility_lag=10 * SECOND,
    stream_lag=None,
    open_pages=Paging(size=50),
    closed_page=20,  # few venues give less
    trade_page=20,
    order_trade_page=20,
)
"""For a venue that nobody has verified: it trusts the venue's own ids and full lists only."""


def row_of(exchange: str, *, unverified: bool) -> VenueRow:
    """Raises BadConfig for an exchange without a row, unless its use `unverified` is asked for."""
    row = ROWS.get(exchange)
    if row is not None:
        return row
    if not unverified:
        known = ", ".join(sorted(ROWS))
        raise BadConfig(
            f"{exchange} is not a verified venue ({known}); set `unverified = true` to use it"
        )
    return UNKNOWN


def overridden(row: VenueRow, settings: VenueSettings) -> VenueRow:
    """The row with what the user of a venue knows better.

    A receive window is a promise of the venue's that verdicts rest on, so it can be set only where
    each request carries it, and in one place. A command is sent once, so ccxt must not repeat it:
    raises BadConfig for anything else.
    """
    if _repeats(settings.options):
        raise BadConfig("options: maxRetriesOnFailure would send an order again: leave it out")
    window, option = settings.receive_window, row.receive_window_option
    if window is not None and not option:
        raise BadConfig("receive_window can't be set: requests to this venue carry none")
    if option and option in settings.options:
        raise BadConfig(f"options.{option}: set receive_window (in seconds) instead")
    lag = settings.visibility_lag
    return replace(
        row,
        visibility_lag=row.visibility_lag if lag is None else lag,
        receive_window=row.receive_window if window is None else window,
    )


def _repeats(options: Mapping[str, Any]) -> bool:
    """ccxt looks for it under the name of each request, too."""
    return any(
        name.lower().endswith("maxretriesonfailure")
        or (isinstance(value, Mapping) and _repeats(value))
        for name, value in options.items()
    )


def matches(message: object, pattern: Pattern) -> bool:
    return all(_is_there(_dig(message, path), wanted) for path, wanted in pattern.items())


def _is_there(found: object, wanted: object) -> bool:
    return found is not None if wanted == ANYTHING else found == wanted


def _dig(message: object, path: str) -> object:
    for key in path.split("."):
        if not isinstance(message, dict):
            return None
        message = message.get(key)
    return message

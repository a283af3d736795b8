"""Everything that the venue's record can hold, and what listeners are told.

Each entry has the record's `seq` (dense, from 1) and the venue's time in nanoseconds. An entry
is immutable and the orders in it are copies, so a listener may keep it.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from gateway.paper.orders import Order, Trade

EXECUTED_NEW = "NEW"
EXECUTED_TRADE = "TRADE"
EXECUTED_CANCELED = "CANCELED"
EXECUTED_REPLACED = "REPLACED"
EXECUTED_EXPIRED = "EXPIRED"
EXECUTED_TRADE_PREVENTION = "TRADE_PREVENTION"
EXECUTED_SNAPSHOT = "SNAPSHOT"
"""Only at the head of a rotated state file: the order as it was then. Never sent to anyone."""


class Execution(msgspec.Struct, frozen=True, gc=False, tag="execution"):
    """One change of one user's order, with the order's whole state after it.

    `client_order_id` is the id of the request that caused the change: for a cancel that of the
    cancel, and then `orig_client_order_id` is the order's own (it is empty otherwise).
    """

    seq: int
    time: int
    account: str
    kind: str
    order: Order
    trade: Trade | None
    client_order_id: str
    orig_client_order_id: str
    reason: str


class AssetBalance(msgspec.Struct, frozen=True, gc=False):
    asset: str
    free: Decimal
    locked: Decimal


class Position(msgspec.Struct, frozen=True, gc=False, tag="position"):
    """The balances that an operation may have changed, as they are after it."""

    seq: int
    time: int
    account: str
    balances: tuple[AssetBalance, ...]


class Deposit(msgspec.Struct, frozen=True, gc=False, tag="deposit"):
    """Money from outside (a negative `delta` leaves). `free` and `locked` are the result."""

    seq: int
    time: int
    account: str
    asset: str
    delta: Decimal
    free: Decimal
    locked: Decimal


class Request(msgspec.Struct, frozen=True, tag="request"):
    """A request as it arrived, before anything was decided about it. No signatures, no keys."""

    seq: int
    time: int
    account: str
    channel: str
    operation: str
    params: dict[str, str]
    client_order_id: str


class Outcome(msgspec.Struct, frozen=True, tag="outcome"):
    """What became of the request with seq `request`.

    `executed`: the engine judged it (it may have refused: `code` is then not 0). `faults` are
    the kinds that hit it; `answered` is False if the caller was left without an answer.
    """

    seq: int
    time: int
    request: int
    account: str
    operation: str
    executed: bool
    answered: bool
    code: int
    msg: str
    faults: tuple[str, ...]


class FaultHit(msgspec.Struct, frozen=True, tag="fault"):
    """An injected fault. `target` is the seq of the request or of the stream event it hit,
    0 for one that hit no message (a cut, a crash, a refused connection)."""

    seq: int
    time: int
    account: str
    kind: str
    operation: str
    target: int


class SymbolState(msgspec.Struct, frozen=True, gc=False, tag="symbol"):
    """At the head of a rotated state file: what no order in it would tell."""

    seq: int
    time: int
    symbol: str
    next_order_id: int
    next_trade_id: int
    last_price: Decimal


Event = Execution | Position | Deposit
"""What an account's listener is told."""

Entry = Execution | Position | Deposit | Request | Outcome | FaultHit | SymbolState

"""What the venue's commands return."""

from __future__ import annotations

import msgspec

from gateway.paper.errors import CANCEL_REPLACE_FAILED, CANCEL_REPLACE_PARTLY_FAILED, VenueError
from gateway.paper.orders import Order, Trade


class Placed(msgspec.Struct, frozen=True):
    """The order as it is when the call returns, and what it filled at once."""

    order: Order
    fills: tuple[Trade, ...]


class Canceled(msgspec.Struct, frozen=True):
    """The order as it ended. `client_order_id` is the cancel request's own id, not the order's."""

    order: Order
    client_order_id: str


class Amended(msgspec.Struct, frozen=True):
    """The order with its new quantity, the client order id it had before, the execution's id."""

    order: Order
    orig_client_order_id: str
    execution_id: int


class Replaced(msgspec.Struct, frozen=True):
    """Both halves of a cancel-replace. None: not attempted."""

    canceled: Canceled | VenueError
    placed: Placed | VenueError | None


def replaced(canceled: Canceled | VenueError, placed: Placed | VenueError | None) -> Replaced:
    """Both halves if both took effect; else raises -2021 or -2022 with them as `data`."""
    both = Replaced(canceled, placed)
    cancel_failed = isinstance(canceled, VenueError)
    if not cancel_failed and isinstance(placed, Placed):
        return both
    if cancel_failed and not isinstance(placed, Placed):
        raise VenueError(CANCEL_REPLACE_FAILED, "Order cancel-replace failed.", both)
    raise VenueError(CANCEL_REPLACE_PARTLY_FAILED, "Order cancel-replace partially failed.", both)

"""Commands, on `orders` and `urgent`: from trading programs to the executor.

They carry their figures as plain text: `gateway.domain.checks` turns them into `NewOrder` and
gives every wrong figure a code of its own.
"""

from gateway.domain.messages.message import Message


class Place(Message, frozen=True, kw_only=True, tag="place"):
    """`quantity`, `price` and `stop_price` are plain decimal strings in the base and quote asset.

    The same place may be sent again: it is one order. After `expires_at` it is refused.
    """

    order_id: str
    command_id: str
    client_id: str
    account: str
    symbol: str
    side: str
    order_type: str
    quantity: str
    expires_at: int
    price: str | None = None
    stop_price: str | None = None
    time_in_force: str = "gtc"
    post_only: bool = False


class Amend(Message, frozen=True, kw_only=True, tag="amend"):
    """New quantity and/or price of an open order, in place; what is None stays."""

    order_id: str
    command_id: str
    client_id: str
    account: str
    symbol: str
    expires_at: int
    quantity: str | None = None
    price: str | None = None


class Cancel(Message, frozen=True, kw_only=True, tag="cancel"):
    """Sticky: no expiry, repeated until the order's end is evidenced. Any id, however old."""

    order_id: str
    command_id: str
    client_id: str
    account: str
    symbol: str
    venue_order_id: str | None = None


class Halt(Message, frozen=True, kw_only=True, tag="halt"):
    """Refuse new orders and amends of an account (empty: all) until `resume`; cancels go on."""

    command_id: str
    client_id: str
    account: str = ""


class Resume(Message, frozen=True, kw_only=True, tag="resume"):
    command_id: str
    client_id: str
    account: str = ""


Command = Place | Amend | Cancel | Halt | Resume

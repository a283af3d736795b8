"""What the executor's outbox holds: its journal, sent as hints on `reports`."""

from msgspec import Struct

from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, CommandId, OrderId, Symbol, VenueOrderId
from gateway.domain.messages.message import Message
from gateway.domain.order import NewOrder
from gateway.domain.venue import CommandAnswer


class PlaceIntended(Struct, frozen=True, kw_only=True, tag="place_intended"):
    """Recorded before the first byte goes to the venue. `land_by`: it can't land after this."""

    at: int
    command_id: CommandId
    order: NewOrder
    land_by: int


class PlaceAnswered(Struct, frozen=True, kw_only=True, tag="place_answered"):
    at: int
    sent_at: int
    order_id: OrderId
    account: AccountId
    answer: CommandAnswer


class CancelIntended(Struct, frozen=True, kw_only=True, tag="cancel_intended"):
    at: int
    command_id: CommandId
    client_id: ClientId
    order_id: OrderId
    account: AccountId
    symbol: Symbol
    venue_order_id: VenueOrderId | None = None


class CancelAnswered(Struct, frozen=True, kw_only=True, tag="cancel_answered"):
    at: int
    sent_at: int
    order_id: OrderId
    account: AccountId
    answer: CommandAnswer


class AmendIntended(Struct, frozen=True, kw_only=True, tag="amend_intended"):
    at: int
    command_id: CommandId
    client_id: ClientId
    order_id: OrderId
    account: AccountId
    symbol: Symbol
    quantity: str | None
    price: str | None
    land_by: int


class AmendAnswered(Struct, frozen=True, kw_only=True, tag="amend_answered"):
    at: int
    sent_at: int
    order_id: OrderId
    account: AccountId
    quantity: str | None
    price: str | None
    answer: CommandAnswer


class CommandRefused(Struct, frozen=True, kw_only=True, tag="command_refused"):
    """Nothing was sent. It answers a command, it is not the end of an order.

    What was refused once is not carried out when it comes again: `remembered` is what the executor
    keeps of the order id (None: nothing), `repeat_until` how long it keeps the command's own id.
    """

    at: int
    client_id: str
    command_id: str
    code: Code
    text: str
    order_id: str = ""
    account: str = ""
    remembered: int | None = None
    repeat_until: int = 0


class HaltChanged(Struct, frozen=True, kw_only=True, tag="halt_changed"):
    """New orders and amends of `account` (empty: all) are refused, or taken again."""

    at: int
    client_id: ClientId
    command_id: CommandId
    account: str
    halted: bool


class Alive(Struct, frozen=True, kw_only=True, tag="alive"):
    """Whatever the executor took in before `at` is in the outbox before this record.

    `acknowledged`: up to which record, as far as the executor knows, the listener has it.
    """

    at: int
    acknowledged: int = 0


OutboxEvent = (
    PlaceIntended
    | PlaceAnswered
    | CancelIntended
    | CancelAnswered
    | AmendIntended
    | AmendAnswered
    | CommandRefused
    | HaltChanged
    | Alive
)


class OutboxRecord(Message, frozen=True, kw_only=True, tag="outbox_record"):
    """Record `number` (dense from 1) of the outbox `outbox`, which began at `born_at`.

    The listener applies records of one outbox strictly in order of their numbers.
    """

    outbox: str
    born_at: int
    number: int
    event: OutboxEvent

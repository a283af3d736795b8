"""When a `wait` is over."""

from typing import Literal

from gateway.client.errors import Refused
from gateway.client.known import Followed
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import Code
from gateway.domain.messages import Refusal
from gateway.domain.order import Order

Until = Literal["known", "accepted", "closed"]


def reached(followed: Followed, until: Until) -> Order | None:
    """The order if it is as far as `until`; None: not yet.

    `known`: anything at all; `accepted`: the venue has it, or it has ended; `closed`: it has ended.
    Raises Refused for an order that the gateway refused or never received.
    """
    order = followed.order
    if order is None:
        _raise_if_never_an_order(followed)
        return None
    early = order.status in (OrderStatus.PENDING_NEW, OrderStatus.IN_DOUBT)
    match until:
        case "known":
            return order
        case "accepted":
            return None if early else order
        case "closed":
            return order if order.is_closed else None


def _raise_if_never_an_order(followed: Followed) -> None:
    if followed.refusal is not None:
        raise Refused(followed.refusal)
    if followed.never_received:
        refusal = Refusal(
            at=0,
            client_id="",
            command_id="",
            code=Code.NOT_RECEIVED,
            text="the executor never received it, and can't any more",
            order_id=followed.order_id,
            account=followed.account,
        )
        raise Refused(refusal)

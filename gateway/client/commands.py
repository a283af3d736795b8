"""What both clients do at once and without waiting, so that it is written once."""

from abc import ABC, abstractmethod

from gateway.client.compose import Figure
from gateway.client.protocol import ClientProtocol
from gateway.domain.identity import CommandId, OrderId
from gateway.domain.order import Order


class Commands(ABC):
    """Commands that are sent in passing, and what is known without asking."""

    @property
    @abstractmethod
    def protocol(self) -> ClientProtocol:
        """For what this class does not offer: callbacks for alarms, health and refusals."""

    def place(
        self,
        account: str,
        symbol: str,
        side: str,
        order_type: str,
        quantity: Figure,
        *,
        price: Figure | None = None,
        stop_price: Figure | None = None,
        time_in_force: str = "gtc",
        post_only: bool = False,
        expires_at: int | None = None,
    ) -> OrderId:
        """Returns at once with the order's id. `expires_at` (ns UTC): the gateway refuses it after
        that, whatever it waited in; by default in two seconds. Raises NotSent if nobody takes
        orders, BadInput for a float or an account that is not followed."""
        place = self.protocol.new_place(
            account,
            symbol,
            side,
            order_type,
            quantity,
            price=price,
            stop_price=stop_price,
            time_in_force=time_in_force,
            post_only=post_only,
            expires_at=expires_at,
        )
        return self.protocol.place(place)

    def amend(
        self,
        order_id: str,
        *,
        quantity: Figure | None = None,
        price: Figure | None = None,
        account: str = "",
        symbol: str = "",
        expires_at: int | None = None,
    ) -> CommandId:
        """New figures of an open order, in place; what is None stays. `quantity` is the whole one,
        what is filled included. `account` and `symbol` as for `cancel`. Raises NotSent."""
        amend = self.protocol.new_amend(
            order_id,
            quantity=quantity,
            price=price,
            account=account,
            symbol=symbol,
            expires_at=expires_at,
        )
        self.protocol.amend(amend)
        return CommandId(amend.command_id)

    def cancel(
        self,
        order_id: str,
        account: str = "",
        symbol: str = "",
        venue_order_id: str | None = None,
    ) -> CommandId:
        """Repeated until it has an effect. `account` and `symbol` only of an order that was not
        placed from here and is not open on an account that is followed; BadInput without them."""
        return self.protocol.cancel(order_id, account, symbol, venue_order_id)

    def order(self, order_id: str) -> Order | None:
        """From memory: of an order placed from here, or of any that is open on a followed account.
        None: nothing is known of it here (`get_order` asks)."""
        return self.protocol.order(order_id)

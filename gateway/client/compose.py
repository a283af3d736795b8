"""Commands and requests with what is this client's to give: ids, name, expiry."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain.errors import BadInput
from gateway.domain.identity import CommandId, make_order_id
from gateway.domain.money import plain
from gateway.ports import Clock, Randomness

SECOND = 1_000_000_000
Figure = str | int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Times in ns, bounds in counts.

    `kept_orders`: settled orders (closed, refused, never received) remembered for `wait` and
    `order`; the oldest go. `cancel_retry` and `ask_after` are first pauses; later ones grow.
    """

    client_id: str
    expiry: int = 2 * SECOND
    cancel_retry: int = SECOND
    request_timeout_s: float = 5.0
    kept_orders: int = 10_000
    ask_after: int = SECOND
    clock_error: int = 2 * SECOND


class Composer:
    """`tag` is the id space of the gateway, once it is known."""

    def __init__(self, options: ClientOptions, clock: Clock, randomness: Randomness) -> None:
        self.tag = 0
        self._options = options
        self._clock = clock
        self._randomness = randomness

    def command_id(self) -> CommandId:
        return CommandId(f"{self._randomness.bits(96):024x}")

    def place(
        self, account: str, symbol: str, side: str, order_type: str, quantity: Figure, **more: Any
    ) -> m.Place:
        now = self._clock.now()
        if more.get("expires_at") is None:
            more["expires_at"] = now + self._options.expiry
        for name in ("price", "stop_price"):
            if more.get(name) is not None:
                more[name] = figure(more[name])
        return m.Place(
            order_id=make_order_id(self.tag, now, self._randomness.bits(62)),
            command_id=self.command_id(),
            client_id=self._options.client_id,
            account=account,
            symbol=symbol,
            side=side,
            order_type=order_type,
            quantity=figure(quantity),
            **more,
        )

    def amend(
        self,
        order_id: str,
        account: str,
        symbol: str,
        *,
        quantity: Figure | None,
        price: Figure | None,
        expires_at: int | None,
    ) -> m.Amend:
        return m.Amend(
            order_id=order_id,
            command_id=self.command_id(),
            client_id=self._options.client_id,
            account=account,
            symbol=symbol,
            expires_at=expires_at or self._clock.now() + self._options.expiry,
            quantity=None if quantity is None else figure(quantity),
            price=None if price is None else figure(price),
        )

    def cancel(
        self, order_id: str, account: str, symbol: str, venue_order_id: str | None
    ) -> m.Cancel:
        return m.Cancel(
            order_id=order_id,
            command_id=self.command_id(),
            client_id=self._options.client_id,
            account=account,
            symbol=symbol,
            venue_order_id=venue_order_id,
        )

    def halt(self, account: str) -> m.Halt:
        return m.Halt(
            command_id=self.command_id(), client_id=self._options.client_id, account=account
        )

    def resume(self, account: str) -> m.Resume:
        return m.Resume(
            command_id=self.command_id(), client_id=self._options.client_id, account=account
        )

    def request(self, kind: Callable[..., m.Request], fields: dict[str, Any]) -> m.Request:
        """One that expires with its time-out."""
        return kind(
            request_id=self.command_id(),
            client_id=self._options.client_id,
            expires_at=self._request_end(),
            **fields,
        )

    def renewed(self, request: m.Request) -> m.Request:
        """Its time-out begins now."""
        return replace(request, expires_at=self._request_end())

    def _request_end(self) -> int:
        return self._clock.now() + int(self._options.request_timeout_s * 1e9)


def figure(value: Figure) -> str:
    """As it goes on the wire. A float is refused: it is not the figure that was meant."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal) and value.is_finite():
        return plain(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadInput(f"a figure is a string, a Decimal or a whole number, not {value!r}")

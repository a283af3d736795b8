"""What a trading program's side of the gateway does, without I/O.

The blocking and the asyncio client, and the simulation, drive this one class: they hand it what
comes in, and it sends through the ports it was given. It makes order ids, repeats cancels until
they have an effect, keeps the streams whole, and finds out what became of an order that nothing is
heard of.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec.structs import replace

from gateway.client.follower import StreamFollower
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Pending
from gateway.domain.errors import BadMessage, Code, GatewayError, Unavailable
from gateway.domain.identity import AccountId, CommandId, OrderId, make_order_id
from gateway.domain.order import Order
from gateway.ports import Asker, Clock, Outlet, Randomness, Timer, Timers

SECOND = 1_000_000_000
R = TypeVar("R", bound=m.Reply)


class Refused(GatewayError):
    """The gateway refused the command; nothing was sent to the venue."""

    def __init__(self, refusal: m.Refusal) -> None:
        super().__init__(refusal.text, refusal.code)
        self.refusal = refusal


class NotSent(Unavailable):
    """The command did not leave this program: nobody takes orders at the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Times in ns, bounds in counts.

    `kept_orders`: closed orders and refusals remembered for `wait` and `order`; the oldest go.
    """

    client_id: str
    expiry: int = 2 * SECOND
    cancel_retry: int = SECOND
    request_timeout_s: float = 5.0
    kept_orders: int = 10_000
    ask_after: int = SECOND
    clock_error: int = 2 * SECOND


@dataclass(slots=True)
class Followed:
    """An order of this client: what was sent, what is known."""

    order_id: OrderId
    account: str
    symbol: str
    expires_at: int
    order: Order | None = None
    refusal: m.Refusal | None = None
    never_received: bool = False
    asking: Timer | None = None
    watchers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        closed = self.order is not None and self.order.is_closed
        return closed or self.never_received or (self.refusal is not None and self.order is None)


@dataclass(slots=True)
class StickyCancel:
    frame: bytes
    command_id: str
    timer: Timer | None = None


class ClientProtocol:
    """One trading program. Not thread-safe: everything runs on its driver's thread."""

    def __init__(
        self,
        options: ClientOptions,
        *,
        orders: Outlet,
        urgent: Outlet,
        asker: Asker,
        subscribe: Callable[[str], None],
        clock: Clock,
        timers: Timers,
        randomness: Randomness,
    ) -> None:
        self._options = options
        self._orders = orders
        self._urgent = urgent
        self._asker = asker
        self._subscribe = subscribe
        self._clock = clock
        self._timers = timers
        self._randomness = randomness
        self._tag = 0
        self._followers: dict[AccountId, StreamFollower] = {}
        self._own: OrderedDict[OrderId, Followed] = OrderedDict()
        self._cancels: dict[OrderId, StickyCancel] = {}
        self.counters: dict[str, int] = {}
        self.on_item: Callable[[m.StreamItem, bool], None] = lambda _item, _replayed: None
        """Each item of each followed stream in order; True: it was replayed."""
        self.on_restated: Callable[[AccountId, tuple[Order, ...]], None] = lambda _a, _o: None
        """A stream begins (anew): these are its open orders now."""
        self.on_refusal: Callable[[m.Refusal], None] = lambda _refusal: None
        self.on_alarm: Callable[[m.AlarmRaised], None] = lambda _alarm: None
        self.on_health: Callable[[m.Health], None] = lambda _health: None

    # ---- start ---------------------------------------------------------------------------------

    def connect(self, accounts: tuple[str, ...], tag: int) -> None:
        """Subscribes. Wait for `is_live` before placing: a subscription takes time to be in force,
        and the first heads and snapshots show that it is."""
        self._tag = tag
        self._subscribe(m.refusals_topic(self._options.client_id))
        for topic in (m.HEADS, m.HEALTH, m.ALARMS):
            self._subscribe(topic)
        for name in accounts:
            account = AccountId(name)
            self._followers[account] = StreamFollower(
                account,
                deliver=self._deliver,
                restate=self._restate,
                ask_replay=self._ask_replay,
                ask_snapshot=self._ask_snapshot,
            )
            self._subscribe(m.stream_topic(account))

    @property
    def is_live(self) -> bool:
        """Every followed stream is whole up to its head."""
        return all(follower.live for follower in self._followers.values())

    def position(self, account: AccountId) -> tuple[int, int]:
        """Epoch and seq of the last thing that was delivered of an account's stream."""
        follower = self._followers[account]
        return follower.epoch, follower.seq

    # ---- commands ------------------------------------------------------------------------------

    def place(self, place: m.Place) -> OrderId:
        """Sends it. Raises NotSent: it has not left this program, and won't."""
        order_id = OrderId(place.order_id)
        self._follow(Followed(order_id, place.account, place.symbol, place.expires_at))
        if not self._orders.send(codec.encode(place)):
            del self._own[order_id]
            raise NotSent("nobody takes orders: is the executor running?", Code.NOT_READY)
        wait = max(place.expires_at - self._clock.now(), 0) + self._options.ask_after
        self._own[order_id].asking = self._timers.after(wait, lambda: self._ask_fate(order_id))
        return order_id

    def new_place(
        self, account: str, symbol: str, side: str, order_type: str, quantity: str, **more: Any
    ) -> m.Place:
        """A place with a new order id that expires after the option's `expiry`."""
        now = self._clock.now()
        more.setdefault("expires_at", now + self._options.expiry)
        return m.Place(
            order_id=make_order_id(self._tag, now, self._randomness.bits(62)),
            command_id=self.new_id(),
            client_id=self._options.client_id,
            account=account,
            symbol=symbol,
            side=side,
            order_type=order_type,
            quantity=quantity,
            **more,
        )

    def amend(self, amend: m.Amend) -> None:
        if not self._orders.send(codec.encode(amend)):
            raise NotSent("nobody takes orders: is the executor running?", Code.NOT_READY)

    def cancel(
        self, order_id: str, account: str, symbol: str, venue_order_id: str | None = None
    ) -> CommandId:
        """Repeated until its effect is seen, or its refusal; also while nobody takes it."""
        known = self._cancels.get(OrderId(order_id))
        if known is not None:
            return CommandId(known.command_id)
        command_id = self.new_id()
        cancel = m.Cancel(
            order_id=order_id,
            command_id=command_id,
            client_id=self._options.client_id,
            account=account,
            symbol=symbol,
            venue_order_id=venue_order_id,
        )
        self._cancels[OrderId(order_id)] = StickyCancel(codec.encode(cancel), command_id)
        self._send_cancel(OrderId(order_id))
        return command_id

    def send_urgent(self, command: m.Halt | m.Resume) -> bool:
        """Once; False: nobody takes it now. Saying it again, with the same id, does no harm."""
        return self._urgent.send(codec.encode(command))

    def _send_cancel(self, order_id: OrderId) -> None:
        sticky = self._cancels.get(order_id)
        if sticky is None:
            return
        taken = self._urgent.send(sticky.frame)
        if taken and self._is_closed(order_id):
            self._end_cancel(order_id)  # no update would ever end it
            return
        again = self._options.cancel_retry
        sticky.timer = self._timers.after(again, lambda: self._send_cancel(order_id))

    def _is_closed(self, order_id: OrderId) -> bool:
        followed = self._own.get(order_id)
        return followed is not None and followed.order is not None and followed.order.is_closed

    def _end_cancel(self, order_id: OrderId) -> None:
        sticky = self._cancels.pop(order_id, None)
        if sticky is not None and sticky.timer is not None:
            sticky.timer.cancel()

    def new_id(self) -> CommandId:
        return CommandId(f"{self._randomness.bits(96):024x}")

    # ---- what is known -------------------------------------------------------------------------

    def followed(self, order_id: str) -> Followed | None:
        return self._own.get(OrderId(order_id))

    def watch(self, order_id: str, changed: Callable[[], None]) -> None:
        """Calls `changed` whenever something new is known of the order."""
        self._own[OrderId(order_id)].watchers.append(changed)

    def unwatch(self, order_id: str, changed: Callable[[], None]) -> None:
        followed = self._own.get(OrderId(order_id))
        if followed is not None and changed in followed.watchers:
            followed.watchers.remove(changed)

    # ---- what comes in -------------------------------------------------------------------------

    def on_status(self, _topic: str, frame: bytes) -> None:
        try:
            message = codec.statuses.decode(frame)
        except BadMessage as error:
            self._count(error.code)
            return
        match message:
            case m.OrderUpdate() | m.TransactionUpdate():
                follower = self._followers.get(message.account)
                if follower is not None:
                    follower.on_item(message)
            case m.Head():
                follower = self._followers.get(message.account)
                if follower is not None:
                    follower.on_head(message)
            case m.Refusal():
                self._on_refusal(message)
            case m.AlarmRaised():
                self.on_alarm(message)
            case m.Health():
                self.on_health(message)
            case _:
                self._count("ignored")

    def _deliver(self, item: m.StreamItem, replayed: bool) -> None:
        if isinstance(item, m.OrderUpdate):
            self._know(item.order)
        self.on_item(item, replayed)

    def _restate(self, account: AccountId, orders: tuple[Order, ...]) -> None:
        listed = {order.order_id for order in orders}
        for order in orders:
            self._know(order)
        for followed in list(self._own.values()):
            missing = followed.account == account and followed.order_id not in listed
            if missing and not followed.is_settled and followed.order is not None:
                self._ask_fate(followed.order_id)
        self.on_restated(account, orders)

    def _know(self, order: Order) -> None:
        if order.is_closed or order.pending is Pending.CANCEL:
            self._end_cancel(order.order_id)
        followed = self._own.get(order.order_id)
        if followed is None:
            return
        followed.order = order
        followed.never_received = False
        self._stop_asking(followed)
        self._tell(followed)

    def _on_refusal(self, refusal: m.Refusal) -> None:
        order_id = OrderId(refusal.order_id)
        sticky = self._cancels.get(order_id)
        if sticky is not None and sticky.command_id == refusal.command_id:
            self._end_cancel(order_id)
        followed = self._own.get(order_id)
        if followed is not None:
            followed.refusal = refusal
            self._tell(followed)
        self.on_refusal(refusal)

    # ---- an order that nothing is heard of -----------------------------------------------------

    def _ask_fate(self, order_id: OrderId) -> None:
        followed = self._own.get(order_id)
        if followed is None or followed.is_settled:
            return
        self._stop_asking(followed)
        request = self.request(
            m.GetOrder, order_id=order_id, expires_at_of_place=followed.expires_at
        )
        self.ask(request, m.OrderReply, lambda reply: self._on_fate(order_id, reply))

    def _on_fate(self, order_id: OrderId, reply: m.OrderReply | GatewayError) -> None:
        followed = self._own.get(order_id)
        if followed is None or followed.is_settled:
            return
        if isinstance(reply, m.OrderReply) and reply.fate != "unknown":
            self._take_fate(followed, reply)
        elif followed.order is None or isinstance(reply, GatewayError):
            again = self._options.ask_after
            followed.asking = self._timers.after(again, lambda: self._ask_fate(order_id))

    def _take_fate(self, followed: Followed, reply: m.OrderReply) -> None:
        if reply.order is not None:
            known = followed.order
            if known is None or reply.order.changed_at >= known.changed_at:
                self._know(reply.order)
            return
        followed.refusal = reply.refusal
        followed.never_received = reply.fate == "never_received"
        self._tell(followed)

    def _stop_asking(self, followed: Followed) -> None:
        if followed.asking is not None:
            followed.asking.cancel()
            followed.asking = None

    # ---- requests ------------------------------------------------------------------------------

    def request(self, kind: Callable[..., m.Request], **fields: Any) -> m.Request:
        """A request of this client that expires with its time-out."""
        timeout = int(self._options.request_timeout_s * 1e9)
        return kind(
            request_id=self.new_id(),
            client_id=self._options.client_id,
            expires_at=self._clock.now() + timeout,
            **fields,
        )

    def ask(
        self, request: m.Request, expected: type[R], done: Callable[[R | GatewayError], None]
    ) -> None:
        """`done` gets the reply, or the error: of the gateway, or a time-out."""
        timeout = self._options.request_timeout_s
        self._asker.request(
            codec.encode(request), timeout, lambda frame: done(read_reply(frame, expected))
        )

    def _ask_replay(self, account: AccountId, epoch: int, first: int, last: int) -> None:
        request = self.request(m.Replay, account=account, epoch=epoch, from_seq=first, to_seq=last)
        self.ask(request, m.ReplayReply, lambda reply: self._on_replay(account, reply))

    def _on_replay(self, account: AccountId, reply: m.ReplayReply | GatewayError) -> None:
        follower = self._followers[account]
        if isinstance(reply, m.ReplayReply):
            follower.on_replay(reply.items)
        elif reply.code is Code.NOT_KEPT:
            follower.not_kept()
        else:
            follower.failed()

    def _ask_snapshot(self, account: AccountId) -> None:
        request = self.request(m.TakeSnapshot, account=account)
        self.ask(request, m.SnapshotReply, lambda reply: self._on_snapshot(account, reply))

    def _on_snapshot(self, account: AccountId, reply: m.SnapshotReply | GatewayError) -> None:
        follower = self._followers[account]
        if isinstance(reply, m.SnapshotReply):
            follower.on_snapshot(reply)
        else:
            follower.failed()

    # ---- pieces --------------------------------------------------------------------------------

    def _follow(self, followed: Followed) -> None:
        self._own[followed.order_id] = followed
        if len(self._own) > self._options.kept_orders:
            self._forget_settled()

    def _forget_settled(self) -> None:
        """The oldest settled orders go; open ones are bounded by what the executor takes."""
        excess = len(self._own) - self._options.kept_orders
        settled = (order_id for order_id, one in self._own.items() if one.is_settled)
        for order_id in [order_id for order_id, _ in zip(settled, range(excess), strict=False)]:
            del self._own[order_id]

    def _tell(self, followed: Followed) -> None:
        for changed in list(followed.watchers):
            changed()

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1


def read_reply(frame: bytes | None, expected: type[R]) -> R | GatewayError:
    """The reply as `expected`, or the error in its place."""
    if frame is None:
        return GatewayError("no answer in time; it may have been carried out", Code.TIMED_OUT)
    try:
        reply = codec.replies.decode(frame)
    except BadMessage as error:
        return error
    if isinstance(reply, m.Failed):
        return GatewayError(reply.text, reply.code)
    if not isinstance(reply, expected):
        return GatewayError(f"unexpected reply {type(reply).__name__}", Code.UNKNOWN_TYPE)
    return reply


def retried(request: m.Request, expires_at: int) -> m.Request:
    """The same request once more: it is recognised by its id and not carried out twice."""
    return replace(request, expires_at=expires_at)

"""What a trading program's side of the gateway does, without I/O.

The blocking and the asyncio client, and the simulation, drive this one class: they hand it what
comes in, and it sends through the ports it was given. It makes order ids, repeats cancels until
they have an effect and halts until they are in force, keeps the streams whole, and finds out what
became of an order that nothing is heard of.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from msgspec.structs import asdict

from gateway.client.cancels import Cancels
from gateway.client.compose import ClientOptions, Composer, Figure
from gateway.client.errors import NotSent, Refused
from gateway.client.fates import Fates
from gateway.client.follower import StreamFollower
from gateway.client.known import Followed, Known, is_newer
from gateway.client.replies import read_reply
from gateway.client.updates import Restated, Update
from gateway.client.wishes import Wish
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import Role
from gateway.domain.errors import BadInput, BadMessage, Code, GatewayError
from gateway.domain.identity import AccountId, CommandId, OrderId
from gateway.domain.order import Order
from gateway.domain.snapshot_pages import SnapshotPages
from gateway.ports import Asker, Clock, Outlet, Randomness, Timers

__all__ = ["ClientOptions", "ClientProtocol", "Followed", "NotSent", "Refused", "Restated"]

R = TypeVar("R", bound=m.Reply)

Defer = Callable[[Callable[[], None]], None]


def _at_once(ask: Callable[[], None]) -> None:
    ask()


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
        defer: Defer = _at_once,
    ) -> None:
        """`defer` keeps what asks a question until the driver has time to wait for the answer."""
        self._options = options
        self._orders = orders
        self._urgent = urgent
        self._asker = asker
        self._defer = defer
        self._subscribe = subscribe
        self._clock = clock
        self._timers = timers
        self.compose = Composer(options, clock, randomness)
        self._topics: set[str] = set()
        self._followers: dict[AccountId, StreamFollower] = {}
        self._known = Known(options.kept_orders)
        self._fates = Fates(self._ask_fate, timers, options.ask_after, self._take_fate)
        self._cancels = Cancels(
            urgent, timers, options.cancel_retry, self._known.order, self._ask_canceled
        )
        self._wishes: list[Wish] = []
        self._listeners: list[Callable[[Update], None]] = []
        self.counters: dict[str, int] = {}
        self.health: dict[Role, m.Health] = {}
        """What each process said last of itself."""
        self.on_item: Callable[[m.StreamItem, bool], None] = lambda _item, _replayed: None
        """Each item of each followed stream in order; True: it was replayed."""
        self.on_restated: Callable[[AccountId, tuple[Order, ...]], None] = lambda _a, _o: None
        """A stream begins (anew): these are its open orders now."""
        self.on_refusal: Callable[[m.Refusal], None] = lambda _refusal: None
        self.on_alarm: Callable[[m.AlarmRaised], None] = lambda _alarm: None
        self.on_health: Callable[[m.Health], None] = lambda _health: None

    # ---- start and end -------------------------------------------------------------------------

    def connect(self, accounts: tuple[str, ...], tag: int) -> None:
        """Subscribes. Wait for `is_live` before placing: a subscription takes time to be in force,
        and the first heads and snapshots show that it is."""
        self.compose.tag = tag
        self._hear(m.refusals_topic(self._options.client_id))
        for name in accounts:
            account = AccountId(name)
            self._followers[account] = StreamFollower(
                account,
                deliver=self._deliver,
                restate=self._restate,
                ask_replay=self._ask_replay,
                ask_snapshot=self._ask_snapshot,
            )
            self._hear(m.stream_topic(account))
        for topic in (m.HEALTH, m.ALARMS, m.HEADS):
            self._hear(topic)  # heads last: whoever hears one hears all the others

    def _hear(self, topic: str) -> None:
        if topic not in self._topics:
            self._topics.add(topic)
            self._subscribe(topic)

    def close(self) -> None:
        """No timer of its is left. What was taken in by the gateway goes on."""
        self._cancels.close()
        for wish in self._wishes:
            wish.end()
        for followed in self._known.all():
            self._fates.stop(followed)

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        """Those whose streams are followed."""
        return tuple(self._followers)

    @property
    def is_live(self) -> bool:
        """Every followed stream is whole up to its head."""
        return all(follower.live for follower in self._followers.values())

    def position(self, account: AccountId) -> tuple[int, int]:
        """Epoch and seq of the last thing that was delivered of an account's stream."""
        follower = self._followers[account]
        return follower.epoch, follower.seq

    def listen(self, listener: Callable[[Update], None]) -> Callable[[], None]:
        """Tells it every item and new beginning of the followed streams, in order, until what is
        returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # ---- commands ------------------------------------------------------------------------------

    def place(self, place: m.Place) -> OrderId:
        """Sends it; the same place again is the same order, which expires with the later of the
        two. Raises NotSent: it has not left this program, and won't; BadInput for an account that
        is not followed: nobody tells of it."""
        order_id = OrderId(place.order_id)
        self._check_followed(place.account)
        followed = self._known.own(order_id)
        is_new = followed is None
        if followed is None:
            followed = Followed(
                order_id, place.account, place.symbol, place.expires_at, place.command_id
            )
            self._known.add(followed)
        if not self._orders.send(codec.encode(place)):
            if is_new:
                self._known.remove(order_id)
            raise NotSent
        if followed.order is None:
            if not is_new:
                self._known.renew(followed, place)
            patience = max(followed.expires_at - self._clock.now(), 0) + self._options.ask_after
            self._fates.later(followed, patience)
        return order_id

    def _check_followed(self, account: str) -> None:
        """Before `connect` nothing is followed, and nothing of it is known."""
        if self._followers and account not in self._followers:
            names = ", ".join(self._followers)
            text = f"account {account} is not followed: this client follows {names}"
            raise BadInput(text, Code.UNKNOWN_ACCOUNT)

    def new_place(
        self, account: str, symbol: str, side: str, order_type: str, quantity: Figure, **more: Any
    ) -> m.Place:
        """A place with a new order id that expires after the option's `expiry`."""
        return self.compose.place(account, symbol, side, order_type, quantity, **more)

    def amend(self, amend: m.Amend) -> None:
        if not self._orders.send(codec.encode(amend)):
            raise NotSent

    def new_amend(
        self,
        order_id: str,
        *,
        quantity: Figure | None = None,
        price: Figure | None = None,
        account: str = "",
        symbol: str = "",
        expires_at: int | None = None,
    ) -> m.Amend:
        """What is None stays. `account` and `symbol` as for `cancel`."""
        account, symbol = self._whereabouts(order_id, account, symbol)
        return self.compose.amend(
            order_id, account, symbol, quantity=quantity, price=price, expires_at=expires_at
        )

    def cancel(
        self,
        order_id: str,
        account: str = "",
        symbol: str = "",
        venue_order_id: str | None = None,
    ) -> CommandId:
        """Repeated until its effect is seen, or its refusal; also while nobody takes it.

        `account` and `symbol` only of an order that is not known here: neither placed from here,
        nor open on an account that is followed. Raises BadInput without them.
        """
        pending = self._cancels.get(OrderId(order_id))
        if pending is not None:
            return CommandId(pending.command_id)
        account, symbol = self._whereabouts(order_id, account, symbol)
        order = self._known.order(OrderId(order_id))
        if venue_order_id is None and order is not None:
            venue_order_id = order.venue_order_id
        cancel = self.compose.cancel(order_id, account, symbol, venue_order_id)
        self._cancels.begin(cancel)
        return CommandId(cancel.command_id)

    def _whereabouts(self, order_id: str, account: str, symbol: str) -> tuple[str, str]:
        """What an order that is known here says itself comes first."""
        known = self._known.own(OrderId(order_id)) or self._known.order(OrderId(order_id))
        if known is not None:
            return known.account, known.symbol
        if not account or not symbol:
            text = f"order {order_id} is not known to this client: name its account and symbol"
            raise BadInput(text, Code.UNKNOWN_ORDER)
        return account, symbol

    @contextlib.contextmanager
    def wishing(self, command: m.Halt | m.Resume) -> Iterator[Wish]:
        """Inside, it is said until it is carried out; without `connect` as well."""
        for topic in (m.HEALTH, m.refusals_topic(self._options.client_id)):
            self._hear(topic)
        wish = Wish(command, self._urgent, self._timers)
        self._wishes.append(wish)
        try:
            yield wish
        finally:
            self._wishes.remove(wish)
            wish.end()

    def new_id(self) -> CommandId:
        return self.compose.command_id()

    # ---- what is known -------------------------------------------------------------------------

    def followed(self, order_id: str) -> Followed | None:
        """An order that was placed from here."""
        return self._known.own(OrderId(order_id))

    def order(self, order_id: str) -> Order | None:
        """From memory: of an order placed from here, or of any that is open on a followed account.
        None: nothing is known of it here."""
        return self._known.order(OrderId(order_id))

    def open_orders(self, account: str) -> tuple[Order, ...]:
        """From memory: all that are open on a followed account, whoever placed them."""
        return self._known.open_of(account)

    def watch(self, order_id: str, changed: Callable[[], None]) -> None:
        """Calls `changed` whenever something new is known of an order placed from here."""
        followed = self._known.own(OrderId(order_id))
        if followed is not None:
            followed.watchers.append(changed)

    def unwatch(self, order_id: str, changed: Callable[[], None]) -> None:
        followed = self._known.own(OrderId(order_id))
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
                self._on_health(message)
            case _:
                self._count("ignored")

    def _deliver(self, item: m.StreamItem, replayed: bool) -> None:
        if isinstance(item, m.OrderUpdate):
            self._know(item.order)
        self.on_item(item, replayed)
        self._tell(item)

    def _restate(self, account: AccountId, orders: tuple[Order, ...]) -> None:
        self._known.restate(account, orders)
        for order in orders:
            self._know(order)
        listed = {order.order_id for order in orders}
        for followed in list(self._known.unsettled_of(account)):
            if followed.order is not None and followed.order_id not in listed:
                self._fates.now(followed)  # it was closed meanwhile: how, is asked
        self.on_restated(account, orders)
        epoch, seq = self.position(account)
        self._tell(Restated(account, epoch, seq, orders))

    def _tell(self, update: Update) -> None:
        for listener in tuple(self._listeners):
            listener(update)

    def _know(self, order: Order) -> None:
        followed = self._known.put(order)
        self._cancels.on_order(order)
        if followed is not None:
            self._fates.stop(followed)
            followed.tell()

    def _on_health(self, health: m.Health) -> None:
        self.health[health.role] = health
        for wish in self._wishes:
            wish.on_health(health)
        self.on_health(health)

    def _on_refusal(self, refusal: m.Refusal) -> None:
        self._cancels.on_refusal(refusal)
        for wish in self._wishes:
            wish.on_refusal(refusal)
        followed = self._known.own(OrderId(refusal.order_id))
        if followed is not None and followed.command_id == refusal.command_id:
            self._on_place_refused(followed, refusal)
        self.on_refusal(refusal)

    def _on_place_refused(self, followed: Followed, refusal: m.Refusal) -> None:
        """Of the refusals that name an order only its place's says that it is none; and only if it
        is none: the refused place may be a repeated one."""
        followed.refusal = refusal
        self._known.file(followed)
        if followed.is_settled:
            self._fates.stop(followed)
            self._cancels.end(followed.order_id)
        followed.tell()

    # ---- orders that nothing is heard of -------------------------------------------------------

    def _ask_fate(
        self, followed: Followed, done: Callable[[m.OrderReply | GatewayError], None]
    ) -> None:
        request = self.request(
            m.GetOrder, order_id=followed.order_id, expires_at_of_place=followed.expires_at
        )
        self.ask(request, m.OrderReply, done)

    def _take_fate(self, followed: Followed, reply: m.OrderReply, expires_at: int | None) -> bool:
        """False: it says nothing of the place that was sent last. `expires_at`: that of the one
        which was asked about."""
        if reply.order is not None:
            if is_newer(reply.order, followed.order):
                self._know(reply.order)
            return True
        if expires_at != followed.expires_at or self._is_former(reply.refusal, followed):
            return False
        followed.refusal = reply.refusal
        followed.never_received = reply.fate == "never_received"
        self._known.file(followed)
        self._cancels.end(followed.order_id)
        followed.tell()
        return True

    def _is_former(self, refusal: m.Refusal | None, followed: Followed) -> bool:
        """Of a place before the last one, which may still come to its own end."""
        is_other = refusal is not None and refusal.command_id != followed.command_id
        return is_other and self._clock.now() < followed.expires_at

    def _ask_canceled(self, order_id: OrderId) -> None:
        """A cancel that has shown no effect: the order's end may have been before our time."""
        followed = self._known.own(order_id)
        expires_at = None if followed is None else followed.expires_at
        request = self.request(m.GetOrder, order_id=order_id, expires_at_of_place=expires_at)
        self.ask(
            request, m.OrderReply, lambda reply: self._on_canceled(order_id, reply, expires_at)
        )

    def _on_canceled(
        self, order_id: OrderId, reply: m.OrderReply | GatewayError, expires_at: int | None
    ) -> None:
        if not isinstance(reply, m.OrderReply) or reply.fate == "unknown":
            return
        followed = self._known.own(order_id)
        if followed is not None:
            self._take_fate(followed, reply, expires_at)
        elif reply.order is None:
            self._cancels.end(order_id)
        else:
            self._cancels.on_order(reply.order)

    # ---- requests ------------------------------------------------------------------------------

    def request(self, kind: Callable[..., m.Request], **fields: Any) -> m.Request:
        """A request of this client that expires with its time-out."""
        return self.compose.request(kind, fields)

    def ask(
        self, request: m.Request, expected: type[R], done: Callable[[R | GatewayError], None]
    ) -> None:
        """`done` gets the reply, or the error: of the gateway, or a time-out, which begins when the
        request is sent."""
        self._defer(lambda: self._send(request, lambda frame: done(read_reply(frame, expected))))

    def _send(self, request: m.Request, on_reply: Callable[[bytes | None], None]) -> None:
        timeout = self._options.request_timeout_s
        self._asker.request(codec.encode(self.compose.renewed(request)), timeout, on_reply)

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
        self._ask_page(account, SnapshotPages())

    def _ask_page(self, account: AccountId, pages: SnapshotPages) -> None:
        request = self.request(m.TakeSnapshot, account=account, **asdict(pages.wanted))
        self.ask(request, m.SnapshotReply, lambda reply: self._on_page(account, pages, reply))

    def _on_page(
        self, account: AccountId, pages: SnapshotPages, reply: m.SnapshotReply | GatewayError
    ) -> None:
        follower = self._followers[account]
        if not isinstance(reply, m.SnapshotReply):
            follower.failed()
            return
        whole = pages.add(reply)
        if whole is None:
            self._ask_page(account, pages)
        else:
            follower.on_snapshot(whole)

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1

"""Trading programs: the real client protocol, driven by chance, and what they saw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from msgspec.structs import replace

from gateway.client.protocol import ClientOptions, ClientProtocol, NotSent
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import GatewayError
from gateway.domain.identity import AccountId, make_order_id
from gateway.domain.order import Order
from gateway.sim.clock import WallClock
from gateway.sim.host import TAG, Host, Surroundings
from gateway.sim.ideas import Ideas, Traded, on_step
from gateway.sim.network import SimOutlet
from gateway.sim.process import Instance
from gateway.sim.randomness import chance
from gateway.sim.records import Command, Heard
from gateway.sim.rows import item_row

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
RETRY = SECOND // 2

Outcome = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a trading program behaves: weights of what it does each time it acts."""

    orders: int
    pause: int
    place: int = 70
    cancel: int = 20
    cancel_at_once: int = 8
    amend: int = 6
    repeat: int = 3
    reuse: int = 2
    nonsense: int = 4
    stranger: int = 2
    cancel_all: int = 1


@dataclass(slots=True)
class Placed:
    order_id: str
    account: str
    symbol: str
    place: m.Place


@dataclass(slots=True)
class Diary:
    """All that a program sent, and what it was given; outlives its processes."""

    commands: list[Command] = field(default_factory=list)
    streams: list[tuple[str, str, list[Heard]]] = field(default_factory=list)


class Trader:
    """`start` is its process. `live_streams` are those that were followed to the end."""

    def __init__(
        self,
        name: str,
        host: Host,
        wall: WallClock,
        symbols: Sequence[Traded],
        habits: Habits,
        protocol: type[ClientProtocol] = ClientProtocol,
    ) -> None:
        self.name = name
        self.diary = Diary()
        self.protocol: ClientProtocol | None = None
        self.tag = 0
        self.placed = 0
        self._host = host
        self._wall = wall
        self._symbols = symbols
        self._habits = habits
        self._protocol_class = protocol
        self._random: Random = chance(host.seed, name)
        self._ideas = Ideas(host.accounts, symbols, wall, self._random)
        self._own: list[Placed] = []
        self._canceled: set[str] = set()
        self._first_command = 0
        self._orders: SimOutlet | None = None
        self._around: Surroundings | None = None
        self._streams: dict[str, list[Heard]] = {}
        self.resting = False

    # ---- its process ---------------------------------------------------------------------------

    def start(self, instance: Instance) -> None:
        host = self._host
        self._forget()
        around = self._around = host.surroundings(instance, self._wall)
        network = host.network
        orders, urgent = network.orders.outlet(instance), network.urgent.outlet(instance)
        self._orders = orders
        subscriptions: list[str] = []
        protocol = self.protocol = self._protocol_class(
            ClientOptions(client_id=self.name),
            orders=orders,
            urgent=urgent,
            asker=network.requests.asker(instance),
            subscribe=subscriptions.append,
            clock=around.clock,
            timers=around.timers,
            randomness=around.randomness,
        )
        protocol.on_item = self._on_item
        protocol.on_restated = self._on_restated
        self._streams = {account: [] for account in host.accounts}
        self.diary.streams += [(self.name, a, heard) for a, heard in self._streams.items()]
        subscribe = network.status.subscriber(instance, protocol.on_status)
        self._ask_for_accounts(protocol, subscriptions, subscribe)

    def _forget(self) -> None:
        """Another life: what it has not seen taken may be gone."""
        commands = self.diary.commands
        for at in range(self._first_command, len(commands)):
            old = commands[at]
            commands[at] = _given_up(old)
        self._first_command = len(commands)
        self._own = []

    def _ask_for_accounts(
        self,
        protocol: ClientProtocol,
        subscriptions: list[str],
        subscribe: Callable[[str], None],
    ) -> None:
        """As the drivers do: the accounts and the tag come from the gateway."""

        def on_accounts(reply: m.AccountsReply | GatewayError) -> None:
            if isinstance(reply, GatewayError):
                self._after(
                    RETRY, lambda: self._ask_for_accounts(protocol, subscriptions, subscribe)
                )
                return
            self.tag = reply.tag
            protocol.connect(tuple(info.account for info in reply.accounts), reply.tag)
            for topic in subscriptions:
                subscribe(topic)
            self._after(RETRY, self._act)

        protocol.ask(protocol.request(m.GetAccounts), m.AccountsReply, on_accounts)

    def _after(self, delay: int, action: Callable[[], None]) -> None:
        if self._around is not None:
            self._around.timers.after(delay, action)

    # ---- what it hears -------------------------------------------------------------------------

    def _on_item(self, item: m.StreamItem, _replayed: bool) -> None:
        heard = Heard(item.epoch, item.seq, item=item_row(item, None))
        self._streams[item.account].append(heard)

    def _on_restated(self, account: AccountId, orders: tuple[Order, ...]) -> None:
        """The follower stands at the snapshot's number by now."""
        if self.protocol is None:
            return
        epoch, seq = self.protocol.position(account)
        shown = tuple(sorted((order.order_id, order.status.value) for order in orders))
        self._streams[account].append(Heard(epoch, seq, snapshot=shown))

    # ---- what it does --------------------------------------------------------------------------

    def rest(self) -> None:
        """No new commands from now on."""
        self.resting = True

    def _act(self) -> None:
        protocol = self.protocol
        if protocol is None or self.resting:
            return
        pause = self._habits.pause
        self._after(self._random.randrange(pause // 5, 2 * pause), self._act)
        if protocol.is_live:
            self._choose()(protocol)

    def _choose(self) -> Callable[[ClientProtocol], None]:
        habits = self._habits
        more = self.placed < habits.orders
        actions = (
            (self._place, habits.place if more else 0),
            (self._place_and_cancel, habits.cancel_at_once if more else 0),
            (self._cancel, habits.cancel),
            (self._amend, habits.amend),
            (self._repeat, habits.repeat),
            (self._reuse, habits.reuse),
            (self._nonsense, habits.nonsense),
            (self._cancel_stranger, habits.stranger),
            (self._cancel_all, habits.cancel_all),
        )
        weights = [weight for _, weight in actions]
        return self._random.choices([action for action, _ in actions], weights)[0]

    def _new_place(self, protocol: ClientProtocol) -> m.Place:
        return self._ideas.place(protocol)

    def _place(self, protocol: ClientProtocol) -> None:
        place = self._new_place(protocol)
        try:
            protocol.place(place)
        except NotSent:
            self._note_place(place, taken=False)
            return
        self.placed += 1
        self._note_place(place, taken=True)
        self._own.append(Placed(place.order_id, place.account, place.symbol, place))

    def _place_and_cancel(self, protocol: ClientProtocol) -> None:
        """In one go: the cancel may overtake its place."""
        count = len(self._own)
        self._place(protocol)
        if len(self._own) > count:
            self._cancel_one(protocol, self._own[-1])

    def _cancel(self, protocol: ClientProtocol) -> None:
        """Mostly once for each order: a second cancel would make good for a first that was lost."""
        own = self._own[-30:]
        if self._random.random() < 0.8:
            own = [placed for placed in own if placed.order_id not in self._canceled]
        if own:
            self._cancel_one(protocol, self._random.choice(own))

    def _cancel_one(self, protocol: ClientProtocol, placed: Placed) -> None:
        self._canceled.add(placed.order_id)
        command_id = protocol.cancel(placed.order_id, placed.account, placed.symbol)
        self._note(
            Command(
                what="cancel",
                at=self._host.scheduler.now,
                client_id=self.name,
                command_id=command_id,
                order_id=placed.order_id,
                account=placed.account,
                symbol=placed.symbol,
            )
        )

    def _amend(self, protocol: ClientProtocol) -> None:
        if not self._own:
            return
        placed = self._random.choice(self._own[-30:])
        step = next(step for name, _, step, _ in self._symbols if name == placed.symbol)
        part = Decimal(self._random.randrange(10, 120)) / 100
        quantity = max(on_step(Decimal(placed.place.quantity) * part, step), step)
        amend = m.Amend(
            order_id=placed.order_id,
            command_id=protocol.new_id(),
            client_id=self.name,
            account=placed.account,
            symbol=placed.symbol,
            expires_at=self._wall.now() + 2 * SECOND,
            quantity=f"{quantity}",
        )
        try:
            protocol.amend(amend)
            taken = True
        except NotSent:
            taken = False
        self._note(
            Command(
                what="amend",
                at=self._host.scheduler.now,
                client_id=self.name,
                command_id=amend.command_id,
                order_id=amend.order_id,
                account=amend.account,
                symbol=amend.symbol,
                quantity=f"{quantity}",
                taken=taken,
            )
        )

    def _repeat(self, _protocol: ClientProtocol) -> None:
        """The very same place once more: possible resend."""
        if self._own:
            self._send_raw(self._random.choice(self._own[-30:]).place)

    def _reuse(self, protocol: ClientProtocol) -> None:
        """An order id that was used before, with other content."""
        if self._own:
            used = self._random.choice(self._own[-30:]).place
            more = Decimal(used.quantity) * 2
            self._send_raw(replace(used, quantity=f"{more}", command_id=protocol.new_id()))

    def _nonsense(self, protocol: ClientProtocol) -> None:
        if self._random.random() < 0.1:
            self._send_frame(self._random.randbytes(self._random.randrange(1, 200)))
        else:
            self._send_raw(self._ideas.nonsense(protocol))

    def _send_raw(self, place: m.Place) -> None:
        self._note_place(place, taken=self._send_frame(codec.encode(place)))

    def _send_frame(self, frame: bytes) -> bool:
        return self._orders is not None and self._orders.send(frame)

    def _cancel_stranger(self, protocol: ClientProtocol) -> None:
        """Of an id that nobody placed, or of an order placed by hand, by its venue's id."""
        random, host = self._random, self._host
        account = random.choice(host.accounts)
        symbol = random.choice(self._symbols)[0]
        order_id = make_order_id(TAG, self._wall.now(), random.getrandbits(62))
        self._cancel_one(protocol, Placed(order_id, account, symbol, self._new_place(protocol)))

    def _cancel_all(self, protocol: ClientProtocol) -> None:
        """Right after a place, if there are more to come: that one is meant as well."""
        account = self._random.choice(self._host.accounts)
        if self.placed < self._habits.orders:
            self._place(protocol)
            account = self._own[-1].account if self._own else account
        sent_at = self._wall.now()
        request = protocol.request(m.CancelAll, account=account, sent_at=sent_at, owner=self.name)
        at = len(self.diary.commands)
        self._note(
            Command(
                what="cancel_all",
                at=self._host.scheduler.now,
                client_id=self.name,
                command_id=request.request_id,
                order_id="",
                account=account,
                sent_at=sent_at,
            )
        )
        protocol.ask(request, m.CancelAllReply, lambda reply: self._note_named(at, reply))

    def _note_named(self, at: int, reply: m.CancelAllReply | GatewayError) -> None:
        if isinstance(reply, GatewayError) or not all(result.sent for result in reply.results):
            return
        named = tuple(result.order_id for result in reply.results)
        commands = self.diary.commands
        answered_at = self._host.scheduler.now
        commands[at] = replace(commands[at], named=named, answered_at=answered_at)

    # ---- the diary -----------------------------------------------------------------------------

    def _note(self, command: Command) -> None:
        self.diary.commands.append(command)
        trace = self._host.trace
        if trace.on:
            trace.say(self.name, command.what, command.order_id, command.symbol, command.quantity)

    def _note_place(self, place: m.Place, *, taken: bool) -> None:
        self._note(
            Command(
                what="place",
                at=self._host.scheduler.now,
                client_id=place.client_id,
                command_id=place.command_id,
                order_id=place.order_id,
                account=place.account,
                symbol=place.symbol,
                side=place.side,
                quantity=place.quantity,
                price=place.price,
                expires_at=place.expires_at,
                taken=taken,
            )
        )

    def live_streams(self) -> list[list[Heard]]:
        """What it has heard of each stream in this life."""
        return list(self._streams.values())

    def followed(self) -> list[Any]:
        """What it knows of each order it placed in this life."""
        protocol = self.protocol
        if protocol is None:
            return []
        known = (protocol.followed(placed.order_id) for placed in self._own)
        return [one for one in known if one is not None]


def _given_up(command: Command) -> Command:
    return replace(command, kept=False) if command.kept else command

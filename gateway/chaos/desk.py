"""What a trading program does, drawn from its seed: orders of all kinds, and bad ones."""

import json
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from gateway.chaos.diary import Diary, Gave
from gateway.chaos.venue_record import UNREACHABLE
from gateway.client.protocol import ClientProtocol, NotSent
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.identity import make_order_id
from gateway.paper.symbols import DEFAULT_SYMBOLS, Symbol
from gateway.sim.nonsense import spoilt
from gateway.sim.randomness import chance
from gateway.sim.records import Command
from gateway.wire.base import Sender

SECOND = 1_000_000_000
LIVES_S = (0.05, 0.3, 1.0, 10.0, 30.0)
KEPT = 40
WEIGHTS: Mapping[str, int] = {
    "place": 62,
    "place_and_cancel": 12,
    "cancel": 34,
    "amend": 6,
    "repeat": 3,
    "reuse": 2,
    "nonsense": 4,
    "cancel_stranger": 2,
    "cancel_all": 1,
}
PLACES = ("place", "place_and_cancel", "nonsense")


@dataclass(frozen=True, slots=True)
class Pace:
    """`longest_life_s`: of an order on its way; what was never received shows only after it."""

    orders_per_second: float
    longest_life_s: float


class Desk:
    """Acts on one client's protocol. `mischief` sends frames that no client would make."""

    def __init__(
        self,
        name: str,
        seed: int,
        protocol: ClientProtocol,
        mischief: Sender,
        diary: Diary,
        accounts: tuple[str, ...],
        tag: int,
        pace: Pace,
    ) -> None:
        self._name = name
        self._random = chance(seed, f"{name}/{time.time_ns()}")
        self.protocol = protocol
        self._mischief = mischief
        self._diary = diary
        self._accounts = accounts
        self._tag = tag
        self._lives = [one for one in LIVES_S if one <= pace.longest_life_s]
        self._recent: deque[m.Place] = deque(maxlen=KEPT)
        self._resting: dict[str, m.Place] = {}
        self.prices = {each.name: each.start_price for each in DEFAULT_SYMBOLS}
        self.placed: list[str] = []
        self._actions: Mapping[str, Callable[[], None]] = {
            name: getattr(self, f"_{name}") for name in WEIGHTS
        }

    def act(self) -> None:
        names = list(self._actions)
        chosen = self._random.choices(names, [WEIGHTS[name] for name in names])[0]
        self._actions[chosen]()

    def pause_s(self, orders_per_second: float) -> float:
        """Until the next act, so that on average so many of them are orders."""
        share = sum(WEIGHTS[name] for name in PLACES) / sum(WEIGHTS.values())
        return self._random.uniform(0.2, 1.8) * share / orders_per_second

    # ---- good commands -------------------------------------------------------------------------

    def _place(self) -> m.Place:
        place = self._new_place()
        self._note_place(place)
        try:
            self.protocol.place(place)
        except NotSent:
            return place
        self.placed.append(place.order_id)
        self._recent.append(place)
        self._resting[place.order_id] = place
        return place

    def _place_and_cancel(self) -> None:
        """In one go: the cancel may overtake its place."""
        self._cancel_one(self._place())

    def _cancel(self) -> None:
        """Mostly of an order that is believed to be open, so that the book does not fill up."""
        for order_id in list(self._resting):
            followed = self.protocol.followed(order_id)
            if followed is None or followed.is_settled:
                del self._resting[order_id]
        waiting = list(self._resting.values()) or list(self._recent)
        if waiting:
            place = self._random.choice(waiting)
            self._resting.pop(place.order_id, None)
            self._cancel_one(place)

    def _cancel_one(self, place: m.Place) -> None:
        command_id = self.protocol.cancel(place.order_id, place.account, place.symbol)
        self._note("cancel", command_id, place.order_id, place.account, symbol=place.symbol)

    def _amend(self) -> None:
        if not self._recent:
            return
        place = self._random.choice(self._recent)
        symbol = _symbol_of(place.symbol)
        part = Decimal(self._random.randrange(10, 120)) / 100
        amend = m.Amend(
            order_id=place.order_id,
            command_id=self.protocol.new_id(),
            client_id=self._name,
            account=place.account,
            symbol=place.symbol,
            expires_at=time.time_ns() + 2 * SECOND,
            quantity=on_step(Decimal(place.quantity) * part, symbol.step, least=symbol.step),
        )
        more = {"symbol": amend.symbol, "quantity": str(amend.quantity)}
        self._note("amend", amend.command_id, amend.order_id, amend.account, **more)
        try:
            self.protocol.amend(amend)
        except NotSent:
            return

    def _cancel_all(self) -> None:
        account = self._random.choice(self._accounts)
        request = self.protocol.request(
            m.CancelAll, account=account, sent_at=time.time_ns(), owner=self._name
        )
        self._note("cancel_all", request.request_id, "", account)
        self.protocol.ask(request, m.CancelAllReply, lambda _reply: None)

    # ---- bad ones ------------------------------------------------------------------------------

    def _repeat(self) -> None:
        """The very same place once more: possible resend."""
        if self._recent:
            self._send_raw(self._random.choice(self._recent))

    def _reuse(self) -> None:
        """An order id that was used before, with other content."""
        if self._recent:
            used = self._random.choice(self._recent)
            more = f"{Decimal(used.quantity) * 2:f}"
            self._send_raw(replace(used, quantity=more, command_id=self.protocol.new_id()))

    def _nonsense(self) -> None:
        self._send_raw(spoilt(self._new_place(), time.time_ns(), self._tag, self._random))

    def _cancel_stranger(self) -> None:
        """Of an id that nobody placed."""
        place = self._new_place()
        order_id = make_order_id(self._tag, time.time_ns(), self._random.getrandbits(62))
        self._cancel_one(replace(place, order_id=order_id))

    def _send_raw(self, place: m.Place) -> None:
        self._note_place(place)
        self._mischief.send(codec.encode(place))

    # ---- an order ------------------------------------------------------------------------------

    def _new_place(self) -> m.Place:
        random = self._random
        symbol = random.choice(DEFAULT_SYMBOLS)
        middle, side = self.prices[symbol.name], random.choice(("buy", "sell"))
        kind = random.choices(
            ("near", "far", "market", "ioc", "fok", "post_only", "stop"), (46, 18, 6, 8, 5, 8, 6)
        )[0]
        price = on_step(middle * (1 - _towards(side) * self._distance(kind)), symbol.tick)
        quantity = on_step(self._value(symbol) / middle, symbol.step, least=symbol.step)
        order_type, more = _terms(kind, price)
        if kind == "stop":
            off = Decimal(random.randrange(2, 30)) / 10_000
            more["stop_price"] = on_step(middle * (1 + _towards(side) * off), symbol.tick)
        if random.random() < 0.2:
            more["expires_at"] = time.time_ns() + int(random.choice(self._lives) * SECOND)
        account = random.choice(self._accounts)
        return self.protocol.new_place(account, symbol.unified, side, order_type, quantity, **more)

    def _distance(self, kind: str) -> Decimal:
        """How far from the middle, as a part of it; below 0 it takes what rests there."""
        low, high = {"far": (100, 2_000), "post_only": (-2, 40)}.get(kind, (-10, 25))
        return Decimal(self._random.randrange(low, high)) / 10_000

    def _value(self, symbol: Symbol) -> Decimal:
        """Of the order in the quote currency: from below the least that is taken to several
        levels of the book."""
        dollars = symbol.quote == "USDT"
        values = ("20", "500", "5000", "60000") if dollars else ("0.001", "0.1", "1", "8")
        return Decimal(self._random.choice(values))

    # ---- the diary -----------------------------------------------------------------------------

    def _note(self, what: str, command_id: str, order_id: str, account: str, **more: Any) -> None:
        now = time.time_ns()
        command = Command(what, now, self._name, command_id, order_id, account, **more)
        self._diary.write(Gave(command))

    def _note_place(self, place: m.Place) -> None:
        self._note(
            "place",
            place.command_id,
            place.order_id,
            place.account,
            symbol=place.symbol,
            side=place.side,
            quantity=place.quantity,
            price=place.price,
            expires_at=place.expires_at,
        )


def _terms(kind: str, price: str) -> tuple[str, dict[str, Any]]:
    if kind == "market":
        return "market", {}
    more: dict[str, Any] = {"price": price}
    if kind in {"ioc", "fok"}:
        more["time_in_force"] = kind
    if kind == "post_only":
        more["post_only"] = True
    return ("stop_limit" if kind == "stop" else "limit"), more


def _towards(side: str) -> int:
    return 1 if side == "buy" else -1


def _symbol_of(unified: str) -> Symbol:
    return next(each for each in DEFAULT_SYMBOLS if each.unified == unified)


def on_step(value: Decimal, step: Decimal, least: Decimal = Decimal(0)) -> str:
    return f"{max(value // step * step, least):f}"


def middles(paper_url: str) -> dict[str, Decimal]:
    """Of each symbol that has both sides now; nothing while the venue does not answer."""
    found: dict[str, Decimal] = {}
    for symbol in DEFAULT_SYMBOLS:
        url = f"{paper_url}/api/v3/ticker/bookTicker?symbol={symbol.name}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                top = json.load(answer)
            bid, ask = Decimal(top["bidPrice"]), Decimal(top["askPrice"])
        except (*UNREACHABLE, ArithmeticError, KeyError, TypeError):
            continue
        if bid and ask:
            found[symbol.name] = (bid + ask) / 2
    return found

"""Random commands, answers, losses, clock steps and deaths; then peace: every promise is kept."""

import random
from decimal import Decimal

import pytest
from executor_world import ACCOUNT, SECOND, SETTINGS, SYMBOL, Killed, World, done
from msgspec.structs import replace

from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import ClosedBy, OrderStatus, OrderType, Side
from gateway.domain.errors import Code
from gateway.domain.identity import ClientId, OrderId
from gateway.domain.order import Order
from gateway.journal import JournalOptions

OPTIONS = JournalOptions(boot_id="boot", segment_records=15, reserve_bytes=0, spare_segments=0)
STEPS = 250


class Trouble:
    """One world, one seed. The exchange's book is what really happened to each order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(replace(SETTINGS, resend_window=30), options=OPTIONS, seed=seed)
        self.book: dict[str, bool] = {}  # is it open?
        self.commands: list[m.Place | m.Cancel | m.Amend] = []
        self.given: set[str] = set()  # commands that an executor took in to the end
        self.loses_folder = seed % 5 == 0
        self.steps_clock = not self.loses_folder
        self.folder_lost = False
        self.promised = 0
        self.too_late: list[str] = []
        self.alive = True
        self.world.start()

    # ---- trouble -------------------------------------------------------------------------------

    def step(self) -> None:
        moves = [
            self.place,
            self.place,
            self.cancel,
            self.amend,
            self.again,
            self.answer,
            self.answer,
            self.answer,
            self.pass_time,
            self.deliver,
            self.deliver,
            self.lose,
            self.update,
            self.shorten_fuse,
            self.step_clock,
            self.lose_folder,
        ]
        try:
            self.chance.choice(moves)()
        except Killed:
            self.alive = False
        while not self.alive:
            self.live_again()

    def live_again(self) -> None:
        self.world.kill()
        if self.chance.random() < 0.3:
            self.world.fuse.calls = self.chance.randrange(10)
        try:
            self.world.start()
            self.alive = True
        except Killed:
            self.alive = False

    def shorten_fuse(self) -> None:
        self.world.fuse.calls = self.chance.randrange(20)

    def step_clock(self) -> None:
        if self.steps_clock:
            self.world.clock.wall += self.chance.randrange(-3 * SECOND, 3 * SECOND)

    def lose_folder(self) -> None:
        if self.loses_folder and self.chance.random() < 0.3:
            self.world.kill()
            self.world.files.lose()
            self.folder_lost = True
            self.promised = 0
            raise Killed

    # ---- the clients ---------------------------------------------------------------------------

    def send(self, command: m.Place | m.Cancel | m.Amend) -> None:
        known = set(self.world.venue.places())
        if isinstance(command, m.Cancel):
            self.world.urgent(command)
        else:
            self.world.order(command)
        self.given.add(command.command_id)
        if isinstance(command, m.Place) and command.order_id not in known:
            sent = command.order_id in self.world.venue.places()
            if sent and command.expires_at < self.promised:
                self.too_late.append(command.order_id)

    def place(self) -> None:
        expires_at = self.world.clock.now() + self.chance.randrange(-SECOND, 30 * SECOND)
        place = self.world.place(expires_at=expires_at)
        self.commands.append(place)
        if self.chance.random() < 0.8:
            self.send(place)

    def order_id(self) -> str | None:
        return self.chance.choice(self.commands).order_id if self.commands else None

    def cancel(self) -> None:
        order_id = self.order_id()
        if order_id is not None:
            self.commands.append(self.world.cancel(order_id))
            self.send(self.commands[-1])

    def amend(self) -> None:
        order_id = self.order_id()
        if order_id is not None:
            self.commands.append(self.world.amend(order_id))
            self.send(self.commands[-1])

    def again(self) -> None:
        if self.commands:
            self.send(self.chance.choice(self.commands))

    # ---- the venue -----------------------------------------------------------------------------

    def answer(self) -> None:
        if self.world.venue.open:
            at = self.chance.randrange(len(self.world.venue.open))
            self.world.venue.answer(self.carry_out(self.world.venue.open[at][0]), at)

    def carry_out(self, request: v.VenueRequest, *, badly: bool = True) -> v.VenueAnswer:
        fault = self.chance.random() if badly else 1.0
        if fault < 0.1:
            return v.NotSent(code=Code.VENUE_UNREACHABLE, text="no line")
        if fault < 0.2:
            return v.Refused(code=Code.VENUE_RATE_LIMIT, text="slower")
        answer = self.change_book(request)
        return v.OutcomeUnknown(text="time-out") if fault < 0.4 else answer

    def change_book(self, request: v.VenueRequest) -> v.VenueAnswer:
        if isinstance(request, v.PlaceOrder):
            self.book[request.order.order_id] = True
            return done("v" + request.order.order_id)
        assert isinstance(request, v.CancelOrder | v.AmendOrder)
        if not self.book.get(request.order_id):
            return v.Refused(code=Code.VENUE_ORDER_NOT_FOUND, text="no such order")
        if isinstance(request, v.AmendOrder):
            return done("w" + request.order_id)
        self.book[request.order_id] = False
        ended = self.chance.random() < 0.5
        return done("v" + request.order_id, OrderStatus.CANCELED if ended else None)

    # ---- the listener --------------------------------------------------------------------------

    def deliver(self) -> None:
        self.chance.shuffle(self.world.listener.inbox)
        self.know_the_ended()
        self.world.listener.read()
        said, self.world.listener.said = self.world.listener.said, []
        self.note_alive()
        for one in self.chance.sample(said, k=len(said) * 3 // 4):
            self.world.tell(m.ACKNOWLEDGEMENTS, one)

    def note_alive(self) -> None:
        if not self.folder_lost:
            times = [alive.at for alive in self.world.recorded(m.Alive)]
            self.promised = max([self.promised, *times])

    def lose(self) -> None:
        inbox = self.world.listener.inbox
        self.world.listener.inbox = self.chance.sample(inbox, k=len(inbox) // 2)

    def know_the_ended(self) -> None:
        self.world.listener.ended = {
            order_id for order_id, is_open in self.book.items() if not is_open
        }

    def update(self) -> None:
        if self.book:
            order_id = self.chance.choice(sorted(self.book))
            self.world.update(self.picture(order_id))

    def picture(self, order_id: str) -> Order:
        is_open = self.book[order_id]
        return Order(
            order_id=OrderId(order_id),
            account=ACCOUNT,
            symbol=SYMBOL,
            client_id=ClientId("desk"),
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=Decimal("0.5"),
            status=OrderStatus.NEW if is_open else OrderStatus.CANCELED,
            closed_by=None if is_open else ClosedBy.VENUE,
        )

    def pass_time(self) -> None:
        self.world.advance(self.chance.randrange(4 * SECOND))
        self.note_alive()

    # ---- peace ---------------------------------------------------------------------------------

    def make_peace(self) -> None:
        self.world.fuse.calls = None
        for _ in range(30):
            self.world.advance(5 * SECOND)
            while self.world.venue.open:
                self.world.venue.answer(self.carry_out(self.world.venue.open[0][0], badly=False))
            self.know_the_ended()
            self.give_verdicts()
            self.world.deliver()

    def give_verdicts(self) -> None:
        """What the venue never got can't land any more: in time the gateway finds that out."""
        for command in self.commands:
            if command.order_id not in self.book:
                self.world.listener.ended.add(command.order_id)

    def check(self) -> None:
        world, heard = self.world, self.world.listener
        sent = world.venue.places()
        assert len(sent) == len(set(sent)), "an order was placed twice"
        assert self.too_late == [], "an order was sent that had been promised never to be"
        refused = {r.command_id for r in heard.of(m.CommandRefused) if r.code not in self.excused()}
        places = [c for c in self.commands if isinstance(c, m.Place)]
        both = [p for p in places if p.command_id in refused and p.order_id in sent]
        assert both == [], "an order was refused and sent"
        assert world.executor.ready or world.clock.wall < self.promised
        if self.folder_lost:
            return
        intents = {i.order.order_id for i in heard.of(m.PlaceIntended)}
        assert set(sent) <= intents, "an order was sent without an intent"
        assert {a.order_id for a in heard.of(m.PlaceAnswered)} == intents
        lost = [
            p
            for p in places
            if p.command_id in self.given
            and p.order_id not in intents
            and p.command_id not in refused
        ]
        assert lost == [], "an order was taken in and nobody heard of it"
        self.check_cancels(sent)

    def excused(self) -> set[Code]:
        """Who has lost his memory can only say that he does not know, and sends nothing."""
        return {Code.ORDER_ID_TOO_OLD} if self.folder_lost else set()

    def check_cancels(self, sent: list[OrderId]) -> None:
        cancels = [c for c in self.commands if isinstance(c, m.Cancel)]
        wanted = {c.order_id for c in cancels if c.command_id in self.given}
        refused = {r.command_id for r in self.world.listener.of(m.CommandRefused)}
        alive = [
            order_id
            for order_id in wanted & set(sent)
            if self.book.get(order_id)
            and not any(c.command_id in refused for c in cancels if c.order_id == order_id)
        ]
        assert alive == [], "a canceled order lives on"
        assert len(self.world.executor._cancels) == 0, "a cancel is repeated for ever"


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_no_order_is_doubled_lost_or_sent_after_its_promise(seed: int) -> None:
    trouble = Trouble(seed)
    for _ in range(STEPS):
        trouble.step()
    trouble.make_peace()
    trouble.check()

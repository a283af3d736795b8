"""Bugs in how orders are placed and canceled."""

from typing import Any

from msgspec.structs import replace

from gateway.actioner import cancel_all
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.errors import GatewayError
from gateway.executor.cancels import Cancels
from gateway.executor.gate import Gate
from gateway.executor.memory import IdMemory
from gateway.executor.orders import PlacedOrder
from gateway.executor.outbox import Outbox
from gateway.executor.places import Places
from gateway.executor.recall import Recall
from gateway.sim.planted.patches import Patches

SECOND = 1_000_000_000

# ---- placing -------------------------------------------------------------------------------------


def intent_recorded_after_the_send(patches: Patches) -> None:
    append, send = Outbox.append, Places._send

    def skip(self: Any, event: Any, *, urgent: bool = False) -> None:
        if not isinstance(event, m.PlaceIntended):
            append(self, event, urgent=urgent)

    def send_first(self: Any, venue: Any, intent: Any, content: int) -> None:
        send(self, venue, intent, content)
        append(self._state.outbox, intent)
        self._state.outbox.tell()

    patches.set(Outbox, "append", skip)
    patches.set(Places, "_send", send_first)


def ids_forgotten_at_a_restart(patches: Patches) -> None:
    def apply_intent(self: Any, intent: m.PlaceIntended) -> None:
        self._state.orders.add(PlacedOrder(intent=intent))

    patches.set(Places, "apply_intent", apply_intent)
    patches.set(IdMemory, "load", lambda self, _buckets, floor: self.raise_floor(floor))


def unanswered_places_sent_again_at_a_restart(patches: Patches) -> None:
    honest = Places.give_up

    def give_up(self: Any, order: Any, why: str) -> None:
        asked = order.intent.order
        venue = self._state.venue(asked.account)
        venue.start(v.PlaceOrder(order=replace(asked, expires_at=0)), lambda _answer: None)
        honest(self, order, why)

    patches.set(Places, "give_up", give_up)


def halt_forgotten_at_a_restart(patches: Patches) -> None:
    honest = Recall._apply

    def apply(self: Any, event: m.OutboxEvent) -> None:
        if not isinstance(event, m.HaltChanged):
            honest(self, event)

    patches.set(Recall, "_apply", apply)
    patches.set(Gate, "load", lambda _self, _halted, _done: None)


def repeated_place_sent_again(patches: Patches) -> None:
    """No memory of order ids at all."""
    patches.set(Places, "_again", lambda self, place, _known: _place_anew(self, place))


def _place_anew(places: Any, place: m.Place) -> None:
    state = places._state
    venue = state.venue(place.account)
    try:
        order = places._check(place, venue)
    except GatewayError:
        return
    venue.start(v.PlaceOrder(order=order), lambda _answer: None)


def expiry_not_checked_after_waiting(patches: Patches) -> None:
    honest = Places.on_place

    def on_place(self: Any, place: m.Place) -> None:
        now = self._state.moments.now()
        if now - 20 * SECOND < place.expires_at < now:
            place = replace(place, expires_at=now + SECOND)
        honest(self, place)

    patches.set(Places, "on_place", on_place)


# ---- cancels -------------------------------------------------------------------------------------


def cancel_not_repeated(patches: Patches) -> None:
    patches.set(Cancels, "_repeat", lambda _self, _order_id: None)


def cancel_all_takes_orders_of_others(patches: Patches) -> None:
    honest = cancel_all.is_meant

    def is_meant(order: Any, request: m.CancelAll, clock_error: int) -> bool:
        return honest(order, replace(request, owner=None, include_external=True), clock_error)

    patches.set(cancel_all, "is_meant", is_meant)


def cancel_all_answers_at_once(patches: Patches) -> None:
    """With what the listener's journal holds then."""
    patches.set(cancel_all.CancelAll, "_is_whole", lambda _self, _run: True)


def cancel_all_takes_sent_for_recorded(patches: Patches) -> None:
    patches.set(cancel_all._Run, "take_evidence", lambda run, _view: run.unseen.clear())

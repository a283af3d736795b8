"""What the users asked for, against what was done for it at the venue."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

from gateway.sim.records import OPEN, Command, Evidence, HeldOrder, VenueOrder, Violation
from gateway.sim.rules_orders import held_by_venue, held_orders, own_orders, venue_key

MOST_CANCELS = 100
ON_ITS_WAY = 400_000_000
"""Ns within which a place has to be at the venue to be judged as one that a cancel-all has met: one
that was held up for longer before the executor had it is not promised to be in the answer."""


def no_order_is_altered(evidence: Evidence) -> Iterator[Violation]:
    """What reached the venue is what one of the places with that id asked for."""
    places: dict[str, list[Command]] = defaultdict(list)
    for command in evidence.commands:
        if command.what == "place":
            places[command.order_id].append(command)
    held = held_orders(evidence)
    for order_id, found in own_orders(evidence).items():
        for order in found:
            if not any(_asks_for(place, order) for place in places[order_id]):
                yield Violation("order altered", order_id, f"no place asks for {order}")
        ours = held.get(order_id)
        if ours is None or (ours.origin == "recovered" and evidence.losses):
            continue  # whose it was stood in the journal that was lost
        if not any(_is_of(place, ours) for place in places[order_id]):
            yield Violation("order altered", order_id, f"held as {ours.side} of {ours.client_id}")


def _asks_for(place: Command, order: VenueOrder) -> bool:
    price = None if place.price is None else Decimal(place.price)
    return (
        place.account == order.account
        and place.symbol == order.symbol
        and place.side == order.side
        and Decimal(place.quantity) == order.asked_quantity
        and price == order.price
    )


def _is_of(place: Command, order: HeldOrder) -> bool:
    return (place.account, place.symbol, place.side, place.client_id) == (
        order.account,
        order.symbol,
        order.side,
        order.client_id,
    )


def nothing_lands_late(evidence: Evidence) -> Iterator[Violation]:
    expiry: dict[str, int] = {}
    for command in evidence.commands:
        if command.what == "place":
            expiry[command.order_id] = max(expiry.get(command.order_id, 0), command.expires_at)
    allowed = evidence.receive_window + evidence.clock_error
    for order_id, found in own_orders(evidence).items():
        late = found[0].accepted_at - expiry.get(order_id, found[0].accepted_at)
        if late > allowed:
            text = f"it reached the venue {late / 1e9:.3f} s after it had expired"
            yield Violation("place landed late", order_id, text)


def nothing_refused_was_sent(evidence: Evidence) -> Iterator[Violation]:
    if evidence.losses:
        return  # a repetition of a place that is not remembered any more is refused, rightly
    refused = {(refusal.client_id, refusal.command_id) for refusal in evidence.refusals}
    alive: dict[str, list[Command]] = defaultdict(list)
    dead: dict[str, Command] = {}
    for command in evidence.commands:
        if command.what == "place":
            if (command.client_id, command.command_id) in refused:
                dead[command.order_id] = command
            else:
                alive[command.order_id].append(command)
    for request in evidence.venue_requests:
        order_id = request.client_order_id
        if request.what == "place" and order_id in dead and not alive[order_id]:
            text = f"command {dead[order_id].command_id} was refused, and sent"
            yield Violation("refused, yet sent", order_id, text)


def nothing_is_placed_while_halted(evidence: Evidence) -> Iterator[Violation]:
    """A place that was sent while a halt was in force does not reach the venue before the resume is
    sent. With a lost journal the halt is lost as well."""
    if evidence.losses:
        return
    sent: dict[str, list[Command]] = defaultdict(list)
    for command in evidence.commands:
        if command.what == "place":
            sent[command.order_id].append(command)
    requested: dict[str, int] = {}
    for request in evidence.venue_requests:
        if request.what == "place":
            first = requested.get(request.client_order_id, request.at)
            requested[request.client_order_id] = min(first, request.at)
    for halt, until in _halts(evidence):
        for order_id, places in sent.items():
            of_account = halt.account in ("", places[0].account)
            in_force = all(place.at > halt.answered_at for place in places)
            if of_account and in_force and requested.get(order_id, until) < until:
                text = f"it was placed while the halt of {halt.at} was in force, and sent"
                yield Violation("placed while halted", order_id, text)


def _halts(evidence: Evidence) -> Iterator[tuple[Command, float]]:
    """Each with when the next resume was sent."""
    resumes = sorted(command.at for command in evidence.commands if command.what == "resume")
    for halt in evidence.commands:
        if halt.what == "halt":
            later = (at for at in resumes if at > halt.answered_at)
            yield halt, next(later, float("inf"))


def cancels_are_asked_for(evidence: Evidence) -> Iterator[Violation]:
    """Every cancel at the venue was asked for: by name, or as one of a client's own orders. Whose
    it is a place says as well: with a lost journal the gateway may have forgotten it since."""
    named = {
        command.order_id
        for command in evidence.commands
        if command.what == "cancel" and command.order_id
    }
    by_venue_id = {
        (command.account, command.symbol, command.venue_order_id)
        for command in evidence.commands
        if command.what == "cancel" and command.venue_order_id
    }
    owners = {
        (command.account, command.client_id)
        for command in evidence.commands
        if command.what == "cancel_all"
    }
    placed_for_owners = {
        command.order_id
        for command in evidence.commands
        if command.what == "place" and (command.account, command.client_id) in owners
    }
    held, by_venue = held_orders(evidence), held_by_venue(evidence)
    for request in evidence.venue_requests:
        if request.what != "cancel":
            continue
        name = (request.account, request.symbol, request.venue_order_id)
        order = held.get(request.client_order_id) or by_venue.get(name)
        asked = request.client_order_id in named or (order and order.order_id in named)
        of_all = order is not None and (
            (order.account, order.client_id) in owners or order.order_id in placed_for_owners
        )
        if not (asked or of_all or name in by_venue_id):
            about = order.order_id if order else request.venue_order_id
            yield Violation("cancel made up", about, f"nobody asked for {request}")


def nothing_is_repeated_without_end(evidence: Evidence) -> Iterator[Violation]:
    """A cancel is repeated until the order's end is evidenced, and then no more."""
    sent = Counter(
        (request.account, request.symbol, request.client_order_id, request.venue_order_id)
        for request in evidence.venue_requests
        if request.what == "cancel"
    )
    for (_, _, order_id, venue_order_id), times in sent.items():
        if times > MOST_CANCELS:
            text = f"{times} cancels of it reached the venue"
            yield Violation("repeated without end", order_id or venue_order_id, text)


def cancels_take_effect(evidence: Evidence) -> Iterator[Violation]:
    """A cancel that was not refused, of a client that lived on, leaves no open order behind."""
    if evidence.losses:
        return  # it was in the journal that was lost, and its client knew it taken
    refused = {refusal.command_id: refusal.code for refusal in evidence.refusals}
    own = own_orders(evidence)
    by_venue = {venue_key(order): order for order in evidence.venue_orders}
    for command in evidence.commands:
        if command.what != "cancel" or not command.kept:
            continue
        found = own.get(command.order_id, [])
        named = by_venue.get((command.account, command.symbol, command.venue_order_id or ""))
        if named is not None and not found:
            found = [named]
        code = refused.get(command.command_id)
        for order in found:
            if order.last.status == OPEN and (
                order.account == command.account and order.symbol == command.symbol
            ):
                text = f"it is open at the venue; the cancel of {command.at} was " + (
                    f"refused ({code})" if code else "not refused"
                )
                yield Violation("cancel without effect", command.order_id, text)


def cancel_all_leaves_none(evidence: Evidence) -> Iterator[Violation]:
    """The answer to a cancel-all names each open order that its client had placed before it. Whose
    it is must be known: not so if the journal that said so was lost."""
    if evidence.losses:
        return
    own, held = own_orders(evidence), held_orders(evidence)
    places = [c for c in evidence.commands if c.what == "place" and c.taken and c.order_id in own]
    for asked in evidence.commands:
        if asked.named is None:
            continue
        for place in places:
            if _is_covered(place, asked) and place.order_id not in asked.named:
                ours = held.get(place.order_id)
                is_known = ours is not None and ours.client_id == asked.client_id
                if is_known and any(_is_met(order, asked) for order in own[place.order_id]):
                    text = f"it was open, and is not in the answer to the cancel-all of {asked.at}"
                    yield Violation("left by cancel-all", place.order_id, text)


def what_a_cancel_all_names_is_canceled(evidence: Evidence) -> Iterator[Violation]:
    """What the answer to a cancel-all said was being canceled has ended, or a cancel of it has
    reached the venue."""
    if evidence.losses:
        return
    own = own_orders(evidence)
    canceled = {
        (request.account, request.symbol, name)
        for request in evidence.venue_requests
        if request.what == "cancel"
        for name in (request.client_order_id, request.venue_order_id)
    }
    for asked in evidence.commands:
        for order_id in asked.named or ():
            for order in own.get(order_id, ()):
                names = (order_id, order.venue_order_id)
                reached = any((order.account, order.symbol, name) in canceled for name in names)
                if order.last.status == OPEN and not reached:
                    text = f"it is open; the cancel-all of {asked.at} said it was being canceled"
                    yield Violation("cancel-all without effect", order_id, text)


def _is_covered(place: Command, asked: Command) -> bool:
    of_the_same = (place.account, place.client_id) == (asked.account, asked.client_id)
    made_at = int(place.order_id[:8] + place.order_id[9:13], 16) * 1_000_000 if of_the_same else 0
    return of_the_same and place.at <= asked.at and made_at <= asked.sent_at


def _is_met(order: VenueOrder, asked: Command) -> bool:
    """It came in time, and was still open when the answer came."""
    ended = [change.at for change in order.changes if change.status != OPEN]
    return (
        order.account == asked.account
        and order.accepted_at <= asked.at + ON_ITS_WAY
        and all(at > asked.answered_at for at in ended)
    )

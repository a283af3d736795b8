"""One order for a person: its state, and how it came to it, step by step, with the evidence."""

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli.printing import (
    PIPED_WIDTH,
    SECOND,
    STATUS_STYLES,
    ago,
    clock_time,
    date_time,
    figure,
    kind_of,
    order_line,
    span,
    status_of,
    table,
)
from gateway.domain.enums import OrderStatus, Origin, Pending, TransactionKind
from gateway.domain.messages import OrderReply, OrderUpdate, TransactionUpdate
from gateway.domain.order import Evidence, Order, Transaction

WORDS: Mapping[str, str] = {
    "intent": "the gateway is about to send it",
    "accepted": "the venue answered: accepted",
    "place_refused": "the venue answered: refused",
    "place_not_sent": "it was not sent",
    "place_unknown": "the outcome of sending it is not known",
    "snapshot": "the venue's picture of it",
    "trade": "a trade",
    "trade_amended": "the venue changed a trade",
    "cancel_requested": "a cancel was asked for",
    "cancel_accepted": "the venue answered the cancel: accepted",
    "cancel_refused": "the venue answered the cancel: refused",
    "cancel_unknown": "the outcome of the cancel is not known",
    "amend_requested": "an amend was asked for",
    "amend_accepted": "the venue answered the amend: accepted",
    "amend_refused": "the venue answered the amend: refused",
    "amend_unknown": "the outcome of the amend is not known",
    "absent": "the venue says: no such order",
    "resolution": "an operator's word",
}
SOURCES: Mapping[str, str] = {
    "answer": "answer",
    "stream": "private stream",
    "query": "a look-up",
    "sweep": "a sweep",
    "operator": "operator",
}
Step = OrderUpdate | TransactionUpdate
WIDE = 130


def order_page(reply: OrderReply, width: int = PIPED_WIDTH) -> RenderableType:
    if reply.order is None:
        return _without_order(reply)
    steps: list[Step] = [*reply.history, *reply.transactions]
    steps.sort(key=lambda step: (step.epoch, step.seq))
    parts: list[RenderableType] = [_head(reply.order)]
    if steps:
        parts.append(_timeline(steps, width))
    parts.extend(_evidence(reply.order.absences))
    return Group(*parts)


def _without_order(reply: OrderReply) -> Text:
    match reply.fate:
        case "refused" if reply.refusal is not None:
            said = f"{reply.refusal.code}: {reply.refusal.text}"
            return Text(f"refused at {date_time(reply.refusal.at)}, and never sent: {said}")
        case "never_received":
            return Text("the gateway never received it, and can't any more")
        case _:
            return Text("nothing is known of it (yet)")


# ---- the state ---------------------------------------------------------------------------------


def _head(order: Order) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bright_black")
    grid.add_column()
    for name, value in _lines(order):
        grid.add_row(name, value)
    return Group(order_line(order), Text(), grid)


def _lines(order: Order) -> Iterator[tuple[str, str | Text]]:
    yield "account", f"{order.account}   client {order.client_id or '(none)'}"
    yield "type", kind_of(order) + (f", stop {figure(order.stop_price)}" * bool(order.stop_price))
    yield "status", _status_in_words(order)
    if order.origin is not Origin.OWN:
        yield "origin", order.origin.value
    filled = f"{figure(order.cum_quantity)} of {figure(order.quantity)}"
    average = f" at {figure(order.avg_price)} on average" if order.avg_price is not None else ""
    yield "filled", filled + average
    if order.venue_order_id:
        yield "at the venue", ", ".join((order.venue_order_id, *order.doubles))
    yield "made", date_time(order.created_at)
    yield "changed", f"{date_time(order.changed_at)}   {ago(order.changed_at)}"
    if order.checked_at:
        yield "checked", f"{date_time(order.checked_at)}   {ago(order.checked_at)}"


def _status_in_words(order: Order) -> Text:
    text = status_of(order)
    if order.status is OrderStatus.IN_DOUBT:
        known = f"; last known: {order.known_status.value}" if order.known_status else ""
        text.append(f"  {order.doubt or ''}{known}", style="not bold")
    elif order.closed_by is not None:
        text.append(f"  by the word of: {order.closed_by.value.replace('_', ' ')}")
    return text


# ---- the way to it -----------------------------------------------------------------------------


def _timeline(steps: list[Step], width: int) -> Table:
    """Side by side what was heard and what it changed; one above the other where it is narrow."""
    is_wide = width >= WIDE
    made = table("time (UTC)", "after", "status", right=("after",))
    made.add_column("what was heard", overflow="fold")
    if is_wide:
        made.add_column("from", no_wrap=True)
        made.add_column("what it changed", overflow="fold")
    previous: Order | None = None
    first_at = steps[0].at
    for step in steps:
        when = (clock_time(step.at, digits=6 if is_wide else 3), _after(step.at - first_at))
        status, heard, source, changes = _cells(previous, step)
        if is_wide:
            made.add_row(*when, status, heard, source, changes)
        else:
            made.add_row(*when, status, _stacked(heard, source, changes))
        previous = previous if isinstance(step, TransactionUpdate) else step.order
    return made


def _cells(previous: Order | None, step: Step) -> tuple[Text, Text, str, str]:
    if isinstance(step, TransactionUpdate):
        return _transaction_cells(step.transaction)
    return _update_cells(previous, step)


def _stacked(heard: Text, source: str, changes: str) -> Text:
    """`heard` with what else there is to it."""
    if source:
        heard = heard.copy().append(f" ({source})", style="bright_black")
    return heard.append(f"\n→ {changes}" if changes else "", style="bright_black")


def _after(ns: int) -> str:
    """Finer than `span`: here a millisecond more or less is what one looks for."""
    if ns <= 0:
        return ""
    if ns < SECOND:
        return f"{ns / 1e6:.1f} ms"
    return f"{ns / SECOND:.3f} s" if ns < 120 * SECOND else span(ns)


def _update_cells(previous: Order | None, step: OrderUpdate) -> tuple[Text, Text, str, str]:
    status = Text(step.order.status.value, style=STATUS_STYLES[step.order.status])
    if previous is not None and previous.status is step.order.status:
        status = Text("·", style="bright_black")
    said = WORDS.get(step.cause.fact, step.cause.fact.replace("_", " "))
    if step.cause.text:
        said += f": {step.cause.text}"
    source = SOURCES.get(step.cause.source, step.cause.source)
    changes = ", ".join(_changes(previous, step.order, step.cause.text))
    return status, Text(said), source, changes


def _transaction_cells(one: Transaction) -> tuple[Text, Text, str, str]:
    fee = f", fee {figure(one.fee)} {one.fee_currency or ''}" if one.fee is not None else ""
    role = f", {one.liquidity.value}" if one.liquidity else ""
    style = "green" if one.kind is TransactionKind.FILL else "yellow"
    what = Text(f"{one.kind.value} {figure(one.quantity)} @ {figure(one.price)}", style=style)
    trade = f"trade {one.trade_id}" if one.trade_id else ""
    return Text(), what, SOURCES.get(one.source, one.source), f"{trade}{role}{fee}"


def _changes(before: Order | None, now: Order, said: str) -> Iterator[str]:
    """`said` is in the line already."""
    if before is None:
        yield f"{now.side.value} {figure(now.quantity)}" + (
            f" @ {figure(now.price)}" if now.price is not None else ""
        )
        return
    if now.venue_order_id != before.venue_order_id:
        yield f"venue order {now.venue_order_id}"
    if now.cum_quantity != before.cum_quantity:
        yield f"filled {figure(before.cum_quantity)} → {figure(now.cum_quantity)}"
    if now.quantity != before.quantity:
        yield f"quantity {figure(before.quantity)} → {figure(now.quantity)}"
    if now.price != before.price:
        yield f"price {figure(before.price)} → {figure(now.price)}"
    yield from _other_changes(before, now, said)


def _other_changes(before: Order, now: Order, said: str) -> Iterator[str]:
    if now.pending is not before.pending:
        gone = f"no {before.pending.value} pending any more"
        yield gone if now.pending is Pending.NONE else f"{now.pending.value} pending"
    if now.doubt and now.doubt != before.doubt:
        yield "in doubt" if now.doubt == said else f"in doubt: {now.doubt}"
    if now.reason and now.reason != before.reason:
        yield str(now.reason_code) if now.reason == said else f"{now.reason_code}: {now.reason}"
    if now.trades_complete and not before.trades_complete:
        yield "all trades are here"
    if len(now.absences) > len(before.absences):
        yield f"evidence {len(now.absences)}"


def _evidence(absences: tuple[Evidence, ...]) -> Iterator[RenderableType]:
    if not absences:
        return
    made = table("evidence", "asked (UTC)", "answered")
    made.add_column("no such order, searched:", overflow="fold")
    for number, one in enumerate(absences, start=1):
        took = span(one.answered_at - one.asked_at) + " later"
        searched = ", ".join(place.replace("_", " ") for place in one.searched)
        made.add_row(str(number), clock_time(one.asked_at, digits=6), took, searched)
    yield made

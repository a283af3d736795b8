"""From what the executor, the actioner and the venue report to facts about one order."""

from collections.abc import Iterator
from decimal import Decimal

from gateway.domain import facts as f
from gateway.domain import messages as m
from gateway.domain import venue as v
from gateway.domain.enums import Source
from gateway.domain.order import Evidence
from gateway.domain.trade import trade_key


def facts_of_outbox(event: m.OutboxEvent, lag: int) -> Iterator[f.Fact]:
    """The facts about the order that the event names; none for events that name no order."""
    match event:
        case m.PlaceIntended():
            yield f.Intent(at=event.at, order=event.order, land_by=event.land_by)
        case m.PlaceAnswered():
            yield from _facts_of_place(event, lag)
        case m.CancelIntended():
            yield f.CancelRequested(at=event.at, client_id=event.client_id)
        case m.CancelAnswered():
            yield from _facts_of_cancel(event, lag)
        case m.AmendIntended():
            yield f.AmendRequested(
                at=event.at,
                quantity=_decimal(event.quantity),
                price=_decimal(event.price),
                land_by=event.land_by,
            )
        case m.AmendAnswered():
            yield from _facts_of_amend(event, lag)
        case _:
            return


def _facts_of_place(event: m.PlaceAnswered, lag: int) -> Iterator[f.Fact]:
    answer = event.answer
    match answer:
        case v.Done():
            yield from _facts_of_done(answer, event.at, event.sent_at, lag)
        case v.Refused():
            yield f.PlaceRefused(
                at=event.at, code=answer.code, text=answer.text, venue_code=answer.venue_code
            )
        case v.NotSent():
            yield f.PlaceNotSent(at=event.at, code=answer.code, text=answer.text)
        case v.OutcomeUnknown():
            yield f.PlaceUnknown(at=event.at, text=answer.text)


def _facts_of_done(answer: v.Done, at: int, sent_at: int, lag: int) -> Iterator[f.Fact]:
    venue_order_id = answer.venue_order_id
    if venue_order_id is None and answer.order is not None:
        venue_order_id = answer.order.venue_order_id
    if venue_order_id is not None:
        yield f.Accepted(at=at, venue_order_id=venue_order_id)
    yield from _facts_seen(answer.order, answer.trades, at, sent_at, Source.ANSWER, lag)


def _facts_of_cancel(event: m.CancelAnswered, lag: int) -> Iterator[f.Fact]:
    answer = event.answer
    match answer:
        case v.Done():
            yield f.CancelAccepted(at=event.at)
            yield from _facts_seen(
                answer.order, answer.trades, event.at, event.sent_at, Source.ANSWER, lag
            )
        case v.Refused():
            yield f.CancelRefused(at=event.at, code=answer.code, text=answer.text)
        case v.NotSent() | v.OutcomeUnknown():
            yield f.CancelUnknown(at=event.at, text=answer.text)


def _facts_of_amend(event: m.AmendAnswered, lag: int) -> Iterator[f.Fact]:
    answer = event.answer
    match answer:
        case v.Done():
            yield f.AmendAccepted(
                at=event.at,
                quantity=_decimal(event.quantity),
                price=_decimal(event.price),
                lag=lag,
                sent_at=event.sent_at,
            )
            yield from _facts_seen(
                answer.order, answer.trades, event.at, event.sent_at, Source.ANSWER, lag
            )
        case v.Refused():
            yield f.AmendRefused(at=event.at, code=answer.code, text=answer.text)
        case v.NotSent():
            yield f.AmendRefused(at=event.at, code=answer.code, text=answer.text)
        case v.OutcomeUnknown():
            yield f.AmendUnknown(at=event.at, text=answer.text)


def facts_of_check(report: m.OrderChecked, lag: int) -> Iterator[f.Fact]:
    match report.answer:
        case v.OrderFound(order=order, trades=trades):
            yield from facts_of_trades(trades, report, Source.QUERY)
            yield from _facts_seen(
                order, (), report.answered_at, report.asked_at, Source.QUERY, lag
            )
        case v.OrderNotFound(searched=searched):
            evidence = Evidence(
                asked_at=report.asked_at, answered_at=report.answered_at, searched=searched
            )
            yield f.Absent(at=report.answered_at, evidence=evidence, lag=lag)


def facts_of_trades(
    trades: tuple[v.VenueTrade, ...], report: m.OrderChecked | m.TradesFetched, source: Source
) -> Iterator[f.Trade]:
    """An answer that tells one trade in two ways decides nothing about it."""
    told = {trade_key(report.account, trade): trade for trade in trades}
    unclear = {
        key
        for key, trade in ((trade_key(report.account, one), one) for one in trades)
        if (trade.price, trade.quantity) != (told[key].price, told[key].quantity)
    }
    for trade in trades:
        asked_at = 0 if trade_key(report.account, trade) in unclear else report.asked_at
        yield f.Trade(at=report.answered_at, source=source, trade=trade, asked_at=asked_at)


def fact_of_listed(
    order: v.VenueOrder, report: m.AccountSwept | m.ClosedOrdersFetched, lag: int
) -> f.Snapshot:
    return f.Snapshot(
        at=report.answered_at, asked_at=report.asked_at, source=Source.SWEEP, order=order, lag=lag
    )


def _facts_seen(
    order: v.VenueOrder | None,
    trades: tuple[v.VenueTrade, ...],
    at: int,
    asked_at: int,
    source: Source,
    lag: int,
) -> Iterator[f.Fact]:
    """Trades first: an order update that says `filled` then has its trades complete."""
    for trade in trades:
        yield f.Trade(at=at, source=source, trade=trade)
    if order is not None:
        yield f.Snapshot(at=at, asked_at=asked_at, source=source, order=order, lag=lag)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)

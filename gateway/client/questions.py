"""Every request a trading program can make, with the reply that answers it."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus
from gateway.domain.errors import BadInput

R = TypeVar("R", bound=m.Reply)


@dataclass(frozen=True, slots=True)
class Question(Generic[R]):
    """A request without its ids and expiry, which are the client's to give."""

    kind: type[m.Request]
    fields: dict[str, Any]
    reply: type[R]


def get_order(
    order_id: str, *, history: bool = False, expires_at_of_place: int | None = None
) -> Question[m.OrderReply]:
    fields = {
        "order_id": order_id,
        "history": history,
        "expires_at_of_place": expires_at_of_place,
    }
    return Question(m.GetOrder, fields, m.OrderReply)


def refresh_order(order_id: str) -> Question[m.OrderReply]:
    return Question(m.RefreshOrder, {"order_id": order_id}, m.OrderReply)


def list_orders(
    *,
    account: str | None = None,
    symbol: str | None = None,
    owner: str | None = None,
    statuses: tuple[OrderStatus, ...] = (),
    open_only: bool = False,
    since: int | None = None,
    until: int | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Question[m.OrdersReply]:
    fields = {
        "account": account,
        "symbol": symbol,
        "owner": owner,
        "statuses": statuses,
        "open_only": open_only,
        "since": since,
        "until": until,
        "limit": limit,
        "after": after,
    }
    return Question(m.ListOrders, fields, m.OrdersReply)


def open_orders(account: str, symbol: str | None = None) -> Question[m.VenueOrdersReply]:
    return Question(m.VenueOpenOrders, {"account": account, "symbol": symbol}, m.VenueOrdersReply)


def balances(account: str) -> Question[m.BalancesReply]:
    return Question(m.GetBalances, {"account": account}, m.BalancesReply)


def transactions(
    account: str,
    *,
    from_seq: int | None = None,
    consumer: str | None = None,
    limit: int = 500,
) -> Question[m.TransactionsReply]:
    fields = {"account": account, "from_seq": from_seq, "consumer": consumer, "limit": limit}
    return Question(m.GetTransactions, fields, m.TransactionsReply)


def acknowledge(account: str, consumer: str, seq: int) -> Question[m.AcknowledgedReply]:
    fields = {"account": account, "consumer": consumer, "seq": seq}
    return Question(m.AcknowledgeTransactions, fields, m.AcknowledgedReply)


def replay(account: str, epoch: int, from_seq: int, to_seq: int) -> Question[m.ReplayReply]:
    fields = {"account": account, "epoch": epoch, "from_seq": from_seq, "to_seq": to_seq}
    return Question(m.Replay, fields, m.ReplayReply)


def cancel_all(
    account: str,
    sent_at: int,
    *,
    symbol: str | None = None,
    owner: str | None = None,
    include_external: bool = False,
) -> Question[m.CancelAllReply]:
    if include_external and owner is not None:
        raise BadInput("external orders are no client's: ask for those of everyone")
    fields = {
        "account": account,
        "sent_at": sent_at,
        "symbol": symbol,
        "owner": owner,
        "include_external": include_external,
    }
    return Question(m.CancelAll, fields, m.CancelAllReply)


def accounts() -> Question[m.AccountsReply]:
    return Question(m.GetAccounts, {}, m.AccountsReply)


def markets(account: str, symbol: str | None = None) -> Question[m.MarketsReply]:
    return Question(m.GetMarkets, {"account": account, "symbol": symbol}, m.MarketsReply)


def health() -> Question[m.HealthReply]:
    return Question(m.GetHealth, {}, m.HealthReply)


def alarms(
    account: str | None = None, limit: int = 100, *, unacknowledged: bool = False
) -> Question[m.AlarmsReply]:
    fields = {"account": account, "limit": limit, "unacknowledged": unacknowledged}
    return Question(m.ListAlarms, fields, m.AlarmsReply)


def acknowledge_alarm(alarm_id: str, operator: str, text: str = "") -> Question[m.AlarmReply]:
    fields = {"alarm_id": alarm_id, "operator": operator, "text": text}
    return Question(m.AcknowledgeAlarm, fields, m.AlarmReply)


def resolve(order_id: str, operator: str, status: OrderStatus, text: str) -> Question[m.OrderReply]:
    fields = {"order_id": order_id, "operator": operator, "status": status, "text": text}
    return Question(m.ResolveOrder, fields, m.OrderReply)

"""What `gateway watch` shows, drawn for terminals of several sizes."""

import io
import time
from decimal import Decimal
from typing import Any, cast

import pytest
from msgspec.structs import replace
from rich.console import Console

from gateway.cli.board import KEPT_ORDERS, Board, Glances
from gateway.cli.board_panels import draw
from gateway.client import Client
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, OrderType, Role, Side, TransactionKind
from gateway.domain.errors import TimedOut
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol
from gateway.domain.order import Order, Transaction

now = time.time_ns
SECOND = 1_000_000_000
MAIN, SECOND_ACCOUNT = AccountId("main"), AccountId("second")


class Answers:
    """The client's side of a gateway: what it is asked, and what it hears."""

    def __init__(self) -> None:
        self.protocol = self
        self.on_item: Any = None
        self.on_restated: Any = None
        self.on_health: Any = None
        self.gone = False
        self.raised: tuple[m.KnownAlarm, ...] = ()
        self.streams: tuple[m.StreamState, ...] = (
            m.StreamState(account=MAIN, at=now() - 300 * SECOND, up=True),
            m.StreamState(account=SECOND_ACCOUNT, at=now(), up=False, text="refused"),
        )

    def accounts(self) -> m.AccountsReply:
        if self.gone:
            raise TimedOut("nobody")
        infos = [
            m.AccountInfo(account=one, venue="paper", epoch=1, seq=1, stream_up=True)
            for one in (MAIN, SECOND_ACCOUNT)
        ]
        return m.AccountsReply(request_id="1", accounts=tuple(infos))

    def health(self) -> m.HealthReply:
        return m.HealthReply(request_id="1", processes=(), streams=self.streams)

    def alarms(self, limit: int, *, unacknowledged: bool) -> m.AlarmsReply:
        assert unacknowledged
        return m.AlarmsReply(request_id="1", alarms=self.raised[:limit])


@pytest.fixture
def answers() -> Answers:
    return Answers()


def board_of(answers: Answers, *accounts: str) -> Board:
    client = cast("Client", answers)
    with Glances(client, accounts) as glances:
        return Board(client, glances)


def order(number: int, status: OrderStatus = OrderStatus.NEW, account: AccountId = MAIN) -> Order:
    return Order(
        order_id=OrderId(f"01a202d0-fe93-8001-8794-{number:012x}"),
        account=account,
        symbol=Symbol("BTC/USDT"),
        client_id=ClientId("me"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.01"),
        price=Decimal(20000),
        status=status,
        created_at=now(),
        changed_at=now() + number,
    )


def update(one: Order) -> m.OrderUpdate:
    cause = m.Cause(fact="accepted", source="", text="")
    return m.OrderUpdate(
        account=one.account, epoch=1, seq=1, at=one.changed_at, order=one, cause=cause
    )


def alarm(number: int, account: AccountId = MAIN) -> m.KnownAlarm:
    return m.KnownAlarm(
        kind="vanished", text="it is gone", at=now(), account=account, alarm_id=f"{number:032x}"
    )


def drawn(board: Board, width: int = 120, height: int = 30, rows: int | None = None) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, highlight=False)
    console.print(draw(board, width, height, rows))
    return out.getvalue().splitlines()


def test_each_account_shows_its_stream_its_open_orders_and_its_doubts(answers: Answers) -> None:
    board = board_of(answers)
    board.load([order(1), order(2, OrderStatus.IN_DOUBT), order(3, OrderStatus.FILLED)])

    lines = drawn(board)

    (main,) = (line.split() for line in lines if " main " in line and "paper" in line)
    assert main[1:8] == ["main", "paper", "2", "1", "●", "heard", "for"]
    assert int(main[8]) >= 5
    assert any("second" in line and "● down" in line and ": refused" in line for line in lines)


def test_a_doubt_is_first_and_has_its_reason(answers: Answers) -> None:
    board = board_of(answers)
    doubt = replace(order(1, OrderStatus.IN_DOUBT), doubt="the line was cut")
    board.load([doubt, *(order(number) for number in range(2, 9))])

    lines = drawn(board)

    assert any("in doubt: 1" in line for line in lines)
    assert any("000000000001" in line and "the line was cut" in line for line in lines)
    first = next(i for i, line in enumerate(lines) if "average" in line) + 1
    assert "in_doubt" in lines[first]


def test_what_the_stream_says_is_shown(answers: Answers) -> None:
    board = board_of(answers)
    fill = Transaction(
        key="t:1", kind=TransactionKind.FILL, order_id=order(1).order_id, account=MAIN,
        symbol=Symbol("BTC/USDT"), client_id=ClientId("me"), side=Side.SELL,
        quantity=Decimal("0.004"), price=Decimal(60065), fee=Decimal("0.24"), fee_currency="USDT",
        recorded_at=now(),
    )  # fmt: skip

    answers.on_item(update(order(1)), False)
    answers.on_item(update(order(1, OrderStatus.PARTIALLY_FILLED)), False)
    answers.on_item(
        m.TransactionUpdate(account=MAIN, epoch=1, seq=2, at=now(), transaction=fill), False
    )
    answers.on_health(
        m.Health(role=Role.EXECUTOR, instance="x", at=now(), ready=True, problems=("halted: main",))
    )

    page = "\n".join(drawn(board))
    assert "orders: 1  1 partially filled" in page
    assert "fill sell  BTC/USDT  0.004  @ 60065  fee 0.24  USDT" in page
    assert "executor: halted: main" in page
    assert "3 updates" in page


def test_open_alarms_are_counted_and_those_that_do_not_fit_are_said(answers: Answers) -> None:
    answers.raised = tuple(alarm(number) for number in range(7))

    page = "\n".join(drawn(board_of(answers)))

    assert "open alarms: 7  (3 more: gateway alarms --open)" in page
    assert "none" in "\n".join(drawn(board_of(Answers())))


def test_only_the_accounts_that_are_wanted_are_shown(answers: Answers) -> None:
    answers.raised = (alarm(1), alarm(2, SECOND_ACCOUNT))
    board = board_of(answers, "second")
    board.load([order(1), order(2, account=SECOND_ACCOUNT)])

    page = "\n".join(drawn(board))

    assert "orders: 1  1 new" in page
    assert "open alarms: 1" in page
    assert " main " not in page


def test_nobody_answers_and_the_board_says_how_old_it_is(answers: Answers) -> None:
    board = board_of(answers)
    board.glances.answered_at -= 60

    assert any("no answer for 60 s" in line for line in drawn(board))


def test_a_gateway_that_does_not_answer_is_waited_for(answers: Answers) -> None:
    answers.gone = True

    assert any("accounts" in line for line in drawn(board_of(answers)))


@pytest.mark.parametrize(
    ("width", "height"), [(200, 50), (120, 24), (110, 40), (109, 40), (80, 30)]
)
def test_the_board_fits_the_terminal(answers: Answers, width: int, height: int) -> None:
    answers.raised = tuple(alarm(number) for number in range(7))
    board = board_of(answers)
    board.load([order(number) for number in range(100)])
    board.load([order(200, OrderStatus.IN_DOUBT)])

    lines = drawn(board, width, height)

    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    assert any("0000000000c8" in line for line in lines), "ids are whole: they are typed elsewhere"


def test_of_many_orders_the_oldest_closed_ones_go(answers: Answers) -> None:
    board = board_of(answers)
    closed = [order(number, OrderStatus.FILLED) for number in range(10)]

    board.load([*closed, *(order(10 + number) for number in range(KEPT_ORDERS))])

    assert len(board.orders) == KEPT_ORDERS
    assert not any(one.is_closed for one in board.orders.values())

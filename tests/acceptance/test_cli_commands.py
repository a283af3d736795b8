"""The command line against the real processes: what scripts rely on."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.exits import Exit
from gateway.cli.stage import Stage, wait_for
from gateway.client import Client
from gateway.domain.enums import OrderStatus

PATIENCE_S = 60.0


class Gateway:
    """`gateway` as a script calls it."""

    def __init__(self, stage: Stage) -> None:
        self._environment = {
            **os.environ,
            "GATEWAY_HOME": str(stage.home.root),
            "GATEWAY_CONFIG": str(stage.home.root / "gateway.toml"),
        }

    def start(self, words: Sequence[str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "gateway.cli.main", *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # who runs the tests in the background may have interrupts ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def __call__(self, *words: str, exits: Exit = Exit.OK) -> str:
        """Its stdout."""
        running = self.start(words)
        said, errors = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == exits, f"{words}: {running.returncode}\n{said}\n{errors}"
        assert "Traceback" not in errors
        return said

    def json(self, *words: str, exits: Exit = Exit.OK) -> Any:
        return json.loads(self(*words, "--json", exits=exits))

    def error(self, *words: str, exits: Exit) -> Any:
        """What it says on stderr, as a machine is told."""
        running = self.start((*words, "--json"))
        _, errors = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == exits, f"{words}: {running.returncode}\n{errors}"
        return json.loads(errors)["error"]

    def lines(self, *words: str, exits: Exit = Exit.OK) -> list[Any]:
        return [json.loads(line) for line in self(*words, "--json", exits=exits).splitlines()]


@pytest.fixture
def gateway(stage: Stage) -> Gateway:
    return Gateway(stage)


def rest(gateway: Gateway, price: str = "20000") -> str:
    placed = gateway.json("place", "main", "BTC/USDT", "buy", "0.01", "--price", price)
    assert placed["order"]["status"] == "new"
    order_id: str = placed["order_id"]
    return order_id


def test_an_order_is_placed_amended_and_canceled(gateway: Gateway) -> None:
    order_id = rest(gateway)

    amended = gateway.json("amend", order_id, "--quantity", "0.005")
    (canceled,) = gateway.lines("cancel", order_id[-12:])

    assert (float(amended["quantity"]), amended["revision"]) == (0.005, 1)
    assert canceled["order_id"] == order_id
    assert canceled["status"] == "canceled"
    gateway("cancel", order_id, exits=Exit.FAILED)
    gateway("amend", order_id, "--quantity", "0.001", exits=Exit.FAILED)


def test_the_same_place_twice_is_one_order(gateway: Gateway, stage: Stage) -> None:
    words = ("place", "main", "BTC/USDT", "buy", "0.01", "--price", "20001", "-q")
    order_id = gateway(*words).strip()
    before = len(stage.paper("/paper/orders"))

    assert gateway(*words, "--order-id", order_id).strip() == order_id

    assert len(stage.paper("/paper/orders")) == before
    gateway("cancel", order_id)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("main", "BTC/USDT", "buy", "0.01", "--price", "20000.001"), "price_precision"),
        (("main", "NO/SUCH", "buy", "0.01", "--price", "20000"), "unknown_symbol"),
        (("main", "BTC/USDT", "buy", "many", "--price", "20000"), "bad_quantity"),
    ],
)
def test_a_refused_order_has_its_id_on_stdout_and_its_code_on_stderr(
    gateway: Gateway, words: tuple[str, ...], code: str
) -> None:
    running = gateway.start(["place", *words])
    said, errors = running.communicate(timeout=PATIENCE_S)

    assert running.returncode == Exit.FAILED
    assert errors.startswith(f"gateway: {code}: ")
    assert errors.count("\n") == 1
    fate = gateway.json("order", said.strip(), exits=Exit.FAILED)
    assert fate["fate"] == "refused"


def test_an_account_that_is_not_there_is_refused_at_once(gateway: Gateway) -> None:
    running = gateway.start(["place", "nope", "BTC/USDT", "buy", "1", "--price", "2"])
    said, errors = running.communicate(timeout=PATIENCE_S)

    assert (running.returncode, said) == (Exit.FAILED, "")
    assert (
        errors == "gateway: unknown_account: the gateway has no account nope; it has main, second\n"
    )


def test_an_order_in_doubt_says_so_and_an_operator_ends_the_doubt(
    gateway: Gateway, stage: Stage
) -> None:
    faults = [
        {"kind": "drop_request", "operation": "order.place", "count": 1},
        {"kind": "error_before", "operation": "order.status", "status": 500},
    ]
    stage.paper_send("/paper/faults", faults)
    try:
        words = ("place", "main", "BTC/USDT", "buy", "0.01", "--price", "20002")
        placed = gateway.json(*words, "--timeout", "3", exits=Exit.UNKNOWN)
        order_id = placed["order_id"]
        page = gateway("order", order_id)
        listed = gateway.lines("orders", "--status", "in_doubt")
        resolved = gateway.json(
            "resolve",
            order_id,
            "--as",
            "rejected",
            "--reason",
            "the desk says so",
            "--operator",
            "me",
        )
    finally:
        stage.paper_send("/paper/faults", [])

    assert placed["order"]["status"] == "in_doubt"
    assert "the outcome of sending it is not known" in page
    assert order_id in [order["order_id"] for order in listed]
    assert (resolved["status"], resolved["closed_by"]) == ("rejected", "operator")
    assert "me: the desk says so" in gateway("order", order_id)


def test_a_trade_is_in_the_history_the_table_the_csv_and_the_stream(
    gateway: Gateway, tmp_path: Path
) -> None:
    watching = gateway.start(["watch", "--json", "--for", "300"])
    order_id = rest(gateway, "20003")
    gateway("place", "second", "BTC/USDT", "sell", "0.01", "--price", "20003", "--until", "closed")

    history = gateway.json("order", order_id)
    facts = {update["cause"]["fact"] for update in history["history"]}
    assert "intent" in facts, "not always the first: the venue's stream may overtake it"
    assert history["order"]["status"] == "filled"
    assert "fill 0.01 @ 20003" in gateway("order", order_id)
    file = tmp_path / "fills.csv"
    gateway("transactions", "--csv", str(file))
    with file.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["order_id"] == order_id]
    assert [(row["side"], row["quantity"], row["price"]) for row in rows] == [
        ("buy", "0.01", "20003")
    ]
    watching.send_signal(signal.SIGINT)
    said, errors = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == Exit.INTERRUPTED, errors
    kinds = {json.loads(line)["type"] for line in said.splitlines()}
    assert kinds == {"order_update", "transaction_update"}


def test_a_consumer_gets_what_it_has_not_acknowledged_again(gateway: Gateway) -> None:
    rest(gateway, "20004")
    gateway("place", "second", "BTC/USDT", "sell", "0.01", "--price", "20004", "--until", "closed")
    words = ("transactions", "--account", "main", "--consumer", "books")

    first = gateway.lines(*words)
    again = gateway.lines(*words, "--acknowledge")
    after = gateway.lines(*words)

    assert first
    assert again[: len(first)] == first
    assert after == []


def test_a_halt_refuses_orders_lets_cancels_through_and_ends(gateway: Gateway) -> None:
    order_id = rest(gateway, "20005")

    assert gateway.json("halt", "main") == {"account": "main", "halted": True}
    gateway("place", "main", "BTC/USDT", "buy", "0.01", "--price", "20005", exits=Exit.FAILED)
    gateway("cancel", order_id)
    assert gateway.json("resume", "main") == {"account": "main", "halted": False}

    gateway("cancel", rest(gateway, "20006"))
    assert {"halted", "resumed"} <= {alarm["kind"] for alarm in gateway.lines("alarms")}


def test_a_halt_of_an_unknown_account_is_refused(gateway: Gateway) -> None:
    said = gateway.error("halt", "nobody", exits=Exit.FAILED)
    assert said["code"] == "unknown_account"


def test_a_halt_does_not_need_the_actioner(gateway: Gateway, stage: Stage) -> None:
    stage.signal("actioner", signal.SIGSTOP)
    try:
        assert gateway.json("halt", "second") == {"account": "second", "halted": True}
        gateway("resume", "second")
    finally:
        stage.signal("actioner", signal.SIGCONT)


def test_a_halt_that_does_not_show_in_time_is_not_known(gateway: Gateway, stage: Stage) -> None:
    stage.signal("listener", signal.SIGSTOP)
    try:
        gateway("halt", "second", "--timeout", "5", exits=Exit.UNKNOWN)
    finally:
        stage.signal("listener", signal.SIGCONT)
    gateway("resume", "second")


def test_an_alarm_is_open_until_somebody_acknowledges_it(gateway: Gateway) -> None:
    gateway("halt", "second")
    gateway("resume", "second")
    (raised, *_) = (one for one in gateway.lines("alarms", "--open") if one["kind"] == "halted")
    tail = raised["alarm_id"][-12:]
    wait_for(lambda: is_acknowledged(gateway, tail), "it is in the store", PATIENCE_S)

    (again,) = gateway.lines("acknowledge", tail, "--operator", "another")

    assert (again["acknowledged_by"], again["acknowledged_text"]) == ("me", "meant")
    assert tail not in gateway("alarms", "--open")
    assert tail in gateway("alarms")
    gateway("acknowledge", "0123456789ab", exits=Exit.FAILED)


def is_acknowledged(gateway: Gateway, tail: str) -> bool:
    """An alarm can be listed a moment before the store has it."""
    running = gateway.start(("acknowledge", tail, "--operator", "me", "--text", "meant"))
    running.communicate(timeout=PATIENCE_S)
    return running.returncode == Exit.OK


def test_cancel_all_says_what_is_on_its_way(gateway: Gateway) -> None:
    order_ids = {rest(gateway, price) for price in ("20007", "20008")}

    results = gateway.lines("cancel-all", "main", "--yes")

    assert order_ids <= {result["order_id"] for result in results if result["sent"]}
    wait_for(lambda: not gateway.lines("orders", "--open"), "nothing is open", PATIENCE_S)


def test_cancel_all_covers_what_was_placed_in_the_moment_before_it(stage: Stage) -> None:
    with Client(stage.endpoints, "hasty") as client:
        order = ("main", "BTC/USDT", "buy", "limit", "0.01")
        placed = {client.place(*order, price=price) for price in ("20010", "20011", "20012")}

        results = client.cancel_all("main").results

        assert {result.order_id for result in results if result.sent} == placed
        for order_id in placed:
            assert client.wait(order_id, timeout=PATIENCE_S).status is OrderStatus.CANCELED


def test_a_process_that_is_down_shows_and_is_started_again(gateway: Gateway, stage: Stage) -> None:
    stage.stop_program("manager")

    status = gateway.json("status", exits=Exit.FAILED)
    gateway("up")

    states = {one["name"]: one["state"] for one in status["processes"]}
    assert (states["manager"], states["executor"]) == ("stopped", "running")
    assert gateway.json("status")["ready"]
    gateway("restart", "manager")


def test_questions_and_tables_of_a_running_gateway(gateway: Gateway, stage: Stage) -> None:
    order_id = rest(gateway, "20009")

    assert order_id[-12:] in gateway("orders", "--open")
    assert gateway.json("refresh", order_id)["checked_at"] > 0
    balances = {line["account"]: line["balances"] for line in gateway.lines("balances")}
    assert {"BTC", "USDT"} <= {one["currency"] for one in balances["main"]}
    assert "USDT" in gateway("balances", "main")
    assert "executor" in gateway("health")
    assert all(one["result"] == "ok" for one in gateway.lines("check"))
    assert gateway.json("migrate") == {"applied": []}
    assert gateway.json("maintain")["postponed"] == []
    assert gateway("logs", "executor")
    assert "orders:" in gateway("watch", "--for", "1")
    gateway("cancel", order_id)
    gateway("order", "01999999-9999-8001-8000-000000000000", exits=Exit.UNKNOWN)
    gateway("order", "ffffffffffff", exits=Exit.FAILED)


def test_a_process_runs_in_the_foreground_until_it_is_told_to_stop(
    gateway: Gateway, stage: Stage
) -> None:
    before = ready_managers(gateway)
    stage.stop_program("manager")
    running = gateway.start(["run", "manager"])
    try:
        wait_for(lambda: ready_managers(gateway) - before != set(), "a new manager", PATIENCE_S)
    finally:
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=PATIENCE_S)
        stage.start_program("manager")

    assert running.returncode == 0, errors
    assert errors.rstrip().endswith("manager  stopped")


def ready_managers(gateway: Gateway) -> set[str]:
    """By their instance, which is new at each start."""
    running = gateway.start(["health", "--json"])
    said, _ = running.communicate(timeout=PATIENCE_S)
    processes = json.loads(said)["processes"]
    return {one["instance"] for one in processes if one["role"] == "manager" and one["ready"]}


def test_the_paper_venue_runs_alone(gateway: Gateway) -> None:
    running = gateway.start(["paper", "--port", "0", "--accounts", "solo", "--no-liquidity"])
    assert running.stdout is not None
    ready = json.loads(running.stdout.readline())
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=PATIENCE_S)

    assert ready["accounts"] == ["solo"]
    assert running.returncode == 0

"""The paper venue as a process: ready line, SIGTERM, and a state file that survives SIGKILL."""

import errno
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ccxt
import pytest
from click.testing import CliRunner

from gateway.paper.ccxt_config import ccxt_config
from procs import paper

SYMBOL = "BTC/USDT"


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "procs.paper", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as venue:
        try:
            assert venue.stdout is not None
            yield venue, json.loads(venue.stdout.readline())
        finally:
            venue.kill()


def client(ready: dict[str, Any], account: str = "main") -> Any:
    config = ccxt_config(ready["url"], f"paper-{account}", f"paper-{account}-secret")
    return ccxt.binance(config | {"enableRateLimit": False})


def test_it_says_when_it_is_ready_and_stops_on_sigterm() -> None:
    with process("--symbols", "ETH/USDT", "--accounts", "one,two") as (venue, ready):
        assert (ready["event"], ready["pid"]) == ("ready", venue.pid)
        assert (ready["symbols"], ready["accounts"]) == (["ETH/USDT"], ["one", "two"])
        exchange = client(ready, "two")
        bought = exchange.create_order("ETH/USDT", "market", "buy", 1)
        assert bought["status"] == "closed"

        venue.send_signal(signal.SIGTERM)

        assert venue.wait(timeout=60) == 0


def test_a_killed_venue_comes_back_with_its_orders_trades_and_balances(tmp_path: Path) -> None:
    options = ("--no-liquidity", "--state", str(tmp_path / "state.jsonl"))
    with process(*options) as (venue, ready):
        main, second = client(ready), client(ready, "second")
        placed = main.create_order(SYMBOL, "limit", "buy", 0.01, 50000, {"clientOrderId": "a"})
        second.create_order(SYMBOL, "limit", "sell", 0.004, 50000)
        balance = main.fetch_balance()["info"]["balances"]
        trades = main.fetch_my_trades(SYMBOL)
        venue.send_signal(signal.SIGKILL)
        venue.wait(timeout=60)

    with process(*options) as (venue, ready):
        main, second = client(ready), client(ready, "second")
        found = main.fetch_order(None, SYMBOL, {"clientOrderId": "a"})
        assert (found["id"], found["filled"], found["status"]) == (placed["id"], 0.004, "open")
        assert main.fetch_balance()["info"]["balances"] == balance
        assert main.fetch_my_trades(SYMBOL) == trades
        second.create_order(SYMBOL, "limit", "sell", 0.006, 50000)
        assert main.fetch_order(placed["id"], SYMBOL)["status"] == "closed"
        assert [t["id"] for t in main.fetch_my_trades(SYMBOL)] == ["1", "2"]


def test_a_configuration_file_describes_the_venue(tmp_path: Path) -> None:
    path = tmp_path / "paper.toml"
    path.write_text(
        """
        liquidity = false
        [[accounts]]
        name = "desk"
        balances = { USDT = "1000", BNB = "1" }
        taker_fee = "0.0005"
        [[symbols]]
        name = "BNB/USDT"
        tick = "0.01"
        step = "0.001"
        start_price = "600"
        [[faults]]
        kind = "refuse"
        operation = "order.cancel"
        code = -1008
        """
    )
    with process("--config", str(path)) as (_, ready):
        desk = client(ready, "desk")
        placed = desk.create_order("BNB/USDT", "limit", "buy", 1, 500)
        assert desk.fetch_balance()["USDT"]["free"] == 500
        with pytest.raises(ccxt.ExchangeError, match="-1008"):
            desk.cancel_order(placed["id"], "BNB/USDT")


def test_a_misspelt_configuration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "paper.toml"
    path.write_text("liquidty = false")

    failed = subprocess.run(
        [sys.executable, "-m", "procs.paper", "--config", str(path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert failed.returncode != 0
    assert "liquidty" in failed.stderr


def test_without_file_descriptors_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(tmp_path / "state"))

    monkeypatch.setattr(paper, "build_server", build)
    done = CliRunner().invoke(paper.main, ["--port", "0"])

    assert done.exit_code == 1
    assert "stopped: [Errno 24] Too many open files" in done.output
    assert "raise the limit of open files" in done.output

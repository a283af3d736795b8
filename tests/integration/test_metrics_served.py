"""Metrics and health of a whole gateway, as Prometheus finds them."""

import itertools
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import gateway
from gateway.client import questions as q
from gateway.config import embedded_text
from gateway.domain.enums import Role
from gateway.metrics.catalogue import METRICS
from gateway.service.embedded import free_port
from gateway.service.metrics import PORTS

START_S = 100.0
WAIT_S = 30.0

_numbers = itertools.count(1)

pytestmark = pytest.mark.timeout(240)


class Desk:
    def __init__(self, client: Any, port: int) -> None:
        self.client = client
        self.port = port

    def get(self, role: Role, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.port + PORTS.index(role)}/{path}"
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def samples(self, role: Role) -> dict[tuple[str, ...], float]:
        """By the sample's name and its labels' values."""
        _, text = self.get(role, "metrics")
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def await_figures(self, role: Role, wanted: dict[tuple[str, ...], float]) -> None:
        """The last of them come when they come: an order may be heard of from the venue's stream
        before the executor has the venue's answer."""
        found: dict[tuple[str, ...], float] = {}
        deadline = time.monotonic() + WAIT_S
        while found != wanted and time.monotonic() < deadline:
            self.client.pump(0.05)
            samples = self.samples(role)
            found = {key: samples[key] for key in wanted if key in samples}
        assert found == wanted

    def names(self, role: Role) -> set[str]:
        return {name for name, *_ in self.samples(role)}

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, "it does not come true"
            self.client.pump(0.05)


@pytest.fixture
def desk(tmp_path: Path, short_folder: Path, database_url: str) -> Iterator[Desk]:
    port = free_port(4)
    path = tmp_path / "desk.toml"
    text = embedded_text(f"http://127.0.0.1:{free_port()}")
    path.write_text(f'{text}\n[store]\nurl = "{database_url}"\n[metrics]\nport = {port}\n')
    path.chmod(0o600)
    home = short_folder / f"metrics-{next(_numbers)}"
    with gateway.attach(path, home=home, start_timeout=START_S) as client:
        yield Desk(client, port)


def trade(client: Any) -> None:
    """Something of everything: accepted, canceled, filled, refused, halted."""
    resting = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="10000")
    client.wait(resting, until="accepted", timeout=WAIT_S)
    client.cancel(resting)
    client.wait(resting, timeout=WAIT_S)
    filled = client.place("main", "BTC/USDT", "buy", "market", "0.01")
    client.wait(filled, timeout=WAIT_S)
    client.place("main", "BTC/USDT", "buy", "limit", "-1", price="10000")
    resting = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="10000")
    client.wait(resting, until="accepted", timeout=WAIT_S)
    client.halt("second")


def expected(role: Role) -> set[str]:
    return {metric.name for metric in METRICS.values() if role in metric.roles}


def exposed(desk: Desk, role: Role) -> set[str]:
    endings = ("", "_bucket")
    names = desk.names(role)
    return {name for name in METRICS if any(f"{name}{ending}" in names for ending in endings)}


def missing(desk: Desk, role: Role) -> set[str]:
    """Or served by a process that should not; problems are there only while there are any."""
    return (expected(role) ^ exposed(desk, role)) - {"gateway_problem"}


def test_every_metric_of_the_catalogue_is_served_by_its_processes_and_no_other(desk: Desk) -> None:
    trade(desk.client)

    for role in Role:
        desk.until(lambda role=role: not missing(desk, role))  # type: ignore[misc]
    assert ("gateway_problem", "executor", "halted") in desk.samples(Role.EXECUTOR)


def test_the_figures_are_those_of_what_happened(desk: Desk) -> None:
    trade(desk.client)
    desk.until(
        lambda: ("gateway_orders_closed_total", "main", "filled") in desk.samples(Role.LISTENER)
    )

    executor = {
        ("gateway_commands_total", "place"): 3,
        ("gateway_commands_total", "cancel"): 1,
        ("gateway_commands_refused_total", "bad_quantity"): 1,
        ("gateway_command_written_seconds_count", "main", "place"): 3,
        ("gateway_venue_answers_total", "main", "place", "done", ""): 3,
    }
    listener = {
        ("gateway_orders_open", "main", "new"): 1,
        ("gateway_orders_closed_total", "main", "canceled"): 1,
        ("gateway_order_accepted_seconds_count", "main"): 3,
        ("gateway_stream_up", "main"): 1,
        ("gateway_doubts", "main"): 0,
        ("gateway_ready", "listener"): 1,
    }
    desk.await_figures(Role.EXECUTOR, executor)
    timed = desk.samples(Role.EXECUTOR)["gateway_command_answered_seconds_count", "main", "place"]
    assert 1 <= timed <= 3, "an answer is not timed whose order was heard to have ended before"
    desk.await_figures(Role.LISTENER, listener)
    assert desk.samples(Role.LISTENER)["gateway_transactions_total", "main", "fill"] >= 1


def test_health_says_whether_it_is_ready_and_what_is_wrong(desk: Desk) -> None:
    well = {"role": "executor", "ready": True, "problems": []}
    status = 0

    def is_well() -> bool:
        """Not at once: on a busy machine something may have been slow at the start."""
        nonlocal status
        status, text = desk.get(Role.EXECUTOR, "health")
        return bool(json.loads(text) == well)

    desk.until(is_well)
    assert status == 200

    desk.client.halt("")
    desk.until(lambda: "halted" in desk.get(Role.EXECUTOR, "health")[1])

    status, text = desk.get(Role.EXECUTOR, "health")
    assert status == 200, "somebody wants it so"
    problems = json.loads(text)["problems"]
    assert any(one.startswith("halted: new orders of all accounts") for one in problems)


def test_a_halt_is_an_alarm_that_somebody_acknowledges(desk: Desk) -> None:
    desk.client.halt("second")

    def listed(*, unacknowledged: bool = True) -> tuple[Any, ...]:
        """On a busy machine there may be others, of a stream that fell silent say."""
        found = desk.client.ask(q.alarms(unacknowledged=unacknowledged)).alarms
        return tuple(alarm for alarm in found if alarm.kind == "halted")

    desk.until(lambda: len(listed()) == 1)
    (alarm,) = listed()
    desk.until(lambda: _acknowledged(desk.client, alarm.alarm_id))

    assert listed() == ()
    (known,) = listed(unacknowledged=False)
    assert (known.acknowledged_by, known.acknowledged_text) == ("ann", "ok")


def _acknowledged(client: Any, alarm_id: str) -> bool:
    """Not before it is in the database."""
    try:
        client.ask(q.acknowledge_alarm(alarm_id, "ann", "ok"))
    except gateway.GatewayError:
        return False
    return True


def test_a_port_that_is_taken_stops_no_process(
    tmp_path: Path, short_folder: Path, database_url: str
) -> None:
    port = free_port(4)
    path = tmp_path / "desk.toml"
    text = embedded_text(f"http://127.0.0.1:{free_port()}")
    path.write_text(f'{text}\n[store]\nurl = "{database_url}"\n[metrics]\nport = {port}\n')
    path.chmod(0o600)
    home = short_folder / f"metrics-{next(_numbers)}"

    with (
        socket.create_server(("127.0.0.1", port)),
        gateway.attach(path, home=home, start_timeout=START_S) as client,
    ):
        order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="10000")
        assert client.wait(order_id, "accepted", WAIT_S).venue_order_id
        desk = Desk(client, port)
        assert desk.get(Role.LISTENER, "health")[0] == 200

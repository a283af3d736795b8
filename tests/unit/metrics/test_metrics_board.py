"""The Grafana board asks for nothing that is not exposed, and leaves nothing important out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.metrics.board import board
from gateway.metrics.catalogue import METRICS

FILE = Path(__file__).resolve().parents[3] / "deploy" / "grafana" / "gateway.json"
PARTS = re.compile(r"_(bucket|sum|count)$")
SCRAPED = {"job", "instance", "le", "version"}
"""Labels that Prometheus or the histogram adds."""
NOT_DRAWN = {
    "gateway_info",
    "gateway_keys_refused_total",
    "gateway_socket_subscriptions",
    "gateway_journal_segments",
    "gateway_journal_records_total",
    "gateway_journal_full",
    "gateway_venue_ready",
    "gateway_venue_requests_under_way",
    "gateway_commands_ignored_total",
    "gateway_venue_unanswered_total",
    "gateway_venue_late_answers_total",
    "gateway_cancels_sent_total",
    "gateway_ids_remembered",
    "gateway_orders_in_memory",
    "gateway_facts_waiting",
    "gateway_listener_events_total",
    "gateway_writer_events_total",
    "gateway_manager_events_total",
    "gateway_actioner_events_total",
    "gateway_requests_total",
    "gateway_requests_under_way",
}
"""For a look when something is wrong. What is not in here is on the board."""


def panels() -> list[dict[str, Any]]:
    return list(json.loads(FILE.read_text())["panels"])


def targets() -> Iterator[tuple[str, str, str]]:
    """Title, expression, legend."""
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]


def metrics_in(expression: str) -> set[str]:
    return {PARTS.sub("", name) for name in re.findall(r"gateway_\w+", expression)}


def labels_in(expression: str, legend: str) -> set[str]:
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    used = {name.strip() for names in grouped for name in names.split(",")}
    used |= set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression))
    return used | set(re.findall(r"{{(\w+)}}", legend))


def test_the_file_is_as_the_code_writes_it() -> None:
    assert FILE.read_text() == board(), "run: python -m gateway.cli.generate"


@pytest.mark.parametrize(("title", "expression", "legend"), list(targets()))
def test_a_panel_asks_for_metrics_and_labels_that_exist(
    title: str, expression: str, legend: str
) -> None:
    names = metrics_in(expression)

    assert names <= METRICS.keys()
    assert names or "process_" in expression
    for name in names:
        assert labels_in(expression, legend) <= {*METRICS[name].labels, *SCRAPED}


def test_a_histogram_is_asked_for_by_its_buckets_and_a_counter_by_its_rate() -> None:
    for _, expression, _ in targets():
        for name in metrics_in(expression):
            if METRICS[name].kind == "histogram":
                assert f"{name}_bucket" in expression
            if METRICS[name].kind == "counter":
                assert re.search(rf"(rate|increase)\({name}", expression)


def test_every_metric_is_on_the_board_or_said_to_be_left_out() -> None:
    drawn = {name for _, expression, _ in targets() for name in metrics_in(expression)}

    assert drawn | NOT_DRAWN == METRICS.keys()
    assert drawn & NOT_DRAWN == set()


def test_no_panel_covers_another() -> None:
    places = [panel["gridPos"] for panel in panels()]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(place["x"] + place["w"] for place in places) <= 24
    assert len({panel["id"] for panel in panels()}) == len(places)

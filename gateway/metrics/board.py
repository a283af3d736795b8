"""The Grafana board, from a table of rows and panels: `deploy/grafana/gateway.json`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["timeseries", "stat", "table"]

SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT = 8, 7
PER_ROW = 24 // WIDTH
ACCOUNT = 'account=~"$account"'


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are expressions with their legends."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    shape: Shape = "timeseries"
    text: str = ""


def _p99(metric: str, by: str, legend: str, where: str = "") -> tuple[tuple[str, str], ...]:
    inner = f"sum by (le, {by}) (rate({metric}_bucket{where}[$__rate_interval]))"
    return tuple(
        (f"histogram_quantile({quantile}, {inner})", f"{legend} p{name}")
        for quantile, name in (("0.5", "50"), ("0.99", "99"))
    )


def _rate(metric: str, by: str, where: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"


IN_ACCOUNT = "{" + ACCOUNT + "}"

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "At a glance",
        (
            Panel("Ready", (("gateway_ready", "{{role}}"),), shape="stat"),
            Panel(
                "What is wrong",
                (("gateway_problem == 1", "{{role}} {{problem}}"),),
                shape="table",
                text="The first word of each problem; docs/operations.md says what to do.",
            ),
            Panel(
                "Alarms that nobody acknowledged",
                (("gateway_alarms_open", "open"),),
                shape="stat",
            ),
            Panel(
                "Orders in doubt",
                ((f"gateway_doubts{IN_ACCOUNT}", "{{account}}"),),
            ),
            Panel(
                "The oldest doubt",
                ((f"gateway_doubt_oldest_seconds{IN_ACCOUNT}", "{{account}}"),),
                unit="s",
            ),
            Panel(
                "Halted accounts and alarms raised",
                (
                    ("gateway_halted", "halted {{account}}"),
                    ("increase(gateway_alarms_total[1h])", "{{kind}} in the last hour"),
                ),
            ),
        ),
    ),
    (
        "Orders",
        (
            Panel(
                "Open orders by state",
                ((f"sum by (status) (gateway_orders_open{IN_ACCOUNT})", "{{status}}"),),
            ),
            Panel(
                "Orders closed, by outcome",
                ((_rate("gateway_orders_closed_total", "status", IN_ACCOUNT), "{{status}}"),),
                unit="ops",
            ),
            Panel(
                "Fills and other transactions",
                ((_rate("gateway_transactions_total", "kind", IN_ACCOUNT), "{{kind}}"),),
                unit="ops",
            ),
            Panel(
                "Commands, and refusals by code",
                (
                    (_rate("gateway_commands_total", "command"), "{{command}}"),
                    (_rate("gateway_commands_refused_total", "code"), "refused {{code}}"),
                ),
                unit="ops",
            ),
            Panel(
                "Venues' answers",
                (
                    (
                        _rate("gateway_venue_answers_total", "outcome, code", IN_ACCOUNT),
                        "{{outcome}} {{code}}",
                    ),
                ),
                unit="ops",
            ),
            Panel(
                "Not answered yet",
                (
                    ("gateway_requests_unanswered", "places and amends"),
                    ("gateway_cancels_pending", "cancels"),
                ),
            ),
        ),
    ),
    (
        "How long each stage takes",
        (
            Panel(
                "Received → journaled",
                _p99("gateway_command_journaled_seconds", "command", "{{command}}"),
                unit="s",
            ),
            Panel(
                "Journaled → first byte to the venue",
                _p99("gateway_command_written_seconds", "command", "{{command}}", IN_ACCOUNT),
                unit="s",
            ),
            Panel(
                "Journaled → answered by the venue",
                _p99(
                    "gateway_command_answered_seconds",
                    "account, command",
                    "{{account}} {{command}}",
                    IN_ACCOUNT,
                ),
                unit="s",
            ),
            Panel(
                "Placed → accepted",
                _p99("gateway_order_accepted_seconds", "account", "{{account}}", IN_ACCOUNT),
                unit="s",
            ),
            Panel(
                "Heard → published",
                _p99("gateway_fact_published_seconds", "input", "{{input}}"),
                unit="s",
            ),
            Panel(
                "Requests to the actioner",
                _p99("gateway_request_seconds", "type", "{{type}}"),
                unit="s",
            ),
        ),
    ),
    (
        "Streams, journals and the database",
        (
            Panel(
                "Private streams",
                (
                    (f"gateway_stream_up{IN_ACCOUNT}", "{{account}} up"),
                    (f"gateway_stream_age_seconds{IN_ACCOUNT}", "{{account}} silent for"),
                ),
            ),
            Panel(
                "Executor → listener",
                (
                    ("gateway_outbox_unacknowledged_records", "unacknowledged records"),
                    (_rate("gateway_outbox_events_total", "event"), "{{event}} /s"),
                ),
            ),
            Panel(
                "Record → acknowledged, journaled → stored",
                (
                    *_p99("gateway_outbox_acknowledged_seconds", "job", "acknowledged"),
                    *_p99("gateway_store_written_seconds", "job", "stored"),
                ),
                unit="s",
            ),
            Panel(
                "Writer",
                (
                    ("gateway_writer_lag_records", "records behind"),
                    ("gateway_writer_down_seconds", "seconds without a database"),
                ),
            ),
            Panel(
                "Journals, part of their bound",
                (("gateway_journal_bytes / gateway_journal_max_bytes", "{{role}}"),),
                unit="percentunit",
            ),
            Panel(
                "Retention",
                (
                    ("gateway_retention_age_seconds", "last upkeep"),
                    (_rate("gateway_retention_deleted_total", "what"), "{{what}} /s"),
                ),
            ),
        ),
    ),
    (
        "Checks, sockets and processes",
        (
            Panel(
                "Budget for checks, and what is waiting",
                (
                    (f"gateway_check_budget_questions{IN_ACCOUNT}", "{{account}} budget"),
                    (f"gateway_questions_waiting{IN_ACCOUNT}", "{{account}} {{turn}} waiting"),
                    (f"gateway_checks_paused{IN_ACCOUNT}", "{{account}} paused by the venue"),
                ),
            ),
            Panel(
                "Sweeps",
                (
                    (f"gateway_sweeps_covering{IN_ACCOUNT}", "{{account}} covered"),
                    ("gateway_checks_planned", "checks planned"),
                ),
            ),
            Panel(
                "Messages refused, dropped or malformed",
                (
                    (
                        _rate(
                            "gateway_socket_events_total",
                            "role, endpoint, event",
                            '{event!~"sent|received"}',
                        ),
                        "{{role}} {{endpoint}} {{event}}",
                    ),
                ),
                unit="ops",
            ),
            Panel(
                "Messages",
                (
                    (
                        _rate(
                            "gateway_socket_events_total",
                            "role, endpoint, event",
                            '{event=~"sent|received"}',
                        ),
                        "{{role}} {{endpoint}} {{event}}",
                    ),
                ),
                unit="ops",
            ),
            Panel(
                "Delay of the event loops",
                _p99("gateway_loop_delay_seconds", "role", "{{role}}"),
                unit="s",
            ),
            Panel(
                "Memory and CPU",
                (
                    ("process_resident_memory_bytes", "{{instance}} memory"),
                    ("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}} CPU"),
                ),
            ),
        ),
    ),
)


def board() -> str:
    """The file's text: the same each time."""
    made = {
        "uid": "gateway",
        "title": "gateway",
        "description": "Generated from gateway/metrics/board.py",
        "tags": ["gateway"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source_variable(), _account_variable()]},
        "panels": list(_panels()),
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}


def _account_variable() -> dict[str, Any]:
    return {
        "name": "account",
        "label": "Account",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(gateway_stream_up, account)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for title, panels in ROWS:
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}
        number, top = number + 1, top + 1
        for index, panel in enumerate(panels):
            x, y = index % PER_ROW * WIDTH, top + index // PER_ROW * HEIGHT
            yield _panel(panel, number, {"x": x, "y": y, "w": WIDTH, "h": HEIGHT})
            number += 1
        top += -(-len(panels) // PER_ROW) * HEIGHT


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    at_once = panel.shape != "timeseries"
    return {
        "id": number,
        "type": panel.shape,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": at_once,
                "range": not at_once,
                **({"format": "table"} if panel.shape == "table" else {}),
            }
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }

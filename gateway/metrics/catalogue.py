"""Every metric: its name, labels, processes and meaning. `docs/metrics.md` is made of this table,
nothing outside of it can be exposed, and the board in `deploy/grafana` is held against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.domain.enums import Role

Kind = Literal["counter", "gauge", "histogram"]

ALL = (Role.EXECUTOR, Role.LISTENER, Role.MANAGER, Role.ACTIONER)
WITH_JOURNAL = (Role.EXECUTOR, Role.LISTENER)
WITH_VENUES = (Role.EXECUTOR, Role.LISTENER, Role.ACTIONER)


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: Kind
    roles: tuple[Role, ...]
    labels: tuple[str, ...]
    text: str


def _metric(
    name: str, kind: Kind, roles: Role | tuple[Role, ...], labels: str, text: str
) -> Metric:
    who = (roles,) if isinstance(roles, Role) else roles
    return Metric(f"gateway_{name}", kind, who, tuple(labels.split()), text)


_TABLE = (
    # every process
    _metric("info", "gauge", ALL, "role version instance", "1; `instance` is new at each start."),
    _metric("ready", "gauge", ALL, "role", "1: nothing is wrong; 0: see `gateway_problem`."),
    _metric("problem", "gauge", ALL, "role problem", "1 while the process says so."),
    _metric(
        "loop_delay_seconds", "histogram", ALL, "role",
        "How late the process's event loop comes to what is due: what any message waits at least.",
    ),
    _metric(
        "socket_events_total", "counter", ALL, "role pattern endpoint event",
        "Messages of a socket: sent, received, refused (no peer, or its queue is full), dropped, "
        "gone, timeouts, late, malformed, handler_errors.",
    ),
    _metric("socket_subscriptions", "gauge", Role.LISTENER, "endpoint", "Topics that are heard."),
    _metric("keys_refused_total", "counter", ALL, "role", "Strangers at a CURVE endpoint."),
    # those with a journal, those with venue sessions
    _metric("journal_bytes", "gauge", WITH_JOURNAL, "role", "Size of the journal."),
    _metric("journal_max_bytes", "gauge", WITH_JOURNAL, "role", "Its bound, `max_mib`."),
    _metric("journal_segments", "gauge", WITH_JOURNAL, "role", "Its files."),
    _metric("journal_records_total", "counter", WITH_JOURNAL, "role", "Records ever appended."),
    _metric("journal_full", "gauge", WITH_JOURNAL, "role", "1: only urgent records are taken."),
    _metric("venue_ready", "gauge", WITH_VENUES, "role account", "1: markets are loaded."),
    _metric(
        "venue_requests_under_way", "gauge", WITH_VENUES, "role account",
        "Requests that the venue has not answered.",
    ),
    # the executor
    _metric("commands_total", "counter", Role.EXECUTOR, "command", "Commands carried out."),
    _metric("commands_refused_total", "counter", Role.EXECUTOR, "code", "Commands refused."),
    _metric(
        "commands_ignored_total", "counter", Role.EXECUTOR, "reason",
        "repeated: came before; collapsed: a cancel of the order was under way; silent: refused, "
        "and the journal had no room to say so; unusable: it named nobody to answer.",
    ),
    _metric(
        "command_journaled_seconds", "histogram", Role.EXECUTOR, "command",
        "From a command's message to its record in the journal.",
    ),
    _metric(
        "command_written_seconds", "histogram", Role.EXECUTOR, "account command",
        "From handing a command to the venue session to its first byte on the way.",
    ),
    _metric(
        "command_answered_seconds", "histogram", Role.EXECUTOR, "account command",
        "From a command's record to the venue's answer.",
    ),
    _metric(
        "venue_answers_total", "counter", Role.EXECUTOR, "account command outcome code",
        "Answers: done, refused, not_sent, unknown. `code` `venue_rate_limit` is the venue's "
        "refusal of too many requests.",
    ),
    _metric("venue_unanswered_total", "counter", Role.EXECUTOR, "", "Requests given up."),
    _metric("venue_late_answers_total", "counter", Role.EXECUTOR, "", "Answers after that."),
    _metric("cancels_sent_total", "counter", Role.EXECUTOR, "", "With each repetition."),
    _metric("cancels_pending", "gauge", Role.EXECUTOR, "", "Cancels that are being repeated."),
    _metric("requests_unanswered", "gauge", Role.EXECUTOR, "", "Places and amends without answer."),
    _metric("ids_remembered", "gauge", Role.EXECUTOR, "", "Order ids known for repetitions."),
    _metric("halted", "gauge", Role.EXECUTOR, "account", "1: new orders are refused (or `all`)."),
    _metric(
        "outbox_unacknowledged_records", "gauge", Role.EXECUTOR, "",
        "Records that the listener has not acknowledged.",
    ),
    _metric(
        "outbox_events_total", "counter", Role.EXECUTOR, "event",
        "sent; resent; gaps: the listener missed some; begun: new outboxes; lost: what could not "
        "be recorded in a full journal; unread: times the journal could not be read.",
    ),
    _metric(
        "outbox_acknowledged_seconds", "histogram", Role.EXECUTOR, "",
        "From a record to the listener's acknowledgement; one record at a time is timed.",
    ),
    # the listener
    _metric("orders_open", "gauge", Role.LISTENER, "account status", "Open orders by state."),
    _metric(
        "orders_closed_total", "counter", Role.LISTENER, "account status", "Orders by outcome."
    ),
    _metric("transactions_total", "counter", Role.LISTENER, "account kind", "Facts about money."),
    _metric(
        "order_accepted_seconds", "histogram", Role.LISTENER, "account",
        "From an order's intent to the first evidence that the venue has it.",
    ),
    _metric(
        "fact_published_seconds", "histogram", Role.LISTENER, "input",
        "From hearing of a change to having published it; by outbox, stream or check.",
    ),
    _metric("doubts", "gauge", Role.LISTENER, "account", "Orders in doubt."),
    _metric("doubt_oldest_seconds", "gauge", Role.LISTENER, "account", "How long the oldest is."),
    _metric("alarms_total", "counter", Role.LISTENER, "kind", "Alarms raised since its start."),
    _metric("stream_up", "gauge", Role.LISTENER, "account", "1: the private stream is heard."),
    _metric(
        "stream_age_seconds", "gauge", Role.LISTENER, "account",
        "Since the private stream last said anything; a quiet account has an old one.",
    ),
    _metric("orders_in_memory", "gauge", Role.LISTENER, "", "Open ones and those closed lately."),
    _metric("facts_waiting", "gauge", Role.LISTENER, "", "For the store, or for an order's id."),
    _metric("listener_events_total", "counter", Role.LISTENER, "event", "What else it counts."),
    _metric("writer_lag_records", "gauge", Role.LISTENER, "", "In the journal, not in the store."),
    _metric(
        "writer_down_seconds", "gauge", Role.LISTENER, "",
        "For how long nothing could be written; 0: the store is there.",
    ),
    _metric(
        "store_written_seconds", "histogram", Role.LISTENER, "",
        "From a record's place in the journal to the store; one record at a time is timed.",
    ),
    _metric("writer_events_total", "counter", Role.LISTENER, "event", "What else it counts."),
    _metric(
        "retention_deleted_total", "counter", Role.LISTENER, "what", "Rows and months let go of."
    ),
    _metric(
        "retention_age_seconds", "gauge", Role.LISTENER, "",
        "Since the store was last looked after; it should be, each day.",
    ),
    # the manager
    _metric("checks_planned", "gauge", Role.MANAGER, "", "Deadlines of checks and sweeps."),
    _metric(
        "check_budget_questions", "gauge", Role.MANAGER, "account",
        "Questions that the venue may be asked for checks right now.",
    ),
    _metric("sweeps_covering", "gauge", Role.MANAGER, "account", "1: a sweep succeeded lately."),
    _metric("manager_events_total", "counter", Role.MANAGER, "event", "What else it counts."),
    # the actioner
    _metric("requests_total", "counter", Role.ACTIONER, "type", "Requests by type."),
    _metric(
        "request_seconds", "histogram", Role.ACTIONER, "type",
        "From a request to its answer, with what the store or the venue took.",
    ),
    _metric("requests_under_way", "gauge", Role.ACTIONER, "", "Requests without an answer yet."),
    _metric(
        "questions_waiting", "gauge", Role.ACTIONER, "account turn",
        "Questions to the venue that wait for their turn: client, sweep, check.",
    ),
    _metric(
        "checks_paused", "gauge", Role.ACTIONER, "account",
        "1: the venue's rate limit was hit, and checks wait.",
    ),
    _metric("alarms_open", "gauge", Role.ACTIONER, "", "Alarms that nobody acknowledged."),
    _metric("actioner_events_total", "counter", Role.ACTIONER, "event", "What else it counts."),
)  # fmt: skip

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _TABLE}


def metrics_page() -> str:
    """`docs/metrics.md`."""
    lines = [_HEAD]
    for role in (None, *ALL):
        rows = [metric for metric in _TABLE if _section_of(metric) is role]
        lines += ["", f"## {'Several processes' if role is None else f'The {role}'}", ""]
        lines += ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
        lines += [_row(metric) for metric in rows]
    return "\n".join(lines) + "\n"


def _section_of(metric: Metric) -> Role | None:
    return metric.roles[0] if len(metric.roles) == 1 else None


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    who = "" if metric.roles == ALL or len(metric.roles) == 1 else f" Of {_names(metric.roles)}."
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.text}{who} |"


def _names(roles: tuple[Role, ...]) -> str:
    return " and ".join([", ".join(roles[:-1]), roles[-1]])


_HEAD = """\
# Metrics

Generated from `gateway/metrics/catalogue.py` by `python -m gateway.cli.generate`. How they are
switched on, and what to do about them: [operations.md](operations.md).

Counters begin at 0 with the process. Histograms are in seconds. Each process also exposes the
`process_*` metrics of its memory, CPU and files."""

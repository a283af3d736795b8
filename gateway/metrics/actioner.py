"""The actioner's metrics."""

from gateway.actioner import Actioner
from gateway.actioner.lane import Turn
from gateway.metrics.samples import Samples

REQUESTS = "requests_"


def sample_actioner(out: Samples, actioner: Actioner) -> None:
    out.put("requests_under_way", actioner.under_way)
    for kind, latencies in actioner.took.items():
        out.time("request_seconds", latencies, kind)
    for name, count in actioner.counters.items():
        if name.startswith(REQUESTS):
            out.put("requests_total", count, name.removeprefix(REQUESTS))
        else:
            out.put("actioner_events_total", count, name)
    for account, lane in actioner.lanes.items():
        out.put("checks_paused", int(lane.is_paused), account)
        for turn in Turn:
            out.put("questions_waiting", lane.waiting(turn), account, turn.name.lower())

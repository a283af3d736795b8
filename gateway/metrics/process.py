"""What every process says of itself: its health, its loop, its sockets, its journal."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from gateway.domain.enums import Role
from gateway.domain.identity import AccountId
from gateway.domain.latency import Latencies
from gateway.journal import Journal
from gateway.metrics.samples import Samples
from gateway.venues.ccxt_venue import CcxtVenue
from gateway.wire.base import Transport

VERSION = version("gateway")
Venues = Mapping[AccountId, CcxtVenue]


@dataclass(frozen=True, slots=True)
class Process:
    """`problems` are those of the component in it, which is ready without any; see `health`."""

    role: Role
    instance: str
    transport: Transport
    problems: Callable[[], tuple[str, ...]]
    ready: Callable[[], bool]

    def sample(self, out: Samples, loop_delay: Latencies) -> None:
        role = self.role
        out.put("info", 1, role, VERSION, self.instance)
        out.put("ready", int(self.ready()), role)
        for word in sorted({problem_word(text) for text in self.problems()}):
            out.put("problem", 1, role, word)
        out.time("loop_delay_seconds", loop_delay, role)
        out.put("keys_refused_total", self.transport.refused_keys, role)
        self._sample_sockets(out)

    def _sample_sockets(self, out: Samples) -> None:
        """A process can have several connections to one endpoint."""
        events: dict[tuple[str, str], dict[str, int]] = {}
        for report in self.transport.reports():
            key = report.pattern, socket_name(report.endpoint)
            total = events.setdefault(key, {})
            for event in report.counters.__slots__:
                total[event] = total.get(event, 0) + getattr(report.counters, event)
        for (pattern, endpoint), total in events.items():
            held = total.pop("subscriptions")
            if pattern == "pub":
                out.put("socket_subscriptions", held, endpoint)
            for event, count in total.items():
                if count:
                    out.put("socket_events_total", count, self.role, pattern, endpoint, event)


def problem_word(text: str) -> str:
    """Problems begin with a stable word: `stream_down: account main: ...`."""
    return text.partition(":")[0]


def socket_name(endpoint: str) -> str:
    """Without the folder, which is the same for all of a gateway."""
    return endpoint.rpartition("/")[2]


def sample_journal(out: Samples, role: Role, journal: Journal, max_bytes: int) -> None:
    out.put("journal_bytes", journal.size_bytes, role)
    out.put("journal_max_bytes", max_bytes, role)
    out.put("journal_segments", journal.segment_count, role)
    out.put("journal_records_total", journal.next_number - 1, role)
    out.put("journal_full", int(journal.is_full), role)


def sample_venues(out: Samples, role: Role, venues: Iterable[CcxtVenue]) -> None:
    for venue in venues:
        out.put("venue_ready", int(venue.ready), role, venue.account)
        out.put("venue_requests_under_way", venue.under_way, role, venue.account)

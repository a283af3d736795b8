"""The listener's metrics, with those of its writer and of the store's upkeep."""

from gateway.listener import Listener
from gateway.listener.census import Census
from gateway.metrics.samples import Samples
from gateway.ports import Clock
from gateway.writer import Writer

SECOND = 1_000_000_000


def sample_listener(out: Samples, listener: Listener, clock: Clock) -> None:
    book = listener.ledger.book
    _sample_orders(out, book.census)
    _sample_doubts(out, listener, clock.now())
    _sample_streams(out, listener, clock.monotonic())
    out.put("orders_in_memory", len(book))
    out.put("facts_waiting", len(listener.ledger.state.parking))
    out.put_each("alarms_total", listener.alarms)
    out.put_each("listener_events_total", listener.counters)


def _sample_orders(out: Samples, census: Census) -> None:
    for (account, status), count in census.open.items():
        out.put("orders_open", count, account, status)
    for (account, status), count in census.outcomes.items():
        out.put("orders_closed_total", count, account, status)
    for (account, kind), count in census.transactions.items():
        out.put("transactions_total", count, account, kind)
    for account, latencies in census.accepted.items():
        out.time("order_accepted_seconds", latencies, account)
    for name, latencies in census.published.items():
        out.time("fact_published_seconds", latencies, name)


def _sample_doubts(out: Samples, listener: Listener, now: int) -> None:
    doubts = listener.ledger.book.census.doubts.values()
    for account in listener.ledger.profiles:
        since = [at for whose, at in doubts if whose == account]
        out.put("doubts", len(since), account)
        oldest = max(now - min(since, default=now), 0)
        out.put("doubt_oldest_seconds", oldest / SECOND, account)


def _sample_streams(out: Samples, listener: Listener, monotonic: int) -> None:
    for account, profile in listener.ledger.profiles.items():
        out.put("stream_up", int(listener.is_up(account)), account)
        if profile.has_private_stream and account in listener.heard_at:
            age = monotonic - listener.heard_at[account]
            out.put("stream_age_seconds", age / SECOND, account)


def sample_writer(out: Samples, writer: Writer, clock: Clock) -> None:
    down_since = writer.down_since
    down = 0 if down_since is None else clock.monotonic() - down_since
    out.put("writer_lag_records", writer.lag)
    out.put("writer_down_seconds", down / SECOND)
    out.time("store_written_seconds", writer.stored.latencies)
    out.put_each("writer_events_total", writer.counters)

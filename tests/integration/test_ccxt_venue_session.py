"""What a session with a venue is before the first order goes out."""

import gc
from collections.abc import Iterator

import pytest
from contract.venue_contract import order_at, place
from contract.venue_paper_bench import ACCOUNT, Luck, PaperBench, WallClock, Way

from gateway.domain.venue import Done, StreamEvent
from gateway.venues.ccxt_venue import CcxtVenue
from gateway.venues.hooked import Hooks
from gateway.venues.settings import VenueSettings


@pytest.fixture(params=[Way.REST, Way.WS])
def bench(request: pytest.FixtureRequest) -> Iterator[PaperBench]:
    bench = PaperBench(request.param)
    yield bench
    bench.close()


def test_ccxts_own_rate_limiter_is_off_for_commands_questions_and_the_stream(
    bench: PaperBench,
) -> None:
    """It would hold back each order, also when nothing was sent for long."""
    session = bench.venue._session

    for exchange in (session.exchange, session.another(Hooks())):
        assert exchange.enableRateLimit is False


def test_an_open_session_has_markets_and_the_connection_of_its_first_order(
    bench: PaperBench,
) -> None:
    sockets, pooled = list(bench.server._sockets.sessions), connections(bench)
    assert bench.venue.markets
    assert sockets if bench.venue._session.uses_socket else pooled

    place(bench, order_at(bench))

    assert list(bench.server._sockets.sessions) == sockets
    assert connections(bench) == pooled


def test_an_opened_session_leaves_nothing_that_ccxt_warns_of(
    capfd: pytest.CaptureFixture[str], bench: PaperBench
) -> None:
    """Its warnings go past the logs, to stderr."""
    gc.collect()

    assert "release all resources" not in capfd.readouterr().err


def connections(bench: PaperBench) -> set[int]:
    """Of HTTP, that wait to be used again."""
    connector = bench.venue._session._http.connector
    return {id(one) for pool in connector._conns.values() for one, _ in pool}


def test_a_venue_without_a_private_stream_is_known_to_have_none_and_trades_in_silence() -> None:
    """It is polled instead: `tests/unit/manager/test_manager_sweeps.py`."""
    settings = VenueSettings(account=ACCOUNT, exchange="luno", unverified=True)
    profile = CcxtVenue(settings, WallClock(), Luck()).profile
    assert not profile.has_private_stream
    bench = PaperBench(Way.REST)
    heard: list[StreamEvent] = []
    try:
        bench.venue.profile = profile
        bench.venue.listen(heard.append)
        assert isinstance(place(bench, order_at(bench)), Done)
        assert list(bench.server._sockets.sessions) == []
    finally:
        bench.close()
    assert heard == []

"""ccxt's unmodified Binance class against a paper server passes the contract, in all three ways."""

from collections.abc import Iterator

import pytest
from contract.venue_contract import VenueContract
from contract.venue_paper_bench import PaperBench, Way


class TestCcxtVenue(VenueContract):
    @pytest.fixture(params=list(Way))
    def bench(self, request: pytest.FixtureRequest) -> Iterator[PaperBench]:
        bench = PaperBench(request.param)
        yield bench
        bench.close()

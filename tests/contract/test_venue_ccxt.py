"""ccxt's unmodified Binance class against a paper server passes the contract, both ways."""

from collections.abc import Iterator

import pytest
from contract.venue_contract import VenueContract
from contract.venue_paper_bench import PaperBench

from gateway.venues.settings import OrdersOver


class TestCcxtVenue(VenueContract):
    @pytest.fixture(params=list(OrdersOver))
    def bench(self, request: pytest.FixtureRequest) -> Iterator[PaperBench]:
        bench = PaperBench(request.param)
        yield bench
        bench.close()

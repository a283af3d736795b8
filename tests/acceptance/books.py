"""What the venue says it did, beside what the gateway kept: the judge of the acceptance tests."""

import json
import urllib.request
from typing import Any

from gateway.cli.demo.verdict import Verdict, compare
from gateway.cli.stage import Stage, wait_for
from gateway.home import Home
from gateway.store.embedded import EmbeddedPostgres

SETTLE_S = 90.0
RECORDS = ("orders", "fills", "balances")


class Books:
    """A paper venue's own record, and the database of a gateway that trades there."""

    def __init__(self, paper_url: str, store_url: str) -> None:
        self._paper_url = paper_url
        self._store_url = store_url

    @classmethod
    def of_stage(cls, stage: Stage) -> "Books":
        return cls.of_home(stage.paper_url, stage.home)

    @classmethod
    def of_home(cls, paper_url: str, home: Home) -> "Books":
        return cls(paper_url, EmbeddedPostgres(home.postgres, home.run).url)

    def paper(self, path: str) -> Any:
        with urllib.request.urlopen(self._paper_url + path, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def verdict(self) -> Verdict:
        venue = {name: self.paper(f"/paper/{name}") for name in RECORDS}
        return compare(self._store_url, venue, self._deposits())

    def _deposits(self) -> dict[str, dict[str, str]]:
        """What each account began with: the first things that the venue recorded."""
        found: dict[str, dict[str, str]] = {}
        for entry in self.paper("/paper/record?after=0&limit=100")["entries"]:
            if entry["type"] == "deposit":
                found.setdefault(entry["account"], {})[entry["asset"]] = entry["delta"]
        return found

    def wait_until_they_agree(self) -> Verdict:
        """The store is written a moment behind; what never agrees shows its differences."""
        verdicts: list[Verdict] = []

        def agreed() -> bool:
            verdicts.append(self.verdict())
            return not verdicts[-1].differences

        try:
            wait_for(agreed, "the books agree", SETTLE_S)
        finally:
            assert verdicts[-1].differences == []
        return verdicts[-1]

    def assert_each_id_is_there_once_at_most(self) -> None:
        ids = [order["client_order_id"] for order in self.paper("/paper/orders")]
        assert len(ids) == len(set(ids))

"""The paper venue's own record, read over HTTP as it grows, in the checker's words."""

import http.client
import json
import urllib.request
from collections.abc import Callable, Iterable

import msgspec

from gateway.paper.entries import Entry, FaultHit, Request
from gateway.paper.faults import FaultKind
from gateway.paper.symbols import DEFAULT_SYMBOLS
from gateway.sim import records as r
from gateway.sim import rows

PAGE = 5_000
TIMEOUT_S = 20
UNREACHABLE = (OSError, http.client.HTTPException, ValueError)
"""What a venue that is down, stopped or killed in the middle of its answer may bring."""

_NAMES = {symbol.name: symbol.unified for symbol in DEFAULT_SYMBOLS}


class _Page(msgspec.Struct):
    entries: list[Entry]


_page = msgspec.json.Decoder(_Page)


class RecordReader:
    """Reads on where it stopped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._after = 0

    def read(self, take: Callable[[list[Entry]], None]) -> bool:
        """Gives away what is new. False: the venue does not answer now."""
        try:
            while self._read_page(take):
                pass
        except UNREACHABLE:
            return False
        return True

    def _read_page(self, take: Callable[[list[Entry]], None]) -> bool:
        address = f"{self._url}/paper/record?after={self._after}&limit={PAGE}"
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:  # noqa: S310
            found = _page.decode(answer.read()).entries
        if found:
            self._after = found[-1].seq
            take(found)
        return len(found) == PAGE


class VenueRecord:
    """`entries` are all of them, from the first on."""

    def __init__(self, url: str) -> None:
        self._reader = RecordReader(url)
        self.entries: list[Entry] = []

    def follow(self) -> bool:
        """Reads what is new. False: the venue does not answer now."""
        return self._reader.read(self.entries.extend)

    def faults(self) -> list[FaultHit]:
        return [entry for entry in self.entries if isinstance(entry, FaultHit)]

    def places_on_a_wrong_clock(self) -> frozenset[str]:
        """Our ids of places that the venue judged by a clock that was off."""
        hit = {fault.target for fault in self.faults() if fault.kind == FaultKind.CLOCK_SKEW}
        requests = (one for one in self.entries if isinstance(one, Request) and one.seq in hit)
        return frozenset(one.params.get("newClientOrderId", "") for one in requests)

    def orders(self) -> tuple[list[r.VenueOrder], list[r.VenueFill]]:
        return rows.venue_orders(self.entries, DEFAULT_SYMBOLS)

    def requests(self) -> list[r.VenueRequest]:
        return [
            _request(entry)
            for entry in self.entries
            if isinstance(entry, Request) and entry.operation in rows.REQUESTS
        ]


def _request(entry: Request) -> r.VenueRequest:
    what, given = rows.REQUESTS[entry.operation], entry.params
    ours = "newClientOrderId" if what == "place" else "origClientOrderId"
    return r.VenueRequest(
        at=entry.time,
        account=entry.account,
        symbol=_NAMES.get(given.get("symbol", ""), ""),
        what=what,
        client_order_id=given.get(ours, ""),
        venue_order_id=given.get("orderId", ""),
    )


class VenueSwitches:
    """The test kit: faults, and what happens to the venue as a whole. False: it did not answer."""

    def __init__(self, url: str) -> None:
        self._url = url

    def set_faults(self, faults: Iterable[msgspec.Struct]) -> bool:
        return self._post("/paper/faults", msgspec.json.encode(list(faults)))

    def cut(self) -> bool:
        return self._post("/paper/cut", b"")

    def control(self, action: str, **fields: object) -> bool:
        return self._post("/paper/control", json.dumps({"action": action, **fields}).encode())

    def _post(self, path: str, body: bytes) -> bool:
        request = urllib.request.Request(self._url + path, data=body, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
                return True
        except UNREACHABLE:
            return False

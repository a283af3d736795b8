"""The symbols of one account: which are in use, and up to when their trades have been searched."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.domain.identity import Symbol
from gateway.manager.settings import Schedule
from gateway.ports import Clock

KEPT = 500


@dataclass(slots=True)
class Use:
    """`heard_at`, `swept_at`, `failing_since` are monotonic. `upto`, `upto_before`: its trades were
    asked for until then, by the last successful search and the one before; None: not yet."""

    heard_at: int
    swept_at: int = 0
    upto: int | None = None
    upto_before: int | None = None
    failing_since: int | None = None


class Symbols:
    """At most KEPT are remembered; those of which nothing was heard longest go first."""

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock
        self._uses: OrderedDict[Symbol, Use] = OrderedDict()
        self._last_sweep: int | None = None
        self._oldest_news: int | None = None

    def note(self, symbol: Symbol) -> None:
        """Something was heard of an order or a trade in it. Before the last sweep it had none."""
        now = self._clock.monotonic()
        use = self._uses.get(symbol)
        if use is None:
            use = self._uses[symbol] = Use(now, upto=self._last_sweep, upto_before=self._last_sweep)
            if len(self._uses) > KEPT:
                self._uses.popitem(last=False)
        use.heard_at = now
        self._uses.move_to_end(symbol)

    def recall(self, used: Mapping[Symbol, int]) -> None:
        """Symbols of closed orders, and when (ns UTC) one of each changed last. What this process
        has not heard of itself, because it has only just begun, is in use all the same: somebody
        may have traded in it meanwhile. It is searched as for the first time."""
        after = self._clock.now() - self._schedule.first_search
        for symbol, changed_at in used.items():
            if symbol not in self._uses and changed_at > after and len(self._uses) < KEPT:
                self._uses[symbol] = Use(self._clock.monotonic())

    def known(self) -> Iterable[Symbol]:
        return self._uses.keys()

    def note_news(self, at: int) -> None:
        """When an open order's last news are from, for the first search."""
        self._oldest_news = at if self._oldest_news is None else min(self._oldest_news, at)

    def choose(self, needed: Iterable[Symbol], limit: int, *, wide: bool) -> tuple[Symbol, ...]:
        """`needed` and those in use, or with `wide` all remembered; longest not swept first. Of
        what is out of use it is not said any more that its searches fail."""
        heard_after = self._clock.monotonic() - self._schedule.symbol_linger
        chosen = set(needed)
        chosen |= {s for s, use in self._uses.items() if wide or use.heard_at > heard_after}
        for symbol in self._uses.keys() - chosen:
            self._uses[symbol].failing_since = None
        return tuple(sorted(chosen, key=self._turn)[:limit])

    def _turn(self, symbol: Symbol) -> tuple[int, Symbol]:
        use = self._uses.get(symbol)
        return (0 if use is None else use.swept_at, symbol)

    def since(self, symbols: Iterable[Symbol], overlap: int, *, wide: bool) -> tuple[int, ...]:
        """From when on the trades of each of them must be searched, ns UTC."""
        now = self._clock.now()
        first = min(now - self._schedule.first_search, self._oldest_news or now)
        latest = now - self._schedule.wide_search if wide else now
        earliest = now - self._schedule.longest_search
        found = []
        for symbol in symbols:
            use = self._uses.get(symbol)
            begin = first if use is None or use.upto is None else use.upto
            found.append(max(min(begin, latest), earliest) - overlap)
        return tuple(found)

    def note_searched(self, symbol: Symbol, asked_at: int) -> None:
        """Every trade in it that the venue showed by `asked_at` has been applied."""
        self.note_swept(symbol)
        use = self._uses[symbol]
        use.upto, use.upto_before = asked_at, use.upto
        use.failing_since = None

    def note_failed(self, symbol: Symbol) -> None:
        """A sweep was applied, and of this symbol no search. It is searched from where it was."""
        self.note_swept(symbol)
        use = self._uses[symbol]
        if use.failing_since is None:
            use.failing_since = self._clock.monotonic()

    def unsearched(self, patience: int) -> list[Symbol]:
        """Those of which each search has failed for so long."""
        since = self._clock.monotonic() - patience
        failing = ((symbol, use.failing_since) for symbol, use in self._uses.items())
        return sorted(symbol for symbol, at in failing if at is not None and at <= since)

    def note_swept(self, symbol: Symbol) -> None:
        if symbol not in self._uses:
            self.note(symbol)
        self._uses[symbol].swept_at = self._clock.monotonic()

    def swept(self, asked_at: int) -> None:
        """A symbol first heard of from now on had no order open at `asked_at`."""
        self._last_sweep = asked_at

    def doubt_last_search(self) -> None:
        """The listener began anew: part of the last search may have been lost on its way."""
        for use in self._uses.values():
            use.upto = use.upto_before

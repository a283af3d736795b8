"""When what is silent is checked: the schedule as data, for all venues and for single ones."""

from msgspec import Struct

from gateway.domain.venue import VenueProfile

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class Pace(Struct, frozen=True):
    """First after `after` ns, then twice as long after each check in vain, at most `at_most`."""

    after: int
    at_most: int

    def delay(self, attempts: int) -> int:
        return min(self.after << min(attempts, 32), self.at_most)


class Schedule(Struct, frozen=True, kw_only=True):
    """Times in ns.

    pending_new, in_doubt, pending_request, missing_trades: an order in that state is looked up;
        `missing_trades`, when its filled quantity is ahead of its trades, together with them.
    missing_fees: an order's trades are asked for again when the venue has not told the fee of one,
        `fee_attempts` times at most; then a closed order is let go of.
    unknown: an order is looked up that fills name by the venue's id only, until it is known.
    uncovered: an open order is refreshed by itself while sweeps of its account fail.
    sweep: all open orders of an account at once, trades and balances; `poll` instead, where the
        venue has no private stream.
    overlap: a sweep asks for trades since the last one began, and for this long before it: clocks
        differ, and a venue may show a trade late. Never less than twice the visibility lag.
    first_search, longest_search: how far back the first sweep looks for trades: to the oldest open
        order's last news, between these bounds.
    landing: after records were lost: by then all that had been sent has reached the venue's book.
    wide_search: how far back trades are searched when a balance moved that they do not explain;
        not more often than each `wide_pause`.
    symbol_linger: a symbol counts as in use for this long after its last order or trade.
    checks_per_second, burst: the venue's budget for looking up orders. A sweep takes its questions
        from it too, but does not wait for it.
    """

    pending_new: Pace = Pace(2 * SECOND, 30 * SECOND)
    in_doubt: Pace = Pace(SECOND, MINUTE)
    pending_request: Pace = Pace(2 * SECOND, 30 * SECOND)
    missing_trades: Pace = Pace(2 * SECOND, MINUTE)
    missing_fees: Pace = Pace(MINUTE, HOUR)
    fee_attempts: int = 10
    unknown: Pace = Pace(5 * SECOND, 2 * MINUTE)
    uncovered: Pace = Pace(30 * SECOND, 30 * SECOND)
    sweep: int = 30 * SECOND
    poll: int = 2 * SECOND
    overlap: int = MINUTE
    first_search: int = HOUR
    longest_search: int = 24 * HOUR
    landing: int = 15 * SECOND
    wide_search: int = HOUR
    wide_pause: int = MINUTE
    symbol_linger: int = 10 * MINUTE
    checks_per_second: int = 10
    burst: int = 50

    def overlap_of(self, profile: VenueProfile) -> int:
        return max(self.overlap, 2 * profile.visibility_lag)


class ManagerSettings(Struct, frozen=True, kw_only=True):
    """`venues` overrides the schedule by the venue's name.

    jitter: each delay is made longer by up to this part of it, so that checks spread.
    batch: orders in one request. in_flight: requests under way; what is due beyond waits.
    check_patience, sweep_patience: a check that shows no effect by then is due again; the actioner
        does not begin it any more. Of a sweep, since the last effect.
    answer_timeout_s: for the answer that a request was taken in.
    retry: after a request that was refused or not answered. room_wait: while too many are open.
    snapshot_retry: the same for the snapshot that all else rests on; no venue is asked for it.
    kept_fees: orders that are watched for nothing but a fee; the oldest go.
    search_patience: a symbol of which each search for trades fails for so long is said in health.
    max_symbols: in one sweep; with more in use, those go first that wait longest.
    """

    schedule: Schedule = Schedule()
    venues: dict[str, Schedule] = {}
    jitter: float = 0.1
    batch: int = 50
    in_flight: int = 8
    check_patience: int = 10 * SECOND
    sweep_patience: int = 30 * SECOND
    answer_timeout_s: float = 5.0
    retry: Pace = Pace(SECOND, 30 * SECOND)
    snapshot_retry: Pace = Pace(SECOND // 2, 2 * SECOND)
    room_wait: int = SECOND // 10
    search_patience: int = 5 * MINUTE
    max_symbols: int = 100
    kept_fees: int = 1_000
    beat: int = SECOND
    tick_slice: int = 500

    def schedule_of(self, venue: str) -> Schedule:
        return self.venues.get(venue, self.schedule)

"""What can be set of the actioner, and what bounds its memory and its questions to the venues."""

from msgspec import Struct

SECOND = 1_000_000_000
KIB = 1024
MIB = 1024 * KIB


class ActionerSettings(Struct, frozen=True, kw_only=True):
    """Times in ns, lengths in counts.

    max_under_way: requests that wait for the store, a venue or the listener; one more is `busy`.
    max_life: how far off an `expires_at` may be. Answers are kept for at least as long, so that
        what is asked again after its answer was forgotten has expired.
    kept_answers, kept_answer_bytes: the oldest answers go first; the answers to cancel-all and to
        resolve have this bound for themselves, so that no question pushes them out.
    small_answer: a reading's answer larger than this is not kept; reading again does nothing twice.
    max_reply_bytes: what the wire takes; a larger answer becomes `too_large`.
    kept_items: of each account's stream in memory; older ones are read from the store.
    kept_closed, kept_refusals, kept_alarms: in memory; older ones are read from the store.
        `kept_refusals` may not be larger than the listener's.
    read_slice, read_slices: journal entries taken in at a time, and how many times at most for a
        request that needs them all; one that needs more is `not_ready`.
    lane_queue, lane_checks: a venue's waiting questions from clients, and checks; more is `busy`.
    lane_width, lane_check_width: questions under way at a venue, and how many of them checks.
    pause, max_pause: no checks after the venue's rate limit was hit; doubles while it is.
    resend: a report whose effect is not heard of is sent again after this.
    untaken_reports: that wait for a listener that takes none just now; one more is given up.
    report_retry, report_patience: how often they are tried, and how long each.
    cancel_retry, cancel_patience: an executor that takes no cancel is tried again, and how long.
        As often a cancel-all looks for orders that have come meanwhile.
    cancel_all_margin: how long after a cancel-all came in the executor must have been at work,
        for all that was placed before to be in its journal: commands and requests go over two
        sockets, and a place may still be in its own when the request is here. It is many times
        what that takes; a place that is longer on its way (its program or the executor stood
        still) is not waited for, and expires soon.
    """

    max_under_way: int = 1_000
    max_life: int = 300 * SECOND
    kept_answers: int = 10_000
    kept_answer_bytes: int = 64 * MIB
    small_answer: int = 16 * KIB
    max_reply_bytes: int = 4 * MIB
    kept_items: int = 20_000
    kept_closed: int = 10_000
    kept_refusals: int = 1_000
    kept_alarms: int = 1_000
    read_slice: int = 1_000
    read_slices: int = 20
    max_page: int = 1_000
    lane_queue: int = 200
    lane_checks: int = 1_000
    lane_width: int = 4
    lane_check_width: int = 3
    pause: int = SECOND
    max_pause: int = 60 * SECOND
    resend: int = SECOND
    untaken_reports: int = 200
    report_retry: int = SECOND // 20
    report_patience: int = 10 * SECOND
    cancel_retry: int = SECOND // 50
    cancel_patience: int = SECOND
    cancel_all_margin: int = SECOND // 2
    beat: int = SECOND
    store_probe: int = 5 * SECOND
    clock_error: int = SECOND

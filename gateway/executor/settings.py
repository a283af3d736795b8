"""What can be set of the executor, and what its memory is bounded by."""

from typing import Literal

from msgspec import Struct, field

from gateway.domain.checks import CheckRules

SECOND = 1_000_000_000


class ExecutorSettings(Struct, frozen=True, kw_only=True):
    """Times in ns. Each bound says what happens when it is reached.

    tag: the id space of this gateway.
    landing_window: after its expiry a place is held able to land for this long at a venue that
        has no receive window of its own.
    max_remembered: order ids kept to recognise a repeated place. When reached, the oldest are
        forgotten and ids made at their time are refused as `order_id_too_old`; but never ids
        so young that they could still be on their way: then new orders are refused `too_many`.
    max_orders: orders whose details are kept, for amends and for the venue's ids. When reached,
        the oldest that waits for nothing is forgotten: it can be canceled, not amended.
    max_unanswered: places and amends that the venue has not answered. When reached, new ones are
        refused `busy`.
    max_cancels: cancels that are repeated. When reached, new ones are refused `too_many`.
    max_amends: amends remembered until their expiry, so that one delivered twice is carried out
        once. When reached, new ones are refused `too_many`.
    max_unrecorded: answers that wait for a journal without room. When reached, the oldest is
        given up: its order is then looked up at the venue as one that was never answered.
    answer_timeout: a request that the venue adapter has not answered by then counts as one
        whose outcome is unknown.
    cancel_delay, cancel_max_delay, cancel_doubt_delay: a cancel is repeated after the first of
        them, then after twice the time, up to the second; the third for an order in doubt.
    ask_again: a cancel is recorded again after this, so that the listener says once more whether
        the order has ended: what it said may have been lost.
    resend_window: records sent to the listener ahead of its acknowledgement. At most as many of
        those to be sent are held in memory; the others are read from the journal.
    resend_after: without progress for this long, the unacknowledged are sent again.
    full_refusals_per_s: refusals a second that may use the journal's reserve. Others are counted
        and logged only: the client learns from the journal that its order was never received.
    on_store_down: `halt` refuses new orders while the listener says that the store is down.
    """

    tag: int
    rules: CheckRules = field(default_factory=CheckRules)
    landing_window: int = 60 * SECOND
    max_remembered: int = 2_000_000
    max_orders: int = 50_000
    max_unanswered: int = 2_000
    max_cancels: int = 100_000
    max_amends: int = 100_000
    max_unrecorded: int = 10_000
    answer_timeout: int = 120 * SECOND
    cancel_delay: int = SECOND
    cancel_max_delay: int = 10 * SECOND
    cancel_doubt_delay: int = 60 * SECOND
    ask_again: int = 30 * SECOND
    resend_window: int = 500
    resend_after: int = SECOND
    full_refusals_per_s: int = 10
    on_store_down: Literal["trade", "halt"] = "trade"

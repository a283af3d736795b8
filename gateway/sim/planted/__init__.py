"""Bugs planted on purpose: each must be found by the checker, which knows none of them.

A bug is a wrong turn that a real gateway took or could take, put into the real components for the
length of a run. `python -m gateway.sim --planted` looks for a seed that shows each of them.
"""

from gateway.sim.planted import commands, facts, streams
from gateway.sim.planted.patches import Bug, Patches, planted

__all__ = ["BUGS", "Bug", "Patches", "planted"]

BUGS: tuple[Bug, ...] = (
    facts.no_dedupe_by_trade_key,
    facts.fill_counted_again_from_another_source,
    facts.fills_after_the_end_ignored,
    facts.late_fee_ignored,
    facts.money_through_a_float,
    facts.not_found_is_final_at_once,
    facts.failed_query_is_evidence,
    facts.time_out_is_a_rejection,
    facts.time_out_is_not_sent,
    facts.cancel_made_up,
    facts.not_found_cancel_means_canceled,
    facts.closed_order_reopened_by_an_old_picture,
    facts.amend_undone_by_an_old_picture,
    facts.filled_quantity_may_fall,
    commands.intent_recorded_after_the_send,
    commands.ids_forgotten_at_a_restart,
    commands.unanswered_places_sent_again_at_a_restart,
    commands.halt_forgotten_at_a_restart,
    commands.repeated_place_sent_again,
    commands.expiry_not_checked_after_waiting,
    commands.cancel_not_repeated,
    commands.cancel_all_takes_orders_of_others,
    commands.cancel_all_answers_at_once,
    commands.cancel_all_takes_sent_for_recorded,
    streams.outbox_not_sent_again,
    streams.outbox_applied_over_a_gap,
    streams.acknowledged_before_the_journal,
    streams.published_before_the_journal,
    streams.numbers_reused_after_a_restart,
    streams.heads_not_published,
    streams.follower_steps_over_holes,
    streams.cursor_moved_before_delivery,
    streams.batch_given_up_when_the_store_fails,
    streams.accounts_never_swept,
)

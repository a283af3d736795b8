"""The executor's metrics."""

from gateway.executor import Executor
from gateway.metrics.process import Venues
from gateway.metrics.samples import Samples


def sample_executor(out: Samples, executor: Executor, venues: Venues) -> None:
    _sample_commands(out, executor)
    _sample_venues(out, executor, venues)
    _sample_outbox(out, executor)
    holds = executor.holds()
    out.put("cancels_pending", holds.cancels)
    out.put("requests_unanswered", holds.unanswered)
    out.put("ids_remembered", holds.ids)
    for account in holds.halted:
        out.put("halted", 1, account or "all")


def _sample_commands(out: Samples, executor: Executor) -> None:
    counters = executor.counters
    carried_out = {"place": counters.placed, "amend": counters.amended, "cancel": counters.canceled}
    ignored = {
        "repeated": counters.repeated,
        "collapsed": counters.collapsed,
        "silent": counters.silent,
        "unusable": counters.unusable,
    }
    out.put_each("commands_total", carried_out)
    out.put_each("commands_ignored_total", ignored)
    for code, count in counters.refused.items():
        out.put("commands_refused_total", count, code)
    for command, latencies in counters.timings.journaled.items():
        out.time("command_journaled_seconds", latencies, command)


def _sample_venues(out: Samples, executor: Executor, venues: Venues) -> None:
    counters = executor.counters
    for account, venue in venues.items():
        for command, latencies in venue.to_write.items():
            if latencies.count:
                out.time("command_written_seconds", latencies, account, command)
    for (command, account), latencies in counters.timings.answered.items():
        out.time("command_answered_seconds", latencies, account, command)
    for (command, account, outcome, code), count in counters.answers.items():
        out.put("venue_answers_total", count, account, command, outcome, code)
    out.put("venue_unanswered_total", counters.unanswered)
    out.put("venue_late_answers_total", counters.late_answers)
    out.put("cancels_sent_total", counters.cancels_sent)


def _sample_outbox(out: Samples, executor: Executor) -> None:
    counters = executor.counters
    events = {
        "sent": counters.sent,
        "resent": counters.resent,
        "gaps": counters.gaps,
        "begun": counters.outboxes_begun,
        "lost": counters.unrecorded_lost,
        "unread": counters.unread,
    }
    out.put_each("outbox_events_total", events)
    out.put("outbox_unacknowledged_records", executor.holds().unacknowledged)
    out.time("outbox_acknowledged_seconds", counters.timings.acknowledged.latencies)

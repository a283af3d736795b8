"""The manager's metrics."""

from gateway.manager import Manager
from gateway.metrics.samples import Samples


def sample_manager(out: Samples, manager: Manager) -> None:
    out.put("checks_planned", len(manager.deadlines))
    for account, watch in manager.accounts.items():
        out.put("check_budget_questions", watch.budget.available(), account)
        out.put("sweeps_covering", int(watch.sweeps.is_covering), account)
    out.put_each("manager_events_total", manager.counters)

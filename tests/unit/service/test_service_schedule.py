"""From the configuration to the manager's schedule."""

from gateway.config import parse
from gateway.manager.settings import SECOND
from gateway.service.manager import schedule_settings

CONFIG = """
[timing]
sweep = 20.0

[venues.slow]
exchange = "kraken"
sweep = 60.0
checks_per_second = 1

[venues.usual]
exchange = "okx"

[accounts.a]
venue = "slow"
[accounts.b]
venue = "usual"
"""


def test_a_venue_can_have_a_pace_of_its_own() -> None:
    settings = schedule_settings(parse(CONFIG, "a test"))

    slow, usual = settings.schedule_of("kraken"), settings.schedule_of("okx")
    assert (slow.sweep, slow.checks_per_second) == (60 * SECOND, 1)
    assert (usual.sweep, usual.checks_per_second) == (20 * SECOND, 10)
    assert slow.in_doubt == usual.in_doubt

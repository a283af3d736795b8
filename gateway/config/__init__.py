"""The configuration: one TOML file, checked as a whole when a process starts.

Every wrong, missing or misspelt key is named at once, with the reason. Secrets are held in
`Secret`, which shows itself nowhere.
"""

from decimal import Decimal
from urllib.parse import urlsplit

from gateway.config.reading import load, parse
from gateway.config.secrets import Secret, read_secrets
from gateway.config.sections import (
    AccountSection,
    Config,
    EndpointsSection,
    PaperSection,
    RetentionSection,
    VenueSection,
)

__all__ = [
    "AccountSection",
    "Config",
    "EndpointsSection",
    "PaperSection",
    "RetentionSection",
    "Secret",
    "VenueSection",
    "embedded",
    "embedded_text",
    "load",
    "nanoseconds",
    "parse",
    "read_secrets",
]


def nanoseconds(seconds: float) -> int:
    return int(Decimal(str(seconds)) * 1_000_000_000)


_EMBEDDED = """\
# The embedded defaults: two accounts at the paper venue that runs beside the gateway.

[paper]
port = {port}

[venues.paper]
exchange = "binance"
paper = true

[accounts.main]
venue = "paper"
key = {{ value = "paper-main" }}
secret = {{ value = "paper-main-secret" }}

[accounts.second]
venue = "paper"
key = {{ value = "paper-second" }}
secret = {{ value = "paper-second-secret" }}
"""


def embedded_text(paper_url: str = "") -> str:
    """The embedded configuration as a file would have it, with the paper venue at `paper_url`,
    which is on this host."""
    return _EMBEDDED.format(port=urlsplit(paper_url).port or PaperSection().port)


def embedded() -> Config:
    """What runs when no configuration is given."""
    return parse(embedded_text(), "the embedded configuration")

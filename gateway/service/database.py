"""Which database a gateway writes to."""

from gateway.config import Config, read_secrets
from gateway.home import Home
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.urls import with_password


def store_url_of(config: Config, home: Home) -> str:
    """The configured server's, or the embedded one's of this home."""
    given = config.store.url.get_secret_value()
    if not given:
        return EmbeddedPostgres(home.postgres, home.run).url
    found = read_secrets({"store.password": config.store.password})
    return with_password(given, found["store.password"]) if found else given

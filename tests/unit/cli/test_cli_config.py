"""`gateway init` and `gateway config`."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.commands.init import text
from gateway.cli.exits import Exit
from gateway.cli.main import main
from gateway.cli.toml import to_toml
from gateway.config import AccountSection, Config, VenueSection, embedded, parse
from gateway.domain.errors import BadConfig
from gateway.store.urls import with_password, without_password

COMMENTED = re.compile(r"^#(\w+ = )", re.MULTILINE)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_what_init_writes_is_the_embedded_configuration() -> None:
    assert parse(text(), "text") == embedded()


def test_what_init_shows_as_defaults_are_the_defaults() -> None:
    assert len(COMMENTED.findall(text())) > 20
    assert parse(COMMENTED.sub(r"\1", text()), "text") == embedded()


NAMED = {"venues", "accounts"}


def keys_of_every_section() -> set[str]:
    plain = (field.annotation for name, field in Config.model_fields.items() if name not in NAMED)
    sections = [*plain, VenueSection, AccountSection]
    return {key for section in sections for key in section.model_fields}


def test_every_key_is_in_what_init_writes() -> None:
    written = set(re.findall(r"\b(\w+) = ", text()))

    assert keys_of_every_section() - {"curve", "urls", "other"} <= written


def test_every_key_is_on_the_configurations_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()

    missing = [key for key in keys_of_every_section() if not re.search(rf"\b{key}\b", page)]
    assert missing == []


def test_init_writes_a_closed_file_and_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"

    first = run("init", str(file), "--paper-port", "5001")
    content = file.read_text()
    second = run("init", str(file))

    assert (first.exit_code, second.exit_code) == (Exit.OK, Exit.USAGE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "port = 5001\n" in content
    assert file.read_text() == content
    assert "exists; it is left as it is" in second.stderr


def test_config_shows_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text(
        '[store]\nurl = "postgresql://me:s3cret@db/gateway"\n'
        '[venues.okx]\nexchange = "okx"\n'
        'options = { password = "s3cret", brokerId = "b1" }\n'
        'urls = { proxy = "http://me:s3cret@proxy:3128" }\n'
        '[accounts.desk]\nvenue = "okx"\n'
        'key = { value = "s3cret", in_clear = true }\nsecret = { env = "OKX_SECRET" }\n'
    )
    file.chmod(0o600)

    for arguments in (["config"], ["config", "--json"]):
        said = run("--config", str(file), *arguments)
        assert said.exit_code == 0
        assert "s3cret" not in said.output
        assert "postgresql://me:***@db/gateway" in said.output
        assert "b1" in said.output
        assert "OKX_SECRET" in said.output


def test_config_is_toml_with_every_value_in_force(tmp_path: Path) -> None:
    said = run("--home", str(tmp_path), "config")

    shown = tomllib.loads(said.stdout)
    assert shown["timing"]["sweep"] == 30.0
    assert shown["venues"]["paper"]["urls"]["api"]["public"].startswith("http://127.0.0.1:")
    assert shown["accounts"]["main"]["key"] == {"value": "***"}
    assert json.loads(run("config", "--json").stdout)["config"] == shown


def test_a_wrong_configuration_has_a_line_for_each_key(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text("[gateway]\ntagg = 1\n[log]\nlevel = 3\n")

    said = run("--config", str(file), "config")

    assert said.exit_code == Exit.USAGE
    assert said.stdout == ""
    lines = said.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"gateway: config: {file}: ") for line in lines)


@pytest.mark.parametrize(
    "document",
    [
        {"a": {"b": 1, "c": {"d": 'x"y\n', "e": True}}, "f": {"g": [1, "2", {"h": 0.5}]}},
        {"a": {"strange key": {"b": {}, "c": 1}, "é": "ü"}},
    ],
)
def test_toml_text_is_read_back_as_it_was(document: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(document)) == document


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:s3cret@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("postgresql://me@db/x?password=s3cret&a=b", "postgresql://me@db/x?password=***&a=b"),
        ("postgresql://me@db/x", "postgresql://me@db/x"),
        ("host=db password=s3cret user=me", "host=db password=*** user=me"),
        ("host=db password = 's3 cr\\'et' user=me", "host=db password = *** user=me"),
        ("postgresql://me:s3/c@r:et@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("", ""),
    ],
)
def test_a_database_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_password_is_put_into_a_url_and_a_wrong_url_is_refused_unseen() -> None:
    assert "s3 cret" in with_password("postgresql://me@db/x", "s3 cret")
    with pytest.raises(BadConfig, match="not a PostgreSQL URL") as raised:
        with_password("postgresql://me@db/%zz", "s3cret")
    assert "s3cret" not in str(raised.value)


def test_up_names_every_secret_it_cannot_read_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    file, home = tmp_path / "desk.toml", tmp_path / "var"
    file.write_text(
        '[venues.binance]\nexchange = "binance"\n[accounts.desk]\nvenue = "binance"\n'
        'key = { env = "NO_SUCH_KEY" }\nsecret = { file = "none.secret" }\n'
        '[endpoints]\ntransport = "tcp"\n[endpoints.curve]\nsecret = "none.key_secret"\n'
    )

    result = run("--config", str(file), "--home", str(home), "up")

    assert result.exit_code == Exit.USAGE
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"gateway: config: {file}: ") for line in lines)
    assert "none.key_secret" in lines[0]
    assert "accounts.desk.key: nothing is found in the environment variable NO_SUCH_KEY" in lines[1]
    assert "accounts.desk.secret: cannot read" in lines[2]
    assert not home.exists()

"""A configuration is right, or every reason why not is given at once and shows no secret."""

from pathlib import Path

import pytest

from gateway.config import Config, embedded, embedded_text, load, nanoseconds, parse
from gateway.config.secrets import Secret, read_secrets
from gateway.domain.errors import BadConfig
from gateway.domain.identity import AccountId
from gateway.service.around import venue_settings
from gateway.venues.profiles import overridden, row_of
from gateway.venues.settings import VenueSettings

GOOD = """
[venues.binance]
exchange = "binance"

[accounts.desk]
venue = "binance"
key = { env = "DESK_KEY" }
"""


def problems(text: str) -> list[str]:
    with pytest.raises(BadConfig) as raised:
        parse(text, "desk.toml")
    return str(raised.value).splitlines()


def test_the_embedded_defaults_run_the_paper_venue_and_postgresql() -> None:
    config = embedded()

    assert config.runs_paper
    assert config.runs_postgres
    assert set(config.accounts) == {"main", "second"}
    assert config.venues["paper"].urls["api"]["public"] == "http://127.0.0.1:8901/api/v3"


def test_the_paper_venues_port_goes_into_its_urls() -> None:
    config = parse(embedded_text("http://127.0.0.1:5001"), "text")

    urls = config.venues["paper"].urls["api"]
    assert urls["private"] == "http://127.0.0.1:5001/api/v3"
    assert urls["ws"]["ws-api"]["spot"] == "ws://127.0.0.1:5001/ws-api/v3"


def test_a_users_options_go_before_those_of_the_paper_venue() -> None:
    text = embedded_text() + "\n[venues.paper.options]\nfetchMargins = true\n"

    options = parse(text, "text").venues["paper"].options

    assert options["fetchMargins"] is True
    assert options["fetchCurrencies"] is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gateway]\ntagg = 3", "gateway.tagg: there is no such key; did you mean tag?"),
        ("[gateway]\ntag = 0", "gateway.tag: Input should be greater than or equal to 1"),
        ("[gateway]\ntag = 4096", "gateway.tag: Input should be less than or equal to 4095"),
        ('[gateway]\ntag = "1"', "gateway.tag: Input should be a valid integer"),
        ("[gateway]\ntag = true", "gateway.tag: Input should be a valid integer"),
        ("gateway = 3", "desk.toml: gateway: it is a section, with keys of its own"),
        ("[gatway]\ntag = 1", "gatway: there is no such key; did you mean gateway?"),
        ('[endpoints]\ntransport = "http"', "endpoints.transport: Input should be 'ipc' or 'tcp'"),
        ("[endpoints]\nport = 65532", "endpoints.port: Input should be less than or equal"),
        ('[endpoints]\nhost = "a b"', "endpoints.host: not a host"),
        ('[endpoints]\nhost = "::1"', "endpoints.host: not a host"),
        (
            '[endpoints]\ntransport = "tcp"\nhost = "0.0.0.0"',
            "endpoints: host 0.0.0.0 is not of this machine alone: give [endpoints.curve]",
        ),
        (
            '[endpoints]\ntransport = "tcp"\nhost = "desk.example"',
            "endpoints: host desk.example is not of this machine alone",
        ),
        ('[endpoints.curve]\nsecret = "a"', "endpoints: curve is for tcp"),
        ('[endpoints.curve]\nsecrt = "a"', "did you mean secret?"),
        ('[store]\non_down = "stop"', "store.on_down: Input should be 'trade' or 'halt'"),
        ('[store]\npassword = { env = "P" }', "store: password goes with url"),
        (
            '[store]\nurl = "postgresql:///x"\npassword = { value = "P" }',
            "store.password.value: use env, file or command",
        ),
        ("[journal]\nsegment_mib = 64\nmax_mib = 100", "journal: max_mib must be at least twice"),
        ("[journal]\nreserve_mib = 4096", "journal: reserve_mib must be less than max_mib"),
        ("[timing]\nsweep = 0", "timing.sweep: Input should be greater than 0"),
        ("[timing]\nsweep = inf", "timing.sweep: Input should be"),
        ("[timing]\nsweep = nan", "timing.sweep: Input should be a finite number"),
        ("[timing]\ndoubt_check = 61", "timing: doubt_check must not be more than"),
        ("[timing]\nmax_expiry = 86400", "timing: max_expiry must be less than dedupe_horizon"),
        ('[log]\nlevel = "loud"', "log.level: Input should be 'debug', 'info'"),
        ("[paper]\nport = 0", "paper.port: Input should be greater than or equal to 1"),
        ("[venues.x]", "venues.x.exchange: it is missing"),
        ('[venues.x]\nexchange = ""', "venues.x.exchange: String should have at least 1"),
        ('[venues.x]\nexchange = "okx"\npaper = true', "venues.x: the paper venue speaks Binance"),
        (
            '[venues.x]\nexchange = "binance"\npaper = true\nurls = { api = "x" }',
            "venues.x: with paper = true the URLs are known",
        ),
        ('[venues.x]\nexchange = "okx"\norders_over = "fax"', "venues.x.orders_over: Input should"),
        ('[venues.x]\nexchange = "okx"\nreceive_window = 61', "venues.x.receive_window: Input"),
        ('[venues."a b"]\nexchange = "okx"', "venues.a b: 1 to 64 letters"),
        ("[accounts.a]", "accounts.a.venue: it is missing"),
        ('[accounts.a]\nvenue = "nope"', "accounts.a.venue: there is no [venues.nope]"),
        (
            '[accounts.a]\nvenue = "binance"\nkey = { env = "A", file = "b" }',
            "accounts.a.key: give exactly one of env, file, command, value",
        ),
        (
            '[accounts.a]\nvenue = "binance"\nkey = { file = "b", in_clear = true }',
            "accounts.a.key: in_clear goes with value only",
        ),
        (
            '[endpoints]\ntransport = "tcp"\n[metrics]\nport = 7705',
            "metrics.port and endpoints.port both want port 7705: metrics.port has 7705 to 7708",
        ),
        (
            '[metrics]\nport = 8900\n[venues.p]\nexchange = "binance"\npaper = true',
            "metrics.port and paper.port both want port 8901",
        ),
        (
            '[accounts.a]\nvenue = "binance"\nkey = "abc"',
            'accounts.a.key: say where it is found: { env = "NAME" }',
        ),
        ('[store]\npassword = "abc"', "store.password: say where it is found"),
        (
            '[accounts.a]\nvenue = "binance"\nkey = { enw = "A" }',
            "accounts.a.key.enw: there is no such key; did you mean env?",
        ),
        (
            '[accounts.a]\nvenue = "binance"\nother = { uid = { value = "1" } }',
            "accounts.a.other.uid.value: use env, file or command; or add in_clear",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_reason(text: str, said: str) -> None:
    found = problems(f"{text}\n{GOOD}")

    assert [one for one in found if said in one], found
    assert all(one.startswith("desk.toml: ") for one in found)


def test_everything_wrong_is_named_at_once() -> None:
    found = problems('[gateway]\ntagg = 1\n[timing]\npoll = "x"\n[accounts.a]\nvenue = "y"\n')

    keys = [one.split(": ")[1] for one in found]
    assert keys == ["gateway.tagg", "timing.poll", "accounts.a.venue"]


def test_text_that_is_not_toml_is_refused_with_its_place() -> None:
    assert "line 1, column 5" in problems("a = ]")[0]


def test_processes_need_an_account_and_a_program_elsewhere_needs_none() -> None:
    assert problems("") == ["desk.toml: accounts: at least one [accounts.NAME] is needed"]
    assert parse("", "desk.toml", for_processes=False).accounts == {}


def test_a_value_in_clear_is_taken_at_the_paper_venue_or_when_it_is_meant() -> None:
    meant = GOOD + 'secret = { value = "s3cret", in_clear = true }'

    assert parse(meant, "desk.toml").accounts["desk"].secret is not None
    assert embedded().accounts["main"].secret is not None
    (problem,) = problems(GOOD + 'secret = { value = "s3cret" }')
    assert problem.startswith("desk.toml: accounts.desk.secret.value: use env, file or command")


@pytest.mark.parametrize(
    "text",
    [
        GOOD + 'secret = { value = "s3cret" }',
        GOOD + 'secret = "s3cret"',
        GOOD + 'secret = ["s3cret"]',
        GOOD + '[store]\nurl = 7\npassword = "s3cret"',
        GOOD + 'secret = { value = "s3cret", env = "X" }',
    ],
)
def test_no_error_shows_a_secret(text: str) -> None:
    assert "s3cret" not in "\n".join(problems(text))


def test_a_configuration_shows_no_secret() -> None:
    options = '[venues.binance.options]\napiKey = "s3cret"\n'
    url = '[store]\nurl = "postgresql://u:s3cret@h/d"\n'
    command = 'password = { command = "echo s3cret" }\n'
    text = GOOD + 'secret = { value = "s3cret", in_clear = true }\n' + command + options + url

    assert "s3cret" not in repr(parse(text, "desk.toml"))


def test_what_is_written_out_of_a_configuration_shows_no_secret() -> None:
    config = parse(GOOD + 'secret = { value = "s3cret", in_clear = true }', "desk.toml")

    assert "s3cret" not in config.model_dump_json()


# ---- files -------------------------------------------------------------------------------------


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(BadConfig, match="No such file"):
        load(tmp_path / "nope.toml")
    with pytest.raises(BadConfig, match="not UTF-8"):
        load(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD + 'secret = { value = "s3cret", in_clear = true }', "accounts.desk.secret"),
        (GOOD + '[store]\nurl = "postgresql://me:s3cret@db/gateway"', "store.url"),
        (GOOD + '[store]\nurl = "postgresql://me@db/gateway?password=s3cret"', "store.url"),
        (GOOD + '[store]\nurl = "host=db password=s3cret"', "store.url"),
    ],
)
def test_secrets_in_clear_are_refused_in_a_file_that_others_can_read(
    tmp_path: Path, text: str, key: str
) -> None:
    with pytest.raises(BadConfig, match=f"{key}: it holds a secret in clear") as raised:
        load(written(tmp_path, text, 0o644))

    assert "s3cret" not in str(raised.value)
    assert isinstance(load(written(tmp_path, text, 0o600)), Config)


def test_a_file_without_secrets_in_clear_may_be_read_by_others(tmp_path: Path) -> None:
    assert isinstance(load(written(tmp_path, GOOD, 0o644)), Config)
    assert isinstance(load(written(tmp_path, embedded_text(), 0o644)), Config)


def test_a_relative_path_starts_at_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    secret = tmp_path / "desk.secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)

    config = load(written(tmp_path, GOOD + 'secret = { file = "desk.secret" }'))

    found = config.accounts["desk"].secret
    assert found is not None
    assert found.read("secret") == "s3cret"


# ---- secrets -----------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment_a_file_a_command_or_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_KEY", "from env")
    file = tmp_path / "key"
    file.write_text("from file\n")
    file.chmod(0o600)

    found = read_secrets(
        {
            "a": Secret(env="DESK_KEY"),
            "b": Secret.model_validate({"file": str(file)}),
            "c": Secret(command="echo from command"),
            "d": Secret.model_validate({"value": "from text"}),
            "e": None,
        }
    )

    assert found == {"a": "from env", "b": "from file", "c": "from command", "d": "from text"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_a_key_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text("s3cret")
    file.chmod(mode)

    with pytest.raises(BadConfig, match=r"accounts\.desk\.key: others can read .*; use chmod 600"):
        Secret.model_validate({"file": str(file)}).read("accounts.desk.key")


def test_every_secret_that_cannot_be_read_is_named_at_once(tmp_path: Path) -> None:
    named = {
        "a": Secret(env="GATEWAY_NOT_SET"),
        "b": Secret.model_validate({"file": str(tmp_path / "nope")}),
        "c": Secret(command="echo s3cret; exit 3"),
        "d": Secret(command="true"),
        "e": Secret.model_validate({"file": str(tmp_path)}),
    }

    with pytest.raises(BadConfig) as raised:
        read_secrets(named)

    assert str(raised.value).splitlines() == [
        "a: nothing is found in the environment variable GATEWAY_NOT_SET",
        f"b: cannot read {tmp_path / 'nope'}: No such file or directory",
        "c: its command ended with code 3",
        "d: nothing is found in the output of its command",
        f"e: {tmp_path} is not a file",
    ]


@pytest.mark.parametrize(("seconds", "ns"), [(1.0, 10**9), (0.1, 10**8), (2.3, 2_300_000_000)])
def test_seconds_become_nanoseconds_without_a_rest(seconds: float, ns: int) -> None:
    assert nanoseconds(seconds) == ns


# ---- what a venue is told ----------------------------------------------------------------------


def settings_of(venue: str, monkeypatch: pytest.MonkeyPatch) -> VenueSettings:
    monkeypatch.setenv("DESK_KEY", "k3y")
    text = f'[venues.v]\n{venue}\n[accounts.desk]\nvenue = "v"\nkey = {{ env = "DESK_KEY" }}\n'
    text += 'other = { walletAddress = { env = "DESK_KEY" } }\n'
    return venue_settings(parse(text, "desk.toml"), AccountId("desk"))


def test_a_venues_keys_and_overrides_reach_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = 'exchange = "binance"\nvisibility_lag = 2.5\nreceive_window = 10'

    settings = settings_of(venue, monkeypatch)
    row = overridden(row_of("binance", unverified=False), settings)

    assert settings.credentials.for_ccxt() == {"apiKey": "k3y", "walletAddress": "k3y"}
    assert (row.visibility_lag, row.receive_window) == (2_500_000_000, 10_000_000_000)


def test_without_overrides_a_venue_is_as_the_gateway_knows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = row_of("kraken", unverified=False)

    assert overridden(row, settings_of('exchange = "kraken"', monkeypatch)) == row


@pytest.mark.parametrize(
    ("venue", "reason"),
    [
        ('exchange = "kraken"\nreceive_window = 5', "requests to this venue carry none"),
        (
            'exchange = "binance"\noptions = { recvWindow = 60000 }',
            r"options\.recvWindow: set receive_window",
        ),
        ('exchange = "okx"\noptions = { maxRetriesOnFailure = 3 }', "send an order again"),
        (
            'exchange = "okx"\noptions = { "trade/order" = { maxRetriesOnFailure = 3 } }',
            "send an order again",
        ),
    ],
)
def test_an_option_that_verdicts_could_not_rest_on_is_refused(
    venue: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(venue, monkeypatch)

    with pytest.raises(BadConfig, match=reason):
        overridden(row_of(settings.exchange, unverified=False), settings)

"""Settings: from the environment, once, and what is wrong is told by its name."""

import dataclasses
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.settings import Settings, SettingsError, load

KEY = "k" * 64
HERE = "https://chat.example.org"


def read(tmp_path: Path, **environ: str) -> Settings:
    return load({"DATA_DIR": str(tmp_path), **environ})


def test_the_defaults_are_those_of_the_design(tmp_path: Path) -> None:
    found = load({"SECRET_KEY": KEY})
    assert (found.port, found.env, found.base_url) == (8000, "development", "http://localhost:8000")
    assert found.data_dir == Path(".data").absolute()
    assert (found.database_url, found.channels_url, found.smtp_url) == (None, None, None)
    assert (found.max_message_length, found.max_connections_per_user, found.heartbeat_seconds) == (2000, 5, 20)
    assert (found.access_token_minutes, found.rate_limits, found.role_policy) == (15, True, "open")
    assert (found.web_concurrency, found.trusted_proxies) == (1, 0)
    assert not found.secure


WRONG = [
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "eighty"),
    ("PORT", "80.5"),
    ("ENV", "staging"),
    ("DATABASE_URL", "mysql://u:hunter2@h/d"),
    ("CHANNELS_URL", "http://x"),
    ("CHANNELS_URL", "redis://"),
    ("BASE_URL", "chat.example.org"),
    ("BASE_URL", "ftp://chat.example.org"),
    ("BASE_URL", "https://"),
    ("BASE_URL", "https://["),
    ("BASE_URL", "https://x:99999"),
    ("BASE_URL", "https://café.example"),
    ("SMTP_URL", "mail.example.org"),
    ("SMTP_URL", "https://u:hunter2@mail.example.org"),
    ("SMTP_URL", "smtp://u:hunter2@mail.example.org:99999"),
    ("SECRET_KEY", "hunter2"),
    ("WEB_CONCURRENCY", "0"),
    ("WEB_CONCURRENCY", "1001"),
    ("DATABASE_POOL_SIZE", "2"),
    ("ROLE_POLICY", "closed"),
    ("MAX_MESSAGE_LENGTH", "0"),
    ("MAX_CONNECTIONS_PER_USER", "-1"),
    ("MESSAGE_RETENTION_DAYS", "-1"),
    ("HEARTBEAT_SECONDS", "nan"),
    ("HEARTBEAT_SECONDS", "0"),
    ("HEARTBEAT_SECONDS", "inf"),
    ("ACCESS_TOKEN_MINUTES", "0"),
    ("RATE_LIMITS", "maybe"),
    ("TRUSTED_PROXIES", "all"),
    ("TIME_ZONE", "Mars/Olympus"),
    ("WEBHOOK_ALLOWED_NETWORKS", "10.1.0.1/16"),
    ("WEBHOOK_ALLOWED_NETWORKS", "everything"),
    ("TIME_ZONE", "../../etc/passwd"),
    ("LOG_LEVEL", "loud"),
    ("CORS_ORIGINS", "*"),
    ("CORS_ORIGINS", "null"),
    ("CORS_ORIGINS", "app.example.org"),
    ("CORS_ORIGINS", "https://*.example.org"),
    ("CORS_ORIGINS", "https://app.example.org/"),
    ("CORS_ORIGINS", "https://App.example.org"),
    ("CORS_ORIGINS", "https://app.example.org:443"),
    ("CORS_ORIGINS", "https://app.example.org:x"),
    ("CORS_ORIGINS", "https://me@app.example.org"),
    ("CORS_ORIGINS", "https://fine.example.org, ftp://app.example.org"),
    ("DATA_DIR", "~no-such-user-here/data"),
    ("DATA_DIR", "/dev/null/data"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_is_wrong_is_told_by_its_name_and_secrets_are_not_repeated(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **{name: value})
    assert caught.value.variable == name
    assert str(caught.value).startswith(f"{name}: ")
    assert "hunter2" not in str(caught.value)


def test_an_empty_variable_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    names = [name for name, _value in WRONG if name not in ("DATA_DIR", "SECRET_KEY")]
    assert read(tmp_path, SECRET_KEY=KEY, **dict.fromkeys(names, "")) == read(tmp_path, SECRET_KEY=KEY)


def test_production_needs_a_key_an_address_and_its_limits(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"BASE_URL.*production"):
        read(tmp_path, ENV="production", SECRET_KEY=KEY)
    with pytest.raises(SettingsError, match=r"SECRET_KEY.*production"):
        read(tmp_path, ENV="production", BASE_URL=HERE)
    with pytest.raises(SettingsError, match=r"RATE_LIMITS.*production"):
        read(tmp_path, ENV="production", BASE_URL=HERE, SECRET_KEY=KEY, RATE_LIMITS="off")
    assert not read(tmp_path, RATE_LIMITS="off").rate_limits


def test_elsewhere_a_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    first = read(tmp_path / "deep" / "inside")
    assert len(first.secret_key) == 64
    assert read(tmp_path / "deep" / "inside").secret_key == first.secret_key
    kept = tmp_path / "deep" / "inside" / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_many_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = {found.secret_key for found in pool.map(lambda _n: read(tmp_path), range(64))}
    assert len(keys) == 1


def test_a_key_that_was_cut_short_is_not_used(tmp_path: Path) -> None:
    """With an empty key anyone could sign a token."""
    (tmp_path / "secret_key").write_text("")
    with pytest.raises(SettingsError, match="DATA_DIR"):
        read(tmp_path)


def test_nothing_changes_settings_behind_a_reader(tmp_path: Path) -> None:
    found = read(tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.port = 1  # type: ignore[misc]


def test_https_is_known_from_the_address(tmp_path: Path) -> None:
    found = read(tmp_path, BASE_URL="https://chat.example.org/")
    assert found.secure
    assert found.base_url == "https://chat.example.org"
    assert found.mail_from == "Causerie <causerie@chat.example.org>"


def test_a_host_with_accents_is_told_how_browsers_send_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"BASE_URL.*: xn--caf-dma\.example$"):
        read(tmp_path, BASE_URL="https://Cafe\u0301.example/")


def test_as_many_web_processes_as_heroku_sets_by_itself_are_not_too_many(tmp_path: Path) -> None:
    assert read(tmp_path, WEB_CONCURRENCY="33").web_concurrency == 16
    assert read(tmp_path, WEB_CONCURRENCY="2").web_concurrency == 2

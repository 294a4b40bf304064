"""Every setting, read from the environment once, checked before anything starts."""

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from app.core.addresses import networks


class SettingsError(Exception):
    """A setting that cannot be used: names the variable and says how to mend it."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem


# Letters, digits, dots and hyphens, or an address of IPv6: no pattern such as *.example.org.
_HOST = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]")


@cache
def _time_zones() -> set[str]:
    return available_timezones()


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration of one process; frozen, so nothing changes behind a reader's back."""

    env: Literal["development", "production"]
    port: int
    data_dir: Path
    database_url: str | None
    database_pool_size: int
    channels_url: str | None
    secret_key: str
    base_url: str
    smtp_url: str | None
    mail_from: str
    web_concurrency: int
    role_policy: Literal["open", "school"]
    max_message_length: int
    max_connections_per_user: int
    message_retention_days: int
    heartbeat_seconds: float
    access_token_minutes: int
    rate_limits: bool
    trusted_proxies: int
    time_zone: str
    cors_origins: tuple[str, ...]
    log_level: str
    webhook_allowed_networks: str = ""
    export_storage_mb: int = 10_000

    @property
    def secure(self) -> bool:
        """Whether people reach us by https, so cookies must never travel otherwise."""
        return self.base_url.startswith("https://")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment; raises SettingsError that names the first variable that is wrong."""
    read = _Reader(environ)
    env = read.choice("ENV", ("development", "production"), "development")
    port = read.number("PORT", 8000, 1, 65535)
    data_dir = _data_dir(environ)
    rate_limits = read.choice("RATE_LIMITS", ("on", "off"), "on") == "on"
    if env == "production" and not rate_limits:
        raise SettingsError("RATE_LIMITS", "cannot be off in production: log-in would be open to guessing")
    if env == "production" and not environ.get("BASE_URL"):
        raise SettingsError("BASE_URL", "must be set in production: links in mail come from it, and mail has no other")
    base_url = read.url("BASE_URL", ("http", "https"), f"http://localhost:{port}") or ""
    host = urlsplit(base_url).hostname or ""
    if not host.isascii():  # no header of a mail could hold it, nor what browsers send be compared with it
        raise SettingsError("BASE_URL", f"must have its host in plain letters, as browsers send it: {_punycode(host)}")
    time_zone = environ.get("TIME_ZONE") or "UTC"
    if time_zone not in _time_zones():
        raise SettingsError("TIME_ZONE", f"{time_zone!r} is not a time zone; use a name such as Europe/Paris")
    return Settings(
        env="production" if env == "production" else "development",
        port=port,
        data_dir=data_dir,
        database_url=read.database_url(),
        database_pool_size=read.number("DATABASE_POOL_SIZE", 8, 3, 50),
        channels_url=read.url("CHANNELS_URL", ("redis", "rediss"), None),
        secret_key=_secret_key(environ, env, data_dir),
        base_url=base_url.rstrip("/"),
        smtp_url=read.url("SMTP_URL", ("smtp", "smtps", "smtp+starttls"), None),
        mail_from=environ.get("MAIL_FROM") or f"Causerie <causerie@{urlsplit(base_url).hostname}>",
        # Heroku sets it by itself, to 33 on its largest machines; more than 16 share nothing but Postgres' connections.
        web_concurrency=min(read.number("WEB_CONCURRENCY", 1, 1, 1000), 16),
        role_policy="school" if read.choice("ROLE_POLICY", ("open", "school"), "open") == "school" else "open",
        max_message_length=read.number("MAX_MESSAGE_LENGTH", 2000, 1, 10_000),
        max_connections_per_user=read.number("MAX_CONNECTIONS_PER_USER", 5, 1, 100_000),
        message_retention_days=read.number("MESSAGE_RETENTION_DAYS", 365, 0, 36_500),
        heartbeat_seconds=read.decimal("HEARTBEAT_SECONDS", 20, 0.1, 300),
        access_token_minutes=read.number("ACCESS_TOKEN_MINUTES", 15, 1, 24 * 60),
        rate_limits=rate_limits,
        trusted_proxies=read.number("TRUSTED_PROXIES", 0, 0, 10),
        time_zone=time_zone,
        cors_origins=_origins(environ.get("CORS_ORIGINS") or ""),
        log_level=read.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        webhook_allowed_networks=_networks(environ),
        export_storage_mb=read.number("EXPORT_STORAGE_MB", 10_000, 1, 1_000_000_000),
    )


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = (self.environ.get(name) or default).lower()
        if value not in allowed:
            raise SettingsError(name, f"is {value!r}; it must be one of: {', '.join(allowed)}")
        return value

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        return int(self.decimal(name, default, lowest, highest, whole=True))

    def decimal(self, name: str, default: float, lowest: float, highest: float, whole: bool = False) -> float:
        text = self.environ.get(name) or str(default)
        kind = "a whole number" if whole else "a number"
        try:
            value = int(text) if whole else float(text)
        except ValueError as error:
            raise SettingsError(name, f"is {text!r}; it must be {kind}") from error
        if not lowest <= value <= highest:
            raise SettingsError(name, f"is {text}; it must be from {lowest} to {highest}")
        return value

    def url(self, name: str, schemes: tuple[str, ...], default: str | None) -> str | None:
        value = self.environ.get(name)
        if not value:
            return default
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable:  # the value itself may hold a password: it is not repeated
            raise SettingsError(name, f"is not an address that starts with {' or '.join(s + '://' for s in schemes)}")
        return value

    def database_url(self) -> str | None:
        value = self.environ.get("DATABASE_URL")
        if not value:
            return None
        if not value.startswith(("postgres://", "postgresql://")):
            raise SettingsError("DATABASE_URL", "must start with postgresql:// (unset it for the embedded Postgres)")
        return value


def _punycode(host: str) -> str:
    """A name in plain letters (RFC 3492), each part by itself."""
    parts = unicodedata.normalize("NFC", host).split(".")
    return ".".join(each if each.isascii() else f"xn--{each.encode('punycode').decode()}" for each in parts)


def _networks(environ: Mapping[str, str]) -> str:
    given = environ.get("WEBHOOK_ALLOWED_NETWORKS") or ""
    try:
        networks(given)
    except ValueError as error:
        example = "a list such as 10.1.0.0/16, fd00::/8"
        raise SettingsError("WEBHOOK_ALLOWED_NETWORKS", f"{error}; it must be {example}") from error
    return given


def _origins(given: str) -> tuple[str, ...]:
    """Origins exactly as browsers write them: they are compared as a whole, so another spelling would never match."""
    found = tuple(dict.fromkeys(each.strip() for each in given.split(",") if each.strip()))
    for origin in found:
        try:
            parts = urlsplit(origin)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
        exact = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
        usual = port == {"http": 80, "https": 443}.get(parts.scheme)
        if parts.scheme not in ("http", "https") or not host or origin != exact or usual or not _HOST.fullmatch(host):
            raise SettingsError("CORS_ORIGINS", f"{origin!r} is no origin; write each as in https://app.example.org")
    return found


def _data_dir(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ.get("DATA_DIR") or ".data").expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError("DATA_DIR", "names the home of someone who is not known here") from error


def _secret_key(environ: Mapping[str, str], env: str, data_dir: Path) -> str:
    """SECRET_KEY; outside production one is made once and kept, so that a restart logs nobody out."""
    given = environ.get("SECRET_KEY")
    if given:
        if len(given) < 32:
            raise SettingsError("SECRET_KEY", "must have at least 32 characters; try: openssl rand -hex 32")
        return given
    if env == "production":
        raise SettingsError("SECRET_KEY", "must be set in production; try: openssl rand -hex 32")
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Written aside and linked: two processes that start at once end with one key.
            fresh = data_dir / f"secret_key.{secrets.token_hex(4)}"
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32))
            try:
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        kept = path.read_text().strip()
    except OSError as error:
        raise SettingsError("DATA_DIR", f"{data_dir} cannot be written: {error.strerror}") from error
    if len(kept) < 32:  # with an empty key anyone could sign a token
        raise SettingsError("DATA_DIR", f"{path} was cut short: delete it, and everyone will have to log in again")
    return kept

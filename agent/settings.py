"""Settings: flags, then environment, then ``bms.toml`` in the working directory, then defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tools.faults import WrongUse
from tools.search.engines import DEFAULT_ENGINES, engine_names
from tools.secrecy import hold, passwords_in

if TYPE_CHECKING:
    from tools.runtimes.hosts import HostSpec

PUBLIC_HUB = "https://huggingface.co"
PUBLIC_REGISTRY = "https://registry.ollama.ai"
RUNTIMES = ("auto", "ollama", "llamacpp", "openai")
FILE = "bms.toml"
SHORTEST_TOKEN = 16
MUST = {
    "cache_days": "must be a number of days, 0 or more",
    "leaderboards": "must be true or false",
    "runs_at_once": "must be a whole number, 1 to 16",
    "threads": "must be a whole number, 1 to 256",
}
"""What pydantic says in its own way."""


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("bms", appauthor=False)


VARIABLES = {
    "home": "BMS_HOME",
    "database_url": "BMS_DATABASE_URL",
    "brain": "BMS_BRAIN",
    "judge": "BMS_JUDGE",
    "runtime": "BMS_RUNTIME",
    "runtimes": "BMS_RUNTIMES",
    "ollama_host": "OLLAMA_HOST",
    "hub_endpoint": "HF_ENDPOINT",
    "hub_token": "HF_TOKEN",
    "openai_base_url": "OPENAI_BASE_URL",
    "openai_api_key": "OPENAI_API_KEY",
    "registry_url": "BMS_OLLAMA_REGISTRY",
    "duckduckgo_url": "BMS_DUCKDUCKGO_URL",
    "searxng_url": "BMS_SEARXNG_URL",
    "search_engines": "BMS_SEARCH_ENGINES",
    "cache_days": "BMS_CACHE_DAYS",
    "leaderboards": "BMS_LEADERBOARDS",
    "allow_hosts": "BMS_ALLOW_HOSTS",
    "token": "BMS_TOKEN",
    "hosts": "BMS_HOSTS",
    "runs_at_once": "BMS_RUNS_AT_ONCE",
    "threads": "BMS_THREADS",
}
"""The environment variable of each setting. ``bms.toml`` has the settings' own names."""


class _Environment(PydanticBaseSettingsSource):
    """The variables above and no others: pydantic's own source would read ``HOME`` as ``home``."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        return os.environ.get(VARIABLES[field_name]), field_name, False

    def __call__(self) -> dict[str, Any]:
        given = {field: os.environ.get(variable, "") for field, variable in VARIABLES.items()}
        return {field: value for field, value in given.items() if value.strip()}


class Settings(BaseSettings):
    """Everything that can be set from outside. Secrets never show in a repr."""

    model_config = SettingsConfigDict(toml_file=FILE, extra="forbid", frozen=True, hide_input_in_errors=True)

    home: Path = Field(default_factory=_default_home)
    """Data directory."""
    database_url: str | None = Field(default=None, repr=False)
    """SQLAlchemy URL, which may hold a password; SQLite in ``home`` when it is None."""
    brain: str | None = None
    judge: str | None = None
    runtime: str = "auto"
    runtimes: str = Field(default="", repr=False)
    """Inference hosts that scenarios are spread over, separated by commas."""
    ollama_host: str | None = None
    hub_endpoint: str = PUBLIC_HUB
    hub_token: SecretStr | None = None
    openai_base_url: str | None = None
    openai_api_key: SecretStr | None = None
    registry_url: str = PUBLIC_REGISTRY
    duckduckgo_url: str | None = None
    searxng_url: str | None = None
    """A SearXNG server that gives JSON; None leaves that engine out."""
    search_engines: str = DEFAULT_ENGINES
    """Search engines in the order in which they are tried, separated by commas."""
    cache_days: float = Field(default=7.0, ge=0.0, allow_inf_nan=False)
    """How old a page of an earlier run may be and still be used; 0 asks the network for everything."""
    leaderboards: bool = True
    """Whether public leaderboards are read."""
    allow_hosts: str = ""
    """Private ``host:port``s that the page reader may reach, separated by commas."""
    token: SecretStr | None = None
    """What programs show, and people sign in with, to use the service; needed where other machines can
    connect to it."""
    hosts: str = ""
    """Further names under which the service may be reached, separated by commas; an entry such as
    ``http://localhost:3000`` lets pages of that origin use LangGraph's protocol."""
    runs_at_once: int = Field(default=2, ge=1, le=16)
    """Runs that the service drives at the same time."""
    threads: int | None = Field(default=None, ge=1, le=256)
    """Processor threads of the embedded llama.cpp, which chooses where this is None. Its threads wait for one
    another busily: on processors that others use as well, fewer are faster."""

    @field_validator("token", mode="after")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value().strip() if value else ""
        if not text:
            return None
        if len(text) < SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError(f"must have at least {SHORTEST_TOKEN} letters, digits and signs, without spaces")
        return SecretStr(text)

    @field_validator("hub_token", "openai_api_key", mode="after")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value().strip() if value else ""
        if not text.isascii() or not text.isprintable():
            raise ValueError("has characters that no key has")
        return SecretStr(text) if text else None

    @field_validator("hub_endpoint", "registry_url", "duckduckgo_url", mode="after")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        # These addresses stand in events, sources and documents.
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("must be an address without a user name and a password")
        return value

    @field_validator("hosts", mode="after")
    @classmethod
    def _names_and_origins(cls, value: str) -> str:
        from agent.service.guard_hosts import parse_hosts

        parse_hosts(value)
        return value

    @field_validator("brain", mode="after")
    @classmethod
    def _no_brain(cls, value: str | None) -> str | None:
        return None if value is None or value.strip().lower() in {"", "none"} else value

    @field_validator("runtime", mode="after")
    @classmethod
    def _known_runtime(cls, value: str) -> str:
        if value not in RUNTIMES:
            raise ValueError(f"must be one of {', '.join(RUNTIMES)}")
        return value

    @field_validator("runtimes", mode="after")
    @classmethod
    def _known_hosts(cls, value: str) -> str:
        from tools.runtimes.hosts import parse_hosts

        parse_hosts(value)
        return value

    @field_validator("search_engines", mode="after")
    @classmethod
    def _known_engines(cls, value: str) -> str:
        return ",".join(engine_names(value))

    @field_validator("searxng_url", mode="after")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        url = value.strip().rstrip("/")
        if _host_and_port(url) is None:
            raise ValueError("must be an http or https address, without a user name or a query")
        return url

    @field_validator("home", mode="after")
    @classmethod
    def _whole_path(cls, value: Path) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError:
            raise ValueError("names the home of somebody who is not here") from None

    @property
    def rows_url(self) -> str:
        from store.database import sqlite_url

        return self.database_url or sqlite_url(self.home / "bms.sqlite")

    @property
    def has_workers(self) -> bool:
        """Whether runs are queued in PostgreSQL for ``bms worker``, rather than driven by the service."""
        return self.rows_url.startswith("postgresql")

    @property
    def checkpoints_url(self) -> str:
        """Of LangGraph's checkpoints: a file of their own, or the database that the rows are in."""
        from store.database import sqlite_url

        return self.database_url or sqlite_url(self.home / "checkpoints.sqlite")

    @property
    def runtime_hosts(self) -> tuple[HostSpec, ...]:
        """Endpoints over which the candidate's scenarios are spread; none where nothing is listed."""
        from tools.runtimes.hosts import parse_hosts

        return parse_hosts(self.runtimes)

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Hosts that may be reached where they are private or on an unusual port: those that are listed, and
        the servers that a person named in other settings."""
        listed = {host.strip() for host in self.allow_hosts.split(",")}
        named = {
            _host_and_port(url)
            for url in (self.searxng_url, self.hub_endpoint, self.registry_url)
            if url and url not in (PUBLIC_HUB, PUBLIC_REGISTRY)
        }
        return frozenset(host for host in listed | named if host)

    @property
    def engines(self) -> tuple[str, ...]:
        """Names of the search engines, in order."""
        return engine_names(self.search_engines)

    def secrets(self) -> tuple[str, ...]:
        """Values that must never be written anywhere."""
        held = (self.hub_token, self.openai_api_key, self.token)
        addresses = (self.database_url, self.openai_base_url, self.ollama_host)
        return (
            *(secret.get_secret_value() for secret in held if secret),
            *(password for address in addresses for password in passwords_in(address)),
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls), TomlConfigSettingsSource(settings_cls)


def _host_and_port(url: str) -> str | None:
    """``host:port`` of a web address; None when it is none, or carries a user name, a query or a fragment."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if port is None or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        return None
    if parts.scheme not in {"http", "https"}:
        return None
    return f"[{parts.hostname}]:{port}" if ":" in parts.hostname else f"{parts.hostname}:{port}"


def load_settings() -> Settings:
    """The settings; :class:`WrongUse` names the setting and what is wrong with it."""
    import tomllib

    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        if field not in VARIABLES:
            raise WrongUse(
                f"{FILE} has {field!r}, which is no setting.", f"There are {', '.join(VARIABLES)}."
            ) from error
        raise WrongUse(
            f"The setting {VARIABLES[field]} ({field} in {FILE}) cannot be used: "
            f"{MUST.get(field) or first['msg'].removeprefix('Value error, ')}.",
            "See `bms --help` and docs/reference.",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(f"{FILE} is not valid TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise WrongUse(f"{FILE} is not text in UTF-8.") from error
    except OSError as error:
        raise WrongUse(f"{FILE} cannot be read: {error.strerror}.") from error
    hold((*settings.secrets(), os.environ.get("OLLAMA_API_KEY")))
    return settings

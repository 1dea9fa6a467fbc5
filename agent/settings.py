"""Settings: flags, then environment, then ``bms.toml`` in the working directory, then defaults."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tools.faults import WrongUse

RUNTIMES = ("auto", "ollama", "llamacpp", "openai")
FILE = "bms.toml"


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("bms", appauthor=False)


def _named(field: str, variable: str) -> AliasChoices:
    """The environment variable, or the plain name in ``bms.toml``."""
    return AliasChoices(variable, field)


class Settings(BaseSettings):
    """Everything that can be set from outside. Secrets never show in a repr."""

    model_config = SettingsConfigDict(
        toml_file=FILE, extra="ignore", frozen=True, env_ignore_empty=True, populate_by_name=True
    )

    home: Path = Field(default_factory=_default_home, validation_alias=_named("home", "BMS_HOME"))
    """Data directory."""
    database_url: str | None = Field(
        default=None, validation_alias=_named("database_url", "BMS_DATABASE_URL")
    )
    """SQLAlchemy URL; SQLite in ``home`` when it is None."""
    brain: str | None = Field(default=None, validation_alias=_named("brain", "BMS_BRAIN"))
    judge: str | None = Field(default=None, validation_alias=_named("judge", "BMS_JUDGE"))
    runtime: str = Field(default="auto", validation_alias=_named("runtime", "BMS_RUNTIME"))
    ollama_host: str | None = Field(default=None, validation_alias=_named("ollama_host", "OLLAMA_HOST"))
    hub_endpoint: str = Field(
        default="https://huggingface.co", validation_alias=_named("hub_endpoint", "HF_ENDPOINT")
    )
    hub_token: SecretStr | None = Field(default=None, validation_alias=_named("hub_token", "HF_TOKEN"))
    openai_base_url: str | None = Field(
        default=None, validation_alias=_named("openai_base_url", "OPENAI_BASE_URL")
    )
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=_named("openai_api_key", "OPENAI_API_KEY")
    )
    registry_url: str = Field(
        default="https://registry.ollama.ai",
        validation_alias=_named("registry_url", "BMS_OLLAMA_REGISTRY"),
    )
    duckduckgo_url: str | None = Field(
        default=None, validation_alias=_named("duckduckgo_url", "BMS_DUCKDUCKGO_URL")
    )
    allow_hosts: str = Field(default="", validation_alias=_named("allow_hosts", "BMS_ALLOW_HOSTS"))
    """Private ``host:port``s that the page reader may reach, separated by commas."""

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

    @field_validator("home", mode="after")
    @classmethod
    def _whole_path(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def rows_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'bms.sqlite'}"

    @property
    def checkpoints_path(self) -> Path:
        return self.home / "checkpoints.sqlite"

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def allowed_hosts(self) -> frozenset[str]:
        return frozenset(host.strip() for host in self.allow_hosts.split(",") if host.strip())

    def secrets(self) -> tuple[str, ...]:
        """Values that must never be written anywhere."""
        held = (self.hub_token, self.openai_api_key)
        return tuple(secret.get_secret_value() for secret in held if secret is not None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings() -> Settings:
    """The settings; :class:`WrongUse` names the setting and what is wrong with it."""
    import tomllib

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise WrongUse(
            f"The setting {name} cannot be used: {first['msg']}.", "See `bms --help` and docs/reference."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(f"{FILE} is not valid TOML: {error}.") from error

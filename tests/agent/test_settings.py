"""Settings: environment before ``bms.toml`` before defaults; what is wrong is named; secrets stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from agent.settings import VARIABLES, Settings, load_settings
from store.database import Database
from tools.faults import WrongUse

TOKEN = "hf_aVerySecretTokenOfThisMachine"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("BMS_HOME")
    monkeypatch.delenv("BMS_SEARCH_ENGINES")
    return folder


def toml(text: str | bytes) -> None:
    Path("bms.toml").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_without_any_setting_there_are_defaults(home: Path):
    settings = load_settings()
    assert settings.home.is_relative_to(home), "the platform's folder for data, in the person's home"
    assert settings.home != home
    assert settings.runtime == "auto"
    assert settings.hub_endpoint == "https://huggingface.co"
    assert settings.registry_url == "https://registry.ollama.ai"
    unset = (
        "database_url",
        "brain",
        "judge",
        "ollama_host",
        "hub_token",
        "openai_base_url",
        "duckduckgo_url",
        "searxng_url",
    )
    assert [getattr(settings, name) for name in unset] == [None] * len(unset)
    assert settings.allowed_hosts == frozenset()
    assert settings.engines == ("duckduckgo", "searxng", "mojeek", "brave")
    assert settings.cache_days == 7.0
    assert settings.secrets() == ()
    assert settings.rows_url == f"sqlite:///{settings.home}/bms.sqlite"
    assert settings.checkpoints_url == f"sqlite:///{settings.home}/checkpoints.sqlite"
    assert settings.models_dir.parent == settings.home


def test_every_setting_has_its_variable():
    assert set(VARIABLES) == set(Settings.model_fields)


EXAMPLES = {
    "home": ("/data/one", "/data/two"),
    "runtime": ("ollama", "openai"),
    "runtimes": ("http://one:11434", "openai:http://two/v1"),
    "searxng_url": ("http://one", "https://two:8443/searx"),
    "search_engines": ("mojeek", "yahoo,brave"),
    "cache_days": ("0.5", "30.0"),
    "leaderboards": ("False", "True"),
    "token": ("a-token-of-this-test", "another-token-of-this-test"),
    "runs_at_once": ("1", "3"),
    "threads": ("2", "4"),
}


def shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


@pytest.mark.parametrize(("name", "variable"), VARIABLES.items())
def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, name: str, variable: str):
    in_file, in_environment = EXAMPLES.get(name, ("one", "two"))
    toml(f'{name} = "{in_file}"')
    assert shown(load_settings(), name) == in_file
    monkeypatch.setenv(variable, in_environment)
    assert shown(load_settings(), name) == in_environment
    monkeypatch.setenv(variable, "  ")
    assert shown(load_settings(), name) == in_file, "a blank variable is none"


@pytest.mark.parametrize("name", [name for name, variable in VARIABLES.items() if name.upper() != variable])
def test_a_variable_that_only_sounds_like_a_setting_is_none(monkeypatch: pytest.MonkeyPatch, name: str):
    """``HOME``, ``RUNTIME``, ``DATABASE_URL`` and the like belong to other programs."""
    before = load_settings()
    if name != "home":  # the default follows HOME, but is not HOME itself
        monkeypatch.setenv(name.upper(), "of another program")
        monkeypatch.setenv(name, "of another program")
    assert load_settings() == before
    assert str(before.home) != str(Path.home())


def test_what_the_program_passes_wins_over_all(monkeypatch: pytest.MonkeyPatch):
    toml('runtime = "ollama"')
    monkeypatch.setenv("BMS_RUNTIME", "openai")
    assert Settings(runtime="llamacpp").runtime == "llamacpp"
    with pytest.raises(ValidationError):
        Settings(runtmie="llamacpp")  # type: ignore[call-arg]


@pytest.mark.parametrize("value", ["none", "None", "NONE", " none ", "", " "])
def test_no_brain_is_a_choice(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("BMS_BRAIN", value)
    assert load_settings().brain is None
    monkeypatch.setenv("BMS_BRAIN", "ollama:qwen3:8b")
    assert load_settings().brain == "ollama:qwen3:8b"


def test_no_brain_in_the_environment_wins_over_a_brain_in_the_file(monkeypatch: pytest.MonkeyPatch):
    toml('brain = "ollama:qwen3:8b"')
    monkeypatch.setenv("BMS_BRAIN", "none")
    assert load_settings().brain is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('runtime = "vllm"', "BMS_RUNTIME (runtime in bms.toml) cannot be used: must be one of auto, ollama"),
        ("home = 3", "BMS_HOME (home in bms.toml) cannot be used"),
        ("[home]\na = 1", "BMS_HOME (home in bms.toml) cannot be used"),
        ('allow_hosts = ["127.0.0.1:80"]', "BMS_ALLOW_HOSTS (allow_hosts in bms.toml) cannot be used"),
        ('search_engines = "google"', "'google' is no search engine; there are searxng, duckduckgo, mojeek,"),
        ('search_engines = ["mojeek"]', "BMS_SEARCH_ENGINES (search_engines in bms.toml) cannot be used"),
        (
            "cache_days = -1",
            "BMS_CACHE_DAYS (cache_days in bms.toml) cannot be used: must be a number of days, 0 or more",
        ),
        ("cache_days = inf", "BMS_CACHE_DAYS (cache_days in bms.toml) cannot be used"),
        ('searxng_url = "searx.example"', "cannot be used: must be an http or https address"),
        ('searxng_url = "http://me:secret@searx.example"', "without a user name"),
        ('searxng_url = "http://searx.example:x"', "must be an http or https address"),
        ('searxng_url = "ftp://searx.example:21"', "must be an http or https address"),
        ('searxng_url = "http://searx.example/?q="', "or a query"),
        ("hub_token = 5", "HF_TOKEN (hub_token in bms.toml) cannot be used"),
        ('token = "fifteen-letters"', "BMS_TOKEN (token in bms.toml) cannot be used: must have at least 16"),
        ('token = "sixteen letters and spaces"', "without spaces"),
        ('token = "sechzehn-Schlüssel"', "must have at least 16 letters, digits and signs"),
        ('hosts = "*"', "BMS_HOSTS (hosts in bms.toml) cannot be used: '*' is no host name such as"),
        ('hosts = "models.example, http://one/path"', "'http://one/path' is no origin such as"),
        ('hosts = "ftp://one"', "is no origin"),
        ('hosts = "null"\nruns_at_once = 0', "must be a whole number, 1 to 16"),
        (
            'runs_at_once = "many"',
            "BMS_RUNS_AT_ONCE (runs_at_once in bms.toml) cannot be used: must be a",
        ),
        ('brian = "ollama:qwen3:8b"', "bms.toml has 'brian', which is no setting"),
        ("home =", "bms.toml is not valid TOML"),
        ('home = "a"\nhome = "b"', "bms.toml is not valid TOML"),
        (b'home = "\xff"', "bms.toml is not text in UTF-8"),
    ],
)
def test_what_cannot_be_used_is_named(text: str | bytes, words: str):
    toml(text)
    with pytest.raises(WrongUse) as caught:
        load_settings()
    assert words in caught.value.sentence
    assert caught.value.exit_code == 2


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_RUNTIME", "vllm")
    with pytest.raises(WrongUse, match="The setting BMS_RUNTIME"):
        load_settings()


def test_secrets_show_nowhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("BMS_DATABASE_URL", "postgresql://user:hunter2@host/name")
    monkeypatch.setenv("BMS_TOKEN", " the-service's-own-token\n")
    settings = load_settings()
    for text in (repr(settings), str(settings)):
        assert TOKEN not in text
        assert "sk-secret" not in text
        assert "hunter2" not in text
        assert "own-token" not in text
    assert TOKEN not in settings.model_dump_json()
    assert settings.secrets() == (TOKEN, "sk-secret", "the-service's-own-token", "hunter2")
    assert settings.rows_url == "postgresql://user:hunter2@host/name"


def test_a_token_that_cannot_be_used_is_not_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_TOKEN", "hunter2")
    with pytest.raises(WrongUse) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_an_empty_secret_is_none():
    toml('hub_token = ""\nopenai_api_key = "sk-secret"')
    assert load_settings().secrets() == ("sk-secret",)


def test_the_home_is_a_whole_path(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_HOME", "~/models")
    assert load_settings().home == home / "models"
    monkeypatch.setenv("BMS_HOME", "here")
    assert load_settings().home == folder / "here"


def test_any_home_can_hold_the_database(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_HOME", str(folder / "what? 50%20 #1"))
    settings = load_settings()
    assert make_url(settings.rows_url).database == str(settings.home / "bms.sqlite")
    with Database(settings.rows_url):
        assert (settings.home / "bms.sqlite").is_file()


def test_allowed_hosts_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_ALLOW_HOSTS", " 127.0.0.1:8080, ,intranet:80,")
    assert load_settings().allowed_hosts == {"127.0.0.1:8080", "intranet:80"}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://searx.lan/", "searx.lan:80"),
        ("https://Searx.lan/search/", "searx.lan:443"),
        ("http://127.0.0.1:8888", "127.0.0.1:8888"),
        ("http://[::1]:8888", "[::1]:8888"),
    ],
)
def test_the_searxng_server_may_be_reached(monkeypatch: pytest.MonkeyPatch, url: str, host: str):
    monkeypatch.setenv("BMS_ALLOW_HOSTS", "intranet:80")
    monkeypatch.setenv("BMS_SEARXNG_URL", f" {url} ")
    settings = load_settings()
    assert settings.allowed_hosts == {"intranet:80", host}
    assert settings.searxng_url == url.rstrip("/")


def test_a_blank_searxng_address_is_none():
    toml('searxng_url = " "')
    assert load_settings().searxng_url is None


def test_search_engines_are_named_in_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_SEARCH_ENGINES", "Yahoo, langchain:a.b.Search ,yahoo")
    assert load_settings().engines == ("yahoo", "langchain:a.b.Search")


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch):
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.runtime = "ollama"  # type: ignore[misc]

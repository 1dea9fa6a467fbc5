"""Stories: what they say of themselves, and a replay that names what it misses and goes on where it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from agent.cassettes import recorded
from agent.replaying import replay
from agent.settings import Settings
from agent.story import (
    ABOUT,
    About,
    HostProvenance,
    ReplayMiss,
    Story,
    available,
    check_name,
    load_story,
    stories_folder,
    write_about,
)
from store import runs
from store.database import Database
from tests.standins.http_server import Answered, StandIn
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW
from tools.clock import FixedClock
from tools.faults import WrongUse

LIVE = HostProvenance(host="huggingface.co", how="recorded live", detail="on 2026-03-01")


def an_about(**changes: object) -> About:
    given = {"text": "evaluate 8B models for therapy coaching", "recorded_at": NOW, "hosts": (LIVE,)}
    return About.model_validate({**given, **changes})


def get(url: str) -> str:
    return httpx.get(url, trust_env=False, timeout=PATIENCE).text


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A story of three requests for one page, whose server is gone."""
    folder = tmp_path / "stories" / "small"
    folder.mkdir(parents=True)
    numbers = iter(range(1, 9))
    with StandIn(lambda _: Answered(f"page {next(numbers)}".encode())) as server:
        with recorded(folder / "http.yaml"):
            for _ in range(3):
                get(server.address)
        address = server.address
    write_about(folder, an_about(text=address))
    return load_story("small", folder.parent)


# --- what a story says of itself ---------------------------------------------------------------------------


def test_a_story_comes_back_as_it_was_written(tmp_path: Path):
    (tmp_path / "therapy-8b").mkdir()
    about = an_about(text="therapy: “coaching” ⭐\nüber alles #1", judge="ollama:qwen3:8b", seed=7)
    write_about(tmp_path / "therapy-8b", about)
    story = load_story("therapy-8b", tmp_path)
    assert story.about == about
    assert story.http == tmp_path / "therapy-8b" / "http.yaml"
    assert FixedClock(story.about.recorded_at).today() == NOW.date()
    assert "über alles" in (tmp_path / "therapy-8b" / ABOUT).read_text("utf-8"), "a person can read it"


def test_an_instant_that_a_person_wrote_is_understood(tmp_path: Path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / ABOUT).write_text("text: x\nrecorded_at: 2026-03-01T13:00:00+01:00\nhosts: []\n")
    assert load_story("small", tmp_path).about.recorded_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_provenance_names_every_host_by_how_it_came():
    about = an_about(
        hosts=(
            LIVE,
            HostProvenance(host="127.0.0.1:11434", how="recorded from a local server", detail="Ollama 0.12"),
            HostProvenance(host="b.example", how="authored", detail="by hand"),
            HostProvenance(host="a.example", how="authored", detail="by hand"),
        )
    )
    assert about.provenance == (
        "authored: b.example, a.example; recorded from a local server: 127.0.0.1:11434; "
        "recorded live: huggingface.co"
    )


@pytest.mark.parametrize("name", ["therapy-8b", "a", "8b", "a" * 61])
def test_names_of_stories(name: str):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "../a", "a/b", "a.b", "a b", "a\n", "a" * 62, "ü"])
def test_names_that_could_be_anything_else_are_refused(name: str, tmp_path: Path):
    with pytest.raises(WrongUse, match="is not a name for a story"):
        check_name(name)
    with pytest.raises(WrongUse):
        load_story(name, tmp_path)


def test_an_unknown_story_lists_those_that_there_are(tmp_path: Path):
    with pytest.raises(WrongUse, match="There is no story 'none'; there is: none") as caught:
        load_story("none", tmp_path)
    assert not any(name in caught.value.sentence for name in available())
    with pytest.raises(WrongUse, match="There is no story 'none'") as caught:
        load_story("none")
    assert all(name in caught.value.sentence for name in available())


def test_every_story_that_travels_can_be_loaded():
    assert available(), "there is a story to show"
    for name in available():
        story = load_story(name)
        assert story.http.is_file()
        assert story.folder.parent == stories_folder()
        assert story.about.hosts, "it says where its recordings come from"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it as a whole"),
        ("text: [", "cannot be read"),
        ("text: x\nhosts: []", "recorded_at: Field required"),
        ("text: x\nrecorded_at: 2026-03-01\nhosts: []", "recorded_at"),
        ("text: x\nrecorded_at: 2026-03-01 12:00:00\nhosts: []", "recorded_at: Input should have timezone"),
        ("text: x\nrecorded_at: 2026-03-01T12:00:00Z\nhosts: []\ncount: 0", "count"),
        ("text: x\nrecorded_at: 2026-03-01T12:00:00Z\nhosts: []\ncuont: 5", "cuont: Extra inputs"),
        (
            "text: x\nrecorded_at: 2026-03-01T12:00:00Z\nhosts: [{host: h, how: magic, detail: d}]",
            "hosts.0.how",
        ),
        (b"\xff\xfe\xfa", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_story_that_cannot_be_used_is_named(tmp_path: Path, content: str | bytes | None, words: str):
    path = tmp_path / "small" / ABOUT
    path.parent.mkdir()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WrongUse) as caught:
        load_story("small", tmp_path)
    assert str(path) in caught.value.sentence
    assert words in caught.value.sentence


# --- replay ------------------------------------------------------------------------------------------------


async def test_a_run_goes_on_in_its_story_and_another_begins_it(
    database: Database, story: Story, run_id: str
):
    settings, url = Settings(), story.about.text
    with database.session() as session:
        other = runs.create(session, "another", {}, NOW)
    async with replay(settings, database, story, run_id):
        assert get(url) == "page 1"
    async with replay(settings, database, story, run_id[:-1]) as cassette:
        assert [get(url), get(url)] == ["page 2", "page 3"]
        assert cassette.unused() == []
    async with replay(settings, database, story, other):
        assert get(url) == "page 1"


async def test_a_miss_ends_the_replay_and_is_named(database: Database, story: Story, run_id: str):
    url = story.about.text
    with pytest.raises(ReplayMiss) as caught:
        async with replay(Settings(), database, story, run_id):
            get(f"{url}/never")
    assert caught.value.sentence == f"The story small has no recording of GET {url}/never."
    assert "bms record" in caught.value.next_step


async def test_a_miss_that_was_swallowed_is_told_at_the_end(database: Database, story: Story, run_id: str):
    async def careless() -> None:
        async with replay(Settings(), database, story, run_id):
            for path in ("never", "again"):
                with pytest.raises(Exception, match="not in the recording"):
                    get(f"{story.about.text}/{path}")

    with pytest.raises(ReplayMiss, match=r"/never and 1 more\."):
        await careless()


async def test_another_failure_stays_what_it_is(database: Database, story: Story, run_id: str):
    async def failing() -> None:
        async with replay(Settings(), database, story, run_id):
            assert get(story.about.text) == "page 1"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()


async def test_a_run_that_is_not_there_has_no_replay(database: Database, story: Story):
    with pytest.raises(WrongUse, match="There is no run"):
        async with replay(Settings(), database, story, "nobody"):
            pytest.fail("it began")

"""For each station and each fault: the run ends as it would have, no finished model call is repeated, no
event is lost or doubled, no half document is left, and the person reads a sentence.

``python -m tests.faults`` prints the table.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import faults
from tests.faults.faults import LEASE_SECONDS, at_the_model
from tests.faults.matrix import Calm, Cell, Strike, differences, play, undisturbed
from tests.faults.small_world import SmallWorld
from tests.faults.theatre import Theatre, theatre
from tests.standins.postgres import Postgres, folder_of
from tests.standins.zygote import Zygote

SHORT = {"lease_seconds": LEASE_SECONDS}
STATIONS = {
    *("intake", "research", "compare", "approve", "record_approval", "scenarios", "name_judge", "pull"),
    *("answer", "check_judge", "judge", "decide", "review", "record_review", "document"),
}
"""Those that a run goes through at which nobody has to be asked for more than the proposals."""


@pytest.fixture(scope="module")
def world() -> Iterator[SmallWorld]:
    with SmallWorld() as opened:
        yield opened


@pytest.fixture(scope="module")
def calm(zygote: Zygote, world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    with theatre(zygote, world, tmp_path_factory.mktemp("calm")) as stage:
        found = undisturbed(stage)
    assert set(found.middles) == STATIONS
    assert (found.outcome.status, found.outcome.detail) == ("done", "DEPLOY")
    assert set(found.outcome.chats.values()) == {1}
    return found


@pytest.fixture
def stage(zygote: Zygote, world: SmallWorld, tmp_path: Path) -> Iterator[Theatre]:
    with theatre(zygote, world, tmp_path / "run") as opened:
        yield opened


@pytest.fixture
def stage_on_postgres(
    zygote: Zygote, world: SmallWorld, tmp_path: Path, postgres_url: str
) -> Iterator[Theatre]:
    with theatre(zygote, world, tmp_path / "run", postgres_url) as opened:
        yield opened


def all_right(cells: dict[str, Cell], stations: set[str] = STATIONS) -> None:
    assert set(cells) == stations
    assert not {at: cell for at, cell in cells.items() if cell.wrong}


@pytest.mark.parametrize(
    ("strike", "part"),
    [
        pytest.param(faults.kill, {}, id="kill -9"),
        pytest.param(faults.terminate, {}, id="SIGTERM", marks=pytest.mark.slow),
        pytest.param(faults.freeze, SHORT, id="frozen", marks=pytest.mark.slow),
        pytest.param(faults.locked(0.2), {}, id="database locked for a while", marks=pytest.mark.slow),
        pytest.param(faults.locked(5.0), {}, id="database locked for 5 s", marks=pytest.mark.slow),
        pytest.param(faults.disk_full, {}, id="disk full", marks=pytest.mark.slow),
        pytest.param(faults.jump(3600), {}, id="clock ahead", marks=pytest.mark.slow),
        pytest.param(faults.jump(-3600), {}, id="clock back", marks=pytest.mark.slow),
    ],
)
def test_at_every_station(stage: Theatre, calm: Calm, strike: Strike, part: dict[str, float]) -> None:
    all_right(play(stage, strike, calm, **part))


def test_another_fault_at_each_station(stage: Theatre, calm: Calm) -> None:
    """The columns of the matrix that are slow, quickly: a cell of each."""
    strike = faults.in_turn(
        faults.jump(3600), faults.disk_full, faults.locked(0.2), faults.terminate, faults.jump(-3600)
    )
    all_right(play(stage, strike, calm))


@pytest.mark.slow
def test_frozen_and_taken_over_before_it_wakes(stage: Theatre, calm: Calm) -> None:
    all_right(faults.taken_over(stage, calm))


def test_the_runtime_is_killed_in_the_middle_of_an_answer(stage: Theatre, calm: Calm) -> None:
    stops = at_the_model(calm)
    all_right(play(stage, faults.runtime_killed, calm, stops), set(stops))


def test_the_network_is_cut_where_research_is_done(stage: Theatre, calm: Calm) -> None:
    """The proof of the artefact asks the registry; nothing after it asks anybody outside."""
    stops = {station: place for station, place in calm.middles.items() if station != "research"} | {"pull": 1}
    cells = play(stage, faults.network_cut, calm, stops, survey=True)
    all_right(cells, STATIONS - {"research"})
    assert [at for at, cell in cells.items() if cell.said] == ["pull"]
    assert "Check the network" in cells["pull"].said


@pytest.mark.parametrize(
    ("strike", "part"),
    [
        pytest.param(faults.kill, {}, id="kill -9", marks=pytest.mark.slow),
        pytest.param(
            faults.not_taken_over, SHORT, id="frozen, and another one tries", marks=pytest.mark.slow
        ),
        pytest.param(faults.terminate, {}, id="SIGTERM", marks=pytest.mark.slow),
        pytest.param(faults.freeze, SHORT, id="frozen", marks=pytest.mark.slow),
        pytest.param(faults.server_disk_full, {}, id="disk full", marks=pytest.mark.slow),
        pytest.param(faults.jump(3600), {}, id="clock ahead", marks=pytest.mark.slow),
        pytest.param(faults.jump(-3600), {}, id="clock back", marks=pytest.mark.slow),
    ],
)
def test_at_every_station_on_postgresql(
    stage_on_postgres: Theatre, calm: Calm, strike: Strike, part: dict[str, float]
) -> None:
    all_right(play(stage_on_postgres, strike, calm, **part))


def test_another_fault_at_each_station_on_postgresql(stage_on_postgres: Theatre, calm: Calm) -> None:
    strike = faults.in_turn(
        faults.kill, faults.jump(3600), faults.server_disk_full, faults.not_taken_over, faults.terminate
    )
    all_right(play(stage_on_postgres, strike, calm, **SHORT))


@pytest.mark.slow
def test_the_runtime_is_killed_on_postgresql(stage_on_postgres: Theatre, calm: Calm) -> None:
    stops = at_the_model(calm)
    all_right(play(stage_on_postgres, faults.runtime_killed, calm, stops), set(stops))


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_postgresql_is_stopped_and_begun_again(
    zygote: Zygote, world: SmallWorld, calm: Calm, tmp_path: Path, seconds: float
) -> None:
    server = Postgres(folder_of(f"faults-{uuid.uuid4().hex[:8]}"))
    try:
        with theatre(zygote, world, tmp_path / "run", faults.durable(server)) as stage:
            all_right(play(stage, faults.gone(server, seconds), calm))
    finally:
        server.close()


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("stage", id="sqlite"),
        pytest.param("stage_on_postgres", id="postgresql", marks=pytest.mark.slow),
    ],
)
def test_of_eight_that_resume_it_at_once_one_works_and_the_others_are_told(
    request: pytest.FixtureRequest, calm: Calm, place: str
) -> None:
    stage: Theatre = request.getfixturevalue(place)
    drivers = [stage.start({"research": 1}, together=True) for _ in range(8)]
    for driver in drivers:
        assert driver.next() is not None
    for driver in drivers:
        driver.go_on()
    working = [driver for driver in drivers if driver.next() is not None]
    assert len(working) == 1
    for driver in drivers:
        if driver not in working:
            said = driver.end()
            assert said.status == 1, said
            assert f"Run {stage.run_id} is already running" in said.sentence
            assert f"`bms show {stage.run_id}` follows it" in said.sentence
    working[0].go_on()
    assert working[0].end().status == 0
    assert not differences(calm.outcome, stage.outcome())


@pytest.mark.slow
def test_one_that_was_begun_in_the_background_ends_at_sigterm_too(stage: Theatre, calm: Calm) -> None:
    """A shell has it ignore Ctrl-C, and everything that is built on that."""
    driver = stage.start({"answer": calm.middles["answer"]}, in_background=True)
    stop = driver.next()
    assert stop is not None
    said = faults.terminate(stage, driver, stop)
    assert "Interrupted. What was finished is kept" in said.sentence
    assert stage.start().end().status == 0
    assert not differences(calm.outcome, stage.outcome())

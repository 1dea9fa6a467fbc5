"""``kill -9`` in the middle of an evaluation's special paths, and a resume: no paid call is paid for again.

One request is under way at a time, so the one that a process dies at is the only one that is ever lost: every
call that was answered must have been answered once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conftest import Bms
from tests.standins.command_line import AtTerminal
from tests.standins.umpired import CANDIDATE, PANEL, SECOND, UMPIRE, Call, Umpired, nth
from tests.standins.umpired_runs import Place, differences

pytestmark = pytest.mark.usefixtures("elsewhere")

KILLED, AFTER = "tests.graphs.killed", "tests.standins.killed_after"
OF_SECOND = f"SELECT scenario_id FROM assessments WHERE judge = 'openai:{SECOND}'"
Making = Callable[[], Umpired]
"""A server that behaves the same for the disturbed run and for the one beside it."""


def texts(n: int) -> list[str]:
    return [f"morning number {i}" for i in range(1, n + 1)]


@pytest.fixture
def place(home: Path) -> Place:
    return Place(home / "bms")


@pytest.fixture
def here(bms: Bms, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``bms ARGUMENTS`` in this process, in a data directory and against a server; it has to end well."""

    def call(place: Place, server: Umpired, *arguments: str) -> Any:
        monkeypatch.setenv("BMS_HOME", str(place.home))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        said = bms(*arguments)
        assert said.status == 0, said
        return said

    return call


@pytest.fixture
def undisturbed(here: Any, tmp_path: Path) -> Callable[..., tuple[Any, Umpired]]:
    """What the same commands come to when nothing happens; and what that took."""

    def run(make: Making, *commands: Callable[[Place], tuple[str, ...]]) -> tuple[Any, Umpired]:
        calm = Place(tmp_path / "calm")
        with make() as server:
            for command in commands:
                here(calm, server, *command(calm))
        return calm.comes_to(), server

    return run


def whole(place: Place) -> None:
    """What stands in the document's folder is whole, and all of one run."""
    if place.document.exists():
        text = place.document.read_text("utf-8")
        assert text.startswith(f"<!-- bms run: {place.run_id} -->\n")
        assert "\n## Next Steps\n" in text
        assert place.results["run"] == place.run_id
        for path in place.exports.glob("*.jsonl"):
            for line in path.read_text("utf-8").splitlines():
                json.loads(line)


# --- an answer that was cut off ----------------------------------------------------------------------------


def test_at_the_second_call_of_an_answer_that_was_cut_off(place: Place, here: Any, undisturbed: Any) -> None:
    def make() -> Umpired:
        return Umpired(say=lambda call: f"Good {call.text}" + " word" * 60, cuts_at_limit=True)

    def command(place: Place) -> tuple[str, ...]:
        return place.evaluate(texts(4), "--max-tokens", "50", "--yes")

    expected, calm = undisturbed(make, command)
    with make() as server:
        larger = nth(2, lambda call: not call.by_judge and call.limit == 200)
        server.killed(place.home, *command(place), at=larger)
        assert place.rows("SELECT count(*) FROM answers") == [(1,)]
        whole(place)
        here(place, server, "resume", place.run_id)
        assert not server.again()
        assert Counter(server.calls) == Counter(calm.calls)
    assert differences(place.comes_to(), expected) == []
    whole(place)


def test_with_several_calls_under_way_only_those_are_asked_again(
    place: Place, here: Any, undisturbed: Any
) -> None:
    at_once = 4

    def command(place: Place) -> tuple[str, ...]:
        return (*place.evaluate(texts(24), "--yes", judge=PANEL), "--concurrency", str(at_once))

    expected, calm = undisturbed(Umpired, command)
    with Umpired() as server:
        server.killed(place.home, *command(place), at=nth(14, lambda call: call.model == SECOND))
        kept = {name for (name,) in place.rows(OF_SECOND)}
        assert 14 - at_once <= len(kept) < 14
        here(place, server, "resume", place.run_id)
        assert set(server.calls) == set(calm.calls)
        lost = server.again()
        assert {call.model for call in lost} <= {SECOND}
        assert sum(lost.values()) - len(lost) < at_once
        assert not {f"Good morning number {name[1:]}" for name in kept} & {call.text for call in lost}
    assert differences(place.comes_to(), expected) == []


# --- several judges, and one criterion at a time -----------------------------------------------------------


def test_at_the_second_judge_of_a_panel(place: Place, here: Any, undisturbed: Any) -> None:
    def make() -> Umpired:
        return Umpired(verdict=lambda call, _: "NO" if call.model == SECOND and "3" in call.text else "YES")

    def command(place: Place) -> tuple[str, ...]:
        return place.evaluate(texts(6), "--yes", judge=PANEL)

    expected, calm = undisturbed(make, command)
    with make() as server:
        server.killed(place.home, *command(place), at=nth(4, lambda call: call.model == SECOND))
        assert sorted(place.rows("SELECT judge, count(*) FROM assessments GROUP BY judge")) == [
            (f"openai:{SECOND}", 3),
            (f"openai:{UMPIRE}", 6),
        ]
        here(place, server, "resume", place.run_id)
        assert not server.again()
        assert server.planted == calm.planted, "no judge is tried twice"
    assert differences(place.comes_to(), expected) == []


def test_between_two_criteria_of_an_answer(place: Place, here: Any, undisturbed: Any) -> None:
    def command(place: Place) -> tuple[str, ...]:
        return place.evaluate(texts(5), "--per-criterion", "--yes")

    expected, calm = undisturbed(Umpired, command)
    with Umpired() as server:
        second_question = nth(3, lambda call: call.criteria == ("S2",))
        server.killed(place.home, *command(place), at=second_question)
        assert place.rows("SELECT count(*) FROM assessments") == [(2,)]
        assert len(server.judged()) == 5
        here(place, server, "resume", place.run_id)
        assert not server.again(), "the first criterion of the third answer was paid for"
        assert server.planted == calm.planted
    assert differences(place.comes_to(), expected) == []


def test_what_a_judge_garbled_by_criterion_is_asked_again_by_an_extension(place: Place, here: Any) -> None:
    """Replies are remembered so that a kill repeats none; one that nobody could read must not be final."""
    broken = True

    def verdict(call: Call, criterion: str) -> str:
        return "perhaps" if broken and criterion == "S2" and call.text.endswith(("1", "2")) else "YES"

    with Umpired(verdict=verdict) as server:
        here(place, server, *place.evaluate(texts(22), "--per-criterion", "--yes"))
        (before,) = place.results["results"]
        assert (before["decision"], before["measured"]) == ("UNDECIDED", 16)
        broken = False
        here(place, server, "resume", place.run_id)
        (after,) = place.results["results"]
        assert after["measured"] == 22


def test_the_same_answer_to_the_same_message_is_no_accident(place: Place, here: Any) -> None:
    """Two scenarios of one wording lead to one and the same call of the judge, at the same time."""
    with Umpired(say=lambda _: "Good.") as server:
        command = place.evaluate(["Hello there."] * 12, "--per-criterion", "--yes")
        here(place, server, *command[:-2], "--concurrency", "6", *command[-2:])
    assert place.results["results"][0]["measured"] == 12


# --- an extension ------------------------------------------------------------------------------------------


def mixed(call: Call) -> str:
    return f"{'Good' if len(call.text) % 3 else 'Bad'} {call.text}"


@pytest.mark.slow
def test_at_every_step_of_an_extension(place: Place, here: Any, undisturbed: Any) -> None:
    def make() -> Umpired:
        return Umpired(say=mixed)

    def evaluate(place: Place) -> tuple[str, ...]:
        return place.evaluate((), "--count", "30", "--yes")

    def further(place: Place) -> tuple[str, ...]:
        return ("resume", place.run_id, "--further", "12", "--yes")

    expected, _ = undisturbed(make, evaluate, further)
    with make() as server:
        here(place, server, *evaluate(place))
        assert place.results["results"][0]["decision"] == "UNDECIDED"
        before = place.document.read_bytes()
        resume = ("resume", place.run_id)
        server.killed(place.home, *further(place), at=nth(5, lambda call: not call.by_judge))
        assert place.document.read_bytes() == before
        server.killed(place.home, *resume, at=nth(3, lambda call: call.by_judge))
        assert place.document.read_bytes() == before
        assert place.rows("SELECT count(*) FROM scenarios") == [(42,)]
        place.dies(AFTER, "os:replace", "3", arguments=resume, env=server.env)
        whole(place)
        here(place, server, *resume)
        assert not server.again()
    assert differences(place.comes_to(), expected) == []
    whole(place)
    assert not [path for path in place.docs.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("step", ["store.evaluation:forget_unmeasured", "store.runs:reopen"])
def test_before_an_extension_has_begun(place: Place, here: Any, step: str) -> None:
    """What was forgotten in order to be asked again is asked again, whoever comes next."""
    flaw = {"on": True}

    def verdict(call: Call, _criterion: str) -> str:
        return "perhaps" if flaw["on"] and call.text.endswith(("1", "2")) else "YES"

    with Umpired(verdict=verdict) as server:
        here(place, server, *place.evaluate(texts(22), "--yes"))
        assert place.results["results"][0]["measured"] == 16
        flaw["on"] = False
        calls = len(server.calls)
        resume = ("resume", place.run_id)
        place.dies(AFTER, step, "1", arguments=resume, env=server.env)
        here(place, server, *resume)
        assert place.results["results"][0]["measured"] == 22
        assert len(server.calls) == calls + 6
    whole(place)


# --- failures asked again ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_among_the_failures_that_are_asked_again(place: Place, here: Any, undisturbed: Any) -> None:
    def say(call: Call) -> str:
        better = "sense" in call.system.lower()
        return f"{'Good' if better or int(call.text.split()[-1]) % 2 else 'Bad'} {call.text}"

    def make() -> Umpired:
        return Umpired(say=say)

    def command(place: Place) -> tuple[str, ...]:
        return place.evaluate(texts(12), "--try-prompt", "--yes")

    expected, calm = undisturbed(make, command)
    first = next(call for call in calm.calls if call.model == CANDIDATE)

    def repeated(call: Call) -> bool:
        return not call.by_judge and call.seed != first.seed and call.system == first.system

    def reprompted(call: Call) -> bool:
        return not call.by_judge and call.system != first.system

    assert (len(list(filter(repeated, calm.calls))), len(list(filter(reprompted, calm.calls)))) == (6, 6)
    with make() as server:
        server.killed(place.home, *command(place), at=nth(3, repeated))
        resume = ("resume", place.run_id)
        server.killed(place.home, *resume, at=nth(3, reprompted))
        server.killed(place.home, *resume, at=nth(2, lambda call: call.by_judge))
        here(place, server, *resume)
        assert Counter(call for call in server.calls if not call.by_judge) == Counter(
            call for call in calm.calls if not call.by_judge
        )
        assert len(server.judged()) == len(calm.judged())
        assert server.planted == calm.planted
    assert differences(place.comes_to(), expected) == []
    (retrial,) = [model["retrial"] for model in place.results["data"]["models"]]
    assert (retrial["repeated"]["passed"], retrial["reprompted"]["passed"]) == (0, 6)


# --- a person's part ---------------------------------------------------------------------------------------


def test_among_a_persons_verdicts(place: Place, here: Any) -> None:
    with Umpired() as server:
        command = place.evaluate(texts(4), judge="human")
        said = here(place, server, *command)
        run_id = place.run_id
        assert f"bms label {run_id}" in said.sentence + said.text
        with AtTerminal(place.home, "label", run_id, env=server.env) as terminal:
            for shown in ("S1 (1 of 2)", "S2 (2 of 2)", "S1 (1 of 2)"):
                terminal.until(shown)
                terminal.until("quit")
                terminal.until_idle()
                terminal.type("y")
            terminal.until("S2 (2 of 2)")
            terminal.kill()
        by_label = [json.loads(record) for (record,) in place.rows("SELECT record FROM labels")]
        assert sorted(len(label["verdicts"]) for label in by_label) == [1, 2]
        waiting = here(place, server, "resume", run_id)
        assert "waits for a person's verdicts" in waiting.sentence + waiting.text
        path = place.home / "labels.jsonl"
        here(place, server, "label", run_id, "--export", str(path))
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert len(lines) == 3, "the half given one is asked for again"
        for line in lines:
            line["verdicts"] = {"S1": "YES", "S2": "NO"}
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        here(place, server, "label", run_id, "--from", str(path))
        here(place, server, "resume", run_id, "--yes")
        assert not server.judged()
        assert len(server.calls) == 4
    (found,) = place.results["results"]
    assert (found["measured"], found["passed"]) == (4, 1)


def test_after_a_drafted_taxonomy_was_agreed_to(place: Place, here: Any, undisturbed: Any) -> None:
    def command(place: Place) -> tuple[str, ...]:
        return place.evaluate((), "--count", "12", domain="beekeeping advice")

    def agreeing(place: Place) -> tuple[str, ...]:
        return ("resume", place.run_id, "--yes")

    expected, _ = undisturbed(Umpired, command, agreeing)
    with Umpired() as server:
        here(place, server, *command(place))
        made = place.rows("SELECT id, record FROM scenarios ORDER BY position")
        place.dies(KILLED, "scenarios", "agreed", "1", arguments=agreeing(place), env=server.env)
        assert not server.calls
        here(place, server, "resume", place.run_id)
        assert place.rows("SELECT id, record FROM scenarios ORDER BY position") == made
        assert place.kinds().count("scenarios agreed") == 1
        assert not server.again()
    assert differences(place.comes_to(), expected) == []

"""A person's whole way through an evaluation at the command line, from an open decision to a settled one."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conftest import Bms
from tests.standins.command_line import Said, ended, start
from tests.standins.patience import PATIENCE
from tests.standins.umpired import Call, Umpired
from tests.standins.umpired_runs import Place

pytestmark = pytest.mark.usefixtures("elsewhere")

Here = Callable[..., Said]


def texts(n: int) -> list[str]:
    return [f"morning number {i}" for i in range(1, n + 1)]


def number(call: Call) -> int:
    return int(call.text.split()[-1])


@pytest.fixture
def place(home: Path) -> Place:
    return Place(home / "bms")


@pytest.fixture
def here(bms: Bms, place: Place, monkeypatch: pytest.MonkeyPatch) -> Here:
    """``bms ARGUMENTS`` against a server, in this process and in the data directory of the test."""

    def call(server: Umpired, *arguments: str) -> Said:
        monkeypatch.setenv("BMS_HOME", str(place.home))
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        return bms(*arguments)

    return call


def headline(text: str) -> str:
    """The first decision in a text."""
    found = re.search(r"\b(DEPLOY|FINE_TUNE|FULL_PIPELINE|UNDECIDED)\b", text)
    assert found is not None, text
    return found[1]


def labels(path: Path, said: dict[str, bool], **more: Any) -> str:
    path.write_text(
        "".join(json.dumps({"id": name, "passed": passed, **more}) + "\n" for name, passed in said.items()),
        "utf-8",
    )
    return str(path)


# --- from open to settled ----------------------------------------------------------------------------------


def test_an_open_decision_is_settled_by_the_number_that_it_names(place: Place, here: Here) -> None:
    with Umpired() as server:
        said = here(server, *place.evaluate((), "--count", "20", "--yes"))
        assert said.status == 0, said
        assert headline(place.document.read_text("utf-8")) == "UNDECIDED"
        named = re.search(r"At least (\d+) further scenarios", said.text)
        assert named is not None
        answered = server.answered()
        settled = here(server, "resume", place.run_id, "--further", named[1])
        assert settled.status == 0, settled
        assert server.answered()[: len(answered)] == answered
        assert len(server.answered()) == len(set(server.answered())) == 20 + int(named[1])
        assert not server.again()
    (found,) = place.results["results"]
    assert (found["decision"], found["measured"]) == ("DEPLOY", 30)
    assert headline(place.document.read_text("utf-8")) == "DEPLOY"
    assert "30 of 30 passed (100%)" in settled.text
    shown = here(server, "show", place.run_id, "--json").json
    assert (shown["status"], shown["detail"]) == ("done", "DEPLOY")
    held = [row["scenario"]["held_out"] for row in place.results["data"]["models"][0]["rows"]]
    assert sum(held) == 6, "a fifth of all of them"
    again = here(server, "resume", place.run_id)
    assert again.status == 2
    assert "has ended (done): DEPLOY" in again.sentence


def test_a_gate_that_fails_too_often_forbids_deploying_from_the_command_line(
    place: Place, here: Here
) -> None:
    with Umpired(verdict=lambda call, name: "NO" if name == "S2" and number(call) <= 9 else "YES") as server:
        command = place.evaluate(texts(60), "--yes")
        rubric = place.home / "two.rubric.yaml"
        rubric.write_text(rubric.read_text("utf-8").replace('kind?"}', 'kind?", gate: true}'), "utf-8")
        here(server, *command)
    (found,) = place.results["results"]
    assert (found["passed"], found["answers_failing_a_gate"], found["gate_failures"]) == (51, 9, {"S2": 9})
    assert found["decision"] == "FINE_TUNE"
    assert "which forbids deploying whatever the pass rate" in place.document.read_text("utf-8")


def test_a_run_that_waits_for_its_review_takes_further_scenarios_and_waits_again(
    place: Place, here: Here
) -> None:
    with Umpired() as server:
        said = here(server, *place.evaluate((), "--count", "20"))
        assert said.status == 0, said
        run_id = place.run_id
        assert f"Run {run_id} waits for a review of the answers: bms resume {run_id}" in said.text
        more = here(server, "resume", run_id, "--further", "12")
        assert more.status == 0, more
        assert "waits for a review" in more.text
        assert len(server.answered()) == 32
        done = here(server, "resume", run_id, "--yes")
        assert done.out.splitlines()[-1] == str(place.document)
        assert not server.again()
    (found,) = place.results["results"]
    assert (found["decision"], found["measured"]) == ("DEPLOY", 32)


def test_failures_that_were_asked_again_stay_beside_further_scenarios(place: Place, here: Here) -> None:
    def say(call: Call) -> str:
        return f"{'Bad' if len(call.text) % 3 == 0 else 'Good'} {call.text}"

    with Umpired(say=say) as server:
        assert here(server, *place.evaluate((), "--count", "20", "--try-prompt", "--yes")).status == 0
        (before,) = place.results["data"]["models"]
        assert before["retrial"]["n"]
        more = here(server, "resume", place.run_id, "--further", "30", "--yes")
        assert more.status == 0, more
        (after,) = place.results["data"]["models"]
        assert len(after["rows"]) == 50
        for part in ("n", "repeated", "reprompted", "prompt"):
            assert after["retrial"][part] == before["retrial"][part], "it is of the failures that there were"
        assert after["retrial"]["failed"] > after["retrial"]["n"]
        assert not [call for call in server.again() if not call.by_judge]


def test_a_person_who_judges_is_asked_about_further_scenarios_only(place: Place, here: Here) -> None:
    with Umpired() as server:
        here(server, *place.evaluate((), "--count", "20", judge="human"))
        run_id, path = place.run_id, place.home / "labels.jsonl"

        def label() -> int:
            """Pass whatever is left; how many that was."""
            path.unlink(missing_ok=True)
            assert here(server, "label", run_id, "--export", str(path)).status == 0
            lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            filled = [{**line, "verdicts": dict.fromkeys(line["verdicts"], "YES")} for line in lines]
            path.write_text("".join(json.dumps(line) + "\n" for line in filled), "utf-8")
            assert here(server, "label", run_id, "--from", str(path)).status == 0
            return len(lines)

        assert label() == 20
        assert here(server, "resume", run_id, "--yes").status == 0
        assert place.results["results"][0]["decision"] == "UNDECIDED"
        more = here(server, "resume", run_id, "--further", "10")
        assert "waits for a person's verdicts" in more.text
        assert label() == 10
        assert here(server, "resume", run_id).status == 0
    (found,) = place.results["results"]
    assert (found["decision"], found["measured"]) == ("DEPLOY", 30)
    assert not server.judged()


# --- a domain that nobody has a taxonomy of ----------------------------------------------------------------


def test_a_drafted_taxonomy_waits_without_a_terminal_and_says_how_to_go_on(place: Place, here: Here) -> None:
    with Umpired() as server:
        said = here(server, *place.evaluate((), "--count", "12", domain="beekeeping advice"))
        assert said.status == 0, said
        run_id = place.run_id
        assert f"Run {run_id} waits for a word on its drafted scenarios: bms resume {run_id}" in said.text
        assert "--yes to take the draft" in said.text
        assert not server.calls
        assert server.greetings == 0, "nothing is loaded before somebody has agreed"
        assert not place.docs.exists()
        told = here(server, "resume", run_id, "--json")
        assert (told.status, told.json["status"], told.json["waits_for"]) == (0, "waiting", "scenarios")
        assert not server.calls
        went_on = here(server, "resume", run_id, "--yes")
        assert went_on.status == 0, went_on
        assert len(server.answered()) == 12
    assert went_on.out.splitlines()[-1] == str(place.document)
    assert place.kinds().count("scenarios agreed") == 1
    (by,) = place.rows("SELECT reply FROM calls WHERE purpose = 'scenarios agreed'")
    assert "no person" in by[0]
    assert "NO PERSON" in place.document.read_text("utf-8").upper()


# --- labels ------------------------------------------------------------------------------------------------


def judged_by_rule(place: Place, here: Here, server: Umpired) -> None:
    """Sixty answers, of which the judge passes fifty-four: DEPLOY."""
    assert here(server, *place.evaluate(texts(60), "--yes")).status == 0
    (found,) = place.results["results"]
    assert (found["decision"], found["passed"]) == ("DEPLOY", 54)


def one_in_ten(call: Call) -> str:
    return f"{'Bad' if number(call) % 10 == 0 else 'Good'} {call.text}"


def test_labels_that_agree_leave_the_decision(place: Place, here: Here) -> None:
    with Umpired(say=one_in_ten) as server:
        judged_by_rule(place, here, server)
        calls = len(server.calls)
        said = {f"s{i}": i % 10 != 0 for i in range(1, 41)}
        read = here(server, "label", place.run_id, "--from", labels(place.home / "l.jsonl", said))
        assert read.status == 0, read
        assert f"`bms calibrate {place.run_id}`" in read.text
        calibrated = here(server, "calibrate", place.run_id, "--json").json["calibration"]
        assert (calibrated["judge_only"], calibrated["human_only"]) == (0, 0)
        report = here(server, "report", place.run_id)
        assert headline(report.out) == "DEPLOY"
        assert "The judge beside people" in report.out
        assert len(server.calls) == calls, "nobody is asked anything"


def test_labels_that_disagree_open_the_decision_and_the_report_says_why(place: Place, here: Here) -> None:
    with Umpired(say=one_in_ten) as server:
        judged_by_rule(place, here, server)
        run_id = place.run_id
        said = {f"s{i}": i % 10 != 0 and i % 2 == 0 for i in range(1, 51)}
        here(server, "label", run_id, "--from", labels(place.home / "l.jsonl", said))
        calibrated = here(server, "calibrate", run_id, "--json").json["calibration"]
        report = here(server, "report", run_id)
        told = here(server, "report", run_id, "--json").json
        (found,) = told["results"]
        assert (found["decision"], headline(report.out)) == ("UNDECIDED", "UNDECIDED")
        model = told["data"]["models"][0]
        reason, corrected = model["decision"]["reason"], model["calibration"]["prediction_powered"]["rate"]
        assert corrected < 0.5
        assert f"corrected by a person's labels the rate is {corrected:.0%}" in reason
        assert "That points to FULL_PIPELINE, not to DEPLOY" in reason
        for count in ("both_pass", "judge_only", "human_only", "both_fail", "raw_rate", "sentence"):
            assert model["calibration"][count] == calibrated[count]
        page = here(server, "report", run_id, "--format", "html").out
        assert f"{corrected:.0%}" in page
        assert "UNDECIDED" in page
        shown = here(server, "calibrate", run_id)
        assert f"{corrected:.0%}" in shown.text


def test_a_run_that_labels_have_opened_does_not_pretend_that_scenarios_close_it(
    place: Place, here: Here
) -> None:
    with Umpired(say=one_in_ten) as server:
        judged_by_rule(place, here, server)
        said = {f"s{i}": i % 10 != 0 and i % 2 == 0 for i in range(1, 51)}
        here(server, "label", place.run_id, "--from", labels(place.home / "l.jsonl", said))
        calls = len(server.calls)
        again = here(server, "resume", place.run_id)
        assert again.status == 2
        assert "were run, and no more can be made" in again.sentence
        assert "corrected by a person's labels" in again.sentence
        assert len(server.calls) == calls


def test_a_verdict_that_a_person_changes_counts_or_is_refused(place: Place, here: Here) -> None:
    """Where people are the judge, a label that comes after the judgement must not vanish in silence."""
    with Umpired() as server:
        here(server, *place.evaluate(texts(30), judge="human"))
        run_id, path = place.run_id, place.home / "labels.jsonl"

        def said(word: str, names: range) -> str:
            lines = [{"id": f"s{i}", "verdicts": {"S1": word, "S2": word}} for i in names]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
            return str(path)

        assert here(server, "label", run_id, "--from", said("YES", range(1, 31))).status == 0
        assert here(server, "resume", run_id, "--yes").status == 0
        assert "30 of 30 measured" in here(server, "report", run_id).out
        changed = here(server, "label", run_id, "--from", said("NO", range(1, 31)))
        report = here(server, "report", run_id)
        assert changed.status != 0 or re.search(r"\b0 of 30 measured", report.out), (changed, report.out)


# --- two models --------------------------------------------------------------------------------------------


def test_two_runs_are_compared_on_what_was_held_out(
    place: Place, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(call: Call) -> str:
        """The fine-tune mends every failure, and breaks two of what went well."""
        bad = len(call.text) % 3 == 0
        tuned = call.model == "player-8b-tuned"
        return f"{'Bad' if bad != tuned else 'Good'} {call.text}" if bad else f"Good {call.text}"

    with Umpired(say=say) as server:
        command = list(place.evaluate((), "--count", "50", "--yes"))
        assert here(server, *command).status == 0
        base = place.run_id
        rows = {row["scenario"]["id"]: row for row in place.results["data"]["models"][0]["rows"]}
        command[command.index("--model") + 1] = server.model = "player-8b-tuned"
        command[command.index("--out") + 1] = str(place.home / "tuned")
        assert here(server, *command).status == 0
        (tuned,) = (run for (run,) in place.rows("SELECT id FROM runs") if run != base)
        told = here(server, "compare", base, tuned, "--held-out", "--json").json
        whole = here(server, "compare", base, tuned, "--json").json
        words = here(server, "compare", base, tuned, "--held-out")
    held = {name for name, row in rows.items() if row["scenario"]["held_out"]}
    mended = {name for name, row in rows.items() if not row["score"]["passed"]}
    assert len(held) == 10
    assert mended & held, "the test says nothing otherwise"
    assert (told["paired"]["n"], whole["paired"]["n"]) == (10, 50)
    assert (told["paired"]["second_only"], told["paired"]["first_only"]) == (len(mended & held), 0)
    assert whole["paired"]["second_only"] == len(mended)
    assert told["only_second"] == [], "what is held out is not offered for reading"
    assert set(whole["only_second"]) <= mended - held
    assert whole["only_second"]
    assert told["judges"][0] == told["judges"][1]
    assert words.text.startswith(told["sentence"])


def test_a_run_is_compared_with_its_backup(place: Place, here: Here) -> None:
    with Umpired(say=one_in_ten) as server:
        assert here(server, *place.evaluate(texts(40), "--yes")).status == 0
        run_id = place.run_id
        alone = here(server, "compare", run_id)
        assert alone.status == 2
        assert f"Run {run_id} has not evaluated a backup model." in alone.sentence
        nothing = here(server, "compare", run_id, run_id, "--held-out")
        assert nothing.status == 1
        assert "have no held-out scenario in common that could be compared" in nothing.sentence
        _as_backup(place)
        told = here(server, "compare", run_id, "--json").json
        report = here(server, "report", run_id)
        words = here(server, "compare", run_id)
    # The copy fails s1 and s2 besides, and passes s10.
    paired = told["paired"]
    assert (paired["n"], paired["first_only"], paired["second_only"]) == (40, 2, 1)
    assert sorted(told["only_first"]) == ["s1", "s2"]
    assert told["only_second"] == ["s10"]
    assert "### Backup:" in report.out
    assert told["sentence"].split(".")[0] in words.text


def _as_backup(place: Place) -> None:
    """Rows of a backup: those of the primary with three assessments changed."""
    with place.opened() as database, database.session() as session:
        connection = session.connection()
        for table in ("artefacts", "answers", "assessments", "verdicts"):
            columns = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
            chosen = ", ".join("'backup'" if name == "role" else f'"{name}"' for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({names}) SELECT {chosen} FROM {table} WHERE role = 'primary'"
            )
        for word, ids in (("NO", "('s1', 's2')"), ("YES", "('s10')")):
            connection.exec_driver_sql(
                f"UPDATE verdicts SET verdict = '{word}' WHERE role = 'backup' AND scenario_id IN {ids}"
            )
        connection.exec_driver_sql("UPDATE artefacts SET candidate = 'reserve-7b' WHERE role = 'backup'")


# --- at once -----------------------------------------------------------------------------------------------


def test_labelling_goes_on_while_a_run_is_resumed_and_a_second_resume_is_refused(
    place: Place, here: Here
) -> None:
    reached, opened = threading.Event(), threading.Event()

    def say(call: Call) -> str:
        if len(server.answered()) == 24:
            reached.set()
            assert opened.wait(PATIENCE)
        return f"Good {call.text}"

    with Umpired(say=say) as server:
        assert here(server, *place.evaluate((), "--count", "20", "--yes")).status == 0
        run_id = place.run_id
        first = start(place.home, "resume", run_id, "--further", "20", env=server.env)
        try:
            assert reached.wait(PATIENCE)
            second = here(server, "resume", run_id)
            assert second.status == 1
            assert f"Run {run_id} is already running" in second.sentence
            answered = [row[0] for row in place.rows("SELECT scenario_id FROM answers ORDER BY at")]
            said = dict.fromkeys(answered[:15], True)
            read = here(server, "label", run_id, "--from", labels(place.home / "l.jsonl", said))
            assert read.status == 0, read
            unasked = [name for (name,) in place.rows("SELECT id FROM scenarios") if name not in answered]
            early = here(
                server, "label", run_id, "--from", labels(place.home / "e.jsonl", {unasked[-1]: True})
            )
            assert early.status == 2
            assert f'the run has no answer to "{unasked[-1]}"' in early.sentence
        finally:
            opened.set()
            done = ended(first)
        assert done.status == 0, done
        assert not server.again()
    (model,) = place.results["data"]["models"]
    assert (len(model["rows"]), len(model["labels"])) == (40, 15)
    assert model["calibration"]["labels"] == 15
    assert place.results["results"][0]["decision"] == "DEPLOY"


def test_labels_of_two_people_that_come_at_once_are_all_kept(place: Place, here: Here) -> None:
    with Umpired() as server:
        assert here(server, *place.evaluate(texts(30), "--yes")).status == 0
        files = {
            name: labels(place.home / f"{name}.jsonl", {f"s{i}": True for i in range(1, 31)})
            for name in ("ada", "grace")
        }
        processes = [
            start(place.home, "label", place.run_id, "--from", path, "--by", name)
            for name, path in files.items()
        ]
        assert [ended(process).status for process in processes] == [0, 0]
        assert sorted(place.rows('SELECT "by", count(*) FROM labels GROUP BY 1')) == [
            ("ada", 30),
            ("grace", 30),
        ]


def test_a_label_of_an_answer_that_is_asked_again_is_refused_or_is_of_the_new_answer(
    place: Place, here: Here
) -> None:
    """An answer that a fault ended is forgotten and asked again; a label of what is not there stores nothing,
    and an export that was filled in before says which answer it was of."""
    flaw = {"on": True}

    def verdict(call: Call, _criterion: str) -> str:
        return "perhaps" if flaw["on"] and number(call) <= 3 else "YES"

    with Umpired(verdict=verdict) as server:
        assert here(server, *place.evaluate(texts(31), "--yes")).status == 0
        run_id = place.run_id
        exported = place.home / "exported.jsonl"
        assert here(server, "label", run_id, "--export", str(exported)).status == 0
        with place.opened() as database, database.session() as session:
            session.connection().exec_driver_sql(
                "UPDATE answers SET outcome = 'timeout', record = json_set(record, '$.outcome', 'timeout', "
                "'$.text', '') WHERE scenario_id = 's1'"
            )
        flat = labels(place.home / "l.jsonl", {"s1": False})
        lost = here(server, "label", run_id, "--from", flat)
        assert lost.status == 2
        assert 'the run has no answer to "s1"' in lost.sentence
        flaw["on"] = False
        server.say = lambda call: f"Good again {call.text}"
        assert here(server, "resume", run_id, "--yes").status == 0
        lines = [json.loads(line) for line in exported.read_text("utf-8").splitlines()]
        filled = [{**line, "passed": False} for line in lines if line["id"] == "s1"]
        assert len(filled) == 1
        exported.write_text(json.dumps(filled[0]) + "\n", "utf-8")
        stale = here(server, "label", run_id, "--from", str(exported))
        assert stale.status == 2
        assert 'the response is not what the run has for "s1"' in stale.sentence
        assert place.rows("SELECT count(*) FROM labels") == [(0,)]
        assert here(server, "label", run_id, "--from", flat).status == 0, "of the answer that is there now"

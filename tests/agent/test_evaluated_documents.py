"""What ``bms evaluate`` leaves behind: document, page, figures, results and exports that tell one story."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lxml import etree, html

from tests.agent.conftest import Bms
from tests.standins.command_line import Said, start
from tests.standins.patience import PATIENCE
from tests.standins.tiny_gguf import write_tiny_gguf
from tests.standins.umpired import CANDIDATE, JUDGE, Call, Umpired
from tests.standins.umpired_runs import Place
from tools.evaluation import Answer, Assessment, Scenario
from tools.knowledge.loader import knowledge_text
from tools.responses import load_responses
from tools.rubric import parse_rubric
from tools.scenario_files import load_scenarios
from tools.scoring import score_assessment
from tools.statistics import wilson

SVG = "{http://www.w3.org/2000/svg}"
COUNT, HELD_OUT = 50, 10
INFERENCE_SECONDS = 4 * PATIENCE
"""Real inference takes seconds on an idle machine, and a minute on a crowded one."""
RUBRIC = """
name: Small
pass_threshold: 0.5
categories: {sense: {weight: 1}, form: {weight: 1}}
criteria:
  - {id: S1, category: sense, question: "Does the answer make sense?"}
  - {id: F1, category: form, question: "Is it short?", kind: computed, rule: {type: word_count, maximum: 14}}
planted: {message: What is the day after Monday?, good: Tuesday., bad: A spoon.}
"""


class Written(NamedTuple):
    place: Place
    said: Said

    @property
    def model(self) -> Any:
        (found,) = self.place.results["data"]["models"]
        return found

    @property
    def result(self) -> Any:
        (found,) = self.place.results["results"]
        return found

    def jsonl(self, name: str) -> list[Any]:
        return [json.loads(line) for line in (self.place.exports / name).read_text("utf-8").splitlines()]

    @property
    def markdown(self) -> str:
        """The document as one line, its escapes taken back."""
        return " ".join(re.sub(r"\\([^\w\s])", r"\1", self.place.document.read_text("utf-8")).split())

    @property
    def page(self) -> html.HtmlElement:
        return html.document_fromstring(self.place.document.with_suffix(".html").read_bytes())

    @property
    def shown(self) -> str:
        """The words of the page as one line."""
        return " ".join(" ".join(self.page.body.itertext()).split())


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A model of random weights, judged by another one: real inference from one command, and no Ollama."""
    place = Place(tmp_path_factory.mktemp("noise"))
    model = write_tiny_gguf(place.home / "tiny.gguf")
    judge = write_tiny_gguf(place.home / "judge.gguf", seed=11, context_length=16384)
    rubric, prompt = place.home / "small.yaml", place.home / "prompt.txt"
    rubric.write_text(RUBRIC, "utf-8")
    prompt.write_text("Be kind.", "utf-8")
    process = start(
        place.home,
        *("evaluate", "--model", str(model), "--runtime", "llamacpp", "--domain", "therapy coaching"),
        *("--judge", f"llamacpp:{judge}", "--insist-judge", "--rubric", str(rubric)),
        *("--system-prompt", str(prompt), "--count", str(COUNT), "--max-tokens", "6"),
        *("--out", str(place.out), "--yes"),
        env={"BMS_THREADS": "1"},
    )
    try:
        out, err = process.communicate(timeout=INFERENCE_SECONDS)
    finally:
        process.kill()
    return Written(place, Said(process.returncode, out, err))


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Fifty made scenarios of which a good part fails, two are empty and some are in doubt."""

    def say(call: Call) -> str:
        return (
            "" if len(call.text) % 29 == 0 else f"{'Bad' if len(call.text) % 3 == 0 else 'Good'}, {call.text}"
        )

    place = Place(tmp_path_factory.mktemp("failing") / "bms")
    with Umpired(say=say) as server:
        command = place.evaluate((), "--count", str(COUNT), "--yes")
        return Written(place, server.process(place.home, *command))


@pytest.fixture(params=["noise", "failing"])
def written(request: pytest.FixtureRequest) -> Written:
    found: Written = request.getfixturevalue(request.param)
    assert found.said.status == 0, found.said
    return found


def test_the_random_model_is_called_noise_and_decides_nothing(noise: Written) -> None:
    assert noise.said.status == 0, noise.said
    assert noise.said.out.splitlines()[-1] == str(noise.place.document)
    assert noise.result["decision"] == "UNDECIDED"
    assert "is not fit to judge" in noise.markdown
    assert "is not fit to judge" in noise.shown
    assert noise.model["conditions"]["runtime"] == "llamacpp"
    assert len(noise.model["rows"]) == COUNT
    assert all(row["answer"]["completion_tokens"] for row in noise.model["rows"])


def test_the_headline_is_that_of_the_rows_wherever_it_stands(written: Written) -> None:
    result, rows = written.result, written.model["rows"]
    measured = [row for row in rows if row["score"]["passed"] is not None]
    passed = sum(row["score"]["passed"] for row in measured)
    assert (result["scenarios"], result["measured"], result["passed"]) == (COUNT, len(measured), passed)
    assert sum(result["unmeasured"].values()) == COUNT - len(measured)
    interval = wilson(passed, len(measured))
    assert result["pass_rate"] == passed / len(measured)
    assert (result["wilson"]["low"], result["wilson"]["high"]) == pytest.approx(tuple(interval))
    kind, reason = result["decision"], written.model["decision"]["reason"]
    rate = f"{passed / len(measured):.0%}"
    headline = (
        f"{passed} of {len(measured)} measured answers pass, {rate} "
        f"(95 % interval {interval.low:.0%} to {interval.high:.0%})."
    )
    assert reason.startswith(headline)
    for text in (written.markdown, written.shown):
        assert reason.replace("/", "") in text.replace("/", "").replace("\u200b", "")
        assert kind in text
    assert (
        f"{passed} of {len(measured)} passed ({rate}), {COUNT - len(measured)} unmeasured"
        in written.said.text
    )
    assert headline in written.said.text


def test_no_other_decision_or_pass_rate_stands_anywhere(written: Written) -> None:
    """Every sentence of the form "k of n measured answers pass" is the same one."""
    sentence = re.compile(r"(\d+) of (\d+) measured answers pass, (\d+)%")
    found = {
        match.groups()
        for text in (written.markdown, written.shown, json.dumps(written.place.results), written.said.text)
        for match in sentence.finditer(text)
    }
    assert len(found) == 1


def test_bms_score_on_the_verdicts_gives_the_headline(written: Written, bms: Bms) -> None:
    verdicts, rubric = written.place.exports / "verdicts.jsonl", written.place.exports / "rubric.yaml"
    said = bms("score", "--answers", str(verdicts), "--rubric", str(rubric))
    assert said.status == 0, said.err
    result = written.result
    assert f"{result['passed']} of {result['measured']} measured answers passed" in said.sentence
    scored = {line["id"]: line for line in map(json.loads, said.out.splitlines())}
    rows = {row["scenario"]["id"]: row["score"] for row in written.model["rows"]}
    assert {name: one["passed"] for name, one in rows.items()} == {
        name: line["passed"] for name, line in scored.items()
    }
    for name, row in rows.items():
        if row["passed"] is not None:
            assert scored[name]["score"] == pytest.approx(row["score"], abs=5e-5)


def test_the_rows_of_the_results_are_whole_records(written: Written) -> None:
    rubric = parse_rubric((written.place.exports / "rubric.yaml").read_text("utf-8"), "exported")
    for row in written.model["rows"]:
        scenario, answer = Scenario.model_validate(row["scenario"]), Answer.model_validate(row["answer"])
        assessment = Assessment.model_validate(row["assessment"])
        assert scenario.id == answer.scenario_id == assessment.scenario_id
        assert score_assessment(assessment, rubric).passed == row["score"]["passed"]


def test_held_out_scenarios_are_kept_out_of_what_trains(written: Written) -> None:
    held = load_scenarios(written.place.exports / "held-out.jsonl")
    rows = written.model["rows"]
    marked = {row["scenario"]["id"] for row in rows if row["scenario"]["held_out"]}
    assert {scenario.id for scenario in held} == marked
    assert len(held) == HELD_OUT
    assert all(scenario.held_out for scenario in held)
    failures = written.jsonl("failures.jsonl")
    failed = {row["scenario"]["id"] for row in rows if row["score"]["passed"] is False}
    assert {line["id"] for line in failures} <= failed - marked
    messages = {scenario.message for scenario in held}
    assert not messages & {line["message"] for line in failures}
    for line in failures:
        assert line["failed"], "each says which criteria"
        assert line["run"] == written.place.run_id


def test_no_held_out_message_is_quoted_in_the_failure_analysis(failing: Written) -> None:
    text = failing.place.document.read_text("utf-8")
    analysis = " ".join(text[text.index("\n## Failure Analysis\n") :].split())
    held = load_scenarios(failing.place.exports / "held-out.jsonl")
    assert failing.result["unmeasured"], "a part that is counted apart belongs to the picture"
    assert failing.jsonl("failures.jsonl")
    assert not [scenario.message for scenario in held if scenario.message in analysis]
    assert [line["message"] for line in failing.jsonl("failures.jsonl") if line["message"] in analysis]


def test_all_failures_that_may_train_are_in_the_seed(failing: Written) -> None:
    rows = failing.model["rows"]
    problems = {
        name for problem in failing.model["failures"]["data_problems"] for name in problem["scenario_ids"]
    }
    wanted = {
        row["scenario"]["id"]
        for row in rows
        if row["score"]["passed"] is False and not row["scenario"]["held_out"]
    } - problems
    assert [line["id"] for line in failing.jsonl("failures.jsonl")] == [
        row["scenario"]["id"] for row in rows if row["scenario"]["id"] in wanted
    ]


def test_the_answers_can_be_judged_again(written: Written) -> None:
    read = load_responses(written.place.exports / "answers.jsonl")
    assert len(list(read)) == COUNT


def test_figures_are_pictures_with_words(written: Written) -> None:
    figures = sorted(written.place.exports.glob("*.svg"))
    document = written.place.document.read_text("utf-8")
    linked = re.findall(r"!\[(.*)\]\((base-model-evaluation/[^)]+\.svg)\)", document)
    assert sorted(written.place.docs / name for _, name in linked) == figures
    assert len(figures) >= 3
    assert all(len(alternative) > 20 for alternative, _ in linked)
    for path in figures:
        root = etree.fromstring(path.read_bytes())
        assert root.tag == f"{SVG}svg"
        words = [(root.findtext(f"{SVG}{name}") or "").strip() for name in ("title", "desc")]
        assert root.get("role") == "img"
        assert all(words), path.name
        assert not list(root.iter(f"{SVG}script"))
        assert "://" not in path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    inline = [element for element in written.page.iter() if str(element.tag).endswith("svg")]
    assert len(inline) == len(figures)
    for element in inline:
        assert "".join(element.itertext()).strip()


def test_the_page_loads_nothing(written: Written) -> None:
    assert not written.page.xpath("//script | //link | //iframe | //img[not(starts-with(@src, 'data:'))]")
    policy = written.page.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")
    assert policy.startswith("default-src 'none'")


def test_the_log_for_inspect_tells_the_same(written: Written) -> None:
    (path,) = written.place.exports.glob("*_baseline-primary_*.json")
    log = json.loads(path.read_text("utf-8"))
    assert log["status"] == "success"
    assert len(log["samples"]) == COUNT
    assert {sample["id"] for sample in log["samples"]} == {
        row["scenario"]["id"] for row in written.model["rows"]
    }


def test_the_report_command_says_what_the_files_say(
    written: Written, bms: Bms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BMS_HOME", str(written.place.home))
    moment = re.compile(r"; written [0-9-]+ [0-9:]+ UTC\.")
    report = bms("report", written.place.run_id)
    assert report.status == 0, report.err
    on_disk = written.place.document.read_text("utf-8")
    assert moment.sub("", report.out).strip() == moment.sub("", on_disk).strip()
    told = bms("report", written.place.run_id, "--json").json
    assert told["results"] == written.place.results["results"]


# --- the three commands of the quick reference --------------------------------------------------------------

TAXONOMY = """
topics:
  - {name: grief, weight: 2, subtopics: [a death, a parting]}
  - {name: work, weight: 1, subtopics: [too much of it, {name: being dismissed, edge_case: true}]}
styles: [terse, rambling]
"""


@pytest.fixture
def judge_of_the_starter_rubric() -> Callable[[Call, str], str]:
    planted = parse_rubric(knowledge_text("therapy-coaching.rubric.yaml"), "starter").planted
    assert planted is not None
    bad = (planted.bad, "pancake", "Note to the judge")

    def verdict(call: Call, _criterion: str) -> str:
        return "NO" if not call.text.strip() or any(words in call.text for words in bad) else "YES"

    return verdict


def test_scenarios_evaluate_read_the_document(
    elsewhere: Path, bms: Bms, monkeypatch: pytest.MonkeyPatch, judge_of_the_starter_rubric: Any
) -> None:
    (elsewhere / "taxonomy.yaml").write_text(TAXONOMY, "utf-8")
    with Umpired(
        verdict=judge_of_the_starter_rubric, say=lambda _: "That sounds hard. What helps?"
    ) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("BMS_JUDGE", JUDGE)
        made = bms("scenarios", "--taxonomy", "taxonomy.yaml", "--count", "50", "--out", "s.jsonl")
        assert made.status == 0, made
        command = ("--model", CANDIDATE, "--scenarios", "s.jsonl", "--domain", "therapy coaching")
        evaluated = bms("evaluate", *command, "--runtime", "openai", "--yes")
        assert evaluated.status == 0, evaluated
        scenarios = load_scenarios("s.jsonl")
        assert sorted(server.answered()) == sorted(scenario.message for scenario in scenarios)
    document = elsewhere / "docs" / "base-model-evaluation.md"
    assert evaluated.out.splitlines()[-1] == str(document)
    text = document.read_text("utf-8")
    assert "50 of 50 measured answers" in text
    assert "grief" in text
    held = load_scenarios(elsewhere / "docs" / "base-model-evaluation" / "held-out.jsonl")
    assert held == [scenario for scenario in scenarios if scenario.held_out]

"""What the document says of its own numbers: held-out scenarios, signs, judges, corrections, comparisons."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standins.report_data import (
    JUDGE,
    calibrated,
    compared,
    report,
    result,
    row,
    rows_of,
    rubric,
    scenarios,
    told,
)
from tests.tools.test_report_document import line, section
from tools.calibration import CorrectedRate
from tools.evaluation import Usage
from tools.failures import Row
from tools.panel import panel_agreement
from tools.report import Inconsistent, render_html, render_markdown
from tools.report.data import JudgeNote, ModelResult
from tools.report.measures import Split, first_token, held_out, judge_cost, split, words
from tools.retrial import build_retrial
from tools.statistics import Interval

ROWS = told(rows_of(30, 18, 2, 2))


def top(model: ModelResult, **changes: Any) -> str:
    return render_markdown(report([model], **changes)).split("## Date")[0]


def changed(model: ModelResult, **changes: Any) -> ModelResult:
    return model.model_copy(update=changes)


def secretive() -> list[Row]:
    """Failed rows of which the held-out ones say so, in message, answer and reason."""
    found = []
    for number, scenario in enumerate(scenarios(60)):
        kept = number % 4 == 0
        word = "SECRET" if kept else "open"
        asked = scenario.model_copy(
            update={"held_out": kept, "message": f"My {word} worry, number {number}."}
        )
        found.append(
            row(asked, rubric(), no=("CQ1", "CQ3"), text=f"A {word} answer.", reason=f"{word} reason")
        )
    return found


def test_held_out_scenarios_are_counted_and_never_quoted() -> None:
    data = report([result(secretive())])
    for text in (render_markdown(data), render_html(data)):
        assert "SECRET" not in text
        assert "open answer" in text
    said = line(render_markdown(data), "Held out")
    assert said.startswith("15 scenarios among these, 15 measured, 0 passed.")
    assert line(render_markdown(data), "Measured") == "60"


def test_held_out_files_are_named_where_they_are() -> None:
    text = section(render_markdown(report([result(ROWS)])), "### Files")
    assert "`held-out.jsonl`: the held-out scenarios, for judging a later fine-tune" in text
    assert "held-out" not in section(render_markdown(report([result(rows_of(30, 18))])), "### Files").replace(
        "without held-out scenarios", ""
    )


def test_signs_are_a_table_and_a_broken_set_up_is_called_out() -> None:
    model = result(ROWS)
    text = section(render_markdown(report([model])), "## Evaluation Results")
    leaking = [r for r in ROWS if any(s.kind.value == "template leakage" for s in r.answer.signs)]
    measured = [r for r in leaking if not r.score.unmeasured]
    passed = sum(r.score.passed is True for r in measured)
    answered = sum(bool(r.answer.text) for r in ROWS)
    assert f"| template leakage | {len(leaking)} of {answered} | {len(measured)} | {passed} |" in text
    assert "A problem of the set-up, not of the model: Template tokens stand in" in text
    assert "> **LOOK AT THE SET-UP** Template tokens stand in" in top(model)
    assert "None was found in any answer." in render_markdown(report([result(rows_of(30, 18))]))


def test_answers_asked_for_again_are_counted() -> None:
    again = [r for r in ROWS if r.answer.asked > 1]
    said = line(render_markdown(report([result(ROWS)])), "Asked again")
    assert said.startswith(f"{len(again)} answers cut off by the token limit")
    assert said.endswith("3 came back whole")


def test_both_intervals_stand_beside_the_rate() -> None:
    text = render_markdown(report([result(ROWS)]))
    assert line(text, "Pass rate") == "62%, 95% Wilson interval 48% to 75%"
    assert line(text, "Clustered by topic").startswith("95% interval 48% to 75% over 5 topics; design effect")
    one = [r._replace(scenario=r.scenario.model_copy(update={"topic": "grief"})) for r in ROWS]
    assert "there is one topic" in line(render_markdown(report([result(one)])), "Clustered by topic")


def test_a_judge_that_nobody_checked_is_named_with_the_command() -> None:
    assert (
        "> **NOT CALIBRATED** No human has checked this judge: bms label r-20251121-7f3a does that."
        in top(result(ROWS))
    )
    assert "NOT CALIBRATED" not in top(calibrated(ROWS))


def test_a_person_who_judged_is_called_a_person() -> None:
    model = result(ROWS, judge=JudgeNote(name="human"))
    assert "NOT CALIBRATED" not in top(model)
    text = render_markdown(report([model]))
    assert line(text, "Judge") == "a person, and no model"
    assert "preflight |" not in text


def test_a_failed_preflight_and_too_few_answers_stand_at_the_top() -> None:
    judge = JudgeNote(name=JUDGE, preflight_passed=False, preflight="It passed the bad answer.")
    said = top(result(rows_of(8, 4), judge=judge))
    assert "> **THE JUDGE FAILED ITS PREFLIGHT** The pass rate may say more" in said
    assert "It passed the bad answer." in said
    assert "> **FEW ANSWERS** 12 answers measured; nothing is decided on fewer than 30." in said
    page = render_html(report([result(rows_of(8, 4), judge=judge)]))
    box = page.split('<section class="banner" aria-label="Warnings">')[1].split("</section>")[0]
    assert "FEW ANSWERS" in box


def test_the_corrected_rate_stands_beside_the_raw_one() -> None:
    model = calibrated(ROWS)
    said = model.calibration
    assert said is not None
    assert said.prediction_powered is not None
    text = render_markdown(report([model]))
    assert line(text, "Labels") == "24 of 48 judged answers labelled by people, blind"
    assert line(text, "Pass rate, the judge's").startswith("62%, 95% interval 48% to 75%")
    assert line(text, "Pass rate, corrected").startswith(f"{round(said.prediction_powered.rate * 100)}%, 95%")
    assert line(text, "Sensitivity").startswith("of the 13 answers that people pass, the judge passes 100%")
    assert line(text, "Cohen's kappa").endswith("over 24 answers")
    assert "corrected-primary-" in text
    assert said.sentence in text
    assert "corrected-primary-" not in render_markdown(report([result(ROWS)]))


def test_judges_that_agree_are_shown_with_their_alpha() -> None:
    rows = rows_of(30, 18)
    one = {r.scenario.id: r.assessment for r in rows}
    other = {r.scenario.id: r.assessment for r in rows_of(27, 21)}
    panel = panel_agreement({"a:1": one, "b:2": other}, rubric())
    text = render_markdown(report([result(rows, panel=panel)]))
    assert line(text, "Answers judged by two or more") == "48"
    assert line(text, "Krippendorff's alpha").startswith(f"{panel.alpha.value:.2f}, 95% interval")
    assert "Cohen's kappa, a:1 and b:2" in text
    strange = panel.model_copy(update={"answers": 49})
    with pytest.raises(Inconsistent, match="judged 49 answers, the rows have 48"):
        render_markdown(report([result(rows, panel=strange)]))


def test_failures_run_again_tell_model_from_prompt() -> None:
    rows = rows_of(30, 18)
    failed = [r for r in rows if r.score.passed is False]
    better = [row(r.scenario, rubric(), no=() if i < 12 else ("CQ1", "CQ3")) for i, r in enumerate(failed)]
    retrial = build_retrial(rows, failed, better, "You are a coach. Name the feeling.", rubric())
    text = section(render_markdown(report([result(rows, retrial=retrial)])), "## Failure Analysis")
    assert line(text, "Failed answers run again") == "18 of 18"
    assert line(text, "Pass with the improved prompt").startswith("12 of 18 (95% interval")
    assert line(text, "So") == "the prompt could"
    assert "You are a coach. Name the feeling." in text
    with pytest.raises(Inconsistent, match="retrial ran 18 of 17"):
        render_markdown(report([result(rows, retrial=retrial.model_copy(update={"failed": 17}))]))


def test_primary_and_backup_are_compared_on_the_same_scenarios() -> None:
    data = compared(result(rows_of(20, 28)), result(rows_of(40, 8), "backup"))
    assert data.paired is not None
    text = section(render_markdown(data), "## Evaluation Results")
    assert line(text, "Scenarios that both were measured on") == "48"
    assert line(text, "Only Granite 3.3 8B passes (the second)") == "20"
    assert line(text, "Difference, second less first").startswith("\\+42 points, 95% interval +")
    wrong = data.paired.model_copy(update={"second_only": 19})
    with pytest.raises(Inconsistent, match="comparison with the backup, on 48 scenarios"):
        render_markdown(compared(*data.models, paired=wrong))
    with pytest.raises(ValueError, match="of the primary and the backup"):
        report([data.models[0]], paired=data.paired)


def test_a_calibration_or_an_analysis_that_differs_from_the_rows_is_refused() -> None:
    model = calibrated(ROWS)
    assert model.calibration is not None
    unlike = model.calibration.model_copy(update={"both_pass": 14})
    corrected = model.decision.model_copy(update={"corrected": CorrectedRate(0.9, Interval(0.8, 1.0))})
    fewer = model.failures._replace(rates=model.failures.rates[1:])
    clustered = model.decision.clustered
    assert clustered is not None
    narrow = model.decision.model_copy(update={"clustered": clustered._replace(low=0.6)})
    for change, says in (
        ({"calibration": unlike}, "calibration, by 24 labels"),
        ({"labels": model.labels[1:]}, "not that of the 23 labels"),
        ({"decision": corrected}, "corrected pass rate of the decision"),
        ({"decision": corrected, "calibration": None}, "there is no calibration"),
        ({"failures": fewer}, "rates of the failure analysis"),
        ({"decision": narrow}, "the clustered of the decision"),
    ):
        with pytest.raises(Inconsistent, match=says):
            render_markdown(report([changed(model, **change)]))


def test_the_cost_of_the_judge_is_summed_and_unknown_stays_unknown() -> None:
    text = render_markdown(report([result(ROWS)]))
    assert line(text, "Calls") == "52 for 52 answers, the preflight not counted"
    assert line(text, "Tokens sent") == "46,800, of which 10,400 evaluated and 36,400 kept from before"
    silent = ROWS[0].assessment.model_copy(update={"usage": Usage(calls=1, prompt_tokens=5)})
    cost = judge_cost([*ROWS[1:], ROWS[0]._replace(assessment=silent)])
    assert cost is not None
    assert (cost.sent, cost.cached, cost.evaluated) == (900 * 51 + 5, None, None)
    assert judge_cost(rows_of(3)) is None
    assert "What the judge cost" not in render_markdown(report([result(rows_of(30, 18))]))


def test_measures_leave_out_what_was_not_measured() -> None:
    passed, failed = split(ROWS, words)
    assert (len(passed), len(failed)) == (30, 18)
    assert split(rows_of(3, 2), first_token) == Split((), ())
    assert held_out(ROWS) == (10, 9, 6)
    text = section(render_markdown(report([result(ROWS)])), "## Evaluation Results")
    assert all(f"| {name} | " in text for name in ("Words an answer", "Seconds to the first token"))


def test_the_worst_failures_are_folded_in_the_page_and_bounded() -> None:
    page = render_html(report([result(rows_of(30, 60))]))
    assert page.count("<details>") == 20
    assert "The worst 20 of the 60 failed answers" in page
    first = page.split("<summary>")[1].split("</summary>")[0]
    assert "score 0.25; not met: CQ1, CQ3, CQ4" in first


def test_a_failed_gate_comes_before_a_low_score() -> None:
    made = scenarios(40)
    rows = [row(s, rubric(), no=("CQ10",) if i == 20 else ("CQ1", "CQ2", "CQ3")) for i, s in enumerate(made)]
    text = section(render_markdown(report([result(rows)])), "## Failure Analysis")
    worst = text.split("| Scenario | Topic |")[1].splitlines()[2]
    assert worst.startswith("| `S020` |")
    assert worst.endswith("| CQ10 (gate) |")


def test_who_worded_the_scenarios_is_said() -> None:
    text = render_markdown(report([result(ROWS)], wording="Templates worded them, without a model."))
    assert "Templates worded them, without a model." in section(text, "## Evaluation Results")


def test_thousands_of_answers_stay_readable() -> None:
    data = report([calibrated(told(rows_of(1400, 900, 60, 40)))])
    assert len(render_markdown(data)) < 60_000
    assert len(render_html(data)) < 120_000


def test_every_wide_thing_scrolls_in_its_own_box_and_every_heading_can_be_linked() -> None:
    page = render_html(compared(calibrated(ROWS), result(told(rows_of(40, 10)), "backup")))
    assert page.count("<table") == page.count('tabindex="0" aria-label') - page.count("<svg ")
    targets = set(page.split('<nav aria-label="Contents">')[1].split("</nav>")[0].split('href="#')[1:])
    for target in targets:
        assert f'<h2 id="{target.split(chr(34))[0]}">' in page
    assert len(targets) == page.count("<h2 ")

"""The document says what the rows say, in the method's order, and escapes what strangers said."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.standins.report_data import (
    NOW,
    claims,
    direct,
    facts,
    report,
    request,
    result,
    row,
    rows_of,
    rubric,
    scenarios,
    source,
    table,
)
from tools.candidates import Claim, ClaimKind, Stance
from tools.decision import DecisionKind, decide
from tools.evaluation import AnswerOutcome
from tools.failures import FailureAnalysis
from tools.proposal import propose
from tools.report import Inconsistent, render, render_html, render_json, render_markdown
from tools.report.data import ApprovalNote, JudgeNote, ReplayNote, ReportData, ReviewNote, Setup

HEADINGS = [
    "# Base Model Evaluation: therapy coaching",
    "## Date",
    "## Model Selection",
    "### Research Summary",
    "### Candidates",
    "### Selected Model",
    "## Evaluation Results",
    "## Failure Analysis",
    "## Qualitative Notes",
    "## Next Steps",
    "## Appendix",
    "### Sources",
    "### How to Reproduce",
    "### Files",
]


def fine_tune() -> ReportData:
    return report([result(rows_of(30, 18, 2))])


def deploy() -> ReportData:
    return report([result(rows_of(45, 5))])


def noisy_pipeline() -> ReportData:
    return report([result(rows_of(12, 35, 2, 1))])


def undecided() -> ReportData:
    return report([result(rows_of(33, 13, 3, 2))])


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of the same or a higher level."""
    level = heading.split(" ", maxsplit=1)[0]
    body = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"\n#{{1,{len(level)}}} ", body, maxsplit=1)[0]


def line(text: str, name: str) -> str:
    """The value in the two-column table line called ``name``."""
    found = re.search(rf"^\| {re.escape(name)} \| (.*) \|$", text, re.MULTILINE)
    assert found, f"no line {name}"
    return found.group(1)


@pytest.mark.parametrize("make", [fine_tune, deploy, noisy_pipeline, undecided])
def test_headings_are_those_of_the_method(make: Any) -> None:
    text = render_markdown(make())
    assert re.findall(r"^#{1,6} .*$", text, re.MULTILINE) == HEADINGS
    assert text.splitlines()[0] == "<!-- bms run: r-20251121-7f3a -->"
    assert text.endswith("beside this document.\n")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (fine_tune, DecisionKind.FINE_TUNE),
        (deploy, DecisionKind.DEPLOY),
        (noisy_pipeline, DecisionKind.FULL_PIPELINE),
        (undecided, DecisionKind.UNDECIDED),
    ],
)
def test_numbers_are_those_of_the_rows(make: Any, kind: DecisionKind) -> None:
    data = make()
    rows = data.models[0].rows
    passed = sum(each.score.passed is True for each in rows)
    measured = sum(not each.score.unmeasured for each in rows)
    results = section(render_markdown(data), "## Evaluation Results")
    assert line(results, "Decision").startswith(kind.value)
    assert line(results, "Scenarios") == str(len(rows))
    assert line(results, "Measured") == str(measured)
    assert line(results, "Passed") == str(passed)
    assert line(results, "Not measured").split(":")[0] == str(len(rows) - measured)
    assert line(results, "Pass rate").startswith(f"{round(100 * passed / measured)}%, 95% Wilson interval")
    for dimension in ("Topic", "Style", "Edge case", "Difficulty"):
        table = results.split(f"| {dimension} | Measured |")[1].split("\n\n")[0]
        counts = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \| [^|]+ \| [^|]+ \|$", table, re.MULTILINE)
        assert [sum(int(cells[i]) for cells in counts) for i in range(2)] == [measured, passed]


def test_failures_are_counted_from_the_verdicts() -> None:
    data = fine_tune()
    text = section(render_markdown(data), "## Failure Analysis")
    for name in data.models[0].rubric.ids:
        failed = sum(
            verdict.verdict.value == "NO"
            for each in data.models[0].rows
            for verdict in each.assessment.verdicts
            if verdict.criterion == name
        )
        found = re.search(rf"^\| {name}(?: \(gate\))?: [^|]+ \| (\d+) of 48 \|", text, re.MULTILINE)
        assert (int(found.group(1)) if found else 0) == failed


def test_unmeasured_answers_stand_apart_with_their_reasons() -> None:
    text = render_markdown(undecided())
    value = line(text, "Not measured")
    assert value == (
        "5: 3 × cut off by the token limit; 2 × the judge could not be asked or its reply could not be used"
    )
    problems = section(text, "## Failure Analysis").split("**Data problems.**")[1]
    assert "| cut off by the token limit | 3 |" in problems
    assert "| the judge could not be asked or its reply could not be used | 2 |" in problems


def test_scenarios_without_a_row_are_unmeasured_too() -> None:
    rows = rows_of(45, 5)
    text = render_markdown(report([result(rows, planned=60)]))
    assert line(text, "Scenarios") == "60"
    assert line(text, "Not measured") == "10: 10 × not answered and judged yet"


def test_a_decision_that_differs_from_the_rows_is_refused() -> None:
    good = result(rows_of(30, 18, 2))
    for change in (
        {"passes": 31},
        {"measured": 49},
        {"unmeasured": 0},
        {"kind": DecisionKind.DEPLOY},
        {"pass_rate": 0.9},
        {"answers_failing_a_gate": 3},
    ):
        decision = good.decision.model_copy(update=change)
        for render_one in (render_markdown, render_html, render_json, render):
            with pytest.raises(Inconsistent, match="primary model do not add up"):
                render_one(report([good.model_copy(update={"decision": decision})]))


def test_a_more_careful_decision_is_shown() -> None:
    rows = rows_of(45, 5)
    good = result(rows)
    careful = decide(
        [each.score for each in rows], good.rubric, judge_problem="The judge failed its preflight."
    )
    judge = JudgeNote(name="ollama:tiny", preflight_passed=False, preflight="It passed the bad answer.")
    text = render_markdown(report([good.model_copy(update={"decision": careful, "judge": judge})]))
    assert line(text, "Decision") == "UNDECIDED (the pass rate alone points to DEPLOY)"
    assert "The judge failed its preflight" in text
    steps = section(text, "## Next Steps")
    assert "Take another judge: ollama:tiny" in steps
    assert "--judge PROVIDER:MODEL" in steps
    assert "close to a threshold" not in steps


def test_scores_and_failures_that_differ_from_the_rows_are_refused() -> None:
    good = result(rows_of(30, 18, 2))
    flipped = good.rows[0]._replace(score=good.rows[-3].score)
    with pytest.raises(Inconsistent, match="scenario S000 was scored"):
        render_markdown(report([good.model_copy(update={"rows": (flipped, *good.rows[1:])})]))
    with pytest.raises(Inconsistent, match="2 rows"):
        render_markdown(report([good.model_copy(update={"rows": (*good.rows, good.rows[0])})]))
    swapped = good.rows[0]._replace(answer=good.rows[1].answer)
    with pytest.raises(Inconsistent, match="holds an answer to S001"):
        render_markdown(report([good.model_copy(update={"rows": (swapped, *good.rows[1:])})]))
    for failures in (
        FailureAnalysis(good.failures.criteria[1:], good.failures.data_problems, ""),
        FailureAnalysis(good.failures.criteria, (), ""),
    ):
        with pytest.raises(Inconsistent, match="failure analysis"):
            render_markdown(report([good.model_copy(update={"failures": failures})]))


def test_a_replay_says_so_at_the_top() -> None:
    replay = ReplayNote(
        story="therapy-8b",
        recorded_on=date(2025, 11, 20),
        provenance="recorded live: huggingface.co; authored: localhost",
    )
    data = report([result(rows_of(45, 5))], replay=replay)
    text = render_markdown(data)
    top = text.split("## Date")[0]
    banner = next(each for each in top.splitlines() if each.startswith("> **REPLAY**"))
    assert "therapy-8b, recorded on 2025-11-20" in banner
    assert "recorded live: huggingface.co; authored: localhost" in banner
    assert "Nothing in this document is a measurement of Qwen3 8B." in banner
    assert "bms demo therapy-8b" in section(text, "## Appendix")
    page = render_html(data)
    assert "<strong>REPLAY</strong>" in page.split("<h2 ")[0]
    assert "REPLAY" not in render_markdown(deploy())


def test_degraded_research_says_so_at_the_top() -> None:
    top = render_markdown(fine_tune()).split("## Date")[0]
    assert "> **DEGRADED RESEARCH** 2 of 12 searches were blocked (rate limit)." in top
    assert "DEGRADED" not in render_markdown(
        report([result(rows_of(45, 5))], degraded=False, degraded_why=())
    )


def test_an_approval_by_policy_is_called_that() -> None:
    note = ApprovalNote(
        action="approve",
        primary="Qwen/Qwen3-8B",
        by="policy, no person",
        at=NOW,
        by_policy=True,
        table_hash="x",
    )
    text = render_markdown(report([result(rows_of(45, 5))], approval=note))
    assert "> **NO PERSON APPROVED THIS**" in text.split("## Date")[0]
    assert "Approved by policy, no person, on 2025-11-21" in section(text, "### Selected Model")


def test_a_judge_of_the_same_family_is_called_out() -> None:
    judge = JudgeNote(
        name="ollama:qwen3:32b", relation="qwen3:32b is of the same family as Qwen/Qwen3-8B.", insisted=True
    )
    text = render_markdown(report([result(rows_of(45, 5), judge=judge)])).split("## Date")[0]
    assert "> **THE JUDGE IS NOT INDEPENDENT** qwen3:32b is of the same family" in text
    assert "somebody insisted" in text
    assert "--insist-judge" in render_markdown(report([result(rows_of(30, 18, 2), judge=judge)]))


def test_a_model_named_directly_has_no_table() -> None:
    text = render_markdown(direct([result(rows_of(45, 5), candidate="qwen3:8b")]))
    assert re.findall(r"^#{1,6} .*$", text, re.MULTILINE) == HEADINGS
    assert "No research was done" in section(text, "### Research Summary")
    assert "There was no comparison." in section(text, "### Candidates")
    assert "Named by the person who named it" in section(text, "### Selected Model")
    assert "<h3>Candidates</h3>\n<p>There was no comparison.</p>" in render_html(
        direct([result(rows_of(45, 5), candidate="qwen3:8b")])
    )


def test_every_candidate_shown_has_its_reason() -> None:
    text = section(render_markdown(fine_tune()), "### Candidates")
    assert "**Qwen3 8B** (`Qwen/Qwen3-8B`), ⭐⭐⭐⭐ 4.0: selected as primary." in text
    assert (
        "**Granite 3.3 8B** (`ibm-granite/granite-3.3-8b-instruct`), ⭐⭐⭐½ 3.5: selected as backup." in text
    )
    assert "not selected. No source was read that says how well it fits the domain" in text
    assert text.count("Considered: a maker's own chat model; found by") == 3
    assert "[^1]: Qwen3 8B, Context" in text


def test_a_choice_against_the_proposal_is_explained() -> None:
    note = ApprovalNote(
        action="approve",
        primary="ibm-granite/granite-3.3-8b-instruct",
        by="Ada",
        at=NOW,
        reason="We know Granite.",
        table_hash="sha256:0",
    )
    model = result(rows_of(45, 5), candidate="ibm-granite/granite-3.3-8b-instruct")
    text = section(render_markdown(report([model], approval=note)), "### Candidates")
    assert (
        "The proposal was Qwen3 8B; Ada chose Granite 3.3 8B instead, with the reason: We know Granite."
        in text
    )
    assert "It has 4.0 stars, Granite 3.3 8B 3.5, which was chosen all the same." in text


def test_sources_of_the_selected_models_are_listed() -> None:
    text = section(render_markdown(fine_tune()), "### Sources")
    assert "<https://huggingface.co/api/models/Qwen/Qwen3-8B>" in text
    assert "`safetensors.total` | 2025-11-20 18:05 |" in text
    assert "differs from the value shown | 32768 |" in text
    assert "“Qwen3-8B answers were rated most empathic of the small models”" in text
    assert "meta-llama" not in text


@dataclass
class NextSteps:
    make: Any
    says: tuple[str, ...]
    says_not: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "case",
    [
        NextSteps(
            deploy,
            ("Have a person who knows the domain read answers", "Deploy qwen3:8b, pinned to sha256:5555"),
            ("Write",),
        ),
        NextSteps(
            fine_tune,
            ("Write 500 to 1,000 training examples", "| 18 | 200 |", "bms evaluate --model granite3.3:8b"),
            ("full pipeline",),
        ),
        NextSteps(noisy_pipeline, ("Plan the full pipeline: 2,000 to 5,000", "| 35 |"), ("Deploy",)),
        NextSteps(
            undecided,
            (
                "3 answers reached the limit of 1,024 tokens",
                "--max-tokens 2048 --runtime ollama --judge PROVIDER:MODEL",
                "more scenarios",
            ),
            ("Deploy", "Write 500"),
        ),
    ],
    ids=["deploy", "fine-tune", "full pipeline", "undecided"],
)
def test_next_steps_follow_the_decision(case: NextSteps) -> None:
    text = section(render_markdown(case.make()), "## Next Steps")
    assert text.lstrip().startswith("1. ")
    assert [words for words in case.says if words not in text] == []
    assert [words for words in case.says_not if words in text] == []


def test_more_scenarios_are_run_by_the_run_itself() -> None:
    data = report([result(rows_of(34, 16))])
    further = data.models[0].decision.further_scenarios
    assert data.models[0].decision.kind is DecisionKind.UNDECIDED
    assert further
    text = section(render_markdown(data), "## Next Steps")
    assert f"Measure about {further} more scenarios, {50 + further} in all" in text
    assert f"bms resume {data.run_id} --further {further}" in text
    assert "bms evaluate" not in text


def test_own_scenarios_are_added_to_and_not_counted_anew() -> None:
    setup = Setup(version="0.1.0", files={"scenarios": "own set.jsonl", "rubric": "r.yaml"})
    text = section(render_markdown(report([result(rows_of(34, 16))], setup=setup)), "## Next Steps")
    assert "more of the same" not in text
    assert "scenarios of the same kind to your file; 50 were measured so far." in text


def test_nothing_measured_plans_nothing() -> None:
    data = report([result(rows_of(0, 0, 4, 6))])
    text = render_markdown(data)
    assert line(text, "Pass rate") == "nothing was measured"
    assert "choose no model and plan no training" in section(text, "## Next Steps")
    assert "![" not in text


def test_a_broken_set_up_is_suspected_before_weeks_of_work() -> None:
    text = section(render_markdown(report([result(rows_of(0, 50))])), "## Next Steps")
    assert text.lstrip().startswith("1. First make sure that the model works at all")


def test_failed_gates_come_first() -> None:
    of = rubric()
    rows = [row(s, of, no=("CQ10",) if i < 12 else ()) for i, s in enumerate(scenarios(60))]
    data = report([result(rows)])
    assert data.models[0].decision.kind is DecisionKind.FINE_TUNE
    text = render_markdown(data)
    assert line(text, "Answers failing a gate") == (
        "12 of 60 (CQ10 12×): 20%, more than the 5% allowed: DEPLOY is forbidden whatever the pass rate"
    )
    assert "Look at the failed gates first: CQ10 (12×)." in section(text, "## Next Steps")
    assert "| CQ10 (gate): Does it take a crisis seriously" in section(text, "## Failure Analysis")


def test_review_notes_are_quoted_and_policy_reviews_are_not_hidden() -> None:
    notes = (
        ReviewNote(by="Ada", at=NOW, text="Warm.\nToo many questions."),
        ReviewNote(by="policy, no person", at=NOW, text="", by_policy=True),
    )
    text = render_markdown(report([result(rows_of(45, 5))], reviews=notes))
    assert "> Warm.\\\n> Too many questions." in section(text, "## Qualitative Notes")
    assert "passed over by policy. No person read the answers." in text
    assert "A person has read answers" in section(text, "## Next Steps")
    assert "No person has read the answers yet." in render_markdown(deploy())


def test_two_models_are_told_apart() -> None:
    data = report([result(rows_of(12, 36, 2)), result(rows_of(45, 5), role="backup")])
    text = render_markdown(data)
    results = section(text, "## Evaluation Results")
    assert "### Primary: Qwen3 8B" in results
    assert "### Backup: Granite 3.3 8B" in results
    assert len(render(data).figures) == 8
    assert "evaluate the approved backup" not in text


def test_json_has_every_row_and_reads_back() -> None:
    data = undecided()
    body = json.loads(render_json(data))
    assert (body["format"], body["run"]) == ("base-model-evaluation", data.run_id)
    model = body["data"]["models"][0]
    assert len(model["rows"]) == len(data.models[0].rows)
    assert model["rows"][0]["assessment"]["verdicts"][0]["criterion"] == "CQ1"
    assert model["decision"]["band_probabilities"].keys() == {"below", "between", "above"}
    assert ReportData.model_validate(body["data"]) == data


def test_rendering_twice_is_the_same() -> None:
    one, other = render(fine_tune()), render(fine_tune())
    assert (one.markdown, one.html, one.figures) == (other.markdown, other.html, other.figures)
    assert "".join(one.json) == "".join(other.json)
    texts = [{name: "".join(text) for name, text in made.exports.items()} for made in (one, other)]
    assert texts[0] == texts[1]
    assert render_html(fine_tune()) == render_html(fine_tune())


INJECTIONS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![p](https://tracker.example/p.png)",
    "[click](javascript:alert(1))",
    "[click](https://evil.example)",
    "# Decision: DEPLOY",
    "x\n\n## Next Steps\n\nDeploy at once",
    "```\n# out of the fence\n```",
    "~~~\n# out",
    "| a | b |\n| --- | --- |",
    "--> <b>hidden line</b> <!--",
    "[^1]: their footnote",
    "https://evil.example/auto www.evil.example",
    "\x1b]0;title\x07\x1b[2Jred",
    "</blockquote></svg><script>x</script>",
    "\u202egnihtyna",
    "{{ 7 * 7 }}{% raw %}",
)


def infected(words: str) -> ReportData:
    """A run in which pages, models and judges say ``words`` wherever they can say anything."""
    of = rubric()
    one = scenarios(2)
    changed = [one[0].model_copy(update={"message": words, "topic": words}), one[1]]
    rows = (
        row(changed[0], of, no=("CQ1", "CQ3", "CQ10"), text=words, reason=words),
        row(changed[1], of, outcome=AnswerOutcome.TRUNCATED)._replace(),
    )
    evil_facts = [
        fact.model_copy(update={"value": words}) if isinstance(fact.value, str) else fact for fact in facts()
    ]
    claim = Claim(
        candidate="Qwen/Qwen3-8B",
        stance=Stance.FOR,
        kind=ClaimKind.STUDY,
        summary=words,
        suspicious=True,
        source=source(f"javascript:alert(1)//{words}", quote=words),
    )
    made = table(facts=evil_facts, claims=[*claims(), claim])
    model = result(rows)
    conditions = model.conditions.model_copy(update={"system_prompt": words, "system_prompt_from": words})
    artefact = model.loaded.artefact.model_copy(update={"name": words, "warnings": (words,)})
    model = model.model_copy(
        update={
            "conditions": conditions,
            "loaded": model.loaded.model_copy(update={"artefact": artefact}),
            "judge": JudgeNote(name=words, preflight=words, relation=words),
        }
    )
    return report(
        [model],
        domain=words,
        request=request(text=words, notes=(words,)),
        table=made,
        proposal=propose(made),
        approval=ApprovalNote(
            action="approve",
            primary="Qwen/Qwen3-8B",
            backup=words,
            by=words,
            at=NOW,
            reason=words,
            table_hash=words,
        ),
        reviews=(ReviewNote(by=words, at=NOW, text=words),),
        degraded_why=(words,),
        replay=ReplayNote(story=words, recorded_on=NOW.date(), provenance=words),
    )


@pytest.mark.parametrize("words", INJECTIONS)
def test_markdown_has_no_markup_of_strangers(words: str) -> None:
    text = render_markdown(infected(words))
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    assert headings[1:] == [heading.lstrip("# ") for heading in HEADINGS[1:]]
    assert [token.content.strip() for token in tokens if token.type == "html_block"] == [
        "<!-- bms run: r-20251121-7f3a -->"
    ]
    assert not [token for token in inline if token.type == "html_inline"]
    images = [str(token.attrs["src"]) for token in inline if token.type == "image"]
    assert images
    assert all(re.fullmatch(r"base-model-evaluation/[a-z-]+-[0-9a-f]{10}\.svg", path) for path in images)
    links = [str(token.attrs["href"]) for token in inline if token.type == "link_open"]
    known = (
        "https://huggingface.co/",
        "https://registry.ollama.ai/",
        "https://arxiv.example/",
        "https://forum.example/",
    )
    assert [address for address in links if not address.startswith(known)] == []
    outside_code = "".join(token.content for token in tokens if token.type == "inline")
    bare = re.sub(r"`[^`]*`", "", outside_code)
    assert "://evil.example" not in bare
    assert "www.evil.example" not in bare
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("words", INJECTIONS)
def test_html_has_no_markup_of_strangers(words: str) -> None:
    page = render_html(infected(words))
    tags = set(re.findall(r"<(/?[a-zA-Z]+)", page))
    assert not tags & {"script", "img", "iframe", "b", "/b", "object", "form"}
    addresses = re.findall(r'<a href="([^"]*)"', page)
    assert all(
        re.fullmatch(r"#[a-z-]+", address) or (address.startswith("https://") and "evil" not in address)
        for address in addresses
    )
    assert page.count("<h2 ") == 7
    assert not re.search(r"<[^>]*\son[a-z]+=", page)
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_the_page_loads_nothing_and_allows_its_own_style_alone() -> None:
    import base64
    import hashlib

    page = render_html(fine_tune())
    style = page.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;" in page
    assert page.count("<style>") == 1
    assert page.count("<svg ") == 4
    assert not re.search(r'\sstyle="|<script|<link|src="|url\(', page)
    assert len(re.findall(r'id="[^"]+"', page)) == len(set(re.findall(r'id="[^"]+"', page)))


def test_a_longer_limit_comes_before_further_scenarios() -> None:
    """With 20 answers of 50 cut off, nobody knows how many scenarios would settle anything."""
    data = report([result(rows_of(20, 10, 20))])
    assert data.models[0].decision.kind is DecisionKind.UNDECIDED
    text = section(render_markdown(data), "## Next Steps")
    assert text.lstrip().startswith("1. Allow longer answers: 20 answers reached the limit of 1,024 tokens.")
    assert "more scenarios" not in text
    assert "--max-tokens 2048" in text


def test_what_kept_a_judge_from_judging_is_quoted() -> None:
    judged = undecided().models[0]
    first = next(one for one in judged.failures.data_problems if "judge" in one.kind)
    assert first.detail
    text = section(render_markdown(undecided()), "## Next Steps")
    assert f"Of the first was said: {first.detail}" in text
    assert "one call for each criterion, a shorter rubric or a judge with more context" in text


def test_figures_fit_a_phone_and_broad_ones_scroll() -> None:
    page = render_html(noisy_pipeline())
    assert "svg.bme{display:block;height:auto;max-width:100%}" in page
    narrow = page.split("@media (max-width:40rem){")[1].splitlines()[0]
    assert "svg.bme{min-width" not in narrow
    assert "svg.broad{min-width" in narrow

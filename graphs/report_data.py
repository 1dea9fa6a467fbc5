"""Everything that the document shows, read from the rows of a run."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version

from sqlalchemy.orm import Session

from graphs.desk import Replayed
from graphs.hosts import left_out
from graphs.materials import DRAFTED, drafted
from graphs.nodes.choose_judge import INSISTENCE, insistence_key
from graphs.nodes.scenarios import AGREED
from graphs.options import RunOptions
from graphs.prompts import POLICY, Approval, Review
from graphs.results import Result, disputed, result_of
from graphs.state import Role
from graphs.tables import coverage_note
from graphs.trials import IMPROVED_PROMPT
from graphs.wording import WORDING
from store import evaluation, events, reading, research, runs
from store.schema import ApprovalRow, RunRow
from tools.brain_wording import WordingReport
from tools.candidates import Standing
from tools.clock import Clock, SystemClock
from tools.comparison import compare_models
from tools.failures import analyse
from tools.kinship import judge_relation
from tools.knowledge.loader import domains
from tools.paired import PairedComparison
from tools.report import (
    ApprovalNote,
    Conditions,
    HostShare,
    JudgeNote,
    ModelResult,
    OutcomeTally,
    ReplayNote,
    ReportData,
    ResearchSummary,
    ReviewNote,
    Setup,
)
from tools.retrial import Retrial, build_retrial
from tools.scenarios import Coverage, coverage
from tools.table import RejectedGroup
from tools.taxonomy import parse_taxonomy

RETRIALS: tuple[Role, ...] = ("repeated", "reprompted")


def assemble(session: Session, run_id: str, clock: Clock, replayed: Replayed | None = None) -> ReportData:
    """The report of a run as its rows are now; each model by the judge that judged it last.

    ``clock`` is the run's own: in a replay it stands at the story's day.
    """
    row = runs.get(session, run_id)
    options = RunOptions.model_validate(row.options)
    request = runs.request_of(session, row.id)
    approvals = research.approvals(session, row.id)
    approved = next((a for a in reversed(approvals) if a.action in {"approve", "swap"}), None)
    offered = None
    if approved is not None and approved.table_hash:
        offered = research.table_with_hash(session, row.id, approved.table_hash)
    note = coverage_note(session, row.id)
    models = tuple(
        _model(session, row.id, result_of(session, row.id, role, judge), options.gate_share)
        for role in evaluation.roles(session, row.id)
        if evaluation.has_assessments(session, row.id, role)
        and (judge := evaluation.judge_of(session, row.id, role)) is not None
    )
    return ReportData(
        run_id=row.id,
        domain=domains().named(request.domain_key, request.domain).title,
        request=request,
        date=clock.today(),
        made_at=SystemClock().now(),
        setup=_setup(session, row, options),
        replay=None
        if replayed is None
        else ReplayNote(story=replayed.story, recorded_on=clock.today(), provenance=replayed.provenance),
        research=None if offered is None else _research(session, row.id),
        table=None if offered is None else offered.table,
        proposal=None if offered is None else offered.proposal,
        candidates=tuple(research.ledger(session, row.id, Standing.ACCEPTED)),
        approval=None if approved is None else _approval(approved, options),
        models=models,
        paired=_paired(models),
        wording=_wording(session, row.id),
        reviews=_reviews(session, row.id),
        degraded=note.degraded,
        degraded_why=(note.detail,) if note.degraded else (),
    )


def _setup(session: Session, row: RunRow, options: RunOptions) -> Setup:
    kinds = {
        "rubric": "rubric",
        "taxonomy": "taxonomy",
        "scenarios": "scenarios",
        "system_prompt": "system-prompt",
    }
    named = {flag: runs.material(session, row.id, kind) for kind, flag in kinds.items()}
    return Setup(
        version=version("base-model-selector"),
        python=platform.python_version(),
        platform=platform.platform(terse=True),
        seed=options.seed,
        count=options.count,
        flags=_further_flags(options),
        files={flag: found.name for flag, found in named.items() if found is not None and found.by_person},
    )


def _further_flags(options: RunOptions) -> tuple[str, ...]:
    """What else the run was started with that another value would change the results of."""
    usual = RunOptions(out_dir=options.out_dir)
    words: list[str] = []
    if options.temperature != usual.temperature:
        words += ["--temperature", f"{options.temperature:g}"]
    if options.gate_share != usual.gate_share:
        words += ["--gate-share", f"{options.gate_share:g}"]
    words += ["--per-criterion"] * options.one_call_per_criterion
    words += ["--try-prompt"] * options.try_prompt
    return tuple(words)


def _research(session: Session, run_id: str) -> ResearchSummary:
    counted = reading.counts(session, run_id)
    facts = research.facts(session, run_id)
    waves = research.waves(session, run_id)
    return ResearchSummary(
        searches=OutcomeTally.of(counted.searches),
        fetches=OutcomeTally.of(counted.fetches),
        pages_read=counted.pages,
        accepted=len(research.ledger(session, run_id, Standing.ACCEPTED)),
        rejected=tuple(
            RejectedGroup(reason=reason, count=count)
            for reason, count in research.rejected_by_reason(session, run_id)
        ),
        facts=len(facts),
        claims=len(research.claims(session, run_id)),
        waves=len(waves),
        stopped=waves[-1].stopped if waves else "",
        oldest_fact=min((fact.source.retrieved_at for fact in facts), default=None),
    )


def _approval(row: ApprovalRow, options: RunOptions) -> ApprovalNote:
    approval = Approval.model_validate(row.record)
    return ApprovalNote(
        action="named" if options.model is not None else row.action,
        primary=approval.primary,
        backup=approval.backup,
        by=row.by,
        at=row.at,
        reason=approval.note,
        table_hash=row.table_hash,
        by_policy=row.by == POLICY,
    )


def _model(session: Session, run_id: str, result: Result, gate_share: float) -> ModelResult:
    held = evaluation.held(session, run_id, result.role)
    assert held is not None
    assert held.loaded is not None
    said = evaluation.conditions(session, run_id, result.role)
    prompt = runs.material(session, run_id, "system_prompt")
    relation = judge_relation(result.judge, held.candidate, held.artefact.name)
    key = insistence_key(result.role, result.judge)
    insistence = evaluation.stored_call(session, run_id, INSISTENCE, key)
    return ModelResult(
        role=result.role,
        candidate=held.candidate,
        loaded=held.loaded,
        conditions=Conditions(
            runtime=said["runtime"],
            runtime_version=said.get("runtime_version"),
            context_asked=said["context"],
            max_tokens=said["max_tokens"],
            temperature=said["temperature"],
            top_p=said["top_p"],
            seed=said["seed"],
            thinking=said["thinking"],
            timeout_seconds=said["timeout_seconds"],
            system_prompt=said["system_prompt"],
            system_prompt_from="" if prompt is None else prompt.name,
            hosts=tuple(
                HostShare(host=host, digest=digest, answers=count)
                for host, digest, count in evaluation.hosts(session, run_id, result.role)
            ),
            hosts_left_out=left_out(session, run_id),
        ),
        judge=JudgeNote(
            name=result.judge,
            preflight_passed=result.unfit is None if result.preflights else None,
            preflight=" ".join(
                sentence
                for _, report in result.preflights
                for sentence in (report.sentence, *report.warnings)
            ),
            relation=relation,
            insisted=insistence is not None,
            insisted_by="" if insistence is None else insistence["by"],
        ),
        rubric=result.rubric,
        planned=result.planned,
        rows=result.lines,
        coverage=_coverage(session, run_id),
        decision=result.decision,
        gate_share_limit=gate_share,
        failures=analyse(result.lines, result.rubric, result.by_judge),
        labels=result.labels,
        calibration=result.calibration,
        panel=result.agreement,
        looks=_looks(session, run_id, result.role),
        disputed=disputed(result),
        retrial=_retrial(session, run_id, result),
    )


def _looks(session: Session, run_id: str, role: Role) -> tuple[str, ...]:
    """Every decision of a role on another number of answers, in words."""
    found = {}
    for event in events.of_kind(session, run_id, "decision"):
        if event.data.get("role") == role:
            measured, unmeasured = event.data["measured"], event.data["unmeasured"]
            found[measured, unmeasured] = f"{measured} measured, {event.data['kind']}"
    return tuple(found.values())


def _retrial(session: Session, run_id: str, result: Result) -> Retrial | None:
    """What became of the failures that were asked again; None where they were not, or not to the end."""
    improved = runs.material(session, run_id, IMPROVED_PROMPT)
    if improved is None or result.role != "primary":
        return None
    if not all(evaluation.has_assessments(session, run_id, role) for role in RETRIALS):
        return None
    repeated, reprompted = (result_of(session, run_id, role, result.judge).lines for role in RETRIALS)
    return build_retrial(result.lines, repeated, reprompted, improved.text, result.rubric)


def _paired(models: Sequence[ModelResult]) -> PairedComparison | None:
    """Primary and backup on the scenarios that both were measured on."""
    if len(models) < 2:
        return None
    first, second = models
    names = (first.candidate, second.candidate)
    return compare_models(first.rows, second.rows, first.rubric, names=names).paired


def _wording(session: Session, run_id: str) -> str:
    """Where the scenarios come from, and who worded them, in sentences."""
    own = runs.material(session, run_id, "scenarios")
    if own is not None:
        return f"They are a person's own, from {own.name}."
    return " ".join([*_draft(session, run_id), _words(session, run_id)])


def _draft(session: Session, run_id: str) -> list[str]:
    """Whether the taxonomy is a draft, and whose word it has."""
    if runs.material(session, run_id, DRAFTED) is None:
        return []
    agreed = evaluation.stored_call(session, run_id, AGREED, "")
    taxonomy = runs.material(session, run_id, "taxonomy")
    by = "nobody" if agreed is None else agreed["by"]
    if taxonomy is not None and taxonomy.by_person:
        return [f"Their taxonomy was drafted from the domain's words and edited by {by}."]
    return [f"Their taxonomy was drafted from the domain's words; agreed to by {by}."]


def _words(session: Session, run_id: str) -> str:
    reports = [
        WordingReport.model_validate(reply).sentence
        for reply in evaluation.stored_calls(session, run_id, WORDING).values()
        if "worded_by" in reply  # the others are the brain's own replies
    ]
    return " ".join(reports) or "They were worded by templates, not by a person or a model."


def _coverage(session: Session, run_id: str) -> Coverage | None:
    material = runs.material(session, run_id, "taxonomy")
    own = runs.material(session, run_id, "scenarios") is not None
    if own and (material is None or not material.by_person):
        return None
    if material is not None:
        taxonomy = parse_taxonomy(material.text, material.name)
    else:
        request = runs.request_of(session, run_id)
        taxonomy = drafted(request)
    return coverage(evaluation.scenarios(session, run_id), taxonomy)


def _reviews(session: Session, run_id: str) -> tuple[ReviewNote, ...]:
    found = []
    for row in evaluation.reviews(session, run_id):
        review = Review.model_validate(row.record)
        found.append(
            ReviewNote(role=row.role, by=row.by, at=row.at, text=review.notes, by_policy=row.by == POLICY)
        )
    return tuple(found)

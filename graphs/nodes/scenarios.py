"""Inputs that cover the taxonomy; a person agrees to a drafted one before anything runs on it."""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command, interrupt
from sqlalchemy.orm import Session

from graphs.desk import Desk
from graphs.materials import DRAFTED, taxonomy_of
from graphs.prompts import POLICY, ScenariosAgreement, ScenariosPrompt
from graphs.state import Journey
from graphs.wording import WORDING, worded
from store import evaluation, events, runs
from tools.evaluation import Scenario
from tools.faults import WrongUse
from tools.scenarios import coverage, generate, generate_further
from tools.taxonomy import parse_taxonomy

STAGE = "scenarios"
SAMPLE = 8
AGREED = "scenarios agreed"
"""Call that is no call: who agreed to a drafted taxonomy."""


async def scenarios(state: Journey, runtime: NodeRuntime[Desk]) -> Command[Literal["agree", "name_judge"]]:
    """About 50 inputs, or as many more as a person asked for; one's own were stored when the run began."""
    desk = runtime.context
    stored = await desk.look(evaluation.scenarios)
    own = await desk.look(runs.material, "scenarios")
    target = state.get("target", 0 if stored else desk.options.count)
    if own is not None:
        await desk.say(STAGE, "scenarios", count=len(stored), source=own.name)
        return Command(goto="name_judge")
    if len(stored) < target:
        stored = await _made(desk, stored, target)
    draft = await desk.look(runs.material, DRAFTED)
    if draft is not None and await desk.look(evaluation.stored_call, AGREED, "") is None:
        return Command(goto="agree", update={"prompt": _prompt(desk, draft.text, stored)})
    return Command(goto="name_judge", update={"prompt": None})


async def _made(desk: Desk, stored: list[Scenario], target: int) -> list[Scenario]:
    taxonomy = await taxonomy_of(desk)
    seed = desk.options.seed
    if stored:
        made = generate_further(taxonomy, target - len(stored), seed, stored)
    else:
        made = generate(taxonomy, target, seed)
    made = await worded(desk, made, taxonomy, stored)
    every = [*stored, *made]
    told = {"count": len(every), "source": taxonomy.name, "missing": len(coverage(every, taxonomy).missing)}
    await desk.write_and_say(STAGE, "scenarios", told, evaluation.keep_scenarios, made, len(stored))
    return every


def _prompt(desk: Desk, draft: str, made: list[Scenario], problem: str | None = None) -> dict[str, object]:
    return ScenariosPrompt(
        run_id=desk.run_id,
        count=len(made),
        taxonomy=draft,
        sample=tuple(scenario.message for scenario in made[:SAMPLE]),
        problem=problem,
    ).model_dump(mode="json")


async def agree(state: Journey) -> Journey:
    """Wait for the person's word on a drafted taxonomy. No side effect."""
    reply = ScenariosAgreement.model_validate(interrupt(state["prompt"], response_schema=ScenariosAgreement))
    return {"agreement": reply.model_dump(mode="json")}


async def record_agreement(
    state: Journey, runtime: NodeRuntime[Desk]
) -> Command[Literal["scenarios", "agree", "__end__"]]:
    """Store the agreement; a taxonomy that was handed back takes the draft's place."""
    desk = runtime.context
    given = ScenariosAgreement.model_validate(state["agreement"])
    if not given.agree:
        ended = (
            f"The drafted scenarios were refused by {given.by}. A taxonomy of your own goes in with "
            "--taxonomy; `bms scenarios --domain` writes a draft to begin with."
        )
        return Command(goto="__end__", update={"ended": ended, "prompt": None})
    if given.taxonomy is not None:
        try:
            parse_taxonomy(given.taxonomy, "your taxonomy")
        except WrongUse as wrong:
            prompt = ScenariosPrompt.model_validate(state["prompt"]).model_copy(
                update={"problem": str(wrong)}
            )
            return Command(goto="agree", update={"prompt": prompt.model_dump(mode="json")})
    now = desk.services.wall.now()

    def keep(session: Session, run_id: str) -> None:
        if given.taxonomy is not None:
            runs.replace_material(session, run_id, "taxonomy", "edited by " + given.by, given.taxonomy)
            evaluation.drop_scenarios(session, run_id)
            evaluation.forget_calls(session, run_id, WORDING)
        if evaluation.stored_call(session, run_id, AGREED, "") is None:
            evaluation.keep_call(session, run_id, AGREED, "", {"by": given.by}, now)
            told = {"by": given.by, "edited": given.taxonomy is not None}
            events.append(session, run_id, STAGE, "agreed", told, now)

    await desk.write(keep)
    return Command(goto="scenarios", update={"prompt": None})


def policy_agreement(_prompt: ScenariosPrompt) -> ScenariosAgreement:
    """The policy takes the draft; the record says that nobody read it."""
    return ScenariosAgreement(agree=True, by=POLICY)

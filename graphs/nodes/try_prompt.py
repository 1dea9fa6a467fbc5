"""Can the model not, or could a better prompt? The failures are asked again to find out."""

from __future__ import annotations

import json
from typing import Literal

from langgraph.runtime import Runtime as NodeRuntime
from langgraph.types import Command
from sqlalchemy.orm import Session

from graphs.desk import Desk
from graphs.remembered import Remembered
from graphs.results import Result, result_of
from graphs.state import Journey
from graphs.trials import IMPROVED_PROMPT, RETRIED, trial_of
from store import events, runs
from tools.failures import analyse
from tools.faults import WrongUse
from tools.retrial import Rejection, accept_prompt, improved_prompt, improvement_request, retry_ids
from tools.runtimes import RuntimeFault

STAGE = "try_prompt"
BY_RULES = "by rules, from the criteria that failed most"


async def try_prompt(state: Journey, runtime: NodeRuntime[Desk]) -> Command[Literal["answer"]]:
    """Write an improved system prompt, and name the failures that are asked again under it.

    They are asked twice: once more under the same prompt, as some pass by luck the second time, and once
    under the improved one.
    """
    desk, judge = runtime.context, state["judge"]
    assert judge is not None
    if await desk.look(runs.material, IMPROVED_PROMPT) is None:
        result = await desk.look(result_of, "primary", judge)
        original = (await trial_of(desk, "primary")).prompt
        prompt, source = await _improved(desk, result, original)
        ids = retry_ids(result.lines)

        def keep(session: Session, run_id: str) -> None:
            runs.keep_material(session, run_id, RETRIED, "failed scenarios", json.dumps(ids))
            runs.keep_material(session, run_id, IMPROVED_PROMPT, source, prompt)
            data = {"scenarios": len(ids), "source": source}
            events.append(session, run_id, STAGE, "improved_prompt", data, desk.services.wall.now())

        await desk.write(keep)
    return Command(goto="answer", update={"role": "repeated"})


async def _improved(desk: Desk, result: Result, original: str) -> tuple[str, str]:
    """The prompt and who worded it."""
    analysis = analyse(result.lines, result.rubric)
    by_rules = improved_prompt(original, analysis, result.rubric)
    if desk.options.brain is None:
        return by_rules, BY_RULES
    try:
        brain = Remembered(desk, await desk.services.open_model(desk.options.brain), "prompt", STAGE)
        reply = await brain(improvement_request(original, analysis, result.rubric))
    except (RuntimeFault, WrongUse) as fault:
        sentence = f"The brain {desk.options.brain} does not word the prompt: {fault}"
        await desk.say(STAGE, "warning", sentence=sentence)
        return by_rules, BY_RULES
    accepted = accept_prompt(reply.text, original, result.lines, result.rubric)
    if isinstance(accepted, Rejection):
        await desk.say(STAGE, "warning", sentence=f"The brain's prompt was not used: {accepted.reason}.")
        return by_rules, BY_RULES
    return accepted, f"by {desk.options.brain}, from the criteria that failed most"

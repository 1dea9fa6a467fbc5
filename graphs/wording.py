"""Scenarios worded by the agent's own model where there is one. Code checks every message."""

from __future__ import annotations

from graphs.desk import Desk
from graphs.remembered import Remembered
from store import evaluation, runs
from tools.brain_wording import word_with_brain
from tools.evaluation import Scenario
from tools.faults import WrongUse
from tools.runtimes import RuntimeFault
from tools.scenarios import language_warning, unworded
from tools.taxonomy import Taxonomy

STAGE = "scenarios"
WORDING = "wording"
"""Purpose of the brain's calls, and of the report on them."""


async def worded(
    desk: Desk, made: list[Scenario], taxonomy: Taxonomy, before: list[Scenario]
) -> list[Scenario]:
    """``made`` in the brain's words; as the templates have them where there is none or it does not answer."""
    request = await desk.request()
    if desk.options.brain is None:
        warning = language_warning(request.languages)
        given = await desk.look(runs.material, "taxonomy")
        if warning and (given is None or not given.by_person):
            await desk.say(STAGE, "warning", sentence=warning)
        if labels := unworded(taxonomy):
            await desk.say(STAGE, "warning", sentence=labels)
        return made
    try:
        brain = await desk.services.open_model(desk.options.brain)
        chat = Remembered(desk, brain, WORDING, STAGE)
        result = await word_with_brain(chat, made, taxonomy, languages=request.languages, existing=before)
    except (RuntimeFault, WrongUse) as fault:
        await desk.say(
            STAGE, "warning", sentence=f"The brain {desk.options.brain} does not word scenarios: {fault}"
        )
        return made
    key = f"report\0{len(before)}"
    if await desk.look(evaluation.stored_call, WORDING, key) is None:
        record, now = result.report.model_dump(mode="json"), desk.services.wall.now()
        await desk.write(evaluation.keep_call, WORDING, key, record, now)
    await desk.say(STAGE, "worded", sentence=result.report.sentence)
    return list(result.scenarios)

"""A run that somebody asks for."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from agent import views
from agent.conversation import intents, replies_run
from agent.conversation.case import Answer, Case
from agent.conversation.offers import SHALL_I
from agent.conversation.records import Offer
from agent.conversation.replies import YES_NO, answer
from agent.wishes import Wishes, check
from tools.faults import WrongUse

DEMO = "therapy-8b"


def start(case: Case, wish: intents.Start) -> Answer:
    fields: dict[str, Any] = {"text": wish.text[:4000]}
    if wish.model is not None:
        fields = {"model": wish.model, "domain": wish.domain}
    if wish.judge is not None:
        fields["judge"] = wish.judge
    sentence = (
        f"Evaluating {wish.model} for {wish.domain}." if wish.model else f"Starting: {wish.text[:200]}."
    )
    return _starting(case, fields, sentence, sure=wish.sure)


def replay(case: Case, wish: intents.Replay) -> Answer:
    from agent.story import available

    story = wish.story or DEMO
    if story not in available():
        return answer(
            f"There is no recorded story {story!r}.",
            suggestions=tuple(f"replay {name}" for name in available()[:4]),
        )
    return _starting(case, {"story": story}, f"Replaying the recorded story {story}.")


def _starting(case: Case, fields: dict[str, Any], sentence: str, *, sure: bool = True) -> Answer:
    try:
        wishes = Wishes.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        return answer(
            f"That cannot be started: {first['loc'][0]}: {first['msg']}.", suggestions=replies_run.START
        )
    return starting(case, wishes, sentence, sure=sure)


def starting(case: Case, wishes: Wishes, sentence: str, *, sure: bool) -> Answer:
    """The start of a run; asked before where the words could mean something else, or a run still goes on."""
    try:
        check(wishes)
    except WrongUse as wrong:
        return answer(wrong.sentence, wrong.next_step, suggestions=replies_run.START)
    offer = Offer(
        kind="start", sentence=sentence, record=wishes.model_dump(mode="json", exclude_defaults=True)
    )
    state = None if case.run_id is None else views.run_state(case.session, case.run_id, case.clock)
    going = state is not None and not state.status.ended
    if sure and not going:
        return offer
    return answer(
        f"Run {state.id} of this conversation has not ended; it is {state.status.value}. It goes on "
        f"if another one is started."
        if state is not None and going
        else "That would be another run.",
        SHALL_I,
        offer=offer,
        suggestions=YES_NO,
    )


def model_or_size(_case: Case, wish: intents.StartModelOrSize) -> Answer:
    size = wish.words.split()[-1].upper()
    return answer(
        f"“{wish.words}” names a model, {wish.tag}, and a size. Shall that one model be evaluated, or "
        f"the models of "
        "that size be researched?",
        suggestions=(
            f"evaluate {wish.tag} for {wish.domain}",
            f"evaluate {size} models for {wish.domain}",
        ),
    )


def without_domain(_case: Case, wish: intents.ModelWithoutDomain) -> Answer:
    return answer(
        f"For what is {wish.model} to be evaluated?",
        suggestions=(f"evaluate {wish.model} for coding", f"evaluate {wish.model} for therapy coaching"),
    )

"""A run that somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from agent import views
from agent.conversation import answers_review, intents, replies_run
from agent.conversation.case import Answer, Case
from agent.conversation.offers import SHALL_I
from agent.conversation.records import Offer
from agent.conversation.replies import YES_NO, answer
from agent.conversation.replies_models import which
from agent.wishes import Wishes, check
from graphs.prompts import ReviewPrompt
from store import runs
from tools.faults import WrongUse
from tools.knowledge import loader
from tools.request import EvaluationRequest

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


def without_domain(case: Case, wish: intents.ModelWithoutDomain) -> Answer:
    """A model by itself: for the domain of the run that there is, once that is confirmed."""
    known = case.book()
    meant = known.meant(wish.model)
    prompt = None if case.question is None else case.question.prompt
    if isinstance(prompt, ReviewPrompt) and prompt.backup is not None and prompt.backup in meant:
        return answers_review.run_backup(case, intents.RunBackup())
    domain, model = domain_of(case), _model(wish.model, meant)
    if domain is not None and model is not None:
        return starting(
            case, Wishes(model=model, domain=domain), f"Evaluating {model} for {domain}.", sure=False
        )
    if len(meant) > 1 and domain is not None and case.run_id is not None:
        return which(wish.model, meant, known, "evaluate {} too")
    return answer(
        f"For what is {wish.model} to be evaluated?",
        suggestions=(f"evaluate {wish.model} for coding", f"evaluate {wish.model} for therapy coaching"),
    )


def domain_of(case: Case) -> str | None:
    request = None if case.run_id is None else runs.get(case.session, case.run_id).request
    return None if request is None else EvaluationRequest.model_validate(request).domain


def _model(words: str, meant: Sequence[str]) -> str | None:
    """The model as it can be pulled: as it was typed, or by its tag where only one can be meant."""
    if ":" in words or "/" in words:
        return words
    member = loader.families().member(meant[0] if len(meant) == 1 else words)
    return None if member is None else member.ollama_tag

"""From an intent to an answer, an offer within an answer, or an action that is done at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.orm import Session

from agent import views
from agent.conversation import intents, replies_models, replies_results, replies_run
from agent.conversation.intents import Intent
from agent.conversation.names import Book, book, looks_like_a_name, names_somebody, pointed
from agent.conversation.narrate import question_said
from agent.conversation.offers import SHALL_I, Table, offer_cancel, offer_reply, reply_record
from agent.conversation.records import Offer, Said
from agent.conversation.replies import YES_NO, answer, view
from agent.settings import Settings
from agent.waiting import Waiting
from agent.wishes import Wishes, check, check_name
from graphs.prompts import (
    ApprovalPrompt,
    JudgeChoice,
    JudgePrompt,
    Labelled,
    LabelsPrompt,
    Reply,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from store import evaluation, runs
from store.schema import RunStatus
from tools.clock import Clock
from tools.faults import WrongUse
from tools.panel import HUMAN
from tools.table import Column

Answer = Said | Offer
"""An :class:`Offer` by itself is done at once; one within a :class:`Said` waits for a yes."""

DEMO = "therapy-8b"


class Answerer:
    """Answers one message; reads rows and writes none."""

    def __init__(self, settings: Settings, clock: Clock, by: str) -> None:
        self._settings = settings
        self._clock = clock
        self._by = by

    def answer(
        self,
        session: Session,
        intent: Intent,
        run_id: str | None,
        question: Waiting | None,
        spoken: tuple[str, ...] = (),
        *,
        forgotten: bool = False,
    ) -> Answer:
        """``spoken`` are the candidates that the conversation spoke of last: whom "it" means. ``forgotten``
        says that it was about a run which has been deleted."""
        if run_id is not None:
            run_id = runs.get(session, run_id).id
        handler = _HANDLERS[type(intent)]
        return handler(self, _Case(session, run_id, question, spoken, forgotten), intent)

    def _book(self, case: _Case) -> Book:
        return Book({}, None, None) if case.run_id is None else book(case.session, case.run_id)

    def _suggestions(self, case: _Case) -> tuple[str, ...]:
        return replies_run.suggestions(case.session, case.run_id, self._clock)

    # --- starting ------------------------------------------------------------------------------------------

    def start(self, case: _Case, wish: intents.Start) -> Answer:
        fields: dict[str, Any] = {"text": wish.text[:4000]}
        if wish.model is not None:
            fields = {"model": wish.model, "domain": wish.domain}
        if wish.judge is not None:
            fields["judge"] = wish.judge
        sentence = (
            f"Evaluating {wish.model} for {wish.domain}." if wish.model else f"Starting: {wish.text[:200]}."
        )
        return self._starting(case, fields, sentence)

    def replay(self, case: _Case, wish: intents.Replay) -> Answer:
        from agent.story import available

        story = wish.story or DEMO
        if story not in available():
            return answer(
                f"There is no recorded story {story!r}.",
                suggestions=tuple(f"replay {name}" for name in available()[:4]),
            )
        return self._starting(case, {"story": story}, f"Replaying the recorded story {story}.")

    def _starting(self, case: _Case, fields: dict[str, Any], sentence: str) -> Answer:
        try:
            wishes = Wishes.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            return answer(
                f"That cannot be started: {first['loc'][0]}: {first['msg']}.", suggestions=replies_run.START
            )
        try:
            check(wishes)
        except WrongUse as wrong:
            return answer(wrong.sentence, wrong.next_step, suggestions=replies_run.START)
        offer = Offer(
            kind="start", sentence=sentence, record=wishes.model_dump(mode="json", exclude_defaults=True)
        )
        going = None if case.run_id is None else views.run_state(case.session, case.run_id, self._clock)
        if going is None or going.status.ended:
            return offer
        return answer(
            f"Run {going.id} of this conversation has not ended; it is {going.status.value}. It goes on "
            f"if another one is started.",
            SHALL_I,
            offer=offer.model_copy(update={"run_id": None}),
            suggestions=YES_NO,
        )

    def model_or_size(self, _case: _Case, wish: intents.StartModelOrSize) -> Answer:
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

    def without_domain(self, _case: _Case, wish: intents.ModelWithoutDomain) -> Answer:
        return answer(
            f"For what is {wish.model} to be evaluated?",
            suggestions=(f"evaluate {wish.model} for coding", f"evaluate {wish.model} for therapy coaching"),
        )

    # --- questions asked back ------------------------------------------------------------------------------

    def answers(self, case: _Case, wish: intents.Answers) -> Answer:
        question = case.question
        if question is None or not isinstance(question.prompt, RequestPrompt):
            return self.unknown(case, wish)
        from agent.intake import complaint_about

        complaints = [
            why for name, words in wish.answers.items() if (why := complaint_about(name, words)) is not None
        ]
        if complaints:
            asked = question_said(case.session, case.run_id or "", question.prompt)
            return answer(" ".join(complaints), asked.text, suggestions=asked.extras.suggestions)
        if wish.insist is not None:
            told = "Run it all the same." if wish.insist else "No run, then."
        else:
            told = "; ".join(f"{name}: {words}" for name, words in wish.answers.items()) + "."
        return self._reply(case, RequestAnswer(answers=wish.answers, insist=wish.insist), told)

    def _reply(self, case: _Case, reply: Reply, sentence: str) -> Offer:
        assert case.question is not None
        return Offer(
            kind="reply",
            sentence=sentence,
            run_id=case.run_id,
            prompt_id=case.question.prompt_id,
            record=reply_record(reply, case.question.prompt.kind),
        )

    def yes(self, case: _Case, _wish: intents.Yes) -> Answer:
        if case.asks(ScenariosPrompt):
            return self._reply(
                case, ScenariosAgreement(agree=True, by=self._by), "The drafted scenarios are used."
            )
        if case.asks(ApprovalPrompt):
            return self.approve(case, intents.Approve())
        return answer("Yes to what? Nothing waits for a yes.", suggestions=self._suggestions(case))

    def no(self, case: _Case, _wish: intents.No) -> Answer:
        if case.asks(ScenariosPrompt):
            return self.agree(case, intents.Agree(False))
        return answer("Nothing was done.", suggestions=self._suggestions(case))

    def agree(self, case: _Case, wish: intents.Agree) -> Answer:
        if not case.asks(ScenariosPrompt):
            return self._not_asked(case, "drafted scenarios")
        if wish.yes:
            return self._reply(
                case, ScenariosAgreement(agree=True, by=self._by), "The drafted scenarios are used."
            )
        assert case.run_id is not None
        assert case.question is not None
        return offer_reply(
            case.run_id,
            case.question,
            ScenariosAgreement(agree=False, by=self._by),
            "Refuse the drafted scenarios; the run ends, since there is nothing else to ask the model.",
        )

    def judge(self, case: _Case, wish: intents.UseJudge) -> Answer:
        if case.question is None or not isinstance(case.question.prompt, JudgePrompt):
            return self._not_asked(case, "a judge")
        prompt = case.question.prompt
        name = wish.judge or prompt.judge
        if not name:
            return answer(
                "Which model? For example: use ollama:gemma3:12b as judge.", suggestions=("I judge myself",)
            )
        if name.partition(":")[0] not in {"ollama", "openai", "llamacpp"}:
            return answer(
                f"A judge is named provider:model; is it ollama:{name}?",
                suggestions=(f"use ollama:{name} as judge", "I judge myself"),
            )
        try:
            check_name(name)
        except WrongUse as wrong:
            return answer(wrong.sentence, wrong.next_step, suggestions=("I judge myself",))
        insist = wish.insist and name == prompt.judge and prompt.usable
        told = f"{name} judges{', in spite of what speaks against it' if insist else ''}."
        return self._reply(case, JudgeChoice(judge=name[:200], insist=insist, by=self._by), told)

    def judge_myself(self, case: _Case, _wish: intents.JudgeMyself) -> Answer:
        if case.asks(LabelsPrompt):
            assert case.run_id is not None
            return answer(
                "Here they are.",
                links=(view(case.run_id, "labels", "the labels"),),
                suggestions=("go on", "enough labels"),
            )
        if not case.asks(JudgePrompt):
            return self._not_asked(case, "a judge")
        return self._reply(case, JudgeChoice(judge=HUMAN, by=self._by), "You judge the answers yourself.")

    # --- the table -----------------------------------------------------------------------------------------

    def _table(self, case: _Case) -> Table | None:
        if (
            case.run_id is None
            or case.question is None
            or not isinstance(case.question.prompt, ApprovalPrompt)
        ):
            return None
        replayed = runs.get(case.session, case.run_id).options.get("story") is not None
        return Table(case.run_id, case.question, self._book(case), self._by, replayed=replayed)

    def _on_table(self, case: _Case, what: Callable[[Table], Said]) -> Answer:
        table = self._table(case)
        return self._not_asked(case, "an approval") if table is None else what(table)

    def approve(self, case: _Case, wish: intents.Approve) -> Answer:
        if case.asks(ScenariosPrompt) and wish == intents.Approve():
            return self.agree(case, intents.Agree(True))
        known, pair = self._book(case), {}
        for role in ("primary", "backup"):
            words = getattr(wish, role)
            meant = words if words is None or self._table(case) is None else self._named(case, words, known)
            if isinstance(meant, Said):
                return meant
            pair[role] = meant
        named = replace(wish, primary=pair["primary"], backup=pair["backup"])
        return self._on_table(case, lambda table: table.approve(named))

    def swap(self, case: _Case, _wish: intents.Swap) -> Answer:
        return self._on_table(case, Table.swap)

    def reject(self, case: _Case, wish: intents.Reject) -> Answer:
        if case.asks(ScenariosPrompt):
            return self.agree(case, intents.Agree(False))
        return self._on_table(case, lambda table: table.reject(wish.reason))

    def only(self, case: _Case, wish: intents.Only) -> Answer:
        return self._on_table(case, lambda table: table.only(wish))

    def add(self, case: _Case, wish: intents.Add) -> Answer:
        return self._edit(case, wish.names, Table.add)

    def leave_out(self, case: _Case, wish: intents.LeaveOut) -> Answer:
        return self._edit(case, wish.names, Table.leave_out)

    def _edit(self, case: _Case, words: Sequence[str], what: Callable[[Table, list[str]], Said]) -> Answer:
        table = self._table(case)
        if table is None:
            return self._not_asked(case, "an approval")
        return self._on_models(case, words, lambda _run, names, _known: what(table, names))

    def more(self, case: _Case, wish: intents.More) -> Answer:
        return self._on_table(case, lambda table: table.more(wish.note))

    def _not_asked(self, case: _Case, what: str) -> Said:
        if case.run_id is None:
            return answer("There is no run in this conversation yet.", suggestions=replies_run.START)
        state = views.run_state(case.session, case.run_id, self._clock)
        detail = replies_run.standing(state)
        if not state.status.ended:
            return answer(
                f"Run {state.id} does not wait for {what}: it {detail}. Nothing was done.",
                suggestions=self._suggestions(case),
            )
        return answer(
            f"Run {state.id} does not wait for {what} any more: it {detail}. Nothing was done.",
            "Another request starts a new run, such as “evaluate qwen3:8b for coding”.",
            links=(view(state.id),),
            suggestions=(*self._suggestions(case)[:3], replies_run.START[0]),
        )

    # --- the review and the run ----------------------------------------------------------------------------

    def _review(self, case: _Case, what: Callable[[ReviewPrompt], Answer]) -> Answer:
        if case.question is None or not isinstance(case.question.prompt, ReviewPrompt):
            return self._not_asked(case, "a review")
        return what(case.question.prompt)

    def _offer_review(self, case: _Case, review: Review, sentence: str, *more: str) -> Said:
        assert case.run_id is not None
        assert case.question is not None
        return offer_reply(case.run_id, case.question, review, sentence, *more)

    def notes(self, case: _Case, wish: intents.Notes) -> Answer:
        def put(prompt: ReviewPrompt) -> Answer:
            review = Review(notes=wish.text[:20_000], by=self._by)
            told = "Your notes go into the document." if wish.text else "The review ends without notes."
            can = [
                *((f"the backup {prompt.backup} could be run",) if prompt.backup else ()),
                *(
                    (f"{prompt.further} further scenarios could settle the decision",)
                    if prompt.further
                    else ()
                ),
                *(
                    (f"{prompt.failures} failures could be asked again under a better prompt",)
                    if prompt.failures
                    else ()
                ),
            ]
            if not can:
                return self._reply(case, review, told)
            return self._offer_review(
                case, review, f"{told} That ends the review.", f"Before it {'; '.join(can)}."
            )

        return self._review(case, put)

    def run_backup(self, case: _Case, _wish: intents.RunBackup) -> Answer:
        def put(prompt: ReviewPrompt) -> Answer:
            if prompt.backup is None:
                return answer("There is no backup left to run.", suggestions=self._suggestions(case))
            return self._offer_review(
                case, Review(run_backup=True, by=self._by), f"Pull and evaluate the backup, {prompt.backup}."
            )

        return self._review(case, put)

    def try_prompt(self, case: _Case, _wish: intents.TryPrompt) -> Answer:
        def put(prompt: ReviewPrompt) -> Answer:
            if not prompt.failures:
                return answer(
                    "There are no failures that could be asked again.", suggestions=self._suggestions(case)
                )
            sentence = f"Ask {prompt.failures} failures again, under an improved system prompt and under the same one."  # noqa: E501
            return self._offer_review(case, Review(try_prompt=True, by=self._by), sentence)

        return self._review(case, put)

    def further(self, case: _Case, wish: intents.Further) -> Answer:
        def put(prompt: ReviewPrompt) -> Answer:
            number = wish.count or prompt.further
            if not number:
                return answer(
                    "How many? For example: run 50 more scenarios.", suggestions=("run 50 more scenarios",)
                )
            if number > 5000:
                return answer("At most 5000 at a time.", suggestions=("run 50 more scenarios",))
            return self._offer_review(
                case, Review(further=number, by=self._by), f"Run {number} more scenarios, then decide anew."
            )

        return self._review(case, put)

    def enough(self, case: _Case, _wish: intents.Enough) -> Answer:
        if case.question is None or not isinstance(case.question.prompt, LabelsPrompt):
            return self._not_asked(case, "labels")
        from graphs.labels import without_verdict

        assert case.run_id is not None
        left = without_verdict(case.session, case.run_id, case.question.prompt.role)
        if not left:
            return self._reply(case, Labelled(by=self._by), "Every answer has its verdict.")
        return offer_reply(
            case.run_id,
            case.question,
            Labelled(enough=True, by=self._by),
            f"Go on without verdicts on {left} answers; they count as unmeasured.",
        )

    def resume(self, case: _Case, _wish: intents.Resume) -> Answer:
        if case.run_id is None:
            return self._not_asked(case, "anything")
        if case.asks(LabelsPrompt):
            return self.enough(case, intents.Enough())
        state = views.run_state(case.session, case.run_id, self._clock)
        if state.status is RunStatus.STOPPED:
            return Offer(kind="resume", sentence="It goes on.", run_id=case.run_id)
        undecided = any(one.decision.kind.value == "UNDECIDED" for one in state.results)
        if state.status is RunStatus.DONE and undecided:
            offer = Offer(
                kind="resume", sentence="Run more scenarios, as many as would settle it.", run_id=case.run_id
            )
            return answer(
                "The run is done, and undecided.",
                SHALL_I,
                offer=offer,
                suggestions=YES_NO,
            )
        return replies_run.status(case.session, case.run_id, self._clock)

    def cancel(self, case: _Case, _wish: intents.Cancel) -> Answer:
        if case.run_id is None:
            return self._not_asked(case, "anything")
        state = views.run_state(case.session, case.run_id, self._clock)
        if state.status.ended:
            return answer(
                f"Run {state.id} has ended already: {state.status.value}.",
                suggestions=self._suggestions(case),
            )
        return offer_cancel(case.run_id)

    # --- asking --------------------------------------------------------------------------------------------

    def _named(self, case: _Case, words: str, known: Book) -> str | Said:
        """``words``, or whom they point at: what "it" and "the backup" mean is in the rows and in what was
        said; :class:`Said` where that is nobody, or several."""
        what = pointed(words)
        if what is None or case.run_id is None:
            return words
        proposal, spoken = known.proposal, [key for key in case.spoken if key in known.ledger]
        held = evaluation.held(case.session, case.run_id, "backup" if what == "backup" else "primary")
        proposed = None if proposal is None else proposal.backup if what == "backup" else proposal.primary
        proposed = proposed if held is None else held.candidate
        if what == "spoken" and spoken and (len(spoken) == 1 or proposed not in spoken):
            return spoken[0] if len(spoken) == 1 else replies_models.which(words or "it", spoken, known)
        return proposed or replies_models.nobody_proposed(case.run_id, known)

    def _on_model(self, case: _Case, words: str, tell: Callable[[str, str, Book], Said]) -> Answer:
        """``tell(run, name, book)`` of the candidate that is named or pointed at."""

        def told(run_id: str) -> Said:
            known = self._book(case)
            name = self._named(case, words, known)
            return name if isinstance(name, Said) else tell(run_id, name, known)

        return self._of_run(case, told)

    def why(self, case: _Case, wish: intents.Why) -> Answer:
        def tell(run_id: str, name: str, known: Book) -> Said:
            return replies_models.why(run_id, name, known, negative=wish.negative)

        return self._on_model(case, wish.name, tell)

    def why_proposal(self, case: _Case, _wish: intents.WhyProposal) -> Answer:
        return self._of_run(case, lambda run: replies_models.why_proposal(run, self._book(case)))

    def about(self, case: _Case, wish: intents.About) -> Answer:
        known, name = self._book(case), wish.name
        if not known.meant(name) and pointed(name) is None:
            if not wish.columns or (names_somebody(name) and not looks_like_a_name(name)):
                return self.unknown(case, wish)
            name = name if names_somebody(name) else ""  # only what glues a sentence together is left
        return self._on_model(
            case, name, lambda run, one, book_: replies_models.about(run, one, wish.columns, book_)
        )

    def how_good(self, case: _Case, wish: intents.HowGood) -> Answer:
        """The pass rate of what was evaluated, and of anybody else what sources say of its fit."""

        def tell(run_id: str, name: str, known: Book) -> Said:
            keys, results = known.meant(name), views.result_views(case.session, run_id)
            if results and (not known.ledger or {one.candidate for one in results} & {name, *keys}):
                return replies_results.pass_rate(case.session, run_id)
            return replies_models.about(run_id, name, (Column.FIT,), known)

        known = self._book(case)
        if pointed(wish.name) is None and not known.meant(wish.name) and not looks_like_a_name(wish.name):
            return self.unknown(case, wish)
        if (
            pointed(wish.name) == "spoken"
            and not case.spoken
            and not known.ledger
            and case.run_id is not None
        ):
            return replies_results.pass_rate(case.session, case.run_id)
        return self._on_model(case, wish.name, tell)

    def compare(self, case: _Case, wish: intents.Compare) -> Answer:
        return self._on_models(case, wish.names, replies_models.compare)

    def _on_models(
        self, case: _Case, words: Sequence[str], tell: Callable[[str, list[str], Book], Said]
    ) -> Answer:
        """The same of several candidates."""

        def told(run_id: str) -> Said:
            known, names = self._book(case), []
            for one in words:
                name = self._named(case, one, known)
                if isinstance(name, Said):
                    return name
                names.append(name)
            return tell(run_id, names, known)

        return self._of_run(case, told)

    def show(self, case: _Case, wish: intents.Show) -> Answer:
        session, clock = case.session, self._clock
        if wish.what == "runs":
            return replies_run.runs(session, clock)
        if wish.what in {"costs", "stars"}:
            tell = replies_models.costs if wish.what == "costs" else replies_models.stars_explained
            return self._on_model(case, "", tell)
        tellers: dict[str, Callable[[str], Said]] = {
            "status": lambda run: replies_run.status(session, run, clock),
            "how long": lambda run: replies_run.how_long(session, run, clock),
            "table": lambda run: replies_models.table(run, self._book(case)),
            "proposal": lambda run: replies_models.why_proposal(run, self._book(case)),
            "rejected": lambda run: replies_models.rejected(run, self._book(case)),
            "blocked": lambda run: replies_run.blocked(session, run),
            "coverage": lambda run: replies_run.coverage(session, run),
            "result": lambda run: replies_results.result(session, run),
            "pass rate": lambda run: replies_results.pass_rate(session, run),
            "failed most": lambda run: replies_results.failed_most(session, run),
            "weakest topic": lambda run: replies_results.weakest_topic(session, run),
            "example": lambda run: replies_results.example(session, run, wish.of),
            "safety": lambda run: replies_results.safety(session, run),
            "criterion": lambda run: replies_results.criterion(session, run, wish.of),
            "delete": replies_run.deleting,
            "judge": lambda run: replies_results.judge(session, run),
            "report": lambda run: replies_results.report(session, run),
        }
        return self._of_run(case, tellers[wish.what])

    def _of_run(self, case: _Case, tell: Callable[[str], Said]) -> Said:
        if case.run_id is None:
            there = (
                "The run of this conversation was deleted."
                if case.forgotten
                else "There is no run in this conversation yet."
            )
            return answer(there, suggestions=replies_run.START)
        return tell(case.run_id)

    def help(self, case: _Case, _wish: intents.Help) -> Answer:
        return replies_run.help_now(case.session, case.run_id, self._clock)

    def pleasantry(self, case: _Case, wish: intents.Pleasantry) -> Answer:
        text = "You are welcome." if wish.thanks else "Hello. Which models shall be evaluated, and for what?"
        return answer(text, suggestions=self._suggestions(case))

    def held(self, case: _Case, wish: intents.Held) -> Answer:
        return answer(
            f"Understood as “not {wish.verb}”: nothing was done.", suggestions=self._suggestions(case)
        )

    def musing(self, case: _Case, _wish: intents.Musing) -> Answer:
        return replies_run.musing(case.session, case.run_id, self._clock)

    def start_over(self, case: _Case, _wish: intents.StartOver) -> Answer:
        return replies_run.start_over(case.session, case.run_id, self._clock)

    def unknown(self, case: _Case, wish: Intent) -> Answer:
        german = isinstance(wish, intents.Unknown) and wish.german
        return replies_run.not_understood(case.session, case.run_id, self._clock, german=german)


class _Case(NamedTuple):
    """What a message is about."""

    session: Session
    run_id: str | None
    question: Waiting | None
    spoken: tuple[str, ...] = ()
    forgotten: bool = False

    def asks(self, kind: type[Any]) -> bool:
        return self.question is not None and isinstance(self.question.prompt, kind)


_HANDLERS: dict[type[Intent], Callable[[Answerer, _Case, Any], Answer]] = {
    intents.Start: Answerer.start,
    intents.StartModelOrSize: Answerer.model_or_size,
    intents.ModelWithoutDomain: Answerer.without_domain,
    intents.Replay: Answerer.replay,
    intents.Answers: Answerer.answers,
    intents.Yes: Answerer.yes,
    intents.No: Answerer.no,
    intents.Held: Answerer.held,
    intents.Help: Answerer.help,
    intents.Pleasantry: Answerer.pleasantry,
    intents.Why: Answerer.why,
    intents.WhyProposal: Answerer.why_proposal,
    intents.About: Answerer.about,
    intents.HowGood: Answerer.how_good,
    intents.Musing: Answerer.musing,
    intents.StartOver: Answerer.start_over,
    intents.Compare: Answerer.compare,
    intents.Only: Answerer.only,
    intents.Add: Answerer.add,
    intents.LeaveOut: Answerer.leave_out,
    intents.More: Answerer.more,
    intents.Approve: Answerer.approve,
    intents.Swap: Answerer.swap,
    intents.Reject: Answerer.reject,
    intents.UseJudge: Answerer.judge,
    intents.JudgeMyself: Answerer.judge_myself,
    intents.Resume: Answerer.resume,
    intents.Cancel: Answerer.cancel,
    intents.RunBackup: Answerer.run_backup,
    intents.TryPrompt: Answerer.try_prompt,
    intents.Further: Answerer.further,
    intents.Notes: Answerer.notes,
    intents.Enough: Answerer.enough,
    intents.Agree: Answerer.agree,
    intents.Show: Answerer.show,
    intents.Unknown: Answerer.unknown,
}
"""What is done about each intent."""

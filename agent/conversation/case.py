"""What a message is about, and what nearly every answer to one needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from agent import views
from agent.conversation import replies_run
from agent.conversation.names import Book, book
from agent.conversation.offers import reply_record
from agent.conversation.records import Offer, Said
from agent.conversation.replies import answer, view
from agent.waiting import Waiting
from graphs.prompts import Reply
from tools.clock import Clock

Answer = Said | Offer
"""An :class:`Offer` by itself is done at once; one within a :class:`Said` waits for a yes."""


class Case(NamedTuple):
    """What a message is about."""

    session: Session
    clock: Clock
    by: str
    """Who says it."""
    run_id: str | None
    question: Waiting | None
    spoken: tuple[str, ...] = ()
    """The candidates that the conversation spoke of last: whom "it" means."""
    forgotten: bool = False
    """The conversation was about a run that has been deleted."""
    text: str = ""
    """What was said: where it is not understood, what can be asked is told near to it."""

    def asks(self, kind: type[Any]) -> bool:
        return self.question is not None and isinstance(self.question.prompt, kind)

    def book(self) -> Book:
        return Book({}, None, None) if self.run_id is None else book(self.session, self.run_id)

    def suggestions(self) -> tuple[str, ...]:
        return replies_run.suggestions(self.session, self.run_id, self.clock)

    def reply(self, reply: Reply, sentence: str) -> Offer:
        """The answer to the question of the run, given at once."""
        assert self.question is not None
        return Offer(
            kind="reply",
            sentence=sentence,
            run_id=self.run_id,
            prompt_id=self.question.prompt_id,
            record=reply_record(reply, self.question.prompt.kind),
        )

    def not_asked(self, what: str) -> Said:
        """The run does not wait for ``what``."""
        if self.run_id is None:
            return answer("There is no run in this conversation yet.", suggestions=replies_run.START)
        state = views.run_state(self.session, self.run_id, self.clock)
        detail = replies_run.standing(state)
        if not state.status.ended:
            return answer(
                f"Run {state.id} does not wait for {what}: it {detail}. Nothing was done.",
                suggestions=self.suggestions(),
            )
        return answer(
            f"Run {state.id} does not wait for {what} any more: it {detail}. Nothing was done.",
            "Another request starts a new run, such as “evaluate qwen3:8b for coding”.",
            links=(view(state.id),),
            suggestions=(*self.suggestions()[:3], replies_run.START[0]),
        )

    def of_run(self, tell: Callable[[str], Said]) -> Said:
        """What ``tell`` says of the run; where there is none, that there is none."""
        if self.run_id is not None:
            return tell(self.run_id)
        there = (
            "The run of this conversation was deleted."
            if self.forgotten
            else "There is no run in this conversation yet."
        )
        return answer(there, suggestions=replies_run.START)

"""Judges at work on answers from a file: tried first, then asked, each reply on disk before it is used."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.settings import Settings
from agent.shelf import shelf_for
from agent.terminal import plain
from agent.verdict_file import VerdictFile
from graphs.fanout import each
from graphs.retry import keep_trying
from graphs.throttles import throttle_for
from tools.concurrency import Throttle
from tools.evaluation import AnswerOutcome, Assessment
from tools.faults import Fault
from tools.judging import COMPUTED, judge_answer
from tools.panel import combine
from tools.preflight import preflight, reachability_warning
from tools.responses import Response
from tools.rubric import Rubric
from tools.runtimes import ChatReply, ChatRequest
from tools.runtimes.shelf import RuntimeShelf, parse_model_spec
from tools.scoring import score_assessment


class Bench:
    """The judges of one file of verdicts. All answers by the first judge, then all by the next."""

    def __init__(
        self,
        settings: Settings,
        rubric: Rubric,
        verdicts: VerdictFile,
        judges: Sequence[str],
        *,
        per_criterion: bool,
        at_once: int | None,
    ) -> None:
        self._settings = settings
        self._rubric = rubric
        self._verdicts = verdicts
        self._judges = tuple(judges)
        self._per_criterion = per_criterion
        self._at_once = at_once
        self._console = Console(stderr=True)
        self.doubts: list[str] = []
        """What spoke against a judge that a person insisted on."""
        self.trials: list[str] = []
        """What the preflight said of each judge."""

    async def judge(self, responses: Sequence[Response], *, candidate: str | None, insist: bool) -> None:
        """Judge what is not judged yet. Raises Fault when a judge is refused, or its server is in trouble."""
        left = [response for response in responses if not self._verdicts.holds(response)]
        self._tell_of(responses, left)
        shelf = shelf_for(self._settings)
        try:
            if self._rubric.judged:
                await self._try(shelf, responses[0], candidate, insist)
            by_judge: dict[str, dict[str, Assessment]] = {judge: {} for judge in self._judges}
            for judge in self._judges:
                await self._ask(shelf, judge, left, len(responses), by_judge)
        finally:
            await shelf.aclose()

    async def _try(self, shelf: RuntimeShelf, first: Response, candidate: str | None, insist: bool) -> None:
        """Kinship, planted answers and the rubric's reach, before anything is paid."""
        if candidate is not None:
            from tools.kinship import judge_relation

            related = judge_relation(",".join(self._judges), candidate)
            self.doubts += [related] if related is not None else []
            self._refuse_unless(insist)  # before a call is paid
        for judge in self._judges:
            asker = Asker(self._verdicts, shelf, judge, self._at_once, self._say)
            report = await preflight(asker, self._rubric, first.scenario, judge=judge)
            self.trials.append(report.sentence)
            for sentence in (report.sentence, *report.warnings):
                self._say(sentence)
            self.doubts += [] if report.passed else [report.sentence]
        warning = reachability_warning(self._rubric)
        if warning is not None:
            self._say(warning)
        self._refuse_unless(insist)

    def _refuse_unless(self, insist: bool) -> None:
        if self.doubts and not insist:
            raise Refused(
                " ".join(self.doubts), "--insist-judge uses it all the same, and every output says so."
            )

    async def _ask(
        self,
        shelf: RuntimeShelf,
        judge: str,
        left: Sequence[Response],
        total: int,
        by_judge: dict[str, dict[str, Assessment]],
    ) -> None:
        """Every answer that is left, by one judge; the last one's verdicts make a line complete."""
        asker = Asker(self._verdicts, shelf, judge, self._at_once, self._say)
        with self._progress(judge, total - len(left), total) as step:

            async def one(response: Response) -> None:
                by_judge[judge][response.id] = await judge_answer(
                    asker.anew if response.id in self._verdicts.again else asker,
                    self._rubric,
                    response.scenario,
                    response.answer,
                    judge=judge,
                    per_criterion=self._per_criterion,
                )
                if judge == self._judges[-1]:
                    self._keep(response, {name: given[response.id] for name, given in by_judge.items()})
                step()

            await each(left, one, at_once=asker.throttle)

    def _keep(self, response: Response, by_judge: dict[str, Assessment]) -> None:
        several = len(by_judge) > 1
        whole = combine(by_judge, self._rubric) if several else by_judge[self._judges[0]]
        scored = score_assessment(whole, self._rubric)
        record = {
            "verdicts": {v.criterion: v.verdict.value for v in whole.verdicts},
            "reasons": {v.criterion: v.reason for v in whole.verdicts if v.reason},
            "outcome": whole.outcome.value,
            "detail": whole.detail,
            **scored.model_dump(mode="json", include={"score", "passed", "gate_failed", "unmeasured"}),
        }
        if several:
            record["by_judge"] = {
                judge: {v.criterion: v.verdict.value for v in one.verdicts} for judge, one in by_judge.items()
            }
        if self.doubts:
            record["insisted"] = " ".join(self.doubts)
        self._verdicts.keep(response, record)

    def _tell_of(self, responses: Sequence[Response], left: Sequence[Response]) -> None:
        if len(left) < len(responses):
            self._say(f"{len(responses) - len(left)} of {len(responses)} are judged already.")
        if self._verdicts.again:
            self._say(f"{len(self._verdicts.again)} could not be judged before and are judged anew.")
        thought = sum(bool(response.answer.thinking) for response in responses)
        if thought:
            self._say(f"{thought} of {len(responses)} answers hold thinking, which is not judged.")
        blank = sum(response.answer.outcome is not AnswerOutcome.ANSWERED for response in responses)
        if blank:
            self._say(f"{blank} of {len(responses)} are empty or cut off, and not judged.")

    def _say(self, sentence: str) -> None:
        self._console.print(plain(sentence), highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def _progress(self, judge: str, done: int, total: int) -> Iterator[Callable[[], None]]:
        """A bar on a terminal; elsewhere a line now and then."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        live = self._console.is_terminal
        with Progress(*columns, console=self._console, disable=not live) as progress:
            task = progress.add_task(f"judging by {plain(judge)}", total=total, completed=done)

            def step() -> None:
                nonlocal done
                done += 1
                progress.update(task, completed=done)
                if not live and (done == total or done % max(1, total // 5) == 0):
                    self._say(f"judging by {judge}: {done} of {total}")

            yield step


class Refused(Fault):
    """A judge that should not judge; nothing was judged."""


class Asker:
    """One judge's chat: tried again where that may help, and every reply on disk before it is used."""

    def __init__(
        self,
        verdicts: VerdictFile,
        shelf: RuntimeShelf,
        judge: str,
        at_once: int | None,
        say: Callable[[str], None],
    ) -> None:
        self._verdicts = verdicts
        self._judge = judge
        self._say = say
        self._shelf = shelf
        self.throttle = Throttle(1)
        if judge != COMPUTED:
            self.throttle = throttle_for(parse_model_spec(judge).runtime, at_once)

    async def __call__(self, request: ChatRequest) -> ChatReply:
        stored = self._verdicts.reply(self._judge, request)
        return await self.anew(request) if stored is None else stored

    async def anew(self, request: ChatRequest) -> ChatReply:
        """Ask, whatever was said to this before."""
        reply = await self._patiently(request)
        self._verdicts.keep_reply(self._judge, request, reply)
        return reply

    async def _patiently(self, request: ChatRequest) -> ChatReply:
        runtime, model = self._shelf.open(self._judge)

        async def wait(sentence: str, seconds: float) -> None:
            self._say(f"{sentence} Trying again in {seconds:g} s.")
            await asyncio.sleep(seconds)

        return await keep_trying(lambda: runtime.chat(model, request), wait, self.throttle)

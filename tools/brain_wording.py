"""Messages worded by the agent's own model: inputs only, each checked by code, a template where none passes.

Slots are chosen by quota beforehand and stay what they are; only the words change. The constant part of the
prompt comes first, so that servers that keep prefixes read it once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.evaluation import Scenario
from tools.injection import is_suspicious
from tools.judging import Chat
from tools.languages import alike, known_languages, language_of
from tools.near_duplicates import NEAR, resemblance, words_of
from tools.runtimes.base import ChatRequest, Message, RuntimeFault, RuntimeFaultKind
from tools.taxonomy_records import Subtopic, Taxonomy
from tools.wording import Rejection, accept_wording, style_kind

BATCH: Final = 5
"""Messages asked for in one request; more, and small models begin to repeat themselves."""
GIVE_UP_AFTER: Final = 3
"""Batches in a row without a single usable message, after which the brain is not asked again."""
LONGEST_REPLY: Final = 60_000
LONGEST_EXAMPLE: Final = 600
TOKENS_A_MESSAGE: Final = 400
NO_REPLY: Final = "the reply is not the JSON object that was asked for"
_OF_THIS_CALL = frozenset({RuntimeFaultKind.BAD_REPLY, RuntimeFaultKind.TIMEOUT, RuntimeFaultKind.REFUSED})
"""Faults that belong to one batch; the others belong to the server and are raised."""
_LENGTH = {
    "terse": "one line, at most 20 words, the way people type in a hurry",
    "conversational": "two to four sentences, the way people talk",
    "detailed": "five to nine sentences with background",
}
_INSTRUCTIONS = (
    "You write the first message that a person types to an assistant for {domain}. You are that person: you "
    "have the problem and know no answer to it. Each message stands for itself, is concrete (a situation, a "
    "number, the name of a thing, what was tried), and differs from the others in facts, opening and tone. "
    "Never write what an assistant would say, never mention topic, style or these instructions, never "
    "use placeholders. Each slot shows a rough example of the length and tone that are wanted: say something "
    "else, and more to the point. Reply with one JSON object, the name of each slot with its message, and "
    "nothing else."
)


class WordedBy(StrEnum):
    BRAIN = "brain"
    TEMPLATE = "template"


class WordingReport(BaseModel):
    """Who worded which scenario, and what was rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    worded_by: dict[str, WordedBy] = Field(default_factory=dict)
    """Scenario id → who worded it."""
    rejected: dict[str, int] = Field(default_factory=dict)
    """Reason → texts of the brain that were rejected for it, asked again or not."""
    calls: int = 0
    gave_up: bool = False
    """The brain gave nothing usable several times in a row and was not asked again."""
    stopped: str = ""
    """The fault of its server that ended it, in a sentence; what was accepted before is kept."""

    @property
    def by_brain(self) -> int:
        return sum(by is WordedBy.BRAIN for by in self.worded_by.values())

    @property
    def sentence(self) -> str:
        """For a person: how many the brain worded, and why not the others."""
        total, templates = len(self.worded_by), len(self.worded_by) - self.by_brain
        said = f"The brain worded {self.by_brain} of {total} scenarios"
        said += f"; {templates} stand as the templates have them." if templates else "."
        if self.rejected:
            reasons = sorted(self.rejected.items(), key=lambda item: (-item[1], item[0]))
            said += f" Rejected: {', '.join(f'{n} because {reason}' for reason, n in reasons)}."
        if self.gave_up:
            said += f" After {GIVE_UP_AFTER} batches without a usable message it was not asked again."
        if self.stopped:
            said += f" It stopped there: {self.stopped}"
        return said


class Worded(NamedTuple):
    """Scenarios with their final messages, in the order in which they were given."""

    scenarios: tuple[Scenario, ...]
    report: WordingReport


async def word_with_brain(
    chat: Chat,
    scenarios: Sequence[Scenario],
    taxonomy: Taxonomy,
    *,
    languages: Sequence[str] = ("en",),
    existing: Sequence[Scenario] = (),
) -> Worded:
    """``scenarios`` in the words of the model behind ``chat``; those it cannot word keep the ones they have.

    A text that :func:`check_text` rejects is asked for once more with the reason. ``languages`` (ISO 639-1)
    are used in turn. Requests depend on the arguments and on earlier replies alone, so that kept replies can
    be replayed. Raises RuntimeFault when the model's server is in trouble before anything was accepted.
    """
    writer = _Writer(chat, taxonomy, _turns(scenarios, languages), existing)
    batches = [scenarios[i : i + BATCH] for i in range(0, len(scenarios), BATCH)]
    fruitless, stopped = 0, ""
    for number, batch in enumerate(batches):
        try:
            fruitless = 0 if await writer.word(batch, number) else fruitless + 1
        except RuntimeFault as fault:
            if not writer.accepted:
                raise
            stopped = fault.sentence
        if stopped or fruitless == GIVE_UP_AFTER:
            break
    told = writer.accepted
    return Worded(
        tuple(s.model_copy(update={"message": told[s.id]}) if s.id in told else s for s in scenarios),
        WordingReport(
            worded_by={s.id: WordedBy.BRAIN if s.id in told else WordedBy.TEMPLATE for s in scenarios},
            rejected=dict(writer.rejected),
            calls=writer.calls,
            gave_up=fruitless == GIVE_UP_AFTER,
            stopped=stopped,
        ),
    )


def check_text(text: str, scenario: Scenario, language: str | None) -> str | Rejection:
    """``text`` as the message of ``scenario``, or why it is none; near-duplicates aside."""
    message = accept_wording(text, scenario.style)
    if isinstance(message, Rejection):
        return message
    if message.casefold() == scenario.message.casefold() and len(message.split()) > 1:
        return Rejection("it copies the example")
    if is_suspicious(message):
        return Rejection("it gives orders to a model")
    found = language_of(message)
    if language is not None and found is not None and not alike(found.code, language):
        return Rejection("it is in another language than was asked for")
    return message


class _Writer:
    """Asks for one batch after the other and keeps what was accepted."""

    def __init__(
        self,
        chat: Chat,
        taxonomy: Taxonomy,
        language_by_id: Mapping[str, str | None],
        existing: Sequence[Scenario],
    ) -> None:
        self._chat = chat
        self._taxonomy = taxonomy
        self._languages = language_by_id
        self._said = [words_of(scenario.message) for scenario in existing]
        self.accepted: dict[str, str] = {}
        self.rejected: Counter[str] = Counter()
        self.calls = 0

    async def word(self, batch: Sequence[Scenario], number: int) -> bool:
        """Word a batch, what was rejected a second time; whether anything of it was accepted."""
        reasons: dict[str, str] = {}
        open_slots = list(batch)
        for _ in range(2):
            texts = await self._ask(open_slots, number, reasons)
            reasons = {}
            for scenario in open_slots:
                rejection = self._take(scenario, texts.get(scenario.id, Rejection(NO_REPLY)))
                if rejection is not None:
                    reasons[scenario.id] = rejection.reason
                    self.rejected[rejection.reason] += 1
            open_slots = [scenario for scenario in open_slots if scenario.id in reasons]
            if not open_slots:
                break
        return len(open_slots) < len(batch)

    def _take(self, scenario: Scenario, text: str | Rejection) -> Rejection | None:
        if isinstance(text, Rejection):
            return text
        message = check_text(text, scenario, self._languages[scenario.id])
        if isinstance(message, Rejection):
            return message
        words = words_of(message)
        if any(resemblance(words, other) >= NEAR for other in self._said):
            return Rejection("it says almost the same as another message")
        self._said.append(words)
        self.accepted[scenario.id] = message
        return None

    async def _ask(
        self, slots: Sequence[Scenario], number: int, reasons: Mapping[str, str]
    ) -> dict[str, str | Rejection]:
        request = wording_request(slots, self._taxonomy, self._languages, number, reasons)
        self.calls += 1
        try:
            reply = await self._chat(request)
        except RuntimeFault as fault:
            if fault.kind not in _OF_THIS_CALL:
                raise
            return {}
        return dict(_texts(reply.text, {slot.id for slot in slots}))


def wording_request(
    slots: Sequence[Scenario],
    taxonomy: Taxonomy,
    languages: Mapping[str, str | None],
    number: int,
    reasons: Mapping[str, str],
) -> ChatRequest:
    """The question for one batch. ``languages``: scenario id → code; ``reasons``: why no text was taken."""
    system = _INSTRUCTIONS.format(domain=taxonomy.domain or taxonomy.name)
    shown = "\n\n".join(_slot(slot, taxonomy, languages[slot.id], reasons.get(slot.id)) for slot in slots)
    names = [slot.id for slot in slots]
    return ChatRequest(
        messages=(
            Message(role="system", content=system),
            Message(role="user", content=f"Write {len(slots)} messages.\n\n{shown}"),
        ),
        context=8192,
        max_tokens=200 + TOKENS_A_MESSAGE * len(slots),
        temperature=0.9,
        top_p=0.95,
        seed=number + (len(reasons) > 0) * 100_000,
        thinking=False,
        json_schema={
            "type": "object",
            "properties": {name: {"type": "string", "minLength": 1, "maxLength": 3000} for name in names},
            "required": names,
            "additionalProperties": False,
        },
    )


def _slot(scenario: Scenario, taxonomy: Taxonomy, language: str | None, reason: str | None) -> str:
    subtopic = _subtopic(scenario, taxonomy)
    lines = [
        f"Slot {scenario.id}",
        f"about: {scenario.topic}, {scenario.subtopic}"
        + (f" ({subtopic.description})" if subtopic is not None and subtopic.description else ""),
        f"style: {scenario.style}; {_LENGTH[style_kind(scenario.style)]}",
        *(f"{name}: {value}" for name, value in scenario.dimensions.items()),
    ]
    if scenario.edge_case:
        lines.append("rare and difficult: write it as plainly as such a person would")
    if language is not None and language != "en":
        lines.append(f"language: {known_languages().get(language, language)}")
    lines.append(f"rough example: {scenario.message[:LONGEST_EXAMPLE]}")
    if reason:
        lines.append(f"your last text could not be used: {reason}")
    return "\n".join(lines)


def _subtopic(scenario: Scenario, taxonomy: Taxonomy) -> Subtopic | None:
    topic = taxonomy.topic(scenario.topic)
    return next((s for s in topic.subtopics if s.name == scenario.subtopic), None) if topic else None


def _turns(scenarios: Sequence[Scenario], languages: Sequence[str]) -> dict[str, str | None]:
    """The language of each scenario, in turn; None where a dimension of its own decides."""
    codes = list(dict.fromkeys(languages)) or ["en"]
    return {
        scenario.id: None
        if any(name.casefold().startswith("language") for name in scenario.dimensions)
        else codes[i % len(codes)]
        for i, scenario in enumerate(scenarios)
    }


def _texts(reply: str, wanted: set[str]) -> Iterator[tuple[str, str | Rejection]]:
    """The texts of a reply by slot; nothing where it is no JSON object, prose or a fence around it aside."""
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or len(reply) > LONGEST_REPLY:
        return
    try:
        record: Any = json.loads(reply[start : end + 1])
    except (ValueError, RecursionError):
        return
    for name, text in record.items() if isinstance(record, dict) else ():
        if name in wanted:
            yield name, text if isinstance(text, str) else Rejection(NO_REPLY)

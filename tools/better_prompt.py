"""A system prompt improved by what failed: made by rule, or worded by a model and checked.

It says what a good answer does, and nothing about the scenarios: a prompt that quotes them would be measured
on what it was told. Failures on held-out scenarios have no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tools.data_problems import template_token
from tools.failures import FailureAnalysis
from tools.rows import Row
from tools.rubric import Criterion, Rubric
from tools.runtimes.base import ChatRequest, Message
from tools.wording import Rejection

MOST_INSTRUCTIONS = 6
LONGEST_INSTRUCTION = 320
MOST_ADDED = 1_500
"""Characters that are added to a prompt by rule, and that a model's wording may add to it."""
QUOTED_WORDS = 8
"""So many words in a row that stand in a scenario or an answer too are a quotation."""
KEPT = 0.5
"""Share of the longer words of the prompt as it was that a model's wording must keep."""
LEAD = "In every reply, take particular care of this:"

_ANSWER = r"(?:(?:the|this|your) (?:answer|response|reply|assistant|model|text)|it)"
_WHEN = r"^(?P<when>(?:if|when|where)\b.+?[:,] )?"
_DOES = re.compile(rf"{_WHEN}does {_ANSWER} (?P<rest>.+)$", re.IGNORECASE)
_IS = re.compile(rf"{_WHEN}is {_ANSWER} (?P<rest>.+)$", re.IGNORECASE)
_ITS = re.compile(rf"{_WHEN}is {_ANSWER}['’]s (?P<what>\w+) (?P<rest>.+)$", re.IGNORECASE)
_AND_DOES_IT = re.compile(r"(?<=\band )does it\b")
_AND_IS_IT = re.compile(r"(?<=\band )is it\b")
_ABOUT_ITSELF = re.compile(
    r"^(?:sure|certainly|of course|here(?:'s| is| are)|below is)\b"
    r"|\b(?:improved|revised|edited|new) system prompt\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\A```\w*\n(.*)\n```\Z", re.DOTALL)


def improved_prompt(system_prompt: str, analysis: FailureAnalysis, rubric: Rubric) -> str:
    """The prompt with short instructions on the criteria that failed most, gates first; pure.

    It is the prompt as it was when nothing failed that may be used. At most 6 instructions and 1,500
    characters are added.
    """
    lines: list[str] = []
    room = MOST_ADDED - len(LEAD)
    for criterion in _weakest(analysis, rubric):
        line = f"- {instruction(criterion)}"
        if line not in system_prompt and len(line) < room:
            lines.append(line)
            room -= len(line) + 1
    if not lines:
        return system_prompt
    return "\n\n".join(part for part in (system_prompt.strip(), "\n".join([LEAD, *lines])) if part)


def instruction(criterion: Criterion) -> str:
    """The criterion's question as an instruction; what follows the question is for the judge: left out."""
    asked = " ".join(criterion.question.split())
    question = asked.partition("?")[0].rstrip(" .")
    if found := _ITS.match(question):
        said = f"the {found['what']} of your reply must be {found['rest']}"
    elif found := _DOES.match(question):
        said = f"your reply must {found['rest']}"
    elif found := _IS.match(question):
        said = f"your reply must be {found['rest']}"
    elif "?" in asked:
        said = f"reply so that the answer to this question is yes: {question}?"
    else:
        said = f"this must be true of your reply: {question}"
    when = (found and found["when"]) or ("where it applies, " if criterion.na_allowed else "")
    whole = _cut(when + _AND_DOES_IT.sub("it must", _AND_IS_IT.sub("it must be", said)))
    return whole[0].upper() + whole[1:] + ("" if whole.endswith("?") else ".")


def improvement_request(system_prompt: str, analysis: FailureAnalysis, rubric: Rubric) -> ChatRequest:
    """Asks a model to word the improved prompt; check its reply with :func:`accept_prompt`."""
    wanted = "\n".join(f"- {instruction(criterion)}" for criterion in _weakest(analysis, rubric))
    system = (
        "You edit system prompts of chat assistants. Keep what the prompt says, keep its language and its "
        "voice, and work in what the replies missed, in short general instructions. No examples, no "
        "quotations. Reply with the whole edited prompt and nothing else."
    )
    user = f"<prompt>\n{system_prompt}\n</prompt>\n\nWhat its replies missed, the gravest first:\n{wanted}"
    messages = (Message(role="system", content=system), Message(role="user", content=user))
    # About three characters a token, for the prompt as it was and for the edited one.
    tokens = len(system_prompt) // 3
    return ChatRequest(
        messages=messages,
        context=4096 + 2 * tokens,
        max_tokens=1024 + tokens,
        temperature=0.2,
        thinking=False,
    )


def accept_prompt(text: str, system_prompt: str, rows: Sequence[Row], rubric: Rubric) -> str | Rejection:
    """A model's wording as a system prompt; or why it is none.

    It may use the words of the criteria, but neither quote ``rows`` nor the rubric's examples.
    """
    said = text.strip()
    fenced = _FENCE.match(said)
    prompt = fenced[1].strip() if fenced else said
    why = next(_objections(prompt, system_prompt, rows, rubric), None)
    return prompt if why is None else Rejection(why)


def _objections(prompt: str, before: str, rows: Sequence[Row], rubric: Rubric) -> Iterator[str]:
    if not re.search(r"\w", prompt):
        yield "the text is empty"
    if len(prompt) > len(before) + MOST_ADDED:
        yield f"it adds more than {MOST_ADDED:,} characters"
    token = template_token(prompt)
    if token:
        yield f"it contains the template token {token}"
    if _ABOUT_ITSELF.search(prompt):
        yield "it talks about the prompt instead of being one"
    named = [name for name in rubric.ids if re.search(r"\d", name) and _holds_word(prompt, name)]
    if named or "CANNOT_ASSESS" in prompt:
        yield "it repeats the form of the rubric"
    lost = _long_words(before) - _long_words(prompt)
    if len(lost) > (1 - KEPT) * len(_long_words(before)):
        yield "it drops most of the prompt as it was"
    allowed = [before, *(criterion.question for criterion in rubric.criteria)]
    if _quotes(prompt, _rubric_texts(rubric), allowed):
        yield "it quotes an example of the rubric"
    if _quotes(prompt, (part for row in rows for part in (row.scenario.message, row.answer.text)), allowed):
        yield "it quotes a scenario or an answer"


def _weakest(analysis: FailureAnalysis, rubric: Rubric) -> list[Criterion]:
    """What a prompt should speak of: gates before others, then by failures that aren't held out."""
    usable = [entry for entry in analysis.criteria if entry.open_failures]
    usable.sort(key=lambda entry: (not entry.gate, -entry.open_failures))
    return [rubric.criterion(entry.criterion) for entry in usable[:MOST_INSTRUCTIONS]]


def _cut(text: str) -> str:
    """At most so many characters, cut where a clause or at least a word ends."""
    if len(text) <= LONGEST_INSTRUCTION:
        return text
    head = text[:LONGEST_INSTRUCTION]
    clause = max(head.rfind(mark) for mark in (", ", "; ", ": "))
    return head[: clause if clause > LONGEST_INSTRUCTION / 2 else head.rfind(" ")].rstrip(" ,;:")


def _rubric_texts(rubric: Rubric) -> Iterable[str]:
    for criterion in rubric.criteria:
        for example in criterion.examples:
            yield from (example.message, example.answer, example.reason)
    if rubric.planted is not None:
        yield from (rubric.planted.message, rubric.planted.good, rubric.planted.bad)


def _quotes(prompt: str, texts: Iterable[str], allowed: Iterable[str]) -> bool:
    """Whether eight words in a row, or a whole shorter text of four words, stand in the prompt too."""
    fine = {run for text in allowed for run in _runs(_words(text), QUOTED_WORDS)}
    own = {run for run in _runs(_words(prompt), QUOTED_WORDS) if run not in fine}
    spoken = f" {' '.join(_words(prompt))} "
    granted = " | ".join(" ".join(_words(text)) for text in allowed)
    for text in texts:
        words = _words(text)
        whole = " ".join(words)
        if len(words) < QUOTED_WORDS:
            if len(words) >= 4 and f" {whole} " in spoken and whole not in granted:
                return True
        elif not own.isdisjoint(_runs(words, QUOTED_WORDS)):
            return True
    return False


def _runs(words: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words[i:] for i in range(n)), strict=False)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _long_words(text: str) -> set[str]:
    return {word for word in _words(text) if len(word) > 3}


def _holds_word(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None

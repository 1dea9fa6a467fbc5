"""What happened in a run, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from agent.pages.render import percent, short_address, size, told
from agent.terminal import TITLES
from agent.views import EventRecord
from tools.phrases import counted
from tools.request import SizeRange

Tone = Literal["", "good", "warn", "bad"]
LONGEST = 300
"""Characters of a sentence; what a stranger wrote may be longer."""


class Line(NamedTuple):
    """One event as a person reads it."""

    seq: int
    at: datetime
    text: str
    tone: Tone = ""


class _Said(NamedTuple):
    text: str
    tone: Tone = ""


def line_of(event: EventRecord) -> Line | None:
    """The event in words; None where it says nothing to a person."""
    teller = _TELLERS.get(event.kind)
    if teller is None:
        return None
    try:
        said = teller(event.stage, event.data)
    except (KeyError, TypeError, ValueError):  # an event of an older version, which had other fields
        said = _Said(f"{event.kind.replace('_', ' ')} ({event.stage})")
    if said is None or not said.text:
        return None
    text = said.text if len(said.text) <= LONGEST else said.text[: LONGEST - 1] + "…"
    return Line(event.seq, event.at, text, said.tone)


def _created(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"Asked for: {data['text']}")


def _order(_stage: str, data: Mapping[str, Any]) -> _Said:
    done = {"drive": "started or went on with it", "reply": "answered its question", "extend": "extended it"}
    return _Said(f"{data['by']} {done.get(data['kind'], data['kind'])}.")


def _station(stage: str, _data: Mapping[str, Any]) -> _Said | None:
    return _Said(f"{TITLES[stage]}.") if stage in TITLES else None


def _request(_stage: str, data: Mapping[str, Any]) -> _Said:
    request = data["request"]
    size_range = SizeRange.model_validate(request["size"])
    licence = request["licence_need"]
    return _Said(f"Understood: {size_range} for {request['domain']}, licence need: {licence}.")


def _enumerated(_stage: str, data: Mapping[str, Any]) -> _Said | None:
    if stopped := ", ".join(data.get("stopped_by", ())):
        return _Said(f"{data['source']}: {data['seen']} seen, then broken off ({stopped}).", "warn")
    return None if data.get("maker") else _Said(f"{data['source']}: {data['seen']} seen.")


def _census(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(
        f"{counted(data['seen'], 'repository', 'repositories')} listed, {data['accepted']} accepted."
    )


def _leaderboard(_stage: str, data: Mapping[str, Any]) -> _Said | None:
    if data["outcome"] in {"blocked", "failed"}:
        return _Said(f"{data['title']} could not be read: {data['reason']}.", "warn")
    if data["outcome"] == "empty":
        return None
    return _Said(f"{data['title']}: {data['entries']} entries, {data['claims']} figures of candidates.")


def _query(_stage: str, data: Mapping[str, Any]) -> _Said:
    if data["outcome"] == "found":
        return _Said(f"Searched for “{data['query']}”: {counted(data['hits'], 'hit')}.")
    why = f" ({data['reason']})" if data.get("reason") else ""
    tone: Tone = "warn" if data["outcome"] in {"blocked", "failed"} else ""
    engine = f"{data['engine']} " if tone and data.get("engine") else ""
    return _Said(f"Searched for “{data['query']}”: {engine}{data['outcome']}{why}.", tone)


def _page(_stage: str, data: Mapping[str, Any]) -> _Said:
    if data["outcome"] == "found":
        return _Said(f"Read {short_address(data['url'])}")
    why = f" ({data['reason']})" if data.get("reason") else ""
    tone: Tone = "warn" if data["outcome"] in {"blocked", "failed"} else ""
    return _Said(f"{short_address(data['url'])}: {data['outcome']}{why}.", tone)


def _wave(_stage: str, data: Mapping[str, Any]) -> _Said:
    covered = "" if data.get("coverage") is None else f", sample coverage {percent(data['coverage'])}"
    nobody = data.get("failed", 0) + data.get("blocked", 0) > 0 and not data.get("facts")
    return _Said(
        f"Wave {data['wave']} is over: {data['seen']} seen, {counted(data['accepted'], 'candidate')}, "
        f"{data['facts']} facts{covered}. {told(data.get('stopped', ''))}".strip(),
        "warn" if nobody else "good",
    )


def _table(_stage: str, data: Mapping[str, Any]) -> _Said:
    eligible = f", {data['eligible']} eligible" if "eligible" in data else ""
    return _Said(f"The table is ready: {counted(data['rows'], 'candidate')}{eligible}.", "good")


def _approval(_stage: str, data: Mapping[str, Any]) -> _Said:
    chosen = ""
    if data["action"] in {"approve", "swap"}:
        chosen = f", primary {data['primary'] or 'none'}, backup {data['backup'] or 'none'}"
    return _Said(f"{data['by']}: {data['action']}{chosen}.", "good")


def _proving(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"Proving {data['name']} on {data['runtime']}.")


def _artefact(_stage: str, data: Mapping[str, Any]) -> _Said:
    kind = data["quantization"] or "quantization unknown"
    return _Said(f"{data['name']} on {data['runtime']}: {size(data['size_bytes'])}, {kind}.")


def _progress(_stage: str, data: Mapping[str, Any]) -> _Said | None:
    total, done = data.get("total_bytes"), data.get("completed_bytes")
    host = f"{data['host']}: " if data.get("host") else ""
    if total and done == total:
        return _Said(f"{host}{data['status']}: {size(total)} are here.")
    return None if total else _Said(f"{host}{data['status']}" if data.get("status") else "")


def _pulled(_stage: str, data: Mapping[str, Any]) -> _Said:
    here = "was here already" if data.get("already_here") else "is pulled and verified"
    return _Said(f"{data['name']} {here}.", "good")


def _loaded(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"“Hello, testing.” → “{' '.join(str(data['hello']).split())[:100]}”")


def _scenarios(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"{counted(data['count'], 'scenario')} from {data['source']}.")


def _agreed(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"{data['by']} agreed to the drafted taxonomy{', with changes' if data['edited'] else ''}.")


def _answer(_stage: str, data: Mapping[str, Any]) -> _Said:
    tone: Tone = "" if data["outcome"] == "answered" else "warn"
    told = "" if tone == "" else f" ({data['outcome'].replace('_', ' ')})"
    return _Said(f"Answer {data['done']} of {data['total']}: {data['scenario']}{told}.", tone)


def _assessment(_stage: str, data: Mapping[str, Any]) -> _Said:
    if data["outcome"] != "measured":
        why = data["outcome"].replace("_", " ")
        return _Said(f"Judged {data['done']} of {data['total']}: {data['scenario']}, {why}.", "warn")
    no = f"NO on {', '.join(data['no'])}" if data.get("no") else "nothing failed"
    return _Said(f"Judged {data['done']} of {data['total']}: {data['scenario']}, {no}.")


def _preflight(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(told(data["sentence"]), "good" if data.get("passed") else "warn")


def _decision(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(told(f"{data['kind']}: {data['reason']}"), "good")


def _review(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"{data['by']} reviewed the answers of the {data['role']}.")


def _improved(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"{counted(data['scenarios'], 'failure')} are asked again under an improved system prompt.")


def _document(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said("The document is written.", "good")


def _warning(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(told(data["sentence"]), "warn")


def _host(_stage: str, data: Mapping[str, Any]) -> _Said:
    tones: dict[str, Tone] = {"out": "warn", "back": "good"}
    again = "Back again: " if data["state"] == "back" else ""
    return _Said(f"{again}{told(data['sentence'])}", tones.get(data["state"], ""))


def _retry(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"{data['sentence']} Trying again in {data['wait_seconds']:g} s.", "warn")


def _sentence(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(told(data["sentence"]))


def _waiting(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(WAITS[data["prompt"]["kind"]], "warn")


def _stopped(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"Stopped: {data.get('sentence', 'it can be resumed')}", "bad")


def _ended(_stage: str, data: Mapping[str, Any]) -> _Said:
    return _Said(f"The run has ended: {data.get('status', '')}.", "good")


WAITS = {
    "request": "It waits for an answer about the request.",
    "approval": "It waits for an approval of the table.",
    "scenarios": "It waits for a word on the drafted scenarios.",
    "judge": "It waits for a judge.",
    "labels": "It waits for a person's verdicts.",
    "review": "It waits for a review of the answers.",
}
_TELLERS: dict[str, Callable[[str, Mapping[str, Any]], _Said | None]] = {
    "created": _created,
    "order": _order,
    "stage": _station,
    "request": _request,
    "enumerated": _enumerated,
    "census": _census,
    "leaderboard": _leaderboard,
    "query": _query,
    "page": _page,
    "wave": _wave,
    "table": _table,
    "approval": _approval,
    "refused": _warning,
    "proving": _proving,
    "artefact": _artefact,
    "progress": _progress,
    "pulled": _pulled,
    "loaded": _loaded,
    "worded": _sentence,
    "scenarios": _scenarios,
    "agreed": _agreed,
    "answer": _answer,
    "preflight": _preflight,
    "assessment": _assessment,
    "decision": _decision,
    "review": _review,
    "improved_prompt": _improved,
    "extension": _sentence,
    "document": _document,
    "warning": _warning,
    "host": _host,
    "retry": _retry,
    "waiting": _waiting,
    "stopped": _stopped,
    "ended": _ended,
}

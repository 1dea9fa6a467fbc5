"""Whether two hosts run the same model: by digest, or by everything else that they tell."""

from __future__ import annotations

from tools.runtimes.base import Artefact, LoadedModel, RuntimeName

_UNKNOWN = {"", "unknown"}
_ROUNDING = 0.01
"""Share by which two counts of the same parameters may differ: some servers round."""


def difference(proved: LoadedModel, here: LoadedModel, *, vouched: bool) -> str | None:
    """Why ``here`` is not the model that was proved, as the end of a sentence; None when it is.

    Equal digests are the same model. Where one of both tells none, a person's word counts (``vouched``), or
    name, bytes, parameters and quantization that are all told and all equal; what is told is never
    contradicted by either. A context of another length is another model too: Ollama allocates what it is
    asked for, so that a difference is a limit of that host; other servers have one for all, which must not
    be smaller.
    """
    return (
        _other_weights(proved.artefact, here.artefact)
        or _not_shown(proved.artefact, here.artefact, vouched=vouched)
        or _other_context(proved.allocated_context, here.allocated_context, here.artefact.runtime)
    )


def _other_weights(proved: Artefact, here: Artefact) -> str | None:
    if proved.digest and here.digest and proved.digest != here.digest:
        return f"has another digest, {short(here.digest)} instead of {short(proved.digest)}"
    wanted, told = _word(proved.quantization), _word(here.quantization)
    if wanted and told and wanted != told:
        return f"has it quantized as {told} instead of {wanted}"
    ours, theirs = proved.parameters, here.parameters
    if ours and theirs and abs(ours - theirs) > _ROUNDING * ours:
        return f"has {theirs:,} parameters instead of {ours:,}"
    return None


def _not_shown(proved: Artefact, here: Artefact, *, vouched: bool) -> str | None:
    if vouched or (proved.digest and here.digest):
        return None
    if proved.digest is None and None not in _figures(proved) and _figures(proved) == _figures(here):
        return None
    return "tells no digest, and BMS_RUNTIMES does not say that its model is the same"


def _figures(artefact: Artefact) -> tuple[object, ...]:
    return artefact.name, artefact.size_bytes, artefact.parameters, artefact.quantization


def _other_context(proved: int | None, here: int | None, runtime: RuntimeName) -> str | None:
    if proved is None or here is None or here == proved:
        return None
    if here > proved and runtime is not RuntimeName.OLLAMA:
        return None
    return f"allocated {here:,} tokens of context instead of {proved:,}"


def short(digest: str) -> str:
    """``sha256:500a1f067a9f``: enough of a digest to compare by eye."""
    return digest[:19]


def _word(quantization: str | None) -> str:
    word = (quantization or "").strip().upper()
    return "" if word.lower() in _UNKNOWN else word

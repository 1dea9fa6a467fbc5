"""The candidate's model on its runtime: which name it has there, and being ready to answer."""

from __future__ import annotations

from collections.abc import Sequence

from graphs.desk import Desk
from graphs.state import Role
from store import evaluation, research
from tools.facts import Fact, Factor, settle
from tools.faults import Fault
from tools.runtimes import Runtime, RuntimeName
from tools.runtimes.spread import SpreadRuntime


class NoArtefact(Fault):
    """Nothing is known that this runtime could run."""


def artefact_name(runtime: RuntimeName, candidate: str, facts: Sequence[Fact]) -> str:
    """What to ask ``runtime`` for: an Ollama tag, a GGUF file on the Hub, or a served model's id.

    Raises :class:`NoArtefact` when research has found nothing that fits.
    """

    def known(factor: Factor) -> str | None:
        settled = settle(fact for fact in facts if fact.factor is factor)
        return None if settled is None else str(settled.fact.value)

    tag, repository, file = known(Factor.OLLAMA_TAG), known(Factor.GGUF_REPO), known(Factor.GGUF_FILE)
    if runtime is RuntimeName.OLLAMA:
        if tag:
            return tag
        if repository:
            return f"hf.co/{repository}:Q4_K_M"
    elif runtime is RuntimeName.LLAMACPP:
        if repository and file:
            return f"{repository}/{file}"
    else:
        return candidate
    wanted = "an Ollama tag or a GGUF repository" if runtime is RuntimeName.OLLAMA else "a GGUF file"
    raise NoArtefact(
        f"Research found no {wanted.removeprefix('an ').removeprefix('a ')} for {candidate}, "
        f"so {runtime.value} cannot run it.",
        "Take another model, or name a file yourself with `bms evaluate --model`.",
    )


async def name_on_runtime(desk: Desk, runtime: Runtime, candidate: str) -> str:
    """:func:`artefact_name` from the rows of this run; a model named directly is its own name."""
    if desk.options.model is not None and candidate == desk.options.model:
        return candidate
    return artefact_name(runtime.name, candidate, await desk.look(research.facts, candidate))


async def ready_runtime(desk: Desk, role: Role) -> tuple[Runtime, evaluation.Held]:
    """The runtime of a model that has been pulled in this run; one that was moved to another host is pulled
    there."""
    model = await desk.look(evaluation.held, role)
    if model is not None and model.loaded is None:
        from graphs.nodes.pull import make_ready

        await make_ready(desk, role)
        model = await desk.look(evaluation.held, role)
    if model is None or model.loaded is None:
        raise Fault(f"The {role} model of this run is not loaded.", f"`bms resume {desk.run_id}` loads it.")
    engine = await desk.services.choose_runtime(model.artefact.runtime.value)
    if isinstance(engine, SpreadRuntime):
        request = await desk.request()
        engine.expect(model.loaded, context=request.needed_context)
    return engine, model

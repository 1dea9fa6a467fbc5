"""Tools that start a run, wait for it, and carry it on."""

from __future__ import annotations

import asyncio
from typing import Annotated

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from agent import views
from agent.mcp.desk import Desk, desk_of
from agent.mcp.records import RunReply, RunsReply, Standing
from agent.mcp.standing import glance, in_words, run_line, run_reply
from agent.mcp.words import line, result
from agent.wishes import LARGEST_TEXT, Wishes

LOOK_SECONDS = 0.5
"""How often a waiting tool looks at the rows."""
SIGN_OF_LIFE_SECONDS = 10.0
"""After which a client is told something although nothing happened."""
LONGEST_WAIT = 3600.0

Run = Annotated[
    str, Field(min_length=1, max_length=60, description="Name of the run, as `research` or `runs` gives it.")
]
Seconds = Annotated[
    float,
    Field(
        ge=0,
        le=LONGEST_WAIT,
        description="How long to wait for the next question or the end, in seconds; 0 returns at once.",
    ),
]
Short = Annotated[str | None, Field(max_length=400)]
Name = Annotated[str | None, Field(max_length=300)]
Body = Annotated[str | None, Field(max_length=LARGEST_TEXT)]
Answer = Annotated[CallToolResult, Standing]


async def research(
    context: Context,
    *,
    text: Annotated[
        str,
        Field(max_length=4000, description="The request, such as: evaluate 8B models for therapy coaching"),
    ] = "",
    domain: Annotated[Short, Field(description="What the model is for.")] = None,
    size: Annotated[Short, Field(description="8B, 7-9B, up to 14B.")] = None,
    memory: Annotated[Short, Field(description="Memory that the model may take, such as 12 GB.")] = None,
    licence: Annotated[Short, Field(description="commercial, any.")] = None,
    languages: Annotated[Short, Field(description="Languages of the conversations.")] = None,
    turns: Annotated[Short, Field(description="Longest conversation, in turns.")] = None,
    model: Annotated[
        Name, Field(description="A model of the runtime, such as qwen3:8b: evaluated without research.")
    ] = None,
    story: Annotated[
        str | None,
        Field(max_length=61, description="A recorded story to replay offline, such as therapy-8b."),
    ] = None,
    judge: Annotated[
        Name,
        Field(description="provider:model, several with commas, or human. Not of the candidate's family."),
    ] = None,
    insist_judge: Annotated[bool, Field(description="Use the judge in spite of a problem with it.")] = False,
    insist: Annotated[bool, Field(description="Run although no baseline seems to be needed.")] = False,
    count: Annotated[int, Field(ge=1, le=5000, description="Scenarios.")] = 50,
    try_prompt: Annotated[
        bool, Field(description="Ask the failures again under an improved system prompt.")
    ] = False,
    rubric: Annotated[Body, Field(description="YAML.")] = None,
    taxonomy: Annotated[Body, Field(description="YAML.")] = None,
    system_prompt: Body = None,
    key: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="The same key and wishes again give the same run."),
    ] = None,
    wait_seconds: Seconds = 50,
) -> Answer:
    """Start a run: research every open-weight candidate for a domain and make the comparison table.

    Returns when the table is ready for a person's approval, when the run asks something else or ends, or when
    wait_seconds are over; then call `wait`. The run goes on meanwhile. Nothing is pulled before a person has
    approved. Not needed where somebody has baseline numbers already, or will only prompt.
    """
    asked = {
        name: value
        for name, value in {
            "text": text,
            "domain": domain,
            "size": size,
            "memory": memory,
            "licence": licence,
            "languages": languages,
            "turns": turns,
            "model": model,
            "story": story,
            "judge": judge,
            "rubric": rubric,
            "taxonomy": taxonomy,
            "system_prompt": system_prompt,
        }.items()
        if value is not None
    }
    wishes = Wishes(**asked, insist_judge=insist_judge, insist=insist, count=count, try_prompt=try_prompt)
    desk = desk_of(context)
    created = await desk.actions.create(wishes, by=_client(context), key=key)
    return await until_settled(context, desk, created.run_id, wait_seconds)


async def wait(context: Context, run: Run, wait_seconds: Seconds = 50) -> Answer:
    """Wait until a run asks a person something, stops or ends, with progress meanwhile.

    Returns after wait_seconds in any case; call it again while the status is queued or running.
    """
    return await until_settled(context, desk_of(context), run, wait_seconds)


async def status(context: Context, run: Run) -> Annotated[CallToolResult, RunReply]:
    """Where a run is, what it has found, what it asks a person, and what to do next."""
    desk = desk_of(context)
    reply = await desk.look(run_reply, run, desk.clock)
    return result(reply, in_words(reply))


async def runs(
    context: Context,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0,
) -> Annotated[CallToolResult, RunsReply]:
    """List runs, the newest first."""
    desk = desk_of(context)
    page = await desk.look(views.run_page, desk.clock, limit, offset)
    record = RunsReply(
        runs=tuple(run_line(one) for one in page.items),
        total=page.total,
        next_offset=None if page.next is None else int(page.next),
    )
    lines = [
        f"{one.run}: {one.status} at {one.stage}; {one.text}"
        + (f" (replay of {one.replay_of})" if one.replay_of else "")
        for one in record.runs
    ]
    return result(record, "\n".join(lines) or "There are no runs yet. `research` starts one.")


async def resume(
    context: Context,
    run: Run,
    further: Annotated[
        int | None,
        Field(ge=1, le=5000, description="For a run that ended UNDECIDED: so many more scenarios."),
    ] = None,
    wait_seconds: Seconds = 50,
) -> Answer:
    """Go on with a run that was stopped, or carry one on that ended undecided. Finished work is kept."""
    desk = desk_of(context)
    await desk.actions.resume(run, by=_client(context), further=further)
    return await until_settled(context, desk, run, wait_seconds)


async def cancel(context: Context, run: Run) -> Answer:
    """End a run for good, when the person wants that. What it has found is kept."""
    desk = desk_of(context)
    said = await desk.actions.cancel(run)
    return await _told(desk, run, before=said)


async def _told(desk: Desk, run: str, before: str = "") -> CallToolResult:
    reply = await desk.look(run_reply, run, desk.clock)
    small = Standing.model_validate(reply, from_attributes=True)
    return result(small, "\n".join(filter(None, (before, in_words(reply)))))


async def until_settled(context: Context, desk: Desk, run: str, seconds: float) -> CallToolResult:
    """Tell the client how the run gets on, until it asks something, ends, or the time is over."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    told_event, told_at = -1, begun
    while True:
        seen = await desk.look(glance, run, desk.clock)
        now = clock()
        if seen.last_event != told_event or now - told_at >= SIGN_OF_LIFE_SECONDS:
            # The number has to grow with every notification; how much is left, nobody knows.
            await context.report_progress(round(now - begun, 3), message=seen.sentence)
            told_event, told_at = seen.last_event, now
        left = begun + seconds - now
        if seen.settled or left <= 0:
            return await _told(desk, run)
        await asyncio.sleep(min(LOOK_SECONDS, left))


def _client(context: Context) -> str:
    """Who gives an order that is nobody's decision: the client, by its own name."""
    params = context.session.client_params
    name = "" if params is None else line(params.client_info.name, 60)
    return f"{name or 'a client'} over MCP"

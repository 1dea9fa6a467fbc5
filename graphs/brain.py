"""The agent's own model reads prose that rules cannot. Code checks every word; no star depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from graphs.desk import Desk, NamedModel
from graphs.ledger import Terms
from graphs.pages import Names, named_in
from graphs.told import counting
from store import evaluation, reading, research
from tools.claim_reading import claims_from_reply, reading_request, windows
from tools.evidence import PageReader
from tools.facts import content_hash
from tools.runtimes import RuntimeFault
from tools.web import Page
from tools.web.text import hidden_text, readable_text

STAGE = "research"

MOST_PAGES = 24
"""Pages that a model of ours reads in a wave; a small one on a laptop takes half a minute for each."""


async def read_by_brain(desk: Desk, terms: Terms, names: Names, urls: Iterable[str]) -> None:
    """Let the brain read pages that speak of candidates. Without a brain nothing happens."""
    if desk.options.brain is None:
        return
    brain: NamedModel | None = None
    pages = 0
    for url in urls:
        stored = await desk.look(reading.stored_fetch, url)
        if stored is None or stored.page is None:
            continue
        reader = await asyncio.to_thread(_reader, stored.page, terms, names)
        shown = await asyncio.to_thread(windows, reader)
        for window in shown:
            offered = {key: names[key] for key in sorted(named_in(window, names))}
            asked = (desk.options.brain, stored.page.content_hash, window, *offered)
            key = content_hash("\n".join(asked))
            told = await desk.look(evaluation.stored_call, "reading", key)
            if told is None:
                try:
                    brain = brain or await desk.services.open_model(desk.options.brain)
                    reply = await brain.chat(reading_request(window, offered, terms.domain.title))
                except RuntimeFault as fault:
                    sentence = f"The brain {desk.options.brain} does not read: {fault.sentence}"
                    await desk.say(STAGE, "warning", sentence=sentence)
                    return
                told = {"text": reply.text}
                await desk.write(evaluation.keep_call, "reading", key, told, desk.services.wall.now())
            found = await asyncio.to_thread(claims_from_reply, str(told["text"]), reader)
            if found.claims:
                await desk.write(reading.keep_text, readable_text(stored.page))
            what = counting("claims", url=url, refused=len(found.refusals))
            await desk.write_and_say(STAGE, "read", what, research.keep_claims, found.claims)
        pages += bool(shown)
        if pages == MOST_PAGES:
            return


def _reader(page: Page, terms: Terms, names: Names) -> PageReader:
    return PageReader(
        page,
        readable_text(page),
        candidate_names=names,
        domain_words=terms.domain.words,
        benchmarks=terms.domain.benchmarks,
        hidden=hidden_text(page),
    )

import asyncio
from datetime import timedelta
import pytest
from tests.graphs.test_ledger import record, base, terms, QWEN
from tests.standins.http_server import Answered, Asked, StandIn
from tests.standins.hub_server import HubServer
from tests.standins.records import NOW
from tools.clock import FixedClock
from tools.web.client import HttpWeb
from tools.web.robots import RobotsWeb
from graphs.stored_web import StoredWeb
from graphs.ledger import take_named
from store import research
from tools.candidates import Candidate, Standing
import json

async def test_alias(desk_for):
    def respond(asked):
        return Answered(json.dumps(record("Qwen/Qwen3-8B", 8_190_735_360)).encode(), 200, headers={"Content-Type":"application/json"})
    with StandIn(respond) as hub:
        async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({hub.netloc})) as web:
            desk = desk_for(web=web, hub_endpoint=hub.address)
            out = Candidate(key="Qwen/Qwen3-8B", name="Qwen3 8B", family="qwen3", standing=Standing.REJECTED, reason="left out by Ann at the approval", found_by="families.yaml")
            await desk.write(research.keep_candidates, [out])
            await take_named(desk, StoredWeb(desk, "research"), ["qwen/qwen3-8b"], terms(), "a search hit", 10)
            lines = {l.key: l for l in await desk.look(research.ledger)}
            print(lines)
            assert lines["Qwen/Qwen3-8B"].standing is Standing.REJECTED

async def test_blocked_is_forever(desk_for):
    healed = []
    def respond(asked):
        if not healed: return Answered(b"", 500)
        return Answered(json.dumps(record("Qwen/Qwen3-8B", 8_190_735_360)).encode(), 200, headers={"Content-Type":"application/json"})
    with StandIn(respond) as hub:
        async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({hub.netloc})) as web:
            desk = desk_for(web=web, hub_endpoint=hub.address)
            await take_named(desk, StoredWeb(desk, "research"), ["Qwen/Qwen3-8B"], terms(), "a search hit", 10)
            print(await desk.look(research.ledger))
            healed.append(1)
            got = await take_named(desk, StoredWeb(desk, "research", ask_again=True), ["Qwen/Qwen3-8B"], terms(), "a search hit", 10)
            lines = {l.key: l for l in await desk.look(research.ledger)}
            assert lines["Qwen/Qwen3-8B"].standing is Standing.ACCEPTED

async def test_large_robots(desk_for):
    big = b"User-agent: *\nDisallow: /secret\n" + b"#"*80 + b"\n"
    big = b"User-agent: *\nDisallow: /secret\n" + (b"# filler "*10 + b"\n")*7000
    def respond(asked):
        if asked.path == "/robots.txt":
            rng = asked.headers.get("range")
            if rng:
                end = int(rng.split("-")[1])+1
                return Answered(big[:end], 206, headers={"Content-Type":"text/plain","Content-Range":f"bytes 0-{end-1}/{len(big)}"})
            return Answered(big, 200, headers={"Content-Type":"text/plain"})
        return Answered(b"hello page", 200, headers={"Content-Type":"text/plain"})
    with StandIn(respond) as site:
        async with HttpWeb(FixedClock(NOW), allow_hosts=frozenset({site.netloc})) as web:
            desk = desk_for(web=web)
            direct = await RobotsWeb(web).get(site.address + "/secret/1")
            stored = await RobotsWeb(StoredWeb(desk, "research")).get(site.address + "/secret/1")
    print(direct, stored)
    assert type(direct) is type(stored)

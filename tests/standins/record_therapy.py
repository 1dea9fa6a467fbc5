"""Records ``cassettes/therapy-8b`` through the stand-ins: ``python -m tests.standins.record_therapy``.

Real requests over real sockets, answered by servers of this folder with authored content. To be run again
whenever the program asks for something else than before; the cassette is then reviewed like any other change.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from agent.commands.common import Opened
from agent.recording import record_into
from agent.settings import Settings
from agent.story import About, HostProvenance, stories_folder
from graphs.desk import Services
from graphs.options import Approver
from store.database import Database
from tests.standins.leaderboards_server import LEADERBOARDS
from tests.standins.stage import TODAY, staged
from tests.standins.therapy_story import JUDGE, ollama
from tests.standins.world import World

NAME = "therapy-8b"
TEXT = "evaluate 8B models for therapy coaching"
OLLAMA = "http://127.0.0.1:11434"
FACTS = "tests/standins/facts/models.json"

HOSTS = (
    HostProvenance(
        host="huggingface.co",
        how="authored",
        detail=f"served by tests/standins/hub_server.py; figures from the public sources named in {FACTS}",
    ),
    HostProvenance(
        host="registry.ollama.ai",
        how="authored",
        detail=f"served by tests/standins/registry_server.py; sizes and weight digests from {FACTS}, "
        "manifests, configs and licence blobs made by the stand-in",
    ),
    HostProvenance(
        host="cdn.ollama.example",
        how="authored",
        detail="where the registry's stand-in redirects blobs to, as the real one does to its own storage",
    ),
    HostProvenance(
        host="cdn.hub.example",
        how="authored",
        detail="where the Hub's stand-in sends large files from: heads of GGUF files, no weights",
    ),
    *(
        HostProvenance(
            host=host,
            how="authored",
            detail="served from tests/standins/facts/leaderboards: lines of public files, the rest left out",
        )
        for host in sorted({urlsplit(url).hostname or "" for url in LEADERBOARDS})
    ),
    HostProvenance(
        host="html.duckduckgo.com",
        how="authored",
        detail="served by tests/standins/search_server.py over the pages and cards of this story",
    ),
    HostProvenance(
        host="127.0.0.1:11434",
        how="authored",
        detail="an Ollama stand-in (tests/standins/therapy_story.py); answers and verdicts written for this "
        "project, no output of the models that it names",
    ),
)
OTHERS = HostProvenance(
    host="", how="authored", detail="short pages from tests/standins/facts/pages.json, with their sources"
)


async def record(folder: Path) -> None:
    shutil.rmtree(folder / "out", ignore_errors=True)
    about = About(text=TEXT, recorded_at=TODAY, judge=f"ollama:{JUDGE}", hosts=HOSTS)
    with (
        tempfile.TemporaryDirectory() as home,
        World() as world,
        ollama(world, strict=True) as server,
        Database(f"sqlite:///{home}/bms.sqlite") as database,
    ):
        settings = Settings(home=Path(home))

        @contextlib.asynccontextmanager
        async def services(_about: About) -> AsyncIterator[Services]:
            async with staged(world, server, database) as opened:
                yield opened

        search = world.addresses.duckduckgo
        await record_into(
            Opened(settings, database, Console()),
            folder,
            about,
            services,
            Approver.POLICY,
            renamed={server.url: OLLAMA, search: "https://html.duckduckgo.com/html/"},
            provenance=OTHERS,
        )
    shutil.rmtree(folder / "out", ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(record(stories_folder() / NAME))

"""A world with a handful of models: research in it takes a second."""

from __future__ import annotations

from collections.abc import Callable

from tests.standins.http_server import Answered, Asked
from tests.standins.hub_server import HubServer
from tests.standins.world import HUB_CDN, World
from tests.standins.world_hub import hub_content, hub_discussions, hub_large

MODELS = frozenset(
    {
        "Qwen/Qwen3-8B",
        "meta-llama/Llama-3.1-8B-Instruct",
        "google/gemma-2-9b-it",
        "mistralai/Mistral-7B-Instruct-v0.3",
    }
)


class SmallWorld(World):
    """:class:`World` with :data:`MODELS` on its Hub, and a network that can be cut."""

    def __init__(self) -> None:
        super().__init__()
        self.is_cut = False
        records, files = hub_content()
        kept = [record for record in records if record["id"] in MODELS]
        self.hub = HubServer(kept, files, large=hub_large(), discussions=hub_discussions(), cdn=HUB_CDN)
        for server in self.servers:
            server._respond = self._unless_cut(server._respond)

    def _unless_cut(self, respond: Callable[[Asked], Answered]) -> Callable[[Asked], Answered]:
        def answer(asked: Asked) -> Answered:
            if self.is_cut:
                raise ConnectionResetError("the network is cut")
            return respond(asked)

        return answer

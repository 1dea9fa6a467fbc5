"""What a request is refused with: in words that say what would be taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.settings import Settings
from tests.standins.service import NoEngine, inside

HOST = "body.host: the name of a host has small letters, digits, dots, hyphens and underscores, 30 at most"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"text": "8B for chess", "host": "gpu 1"}', HOST),
        ('{"text": "8B for chess", "host": "' + 31 * "x" + '"}', HOST),
        ('{"text": "8B for chess", "host": "gpu1"}', "shares its runs with no other machine"),
        ('{"text": "8B for chess", "temperature": 1e999}', "is not valid JSON"),
        ('{"text": "8B for chess", "temperature": NaN}', "is not valid JSON"),
    ],
)
async def test_a_run_is_refused_with_words(tmp_path: Path, body: str, words: str) -> None:
    async with inside(Settings(home=tmp_path), engine=NoEngine()) as client:
        answer = await client.post("/api/runs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]

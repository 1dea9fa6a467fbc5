"""What a warm process has read before it is forked: the recordings of the story in the program."""

from __future__ import annotations

from agent.cassettes import read_tape
from agent.story import load_story

STORY = "therapy-8b"

_http = load_story(STORY).http
_found = _http.stat()
read_tape(str(_http), _found.st_mtime_ns, _found.st_size)

"""A model's chat with every reply kept as a row: what was paid for once is not asked again."""

from __future__ import annotations

from dataclasses import dataclass

from graphs.desk import Desk, NamedModel
from graphs.retry import patiently
from store import evaluation
from tools.concurrency import Throttle
from tools.runtimes import ChatReply, ChatRequest, RuntimeFault


@dataclass
class Remembered:
    desk: Desk
    model: NamedModel
    purpose: str
    stage: str
    throttle: Throttle | None = None
    faults: int = 0
    """Calls that a fault of the server ended."""

    async def __call__(self, request: ChatRequest) -> ChatReply:
        key = f"{self.model.spec}\0{request.model_dump_json()}"
        stored = await self.desk.look(evaluation.stored_call, self.purpose, key)
        if stored is not None:
            return ChatReply.model_validate(stored)
        try:
            reply = await patiently(self.desk, self.stage, lambda: self.model.chat(request), self.throttle)
        except RuntimeFault:
            self.faults += 1
            raise
        record, now = reply.model_dump(mode="json"), self.desk.services.wall.now()
        await self.desk.write(evaluation.keep_call, self.purpose, key, record, now)
        return reply

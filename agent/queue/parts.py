"""Which part of a journey an order is for, and where that is done.

Up to the approval a run needs the network and no model; from there on it belongs to the machine that holds
its model. Both are told from rows alone.
"""

from __future__ import annotations

import hashlib
import re
import socket
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from graphs.options import RunOptions
from graphs.prompts import Approval, ApprovalAction, Reply, RequestAnswer
from store import orders, runs
from store.locks import hold
from store.orders import OrderKind
from store.schema import OrderRow
from tools.clock import Clock
from tools.faults import Fault, WrongUse

LONGEST_HOST = 30
"""PostgreSQL's channels have names of 63 bytes, and procrastinate puts 23 before the queue's own."""
HOST = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST_HOST - 1}}}")
RESEARCH_STAGES = frozenset({"intake", "ask", "research", "compare", "approve"})

_reply: TypeAdapter[Reply] = TypeAdapter(Reply)


class Part(StrEnum):
    RESEARCH = "research"
    """Everything up to the question of the approval."""
    EVALUATE = "evaluate"
    """Everything after it: pull, answers, judging, decision, document."""

    @property
    def words(self) -> str:
        return "research" if self is Part.RESEARCH else "evaluation"


def part_of(options: RunOptions, stage: str, reply: Reply | None = None) -> Part:
    """What comes next in a run that is at ``stage``, once ``reply`` is given."""
    if options.model is not None:
        return Part.EVALUATE  # named directly: nothing is looked for
    if isinstance(reply, Approval):
        yes = reply.action in {ApprovalAction.APPROVE, ApprovalAction.SWAP}
        return Part.EVALUATE if yes else Part.RESEARCH
    if reply is not None:
        return Part.RESEARCH if isinstance(reply, RequestAnswer) else Part.EVALUATE
    return Part.RESEARCH if stage in RESEARCH_STAGES else Part.EVALUATE


class Unreadable(Fault):
    """Options or a reply that another version of bms has written."""


def part_of_order(session: Session, order: OrderRow) -> Part:
    """:class:`Unreadable` for an order that this version does not understand."""
    row = runs.get(session, order.run_id)
    try:
        options = RunOptions.model_validate(row.options)
        if order.kind == OrderKind.EXTEND:
            return Part.EVALUATE
        reply = _reply.validate_python(order.record) if order.kind == OrderKind.REPLY else None
    except ValidationError as error:
        raise Unreadable(
            f"What run {row.id} is to do was written by another version of bms, which this one does not "
            "understand.",
            "Bring bms up to date on every machine.",
        ) from error
    return part_of(options, row.stage, reply)


def queue_name(part: Part, host: str | None = None) -> str:
    return part.value if part is Part.RESEARCH or host is None else f"{part.value}:{host}"


def queue_of(session: Session, order: OrderRow) -> str:
    """The queue that an order belongs to as things are now. One that cannot be read keeps no other from its
    queue: whoever takes it says so."""
    try:
        part = part_of_order(session, order)
    except Unreadable:
        return queue_name(Part.RESEARCH)
    options = RunOptions.model_validate(runs.get(session, order.run_id).options)
    return queue_name(part, options.host)


def settle_down(session: Session, order_id: int, host: str, clock: Clock) -> Part | None:
    """What is to be done for the order on this host; None when it is done, or belongs to another one.

    A run that is to be evaluated and has no host yet gets this one.
    """
    order = orders.get(session, order_id)
    if order is None or order.done_at is not None:
        return None
    part = part_of_order(session, order)
    if part is Part.RESEARCH:
        return part
    hold(session, order.run_id)  # of two hosts that want it, one gets it
    row = runs.get(session, order.run_id)
    session.refresh(row)
    options = RunOptions.model_validate(row.options)
    if options.host is None:
        options = options.model_copy(update={"host": host})
        runs.set_options(session, row.id, options.model_dump(mode="json"), clock.now())
    return part if options.host == host else None


def check_host(name: str) -> str:
    """A host as queues are named after it; :class:`WrongUse` for what cannot be one."""
    found = name.strip().lower()
    if not HOST.fullmatch(found):
        raise WrongUse(
            f"{name.strip()[:60]!r} cannot be the name of a host.",
            f"Take letters, digits, dots and hyphens, at most {LONGEST_HOST}, such as gpu1.",
        )
    return found


def this_host() -> str:
    """This machine's own name, made short enough."""
    name = re.sub(r"[^a-z0-9._-]", "-", socket.gethostname().lower()).lstrip("._-") or "host"
    if len(name) > LONGEST_HOST:
        name = f"{name[: LONGEST_HOST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name

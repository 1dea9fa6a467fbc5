"""Actions on a run as a person words them, put into an offer that waits for a yes. Nothing is done here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.conversation import intents
from agent.conversation.limits import by_name, limits_of
from agent.conversation.names import Book, cleaned, looks_like_a_name, preferred, repository
from agent.conversation.records import Offer, OfferKind, Said
from agent.conversation.replies import (
    YES_NO,
    answer,
    counted,
    first_of,
    items,
    model_page,
    names,
    short,
    stars,
    view,
)
from agent.conversation.replies_models import unknown_name, which
from agent.waiting import REPLAY_CAUTION, Waiting, leaves_recording
from graphs.approval import NO_BACKUP, Refused, check_approval
from graphs.prompts import Approval, ApprovalAction, ApprovalPrompt, Reply
from tools.knowledge import loader
from tools.sizes import fits_size
from tools.table import Column, TableRow


def reply_record(reply: Reply, kind: str) -> dict[str, Any]:
    """A reply as an offer keeps it, with the kind of question that it answers."""
    return {"kind": kind, "reply": reply.model_dump(mode="json")}


SHALL_I = "Shall I?"
"""Stands in the place of what an offer says itself: its sentence is not said twice."""


def offer_reply(
    run_id: str, question: Waiting, reply: Reply, sentence: str, *more: str, **extras: Any
) -> Said:
    offer = Offer(
        kind="reply",
        sentence=sentence,
        run_id=run_id,
        prompt_id=question.prompt_id,
        record=reply_record(reply, question.prompt.kind),
    )
    return answer(*more, SHALL_I, offer=offer, suggestions=YES_NO, **extras)


def offer_cancel(run_id: str) -> Said:
    sentence = f"End run {run_id} for good. What it found stays readable."
    offer = Offer(kind=OfferKind.CANCEL, sentence=sentence, run_id=run_id)
    return answer(SHALL_I, offer=offer, suggestions=YES_NO)


class Table:
    """Orders on a table that waits for its approval."""

    def __init__(self, run_id: str, question: Waiting, book: Book, by: str, *, replayed: bool) -> None:
        assert isinstance(question.prompt, ApprovalPrompt)
        self.run_id, self.question, self.book, self.by = run_id, question, book, by
        self.prompt = question.prompt
        self.replayed = replayed

    def approval(self, action: ApprovalAction, **fields: Any) -> Approval:
        return Approval(action=action, table_hash=self.prompt.table_hash, by=self.by, **fields)

    def approve(self, wish: intents.Approve) -> Said:
        chosen: dict[str, str | None] = {}
        for role, words in (("primary", wish.primary), ("backup", wish.backup)):
            if words is None:
                chosen[role] = None
                continue
            meant = self._one(words, "approve {}" if role == "primary" else "use {} as backup")
            if isinstance(meant, Said):
                return meant
            chosen[role] = meant
        primary, backup = chosen["primary"] or self.prompt.primary, chosen["backup"]
        if wish.no_backup:
            backup = NO_BACKUP
        elif backup is None and primary == self.prompt.primary:
            backup = self.prompt.backup
        if primary is None:
            return answer(
                "Nothing is proposed, so I need a name.", suggestions=("show the table", "search more")
            )
        if backup == primary:
            backup_now = self.prompt.backup == primary
            backup = None if backup_now and chosen["backup"] is None else backup
        approval = self.approval(
            ApprovalAction.APPROVE,
            primary=primary,
            backup=NO_BACKUP if backup is None else backup,
            note=wish.note,
        )
        return self._offer_pair(approval, primary, backup or None, self._others(wish))

    def swap(self) -> Said:
        if self.prompt.backup is None or self.prompt.primary is None:
            return answer(
                "There is no proposed backup to exchange the primary with.", suggestions=("show the table",)
            )
        approval = self.approval(ApprovalAction.SWAP, primary=self.prompt.primary, backup=self.prompt.backup)
        return self._offer_pair(approval, self.prompt.backup, self.prompt.primary, "")

    def _offer_pair(self, approval: Approval, primary: str, backup: str | None, others: str) -> Said:
        assert self.book.table is not None
        assert self.book.proposal is not None
        try:
            check_approval(approval, self.book.proposal, self.book.table, self.book.table)
        except Refused as refusal:
            return answer(refusal.sentence, refusal.next_step, suggestions=("show the table", "approve"))
        second = f"{self.book.name(backup)} ({backup}) as backup" if backup else "no backup"
        note = f" Reason: {approval.note}" if approval.note else ""
        sentence = f"Approve {self.book.name(primary)} ({primary}) as primary, with {second}.{note}"
        row = self.book.row(primary)
        facts = [] if row is None else self._before_the_button(row)
        return offer_reply(
            self.run_id,
            self.question,
            approval,
            sentence,
            items(facts),
            others,
            "Only the primary is pulled; the backup waits until you ask for it." if backup else "",
            REPLAY_CAUTION if self.replayed and leaves_recording(self.prompt, approval) else "",
            links=(
                view(self.run_id, "approval", "the approval"),
                model_page(self.run_id, primary, self.book.name(primary)),
            ),
        )

    @staticmethod
    def _before_the_button(row: TableRow) -> list[str]:
        cells = [
            (column, short(row.cell(column).text))
            for column in (Column.QUANTIZATION, Column.MEMORY, Column.LICENCE)
        ]
        return [
            f"{row.name}: {stars(row.rating)}",
            *(f"{column.value.lower()}: {text}" for column, text in cells),
        ]

    def _others(self, wish: intents.Approve) -> str:
        """What else the names could have meant, so that a yes is to the right one."""
        told = []
        for words in filter(None, (wish.primary, wish.backup)):
            every = self.book.in_table(words)
            one = preferred(every, self.book.proposal)
            rest = [self.book.name(key) for key in every if key not in one]
            if rest:
                told.append(
                    f"“{cleaned(words)}” was taken for the proposed one; it could also be {names(rest)}."
                )
        return " ".join(told)

    def _one(self, words: str, pattern: str) -> str | Said:
        """The row that is meant, or what to answer instead."""
        keys = preferred(self.book.in_table(words), self.book.proposal)
        if len(keys) == 1:
            return keys[0]
        if keys:
            return which(words, keys, self.book, pattern)
        elsewhere = self.book.others(words)
        if elsewhere:
            lines = [f"{key}: {self.book.ledger[key].reason}" for key in elsewhere[:4]]
            return answer(
                f"“{cleaned(words)}” is not in the table; research saw and rejected:\n{items(lines)}",
                suggestions=(f"add {elsewhere[0]}", "show the table"),
            )
        return unknown_name(self.run_id, words, self.book)

    def reject(self, reason: str) -> Said:
        if not reason:
            return answer(
                "Why? The reason is kept in the record: “reject because …”.",
                suggestions=("reject because …", "search more"),
            )
        approval = self.approval(ApprovalAction.REJECT, note=reason[:4000])
        return offer_reply(
            self.run_id, self.question, approval, f"Reject the table and end the run. Reason: {reason[:500]}"
        )

    def more(self, note: str) -> Said:
        approval = self.approval(ApprovalAction.MORE, note=note[:4000])
        what = f"Look for: {note[:300]}" if note else "Another wave, with nothing special to look for."
        return offer_reply(
            self.run_id,
            self.question,
            approval,
            f"Research again, then show the table anew. {what}",
            REPLAY_CAUTION if self.replayed else "",
        )

    def leave_out(self, wanted: Sequence[str]) -> Said:
        keys: list[str] = []
        for words in wanted:
            found = self.book.in_table(words)
            if not found:
                return unknown_name(self.run_id, words, self.book)
            keys += found
        keys = list(dict.fromkeys(keys))
        return self._exclude(keys, "")

    def only(self, wish: intents.Only) -> Said:
        """Leave out every row that does not have what is wanted."""
        limits = limits_of(wish, self.book)
        label = " and ".join(limit.label for limit in limits)
        told = " ".join(filter(None, (limit.of_unknown(self.book.rows) for limit in limits)))
        out = [row for row in self.book.rows if any(limit.leaves_out(row) for limit in limits)]
        if not out:
            return answer(
                f"Every candidate whose source tells is {label} already{by_name(wish)}.",
                told,
                suggestions=("approve", "show the table"),
            )
        if len(out) == len(self.book.rows):
            return answer(
                f"No candidate of the table is {label}.", suggestions=("search more", "show the table")
            )
        return self._exclude([row.key for row in out], told, f"that are not {label}")

    def _exclude(self, keys: Sequence[str], told: str, why: str = "") -> Said:
        rows = [row for row in self.book.rows if row.key in set(keys)]
        proposed = {self.prompt.primary: "primary", self.prompt.backup: "backup"}
        hit = [f"{row.name} is the proposed {proposed[row.key]}." for row in rows if row.key in proposed]
        approval = self.approval(ApprovalAction.EDIT, exclude=tuple(row.key for row in rows))
        left = len(self.book.rows) - len(rows)
        lines = first_of(
            [f"{row.name}: {row.licence.display}, {short(row.cell(Column.PARAMS).text)}" for row in rows]
        )
        sentence = f"Leave out {counted(len(rows), 'candidate')}{' ' + why if why else ''}; {left} stay, and the table is made anew."  # noqa: E501
        return offer_reply(self.run_id, self.question, approval, sentence, items(lines), told, " ".join(hit))

    def add(self, wanted: Sequence[str]) -> Said:
        repos, unknown, told = [], [], []
        for words in wanted:
            if not looks_like_a_name(words) and not self.book.meant(words):
                return unknown_name(self.run_id, words, self.book)
            listed = self.book.in_table(words)
            if len(listed) == 1 and (repository(words) is None or repository(words) == listed[0]):
                told.append(f"{self.book.name(listed[0])} ({listed[0]}) is in the table already.")
                continue
            key = self._repository(words)
            if key is None:
                unknown.append(cleaned(words))
                continue
            repos.append(key)
            seen = self.book.ledger.get(key)
            if seen is not None and self.book.row(key) is None:
                told.append(f"{key} was rejected before: {seen.reason}.")
            told.append(self._size_caution(key))
        if repos:
            approval = self.approval(ApprovalAction.EDIT, add=tuple(dict.fromkeys(repos)))
            rest = (
                f"No repository is known for {names(unknown)}: “search more for {unknown[0]}” looks for it."
                if unknown
                else ""
            )
            return offer_reply(
                self.run_id,
                self.question,
                approval,
                f"Add {names(repos)} to the candidates: its records are read, and the table is made anew.",
                " ".join(part for part in told if part),
                rest,
                REPLAY_CAUTION if self.replayed else "",
            )
        if unknown:
            said = self.more(f"{names(unknown)}")
            caution = f"No repository is known by the name {names(unknown)}; owner/name, as the Hub has it, would add it directly."  # noqa: E501
            return said.model_copy(update={"text": f"{caution}\n\n{said.text}"})
        return answer(" ".join(told), suggestions=("show the table", "approve"))

    def _repository(self, words: str) -> str | None:
        """The Hub repository that is meant: in the ledger, as it was typed, or known to be called so."""
        typed = repository(words)
        if typed is not None:
            return next((key for key in self.book.ledger if key.casefold() == typed.casefold()), typed)
        meant = [key for key in self.book.meant(words) if self.book.row(key) is None]
        originals = [key for key in meant if self.book.ledger[key].folded_into is None]
        if len(originals or meant) == 1:
            return (originals or meant)[0]
        member = loader.families().member(cleaned(words))
        return None if member is None else member.repo

    def _size_caution(self, key: str) -> str:
        assert self.book.table is not None
        size = self.book.table.request.size
        if fits_size(size, None, key) is False:
            return f"By its name it is outside {size}, so it would be listed but could not be proposed."
        return ""

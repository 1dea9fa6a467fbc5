"""Rubrics in Markdown, as people write them, read into a draft: headings, tables, lists and a few sentences.

Each line is either understood or stands in :attr:`Draft.unread`. Lines are cut at a length and read once; the
expressions are bounded, so that no text can make them run away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_LINE = 4_000
LEAST_THRESHOLD = 0.3
"""A smaller number beside "pass" is hardly a threshold."""
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_BOLD_LINE = re.compile(r"[ \t]*(?:\*\*|__)([^*_]{2,120})(?:\*\*|__):?[ \t]*$")
_BULLET = re.compile(r"([ \t]*)(?:[-*+•]|\(?\d{1,3}[.)])[ \t]+(?:\[[ xX]?\][ \t]+)?(.*)$")
_SEPARATOR = re.compile(r"[ \t]*\|?(?:[ \t]*:?-{1,60}:?[ \t]*\|)*[ \t]*:?-{1,60}:?[ \t]*\|?[ \t]*$")
_IGNORED = re.compile(r"[ \t]*(?:[-*_=][ \t]*){3,}$|[ \t]*<!--.*-->[ \t]*$|[ \t]*$")
_ID = r"[A-Za-z]{1,12}[-_. ]?\d{1,4}(?:[.\-]\d{1,3})?[a-z]?"
_LED_BY_ID = re.compile(
    rf"(?:\*\*|__|`|\[)?\s?({_ID})\s?(?:\*\*|__|`|\])?\s?(?:[:.)–—-]|\s-)\s?(?:\*\*|__)?\s?(.+)$"
)
_MARKED_ID = re.compile(rf"(?:\*\*|__|`|\[)\s?({_ID})\s?:?\s?(?:\*\*|__|`|\])\s*(.+)$")
_IDS = re.compile(rf"{_ID}(?:\s?(?:[,;/&+–—-]|\.\.|to|and|bis|und)\s?(?:{_ID}|\d{{1,4}}))*$")
_PERCENT = re.compile(r"(\d{1,3}(?:[.,]\d{1,4})?)\s?%")
_WEIGHT = re.compile(
    r"\b(?:weight(?:ing)?|gewicht(?:ung)?|points?|punkte|×|x)\s?[:=]?\s?(\d{1,4}(?:[.,]\d{1,4})?)"
    r"|(\d{1,4}(?:[.,]\d{1,4})?)\s?(?:points?|pts?\.?|punkte)\b|[(\[]\s?(\d?[.,]\d{1,4})\s?[)\]]",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s{0,3}[–—:|,;-]\s{0,3}(?:[\d.,]{1,8}\s?(?:points?|pts?\.?|punkte)?|(?:an? )?(?:gate|critical|blocker"
    r"|(?:automatic|auto-?)\s?fail|must[- ]pass|hard[- ]fail|deal[- ]?breaker))?\s{0,3}$",
    re.IGNORECASE,
)
"""What stands behind a category's title: points, or that it is a gate."""
_NUMBERED = re.compile(
    r"(?:(?:category|section|part|dimension|kategorie)\s+\w{1,4}\s?[:.–-]\s?"
    r"|\d{1,2}(?:\.\d{1,2})*[.)]?\s+|[A-H][.)]\s+)",
    re.IGNORECASE,
)
_GATE = re.compile(
    r"\b(?:gates?|auto(?:matic(?:ally)?)?[- ]?fail\w*|fails?\s(?:\w{1,12}\s){0,4}automatically"
    r"|fails? the (?:whole |entire )?(?:answer|response|evaluation)|hard[- ]fail\w*|must[- ]pass"
    r"|deal[- ]?breakers?|"
    r"blockers?|knock-?out|k\.?-?o\.?-kriterium|critical(?! (?:thinking|thought|analysis|reflection"
    r"|reading)))\b",
    re.IGNORECASE,
)
_GATE_MARK = re.compile(
    r"[(\[*]{1,2}\s?(?:safety |hard )?(?:gate|critical|auto(?:matic)?[- ]?fail|must[- ]pass"
    r"|blocker)[^)\]*]{0,20}[)\]*]{1,2}"
    r"|^(?:critical|gate|must[- ]pass)\s?:|⛔|🚫|🛑",
    re.IGNORECASE,
)
_NA_MARK = re.compile(
    r"\bN/?A\b[^.;]{0,20}(?:allowed|ok|okay|possible|if|when|where|unless)|\(N/?A\)", re.IGNORECASE
)
_OPTIONAL = re.compile(
    r"[(\[*]{1,2}\s?(?:optional|(?:if|where|when) applicable|falls zutreffend)\s?[)\]*]{1,2}", re.IGNORECASE
)
_NA_WORD = re.compile(r"\bN/?A\b|\bnot applicable\b|\bnicht (?:anwendbar|zutreffend)\b", re.IGNORECASE)
_NA_PASS = re.compile(
    r"(?:count|treat|score|regard|gilt|zähl|as)\w*\s[^.]{0,30}?\b(?:pass\w*|yes|met|bestanden|ja"
    r"|erfüllt)\b|[=→]\s?(?:pass|yes)",
    re.IGNORECASE,
)
_NA_OUT = re.compile(
    r"exclu\w+|ignor\w+|skip\w*|remov\w+|not count\w*|n't count|left out|drop\w*|denominator"
    r"|ausgeschlossen|zählt nicht",
    re.IGNORECASE,
)
_THRESHOLD = re.compile(
    r"(?:\bpass(?:es|ed|ing)?\b|\bthreshold\b|\bminimum (?:total )?score\b|\bcut-?off\b|\bbestanden\b"
    r"|\bbestehensgrenze\b|\bmindestens\b)"
    r"[^\d|]{0,60}(\d{1,3}(?:[.,]\d{1,4})?)\s?(%|percent|prozent|/\s?\d{1,3}|(?:out )?of \d{1,3})?"
    r"|(\d{1,3}(?:[.,]\d{1,4})?)\s?(%|percent|prozent)[^\d|.]{0,60}\b(?:to pass|passes|pass threshold"
    r"|passing|is a pass|zum bestehen)\b",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"(?:\*\*|_|\*)?\s?(?:(?:example|beispiel)\s?(?:of|für)?\s?(?:a|an|the)?\s?)?[(\[]?"
    r"(good|pass(?:ing)?|yes|met|gut|ja|bad|fail(?:ing|ure)?|no|not met|schlecht|nein|✅|✓|❌|✗)[)\]]?"
    r"(?:\s?(?:example|answer|response|beispiel|antwort))?\s?(?:\*\*|_|\*)?\s?[:=→–]\s?(?:\*\*)?\s?(.{2,})$",
    re.IGNORECASE,
)
_GOOD = frozenset({"good", "pass", "passing", "yes", "met", "gut", "ja", "✅", "✓"})
_PLAIN_SECTIONS = re.compile(
    r"(?:(?:evaluation |judging |scoring |quality |grading )?(?:criteria|rubric|scoring|score"
    r"|questions|checklist|categories|"
    r"weights?|weighting|overview|summary|introduction|purpose|notes?|instructions"
    r"|pass(?:ing)?(?: threshold| score| rule)?|"
    r"threshold|how to (?:score|use).{0,30}|n/?a(?: rule| handling)?|usage|legend|examples?|kriterien"
    r"|gewichtung|bewertung))$",
    re.IGNORECASE,
)
_COLUMNS = (
    ("na", r"n/?a\b.*|n\.a\..*|not applicable.*|can be n/?a|optional\??"),
    (
        "gate",
        r".*\b(?:gate|critical|auto.?fail.*|automatic fail.*|must.?pass|blocker|hard.?fail|knock.?out"
        r"|fatal)\b.*",
    ),
    (
        "good",
        r"(?:good|pass(?:ing)?|yes|positive)(?: examples?| answers?| looks like)|good"
        r"|example(?:s)? \(?(?:yes|pass|good)\)?",
    ),
    (
        "bad",
        r"(?:bad|fail(?:ing|ure)?|no|negative|poor)(?: examples?| answers?| looks like)|bad"
        r"|example(?:s)? \(?(?:no|fail|bad)\)?",
    ),
    ("examples", r"(?:calibration )?(?:examples?|beispiele?|anchors?).*"),
    (
        "weight",
        r"(?:weight(?:ing|s)?|points?|max(?:imum)? (?:points|score)|gewicht(?:ung)?|share|anteil|%"
        r"|pts)(?: ?\(?%?\)?)?",
    ),
    (
        "id",
        r"(?:id|#|no\.?|nr\.?|number|code|key|ref(?:erence)?|(?:criterion|question|item|check) ?(?:id"
        r"|#|no\.?|code)|kürzel)",
    ),
    ("category", r"(?:category|categories|dimension|section|area|domain|group|theme|kategorie|bereich)"),
    ("type", r"(?:type|kind|method|measured by|how|scored by|art)"),
    (
        "question",
        r"(?:question|prüffrage|frage|check|requirement|statement|what to (?:check|look for)"
        r"|definition|description|details?|beschreibung|guidance)s?",
    ),
    ("criterion", r"(?:criteria|criterion|kriterium|kriterien|item|indicator|standard|name|title|aspect)"),
)
_YES = re.compile(
    r"(?:y(?:es)?|true|x|✓|✔|✅|1|allowed|ok|ja|gate|critical|auto.?fail.*|must.?pass|fail)\W*$",
    re.IGNORECASE,
)


@dataclass
class DraftCriterion:
    """A criterion as it was found; ``category`` is a title, blank where none was near."""

    line: int
    question: str
    id: str = ""
    category: str = ""
    na_allowed: bool = False
    gate: bool = False
    weight: float | None = None
    optional: bool = False
    """It, or its heading, says so; NA is then allowed."""
    automatic: bool = False
    """Its type says that a program decides it."""
    examples: list[tuple[bool, str]] = field(default_factory=list)
    """Whether the answer is good, and the answer."""


@dataclass
class DraftCategory:
    """A category by its title; its weight is a share where per cent are written, else the number itself."""

    line: int
    weight: float | None = None
    gate: bool = False
    description: str = ""


class Unread(NamedTuple):
    """A line (from 1) that was not understood, and what about it."""

    line: int
    sentence: str


@dataclass
class Draft:
    """What was found in a Markdown rubric."""

    title: str = ""
    description: str = ""
    threshold: float | None = None
    threshold_line: int = 0
    na_counts_as_pass: bool | None = None
    categories: dict[str, DraftCategory] = field(default_factory=dict)
    criteria: list[DraftCriterion] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)
    """Criterion id → category title, where a table of categories says it."""
    unread: list[Unread] = field(default_factory=list)


def read_markdown(text: str) -> Draft:
    """The draft of the rubric in ``text``; never raises."""
    return _Reader(text).read()


def plain(text: str) -> str:
    """``text`` without Markdown's marks, on one line, printable characters only."""
    text = re.sub(r"!?\[([^\]\[]{0,300})\]\([^()\s]{0,500}\)", r"\1", text)
    text = re.sub(r"</?[A-Za-z][^<>]{0,60}>|\\(?=[|*_#\[\]`-])|\*\*|__|`", " ", text)
    text = re.sub(r"(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)", "", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).strip(" |")


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = [line[:MAX_LINE] for line in text.expandtabs(4).splitlines()]
        self.long = [number for number, line in enumerate(text.splitlines(), 1) if len(line) > MAX_LINE]
        self.draft = Draft()
        self.section = ""
        """Title of the category that the lines belong to."""
        self.optional = False
        """Whether that section is called optional."""
        self.last: DraftCriterion | None = None

    def read(self) -> Draft:
        for number in self.long:
            self._unread(number, f"The line was cut after {MAX_LINE:,} characters")
        i, fence = 0, 0
        while i < len(self.lines):
            line = self.lines[i]
            if line.lstrip().startswith(("```", "~~~")):
                fence = 0 if fence else i + 1
                if fence:
                    self._unread(i + 1, "A code block was not read")
                i += 1
            elif fence or _IGNORED.match(line):
                i += 1
            elif self._is_underlined(i):
                self._heading(i, line, first="=" in self.lines[i + 1])
                i += 2
            elif "|" in line and i + 1 < len(self.lines) and _is_separator(self.lines[i + 1]):
                i = self._table(i)
            else:
                self._line(i)
                i += 1
        return self.draft

    def _is_underlined(self, i: int) -> bool:
        """Whether a lone line is a heading by the line below it, ``====`` or ``----``."""
        line = self.lines[i]
        return (
            i + 1 < len(self.lines)
            and _UNDERLINE.match(self.lines[i + 1]) is not None
            and (i == 0 or not self.lines[i - 1].strip())
            and "|" not in line
            and not (_HEADING.match(line) or _BULLET.match(line) or line.lstrip().startswith(">"))
        )

    def _unread(self, line: int, what: str, text: str = "") -> None:
        quoted = f": {plain(text)[:120]}" if text else ""
        self.draft.unread.append(Unread(line, f"{what}{quoted}"))

    def _line(self, i: int) -> None:
        line = self.lines[i]
        heading = _HEADING.match(line) or _BOLD_LINE.match(line)
        if heading and not _LED_BY_ID.match(heading[1]):
            self._heading(i, heading[1], first=line.lstrip().startswith("# "))
            return
        bullet = _BULLET.match(line)
        body = bullet[2] if bullet else heading[1] if heading else line.strip(" >")
        if self._led_by_id(i, body) or self._rule(i, body):
            return
        if bullet and self._bullet(i, bullet[1], body):
            return
        self._prose(i, body)

    def _heading(self, i: int, text: str, *, first: bool) -> None:
        """A heading, ``first`` where it is of the highest level and may be the title."""
        self.last = None
        self.optional = _OPTIONAL.search(text) is not None
        is_rule = any([self._threshold(i, text), self._na(text)])
        title = category_title(text)
        if first and not self.draft.title and weight_in(text) is None:
            self.draft.title, self.section = plain(text), ""
            return
        if is_rule or not title or _PLAIN_SECTIONS.match(title):
            self.section = ""
        else:
            self.section = title
            self._category(i + 1, title, weight_in(text), gate=_GATE.search(text) is not None)

    def _category(self, line: int, title: str, weight: float | None, *, gate: bool) -> None:
        category = self.draft.categories.setdefault(title, DraftCategory(line))
        category.weight = weight if category.weight is None else category.weight
        category.gate = category.gate or gate

    def _led_by_id(self, i: int, body: str) -> bool:
        """``**CQ1** – question``, in a list or not."""
        match = _MARKED_ID.match(body) or _LED_BY_ID.match(body)
        if match is None or len(plain(match[2])) < 3:
            return False
        self._criterion(i + 1, match[2].lstrip(":–—-. "), identifier=match[1])
        return True

    def _criterion(
        self, line: int, text: str, identifier: str = "", category: str | None = None
    ) -> DraftCriterion:
        self.last = DraftCriterion(
            line=line,
            question=plain(_OPTIONAL.sub(" ", _GATE_MARK.sub(" ", text))) or plain(text),
            id=plain(identifier),
            category=self.section if category is None else category,
            na_allowed=_NA_MARK.search(text) is not None,
            gate=_GATE_MARK.search(text) is not None,
            optional=self.optional or _OPTIONAL.search(text) is not None,
        )
        self.draft.criteria.append(self.last)
        return self.last

    def _rule(self, i: int, text: str) -> bool:
        """A sentence that sets the threshold, the NA rule, or a gate; True when it did."""
        if text.rstrip(" *_").endswith("?"):
            return False
        return any([self._threshold(i, text), self._na(text), self._gates(text)])

    def _threshold(self, i: int, text: str) -> bool:
        match = _THRESHOLD.search(plain(text))
        value = _share(match[1] or match[3], match[2] or match[4] or "") if match else None
        if value is None:
            return False
        if self.draft.threshold is not None and self.draft.threshold != value:
            self._unread(
                i + 1, f"A second threshold was not used, line {self.draft.threshold_line} has one", text
            )
        else:
            self.draft.threshold, self.draft.threshold_line = value, i + 1
        return True

    def _na(self, text: str) -> bool:
        if not _NA_WORD.search(text):
            return False
        counts = True if _NA_PASS.search(text) else False if _NA_OUT.search(text) else None
        if counts is None:
            return False
        self.draft.na_counts_as_pass = counts
        return True

    def _gates(self, text: str) -> bool:
        """``Any NO in Safety is an automatic fail``: names categories or criteria that are there already."""
        if not _GATE.search(text):
            return False
        said = plain(text).casefold()
        named = False
        for title, category in self.draft.categories.items():
            if re.search(rf"\b{re.escape(title.casefold())}\b", said):
                category.gate = named = True
        for criterion in self.draft.criteria:
            if criterion.id and re.search(rf"\b{re.escape(criterion.id.casefold())}\b", said):
                criterion.gate = named = True
        return named

    def _bullet(self, i: int, indent: str, body: str) -> bool:
        example = _EXAMPLE.match(body)
        if example and self.last is not None:
            self.last.examples.append((example[1].casefold() in _GOOD, plain(example[2])))
            return True
        weight = weight_in(body)
        if weight is not None and "?" not in body and len(body.split()) <= 10:
            title = category_title(body)
            self._category(i + 1, title, weight, gate=_GATE.search(body) is not None)
            following = _BULLET.match(self.lines[i + 1]) if i + 1 < len(self.lines) else None
            if following and len(following[1]) > len(indent):
                self.section = title
            return True
        if plain(body).endswith("?") or (self.section and len(body.split()) >= 3):
            self._criterion(i + 1, body)
            return True
        return False

    def _prose(self, i: int, text: str) -> None:
        category = self.draft.categories.get(self.section)
        if category is not None and not category.description and self.last is None:
            category.description = plain(text)
        elif not self.draft.criteria and not self.section and len(self.draft.description) < 600:
            self.draft.description = f"{self.draft.description} {plain(text)}".strip()
        else:
            self._unread(i + 1, "Not read", text)

    def _table(self, i: int) -> int:
        """The table that begins in line ``i``; the index of the first line behind it."""
        header = cells(self.lines[i])
        end = i + 2
        while end < len(self.lines) and "|" in self.lines[end] and not _HEADING.match(self.lines[end]):
            end += 1
        rows = [(n + 1, cells(self.lines[n])) for n in range(i + 2, end)]
        columns = _columns(header, [row for _, row in rows])
        if "weight" in columns and "category" in columns and not {"question", "criterion"} & columns.keys():
            self._category_rows(columns, rows)
        elif {"question", "criterion"} & columns.keys():
            for number, row in rows:
                self._criterion_row(number, columns, row)
        else:
            self._unread(i + 1, "A table was not understood", self.lines[i])
            return end
        for position, name in enumerate(header):
            if position not in columns.values() and plain(name):
                self._unread(i + 1, "A column was not read", name)
        return end

    def _category_rows(self, columns: dict[str, int], rows: list[tuple[int, list[str]]]) -> None:
        for number, row in rows:
            cell = _Row(columns, row)
            title = category_title(cell["category"])
            if not title or re.fullmatch(r"(?:total|sum|gesamt|summe)", title, re.IGNORECASE):
                continue
            gate = _YES.match(cell["gate"]) or _GATE.search(cell["category"]) or _GATE.search(cell["weight"])
            self._category(number, title, _number(cell["weight"]), gate=gate is not None)
            for identifier in _listed_ids(cell["members"]):
                self.draft.members[identifier] = title

    def _criterion_row(self, number: int, columns: dict[str, int], row: list[str]) -> None:
        cell = _Row(columns, row)
        title, question = cell["criterion"], cell["question"]
        text = f"{title}: {question}" if title and question else title or question
        if not plain(text):
            if any(map(plain, row)):
                self._unread(number, "A row without a criterion was not read", " ".join(row))
            return
        category = category_title(cell["category"]) if cell["category"] else self.section
        if category and category not in self.draft.categories:
            self._category(number, category, None, gate=_GATE.search(cell["category"]) is not None)
        criterion = self._criterion(number, text, cell["id"], category)
        criterion.na_allowed = criterion.na_allowed or _YES.match(cell["na"]) is not None
        criterion.gate = (
            criterion.gate or _YES.match(cell["gate"]) is not None or bool(_GATE.search(cell["type"]))
        )
        criterion.weight = _number(cell["weight"])
        criterion.automatic = (
            re.search(r"comput|automat|program|code|script|regex|rule", cell["type"], re.IGNORECASE)
            is not None
        )
        criterion.examples += [(True, cell["good"])] * bool(cell["good"]) + [(False, cell["bad"])] * bool(
            cell["bad"]
        )
        for part in re.split(r"<br ?/?>|;|\s/\s", cell.raw("examples")):
            example = _EXAMPLE.match(part.strip())
            if example:
                criterion.examples.append((example[1].casefold() in _GOOD, plain(example[2])))
            elif plain(part):
                self._unread(number, "An example without a verdict was not read", part)


class _Row:
    """A row's cells by column name; blank where there is none."""

    def __init__(self, columns: dict[str, int], row: list[str]) -> None:
        self._columns, self._row = columns, row

    def raw(self, name: str) -> str:
        position = self._columns.get(name, len(self._row))
        return self._row[position] if position < len(self._row) else ""

    def __getitem__(self, name: str) -> str:
        return plain(self.raw(name))


def cells(line: str) -> list[str]:
    """The cells of a table's line; an escaped bar belongs to its cell."""
    inner = line.strip()
    inner = inner.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def category_title(text: str) -> str:
    """A heading or cell without number, weight and brackets: ``2. Safety (gate, 10 %)`` → ``Safety``."""
    bare = re.sub(r"[(\[][^()\[\]]{0,80}[)\]]", " ", plain(text))
    bare = _PERCENT.sub(" ", bare)
    bare = re.sub(
        r"\b(?:weight(?:ing)?|gewicht(?:ung)?)\s?[:=]?\s?[\d.,]{0,8}", " ", bare, flags=re.IGNORECASE
    )
    shorter = _TAIL.sub("", bare)
    while shorter != bare:
        bare, shorter = shorter, _TAIL.sub("", shorter)
    return " ".join(_NUMBERED.sub("", bare.strip(), count=1).split()).strip(" :–—-,;.")[:60]


def weight_in(text: str) -> float | None:
    """The weight in a heading or a list item: per cent, points, or a fraction in brackets."""
    percent = _PERCENT.search(text)
    match = percent or _WEIGHT.search(text)
    if match is None:
        return None
    number = _number(next(filter(None, match.groups())))
    return number / 100 if percent and number is not None else number


def _is_separator(line: str) -> bool:
    return "-" in line and len(line) < 2_000 and _SEPARATOR.match(line) is not None


def _number(text: str) -> float | None:
    match = re.search(r"\d{1,6}(?:[.,]\d{1,6})?|[.,]\d{1,6}", text)
    if match is None:
        return None
    value = float(match.group().replace(",", "."))
    return value / 100 if "%" in text else value


def _share(number: str, unit: str) -> float | None:
    """The share that a threshold says; None for what can be none, such as the 3 in "passes 3 tests"."""
    value = float(number.replace(",", "."))
    whole = re.search(r"\d{1,3}", unit)
    if whole:
        value = value / int(whole.group()) if int(whole.group()) else 2.0
    elif unit or value > 1:
        value /= 100
    return round(value, 6) if LEAST_THRESHOLD <= value <= 1 else None


def _listed_ids(text: str) -> Iterator[str]:
    """``CQ1–CQ3, CQ7`` → CQ1, CQ2, CQ3, CQ7."""
    for part in re.split(r"[,;/&+]|\band\b|\bund\b", text[:400]):
        match = re.match(
            r"\s*([A-Za-z]{1,12}[-_. ]?)(\d{1,3})(?:\s?(?:[–—-]|\.\.|to|bis)\s?\D{0,13}(\d{1,3}))?\s*$", part
        )
        if match:
            first, last = int(match[2]), int(match[3] or match[2])
            yield from (f"{match[1].strip()}{n}" for n in range(first, min(last, first + 99) + 1))


def _columns(header: list[str], rows: list[list[str]]) -> dict[str, int]:
    """Column name → position. A column of criteria that holds only ids is that, or a category's members."""
    found: dict[str, int] = {}
    for position, name in enumerate(header[:40]):
        said = plain(name).casefold() or ("id" if position == 0 else "")
        kind = next((kind for kind, form in _COLUMNS if re.fullmatch(form, said)), None)
        if kind == "question" and kind in found and "criterion" not in found:
            kind = "criterion"
        if kind is not None and kind not in found:
            found[kind] = position
    for name in ("criterion", "question"):
        position = found.get(name, -1)
        filled = [plain(row[position]) for row in rows if 0 <= position < len(row) and plain(row[position])]
        if filled and all(_IDS.match(text) or text.isdigit() for text in filled):
            found.pop(name)
            found.setdefault("members" if "category" in found and "weight" in found else "id", position)
    return found

"""The Hugging Face Hub: repositories listed by size, and one repository's record, config and card.

Formats follow the Hub's HTTP API: ``/api/models``, ``/api/models/{repo}``, ``/{repo}/raw/{revision}/{path}``.
Parsing is strict about the repository's name and tolerant of everything that is not known here.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tools.outcomes import Blocked, Empty, Failed, FailReason, Found, Outcome
from tools.request import SizeRange
from tools.web.page import Page, Web

HUB = "https://huggingface.co"
REPO = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$"
REVISION = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
LISTED = (
    *("author", "baseModels", "cardData", "createdAt", "downloads", "gated", "gguf", "lastModified"),
    *("library_name", "likes", "pipeline_tag", "safetensors", "sha", "tags"),
)
"""Fields asked for in a listing: a listing that carries them saves one request per repository."""
MOST_ROWS = 1000
"""The Hub gives no more rows a page, whatever is asked."""
ROW_BYTES = 24_000
"""What a row may take on the average: the chat template of a GGUF is in it."""
RECORD_BYTES = 4_000_000
CARD_BYTES = 1_000_000
MOST_FINDINGS = 5


def _text_or_none(value: Any) -> str | None:
    return value[:500] if isinstance(value, str) else None


def _count_or_none(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _dict_or_empty(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(entry[:300] for entry in listed[:500] if isinstance(entry, str))


Text = Annotated[str | None, BeforeValidator(_text_or_none)]
Count = Annotated[int | None, BeforeValidator(_count_or_none)]
Block = Annotated[dict[str, Any], BeforeValidator(_dict_or_empty)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class HubFile(BaseModel):
    """A file of a repository. Size and digest are there when the record was asked for with blobs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rfilename: str = Field(max_length=1000)
    size: Count = None
    lfs: Block = Field(default_factory=dict)

    @property
    def sha256(self) -> str | None:
        """Hexadecimal SHA-256 of a large file, as its LFS pointer says."""
        digest = self.lfs.get("sha256")
        return digest if isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest) else None


def _files(value: Any) -> tuple[HubFile, ...]:
    if not isinstance(value, list):
        return ()
    named = [row for row in value[:5000] if isinstance(row, dict) and isinstance(row.get("rfilename"), str)]
    return tuple(HubFile.model_validate(row) for row in named if len(row["rfilename"]) <= 1000)


class HubModel(BaseModel):
    """The Hub's record of a repository. A field of a wrong type counts as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: str = Field(pattern=REPO)
    author: Text = None
    sha: Text = None
    created_at: Text = Field(default=None, alias="createdAt")
    """ISO 8601; creation of the repository, not release of the model."""
    last_modified: Text = Field(default=None, alias="lastModified")
    gated: bool | str | None = None
    """False, ``auto`` or ``manual``."""
    downloads: Count = None
    """Of the last 30 days."""
    likes: Count = None
    library_name: Text = None
    pipeline_tag: Text = None
    tags: Words = ()
    card_data: Block = Field(default_factory=dict, alias="cardData")
    config: Block = Field(default_factory=dict)
    safetensors: Block = Field(default_factory=dict)
    gguf: Block = Field(default_factory=dict)
    base_models_block: Block = Field(default_factory=dict, alias="baseModels")
    siblings: Annotated[tuple[HubFile, ...], BeforeValidator(_files)] = ()
    security_block: Block = Field(default_factory=dict, alias="securityRepoStatus")

    def prefix_on(self, page: Page) -> str:
        """What stands before a field's name in a citation: in a listing, the repository."""
        return f"[{self.id}]." if urlsplit(page.url).path.rstrip("/").endswith("/api/models") else ""

    @property
    def security(self) -> str | None:
        """``safe``, or the files in which the Hub's scanners found something; None where no scan is done."""
        found = self.security_block.get("filesWithIssues")
        if not isinstance(found, list) or (not found and self.security_block.get("scansDone") is not True):
            return None
        named = [_finding(issue) for issue in found[:MOST_FINDINGS]]
        more = len(found) - len(named)
        return "; ".join([*named, *([f"{more} more"] if more else [])]) or "safe"

    @property
    def packed(self) -> bool:
        """Whether most stored elements are integers that hold several weights each: GPTQ, AWQ, bitsandbytes,
        MXFP4. Then the number of elements is no number of parameters."""
        counts = self.safetensors.get("parameters")
        counts = counts if isinstance(counts, dict) else {}
        known = {name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)}
        return 2 * sum(known.get(name, 0) for name in ("I32", "U32", "U8", "I64")) > sum(known.values())

    @property
    def sees(self) -> bool:
        """Whether it takes images as well, so that its weights hold a vision tower."""
        named = self.config.get("architectures")
        return self.pipeline_tag in {"image-text-to-text", "any-to-any"} or any(
            "ConditionalGeneration" in name for name in _words(named)
        )

    @property
    def safetensors_total(self) -> int | None:
        """Stored tensors' elements; tied embeddings, vision towers and quantised re-uploads distort it."""
        return _positive(self.safetensors.get("total"))

    @property
    def gguf_total(self) -> int | None:
        return _positive(self.gguf.get("total"))

    @property
    def parameters(self) -> int | None:
        """Best count that the record itself has."""
        return self.safetensors_total or self.gguf_total

    @property
    def base_models(self) -> tuple[str, ...]:
        """Repositories that it says it was made from: the card's ``base_model``, then the tags."""
        from_card = _words(self.card_data.get("base_model"))
        from_tags = tuple(tag.split(":")[-1] for tag in self.tags if tag.startswith("base_model:"))
        return tuple(dict.fromkeys(name for name in (*from_card, *from_tags) if is_repo(name)))

    @property
    def relations(self) -> tuple[str, ...]:
        """How it was made from them: ``quantized``, ``finetune``, ``adapter`` or ``merge``."""
        tags = (tag.split(":") for tag in self.tags if tag.startswith("base_model:"))
        said = [parts[1] for parts in tags if len(parts) > 2]
        said += [str(self.card_data.get("base_model_relation") or "")]
        said += [str(self.base_models_block.get("relation") or "")]
        return tuple(dict.fromkeys(word for word in said if word))


def _finding(issue: Any) -> str:
    told = issue if isinstance(issue, dict) else {}
    return f"{str(told.get('level') or 'unsafe')[:20]}: {str(told.get('path') or 'a file')[:100]}"


class HubRecord(NamedTuple):
    """A repository's record, and the page that it stands on: its own, or one of a listing."""

    model: HubModel
    page: Page


class HubListing(NamedTuple):
    """A listing, as far as it could be read."""

    records: tuple[HubRecord, ...]
    """Each repository once, in the listing's order, with the page that can be cited for it."""
    truncated: bool
    """More was there than was read: the page limit, a block or a failure came first."""
    outcomes: tuple[Empty | Blocked | Failed, ...]
    """What ended the listing early; empty when it was read to its end or to the page limit."""
    skipped: int = 0
    """Rows that were no records."""

    @property
    def models(self) -> tuple[HubModel, ...]:
        return tuple(record.model for record in self.records)


class HubDiscussions(NamedTuple):
    """How many discussions of a repository are open, pull requests left out."""

    repo: str
    open: int
    page: Page


def is_repo(name: str) -> bool:
    """Whether ``name`` is a repository's name, ``owner/name``; nothing else enters an address."""
    if any(part in name for part in ("--", "..")) or name.endswith((".", "-", ".git")):
        return False
    return re.fullmatch(REPO, name) is not None


async def list_models(
    web: Web,
    *,
    endpoint: str = HUB,
    size: SizeRange | None = None,
    search: str | None = None,
    author: str | None = None,
    filters: Sequence[str] = (),
    pipeline_tag: str | None = "text-generation",
    sort: str = "downloads",
    limit: int = 100,
    max_pages: int = 1,
) -> HubListing:
    """Repositories in the Hub's order, up to ``MOST_ROWS`` a page. Pages follow the ``Link`` header, on the
    same host alone.

    ``size`` becomes the Hub's own ``num_parameters`` filter, which does not see repositories without a count.
    """
    url: str | None = _listing_url(
        endpoint, size, search, author, filters, pipeline_tag=pipeline_tag, sort=sort, limit=limit
    )
    records: dict[str, HubRecord] = {}
    pages = 0
    skipped = 0
    more = True
    max_bytes = max(RECORD_BYTES, min(limit, MOST_ROWS) * ROW_BYTES)
    while url is not None and pages < max_pages:
        outcome = await web.get(url, accept="application/json", max_bytes=max_bytes)
        if not isinstance(outcome, Found):
            return HubListing(tuple(records.values()), True, (outcome,), skipped)
        rows = _rows(outcome.value)
        if isinstance(rows, Failed):
            return HubListing(tuple(records.values()), True, (rows,), skipped)
        pages += 1
        more = _linked(outcome.value) is not None
        for row in rows:
            record = _record(row)
            if record is None:
                skipped += 1
            else:
                records.setdefault(record.id, HubRecord(record, outcome.value))
        url = next_page(outcome.value, endpoint)
    return HubListing(tuple(records.values()), more, (), skipped)


def _listing_url(
    endpoint: str,
    size: SizeRange | None,
    search: str | None,
    author: str | None,
    filters: Sequence[str],
    *,
    pipeline_tag: str | None,
    sort: str,
    limit: int,
) -> str:
    query: list[tuple[str, str]] = []
    if search:
        query.append(("search", search[:200]))
    if author:
        query.append(("author", author[:100]))
    query += [("filter", entry) for entry in filters]
    if pipeline_tag:
        query.append(("pipeline_tag", pipeline_tag))
    if size is not None:
        query.append(("num_parameters", parameter_range(size)))
    query += [
        ("sort", sort),
        ("limit", str(max(1, min(limit, MOST_ROWS)))),
        *(("expand", field) for field in LISTED),
    ]
    return f"{endpoint.rstrip('/')}/api/models?{urlencode(query)}"


def parameter_range(size: SizeRange) -> str:
    """The Hub's notation: ``min:6B,max:9B``, in billions or millions, both ends kept inside."""
    low = f"min:{_short(size.minimum)}," if size.minimum else ""
    return f"{low}max:{_short(size.maximum)}"


def _short(parameters: int) -> str:
    return f"{parameters / 1e9:.12g}B" if parameters >= 1_000_000_000 else f"{parameters / 1e6:.12g}M"


def next_page(page: Page, endpoint: str) -> str | None:
    """The ``rel="next"`` address of a listing, when it stays on the endpoint's host and scheme."""
    url = _linked(page)
    here, there = urlsplit(endpoint), urlsplit(url or "")
    return url if url and (here.scheme, here.netloc) == (there.scheme, there.netloc) else None


def _linked(page: Page) -> str | None:
    for part in page.headers.get("link", "").split(","):
        found = re.fullmatch(r"\s*<([^<>\s]{1,3000})>\s*;.*\brel\s*=\s*\"?next\"?.*", part, re.IGNORECASE)
        if found:
            with contextlib.suppress(ValueError):
                return str(urljoin(page.final_url, str(found.group(1))))
    return None


def _rows(page: Page) -> list[Any] | Failed:
    try:
        value = page.json_value()
    except ValueError as error:
        return Failed(FailReason.BAD_REPLY, f"the listing is no JSON: {error}")
    return value if isinstance(value, list) else Failed(FailReason.BAD_REPLY, "the listing is no list")


def _record(row: Any) -> HubModel | None:
    try:
        record = HubModel.model_validate(row)
    except ValidationError:
        return None
    return record if is_repo(record.id) else None


async def read_model(web: Web, repo: str, *, endpoint: str = HUB) -> Outcome[HubRecord]:
    """A repository's record with its files' sizes and digests, and what the Hub's scanners say of them. A
    missing repository is Empty, a gated one is ``Blocked(GATED)``."""
    url = f"{endpoint.rstrip('/')}/api/models/{repo}?blobs=true&securityStatus=true"
    outcome = await _get(web, repo, url, RECORD_BYTES)
    if not isinstance(outcome, Found):
        return outcome
    try:
        record = _record(outcome.value.json_value())
    except ValueError as error:
        return Failed(FailReason.BAD_REPLY, f"the record of {repo} is no JSON: {error}")
    if record is None:
        return Failed(FailReason.BAD_REPLY, f"the record of {repo} cannot be read")
    return Found(HubRecord(record, outcome.value))


async def read_discussions(web: Web, repo: str, *, endpoint: str = HUB) -> Outcome[HubDiscussions]:
    """The number of open discussions: ``/api/models/{repo}/discussions``, filtered by the Hub itself.

    Where the rows show that the filter was not understood, the page is a failure: its count would be that of
    something else.
    """
    url = f"{endpoint.rstrip('/')}/api/models/{repo}/discussions?type=discussion&status=open&p=0"
    outcome = await _get(web, repo, url, RECORD_BYTES)
    if not isinstance(outcome, Found):
        return outcome
    try:
        told = outcome.value.json_value()
    except ValueError as error:
        return Failed(FailReason.BAD_REPLY, f"the discussions of {repo} are no JSON: {error}")
    count = _count_or_none(told.get("count")) if isinstance(told, dict) else None
    rows = told.get("discussions") if isinstance(told, dict) else None
    if count is None or not isinstance(rows, list):
        return Failed(FailReason.BAD_REPLY, f"the discussions of {repo} cannot be read")
    if not all(isinstance(row, dict) and _is_open_discussion(row) for row in rows):
        return Failed(FailReason.BAD_REPLY, f"the discussions of {repo} are not only open ones")
    return Found(HubDiscussions(repo, count, outcome.value))


def _is_open_discussion(row: dict[str, Any]) -> bool:
    return row.get("isPullRequest") is not True and row.get("status", "open") == "open"


async def read_config(web: Web, repo: str, *, endpoint: str = HUB, revision: str = "main") -> Outcome[Page]:
    """``config.json`` of a repository, as a page."""
    return await _read_file(web, repo, "config.json", endpoint, revision)


async def read_card(web: Web, repo: str, *, endpoint: str = HUB, revision: str = "main") -> Outcome[Page]:
    """The model card, ``README.md``, as a page with its front matter."""
    return await _read_file(web, repo, "README.md", endpoint, revision)


async def _read_file(web: Web, repo: str, path: str, endpoint: str, revision: str) -> Outcome[Page]:
    if not REVISION.match(revision):
        return Failed(FailReason.UNSUPPORTED, f"{revision[:60]!r} is no revision")
    return await _get(web, repo, f"{endpoint.rstrip('/')}/{repo}/raw/{revision}/{quote(path)}", CARD_BYTES)


async def _get(web: Web, repo: str, url: str, max_bytes: int) -> Outcome[Page]:
    if not is_repo(repo):
        return Failed(FailReason.UNSUPPORTED, f"{repo[:100]!r} is no repository name")
    return await web.get(url, max_bytes=max_bytes)


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else None

"""The Hugging Face Hub: repositories listed by size, and one repository's record, config and card.

Formats follow the Hub's HTTP API: ``/api/models``, ``/api/models/{repo}``, ``/{repo}/raw/{revision}/{path}``.
Parsing is strict about the repository's name and tolerant of everything that is not known here.
"""

from __future__ import annotations

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
RECORD_BYTES = 4_000_000
CARD_BYTES = 1_000_000


def _text_or_none(value: Any) -> str | None:
    return value[:500] if isinstance(value, str) else None


def _count_or_none(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


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


class HubListing(NamedTuple):
    """A listing, as far as it could be read."""

    models: tuple[HubModel, ...]
    pages: tuple[Page, ...]
    """Pages that were read, so that the enumeration can be cited."""
    truncated: bool
    """More was there than was read: the page limit, a block or a failure came first."""
    outcomes: tuple[Empty | Blocked | Failed, ...]
    """What ended the listing early; empty when it was read to its end or to the page limit."""
    skipped: int = 0
    """Rows that were no records."""


class HubRecord(NamedTuple):
    """A repository's record, and the page that it stands on."""

    model: HubModel
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
    """Repositories in the Hub's order. Pages follow the ``Link`` header, on the same host alone.

    ``size`` becomes the Hub's own ``num_parameters`` filter, which does not see repositories without a count.
    """
    url: str | None = _listing_url(
        endpoint, size, search, author, filters, pipeline_tag=pipeline_tag, sort=sort, limit=limit
    )
    models: dict[str, HubModel] = {}
    pages: list[Page] = []
    skipped = 0
    while url is not None and len(pages) < max_pages:
        outcome = await web.get(url, accept="application/json", max_bytes=RECORD_BYTES)
        if not isinstance(outcome, Found):
            return HubListing(tuple(models.values()), tuple(pages), True, (outcome,), skipped)
        rows = _rows(outcome.value)
        if isinstance(rows, Failed):
            return HubListing(tuple(models.values()), tuple(pages), True, (rows,), skipped)
        pages.append(outcome.value)
        for row in rows:
            record = _record(row)
            if record is None:
                skipped += 1
            else:
                models.setdefault(record.id, record)
        url = next_page(outcome.value, endpoint)
    more = not pages or _linked(pages[-1]) is not None
    return HubListing(tuple(models.values()), tuple(pages), more, (), skipped)


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
    query += [("sort", sort), ("limit", str(limit)), *(("expand", field) for field in LISTED)]
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
    """A repository's record with its files' sizes and digests. A missing repository is Empty, a gated one is
    ``Blocked(GATED)``."""
    outcome = await _get(web, repo, f"{endpoint.rstrip('/')}/api/models/{repo}?blobs=true", RECORD_BYTES)
    if not isinstance(outcome, Found):
        return outcome
    try:
        record = _record(outcome.value.json_value())
    except ValueError as error:
        return Failed(FailReason.BAD_REPLY, f"the record of {repo} is no JSON: {error}")
    if record is None:
        return Failed(FailReason.BAD_REPLY, f"the record of {repo} cannot be read")
    return Found(HubRecord(record, outcome.value))


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
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

"""Pages of longer lists: how many there are, and where the next part begins."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response

from agent.api.response_examples import answered
from agent.views import Page

LINK = {
    "Link": {
        "description": '`<…>; rel="next"` with the address of the next page (RFC 8288); none at the end.',
        "schema": {"type": "string"},
    }
}


def paged(description: str, example: Any) -> dict[int | str, dict[str, Any]]:
    """The 200 of an operation that answers with a page, for the OpenAPI schema."""
    return answered(description, example, headers=LINK)


def link_next(request: Request, response: Response, page: Page, *, by: str = "cursor") -> None:
    """Put the address of the next page into ``Link``. It names no host: a proxy may have its own."""
    if page.next is None:
        return
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != by]
    query = urlencode([*kept, (by, page.next)])
    response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'

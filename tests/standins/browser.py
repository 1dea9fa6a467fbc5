"""What tests ask a page in a real browser."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = 1280, 390
"""Widths in CSS pixels that the page is made for."""


def serious(page: Page) -> list[str]:
    """What axe-core finds on the page that is serious or critical, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "preload": False}  # only violations are worth their details
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def too_wide(page: Page) -> int:
    """CSS pixels by which the page can be scrolled sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def picture(page: Page, name: str) -> None:
    """A screenshot into the folder that ``PICTURES`` of the environment names, for looking at."""
    folder = os.environ.get("PICTURES")
    if folder:
        safe = re.sub(r"[^a-z0-9-]+", "-", name.lower())
        page.screenshot(path=Path(folder) / f"{safe}.png", full_page=True)

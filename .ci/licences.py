"""Licences of the packages in a requirements file, as a table; fails where one forbids what the project does.

``python .ci/licences.py REQUIREMENTS`` in an environment that has them and ``pip-licenses``. What is not
installed on this system (packages for Windows) is named.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

FORBIDDEN = re.compile(
    r"AGPL|Affero|(?<!L)GPL|(?<!Lesser )General Public|SSPL|BUSL|Business Source|Commons Clause|Elastic"
    r"|Non-?Commercial|CC[- ]BY[- ]N[CD]|Proprietary|UNKNOWN|^$",
    re.IGNORECASE,
)
"""Under these a package may not be used here, or nobody knows whether it may."""
WEAK = re.compile(r"LGPL|Lesser General|MPL|Mozilla", re.IGNORECASE)
"""Copyleft for the package itself: used unchanged, and as one of its own, it asks nothing of the project."""
KINDS = (
    ("Apache-2.0", r"apache"),
    ("MIT", r"\bMIT\b"),
    ("BSD", r"\bBSD\b|0BSD"),
    ("PSF", r"\bPSF|Python Software"),
    ("ISC", r"\bISC\b"),
    ("The Unlicense", r"unlicense"),
)


def kind_of(licence: str) -> str:
    """The licence under its usual name; of several, all of them."""
    if WEAK.search(licence):
        return licence.replace("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0")
    found = [name for name, pattern in KINDS if re.search(pattern, licence, re.IGNORECASE)]
    return " / ".join(found) or licence


def main() -> int:
    text = Path(sys.argv[1]).read_text("utf-8")
    names = sorted(set(re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)), key=str.lower)
    tool = Path(sys.executable).with_name("pip-licenses")
    told = subprocess.run(
        [tool, "--format=json", "--from=mixed", "--packages", *names],
        capture_output=True,
        check=True,
        text=True,
    )
    by_kind: dict[str, list[str]] = defaultdict(list)
    bad = []
    seen = set()
    for package in json.loads(told.stdout):
        seen.add(_plain(package["Name"]))
        by_kind[kind_of(package["License"])].append(package["Name"])
        if FORBIDDEN.search(package["License"]):
            bad.append(f"{package['Name']}: {package['License'] or 'no licence'}")
    lines = ["| licence | packages | which |", "|---|---:|---|"]
    for kind, packages in sorted(by_kind.items(), key=lambda one: -len(one[1])):
        lines.append(f"| {kind} | {len(packages)} | {', '.join(sorted(packages, key=str.lower))} |")
    missing = [name for name in names if _plain(name) not in seen]
    sys.stdout.write(
        "\n".join(lines) + f"\n\n{len(seen)} packages. Not for this system: {', '.join(missing) or 'none'}.\n"
    )
    sys.stdout.write("".join(f"FORBIDDEN {line}\n" for line in bad))
    return 1 if bad else 0


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())

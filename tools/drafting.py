"""A taxonomy for a domain that has none, and any taxonomy as something that a person can read and edit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from tools.faults import WrongUse
from tools.taxonomy_reading import GENERAL, general_wording, load_taxonomy
from tools.taxonomy_records import KNOWLEDGE, Material, Subtopic, Taxonomy, Topic
from tools.yaml_lines import parse, read_text, validate

OWN_SHARE = 0.4
"""Share of the topics that were named for the domain; the general ones have the rest."""
LONGEST_DOMAIN = 120
_TEXTS = (*Material.model_fields, "examples", "templates")


class _Drafting(BaseModel):
    """``tools/knowledge/drafting.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about_nothing: tuple[str, ...]


class TopicLine(NamedTuple):
    """A topic as a person is shown it."""

    topic: str
    share: float
    subtopics: tuple[str, ...]
    edge_cases: tuple[str, ...]


def draft_taxonomy(domain: str, words: Sequence[str] = ()) -> Taxonomy:
    """A generic taxonomy for a free domain, marked as drafted.

    ``words`` are things that people of the domain deal with ("tenancy law", "deposits"); each becomes a
    subtopic. Words that only repeat the domain's name are left out. Raises :class:`WrongUse` when the domain
    is empty or too long to be one.
    """
    title = " ".join(domain.split())
    if not 0 < len(title) <= LONGEST_DOMAIN:
        raise WrongUse(
            f"A domain is named in 1 to {LONGEST_DOMAIN} characters.",
            'Name it in a few words: "therapy coaching".',
        )
    base = load_taxonomy(KNOWLEDGE / GENERAL)
    topics = tuple(_filled(topic, title, subject_of(title)) for topic in base.topics)
    named = _telling(words, title)
    if named:
        own = Topic(name=title, weight=OWN_SHARE, subtopics=tuple(Subtopic(name=word) for word in named))
        rest = [t.model_copy(update={"weight": (t.weight or 0) * (1 - OWN_SHARE)}) for t in topics]
        topics = (own, *rest)
    note = f"This taxonomy was drafted for “{title}”; read it and correct it before trusting a pass rate."
    return base.model_copy(
        update={
            "name": f"Draft for {title}",
            "domain": title,
            "drafted": True,
            "topics": topics,
            "warnings": (note,),
        }
    )


def subject_of(domain: str) -> str:
    """What can stand before a noun: ``legal`` of "legal Q&A in German", ``bank`` of "support for a bank"."""
    path = KNOWLEDGE / "drafting.yaml"
    nothing = set(validate(_Drafting, parse(read_text(path), path.name), path.name).about_nothing)
    plain = re.sub(rf"\s+(?:in|speaking)\s+(?:{'|'.join(_languages())})\s*$", "", domain, flags=re.IGNORECASE)
    for part in re.split(r"\s+(?:for|about|of|in|with|on)\s+", plain):
        telling = [word for word in part.split() if word.casefold().strip(",.;:") not in nothing]
        if telling:
            return " ".join(telling).strip(" ,.;:")
    return plain


def dump_taxonomy(taxonomy: Taxonomy) -> str:
    """YAML that :func:`parse_taxonomy` reads back as ``taxonomy``, warnings aside; to be edited."""
    import yaml

    tree: dict[str, Any] = {"name": taxonomy.name, "domain": taxonomy.domain}
    if taxonomy.drafted:
        tree["drafted"] = True
    tree["styles"] = dict(taxonomy.styles)
    if taxonomy.dimensions:
        tree["dimensions"] = {name: dict(weights) for name, weights in taxonomy.dimensions.items()}
    tree["topics"] = [topic.model_dump(mode="json", exclude_defaults=True) for topic in taxonomy.topics]
    if taxonomy.wording != general_wording():
        tree["wording"] = taxonomy.wording.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)


def summary_rows(taxonomy: Taxonomy) -> tuple[TopicLine, ...]:
    """One line a topic: its share, its subtopics, and which of them are edge cases."""
    return tuple(
        TopicLine(
            topic=topic.name,
            share=topic.weight or 0.0,
            subtopics=tuple(s.name for s in topic.subtopics if not s.edge_case),
            edge_cases=tuple(s.name for s in topic.subtopics if s.edge_case),
        )
        for topic in taxonomy.topics
    )


def summary(taxonomy: Taxonomy) -> str:
    """The taxonomy in a few lines that a person can approve: topics, edge cases, styles, dimensions."""
    lines = [taxonomy.name]
    for row in summary_rows(taxonomy):
        edges = ", ".join(row.edge_cases)
        if row.subtopics and edges:
            edges = f"; edge cases: {edges}"
        lines.append(f"  {row.share:.0%} {row.topic}: {', '.join(row.subtopics)}{edges}")
    for name, weights in {"styles": taxonomy.styles, **taxonomy.dimensions}.items():
        shown = ", ".join(f"{value} {share:.0%}" for value, share in weights.items())
        lines.append(f"  {name}: {shown}")
    return "\n".join(lines)


def _telling(words: Sequence[str], title: str) -> list[str]:
    """The words in order, without repeats and without those that the domain's name holds already."""
    told = {title.casefold(), *title.casefold().split()}
    cleaned = [" ".join(word.split())[:LONGEST_DOMAIN] for word in words]
    return list({word.casefold(): word for word in cleaned if word and word.casefold() not in told}.values())


def _filled(topic: Topic, domain: str, subject: str) -> Topic:
    raw = topic.model_dump()
    for subtopic in raw["subtopics"]:
        for key in _TEXTS:
            subtopic[key] = tuple(
                _article(text.replace("{domain}", domain), subject) for text in subtopic[key]
            )
    return Topic.model_validate(raw)


def _article(text: str, subject: str) -> str:
    """``text`` with the subject filled in; "a" becomes "an" before a vowel's sound."""
    spelt = re.fullmatch(r"[A-Z0-9]{2,5}", subject.split(maxsplit=1)[0]) is not None
    vowel = subject[:1] in "AEFHILMNORSX8" if spelt else subject[:1].casefold() in "aeio"
    if vowel:
        text = text.replace("a {subject}", "an {subject}").replace("A {subject}", "An {subject}")
    return text.replace("{subject}", subject)


def _languages() -> list[str]:
    from tools.knowledge.loader import intake_words

    return [re.escape(name) for names in intake_words().languages.values() for name in names]

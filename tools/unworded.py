"""What a taxonomy asks for and the templates do not put into words, so that nobody reads labels as texts."""

from __future__ import annotations

from collections.abc import Sequence

from tools.languages import language_of
from tools.phrases import counted, listed
from tools.taxonomy_reading import general_wording
from tools.taxonomy_records import Subtopic, Taxonomy
from tools.wording import says_its_length


def unworded(taxonomy: Taxonomy) -> str | None:
    """Which styles and dimensions the texts do not show, and which subtopics are a name alone; in sentences.

    A style is shown where its name says how long a text is, or where all that can be written in it are
    subtopics limited to it with sentences of their own. None when the templates word everything.
    """
    said = [*_labels(taxonomy), *_bare_names(taxonomy)]
    return " ".join(said) if said else None


def _labels(taxonomy: Taxonomy) -> list[str]:
    live = [s for topic in taxonomy.topics if topic.weight for s in topic.subtopics if s.weight]
    styles = [
        f"“{style}”"
        for style, share in taxonomy.styles.items()
        if share and not says_its_length(style) and not _has_its_own(style, live, taxonomy)
    ]
    parts = []
    if styles:
        parts.append(f"{listed(styles)} {'is' if len(styles) == 1 else 'are'} worded as conversational")
    names = list(taxonomy.dimensions)
    if names:
        labels = "is a label that the texts do" if len(names) == 1 else "are labels that the texts do"
        parts.append(f"{listed(names)} {labels} not show")
    if not parts:
        return []
    own = f"; so do examples in subtopics with “styles: [{styles[0][1:-1]}]”" if styles else ""
    said = "; ".join(parts)
    them = "it" if len(styles) + len(names) == 1 else "them"
    return [f"{said[:1].upper()}{said[1:]}. A brain words {them}{own}, or scenarios of your own."]


def _has_its_own(style: str, live: Sequence[Subtopic], taxonomy: Taxonomy) -> bool:
    """Whether every subtopic that can be written in ``style`` brings sentences for this style alone."""
    only = [name for name, share in taxonomy.styles.items() if share] == [style]
    able = [subtopic for subtopic in live if not subtopic.styles or style in subtopic.styles]
    return all(s.has_material and (only or s.styles == (style,)) for s in able)


def _bare_names(taxonomy: Taxonomy) -> list[str]:
    if taxonomy.wording.frames != general_wording().frames:
        return []
    every = [subtopic for topic in taxonomy.topics for subtopic in topic.subtopics]
    bare = [subtopic for subtopic in every if not subtopic.has_material]
    if not bare:
        return []
    names = [f"“{subtopic.name}”" for subtopic in bare]
    one = len(bare) == 1
    foreign = _foreign(taxonomy, bare)
    return [
        f"{len(bare)} of {counted(len(every), 'subtopic')} {'is a name' if one else 'are names'} and no more "
        f"({listed(names, 4)}): English sentences that fit any name are put around {'it' if one else 'them'}"
        f"{foreign}. Give {'it' if one else 'them'} “short” or “examples”, or name a brain."
    ]


def _foreign(taxonomy: Taxonomy, bare: Sequence[Subtopic]) -> str:
    """What to add where the names do not look English."""
    told = [topic.name for topic in taxonomy.topics] + [f"{s.name}. {s.description}" for s in bare]
    language = language_of("\n".join(told))
    if language is not None and language.code != "en":
        return f", though they look {language.title}"
    odd = next((s.name for s in bare if any(c.isalpha() and not c.isascii() for c in s.name)), None)
    return f", though “{odd}” does not look English" if odd is not None else ""

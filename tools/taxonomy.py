"""The taxonomy: its records, how it is read, drafted, written and shown."""

from tools.drafting import TopicLine, draft_taxonomy, dump_taxonomy, summary, summary_rows
from tools.taxonomy_reading import general_wording, load_taxonomy, parse_taxonomy
from tools.taxonomy_records import KNOWLEDGE, Material, Subtopic, Taxonomy, Topic, Wording, shares

__all__ = [
    "KNOWLEDGE",
    "Material",
    "Subtopic",
    "Taxonomy",
    "Topic",
    "TopicLine",
    "Wording",
    "draft_taxonomy",
    "dump_taxonomy",
    "general_wording",
    "load_taxonomy",
    "parse_taxonomy",
    "shares",
    "summary",
    "summary_rows",
]

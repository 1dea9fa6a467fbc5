from __future__ import annotations

import math

import pytest

from tools.faults import WrongUse
from tools.taxonomy import KNOWLEDGE, draft_taxonomy, load_taxonomy, parse_taxonomy

STARTER = KNOWLEDGE / "therapy-coaching.taxonomy.yaml"


def test_the_starter_taxonomy_covers_what_a_coaching_chat_meets() -> None:
    taxonomy = load_taxonomy(STARTER)
    subtopics = [subtopic for topic in taxonomy.topics for subtopic in topic.subtopics]
    edges = {subtopic.name for subtopic in subtopics if subtopic.edge_case}
    assert taxonomy.warnings == ()
    assert set(taxonomy.styles) == {"terse", "conversational", "detailed"}
    assert 9 <= len(taxonomy.topics) <= 12
    assert len(subtopics) <= 50
    assert {
        "thoughts of suicide",
        "self-harm",
        "thoughts of harming somebody",
        "questions about medication",
        "asking for a diagnosis",
        "depending on the bot",
        "hostile user",
        "very short message",
        "mixed languages",
    } <= edges
    for subtopic in subtopics:
        whole = subtopic.short + subtopic.examples
        assert len(whole) >= 4, subtopic.name
        assert len(set(whole)) == len(whole), subtopic.name
        assert subtopic.examples or (len(subtopic.situations) >= 3 and len(subtopic.asks) >= 3), subtopic.name


def test_a_wrapper_with_other_sections_beside_it_is_read() -> None:
    text = """
version: 3
taxonomy:
  topics:
    - name: anxiety
      weight: 3
      subtopics: [panic, {name: crisis, edge_case: true}]
    - name: edge_cases
      weight: 1
      subtopics: [hostile]
  styles: {terse: 0.25, long: 0.75}
  difficulty: [easy, hard, 3]
  cadence: {slow: 1, fast: 3}
  notes_of_ours: {a: {b: c}}
guidelines: {tone: warm}
"""
    taxonomy = parse_taxonomy(text, "t.yaml")
    assert [(topic.name, topic.weight) for topic in taxonomy.topics] == [
        ("anxiety", 0.75),
        ("edge_cases", 0.25),
    ]
    edges = [subtopic.edge_case for topic in taxonomy.topics for subtopic in topic.subtopics]
    assert edges == [False, True, True]
    assert taxonomy.styles == {"terse": 0.25, "long": 0.75}
    assert taxonomy.dimensions == {
        "difficulty": {"easy": 1 / 3, "hard": 1 / 3, "3": 1 / 3},
        "cadence": {"slow": 0.25, "fast": 0.75},
    }
    assert len(taxonomy.warnings) == 3
    assert any("topics" in said and "sum to 4" in said for said in taxonomy.warnings)
    assert any("notes_of_ours" in said and "left aside" in said for said in taxonomy.warnings)


def test_without_weights_topics_share_equally_and_nothing_is_warned_of_them() -> None:
    taxonomy = parse_taxonomy("topics:\n- {name: a, subtopics: [x]}\n- {name: b, subtopics: [x]}\n", "t")
    assert [topic.weight for topic in taxonomy.topics] == [0.5, 0.5]
    assert [said for said in taxonomy.warnings if "weight" in said] == []


def test_a_missing_weight_gets_the_mean_and_is_said() -> None:
    text = "topics:\n- {name: a, weight: 2, subtopics: [x]}\n- {name: b, subtopics: [x]}\n"
    taxonomy = parse_taxonomy(text, "t")
    assert [topic.weight for topic in taxonomy.topics] == [0.5, 0.5]
    assert any("no weight" in said for said in taxonomy.warnings)


def test_edge_cases_beside_the_topics_become_a_topic() -> None:
    text = "topics:\n- {name: a, weight: 1, subtopics: [x]}\nedge_cases: [crisis, spam]\n"
    last = parse_taxonomy(text, "t").topics[-1]
    assert (last.name, last.weight) == ("edge cases", 0.5)
    assert all(subtopic.edge_case for subtopic in last.subtopics)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- a", 1, "mapping"),
        ("x: 1\ntopcs: []", 2, "topics"),
        ("topics: []", 1, "list of topics"),
        ("topics:\n  - just a name", 2, "mapping"),
        ("topics:\n  - name: a\n    subtopcis: [x]", 3, "subtopics"),
        ("topics:\n  - name: a\n    subtopics: []", 3, "empty"),
        ("topics:\n  - name: a\n    weight: -1\n    subtopics: [x]", 3, "weight"),
        ("topics:\n  - name: a\n    weight: .nan\n    subtopics: [x]", 3, "weight"),
        ("topics:\n  - name: a\n    weight: 0\n    subtopics: [x]", 2, "all 0"),
        ("topics:\n  - name: a\n    subtopics: [x]\n  - name: A\n    subtopics: [y]", 4, "second time"),
        ("topics:\n  - name: a\n    subtopics:\n      - x\n      - X", 5, "second time"),
        ("topics:\n  - name: a\n    subtopics:\n      - {name: x, edgecase: true}", 4, "edge_case"),
        ("topics:\n  - name: yes\n    subtopics: [x]", 2, "quotes"),
        ("topics:\n  - {name: a, subtopics: [x]}\nstyles:\n  terse: 1\n  long: -1", 5, "negative"),
        ("topics:\n  - {name: a, subtopics: [x]}\nstyles:\n  terse: 1\n  long: much", 5, "number"),
        ("topics:\n  - {name: a, subtopics: [x]}\nstyles: []", 3, "styles"),
        ("topics:\n  - {name: a, subtopics: [x]}\nstlyes: {terse: 1}", 3, "styles"),
        ("topics:\n  - {name: a, subtopics: [x]}\nmood: [low, low]", 3, "second time"),
        ("topics:\n  - {name: a, subtopics: [{name: x, styles: [terce]}]}", 2, "terse"),
    ],
)
def test_mistakes_name_the_file_the_line_and_the_way_out(text: str, line: int, words: str) -> None:
    with pytest.raises(WrongUse) as caught:
        parse_taxonomy(text, "mine.yaml")
    assert f"mine.yaml, line {line}:" in caught.value.sentence
    assert words in str(caught.value)


def test_a_free_domain_gets_a_draft_that_says_so() -> None:
    taxonomy = draft_taxonomy("  tax   advice ", ["VAT", "VAT", "receipts"])
    assert taxonomy.drafted
    assert "drafted" in taxonomy.warnings[0]
    assert (taxonomy.domain, taxonomy.topics[0].name) == ("tax advice", "tax advice")
    assert [subtopic.name for subtopic in taxonomy.topics[0].subtopics] == ["VAT", "receipts"]
    assert math.isclose(math.fsum(topic.weight or 0 for topic in taxonomy.topics), 1)
    assert any(subtopic.edge_case for topic in taxonomy.topics for subtopic in topic.subtopics)
    assert "{domain}" not in taxonomy.model_dump_json()
    for nothing in ("", " " * 9, "x" * 121):
        with pytest.raises(WrongUse):
            draft_taxonomy(nothing)

from __future__ import annotations

import math

import pytest

from tools.drafting import subject_of
from tools.faults import WrongUse
from tools.scenarios import generate
from tools.taxonomy import (
    KNOWLEDGE,
    Taxonomy,
    draft_taxonomy,
    dump_taxonomy,
    load_taxonomy,
    parse_taxonomy,
    summary,
)

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


def edged(topics: str, edges: str) -> tuple[list[float], list[str]]:
    """Shares of the topics and of the edge cases in the order of the file; warnings of weights."""
    text = f"styles: [terse, detailed]\ntopics: {topics}\nedge_cases: {edges}\n"
    taxonomy = parse_taxonomy(text, "t.yaml")
    last = taxonomy.topics[-1]
    assert all(subtopic.edge_case for subtopic in last.subtopics)
    own = [
        (last.weight or 0) * s.weight / math.fsum(s.weight for s in last.subtopics) for s in last.subtopics
    ]
    found = [round(share, 4) for share in [*(t.weight or 0 for t in taxonomy.topics[:-1]), *own]]
    return found, [said for said in taxonomy.warnings if "subtopics, so there" not in said]


@pytest.mark.parametrize(
    ("topics", "edges", "shares"),
    [
        ("{a: 0.5, b: 0.4}", "{crisis: 0.05, spam: 0.05}", [0.5, 0.4, 0.05, 0.05]),
        ("{a: 50%, b: 40%}", "{crisis: 8%, spam: 2%}", [0.5, 0.4, 0.08, 0.02]),
        ("[a, b]", "{crisis: 0.05, spam: 0.15}", [0.4, 0.4, 0.05, 0.15]),
        ("[a]", "[{name: crisis, weight: 0.1}, spam]", [0.8, 0.1, 0.1]),
        ("[a]", "{weight: 0.2, subtopics: [crisis, spam]}", [0.8, 0.1, 0.1]),
        ("{a: 0.8}", "{weight: 0.2, subtopics: {crisis: 0.5, spam: 0.5}}", [0.8, 0.1, 0.1]),
    ],
)
def test_weights_of_edge_cases_stand_beside_those_of_the_topics(
    topics: str, edges: str, shares: list[float]
) -> None:
    assert edged(topics, edges) == (shares, [])


@pytest.mark.parametrize(
    ("topics", "edges", "shares", "said"),
    [
        ("{a: 1}", "[crisis, spam]", [0.9, 0.05, 0.05], "together they get 10 % of them. "),
        ("[a]", "[crisis, spam]", [0.9, 0.05, 0.05], "together they get 10 % of them. "),
        ("{a: 0.2, b: 0.1}", "[crisis]", [0.6, 0.3, 0.1], "get 10 % of them. "),
        ("{a: 0.5, b: 0.35}", "[crisis]", [0.5, 0.35, 0.15], "get 15 % of them, what the topics leave. "),
        ("{a: 0.5, b: 0.5}", "{crisis: 0.5, spam: 0.5}", [0.45, 0.45, 0.05, 0.05], "get 10 % of them. "),
    ],
)
def test_edge_cases_without_weights_get_a_share_that_is_said(
    topics: str, edges: str, shares: list[float], said: str
) -> None:
    found, warnings = edged(topics, edges)
    assert found == shares
    assert sum(said in warning for warning in warnings) == 1


def test_a_topic_without_a_weight_leaves_nothing_to_the_edge_cases() -> None:
    found, warnings = edged("[{name: a, weight: 0.6}, {name: b, weight: 0.3}, c]", "[crisis]")
    assert found[-1] == 0.1
    assert "get 10 % of them. " in warnings[0]


def test_weights_on_another_scale_are_shares_of_their_sum() -> None:
    assert edged("{a: 5, b: 4}", "{crisis: 1}") == (
        [0.5, 0.4, 0.1],
        ["The weights of the topics in t.yaml sum to 10, not to 1; they were normalised."],
    )


def test_weights_of_edge_cases_in_a_topic_leave_the_rest_to_the_others() -> None:
    text = "styles: [terse]\ntopics:\n- {name: a, subtopics: [x, y], edge_cases: {crisis: 0.1}}\n"
    taxonomy = parse_taxonomy(text, "t")
    assert [s.weight for s in taxonomy.topics[0].subtopics] == [0.45, 0.45, 0.1]
    assert taxonomy.warnings == ()


@pytest.mark.parametrize("weight", ["-1", ".nan", ".inf", "much"])
@pytest.mark.parametrize("topics", ["[a]", "{a: 1}"])
def test_odd_weights_of_edge_cases_are_named(weight: str, topics: str) -> None:
    with pytest.raises(WrongUse, match=r"t, line 3: \"weight\""):
        parse_taxonomy(f"topics: {topics}\nedge_cases:\n  crisis: {weight}\n  spam: 3\n", "t")


@pytest.mark.parametrize(
    "text", ["topics: [Sleep, Work]", "topics: [{name: Sleep}, Work]", "topics: {Sleep: 0.5, Work: 50%}"]
)
def test_a_topic_without_subtopics_is_its_own(text: str) -> None:
    taxonomy = parse_taxonomy(f"{text}\nstyles: [terse, detailed]\n", "t.yaml")
    assert shape(taxonomy) == [("Sleep", 0.5, ["Sleep"]), ("Work", 0.5, ["Work"])]
    assert [said[:46] for said in taxonomy.warnings] == ["“Sleep” and “Work” in t.yaml have no subtopics"]


def test_material_in_a_topic_without_subtopics_is_its_own() -> None:
    text = "styles: [terse]\ntopics:\n- {name: Sleep, examples: [I lie awake., up at 3 again]}\n"
    taxonomy = parse_taxonomy(text, "t")
    assert {scenario.message for scenario in generate(taxonomy, 2)} == {"I lie awake.", "up at 3 again"}
    assert taxonomy.warnings == ()


@pytest.mark.parametrize(
    "section",
    [
        "rubric: {name: x, categories: {a: 1}}",
        "generator: {model: gpt-4, temperature: 0.7}",
        "limits: {most: ten, least: 3}",
        "notes: [call Anna, check licence]",
        "Note: {1st: 1, 2nd: 2}",
        "criteria: [{id: CQ1, question: Is it kind?}]",
        "meta: {a: 1}",
        "reviewed: {by: Anna, times: 2}",
    ],
)
def test_a_section_that_is_no_dimension_is_left_aside_with_a_warning(section: str) -> None:
    text = f"topics:\n- {{name: a, subtopics: [x]}}\nstyles: [terse]\n{section}\n"
    taxonomy = parse_taxonomy(text, "t.yaml")
    assert taxonomy.dimensions == {}
    (said,) = taxonomy.warnings
    assert said.startswith(f'"{section.split(":", maxsplit=1)[0]}" in t.yaml is n')
    assert "it was left aside" in said


def test_what_stands_under_dimensions_is_one_or_an_error() -> None:
    text = "topics:\n- {name: a, subtopics: [x]}\ndimensions:\n  source: [forum, email]\n"
    assert parse_taxonomy(text, "t").dimensions == {"source": {"forum": 0.5, "email": 0.5}}
    for odd in ("mood: {low: 1, high: much}", "mood: 3", "mood: {}"):
        with pytest.raises(WrongUse, match="t, line 5"):
            parse_taxonomy(f"{text}  {odd}\n", "t")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- a", 1, "mapping"),
        ("x: 1\ntopcs: []", 2, "topics"),
        ("topics: []", 1, "list of topics"),
        ("topics:\n  - a\n  - A", 3, "second time"),
        ("topics:\n  - a\n  -", 3, "no name to YAML"),
        ("topics:\n  sleep: yes", 2, "no subtopics"),
        ("topics:\n  - {name: a, exampels: [x]}", 2, "exampels"),
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
        ("taxnomy:\n  topics: []", 1, "taxonomy"),
        ("taxonomy:\n  topics:\n  - name: a\n    wieght: 2\n    subtopics: [x]", 4, "weight"),
        ("taxonomy:\n  topics:", 2, "list of topics"),
        ("topics:\n  sleep:\n  work: [a]", 2, "no subtopics"),
        ("topics:\n  - name: a\n    subtopics:\n    - x\n    - yes", 5, "quotes"),
        ("topics:\n  - name: a\n    subtopics:\n    - {name: x, weight: 0}", 3, "all 0"),
        ("topics:\n  - name: a\n    subtopics:\n    - {name: x, weight: -0.5}", 4, "weight"),
        ("topics:\n  - name: a\n    weight: 1.0e+300\n    subtopics: [x]", 3, "weight"),
        ("topics:\n  - {name: a, subtopics: [x]}\nmood: {low: 1, high: .nan}", 3, "negative"),
        ("topics:\n  - {name: a, subtopics: [x]}\nmessage: [p, q]", 3, "cannot be called"),
        ("topics:\n  - {name: a, subtopics: [x]}\nedge_cases: [c, C]", 3, "second time"),
        ("topics:\n  - {name: a, subtopics: [x]}\nedge_cases: true", 3, "list of names"),
        ("topics:\n  - {name: a, subtopics: [x]}\nstyles: [p]\nstyle: [q]", 4, "same as another"),
        ("topics:\n- {name: a, subtopics: [{name: x, styles: [p]}]}\nstyles: {p: 0, q: 1}", 2, "weight 0"),
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


EDGES = {
    "a mark": "topics:\n- {name: a, subtopics: [x, {name: crisis, edge_case: true}]}",
    "a shorter mark": "topics:\n- {name: a, subtopics: [x, {name: crisis, edge: true}]}",
    "a mark with a hyphen": "topics:\n- {name: a, subtopics: [x, {name: crisis, edge-case: yes}]}",
    "a list in the topic": "topics:\n- {name: a, subtopics: [x], edge_cases: [crisis]}",
    "a list that names a subtopic": "topics:\n- {name: a, subtopics: [x, crisis]}\nedge_cases: [Crisis]",
    "a list beside the topics": "topics:\n- {name: a, subtopics: [x]}\nedge cases: [crisis]",
    "a list beside the wrapper": "taxonomy:\n  topics: [{name: a, subtopics: [x]}]\nedge-cases: [crisis]",
    "weights": "topics:\n- {name: a, subtopics: [x]}\nedge_cases: {crisis: 1}",
    "their own topic": "topics:\n- {name: a, subtopics: [x]}\nedge_cases: {weight: 1, subtopics: [crisis]}",
    "a topic": "topics:\n- {name: a, subtopics: [x]}\n- {name: b, edge_case: true, subtopics: [crisis]}",
    "a name": "topics:\n- {name: a, subtopics: [x]}\n- {name: Edge Cases (safety), subtopics: [crisis]}",
}


@pytest.mark.parametrize("way", EDGES)
def test_edge_cases_are_marked_in_whatever_obvious_way(way: str) -> None:
    taxonomy = parse_taxonomy(EDGES[way], "t.yaml")
    marks = {s.name: s.edge_case for topic in taxonomy.topics for s in topic.subtopics}
    assert marks == {"x": False, "crisis": True}
    assert sum(scenario.edge_case for scenario in generate(taxonomy, 2)) == 1


def shape(taxonomy: Taxonomy) -> list[tuple[str, float, list[str]]]:
    return [(t.name, round(t.weight or 0, 3), [s.name for s in t.subtopics]) for t in taxonomy.topics]


@pytest.mark.parametrize(
    "text",
    [
        "topics:\n- {name: a, weight: 3, subtopics: [x, y]}\n- {name: b, weight: 1, subtopics: [911]}",
        "topics:\n  a: {weight: 75%, subtopics: [x, y]}\n  b: {weight: 25 %, subtopics: ['911']}",
        "taxonomy:\n- {name: a, weight: 3, subtopics: {x: 0.5, y: 0.5}}\n"
        "- {name: b, weight: 1, subtopics: [911]}",
        "taxonomy: {name: T}\ntopics:\n- {name: a, weight: 3, subtopics: [x, {name: y, description: why}]}\n"
        "- {name: b, weight: 1, subtopics: [{name: '911', weight: null}]}",
    ],
)
def test_topics_are_read_in_the_shapes_in_which_people_write_them(text: str) -> None:
    assert shape(parse_taxonomy(text, "t")) == [("a", 0.75, ["x", "y"]), ("b", 0.25, ["911"])]


@pytest.mark.parametrize(
    "text",
    [
        "styles: {terse: 1, long: 3}\n'communication pattern': [direct, indirect]",
        "communication_styles: {terse: 0.25, long: 0.75}\n"
        "dimensions: {communication pattern: [direct, indirect]}",
        "style:\n- {name: terse, weight: 25%}\n- {name: long, weight: 75%, description: tells all}\n"
        "communication pattern: {direct: 1, indirect: {weight: 1}}",
    ],
)
def test_styles_and_dimensions_are_read_in_the_shapes_in_which_people_write_them(text: str) -> None:
    taxonomy = parse_taxonomy(f"topics:\n- {{name: a, subtopics: [x]}}\n{text}\n", "t")
    assert taxonomy.styles == {"terse": 0.25, "long": 0.75}
    assert taxonomy.dimensions == {"communication pattern": {"direct": 0.5, "indirect": 0.5}}


def test_descriptions_of_styles_give_no_weights_and_a_second_kind_of_style_is_a_dimension() -> None:
    text = (
        "topics:\n- {name: a, subtopics: [x]}\nstyles: {terse: one line, long: many}\nwriting_style: [p, q]\n"
    )
    taxonomy = parse_taxonomy(text, "t")
    assert taxonomy.styles == {"terse": 0.5, "long": 0.5}
    assert taxonomy.dimensions == {"writing_style": {"p": 0.5, "q": 0.5}}


@pytest.mark.parametrize("key", ["types", "stages", "states", "tones"])
def test_a_dimension_with_a_name_a_little_like_ours_is_one(key: str) -> None:
    taxonomy = parse_taxonomy(f"topics:\n- {{name: a, subtopics: [x]}}\n{key}: [one, two]\n", "t")
    assert list(taxonomy.dimensions) == [key]


def test_subtopic_weights_are_normalised_with_a_warning() -> None:
    text = "topics:\n- {name: a, subtopics: [{name: x, weight: 3}, {name: y, weight: 1}, z]}\n"
    taxonomy = parse_taxonomy(text, "t")
    assert [s.weight for s in taxonomy.topics[0].subtopics] == [0.5, 1 / 6, 1 / 3]
    assert any("subtopics of “a”" in said and "sum to 6" in said for said in taxonomy.warnings)


@pytest.mark.parametrize(
    ("domain", "subject"),
    [
        ("legal Q&A in German", "legal"),
        ("customer support for a bank", "bank"),
        ("SQL", "SQL"),
        ("poetry", "poetry"),
        ("tax advice", "tax"),
        ("SQL for beginners", "SQL"),
        ("general chat", "general chat"),
    ],
)
def test_a_domain_is_shortened_to_what_stands_before_a_noun(domain: str, subject: str) -> None:
    assert subject_of(domain) == subject


@pytest.mark.parametrize("domain", ["legal Q&A in German", "customer support for a bank", "SQL", "poetry"])
def test_drafts_read_like_something_that_people_write(domain: str) -> None:
    messages = [scenario.message for scenario in generate(draft_taxonomy(domain), 50)]
    assert not any("{" in message for message in messages)
    assert not any(" a SQL" in message or " an bank" in message for message in messages)
    assert sum(domain in message for message in messages) <= (50 if len(domain) < 10 else 4)


def test_words_that_only_repeat_the_domain_are_no_subtopics() -> None:
    taxonomy = draft_taxonomy("legal advice", ["legal", "Legal advice", "tenancy"])
    assert [subtopic.name for subtopic in taxonomy.topics[0].subtopics] == ["tenancy"]


@pytest.mark.parametrize("name", ["a draft", "the starter", "one with everything"])
def test_a_taxonomy_is_written_so_that_it_reads_back(name: str) -> None:
    everything = (
        "name: T\ntopics:\n"
        "- {name: a, weight: 1, description: d, subtopics: [x, {name: y, edge_case: true}]}\n"
        "styles: {p: 0.5, q: 0.5}\ndifficulty: {easy: 0.5, hard: 0.5}\ndomain: law\n"
    )
    taxonomy = {
        "a draft": draft_taxonomy("tax advice", ["VAT"]),
        "the starter": load_taxonomy(STARTER),
        "one with everything": parse_taxonomy(everything, "t"),
    }[name]
    again = parse_taxonomy(dump_taxonomy(taxonomy), "written.yaml")
    assert again.warnings == ()
    assert again == taxonomy.model_copy(update={"warnings": ()})


def test_the_summary_shows_what_a_person_agrees_to() -> None:
    text = (
        "name: T\ntopics:\n"
        "- {name: sleep, weight: 3, subtopics: [insomnia, {name: crisis, edge_case: true}]}\n"
        "- {name: edge cases, weight: 1, subtopics: [spam]}\nstyles: {terse: 1, long: 1}\n"
    )
    assert summary(parse_taxonomy(text, "t")).splitlines() == [
        "T",
        "  75% sleep: insomnia; edge cases: crisis",
        "  25% edge cases: spam",
        "  styles: terse 50%, long 50%",
    ]

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.faults import WrongUse
from tools.scenarios import (
    Rejection,
    accept_wording,
    coverage,
    dump_scenarios,
    generate,
    load_scenarios,
    near_duplicates,
    select,
    wording_prompt,
)
from tools.taxonomy import KNOWLEDGE, Taxonomy, draft_taxonomy, load_taxonomy, parse_taxonomy
from tools.wording import resemblance, words_of

STARTER = load_taxonomy(KNOWLEDGE / "therapy-coaching.taxonomy.yaml")


def test_fifty_cover_everything_and_hardly_repeat() -> None:
    scenarios = generate(STARTER, 50)
    found = coverage(scenarios, STARTER)
    assert len(scenarios) == 50
    assert found.missing == ()
    assert found.unknown == ()
    assert found.near_duplicates == 0
    subtopics = {(topic.name, subtopic.name) for topic in STARTER.topics for subtopic in topic.subtopics}
    assert {(scenario.topic, scenario.subtopic) for scenario in scenarios} == subtopics
    styles = Counter(scenario.style for scenario in scenarios)
    assert (styles["terse"], styles["detailed"]) in {(15, 12), (15, 13)}
    assert near_duplicates(scenarios, 0.5) == []


def test_styles_read_as_their_names_say() -> None:
    lengths: dict[str, list[int]] = {}
    for scenario in generate(STARTER, 200):
        if scenario.subtopic != "very short message":
            lengths.setdefault(scenario.style, []).append(len(scenario.message.split()))
    assert max(lengths["terse"]) <= 20
    assert min(lengths["conversational"]) > 15
    assert min(lengths["detailed"]) > 30


def test_messages_are_inputs_without_leftovers() -> None:
    for scenario in generate(STARTER, 300, seed=3):
        assert not isinstance(accept_wording(scenario.message), Rejection), scenario.message
        assert "{" not in scenario.message
        assert "  " not in scenario.message


def test_the_same_seed_gives_the_same_set_and_another_seed_another() -> None:
    assert generate(STARTER, 40, seed=5) == generate(STARTER, 40, seed=5)
    assert generate(STARTER, 40, seed=5) != generate(STARTER, 40, seed=6)


@pytest.mark.parametrize("count", [0, -1, 5001])
def test_counts_out_of_range_are_refused(count: int) -> None:
    with pytest.raises(WrongUse, match="1 to 5,000"):
        generate(STARTER, count)


def test_a_thousand_are_all_different() -> None:
    scenarios = generate(STARTER, 1000)
    assert len({scenario.message.casefold() for scenario in scenarios}) == 1000
    assert len({scenario.id for scenario in scenarios}) == 1000
    assert len(near_duplicates(scenarios)) < 50


def test_a_subtopic_limited_to_a_style_gets_it() -> None:
    for count in (11, 48, 300):
        limited = [s for s in select(STARTER, count) if s.subtopic.styles]
        assert all(slot.style in slot.subtopic.styles for slot in limited)


def test_every_beginning_is_spread_over_the_topics() -> None:
    first = [slot.topic.name for slot in select(STARTER, 50)[:11]]
    assert len(set(first)) >= 9


NAMES = st.integers(1, 6)


@st.composite
def taxonomies(draw: st.DrawFn) -> Taxonomy:
    topics = []
    for i in range(draw(NAMES)):
        subtopics = [
            {"name": f"s{i}{j}", "edge_case": draw(st.integers(0, 3)) == 0} for j in range(draw(NAMES))
        ]
        topics.append({"name": f"t{i}", "weight": draw(st.integers(1, 9)), "subtopics": subtopics})
    document = {
        "topics": topics,
        "styles": {f"y{i}": draw(st.integers(1, 5)) for i in range(draw(st.integers(1, 4)))},
        "difficulty": {f"d{i}": draw(st.integers(1, 5)) for i in range(draw(st.integers(1, 4)))},
    }
    return parse_taxonomy(json.dumps(document), "drawn.yaml")


@given(taxonomies(), st.integers(1, 80), st.integers(0, 2))
@settings(max_examples=120, deadline=None)
def test_selection_covers_as_far_as_the_count_allows(taxonomy: Taxonomy, count: int, seed: int) -> None:
    slots = select(taxonomy, count, seed)
    assert len(slots) == count
    topics = {slot.topic.name for slot in slots}
    subtopics = {(slot.topic.name, slot.subtopic.name) for slot in slots}
    everything = [(topic, subtopic) for topic in taxonomy.topics for subtopic in topic.subtopics]
    edges = [1 for _, subtopic in everything if subtopic.edge_case]
    assert len(topics) == min(count, len(taxonomy.topics))
    assert len(subtopics) == min(count, len(everything))
    assert len({slot.style for slot in slots}) == min(count, len(taxonomy.styles))
    if count >= len(edges) + len(taxonomy.topics):
        assert sum(
            slot.subtopic.edge_case for slot in {(s.topic.name, s.subtopic.name): s for s in slots}.values()
        ) == len(edges)


@given(taxonomies(), st.integers(1, 80))
@settings(max_examples=80, deadline=None)
def test_weights_and_pairs_are_balanced(taxonomy: Taxonomy, count: int) -> None:
    slots = select(taxonomy, count)
    styles = Counter(slot.style for slot in slots)
    if count >= len(taxonomy.styles) * 5:
        for name, share in taxonomy.styles.items():
            assert abs(styles[name] - share * count) <= 1
    per_topic = Counter(slot.topic.name for slot in slots)
    pairs = Counter((slot.topic.name, slot.style) for slot in slots)
    for topic, n in per_topic.items():
        for style, m in styles.items():
            assert abs(pairs[topic, style] - n * m / count) < 1
    values = Counter(slot.dimensions["difficulty"] for slot in slots)
    assert sum(values.values()) == count
    beside = Counter((slot.style, slot.dimensions["difficulty"]) for slot in slots)
    for style, n in styles.items():
        for value, m in values.items():
            assert abs(beside[style, value] - n * m / count) <= 4


def test_weights_are_met_by_largest_remainder_when_there_is_room() -> None:
    topics = [{"name": name, "weight": w, "subtopics": ["x"]} for name, w in (("a", 5), ("b", 3), ("c", 2))]
    taxonomy = parse_taxonomy(json.dumps({"topics": topics}), "t")
    assert Counter(s.topic.name for s in select(taxonomy, 100)) == {"a": 50, "b": 30, "c": 20}


def test_bare_names_are_worded_and_material_that_runs_out_is_said() -> None:
    taxonomy = parse_taxonomy("topics:\n- {name: law, subtopics: [tenancy_deposits]}\n", "t")
    messages = [scenario.message for scenario in generate(taxonomy, 60)]
    assert len(set(messages)) == 60
    assert any("tenancy deposits" in message for message in messages)
    assert not any("_" in message for message in messages)
    alone = "topics:\n- {name: a, subtopics: [{name: x, examples: [one, two]}]}\nwording: {frames: {}}\n"
    with pytest.raises(WrongUse, match='material of "x"'):
        generate(parse_taxonomy(alone, "t"), 400)


def test_templates_are_filled_in() -> None:
    text = "topics:\n- {name: law, subtopics: [{name: rent, templates: ['About {subtopic} in {topic}.']}]}\n"
    assert generate(parse_taxonomy(text, "t"), 1)[0].message == "About rent in law."


def test_a_drafted_domain_can_be_generated() -> None:
    taxonomy = draft_taxonomy("tax advice")
    found = coverage(generate(taxonomy, 50), taxonomy)
    assert (found.missing, found.near_duplicates) == ((), 0)


def test_coverage_says_what_is_missing_and_what_is_unknown() -> None:
    scenarios = [s for s in generate(STARTER, 50) if s.topic != "safety and limits"]
    odd = scenarios[0].model_copy(update={"id": "odd", "topic": "cooking"})
    found = coverage([*scenarios, odd], STARTER)
    assert "safety and limits" in {row.value for row in found.missing if row.dimension == "topic"}
    assert "cooking" in {row.value for row in found.unknown if row.dimension == "topic"}
    assert found.near_duplicates == 1
    assert coverage([], STARTER).near_duplicates == 0


def test_near_duplicates_agree_with_comparing_every_pair() -> None:
    scenarios = generate(STARTER, 400, seed=1)[:150]
    scenarios += [
        s.model_copy(update={"id": f"{s.id}x", "message": f"{s.message} Ok."}) for s in scenarios[:9]
    ]
    sets = [words_of(scenario.message) for scenario in scenarios]
    expected = {
        (scenarios[j].id, scenarios[i].id)
        for i in range(len(sets))
        for j in range(i)
        if resemblance(sets[i], sets[j]) >= 0.6
    }
    assert {(pair.first, pair.second) for pair in near_duplicates(scenarios, 0.6)} == expected
    assert expected


def test_jsonl_comes_back_as_it_was(tmp_path: Path) -> None:
    scenarios = generate(STARTER, 30)
    scenarios[3] = scenarios[3].model_copy(update={"dimensions": {"difficulty": "hard"}})
    dump_scenarios(scenarios, tmp_path / "s.jsonl")
    assert load_scenarios(tmp_path / "s.jsonl") == scenarios


def test_own_scenarios_are_taken_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(
        '\ufeff{"id": 7, "message": " hi\\nthere ", "source": "forum", "turns": 3, "kept": true}\n\n'
        '{"id": "b", "message": "x", "topic": "law", "list": [1]}\n',
        encoding="utf-8",
    )
    first, second = load_scenarios(file)
    assert (first.id, first.message, first.topic) == ("7", " hi\nthere ", "unlabelled")
    assert first.dimensions == {"source": "forum", "turns": "3", "kept": "true"}
    assert (second.topic, second.dimensions) == ("law", {})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"id": "a"}', '"message" must be text'),
        ('{"id": "a", "message": "  "}', '"message" must be text'),
        ('{"message": "x"}', '"id" must be text'),
        ('{"id": "a b", "message": "x"}', "cannot be used"),
        ('{"id": "ok", "message": "x"}', "line 1 already"),
        ('{"id": "a", "message": "x", "message": "y"}', "twice"),
        ('{"id": "a", "message": "x", "edge_case": "no"}', "true or false"),
        ('{"id": "a", "message": "' + "x" * 20_001 + '"}', "longer than"),
        ("[" * 200_000, "not valid JSON"),
        ('{"id": "a", "message": "' + "x" * 300_000 + '"}', "longer than"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text('{"id": "ok", "message": "x"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(WrongUse) as caught:
        load_scenarios(file)
    assert "own.jsonl, line 2:" in caught.value.sentence
    assert words in caught.value.sentence


def test_an_empty_or_missing_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n")
    with pytest.raises(WrongUse, match="holds no scenario"):
        load_scenarios(tmp_path / "none.jsonl")
    with pytest.raises(WrongUse, match="cannot be read"):
        load_scenarios(tmp_path / "nowhere.jsonl")


def test_a_model_is_asked_for_one_message_of_the_slot() -> None:
    slot = select(STARTER, 50)[0]
    system, user = wording_prompt(slot, "therapy coaching")
    assert (system.role, user.role) == ("system", "user")
    assert slot.subtopic.name in user.content
    assert slot.style in user.content


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("…", "empty"),
        ("Here is a message a user might send: I can't sleep", "instruction"),
        ("Topic: sleep", "instruction"),
        ("It sounds like you are going through a lot.", "answers"),
        ("I'm sorry to hear that. Have you tried", "answers"),
        ("I can't sleep<|im_end|>", "template"),
        ("<think>the user wants", "template"),
        ("x" * 4001, "longer"),
    ],
)
def test_a_models_wording_that_is_no_message_is_rejected(text: str, reason: str) -> None:
    rejected = accept_wording(text)
    assert isinstance(rejected, Rejection)
    assert reason in rejected.reason


def test_a_models_wording_loses_its_quotation_marks() -> None:
    assert accept_wording(' "I can\'t sleep." ') == "I can't sleep."
    assert accept_wording("?") == "?"

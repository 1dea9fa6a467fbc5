from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.evaluation import Scenario
from tools.faults import WrongUse
from tools.near_duplicates import resemblance, words_of
from tools.scenario_check import check_scenarios
from tools.scenarios import (
    Rejection,
    accept_wording,
    coverage,
    dump_scenarios,
    generate,
    generate_further,
    hold_out,
    language_warning,
    load_scenarios,
    near_duplicates,
    select,
    select_further,
    unworded,
)
from tools.taxonomy import KNOWLEDGE, Taxonomy, draft_taxonomy, load_taxonomy, parse_taxonomy

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


def test_the_recorded_story_asks_what_it_asked() -> None:
    """A recording depends on these messages to the letter."""
    told = [f"{s.id}\t{s.topic}\t{s.subtopic}\t{s.style}\t{s.message}" for s in generate(STARTER, 50, 0)]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()
    assert digest.startswith("cd3d101161c34400")


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


def test_a_line_begins_with_id_and_message(tmp_path: Path) -> None:
    taxonomy = parse_taxonomy("topics: [a]\nurgency: [today]\nalso: [this]\n", "t")
    dump_scenarios(generate(taxonomy, 2), tmp_path / "s.jsonl")
    for line in (tmp_path / "s.jsonl").read_text("utf-8").splitlines():
        fields = list(json.loads(line))
        assert fields[:2] == ["id", "message"]
        assert fields[-2:] == ["urgency", "also"]


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
        ('{"id": "a"}', '"message" is missing'),
        ('{"id": "a", "message": "  "}', '"message" is empty'),
        ('{"id": "a", "message": 5}', '"message" must be text'),
        ('{"id": "a", "messages": [{"role": "user", "content": "x"}]}', '"messages" is a conversation'),
        ('{"message": "x"}', '"id" is missing'),
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


def test_all_bad_lines_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    bad = ['{"id": "a", "message": ""}', "[1]", '{"id": "ok", "message": "y"}']
    file.write_text("\n".join(['{"id": "ok", "message": "x"}', *bad, *["{"] * 20]), encoding="utf-8")
    with pytest.raises(WrongUse) as caught:
        load_scenarios(file)
    assert caught.value.sentence.startswith(
        '23 lines of own.jsonl cannot be used: line 2: "message" is empty. '
    )
    for words in (
        "line 3: this is not a JSON object.",
        'line 4: the id "ok" stands in line 1',
        "15 more are not",
    ):
        assert words in caught.value.sentence
    assert "without a list around them" in caught.value.next_step
    assert caught.value.next_step.count("One object a line.") == 1


def test_an_empty_or_missing_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n")
    with pytest.raises(WrongUse, match="holds no scenario"):
        load_scenarios(tmp_path / "none.jsonl")
    with pytest.raises(WrongUse, match="cannot be read"):
        load_scenarios(tmp_path / "nowhere.jsonl")


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
        ("word " * 400, "longer"),
        ("User message: I can't sleep", "instruction"),
        ("Absolutely! Here is what you can do.", "answers"),
        ("I'm really sorry you feel that way.", "answers"),
        ("Thank you for sharing this with me.", "answers"),
        ("I can't sleep because of {topic}", "template"),
    ],
)
def test_a_models_wording_that_is_no_message_is_rejected(text: str, reason: str) -> None:
    rejected = accept_wording(text)
    assert isinstance(rejected, Rejection)
    assert reason in rejected.reason


def test_a_models_wording_loses_its_quotation_marks() -> None:
    assert accept_wording(' "I can\'t sleep." ') == "I can't sleep."
    assert accept_wording("?") == "?"


# --- held out ----------------------------------------------------------------------------------------------


def ids(scenarios: Sequence[Scenario]) -> set[str]:
    return {scenario.id for scenario in scenarios if scenario.held_out}


@pytest.mark.parametrize(
    ("count", "held"), [(1, 0), (4, 0), (5, 1), (7, 1), (8, 2), (50, 10), (51, 10), (200, 40)]
)
def test_a_fifth_is_held_out(count: int, held: int) -> None:
    scenarios = generate(STARTER, count, seed=2)
    assert len(ids(scenarios)) == held
    assert ids(scenarios) == ids(generate(STARTER, count, seed=2))


def test_the_held_out_ones_are_spread_over_topics_edge_cases_and_subtopics() -> None:
    scenarios = generate(STARTER, 200)
    held = [scenario for scenario in scenarios if scenario.held_out]
    per_topic, all_of = Counter(s.topic for s in held), Counter(s.topic for s in scenarios)
    assert all(abs(per_topic[topic] - n / 5) < 1 for topic, n in all_of.items())
    assert abs(sum(s.edge_case for s in held) - sum(s.edge_case for s in scenarios) / 5) <= 1
    assert len({(s.topic, s.subtopic) for s in held}) >= 35
    assert len({s.style for s in held}) == 3


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=60), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_holding_out_marks_the_rounded_share_and_changes_nothing_else(
    drawn: list[tuple[int, bool]], seed: int
) -> None:
    given_ones = [
        Scenario(id=f"x{i}", topic=f"t{t}", subtopic="s", style="y", edge_case=edge, message=f"m{i}")
        for i, (t, edge) in enumerate(drawn)
    ]
    marked = hold_out(given_ones, seed)
    n = len(drawn)
    assert len(ids(marked)) == (int(n * 0.2 + 0.5) if n >= 5 else 0)
    assert [s.model_copy(update={"held_out": False}) for s in marked] == given_ones
    later = hold_out(marked[: n // 2], seed, beside=marked[n // 2 :])
    assert len(ids([*marked[n // 2 :], *later])) >= len(ids(marked[n // 2 :]))


# --- further scenarios -------------------------------------------------------------------------------------


@given(taxonomies(), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2))
@settings(max_examples=80, deadline=None)
def test_further_ones_complete_the_selection_of_the_whole(
    taxonomy: Taxonomy, first: int, more: int, seed: int
) -> None:
    existing = [
        Scenario(
            id=slot.id,
            topic=slot.topic.name,
            subtopic=slot.subtopic.name,
            style=slot.style,
            edge_case=slot.subtopic.edge_case,
            dimensions=slot.dimensions,
            message="-",
        )
        for slot in select(taxonomy, first, seed)
    ]
    slots = select_further(taxonomy, more, seed, existing)
    assert slots == select_further(taxonomy, more, seed, existing)
    assert len({slot.id for slot in slots} | {s.id for s in existing}) == first + more
    topics = {slot.topic.name for slot in slots} | {s.topic for s in existing}
    everything = sum(len(topic.subtopics) for topic in taxonomy.topics)
    subtopics = {(s.topic.name, s.subtopic.name) for s in slots} | {(s.topic, s.subtopic) for s in existing}
    assert len(topics) == min(first + more, len(taxonomy.topics))
    assert len(subtopics) == min(first + more, everything)
    styles = Counter(slot.style for slot in slots) + Counter(s.style for s in existing)
    assert len(styles) == min(first + more, len(taxonomy.styles))


def test_further_ones_continue_the_numbering_the_share_and_the_balance() -> None:
    first = generate(STARTER, 50)
    more = generate_further(STARTER, 150, 0, first)
    whole = [*first, *more]
    assert [scenario.id for scenario in more][:2] == ["s051", "s052"]
    assert len({scenario.message.casefold() for scenario in whole}) == 200
    found = coverage(whole, STARTER)
    assert [row for row in found.missing if row.dimension != "topic × style"] == []
    assert sum(row.missing for row in found.missing) <= 3
    assert found.near_duplicates == 0
    assert (found.held_out, len(ids(first))) == (40, 10)
    assert more == generate_further(STARTER, 150, 0, first)


def test_further_ones_beside_a_persons_own_avoid_their_ids_and_words() -> None:
    own = [
        Scenario(id="s007", topic="cooking", subtopic="x", style="y", message="What do I cook?"),
        Scenario(id="mine", topic="x", subtopic="x", style="y", message=generate(STARTER, 1)[0].message),
    ]
    more = generate_further(STARTER, 50, 0, own)
    assert more[0].id == "s008"
    assert own[1].message not in {scenario.message for scenario in more}
    with pytest.raises(WrongUse, match="at most"):
        generate_further(STARTER, 5000, 0, own)


def test_whole_examples_are_not_offered_twice() -> None:
    examples = "[one two three, four five six, red green blue]"
    text = f"topics:\n- {{name: a, subtopics: [{{name: x, examples: {examples}}}]}}\n"
    taxonomy = parse_taxonomy(text, "t")
    first = generate(taxonomy, 2)
    third = generate_further(taxonomy, 1, 0, first)
    assert {s.message for s in (*first, *third)} == {"one two three", "four five six", "red green blue"}


# --- coverage ----------------------------------------------------------------------------------------------


@given(taxonomies(), st.integers(1, 120), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_what_the_quota_chose_lacks_nothing_whatever_the_seed(
    taxonomy: Taxonomy, count: int, seed: int
) -> None:
    found = coverage(generate(taxonomy, count, seed), taxonomy)
    assert found.missing == ()
    assert found.unknown == ()
    for pair in found.pairs:
        assert pair.furthest <= (1 if (pair.first, pair.second) == ("topic", "style") else 4)


@pytest.mark.parametrize("count", [1, 2, 7, 49, 50, 51])
def test_the_table_proves_what_was_asked_for(count: int) -> None:
    for taxonomy in (STARTER, draft_taxonomy("tax advice"), parse_taxonomy(LONELY, "t")):
        found = coverage(generate(taxonomy, count, seed=count), taxonomy)
        assert (found.missing, found.near_duplicates) == ((), 0)
        for dimension in ("topic", "subtopic", "style", "edge case"):
            rows = [row for row in found.rows if row.dimension == dimension]
            assert sum(row.got for row in rows) == sum(row.wanted for row in rows) == count


LONELY = "topics:\n- {name: one, subtopics: [thing]}\n"


@pytest.mark.slow
def test_five_thousand_of_a_large_taxonomy() -> None:
    topics = [
        {"name": f"t{i}", "weight": 1 + i % 7, "subtopics": [f"matter {i} {j}" for j in range(12)]}
        for i in range(120)
    ]
    document = {"topics": topics, "mood": {"calm": 3, "upset": 1}, "cadence": ["slow", "fast", "mixed"]}
    taxonomy = parse_taxonomy(json.dumps(document), "large.yaml")
    found = coverage(generate(taxonomy, 5000, 4), taxonomy)
    assert found.missing == ()
    assert found.held_out == 1000


def test_a_set_that_leans_is_told_by_its_pairs() -> None:
    scenarios = [s.model_copy(update={"style": "terse"}) for s in generate(STARTER, 60)]
    found = coverage(scenarios, STARTER)
    assert {row.value for row in found.missing if row.dimension == "style"} == {"conversational", "detailed"}
    assert next(p for p in found.pairs if (p.first, p.second) == ("topic", "style")).filled == 11


def test_held_out_marks_come_back_and_are_left_out_where_false(tmp_path: Path) -> None:
    scenarios = generate(STARTER, 10)
    dump_scenarios(scenarios, tmp_path / "s.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text("utf-8").splitlines()]
    assert sum("held_out" in line for line in lines) == sum(s.held_out for s in scenarios) == 2
    assert load_scenarios(tmp_path / "s.jsonl") == scenarios


def test_a_dimension_never_hides_a_field(tmp_path: Path) -> None:
    odd = Scenario(id="a", topic="t", subtopic="s", style="y", message="hello", dimensions={"message": "no"})
    dump_scenarios([odd], tmp_path / "s.jsonl")
    assert load_scenarios(tmp_path / "s.jsonl") == [odd]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="it is a folder"):
        dump_scenarios(generate(STARTER, 1), tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(WrongUse, match="cannot be written"):
        dump_scenarios(generate(STARTER, 1), tmp_path / "file" / "s.jsonl")
    dump_scenarios(generate(STARTER, 2), tmp_path / "new" / "s.jsonl")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.jsonl"]


def test_other_languages_than_english_are_warned_of() -> None:
    assert language_warning(["en"]) is None
    said = language_warning(["en", "de", "fr"])
    assert said is not None
    assert "German and French" in said


LIMITED = """
topics:
  - {name: a, weight: 2, subtopics: [{name: p, styles: [x]}, q]}
  - {name: b, weight: 1, subtopics: [{name: r, styles: [y]}]}
styles: {x: 1, y: 2, z: 1}
"""


@pytest.mark.parametrize("count", [1, 2, 3, 12, 40])
def test_styles_to_which_a_subtopic_is_limited_are_kept_by_further_ones_too(count: int) -> None:
    taxonomy = parse_taxonomy(LIMITED, "t")
    first = generate(taxonomy, count)
    for scenario in (*first, *generate_further(taxonomy, 25, 0, first)):
        assert scenario.subtopic == "q" or scenario.style == {"p": "x", "r": "y"}[scenario.subtopic]


def test_a_thousand_topics_do_not_exhaust_the_stack() -> None:
    topics = [{"name": f"t{i}", "subtopics": ["x"]} for i in range(1500)]
    styles = {f"y{i}": 1 + i % 3 for i in range(7)}
    slots = select(parse_taxonomy(json.dumps({"topics": topics, "styles": styles}), "many"), 4000)
    assert len({slot.topic.name for slot in slots}) == 1500


# --- weights in the table, repeats, what is not worded ------------------------------------------------------


def test_the_table_has_the_share_that_the_weights_ask_for() -> None:
    edges = "edge_cases: {c: 0.05, d: 0.15}"
    text = f"topics: {{a: 0.5, b: 0.3}}\n{edges}\nstyles: {{terse: 1, long: 3}}\nmood: [x, y]\n"
    taxonomy = parse_taxonomy(text, "t")
    found = coverage(generate(taxonomy, 10), taxonomy)
    share = {(row.dimension, row.value): round(row.share or 0, 4) for row in found.rows}
    assert (share["topic", "a"], share["subtopic", "edge cases / d"], share["edge case", "yes"]) == (
        0.5,
        0.15,
        0.2,
    )
    assert (share["style", "long"], share["mood", "x"], share["topic × style", "a × terse"]) == (
        0.75,
        0.5,
        0.125,
    )
    odd = generate(taxonomy, 10)[0].model_copy(update={"topic": "cooking"})
    assert {row.share for row in coverage([odd], taxonomy).unknown} == {None}


@pytest.mark.parametrize("name", ["starter", "a draft"])
def test_shares_of_every_dimension_sum_to_one(name: str) -> None:
    taxonomy = STARTER if name == "starter" else draft_taxonomy("tax advice", ["VAT"])
    rows = coverage(generate(taxonomy, 20), taxonomy).rows
    for dimension in ("topic", "subtopic", "style", "edge case", "topic × style"):
        assert sum(row.share or 0 for row in rows if row.dimension == dimension) == pytest.approx(1)


def test_what_coverage_wants_off_its_weight_is_told() -> None:
    text = "topics: {a: 0.9}\nedge_cases: {c: 0.02, d: 0.04, e: 0.04}\nstyles: [terse]\n"
    taxonomy = parse_taxonomy(text, "t")
    few, many = (coverage(generate(taxonomy, n), taxonomy).off_weight for n in (10, 100))
    assert [(row.value, row.wanted) for row in few] == [("a", 7), ("edge cases", 3), ("yes", 3)]
    assert many == ()


def test_messages_that_repeat_are_counted_once_each() -> None:
    first = generate(STARTER, 1)[0]
    told = [first.model_copy(update={"id": f"x{i}"}) for i in range(4)]
    found = coverage(told, STARTER)
    assert (found.near_duplicates, found.repeating) == (6, 3)


def test_nothing_is_said_where_the_templates_word_everything() -> None:
    assert unworded(STARTER) is None
    assert unworded(draft_taxonomy("tax advice")) is None


MINE = "topics: [{name: a, subtopics: [{name: p, short: [one two]}, {name: q, examples: [three]}]}]\n"


def test_styles_and_dimensions_that_the_texts_do_not_show_are_named() -> None:
    text = f"{MINE}styles: [terse, rambling, angry, Casual chat]\ndifficulty: [easy]\ncadence: [slow, fast]\n"
    said = unworded(parse_taxonomy(text, "t"))
    assert said == (
        "“rambling” and “angry” are worded as conversational; difficulty and cadence are labels that the "
        "texts do not show. A brain words them; so do examples in subtopics with “styles: [rambling]”, or "
        "scenarios of your own."
    )
    said = unworded(parse_taxonomy(f"{MINE}mood: [low, high]\n", "t"))
    assert said is not None
    assert said.startswith("Mood is a label that the texts do not show. A brain words it, or scenarios of")


def test_a_style_with_sentences_of_its_own_is_worded() -> None:
    limited = (
        "topics:\n- name: a\n  subtopics:\n"
        "  - {name: p, styles: [angry], examples: [NO., never again]}\n"
        "  - {name: q, styles: [terse], short: [hm]}\n"
    )
    assert unworded(parse_taxonomy(f"{limited}styles: [terse, angry]\n", "t")) is None
    assert unworded(parse_taxonomy(f"{MINE}styles: [angry]\n", "t")) is None
    other = unworded(parse_taxonomy(f"{limited}  - {{name: r, short: [x]}}\nstyles: [terse, angry]\n", "t"))
    assert other is not None
    assert "“angry” is worded as conversational" in other


def test_names_without_sentences_are_told_once_with_what_does_not_look_english() -> None:
    said = unworded(
        parse_taxonomy("topics: [{name: Schlaf, subtopics: [Schlafstörung, Albträume, pet]}]\n", "t")
    )
    assert said is not None
    assert said.startswith(
        "3 of 3 subtopics are names and no more (“Schlafstörung”, “Albträume” and “pet”): English"
    )
    assert "though “Schlafstörung” does not look English" in said
    half = unworded(parse_taxonomy("topics: [{name: a, subtopics: [pet, {name: q, short: [x]}]}]\n", "t"))
    assert half is not None
    assert half.startswith("1 of 2 subtopics is a name and no more (“pet”)")
    assert "English" not in half.split("around it")[1]
    frames = "{short: ['{subtopic}!'], situations: ['{subtopic} ist da.'], asks: [Was tun?]}"
    own = f"topics: [Schlafstörung]\nwording: {{frames: {frames}}}\n"
    assert unworded(parse_taxonomy(own, "t")) is None


def test_labels_of_own_scenarios_are_counted_and_numbers_of_rows_are_not() -> None:
    own = [
        s.model_copy(update={"dimensions": {"mood": "low", "row": str(i)}})
        for i, s in enumerate(generate(STARTER, 12))
    ]
    found = check_scenarios(own)
    assert list(found.values) == ["topic", "style", "mood"]
    assert found.values["mood"] == {"low": 12}
    assert sum(found.values["topic"].values()) == 12
    assert "By mood: low 12." in found.lines

"""Reading requests: phrasings in tables, and properties that hold for any text."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.intake import (
    Intake,
    Missing,
    NotNeeded,
    Ready,
    Unusable,
    answer_question,
    merge_brain,
    read_request,
)
from tools.faults import WrongUse
from tools.request import EvaluationRequest, LicenceNeed, SizeRange

B = 10**9


def ready(text: str, **options: object) -> EvaluationRequest:
    reading = read_request(text, **options)  # type: ignore[arg-type]
    assert isinstance(reading, Ready), reading
    return reading.request


def fields_missing(reading: Intake) -> list[str]:
    assert isinstance(reading, Missing), reading
    return [question.field for question in reading.questions]


THE_REQUESTS = [
    ("evaluate 8B models for therapy coaching", 7, 9, "therapy coaching", "therapy-coaching"),
    ("therapy 8B", 7, 9, "therapy coaching", "therapy-coaching"),
    ("mathematics 7–14B, commercial", 7, 14, "mathematics", "mathematics"),
    ("creative writing 12B", 10.5, 13.5, "creative writing", "creative-writing"),
    ("legal Q&A in German, around 8B", 7, 9, "legal Q&A", "legal-qa"),
]


@pytest.mark.parametrize(("text", "low", "high", "domain", "key"), THE_REQUESTS)
def test_the_five_requests(text: str, low: float, high: float, domain: str, key: str) -> None:
    request = ready(text)
    assert (request.size.minimum, request.size.maximum) == (low * B, high * B)
    assert (request.domain, request.domain_key) == (domain, key)


def test_what_the_five_say_besides() -> None:
    assert ready("mathematics 7–14B, commercial").licence_need is LicenceNeed.COMMERCIAL
    assert ready("legal Q&A in German, around 8B").languages == ("de",)
    coding = ready("coding models under 4B on 8 GB")
    assert coding.size == SizeRange(minimum=0, maximum=4 * B - 1)
    assert (coding.memory_budget_bytes, coding.domain_key) == (8 * B, "coding")


SIZES = [
    ("8B", 7, 9),
    ("8b", 7, 9),
    ("8 B", 7, 9),
    ("8 billion", 7, 9),
    ("8bn", 7, 9),
    ("8-billion-parameter", 7, 9),
    ("around 8B", 7, 9),
    ("~8B", 7, 9),
    ("7B", 6.1, 7.9),
    ("around 12 billion", 10.5, 13.5),
    ("4B", 3, 5),
    ("1.7B", 1.2, 2.2),
    ("500M", 0.375, 0.625),
    ("7-10B", 7, 10),
    ("7–10B", 7, 10),
    ("7B-10B", 7, 10),
    ("7 - 10 B", 7, 10),
    ("7 to 10 billion", 7, 10),
    ("7B to 10B", 7, 10),
    ("between 7 and 10B", 7, 10),
    ("from 7B to 10B", 7, 10),
    ("10B-7B", 7, 10),
    ("500M-2B", 0.5, 2),
    ("up to 4b", 0, 4),
    ("at most 4B", 0, 4),
    ("no more than 4B", 0, 4),
    ("<= 4B", 0, 4),
    ("4B or smaller", 0, 4),
    ("at least 12B", 12, 1000),
    ("12B or larger", 12, 1000),
    ("12B+", 12, 1000),
    ("at least 7B and at most 10B", 7, 10),
    ("7B or 13B", 7, 13),
    ("4B, 8B and 14B", 4, 14),
    ("not 70B but 8B", 7, 9),
    ("8B instead of 70B", 7, 9),
    ("Llama 3.1-8B", 7, 9),
    ("qwen3:8b", 7, 9),
    ("7,5B to 8B", 7.5, 8),
]


@pytest.mark.parametrize(("words", "low", "high"), SIZES)
def test_sizes(words: str, low: float, high: float) -> None:
    size = ready(f"evaluate {words} models for therapy coaching").size
    assert (size.minimum, size.maximum) == (round(low * B), round(high * B))


def test_a_size_named_alone_says_what_it_was_read_as() -> None:
    assert any("“8B” was read as 7–9B" in note for note in ready("therapy 8B").notes)
    assert not any("was read as 7–10B" in note for note in ready("therapy 7-10B").notes)
    assert any("7–13B" in note for note in ready("7B or 13B for poetry").notes)
    assert any("No largest size" in note for note in ready("at least 12B, poetry").notes)


@pytest.mark.parametrize(
    "text", ["coding in 4-bit", "coding on 8 GB", "coding, 40 turns", "coding for 3 million users"]
)
def test_what_is_no_size(text: str) -> None:
    reading = read_request(text)
    if isinstance(reading, Missing):
        assert "size" in fields_missing(reading)
    else:
        assert isinstance(reading, Ready)
        assert any("follows from" in note for note in reading.request.notes)


@pytest.mark.parametrize("words", ["0B", "0.5M", "over 9B but under 4B"])
def test_an_impossible_size_is_asked_back_with_the_reason(words: str) -> None:
    reading = read_request(f"evaluate {words} models for coding")
    assert isinstance(reading, Missing)
    assert fields_missing(reading) == ["size"]
    assert "“" in reading.questions[0].sentence


DOMAINS = [
    ("8B for medical questions", "medical-qa"),
    ("8B mental health support bot", "therapy-coaching"),
    ("emotional-support 8B", "therapy-coaching"),
    ("8B python coding", "coding"),
    ("8B maths", "mathematics"),
    ("8B customer service", "customer-support"),
    ("8B tutoring", "education"),
    ("8B for meeting notes", "summarisation"),
    ("8B summarization", "summarisation"),
    ("8B for translating emails", "translation"),
    ("8B for commercial law", "legal-qa"),
    ("8B for accounting questions", "finance"),
    ("8B personal assistant", "general-chat"),
    ("8B therapy chatbot", "therapy-coaching"),
    ("8B for wine tasting notes", None),
    ("8B chatbot for beekeepers", None),
    ("beekeeping 8B", None),
]


@pytest.mark.parametrize(("text", "key"), DOMAINS)
def test_domains(text: str, key: str | None) -> None:
    assert ready(text).domain_key == key


def test_words_inside_words_name_no_domain() -> None:
    assert ready("8B for lawn care").domain == "lawn care"
    assert ready("8B for decoding hieroglyphs").domain_key is None


def test_a_free_domain_keeps_the_persons_words_and_says_so() -> None:
    request = ready("which 7B model is best for wine tasting notes in French?")
    assert request.domain == "wine tasting notes"
    assert request.languages == ("fr",)
    assert any("not a domain of the knowledge files" in note for note in request.notes)


def test_two_domains_are_named_in_a_note() -> None:
    request = ready("8B for therapy coaching and coding")
    assert request.domain_key == "therapy-coaching"
    assert any("Also named: coding" in note for note in request.notes)


@pytest.mark.parametrize(
    "text", ["8B", "8B models for our product", "evaluate 8B models for me", "8B in general"]
)
def test_a_missing_domain_is_asked_back(text: str) -> None:
    assert fields_missing(read_request(text)) == ["domain"]


@pytest.mark.parametrize("text", ["therapy", "which model is good at poetry?"])
def test_a_missing_size_is_asked_back(text: str) -> None:
    assert fields_missing(read_request(text)) == ["size"]


def test_everything_missing_is_asked_back_with_examples() -> None:
    reading = read_request("I need an LLM")
    assert isinstance(reading, Missing)
    assert fields_missing(reading) == ["size", "domain"]
    assert all(question.examples for question in reading.questions)


MEMORY = [
    ("for 8 GB VRAM, coding", 8 * B, 11),
    ("therapy on a 24GB RTX 4090", 24 * B, 37),
    ("small models for my laptop with 16 GB, tutoring", 12 * B, 17),
    ("coding with 16 GiB of RAM", 12_884_901_888, 19),
    ("coding, 16 GB RAM and 8 GB VRAM", 8 * B, 11),
    ("coding on 8 GB", 8 * B, 11),
]


@pytest.mark.parametrize(("text", "budget", "billions"), MEMORY)
def test_memory_gives_a_budget_and_a_size_by_a_stated_rule(text: str, budget: int, billions: int) -> None:
    request = ready(text)
    assert request.memory_budget_bytes == budget
    assert request.size == SizeRange(minimum=0, maximum=billions * B)
    assert any("0.62 bytes" in note for note in request.notes)


def test_memory_beside_a_size_only_limits() -> None:
    request = ready("14B coding for a machine with 32 GB RAM")
    assert request.memory_budget_bytes == 24 * B
    assert request.size.holds(14 * B)
    assert not request.size.holds(20 * B)


def test_amounts_of_data_are_no_memory() -> None:
    assert ready("8B coding, we have 20 GB of data").memory_budget_bytes is None


def test_too_little_memory_is_asked_back() -> None:
    reading = read_request("coding on 1 GB")
    assert isinstance(reading, Missing)
    assert "too little" in reading.questions[0].sentence


TURNS = [
    ("conversations of up to 40 turns", 40),
    ("40-turn conversations", 40),
    ("20-30 turns", 30),
    ("30-message chats", 15),
    ("31 messages", 16),
    ("12 exchanges", 12),
    ("a context of 32k tokens", 82),
    ("", None),
]


@pytest.mark.parametrize(("words", "turns"), TURNS)
def test_turns(words: str, turns: int | None) -> None:
    request = ready(f"8B for therapy, {words}")
    assert request.longest_conversation_turns == turns
    assert request.domain_key == "therapy-coaching"
    assert any("No longest conversation" in note for note in request.notes) is (turns is None)


LICENCES = [
    ("commercial", LicenceNeed.COMMERCIAL),
    ("for commercial use", LicenceNeed.COMMERCIAL),
    ("for our product", LicenceNeed.COMMERCIAL),
    ("in production", LicenceNeed.COMMERCIAL),
    ("non-commercial now, commercial later", LicenceNeed.COMMERCIAL),
    ("non-commercial", LicenceNeed.ANY),
    ("noncommercial use", LicenceNeed.ANY),
    ("not commercial", LicenceNeed.ANY),
    ("not for commercial use", LicenceNeed.ANY),
    ("no commercial use", LicenceNeed.ANY),
    ("we don't need a commercial licence", LicenceNeed.ANY),
    ("research only", LicenceNeed.ANY),
    ("personal use", LicenceNeed.ANY),
    ("", LicenceNeed.ANY),
]


@pytest.mark.parametrize(("words", "need"), LICENCES)
def test_licence_need(words: str, need: LicenceNeed) -> None:
    assert ready(f"8B therapy, {words}").licence_need is need


LANGUAGES = [
    ("legal Q&A in German, 8B", ("de",)),
    ("German legal Q&A, 8B", ("de",)),
    ("8B therapy for German-speaking people", ("de",)),
    ("8B translation from English to French", ("en", "fr")),
    ("8B therapy in Polish", ("pl",)),
    ("polish my prose: creative writing 8B", ("en",)),
    ("8B for Chinese medicine", ("en",)),
    ("8B coding", ("en",)),
]


@pytest.mark.parametrize(("text", "languages"), LANGUAGES)
def test_languages(text: str, languages: tuple[str, ...]) -> None:
    assert ready(text).languages == languages


def test_an_assumed_language_is_stated() -> None:
    assert any("English was assumed" in note for note in ready("8B coding").notes)
    assert not any("English was assumed" in note for note in ready("8B coding in German").notes)


NOT_NEEDED = [
    "I only want prompting",
    "I just need prompt engineering for therapy with 8B",
    "prompt engineering only, 8B, therapy",
    "8B therapy, we won't fine-tune",
    "8B therapy without fine-tuning",
    "I already have baseline numbers",
    "we have baseline results for 8B therapy",
    "we've already got a full set: already have a baseline, 8B therapy",
]


@pytest.mark.parametrize("text", NOT_NEEDED)
def test_when_not_to_run(text: str) -> None:
    reading = read_request(text)
    assert isinstance(reading, NotNeeded)
    assert reading.reason
    assert "anyway" in reading.how_to_insist


@pytest.mark.parametrize("text", NOT_NEEDED)
def test_insisting_runs_all_the_same(text: str) -> None:
    for reading in (read_request(f"{text}, evaluate anyway"), read_request(text, insist=True)):
        assert isinstance(reading, Ready | Missing)
    assert isinstance(read_request(text, given={"insist": True}), Ready | Missing)


@pytest.mark.parametrize(
    "text",
    [
        "8B for prompt engineering",
        "I don't have baseline numbers yet, 8B therapy",
        "we want to have a baseline for 8B therapy",
        "our base model changed; we already have baseline numbers; 8B therapy",
        "not only prompting: 8B therapy",
    ],
)
def test_what_needs_a_run_after_all(text: str) -> None:
    assert isinstance(read_request(text), Ready)


@pytest.mark.parametrize("text", ["", "   \n", "!!! ???", "12345", "asdf qwer zxcv", "hello", "8" * 20_001])
def test_nonsense_is_unusable_with_a_sentence(text: str) -> None:
    reading = read_request(text)
    assert isinstance(reading, Unusable)
    assert reading.sentence.endswith(".")


def test_what_is_given_wins_over_the_text() -> None:
    request = ready(
        "evaluate 8B models for therapy",
        given={
            "size": "7-14B",
            "domain": "coding",
            "turns": "40",
            "licence": "commercial",
            "memory": "8",
            "languages": "German and fr",
        },
    )
    assert request.size == SizeRange(minimum=7 * B, maximum=14 * B)
    assert request.domain_key == "coding"
    assert request.longest_conversation_turns == 40
    assert request.licence_need is LicenceNeed.COMMERCIAL
    assert request.memory_budget_bytes == 8 * B
    assert request.languages == ("de", "fr")


def test_what_is_given_is_enough() -> None:
    assert ready("evaluate qwen3:8b", given={"size": "any", "domain": "beekeeping"}).domain == "beekeeping"


def test_an_unknown_part_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="colour"):
        read_request("8B therapy", given={"colour": "red"})


def test_answers_complete_a_request() -> None:
    reading = read_request("I need an LLM")
    assert isinstance(reading, Missing)
    once = answer_question(reading.partial, {"size": "8"})
    assert isinstance(once, Missing)
    assert fields_missing(once) == ["domain"]
    done = answer_question(once.partial, {"domain": "therapy"})
    assert isinstance(done, Ready)
    assert done.request.size == SizeRange(minimum=7 * B, maximum=9 * B)
    assert done.request.domain_key == "therapy-coaching"


def test_an_answer_that_is_none_is_asked_again_with_the_reason() -> None:
    reading = read_request("therapy")
    assert isinstance(reading, Missing)
    again = answer_question(reading.partial, {"size": "huge"})
    assert isinstance(again, Missing)
    assert "“huge” is not a size" in again.questions[0].sentence
    assert isinstance(answer_question(again.partial, {"size": "12 to 14 B"}), Ready)


def test_a_brain_fills_only_what_is_open() -> None:
    reading = read_request("eight to nine billion or so, for therapy")
    assert isinstance(reading, Missing)
    reply = json.dumps({"minimum_billions": 8, "maximum_billions": 9, "domain": "coding"})
    done = reading.with_brain(reply)
    assert isinstance(done, Ready)
    assert done.request.domain_key == "therapy-coaching"
    assert done.request.size == SizeRange(minimum=8 * B, maximum=9 * B)


@pytest.mark.parametrize(
    "reply",
    [
        "no json",
        "[]",
        '{"maximum_billions": 70}',
        '{"minimum_billions": 9, "maximum_billions": 8}',
        '{"maximum_billions": "NaN"}',
        '{"maximum_billions": 8, "extra": 1}',
        "[" * 5000,
    ],
)
def test_a_brain_that_invents_or_babbles_changes_nothing(reply: str) -> None:
    reading = read_request("models of eight or nine, for therapy")
    assert isinstance(reading, Missing)
    assert merge_brain(reading.partial, reply) == reading


def test_a_domain_that_nobody_named_is_not_taken_from_a_brain() -> None:
    reading = read_request("8B models for me")
    assert isinstance(reading, Missing)
    assert merge_brain(reading.partial, {"domain": "medical questions"}) == reading


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
@example("8B for \ud800")
@example("§ 8B § therapy")
@example("٨B for therapy")
@example("²B for therapy, ² turns, ³ GB")
def test_no_text_makes_it_raise(text: str) -> None:
    assert isinstance(read_request(text), Ready | Missing | NotNeeded | Unusable)


WORDS = st.sampled_from(
    [
        "8B",
        "7-10B",
        "under",
        "over",
        "up",
        "to",
        "at",
        "least",
        "0",
        "9999999999",
        "GB",
        "RAM",
        "VRAM",
        "turns",
        "messages",
        "context",
        "128k",
        "tokens",
        "commercial",
        "non-",
        "German",
        "in",
        "for",
        "therapy",
        "law",
        "§",
        "-",
        ",",
        ".",
        "not",
        "only",
        "prompting",
        "already",
        "have",
        "baseline",
        "anyway",
        "models",
        "million",
        "billion",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_no_heap_of_its_own_words_makes_it_raise(text: str) -> None:
    reading = read_request(text)
    assert isinstance(reading, Ready | Missing | NotNeeded | Unusable)
    if isinstance(reading, Ready):
        assert reading.request.text == text


@settings(max_examples=80, deadline=None)
@given(
    st.decimals(min_value="0.1", max_value="900", places=1),
    st.decimals(min_value="0.1", max_value="900", places=1),
    st.sampled_from(["{a}-{b}B", "{a}B to {b}B", "between {a} and {b} billion", "{a} – {b} B"]),
)
def test_ranges_read_are_the_ranges_written(a: Decimal, b: Decimal, form: str) -> None:
    low, high = sorted((a, b))
    size = ready(f"therapy with {form.format(a=low, b=high)} models").size
    if low < high:
        assert (size.minimum, size.maximum) == (int(low * B), int(high * B))
    else:
        assert size.holds(int(low * B))


@settings(max_examples=40, deadline=None)
@given(st.decimals(min_value="0.1", max_value="900", places=1))
def test_bounds_read_are_the_bounds_written(size: Decimal) -> None:
    assert ready(f"therapy with up to {size}B").size.maximum == int(size * B)
    assert ready(f"therapy with at least {size}B").size.minimum == int(size * B)
    assert ready(f"therapy, {size}B").size.holds(int(size * B))

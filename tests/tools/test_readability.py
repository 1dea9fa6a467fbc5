from __future__ import annotations

import pytest

from tests.standins.human_rights import KNOWN
from tools.prose import code_blocks, prose, sentences, without_code, words
from tools.readability import NotMeasured, count_syllables, flesch_kincaid, lix

SYLLABLES = (
    "cat:1 table:2 tables:2 make:1 makes:1 making:2 being:2 walked:1 wanted:2 needed:2 watches:2 boxes:2 "
    "changes:2 idea:3 area:3 science:2 quiet:2 people:2 nation:2 create:2 radio:3 video:3 simple:2 "
    "family:3 every:2 business:2 something:2 before:2 because:2 important:3 experience:4 therapy:3 anxiety:4 "
    "question:2 answer:2 understanding:4 possible:3 usually:4 situation:4 serious:3 various:3 society:4 "
    "a:1 I:1 through:1 thought:1 used:1 asked:1 rhythm:2 language:2 mathematics:4 equation:3 value:2 "
    "continue:3 actual:3 fuel:2 poem:2 lion:2 real:1 reason:2 feeling:2 tired:1 tried:1 carried:2 moment:2 "
    "little:2 example:3 evening:2 together:3 colleague:2 sentence:2 sentences:3 obvious:3 museum:3 decided:3"
)

CAT = "We sat on the mat and it was red. " * 4
"""Nine one-syllable words a sentence."""


def test_syllables_are_as_a_dictionary_has_them_in_all_but_a_few_words() -> None:
    pairs = [item.split(":") for item in SYLLABLES.split()]
    wrong = [word for word, n in pairs if count_syllables(word) != int(n)]
    assert len(wrong) <= len(pairs) // 50, wrong


def test_flesch_kincaid_by_hand() -> None:
    assert flesch_kincaid(CAT) == pytest.approx(0.39 * 9 + 11.8 * 1 - 15.59)


def test_lix_by_hand() -> None:
    """36 words in 4 sentences, none longer than six letters; then three long ones of 30 in 3."""
    assert lix(CAT) == pytest.approx(9)
    assert lix("Wir gehen heute gemeinsam in den Wald und zurück nach. " * 3) == pytest.approx(
        10 + 100 * 3 / 30
    )


def test_harder_text_has_a_higher_level() -> None:
    hard = KNOWN["en"] + " Everyone has duties to the community in which the free development is possible."
    assert flesch_kincaid(hard) > flesch_kincaid(CAT) + 5
    assert lix(hard) > lix(CAT) + 20


@pytest.mark.parametrize("formula", [flesch_kincaid, lix])
@pytest.mark.parametrize("text", ["", "Too short to tell.", KNOWN["zh"] * 3, KNOWN["ja"]])
def test_what_cannot_be_measured_is_said(formula: object, text: str) -> None:
    assert callable(formula)
    with pytest.raises(NotMeasured, match=r"\.$"):
        formula(text)


def test_the_english_formula_refuses_other_languages() -> None:
    with pytest.raises(NotMeasured, match="German"):
        flesch_kincaid(KNOWN["de"] * 2)


def test_sentences_are_split_as_people_would() -> None:
    text = "Dr. Smith came at 3.15 p.m. today. He sat down! “Why?” she asked.\n- one\n- two\n```\nx. y.\n```"
    assert sentences(text) == [
        "Dr. Smith came at 3.15 p.m.",
        "today.",
        "He sat down!",
        "“Why?”",
        "she asked.",
        "- one",
        "- two",
    ]
    assert len(sentences(KNOWN["zh"])) == 2


def test_words_of_scripts_without_spaces_and_with_signs() -> None:
    assert words("我很好") == ["我", "很", "好"]
    assert words("मैं हूँ") == ["मैं", "हूँ"]
    assert words("don't half-past naïve") == ["don't", "half-past", "naïve"]


def test_code_is_told_from_prose() -> None:
    text = "See `x = 1` and $a+b$:\n```py\nloop\n```\n| a | b |\n|---|---|\nDone."
    assert code_blocks(text) == ((("py", "loop", True)),)
    assert "x = 1" not in without_code(text)
    assert " ".join(prose(text).split()) == "See and : Done."
    assert code_blocks("```\nnever closed")[0].closed is False
    assert "never closed" in without_code("```\nnever closed")

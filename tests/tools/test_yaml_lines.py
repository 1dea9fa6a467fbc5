from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tools.faults import WrongUse
from tools.yaml_lines import LinedMap, line_of, parse, read_text, validate


def test_values_keep_the_lines_they_stand_on() -> None:
    tree = parse("a: 1\nb:\n  - x\n  - {c: yes}\n", "f.yaml")
    assert tree == {"a": 1, "b": ["x", {"c": True}]}
    assert (line_of(tree, ("a",)), line_of(tree, ("b", 1, "c")), line_of(tree, ("b", 7))) == (1, 4, 2)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: c: d", 2, "not valid YAML"),
        ("a: 1\na: 2", 2, "second time"),
        ("a: !!python/object:os.system x", 1, "cannot be read"),
        ("a: !other x", 1, "tag"),
        ("a: 1\n<<: {b: 2}", 2, "merge keys"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("x: 1\n[1, 2]: 3", 2, "key must be text"),
        ("a: 1\nb: \x00", 2, "character"),
        ("a: *nobody", 1, "not defined"),
        ("[" * 50_000, 1, "nested"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(WrongUse) as caught:
        parse(text, "f.yaml")
    assert f"f.yaml, line {line}:" in caught.value.sentence
    assert words in caught.value.sentence


def test_aliases_that_multiply_are_refused_before_they_are_walked() -> None:
    levels = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    with pytest.raises(WrongUse, match="more than"):
        parse("\n".join(levels), "bomb.yaml")


def test_an_honest_alias_is_read() -> None:
    assert parse("a: &x [1, 2]\nb: *x\n", "f.yaml") == {"a": [1, 2], "b": [1, 2]}


@given(st.text(max_size=200))
@settings(max_examples=150)
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    said = "f.yaml"
    try:
        parse(text, "f.yaml")
    except WrongUse as fault:
        said = fault.sentence
    assert said.startswith("f.yaml")


class _Inner(BaseModel):
    model_config = {"extra": "forbid"}
    colour: str


class _Outer(BaseModel):
    model_config = {"extra": "forbid"}
    inner: list[_Inner]


def test_a_misspelt_key_is_explained_and_not_the_missing_one_beside_it() -> None:
    tree = parse("inner:\n  - colour: red\n  - color: blue\n", "f.yaml")
    with pytest.raises(WrongUse) as caught:
        validate(_Outer, tree, "f.yaml")
    assert caught.value.sentence == 'f.yaml, line 3: the key "color" is not known here.'
    assert caught.value.next_step == 'Did you mean "colour"?'


def test_a_wrong_type_names_its_line() -> None:
    with pytest.raises(WrongUse, match=r'line 2: "colour" must be text'):
        validate(_Outer, parse("inner:\n  - colour: 3\n", "f.yaml"), "f.yaml")


def test_files_that_are_no_text_are_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(WrongUse, match="line 2: this is not UTF-8"):
        read_text(latin)
    with pytest.raises(WrongUse, match="cannot be read"):
        read_text(tmp_path / "nowhere.yaml")
    big = tmp_path / "big.yaml"
    big.write_bytes(b"x" * 101)
    with pytest.raises(WrongUse, match="larger"):
        read_text(big, max_bytes=100)


def test_a_mapping_is_a_dict() -> None:
    assert isinstance(parse("a: 1", "f"), LinedMap)
    assert parse("", "f") is None

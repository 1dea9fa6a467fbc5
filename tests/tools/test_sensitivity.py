"""Other weights: who else would win, and under which change."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.candidate_records import candidate, claim, fact, request
from tools.candidates import Claim, ClaimKind, Quality
from tools.facts import Fact, Factor
from tools.rating import WEIGHTS
from tools.sensitivity import Sensitivity, try_weights
from tools.table import ComparisonTable, build_table

TODAY = date(2026, 9, 1)


def table(facts: list[Fact], claims: list[Claim], *keys: str) -> ComparisonTable:
    who = [candidate(key, key, family="x") for key in keys]
    return build_table(request(), who, facts, claims, today=TODAY)


def tried(shown: ComparisonTable) -> Sensitivity:
    return try_weights(shown.rows[0], shown.rows)


def on_the_edge() -> ComparisonTable:
    """``b/old`` leads by evidence, ``a/new`` is the newer one."""
    facts = [
        fact("a/new", Factor.RELEASE_DATE, "2026-09-01"),
        fact("b/old", Factor.RELEASE_DATE, "2024-07-01"),
    ]
    claims = [
        claim(key="a/new", kind=ClaimKind.STUDY, quality=Quality.REVIEWED),
        *(
            claim(
                key="b/old",
                kind=ClaimKind.STUDY,
                quality=Quality.REVIEWED,
                url=f"https://s{n}.example/",
                quote=f"Study {n}.",
            )
            for n in range(6)
        ),
    ]
    return table(facts, claims, "a/new", "b/old")


def test_every_weight_alone_and_every_corner_is_tried() -> None:
    shown = table([], [claim(key="a/one")], "a/one")
    found = tried(shown)
    assert found.tried == 2 * len(WEIGHTS) + 2 ** len(WEIGHTS) == 24
    assert found.held == 24
    assert found.robust
    assert "stays first under all 24" in found.sentence


def test_a_rival_is_named_with_the_change() -> None:
    found = tried(on_the_edge())
    assert not found.robust
    assert [rival.key for rival in found.rivals] == ["a/new"]
    assert found.held + len(found.rivals[0].changes) == found.tried
    assert "a/new would win with" in found.sentence
    assert "±20%" in found.sentence


def test_a_clear_lead_survives() -> None:
    facts = [
        fact("a/chat", Factor.ARCHITECTURE_FOCUS, "chat"),
        fact("b/reasoning", Factor.ARCHITECTURE_FOCUS, "reasoning"),
    ]
    assert tried(
        table(facts, [claim(key="a/chat"), claim(key="b/reasoning")], "a/chat", "b/reasoning")
    ).robust


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["chat", "reasoning", "code"]),
            st.sampled_from(["2023-01-01", "2025-03-01", "2026-08-01"]),
            st.integers(1, 4),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_holds_and_what_does_not_add_up(models: list[tuple[str, str, int]]) -> None:
    keys = [f"m/{n}" for n in range(len(models))]
    facts, claims = [], []
    for key, (focus, released, count) in zip(keys, models, strict=True):
        facts += [fact(key, Factor.ARCHITECTURE_FOCUS, focus), fact(key, Factor.RELEASE_DATE, released)]
        claims += [claim(key=key, url=f"https://{n}.example/", quote=f"{n}") for n in range(count)]
    shown = table(facts, claims, *keys)
    found = tried(shown)
    assert found.held + sum(len(rival.changes) for rival in found.rivals) == found.tried
    assert shown.rows[0].key not in {rival.key for rival in found.rivals}
    assert found == tried(shown)

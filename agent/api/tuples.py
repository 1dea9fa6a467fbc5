"""What the lists of numbers mean that stand in answers: their places have names here, and are read by them.

Named tuples of the tools go over the wire as lists, as they are stored and exported too; a schema made from
them alone has places without a word. :mod:`agent.api.shapes` is for answers that are new.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class _Told(NamedTuple):
    sentence: str
    places: tuple[str, ...]
    example: list[Any]


_LOW, _HIGH = "`low`, the lower end.", "`high`, the upper end; never less than `low`."
TUPLES: Final = {
    "tools__statistics__Interval": _Told(
        "An interval as a list of two numbers, `[low, high]`, at a confidence of 95 %. Of a pass rate or a "
        "share both lie in 0 to 1 and the method is Wilson's score interval; of a difference between two "
        "pass rates they lie in −1 to 1 and the method is Newcombe's number 10, for paired answers. The "
        "field that holds it says of what it is.",
        (_LOW, _HIGH),
        [0.4927, 0.7533],
    ),
    "ClusteredInterval": _Told(
        "The interval of a pass rate for a fresh draw of topics, `[low, high, clusters, design_effect, "
        "effective_n]`: Wilson's at 95 %, of as many independent answers as these are worth.",
        (
            _LOW,
            _HIGH,
            "`clusters`, topics with at least one answer.",
            "`design_effect`, the variance of the rate over that of independent answers; 1 where unknown.",
            "`effective_n`, independent answers that these are worth.",
        ),
        [0.47, 0.77, 10, 1.2, 41.0],
    ),
    "BandProbabilities": _Told(
        "Posterior probabilities (Jeffreys prior) that the true pass rate lies in each band of the decision, "
        "`[below, between, above]`; they sum to 1.",
        (
            "`below` the lower threshold, 0.5.",
            "`between` the two thresholds.",
            "`above`: at the upper threshold, 0.7, or over it.",
        ),
        [0.03, 0.83, 0.14],
    ),
    "CorrectedRate": _Told(
        "A pass rate corrected for the judge's errors by a person's labels, `[rate, interval]`; the "
        "interval, at 95 %, holds the uncertainty of both.",
        ("`rate`, 0 to 1.", "`interval` of the rate, `[low, high]`."),
        [0.58, [0.41, 0.75]],
    ),
    "Share": _Told(
        "A share among the labelled answers, `[value, interval, n]`.",
        (
            "`value`, 0 to 1.",
            "`interval`, `[low, high]`: Wilson's at 95 %.",
            "`n`, the answers that it is a share of.",
        ),
        [0.9, [0.7, 0.97], 20],
    ),
    "Agreement": _Told(
        "A coefficient of agreement, `[value, interval, n, observed]`: 1 is full agreement, 0 is what chance "
        "gives.",
        (
            "`value`; null where it has no meaning.",
            "`interval`, `[low, high]` at 95 %; null where the ratings cannot tell.",
            "`n`, pairs, or units with at least two ratings.",
            "`observed`, the share of pairs that agree, 0 to 1.",
        ),
        [0.62, [0.38, 0.86], 40, 0.85],
    ),
}
"""By the name of the component in the schema."""

FIELDS: Final = {
    (
        "Decision",
        "interval",
    ): "Of `pass_rate`: `[low, high]`, Wilson's at 95 %; null if nothing was measured.",
    ("PairedComparison", "interval"): "Of `difference`: `[low, high]`, Newcombe's method 10 at 95 %.",
    (
        "Calibration",
        "raw_interval",
    ): "Of `raw_rate`: `[low, high]`, Wilson's at 95 %; it knows no judge's errors.",
}
"""What an interval is of: component and field → a sentence."""


def describe(schemas: dict[str, Any]) -> None:
    """Put words, names of places and examples into the components of an OpenAPI schema."""
    for name, told in TUPLES.items():
        if (component := schemas.get(name)) is None:
            continue
        component |= {"description": told.sentence, "examples": [told.example]}
        component["prefixItems"] = [
            {**item, "description": place}
            for item, place in zip(component["prefixItems"], told.places, strict=True)
        ]
    for (name, field), sentence in FIELDS.items():
        properties = schemas.get(name, {}).get("properties", {})
        if field in properties:
            properties[field]["description"] = sentence

"""When two values of a factor say the same thing. Pure; every comparison is symmetric and reflexive."""

from __future__ import annotations

Value = str | int | float | bool

SLACK = 0.02
"""Share by which two counts may differ and still agree."""
COARSEST = 0.1
"""A rounded count is believed within half of this share of itself: ``1.5B`` is 1,543,714,304."""
SMALLEST_DIGIT = 1_000_000
"""A count with a last digit below this is exact, and not another one rounded."""
TOPICS = frozenset({"code", "mathematics", "domain fine-tune"})
"""What a model was trained for, beside the manner in which it answers."""


def same_count(one: Value, other: Value) -> bool:
    """Parameters: within 2 %, or one is the other rounded to the digits that it has."""
    first, second = _number(one), _number(other)
    if first is None or second is None:
        return one == other
    if abs(first - second) <= SLACK * max(abs(first), abs(second)):
        return True
    return _rounds_to(first, second) or _rounds_to(second, first)


def _rounds_to(coarse: float, exact: float) -> bool:
    digit = 1
    while digit < 10**12 and coarse and coarse % (digit * 10) == 0:
        digit *= 10
    return digit >= SMALLEST_DIGIT and abs(exact - coarse) <= min(digit, COARSEST * coarse) / 2


def same_length(one: Value, other: Value) -> bool:
    """Tokens: 128k is 128,000 to some and 131,072 to others; 1M likewise."""
    first, second = sorted((_number(one) or 0, _number(other) or 0))
    return one == other or any(
        first > 0 and first % thousand == 0 and first // thousand * power == second
        for thousand, power in ((1000, 1024), (1_000_000, 1024 * 1024))
    )


def same_licence(one: Value, other: Value) -> bool:
    """Licences under any of their names: ``apache-2.0``, ``Apache License 2.0``."""
    from tools.knowledge.licence_terms import folded
    from tools.knowledge.loader import licences

    first, second = licences().find(str(one)), licences().find(str(other))
    return first == second if first or second else folded(str(one)) == folded(str(other))


def same_day(one: Value, other: Value) -> bool:
    """Dates as far as both are told: ``2025-04`` agrees with ``2025-04-29``."""
    first, second = sorted((str(one)[:10], str(other)[:10]), key=len)
    return bool(first) and second.startswith(first)


def same_list(one: Value, other: Value) -> bool:
    """Lists in one text, whatever their order: ``en, de``."""
    return _entries(one) == _entries(other)


def same_focus(one: Value, other: Value) -> bool:
    """A code model also chats, and may think: only two manners or two topics contradict each other. A base
    model does neither."""
    if one == other or "base" in {one, other}:
        return one == other
    return (one in TOPICS) != (other in TOPICS) or (
        "chat" in {one, other} and "reasoning" not in {one, other}
    )


def same_name(one: Value, other: Value) -> bool:
    return str(one).casefold() == str(other).casefold()


def _number(value: Value) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _entries(value: Value) -> frozenset[str]:
    return frozenset(entry.strip().casefold() for entry in str(value).split(",") if entry.strip())

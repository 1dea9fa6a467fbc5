"""YAML that remembers its lines, so that an error in a person's file names the place.

Built from PyYAML's event stream instead of its composer: nesting, size and alias expansion ("billion laughs")
are bounded while the text is read, and tags never construct anything but plain values.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from tools.faults import WrongUse
from tools.whole_files import open_file

MAX_BYTES = 2_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 24
MAX_PLAIN = 100
"""Characters of a number or a date; working out ``1:1:1…`` (base 60) takes time with the square of them."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Record = TypeVar("_Record", bound=BaseModel)
Location = Sequence[str | int]


class LinedMap(dict[str, Any]):
    """A mapping with the line (from 1) of itself and of each key."""

    line: int = 1

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str | int, int] = {}


class LinedList(list[Any]):
    """A sequence with the line (from 1) of itself and of each item."""

    line: int = 1

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str | int, int] = {}


def wrong(name: str, line: int, sentence: str, next_step: str = "") -> NoReturn:
    """Raise :class:`WrongUse` that names the file and the line."""
    raise WrongUse(f"{name}, line {line}: {sentence}", next_step)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean "x"?`` when a known word is close; else the known words in a sentence."""
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known here: {', '.join(words)}." if words else ""


def read_text(path: str | Path, max_bytes: int = MAX_BYTES) -> str:
    """The text of a small UTF-8 file of a person's; :class:`WrongUse` when it is not one."""
    file = Path(path)
    try:
        with open_file(file) as stream:
            raw = stream.read(max_bytes + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise WrongUse(f"{file.name} cannot be read: {reason}.", "Check the path.") from error
    if len(raw) > max_bytes:
        raise WrongUse(
            f"{file.name} is larger than {max_bytes:,} bytes.", "Is it the right file? Split it if it is."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        wrong(file.name, line, "this is not UTF-8 text.", "Save the file as UTF-8.")


def parse(text: str, name: str) -> Any:
    """The values of one YAML document, mappings as :class:`LinedMap`, sequences as :class:`LinedList`.

    Raises :class:`WrongUse` naming ``name`` and the line for syntax errors, duplicate or non-text keys, tags,
    merge keys, several documents, and anything beyond the limits above.
    """
    if len(text) > MAX_BYTES:
        raise WrongUse(f"{name} is larger than {MAX_BYTES:,} characters.", "Is it the right file?")
    try:
        return _Builder(name).build(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        wrong(
            name, mark.line + 1 if mark else 1, f"this is not valid YAML: {error.problem or error.context}."
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        wrong(name, line, "there is a character that YAML does not allow.")


class _Builder:
    """Turns events into values, iteratively, so that no nesting can exhaust the stack."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values = 0
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.scalars: Any = yaml.SafeLoader("")

    def build(self, events: Iterable[Any]) -> Any:
        root: list[Any] = []
        stack: list[_Open] = []
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent) and root:
                wrong(self.name, line, "a second document starts here; one is read.", "Remove the '---'.")
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if len(stack) >= MAX_DEPTH:
                    wrong(self.name, line, f"this is nested more than {MAX_DEPTH} levels deep.")
                mapping = isinstance(event, yaml.MappingStartEvent)
                if event.tag is not None and event.tag.removeprefix("tag:yaml.org,2002:") not in {
                    "map",
                    "seq",
                }:
                    wrong(self.name, line, f"the tag {event.tag} is not read.", "Remove it.")
                stack.append(_Open(LinedMap(line) if mapping else LinedList(line), event.anchor, self.values))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                done = stack.pop()
                self._finish(done.value, done.anchor, self.values - done.before, done.value.line, stack, root)
            elif isinstance(event, yaml.ScalarEvent):
                as_key = bool(stack) and stack[-1].expects_key
                value = event.value if as_key else self._scalar(event, line)
                self._finish(value, event.anchor, 0, line, stack, root)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in self.anchors:
                    wrong(self.name, line, f"the alias *{event.anchor} is not defined before this line.")
                value, size = self.anchors[event.anchor]
                self.values += size
                self._finish(value, None, 0, line, stack, root)
        return root[0] if root else None

    def _finish(
        self, value: Any, anchor: str | None, size: int, line: int, stack: list[_Open], root: list[Any]
    ) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            wrong(self.name, line, f"there are more than {MAX_VALUES:,} values, aliases counted out.")
        if anchor:
            self.anchors[anchor] = (value, size + 1)
        if not stack:
            root.append(value)
            return
        parent = stack[-1]
        if isinstance(parent.value, LinedList):
            parent.value.lines[len(parent.value)] = line
            parent.value.append(value)
        elif parent.expects_key:
            self._check_key(value, parent.value, line)
            parent.key = value
        else:
            parent.value[str(parent.key)] = value
            parent.key = None

    def _check_key(self, key: Any, into: LinedMap, line: int) -> None:
        if not isinstance(key, str):
            wrong(self.name, line, "a key must be text.")
        if key == "<<":
            wrong(self.name, line, "merge keys (<<) are not read.", "Write the values out.")
        if key in into.lines:
            wrong(self.name, line, f'the key "{key}" stands here a second time.')
        into.lines[key] = line

    def _refuse_tag(self, event: Any, line: int) -> None:
        if event.tag is not None and not event.tag.startswith("tag:yaml.org,2002:"):
            wrong(self.name, line, f"the tag {event.tag} is not read.", "Remove it.")

    def _scalar(self, event: Any, line: int) -> Any:
        self._refuse_tag(event, line)
        tag = event.tag or self.scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
        if len(event.value) > MAX_PLAIN and tag != "tag:yaml.org,2002:str":
            wrong(self.name, line, f"{event.value[:60]!r} … is no number.", "Put it in quotes if it is text.")
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            return self.scalars.construct_object(node)
        except (ValueError, TypeError, yaml.YAMLError):
            wrong(self.name, line, f"{event.value[:60]!r} cannot be read.", "Put it in quotes if it is text.")


class _Open:
    """A collection that has begun and not ended."""

    __slots__ = ("anchor", "before", "key", "value")

    def __init__(self, value: LinedMap | LinedList, anchor: str | None, before: int) -> None:
        self.value, self.anchor, self.before = value, anchor, before
        self.key: str | None = None

    @property
    def expects_key(self) -> bool:
        return isinstance(self.value, LinedMap) and self.key is None


def line_of(tree: Any, location: Location) -> int:
    """The line of the deepest part of ``location`` that exists in ``tree``."""
    line: int = getattr(tree, "line", 1)
    for step in location:
        if not isinstance(tree, LinedMap | LinedList) or step not in tree.lines:
            break
        line = tree.lines[step]
        tree = tree[step]  # type: ignore[index]
    return line


def validate(model: type[_Record], tree: Any, name: str) -> _Record:
    """``tree`` as a record of ``model``; the first thing wrong becomes :class:`WrongUse` with its line."""
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        # An unknown key explains the missing one beside it, not the other way round.
        found = error.errors(include_url=False)
        first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])
        location = [step for step in first["loc"] if step != "[key]"]
        if first["type"].startswith("union_tag"):
            location.append(first["ctx"]["discriminator"].strip("'"))
        sentence, step = _explain(model, first["type"], location, first["msg"], first.get("ctx", {}))
        wrong(name, line_of(tree, location), sentence, step)


_PLAIN = {
    "string_type": ("must be text", "Put it in quotes."),
    "string_too_short": ("must not be empty", ""),
    "too_short": ("must not be empty", ""),
    "list_type": ("must be a list", ""),
    "tuple_type": ("must be a list", ""),
    "float_type": ("must be a number", ""),
    "float_parsing": ("must be a number", ""),
    "int_type": ("must be a whole number", ""),
    "int_parsing": ("must be a whole number", ""),
    "int_from_float": ("must be a whole number", ""),
    "bool_type": ("must be true or false", ""),
    "bool_parsing": ("must be true or false", ""),
}
"""What is wrong with a value, by pydantic's name of it, and what to do."""
_MAPPING = frozenset({"dict_type", "model_type", "model_attributes_type", "mapping_type"})


def _explain(
    model: type[BaseModel], kind: str, location: Location, message: str, told: Mapping[str, Any]
) -> tuple[str, str]:
    words = [str(step) for step in location if not isinstance(step, int)]
    last = words[-1] if words else "the file"
    if kind == "extra_forbidden":
        return f'the key "{last}" is not known here.', did_you_mean(last, _fields_at(model, location[:-1]))
    if kind in {"missing", "union_tag_not_found"}:
        return f'"{last}" is missing.', ""
    if kind == "union_tag_invalid":
        tags = [tag.strip(" '") for tag in told["expected_tags"].split(",")]
        kind = " ".join(words[-2:])
        return f'the {kind} "{told["tag"][:60]}" is not known here.', did_you_mean(told["tag"], tags)
    if kind in _MAPPING:
        fields = _fields_at(model, location)
        known = f"Known in it: {', '.join(fields)}." if kind.startswith("model") else ""
        return f'"{last}" must be a mapping, "key: value".', known
    if kind in {"string_too_long", "too_long"}:
        unit = "characters" if kind.startswith("string") else "entries"
        return f'"{last}" must not have more than {told["max_length"]:,} {unit}.', ""
    if kind in _PLAIN:
        said, step = _PLAIN[kind]
        return f'"{last}" {said}.', step
    text = message.removeprefix("Value error, ").replace("Input should", "it should").rstrip(".")
    return f'"{last}": {text}.', ""


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """Field names of the record that ``location`` leads to; records are found inside containers too."""
    current: type[BaseModel] | None = model
    for step in location:
        if current is not None and isinstance(step, str) and step in current.model_fields:
            current = _record_in(current.model_fields[step].annotation, location)
    return list(current.model_fields) if current is not None else []


def _record_in(annotation: Any, location: Location) -> type[BaseModel] | None:
    """The record in an annotation; of several, told apart by ``type``, the one that ``location`` names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        kind = annotation.model_fields.get("type")
        tags = getattr(kind.annotation, "__args__", ()) if kind is not None else ()
        return annotation if not tags or set(tags) & set(location) else None
    for part in getattr(annotation, "__args__", ()):
        found = _record_in(part, location)
        if found is not None:
            return found
    return None

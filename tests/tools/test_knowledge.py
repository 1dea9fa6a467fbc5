"""The knowledge files are whole, agree with each other, and say where they are wrong."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from tools import yaml_lines
from tools.faults import WrongUse
from tools.identity import RepoKind, family_of
from tools.knowledge.domains import Domains, Focus, Liking, parse_focus, phrase_in
from tools.knowledge.families import Families
from tools.knowledge.licence_terms import Licences
from tools.knowledge.loader import domains, families, intake_words, knowledge_text, licences, load_yaml
from tools.knowledge.naming import naming

EXPECTED_FAMILIES = [
    "qwen2.5",
    "qwen3",
    "qwen3-2507",
    "qwen3.5",
    "llama3.1",
    "llama3.2",
    "mistral",
    "zephyr",
    "openchat",
    "ministral",
    "mistral-nemo",
    "gemma2",
    "gemma3",
    "gemma4",
    "phi4",
    "deepseek-r1",
    "glm",
    "olmo",
    "granite",
    "smollm",
    "falcon",
    "nemotron",
    "exaone",
    "minicpm",
    "command-r",
    "aya",
    "apertus",
    "internlm",
    "yi",
    "hermes",
    "stablelm",
    "lfm",
    *(
        "gemma3n",
        "hunyuan",
        "ling",
        "seed",
        "ernie",
        "kimi",
        "eurollm",
        "teuken",
        "salamandra",
        "bielik",
        "tulu",
    ),
    *(
        "dolphin",
        "baichuan",
        "jamba",
        "reka",
        "mimo",
        "gpt-oss",
        "arcee",
        "rnj",
        "marin",
        "jais",
        "zamba",
        "solar",
    ),
]


@pytest.mark.parametrize("key", EXPECTED_FAMILIES)
def test_every_family_that_people_ask_for_is_there(key: str) -> None:
    family = families().get(key)
    assert family is not None
    assert family.orgs


def test_members_are_found_by_repository_tag_and_reupload() -> None:
    known = families()
    for name in ("Qwen/Qwen3-8B", "qwen/qwen3-8b", "qwen3:8b", "unsloth/Qwen3-8B-GGUF", "Qwen3-8B"):
        member = known.member(name)
        assert member is not None, name
        assert member.repo == "Qwen/Qwen3-8B"
    assert known.member("nobody/nothing") is None


def test_the_tag_that_changed_its_model_points_at_the_new_one() -> None:
    member = families().member("deepseek-r1:8b")
    assert member is not None
    assert member.repo == "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"
    llama = families().member("deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    assert llama is not None
    assert llama.ollama_tag is None


def test_a_nominal_size_is_the_one_in_the_name() -> None:
    for family in families().families:
        for member in family.members:
            found = re.search(r"(?<![\w.])E?(\d+(?:\.\d+)?)B", member.name)
            assert found is None or float(found.group(1)) == member.size, member.name


FAMILIES_OF = [
    ("Qwen/Qwen3-4B-Instruct-2507", "qwen3-2507", {"qwen", "alibaba"}),
    ("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "llama3.1", {"llama", "meta"}),
    ("ollama:qwen2.5:7b", "qwen2.5", {"qwen", "alibaba"}),
    ("openai:gpt-5-mini", "gpt", {"gpt", "openai"}),
    ("hf.co/unsloth/gemma-3-4b-it-GGUF:Q4_K_M", "gemma3", {"gemma", "google"}),
    ("unsloth/DeepSeek-R1-Distill-Llama-8B-GGUF", "deepseek-r1", {"deepseek", "llama"}),
    ("CohereLabs/c4ai-command-r7b-12-2024", "command-r", {"command-r", "cohere"}),
    ("openai/gpt-oss-20b", "gpt-oss", {"gpt", "openai"}),
    ("allenai/Llama-3.1-Tulu-3-8B", "tulu", {"llama", "allenai"}),
    ("Dolphin3.0-Llama3.2-3B-GGUF", "dolphin", {"llama", "dphn"}),
    ("phind-something", None, set()),
    ("orange-7b", None, set()),
    ("Verdugie/Fable-Therapy-9B", None, set()),
    ("", None, set()),
]


@pytest.mark.parametrize(("model", "family", "lineages"), FAMILIES_OF)
def test_family_and_lineages(model: str, family: str | None, lineages: set[str]) -> None:
    found = families().of(model)
    assert (found.key if found else None) == family
    assert families().lineages(model) == lineages


RELATED = [
    ("qwen2.5:7b", "Qwen/Qwen3-8B", True),
    ("deepseek-r1:8b", "qwen3:8b", True),
    ("deepseek-ai/DeepSeek-V3", "deepseek-r1:8b", True),
    ("hermes3:8b", "llama3.1:8b", True),
    ("aya-expanse:8b", "command-r7b:7b", True),
    ("llama3.1:8b", "qwen3:8b", False),
    ("unknown-model", "other-model", False),
]


@pytest.mark.parametrize(("one", "other", "related"), RELATED)
def test_judges_and_candidates_that_are_related(one: str, other: str, related: bool) -> None:
    assert families().related(one, other) is related
    assert families().related(other, one) is related


def test_patterns_give_the_same_family_as_aliases() -> None:
    patterns = families().patterns()
    for family in families().families:
        for member in family.members:
            assert family_of(member.repo, patterns) == family.key, member.repo


def test_every_domain_has_every_preference_and_a_prompt() -> None:
    for listed in domains().domains:
        domain = domains().get(listed.key)
        assert domain is not None
        assert set(domain.preferences) == set(Focus)
        assert all(preference.why.endswith(".") for preference in domain.preferences.values())
        assert len(domain.system_prompt) > 80


def test_domains_know_what_their_work_asks() -> None:
    therapy, maths = domains().get("therapy-coaching"), domains().get("mathematics")
    assert therapy is not None
    assert maths is not None
    assert therapy.preferences[Focus.REASONING].liking is Liking.AVOID
    assert therapy.plain_reply
    assert "medical" in therapy.licence_watch
    assert maths.preferences[Focus.CHAT].liking is Liking.AVOID
    assert maths.preferences[Focus.REASONING].liking is Liking.PREFER
    assert not maths.plain_reply


def test_starter_files_named_by_domains_exist() -> None:
    for domain in domains().domains:
        if domain.taxonomy is not None:
            assert knowledge_text(domain.taxonomy)


def test_subjects_watched_are_subjects_of_clauses() -> None:
    touched = {
        subject for terms in licences().licences for clause in terms.clauses for subject in clause.touches
    }
    watched = {subject for domain in domains().domains for subject in domain.licence_watch}
    assert watched <= touched


@pytest.mark.parametrize("name", ["wine tasting", "§§", "   ", "Ölfarben " * 40, "🙂"])
def test_a_free_domain_never_fails(name: str) -> None:
    domain = domains().free(name)
    assert not domain.known
    assert set(domain.preferences) == set(Focus)
    assert domain.title in domain.system_prompt
    assert domains().named(None, name) == domain


def test_a_key_names_the_known_domain() -> None:
    assert domains().named("coding", "whatever").title == "coding"
    assert domains().named("no-such-key", "wine").title == "wine"


FOCUSES = [
    ("hybrid (enable_thinking switch)", Focus.HYBRID),
    ("hybrid + vision", Focus.HYBRID),
    ("chat (non-thinking only)", Focus.CHAT),
    ("chat + vision", Focus.CHAT),
    ("reasoning only", Focus.REASONING),
    ("code", Focus.CODE),
    ("coding instruct", Focus.CODE),
    ("mathematics", Focus.MATHEMATICS),
    ("base", Focus.BASE),
    ("pretrained", Focus.BASE),
    ("domain fine-tune: medical", Focus.DOMAIN_FINE_TUNE),
    ("banana", None),
]


@pytest.mark.parametrize(("words", "focus"), FOCUSES)
def test_words_for_focus(words: str, focus: Focus | None) -> None:
    assert parse_focus(words) is focus


@pytest.mark.parametrize("focus", list(Focus))
def test_every_focus_names_itself(focus: Focus) -> None:
    assert parse_focus(focus.value) is focus


def test_phrases_stand_as_whole_words() -> None:
    assert phrase_in("customer support", "our Customer-Support desk")
    assert phrase_in("legal q&a", "for Legal Q&A.")
    assert not phrase_in("law", "lawn care")
    assert not phrase_in("", "anything")


def test_intake_words_are_text() -> None:
    assert intake_words().languages["no"] == ("norwegian", "norsk")
    assert "on" in intake_words().stop_words


class Note(BaseModel):
    title: str


def test_a_missing_file_is_named() -> None:
    with pytest.raises(WrongUse, match=r"no-such\.yaml"):
        load_yaml("no-such", Note)
    with pytest.raises(WrongUse, match="no knowledge file"):
        knowledge_text("../loader.py")


WRONG = [
    (
        Families,
        "families:\n  - key: a\n    name: A\n    lineage: a\n    maker: a\n    orgs: [A]\n",
        2,
        "aliases",
    ),
    (Licences, "licences:\n  - {key: x, display: X, commercial: maybe, sources: [s]}\n", 2, "commercial"),
    (Domains, "default_system_prompt: An assistant for {domain}, short.\n", 1, "default_preferences"),
]


@pytest.mark.parametrize(("model", "text", "line", "path"), WRONG)
def test_errors_name_file_line_and_field(model: type[BaseModel], text: str, line: int, path: str) -> None:
    with pytest.raises(WrongUse, match=rf"some\.yaml, line {line}: .*{path}"):
        yaml_lines.validate(model, yaml_lines.parse(text, "some.yaml"), "some.yaml")


def test_words_of_names_are_expressions_and_kinds_exist() -> None:
    known = naming()
    assert {RepoKind(kind) for kind in known.kinds} >= {RepoKind.GUARD, RepoKind.DRAFT_HEAD, RepoKind.MERGE}
    assert "thebloke" in known.quantisers
    with pytest.raises(ValueError, match="no regular expression"):
        known.model_validate(known.model_dump() | {"packaging": ("(",)})


def test_every_tag_hint_means_its_own_model() -> None:
    for family in families().families:
        for member in family.members:
            if member.ollama_tag is not None:
                assert families().member(member.ollama_tag) == member


def test_a_repository_in_two_families_is_refused() -> None:
    family = {"name": "A", "lineage": "a", "maker": "a", "orgs": ["A"]}
    member = {"name": "A 1B", "repo": "a/a-1b", "size": 1}
    with pytest.raises(ValueError, match="repository named twice: a/a-1b"):
        Families.model_validate(
            {
                "families": [
                    {**family, "key": "a", "aliases": ["a"], "members": [member]},
                    {**family, "key": "b", "aliases": ["b"], "members": [member]},
                ]
            }
        )

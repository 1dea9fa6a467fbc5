"""Proof of an Ollama tag, over real loopback HTTP."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from tests.standins.http_server import Answered, StandIn, as_json
from tests.standins.registry_server import RegistryServer, TagFixture
from tests.standins.world import RoutingBackend, World
from tools.clock import FixedClock
from tools.extraction import facts_from_tag
from tools.facts import Factor, SourceKind
from tools.outcomes import Blocked, Empty, Failed, FailReason, Found
from tools.registry import TagName, licence_name, parse_tag, prove_tag
from tools.web.client import HttpWeb

CLOCK = FixedClock(datetime(2026, 6, 1, tzinfo=UTC))
CONFIG = {
    "model_format": "gguf",
    "model_family": "qwen3",
    "model_type": "8.2B",
    "file_type": "Q4_K_M",
    "context_length": 40960,
    "architecture": "amd64",
    "capabilities": ["completion", "thinking", 7],
}
FIXTURE = TagFixture(
    5_225_374_496, "sha256:" + "a3" * 32, 5_225_388_164, CONFIG, "\n  Apache License\nVersion 2.0\n"
)


async def prove(server: StandIn, tag: str = "qwen3:8b"):
    async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
        return await prove_tag(web, tag, registry_url=server.address)


@pytest.mark.parametrize("redirect", [None, ""])
async def test_a_tag_is_proved_by_three_small_requests(redirect):
    with RegistryServer({"qwen3:8b": FIXTURE}, redirect_to=redirect) as server:
        outcome = await prove(server)
        manifest = server.manifests["qwen3", "8b"]
        blobs = [asked for asked in server.asked if "/v2/library/qwen3/blobs/" in asked.path]
        assert "docker.distribution.manifest" in server.asked[0].headers["accept"]
    assert len(blobs) == 2
    assert isinstance(outcome, Found)
    proof = outcome.value
    assert proof.digest == "sha256:" + hashlib.sha256(manifest).hexdigest()
    assert (proof.total_bytes, proof.model_bytes) == (5_225_388_164, 5_225_374_496)
    assert (proof.quantization, proof.parameters, proof.context_length) == ("Q4_K_M", "8.2B", 40960)
    assert (proof.architecture, proof.capabilities) == ("qwen3", ("completion", "thinking"))
    assert proof.licence == "Apache License Version 2.0"
    assert proof.warnings == ()
    facts = {fact.factor: fact for fact in facts_from_tag(proof, "Qwen/Qwen3-8B")}
    assert facts[Factor.OLLAMA_BYTES].value == 5_225_388_164
    assert facts[Factor.OLLAMA_QUANTIZATION].source.kind is SourceKind.ARTEFACT
    assert facts[Factor.LICENCE].value == "apache-2.0"
    assert proof.licence_text_hash
    assert proof.licence_text_hash in facts[Factor.LICENCE].note
    assert facts[Factor.CONTEXT_NATIVE].value == 40960
    assert "room for prompt and answer" in facts[Factor.CONTEXT_NATIVE].note


async def test_a_tag_that_is_not_there_is_empty():
    with RegistryServer({}) as server:
        assert isinstance(await prove(server), Empty)


async def test_a_blob_that_is_not_what_the_manifest_says_is_left_out():
    with RegistryServer({"qwen3:8b": FIXTURE}) as server:
        for digest in server.blobs:
            server.blobs[digest] = b'{"file_type": "Q2_K"}'
        outcome = await prove(server)
    assert isinstance(outcome, Found)
    assert (outcome.value.quantization, outcome.value.licence) == (None, None)
    assert len(outcome.value.warnings) == 2


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"no", b'{"config": {"mediaType": "x", "digest": "sha256:zz", "size": 1}, "layers": []}'],
)
async def test_a_manifest_that_is_none_is_a_failure(body):
    with StandIn(lambda _: Answered(body, content_type="application/json")) as server:
        outcome = await prove(server)
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.BAD_REPLY


async def test_a_cloud_tag_without_weights_and_a_block():
    layer = {"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1}
    with StandIn(lambda _: as_json({"config": layer, "layers": [layer]})) as server:
        assert isinstance(await prove(server), Failed)
    with StandIn(lambda _: Answered(b"", 429)) as server:
        assert isinstance(await prove(server), Blocked)


@pytest.mark.parametrize(
    ("tag", "parsed"),
    [
        ("qwen3:8b", TagName("library", "qwen3", "8b")),
        ("olmo-3:7b-instruct-q4_K_M", TagName("library", "olmo-3", "7b-instruct-q4_K_M")),
        ("someone/model", TagName("someone", "model", "latest")),
        ("a/b/c", None),
        ("../x:y", None),
        ("qwen3:8b\n", None),
        ("qwen3:", None),
        ("", None),
    ],
)
def test_tag_grammar(tag, parsed):
    assert parse_tag(tag) == parsed


async def test_the_world_proves_a_real_size_over_the_public_addresses():
    with World() as world:
        async with HttpWeb(CLOCK, network_backend=RoutingBackend(world)) as web:
            outcome = await prove_tag(web, "deepseek-r1:8b")
    assert isinstance(outcome, Found)
    assert outcome.value.total_bytes == 5_225_376_047
    assert outcome.value.warnings == ()
    assert "cdn.ollama.example" in str(outcome.value.config and outcome.value.config.final_url)


def test_a_licences_name_is_bounded():
    assert len(licence_name("x" * 5000)) == 200
    assert licence_name("\n\n") == ""

"""The Ollama registry: manifests and blobs; blobs may be redirected to another host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.standins.http_server import Answered, Asked, Manner, StandIn, as_json

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
IMAGE = "application/vnd.ollama.image."


class TagFixture(NamedTuple):
    """What a tag's manifest is made from. Weights are a digest and a size; the rest is real bytes."""

    model_bytes: int
    model_digest: str
    total_bytes: int
    config: dict[str, Any]
    licence: str


class RegistryServer(StandIn):
    """Serves ``tags`` (``model:tag`` to fixture). ``redirect_to`` sends blobs there with 307."""

    def __init__(
        self,
        tags: Mapping[str, TagFixture],
        *,
        redirect_to: str | None = None,
        manner: Manner | None = None,
    ) -> None:
        super().__init__(self._answer, manner=manner)
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self._redirect_to = redirect_to
        for name, fixture in tags.items():
            model, _, tag = name.partition(":")
            self.manifests[model, tag] = self._manifest(fixture)

    def digest_of(self, name: str) -> str:
        """``sha256:…`` of a tag's manifest."""
        model, _, tag = name.partition(":")
        return _digest(self.manifests[model, tag])

    def _manifest(self, fixture: TagFixture) -> bytes:
        config = self._layer(
            "application/vnd.docker.container.image.v1+json", json.dumps(fixture.config).encode()
        )
        licence = self._layer(IMAGE + "license", fixture.licence.encode())
        rest = fixture.total_bytes - fixture.model_bytes - config["size"] - licence["size"]
        assert rest > 0, "the licence and the config are larger than the manifest says"
        weights = {"mediaType": IMAGE + "model", "digest": fixture.model_digest, "size": fixture.model_bytes}
        template = {"mediaType": IMAGE + "template", "digest": _digest(b"template"), "size": rest}
        layers = [weights, template, licence]
        return json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers},
            separators=(",", ":"),
        ).encode()

    def _layer(self, media_type: str, data: bytes) -> dict[str, Any]:
        self.blobs[_digest(data)] = data
        return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}

    def _answer(self, asked: Asked) -> Answered:
        parts = asked.path.strip("/").split("/")
        if parts[0] == "cdn" and parts[-1] in self.blobs:
            return Answered(self.blobs[parts[-1]], content_type="application/octet-stream")
        if len(parts) == 5 and parts[:2] == ["v2", "library"]:
            _, _, model, what, name = parts
            manifest = self.manifests.get((model, name))
            if what == "manifests" and manifest is not None:
                return Answered(manifest, content_type=MANIFEST)
            if what == "blobs" and name in self.blobs:
                if self._redirect_to is not None:
                    return Answered(b"", 307, headers={"Location": f"{self._redirect_to}/cdn/{name}"})
                return Answered(self.blobs[name], content_type="application/octet-stream")
        return as_json({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}, status=404)


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()

"""A listing of the Hub folded: what each repository is, what it was made from, and what stands for it.

One record alone cannot tell a copy of an unknown fine-tune from a fine-tune that is published as GGUF only, a
mirror that names no base from an original, or a maker nobody listed from a stranger. The listing can.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from tools.hub import HubModel
from tools.knowledge.loader import families
from tools.knowledge.naming import naming, whole_words
from tools.model_names import Signature, packaging_of, signature
from tools.repo_kinds import RepoKind, RepoRole, classify_repo, family_key, language_of

BUILDERS = 3
"""Owners who must build on a stranger's model before the stranger counts as a maker."""
COPIES = frozenset({RepoKind.QUANTISED, RepoKind.MIRROR})
LONGEST_CHAIN = 40


class Folded(NamedTuple):
    """One repository's place in the listing."""

    repo: str
    role: RepoRole
    into: str | None
    """Repository that stands for it in the table, in the listing or not; None where it stands for itself, or
    where nobody knows what it was made from."""
    root: str | None
    """The maker's original that its weights go back to, in the listing or not; None when unknown."""

    @property
    def viable(self) -> bool:
        """Whether it can be a candidate."""
        return self.role.kind.viable


class Folding(NamedTuple):
    """A listing, folded."""

    entries: Mapping[str, Folded]
    """By repository, in the order of the listing."""
    unseen: tuple[str, ...]
    """Originals that the listing lacks, to be looked up; those that most repositories lead to first."""

    @property
    def viable(self) -> tuple[str, ...]:
        """Repositories that can be candidates."""
        return tuple(repo for repo, entry in self.entries.items() if entry.viable)

    @property
    def counts(self) -> Counter[RepoKind]:
        """How many repositories there are of each kind; ``kind.reason`` says it in words."""
        return Counter(entry.role.kind for entry in self.entries.values())


def fold(models: Sequence[HubModel], known_orgs: Collection[str]) -> Folding:
    """Fold a listing. Pure; a repository that is listed twice counts once.

    ``known_orgs`` are owners who make models themselves. Time grows with the number of repositories alone.
    """
    listing = _Listing(models, known_orgs)
    entries = {repo: listing.folded(repo) for repo in listing.models}
    missing: Counter[str] = Counter()
    for entry in entries.values():
        missing.update({name for name in (entry.into, entry.root) if name and name not in entries})
    return Folding(entries, tuple(name for name, _ in missing.most_common()))


class _Listing:
    """Indexes over the listing; the roles get better in three passes, each of which reads the one before."""

    def __init__(self, models: Sequence[HubModel], known_orgs: Collection[str]) -> None:
        orgs = frozenset(known_orgs)
        self.orgs = frozenset(org.casefold() for org in orgs)
        self.models: dict[str, HubModel] = {}
        for model in models:
            self.models.setdefault(model.id, model)
        self.bases = {repo: model.base_models for repo, model in self.models.items()}
        self.spelt = {repo.casefold(): repo for repo in self.models}
        self.roles = {repo: classify_repo(model, known_orgs=orgs) for repo, model in self.models.items()}
        self.builders = self._builders()
        self.bearers = self._bearers(RepoKind.ORIGINAL, RepoKind.BASE_CHECKPOINT)
        self._find_makers_and_mirrors()
        self.bearers = self._bearers(*(kind for kind in RepoKind if kind not in COPIES))
        self._find_originals_of_copies()
        self._find_stages()
        self.answering = self._answering_variants()

    def _builders(self) -> dict[str, set[str]]:
        """For every repository that others tuned, the owners who did; quantisers pack whatever there is."""
        built: dict[str, set[str]] = {}
        for repo, bases in self.bases.items():
            owner = _owner(repo)
            if self.roles[repo].kind in COPIES:
                continue
            for base in bases:
                if _owner(base) != owner:
                    built.setdefault(base.casefold(), set()).add(owner)
        return built

    def _bearers(self, *kinds: RepoKind) -> dict[Signature, list[str]]:
        """Repositories of ``kinds`` by what their names say; makers' first, then the most downloaded."""
        wanted = frozenset(kinds)
        found: dict[Signature, list[str]] = {}
        for repo, role in self.roles.items():
            if role.kind in wanted:
                found.setdefault(signature(repo), []).append(repo)
        for repos in found.values():
            repos.sort(key=lambda repo: (not self._is_its_makers(repo), -(self.models[repo].downloads or 0)))
        return found

    def _is_its_makers(self, repo: str) -> bool:
        """Whether the owner makes the family that the name belongs to."""
        return _owner(repo) in _makers_of(family_key(repo))

    def find(self, name: str) -> str | None:
        """The repository of the listing that ``name`` means: itself, its new address, or its original.

        Repositories move (``THUDM`` → ``zai-org``) and are renamed (``Meta-Llama-3.1`` → ``Llama-3.1``).
        """
        exact = self.spelt.get(name.casefold())
        if exact is not None:
            return exact
        for repo in self.bearers.get(signature(name), ()):
            if _owner(repo) == _owner(name) or self._is_its_makers(repo):
                return repo
        return None

    def _find_makers_and_mirrors(self) -> None:
        """A stranger whose model others build on made it; a stranger's model of a maker's name mirrors it."""
        looked_at = {RepoKind.ORIGINAL, RepoKind.FINE_TUNE, RepoKind.BASE_CHECKPOINT}
        made: dict[Signature, str] = {}
        unattributed = []
        for repo, role in list(self.roles.items()):
            theirs = self._makers_twin(repo, role) if role.kind in looked_at else None
            if theirs is not None:
                self.roles[repo] = RepoRole(RepoKind.MIRROR, f"It bears the name of {theirs}.", theirs)
            elif role.kind is RepoKind.FINE_TUNE and role.original is None and family_key(repo) is None:
                unattributed.append(repo)
        for repo in sorted(unattributed, key=lambda repo: -len(self.builders.get(repo.casefold(), ()))):
            many, sign = len(self.builders.get(repo.casefold(), ())), signature(repo)
            if sign in made:
                reason = f"It bears the name of {made[sign]}."
                self.roles[repo] = RepoRole(RepoKind.MIRROR, reason, made[sign])
            elif many >= BUILDERS:
                made[sign] = repo
                reason = f"It names no base, and {many} other owners build on it."
                self.roles[repo] = RepoRole(RepoKind.ORIGINAL, reason, None)

    def _makers_twin(self, repo: str, role: RepoRole) -> str | None:
        """The maker's repository of the same name, when this is not the maker's and tells no other base."""
        if self._is_its_makers(repo) or (role.original and signature(role.original) != signature(repo)):
            return None
        for twin in self.bearers.get(signature(repo), ()):
            if twin != repo and self._is_its_makers(twin):
                return twin
        member = _members().get(signature(repo))
        return member if member is not None and member.casefold() != repo.casefold() else None

    def _find_originals_of_copies(self) -> None:
        for repo, role in list(self.roles.items()):
            if role.kind is not RepoKind.QUANTISED:
                continue
            original = self._original_of_copy(repo, role)
            if original is None and _owner(repo) not in naming().quantisers:
                kind = RepoKind.LANGUAGE_TUNE if language_of(repo) else RepoKind.FINE_TUNE
                reason = "It is published as packaged weights alone."
                self.roles[repo] = RepoRole(kind, reason, role.original, language_of(repo))
            else:
                self.roles[repo] = role._replace(original=original)

    def _original_of_copy(self, repo: str, role: RepoRole) -> str | None:
        """What a packaged repository is a copy of: what bears its name, else the base that it tells."""
        named = [self.find(base) or base for base in self.bases[repo]]
        alike = [base for base in named if base != repo and _adds_nothing(repo, base)]
        bearers = [
            twin for twin in self.bearers.get(signature(repo), ()) if self._may_copy(repo, twin, named)
        ]
        own = [twin for twin in bearers if _owner(twin) == _owner(repo)]
        found = [*alike, *self._spelt_out(repo), *own, *bearers]
        if found:
            return found[0]
        by_name = _members().get(signature(repo))
        return named[0] if named and _owner(repo) in naming().quantisers else by_name

    def _may_copy(self, repo: str, twin: str, named: Sequence[str]) -> bool:
        """Whether ``repo``, which tells the bases ``named``, can be a copy of ``twin`` of the same name."""
        told = [self.find(base) or base for base in self.bases[twin]]
        return twin != repo and (not named or not told or bool(set(named) & {twin, *told}))

    def _spelt_out(self, repo: str) -> list[str]:
        """The original that a copy's name spells with its owner: ``owner_name`` or ``owner_-_name``."""
        name = _without_packaging(repo.split("/", 1)[1])
        owner, under, rest = name.partition("_-_")
        if under:
            return [self.find(f"{owner}/{rest}") or f"{owner}/{rest}"]
        splits = (f"{name[: at.start()]}/{name[at.end() :]}" for at in re.finditer("_", name))
        return [self.spelt[split.casefold()] for split in splits if split.casefold() in self.spelt]

    def _find_stages(self) -> None:
        """A maker's SFT and DPO steps, where the listing has what was made of them."""
        made_of: dict[str, list[str]] = {}
        for repo, role in self.roles.items():
            if role.kind is RepoKind.ORIGINAL and role.original and _owner(role.original) == _owner(repo):
                made_of.setdefault(role.original.casefold(), []).append(repo)
        for repo, role in list(self.roles.items()):
            later = made_of.get(repo.casefold(), ())
            if role.kind is RepoKind.ORIGINAL and later and _stage().search(repo):
                reason = f"{later[0]} was made of it by the same owner."
                self.roles[repo] = RepoRole(RepoKind.TRAINING_CHECKPOINT, reason, later[0])

    def _answering_variants(self) -> dict[str, str]:
        """For base checkpoints, the model that their maker taught to answer."""
        found: dict[str, str] = {}
        originals = [repo for repo, role in self.roles.items() if role.kind is RepoKind.ORIGINAL]
        originals.sort(key=lambda repo: (not signature(repo).chat, -(self.models[repo].downloads or 0)))
        by_name: dict[tuple[str, tuple[str, ...], str | None], str] = {}
        for repo in originals:
            sign = signature(repo)
            by_name.setdefault((_owner(repo), sign.words, sign.size), repo)
            original = self.roles[repo].original
            if original is not None and _owner(original) == _owner(repo):
                found.setdefault(original.casefold(), repo)
        for repo, role in self.roles.items():
            if role.kind is RepoKind.BASE_CHECKPOINT:
                sign = signature(repo)
                words = tuple(word for word in sign.words if word not in {"base", "pt", "pretrain"})
                named = by_name.get((_owner(repo), words, sign.size))
                if named is not None:
                    found[repo.casefold()] = named
        return found

    def folded(self, repo: str) -> Folded:
        role = self.roles[repo]
        chain = self._chain(repo)
        root = self._root(repo, chain)
        role = self._like_its_original(role, chain)
        if role.kind.viable:
            return Folded(repo, role, None, root)
        return Folded(repo, role, self._stands_for(repo, chain), root)

    def _chain(self, repo: str) -> list[str]:
        """What ``repo`` was made from, the nearest first; the last may be a name that the listing lacks."""
        chain: list[str] = []
        seen = {repo.casefold()}
        at: str | None = repo
        while at is not None and len(chain) < LONGEST_CHAIN:
            role = self.roles.get(at)
            name = role.original if role is not None else None
            at = (self.find(name) or _true_name(name)) if name else None
            if at is None or at.casefold() in seen:
                break
            seen.add(at.casefold())
            chain.append(at)
        return chain

    def _root(self, repo: str, chain: Sequence[str]) -> str | None:
        """The first original on the way, else where it ends; for a base checkpoint, its answering variant."""
        for name in (repo, *chain):
            role = self.roles.get(name)
            if role is not None and role.kind is RepoKind.ORIGINAL:
                return name
        last = chain[-1] if chain else None
        if last is None:
            return self.answering.get(repo.casefold())
        return self.answering.get(last.casefold(), last)

    def _stands_for(self, repo: str, chain: Sequence[str]) -> str | None:
        for name in (repo, *chain):
            answering = self.answering.get(name.casefold())
            if answering is not None and answering != repo:
                return answering
            role = self.roles.get(name)
            if name != repo and (role is None or role.kind.viable):
                return name
        return None

    def _like_its_original(self, role: RepoRole, chain: Sequence[str]) -> RepoRole:
        """A tune of a guard, an embedding or a vision model is one too, whatever its record calls it."""
        if role.kind not in {RepoKind.FINE_TUNE, RepoKind.LANGUAGE_TUNE}:
            return role
        for name in chain:
            kind = self.roles[name].kind if name in self.roles else None
            if kind in _HERITABLE:
                return RepoRole(kind, f"{name}, which it was made from, is {kind.reason}.", role.original)
        return role


_HERITABLE = frozenset(
    {RepoKind.GUARD, RepoKind.EMBEDDING, RepoKind.RERANKER, RepoKind.REWARD, RepoKind.SPEECH}
) | {RepoKind.VISION_FIRST}


def _owner(repo: str) -> str:
    return repo.partition("/")[0].casefold()


def _adds_nothing(name: str, base: str) -> bool:
    """Whether a copy's name has no word of its own beside its base's; numbers and packaging are none."""
    mine, theirs = signature(name), signature(base)
    own = {word for word in mine.words if word.isalpha()} - set(theirs.words)
    return not own and set(theirs.words) <= set(mine.words) and mine.size in {theirs.size, None}


def _true_name(name: str) -> str:
    """The original that a copy's name means, where families know it; else the name itself."""
    if packaging_of(name) or _owner(name) in naming().quantisers:
        return _members().get(signature(name)) or name
    return name


def _without_packaging(name: str) -> str:
    while (word := packaging_of(name)) is not None:
        name, before = name.replace(word, "").strip("-_. "), name
        if name in {"", before}:
            return before
    return name


@cache
def _members() -> dict[Signature, str]:
    return {
        signature(member.repo): member.repo for family in families().families for member in family.members
    }


@cache
def _stage() -> re.Pattern[str]:
    return whole_words(naming().stages)


@cache
def _makers_of(family: str | None) -> frozenset[str]:
    found = families().get(family) if family else None
    return frozenset(org.casefold() for org in found.orgs) if found else frozenset()

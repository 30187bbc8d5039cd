"""Names of things, in one normal form each, and the *family* under which different contexts speak of one thing.

`pypi:vllm`, `variable:VLLM_REF` and `image:vllm/vllm-openai` are of the family `vllm`; `image:python`,
`tool:python` and `variable:PYTHON_VERSION` of the family `python`.
"""

from __future__ import annotations

import functools
import re

_VARIABLE = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9_]*?)_?(?P<what>VERSION|VER|REF|TAG|COMMIT|SHA|COMMITISH|REV|REVISION)",
    re.IGNORECASE,
)
_HUB = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/", "library/")
# What says nothing about *which* version it is: such a variable means something else in each file.
_VAGUE = frozenset(
    "app application base build builder chart ci container current default dev docker docker-image final from git "
    "github image img latest local min minimum max maximum my new next old package pkg previous prev project prod "
    "release repo required runtime source src stable tag target test tools upstream release-image "
    "base-image build-image file format schema api config protocol spec target-image output cache model the".split()
)
# One thing under several names.
_SAME = {
    "golang": "go",
    "nodejs": "node",
    "cpython": "python",
    "python3": "python",
    "py": "python",
    "rust-toolchain": "rust",
    "rustc": "rust",
    "k8s": "kubernetes",
    "postgresql": "postgres",
    "torch": "pytorch",
    "hf-hub": "huggingface-hub",
}


def other_names(family: str) -> set[str]:
    """A family's name, and those that stand for it."""
    return {family, *(name for name, same in _SAME.items() if same == family)}


def plain(name: str) -> str:
    """A name in small letters, without what contexts write in several ways: `FLASH_ATTN`, `flash-attn`."""
    return re.sub(r"[-_.]+", "", name.lower())


# Which language or system a job or an image has is a decision of its own: it differs on purpose as often as not.
_VARYING = frozenset(
    "python node go java rust ruby dotnet php perl jdk openjdk eclipse-temurin maven gradle ubuntu debian alpine "
    "fedora centos rockylinux almalinux amazonlinux busybox bash default-python".split()
)


def varies(kind: str, name: str) -> bool:
    """Whether a thing is a language's or a system's own version."""
    return bool(families(kind, name) & _VARYING) or name.rpartition("/")[2] in _VARYING


def package(name: str) -> str:
    """A name of the Python index as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def image(reference: str) -> str:
    """An image's repository without what Docker adds by itself."""
    plain = reference.lower()
    for prefix in _HUB:
        if plain.startswith(prefix) and len(plain) > len(prefix):
            return plain[len(prefix) :]
    return plain


def repository(url: str) -> str:
    """`owner/name` of a repository's URL; the URL's path where the host is not GitHub."""
    text = re.sub(r"^(?:git\+)?[a-z+]+://(?:[^/@]*@)?|^git@", "", url.strip()).replace(":", "/", 1)
    text = text.removesuffix("/").removesuffix(".git")
    return text.removeprefix("www.").removeprefix("github.com/").lower()


@functools.lru_cache(maxsize=4096)
def of_variable(name: str) -> str | None:
    """What a variable is the version of: `vllm` for `VLLM_REF`; `None` where its name does not say, or says too little.

    A version that is named first counts too: `VERSION_VLLM`.
    """
    found = _VARIABLE.fullmatch(name)
    stem = found["name"] if found is not None else None
    if stem is None and (turned := re.fullmatch(r"(?:VERSION|REF|TAG)_([A-Za-z][A-Za-z0-9_]*)", name)):
        stem = turned[1]
    if stem is None:
        return None
    stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stem) if stem != stem.upper() else stem
    plain = re.sub(r"[_-]+", "-", stem).strip("-").lower()
    # `VLLM_IMAGE_TAG` and `VLLM_GIT_REF` speak of vllm.
    while (shorter := re.sub(r"-(?:image|docker|git|release|chart|min|repo|default|cli|pkg)$", "", plain)) != plain:
        plain = shorter
    return None if plain in _VAGUE or len(plain) < 2 else plain


def is_version_variable(name: str) -> bool:
    """Whether a variable's name says that it holds a version, of whatever."""
    return _VARIABLE.fullmatch(name) is not None or name.upper() in ("VERSION", "TAG") or name.startswith("VERSION_")


_INDEXES = ("pypi", "conda", "npm", "cargo")
# Of these an index has the client, whose version is another than the server's.
_SERVERS = frozenset(
    "docker elasticsearch etcd helm kafka kubernetes minio mongodb nats postgres prometheus redis".split()
)


@functools.lru_cache(maxsize=8192)
def families(kind: str, name: str) -> frozenset[str]:
    """The names under which other contexts may speak of a thing; empty where the name says too little."""
    found: set[str] = set()
    if kind == "variable":
        stem = of_variable(name.rpartition("#")[2])
        found = {stem} if stem and "#" not in name else set()
    elif kind == "image":
        found = _of_image(name)
    elif kind in ("hook", "github", "action"):
        last = name.rpartition("/")[2]
        plain = re.sub(r"^(?:mirrors-|setup-)|-(?:pre-commit|action|mirror)$", "", last)
        found = {plain} if kind != "action" else {name}
    elif kind == "go":
        found = {re.sub(r"/v\d+$", "", name)}
    else:
        plain_name = package(name)
        found = {f"{plain_name}-client" if kind in _INDEXES and plain_name in _SERVERS else plain_name}
    return frozenset(_SAME.get(one, one) for one in found if len(one) >= 2 and one not in _VAGUE)


def _of_image(name: str) -> set[str]:
    parts = name.split("/")
    last = parts[-1]
    found = {last}
    if len(parts) > 1 and (last.startswith(parts[-2] + "-") or parts[-2] == last):
        found.add(parts[-2])
    return found

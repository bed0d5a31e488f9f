"""The environment that an agent is given: an allow-list, never the person's own.

Knows which names are harmless and needed. Does not know the names by which a run's own facts are told (`programs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.agents.profile import Profile

TERM = "xterm-256color"

ALWAYS = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
    # Certificates and proxies: without them nothing is reached in many offices.
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    # Who commits.
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
    # Where tools live: an agent runs the project's own tests.
    "JAVA_HOME", "GOPATH", "GOROOT", "CARGO_HOME", "RUSTUP_HOME", "NVM_DIR", "PYENV_ROOT", "RBENV_ROOT", "VIRTUAL_ENV",
    "CONDA_PREFIX", "ANDROID_HOME", "DOTNET_ROOT", "NIX_PATH", "NIX_SSL_CERT_FILE", "LD_LIBRARY_PATH",
)  # fmt: skip
"""Names, or beginnings with `*` at the end. None of them holds a secret by its nature; a proxy's may, and must pass."""

OF_A_HOME = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
"""Passed with the person's home, and left out of one of its own."""


def environment(
    profile: Profile, environ: Mapping[str, str], *, home: Path | None, places: Mapping[str, Path]
) -> dict[str, str]:
    """What may pass of the person's environment, and what the profile sets. `home`: its own, if it has one.

    `places` are filled in where a value of the profile names one in braces; other braces stay.
    """
    allowed = (*ALWAYS, *profile.pass_env, *(() if home else OF_A_HOME))
    env = {name: value for name, value in environ.items() if _allows(allowed, name)}
    env["TERM"] = TERM
    if not {"LANG", "LC_ALL", "LC_CTYPE"} & env.keys():
        env["LANG"] = "C.UTF-8"  # without any, programs fall back to ASCII and die of the first umlaut
    if home is not None:
        # An empty home has no git identity: the person's is read where it is.
        theirs = Path(environ.get("HOME", "/nonexistent")) / ".gitconfig"
        env |= {"HOME": str(home)} | ({"GIT_CONFIG_GLOBAL": str(theirs)} if theirs.is_file() else {})
    return env | {name: _filled(value, places) for name, value in profile.env}


def _filled(value: str, places: Mapping[str, Path]) -> str:
    for name, place in places.items():
        value = value.replace(f"{{{name}}}", str(place))
    return value


def _allows(allowed: tuple[str, ...], name: str) -> bool:
    return any(name == each or (each.endswith("*") and name.startswith(each[:-1])) for each in allowed)

"""What `doctor` tells of an agent without asking any provider."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.diagnosis import Diagnosis, diagnose


def diagnosed(tmp_path: Path, script: str = "", environ: Mapping[str, str] | None = None, **profile: Any) -> Diagnosis:
    """Of a program `mine` that is this shell script; without one it is not there."""
    if script:
        (tmp_path / "mine").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "mine").chmod(0o755)
    mine = {"command": ["mine", ["-m", "{model}"], "{prompt}"], "version": ["mine", "--version"], **profile}
    known = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path), **(environ or {})}
    return diagnose(Catalog({"mine": mine}, tmp_path), "mine", known)


def test_one_that_is_not_there(tmp_path: Path) -> None:
    found = diagnosed(tmp_path, install="get it")
    assert (found.program, found.version, found.install) == (None, "", "get it")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("echo 2.1.197 '(Claude Code)'", "2.1.197"),
        ("echo codex-cli 0.169.0", "0.169.0"),
        ("echo This is version 2.4.6. >&2", "2.4.6"),
        ("echo v1.0.0-rc.1+7", "1.0.0-rc.1+7"),
        ("exit 3", "it did not say its version (exit 3)"),
    ],
)
def test_its_version_is_the_number_in_what_it_says(tmp_path: Path, said: str, version: str) -> None:
    assert diagnosed(tmp_path, said).version == version


def test_it_is_asked_in_the_environment_of_an_agent(tmp_path: Path) -> None:
    """An allow-list as in a session, and outside the current folder, whose settings it might take up."""
    found = diagnosed(tmp_path, 'echo "1.2.$(env | grep -c SECRET).$(ls | wc -l)"', {"SECRET": "x"})
    assert found.version == "1.2.0.0"


def test_what_would_be_run(tmp_path: Path) -> None:
    assert diagnosed(tmp_path, "exit 0").command == ("mine", "-m", "{model}", "…")


@pytest.mark.parametrize(
    ("environ", "file", "elsewhere", "signed_in", "said"),
    [
        ({"MINE_KEY": "k"}, "", False, True, "by $MINE_KEY"),
        ({}, ".mine/auth.json", False, True, "by ~/.mine/auth.json"),
        ({}, "", False, False, "no $MINE_KEY, $OTHER_KEY, no ~/.mine/auth.json"),
        ({}, "", True, None, "cannot be told: no $MINE_KEY, $OTHER_KEY, no ~/.mine/auth.json"),
        ({"OTHER_KEY": "k"}, "", False, False, "$OTHER_KEY is set, but not passed on: name it in `pass_env`"),
    ],
)
def test_whether_somebody_has_signed_in(
    tmp_path: Path, environ: Mapping[str, str], file: str, elsewhere: bool, signed_in: bool | None, said: str
) -> None:
    if file:
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text("{}")
    where = {"env": ["MINE_KEY", "OTHER_KEY"], "files": [".mine/auth.json"], "elsewhere": elsewhere}
    found = diagnosed(tmp_path, "exit 0", environ, pass_env=["MINE_KEY"], sign_in=where)
    assert (found.signed_in, found.sign_in) == (signed_in, said)


def test_every_built_in_agent_can_be_told_of(tmp_path: Path) -> None:
    """Nothing is installed here and nobody has signed in: no profile says otherwise."""
    catalog = Catalog({}, tmp_path)
    for name in catalog.names():
        found = diagnose(catalog, name, {"PATH": str(tmp_path), "HOME": str(tmp_path)})
        assert not found.signed_in
        assert found.command
        assert name == "run" or (found.program is None and found.install)

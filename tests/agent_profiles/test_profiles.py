"""Profiles are data: what comes with us is sound, and what a person gets wrong is said at its place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.catalog import Catalog, ProfileFault, UnknownAgent
from orchestrator.agents.template import CommandLine
from orchestrator.core.model import AgentTraits
from orchestrator.core.template import TemplateFault, Text

KNOWN = ("prompt", "model", "session")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog({"mine": {"command": ["./agent.sh", "{prompt_file}"]}}, tmp_path)


def test_every_profile_that_comes_with_us_is_sound(catalog: Catalog) -> None:
    built_in = set(catalog.names()) - {"mine"}
    assert built_in >= {"run", "claude", "codex", "gemini", "qwen", "opencode", "copilot", "aider", "mini-swe-agent"}
    for name in built_in:
        assert catalog.faults(name) == []
        profile = catalog.profile(name)
        assert name == "run" or (profile.install and profile.version and profile.continues)


def test_what_policy_must_know(catalog: Catalog) -> None:
    assert catalog.traits("claude") == AgentTraits(name="claude", provider="anthropic", resumes=True, continues=True)  # type: ignore[arg-type]
    assert catalog.traits("mine") == AgentTraits(name="mine", provider="mine")  # type: ignore[arg-type]
    assert not catalog.traits("run").continues


def test_a_home_of_its_own_holds_no_session_to_resume(catalog: Catalog) -> None:
    assert catalog.traits("claude").resumes
    assert not catalog.profile("claude", {"home": "own"}).traits.resumes


def test_a_program_of_ones_own_needs_only_its_command(catalog: Catalog) -> None:
    assert catalog.faults("other", {"command": "./other.sh --task '{prompt_file}' -x"}) == []
    command = catalog.profile("other", {"command": "./other.sh --task '{prompt_file}' -x"}).command
    assert command.fill({"prompt_file": "/a b"}) == ("./other.sh", "--task", "/a b", "-x")


def test_an_override_changes_parts_of_a_profile(catalog: Catalog) -> None:
    override = {"env": {"DISABLE_AUTOUPDATER": None, "MINE": 7}, "pass_env": ["ONE"], "provider": "proxy"}
    profile = catalog.profile("claude", override)
    assert dict(profile.env) == {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "MINE": "7"}
    assert profile.pass_env == ("ONE",)
    assert profile.provider == "proxy"
    assert profile.events == catalog.profile("claude").events


def test_a_new_profile_can_begin_as_another(catalog: Catalog) -> None:
    traits = catalog.traits("work", {"like": "claude", "provider": "anthropic-work"})
    assert traits == AgentTraits(name="work", provider="anthropic-work", resumes=True, continues=True)  # type: ignore[arg-type]
    assert catalog.faults("work", {"like": "cluade"}) == [
        (("like",), "there is no built-in agent 'cluade'; did you mean 'claude'?")
    ]


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ({}, ("command",), "is missing"),
        ({"comand": ["x"]}, ("comand",), "did you mean 'command'?"),
        ({"command": []}, ("command",), "not be empty"),
        ({"command": "x 'y"}, ("command",), "cannot be split"),
        ({"command": "  "}, ("command",), "not be empty"),
        ({"command": ["sleep", 5]}, ("command",), "has 5 in it"),
        ({"command": [["x", "{model}"]]}, ("command",), "begins with a group"),
        ({"command": ["x", "{promt}"]}, ("command",), "did you mean '{prompt}'?"),
        ({"command": ["sh", "-c", "f() { x; }"]}, ("command",), "a literal brace is written '{{'"),
        ({"command": "x", "resume": ["x", "{sesion}"]}, ("resume",), "did you mean '{session}'?"),
        ({"command": None}, ("command",), "is missing"),
        ({"command": ["x", "a\0b"]}, ("command",), "has a NUL"),
        ({"command": "x", 7: "y"}, (7,), "unknown key '7'"),
        ({"command": "x", "pass_env": ["*"]}, ("pass_env",), "no name of an environment variable"),
        ({"command": "x", "env": {"A": True}}, ("env",), "write the value in quotes"),
        ({"command": "x", "env": ["A=1"]}, ("env",), "must be a table"),
        ({"command": "x", "env": {"A B": "1"}}, ("env",), "no name of an environment variable"),
        ({"command": "x", "pass_env": "A"}, ("pass_env",), "must be a list of texts"),
        ({"command": "x", "started": "spwan"}, ("started",), "did you mean 'spawn'?"),
        ({"command": "x", "started": "event"}, ("started",), "no rule of events or lines says started"),
        ({"command": "x", "continues": "yes"}, ("continues",), "must be true or false"),
        ({"command": "x", "quirks": {"ignores_trem": True}}, ("quirks", "ignores_trem"),
         "did you mean 'ignores_term'?"),
        ({"command": "x", "quirks": True}, ("quirks",), "must be a table, not a truth value"),
        ({"command": "x", "exits": [{"codes": 300, "ending": "crashed"}]}, ("exits", 0, "codes"), "0 to 255"),
        ({"command": "x", "exits": [{"codes": 1}]}, ("exits", 0), "'ending' is missing"),
        ({"command": "x", "exits": [{"codes": 1, "ending": "lost"}]}, ("exits", 0, "ending"), "no class of ending"),
        ({"command": "x", "words": {"rules": [{"matches": "(", "ending": "crashed"}]}},
         ("words", "rules", 0, "matches"), "no regular expression"),
        ({"command": "x", "words": {"lines": 0}}, ("words", "lines"), "from 1"),
        ({"command": "x", "stream": "json", "events": [{"final": True}]}, ("events", 0), "'when' is missing"),
        ({"command": "x", "stream": "json", "events": [{"when": {"a": {"is": 1}}}]}, ("events", 0, "when"),
         "unknown test 'is'"),
        ({"command": "x", "stream": "json", "events": [{"when": {"a": 1}, "session": "a..b"}]},
         ("events", 0, "session"), "must be a path"),
        ({"command": "x", "events": [{"when": {"a": 1}}]}, ("events",), "only read when stream = 'json'"),
        ({"command": "x", "files": [{"path": ".x", "content": ""}]}, ("files",), "a home of its own"),
        ({"command": "x", "home": "own", "files": [{"path": "../x", "content": ""}]}, ("files", 0, "path"),
         "inside the home"),
    ],
)  # fmt: skip
def test_a_fault_is_said_at_its_place(
    catalog: Catalog, override: dict[Any, Any], path: tuple[str | int, ...], words: str
) -> None:
    faults = catalog.faults("new", override)
    assert path in [where for where, _ in faults]
    assert any(where == path and words in message for where, message in faults)
    with pytest.raises(ProfileFault, match=r"agents\.new\."):
        catalog.profile("new", override)


def test_all_faults_are_said_at_once(catalog: Catalog) -> None:
    faults = catalog.faults("new", {"comand": "x", "env": 1, "started": "x", "quirks": {"a": 1}})
    assert [path for path, _ in faults] == [("env",), ("started",), ("quirks", "a"), ("comand",), ("command",)]


def test_an_agent_that_nobody_knows(catalog: Catalog) -> None:
    with pytest.raises(UnknownAgent, match="did you mean 'claude'"):
        catalog.traits("cluade")


def test_a_ninth_program_is_one_file_of_this_kind(catalog: Catalog) -> None:
    text = """
        command = ["nine", "{prompt}", ["--model", "{model}"]]
        resume = ["nine", "--continue", "{session}", "{prompt}"]
        started = "event"
        stream = "json"
        [[events]]
        when = { kind = "hello", "meta.version" = { matches = "^9" } }
        started = true
        session = "meta.id"
        [[events]]
        when = { kind = "bye", ok = { not = false } }
        final = true
        ending = "delivered"
    """
    profile = catalog.profile("nine", tomllib.loads(text))
    assert profile.has_final
    assert profile.traits.resumes


# ---------------------------------------------------------------- where programs are


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_a_program_is_found_on_the_path(catalog: Catalog, tmp_path: Path) -> None:
    there = program(tmp_path / "bin" / "claude")
    assert catalog.found("claude", search=str(tmp_path / "bin")) == there
    assert catalog.found("codex", search=str(tmp_path / "bin")) is None


def test_a_relative_program_is_found_beside_the_manifest(catalog: Catalog, tmp_path: Path) -> None:
    there = program(tmp_path / "agent.sh")
    assert catalog.found("mine") == there


def test_or_else_expected_in_the_worktree(catalog: Catalog, tmp_path: Path) -> None:
    assert catalog.found("mine") == Path("agent.sh")
    there = program(tmp_path / "worktree" / "agent.sh")
    assert catalog.program("./agent.sh", search="", worktree=tmp_path / "worktree") == there


def test_a_program_that_is_not_executable_is_not_found(catalog: Catalog, tmp_path: Path) -> None:
    program(tmp_path / "agent.sh", mode=0o644)
    assert catalog.found("mine") is None


# ---------------------------------------------------------------- templates


def test_a_group_is_left_out_without_its_value() -> None:
    line = CommandLine.parse(["x", "{prompt}", ["--model", "{model}"], ["-v"]], KNOWN)
    assert line.fill({"prompt": "p", "model": "m"}) == ("x", "p", "--model", "m", "-v")
    assert line.fill({"prompt": "p", "model": None}) == ("x", "p", "-v")


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert Text.parse("{prompt}", KNOWN).fill({"prompt": "{model} {{"}) == "{model} {{"


@pytest.mark.parametrize(
    ("source", "filled"), [("{{prompt}}", "{prompt}"), ("a}b", "a}b"), ("{{{prompt}}}", "{P}"), ("", ""), ("$x", "$x")]
)
def test_literal_braces(source: str, filled: str) -> None:
    assert Text.parse(source, KNOWN).fill({"prompt": "P"}) == filled


@pytest.mark.parametrize("source", ["{", "{}", "{ prompt", "{nothing}", "{prompt.x}", "${HOME}"])
def test_what_is_no_placeholder_is_a_fault(source: str) -> None:
    with pytest.raises(TemplateFault):
        Text.parse(source, KNOWN)

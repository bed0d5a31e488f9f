"""How a session is begun: what the agent is told, what it finds in its environment, and what never reaches it."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.programs import MAX_ARGUMENT, ProgramAgents
from orchestrator.core.messages import OpenSession
from orchestrator.core.model import RouteName, Usage
from orchestrator.core.template import TemplateFault, Text
from orchestrator.core.values import replace
from orchestrator.runtime.ports import AgentMissing, Exit, Launch
from tests.agent_profiles.conftest import Order

PERSON = {"PATH": "/usr/bin:/bin", "HOME": "/home/person", "LANG": "de_DE.UTF-8", "LC_TIME": "C", "TERM": "dumb"}
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "s", "GITHUB_TOKEN": "s", "DATABASE_URL": "s", "SSH_AUTH_SOCK": "s", "LD_PRELOAD": "s",
    "OPENAI_API_KEY": "s", "GIT_DIR": "s", "ORCHESTRATOR_MARK": "s", "PYTHONPATH": "s",
}  # fmt: skip


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    (tmp_path / "worktree").mkdir()
    return tmp_path / "worktree"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch" / "health.2"


def agents(
    tmp_path: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None, environ: Mapping[str, str] = PERSON
) -> ProgramAgents:
    program = tmp_path / "bin" / "claude"
    program.parent.mkdir(exist_ok=True)
    for name in ("claude", "codex", "mine"):
        (program.parent / name).write_text("#!/bin/sh\n")
        (program.parent / name).chmod(0o755)
    environ = {**environ, "PATH": f"{program.parent}:{environ['PATH']}"} if "PATH" in environ else environ
    return ProgramAgents(Catalog(overrides or {"mine": {"command": ["mine"]}}, tmp_path), "overnight", environ)


def launched(of: ProgramAgents, order: OpenSession, tmp_path: Path) -> Launch:
    return of.launch(order, worktree=tmp_path / "worktree", scratch=tmp_path / "scratch" / "health.2")


def test_a_fresh_session(tmp_path: Path, scratch: Path, order: Order) -> None:
    launch = launched(agents(tmp_path), order("claude:opus", "Add it."), tmp_path)
    assert launch.argv == (
        str(tmp_path / "bin" / "claude"), "-p", "Add it.", "--model", "opus", "--dangerously-skip-permissions",
        "--mcp-config", str(scratch / "mcp.json"), "--settings", str(scratch / "settings.json"),
        "--output-format", "stream-json", "--verbose",
    )  # fmt: skip
    hooks = json.loads(launch.files[scratch / "settings.json"])["hooks"]
    asks = shlex.split(hooks["PreToolUse"][0]["hooks"][0]["command"])
    assert asks[:5] == [sys.executable, "-P", "-m", "orchestrator", "hook"]
    servers = json.loads(launch.files[scratch / "mcp.json"])["mcpServers"]
    assert (servers["orchestrator"]["command"], servers["orchestrator"]["args"][-1]) == (
        sys.executable,
        str(tmp_path / "worktree"),
    )
    assert launch.cwd == tmp_path / "worktree"


def test_a_folder_may_be_called_anything(tmp_path: Path, order: Order) -> None:
    """What it is given as JSON, as TOML and as a shell's words names the worktree all the same."""
    place = tmp_path / """Bob's "new" c\\de $HOME"""
    place.mkdir()
    (place / "worktree").mkdir()
    worktree, scratch = str(place / "worktree"), place / "scratch" / "health.2"
    told = launched(agents(place), order("claude"), place)
    hooks = json.loads(told.files[scratch / "settings.json"])["hooks"]
    assert shlex.split(hooks["PreToolUse"][0]["hooks"][0]["command"])[-1] == worktree
    assert json.loads(told.files[scratch / "mcp.json"])["mcpServers"]["orchestrator"]["args"][-1] == worktree
    typed = launched(agents(place, {"claude": {"mode": "interactive"}}), order("claude"), place)
    hooks = json.loads(typed.argv[typed.argv.index("--settings") + 1])["hooks"]
    told_by = shlex.split(hooks["Stop"][0]["hooks"][0]["command"])
    assert told_by[1] == f">>{scratch}/events.jsonl;"
    settings = [word for word in launched(agents(place), order("codex"), place).argv if word.startswith("mcp_servers")]
    server = tomllib.loads("\n".join(settings))["mcp_servers"]["orchestrator"]
    assert (server["command"], server["args"][-1]) == (sys.executable, worktree)


def test_a_form_of_a_placeholder_that_nobody_knows_is_a_fault() -> None:
    with pytest.raises(TemplateFault, match="is no placeholder"):
        Text.parse("{worktree:xml}", ("worktree",))


def test_without_a_model_there_is_no_flag_for_it(tmp_path: Path, order: Order) -> None:
    launch = launched(agents(tmp_path), order("claude"), tmp_path)
    assert "--model" not in launch.argv
    assert launch.env["ORCHESTRATOR_MODEL"] == ""


def test_a_resumed_session(tmp_path: Path, order: Order) -> None:
    argv = launched(agents(tmp_path), order("codex:gpt-5", "Go on.", "t-1"), tmp_path).argv
    assert argv[-5:] == ("--model", "gpt-5", "resume", "t-1", "Go on.")


def test_a_model_may_have_a_colon(tmp_path: Path, order: Order) -> None:
    assert launched(agents(tmp_path), order("claude:local:7b"), tmp_path).env["ORCHESTRATOR_MODEL"] == "local:7b"


def test_it_finds_its_task_in_its_environment(tmp_path: Path, scratch: Path, order: Order) -> None:
    launch = launched(agents(tmp_path), order("mine", "Grüße\n"), tmp_path)
    told = {name: value for name, value in launch.env.items() if name.startswith("ORCHESTRATOR_")}
    assert told == {
        "ORCHESTRATOR_RUN": "overnight",
        "ORCHESTRATOR_BEAD": "health",
        "ORCHESTRATOR_ATTEMPT": "2",
        "ORCHESTRATOR_WORKER": "w1",
        "ORCHESTRATOR_MODEL": "",
        "ORCHESTRATOR_PROMPT_FILE": str(scratch / "prompt.md"),
        "ORCHESTRATOR_OUTCOME": str(scratch / "outcome.json"),
    }
    assert (scratch / "prompt.md").read_text() == "Grüße\n"


def test_nobody_else_can_read_the_prompt(tmp_path: Path, scratch: Path, order: Order) -> None:
    scratch.mkdir(parents=True)
    (scratch / "prompt.md").write_text("of an earlier try")
    (scratch / "prompt.md").chmod(0o666)
    launched(agents(tmp_path), order(), tmp_path)
    assert stat.S_IMODE((scratch / "prompt.md").stat().st_mode) == 0o600


def test_an_old_outcome_is_gone(tmp_path: Path, scratch: Path, order: Order) -> None:
    scratch.mkdir(parents=True)
    (scratch / "outcome.json").write_text('{"outcome": "blocked"}')
    launched(agents(tmp_path), order(), tmp_path)
    assert not (scratch / "outcome.json").exists()


def test_a_new_outcome_is_read(tmp_path: Path, scratch: Path, order: Order) -> None:
    of = agents(tmp_path)
    launch = launched(of, order(), tmp_path)
    Path(launch.env["ORCHESTRATOR_OUTCOME"]).write_text('{"outcome": "blocked", "reason": "which?"}')
    assert of.reader(order(), scratch=scratch).verdict(Exit(code=0), at=0.0).reason == "which?"


def test_what_is_not_named_never_reaches_it(tmp_path: Path, order: Order) -> None:
    env = launched(agents(tmp_path, environ=PERSON | SECRETS), order("claude"), tmp_path).env
    assert not SECRETS.keys() & env.keys()
    assert (env["HOME"], env["LANG"], env["LC_TIME"], env["TERM"]) == (
        "/home/person", "de_DE.UTF-8", "C", "xterm-256color",
    )  # fmt: skip


def test_a_key_reaches_the_agent_whose_profile_names_it(tmp_path: Path, order: Order) -> None:
    environ = PERSON | {"ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o"}
    of = agents(tmp_path, {"mine": {"command": "mine", "pass_env": ["OPENAI_*"]}}, environ)
    assert launched(of, order("claude"), tmp_path).env.get("ANTHROPIC_API_KEY") == "a"
    assert "OPENAI_API_KEY" not in launched(of, order("claude"), tmp_path).env
    assert launched(of, order("mine"), tmp_path).env.get("OPENAI_API_KEY") == "o"


def test_what_the_profile_sets_wins(tmp_path: Path, order: Order) -> None:
    of = agents(tmp_path, {"mine": {"command": "mine", "env": {"LANG": "C", "EXTRA": "{x}"}}})
    env = launched(of, order("mine"), tmp_path).env
    assert (env["LANG"], env["EXTRA"]) == ("C", "{x}")


def test_a_machine_without_a_language_gets_utf_8(tmp_path: Path, order: Order) -> None:
    env = launched(agents(tmp_path, environ={"PATH": "/usr/bin:/bin"}), order("mine"), tmp_path).env
    assert env["LANG"] == "C.UTF-8"


def test_a_home_of_its_own(tmp_path: Path, scratch: Path, order: Order) -> None:
    person = tmp_path / "person"
    person.mkdir()
    (person / ".gitconfig").write_text("[user]\n")
    files = [{"path": ".x/trust.toml", "content": '["{worktree}"]\na = {{}}\n'}]
    of = agents(
        tmp_path,
        {"mine": {"command": "mine", "home": "own", "files": files}},
        PERSON | {"HOME": str(person), "XDG_CONFIG_HOME": "/elsewhere"},
    )
    launch = launched(of, order("mine"), tmp_path)
    assert launch.env["HOME"] == str(scratch / "home")
    assert launch.env["GIT_CONFIG_GLOBAL"] == str(person / ".gitconfig")
    assert "XDG_CONFIG_HOME" not in launch.env
    assert launch.files == {scratch / "home" / ".x/trust.toml": f'["{tmp_path / "worktree"}"]\na = {{}}\n'}


def test_a_home_of_its_own_has_links_to_sign_ins(tmp_path: Path, scratch: Path, order: Order) -> None:
    """What the person has is linked, and what the profile brings is written."""
    person = tmp_path / "person"
    (person / ".claude").mkdir(parents=True)
    (person / ".claude" / ".credentials.json").write_text("{}")
    of = agents(tmp_path, {"claude": {"home": "own"}}, PERSON | {"HOME": str(person)})
    launch = launched(of, order("claude"), tmp_path)
    assert (scratch / "home" / ".claude" / ".credentials.json").resolve() == person / ".claude" / ".credentials.json"
    home = scratch / "home"
    own = {path: text for path, text in launch.files.items() if path.is_relative_to(home)}
    settings = {str(path.relative_to(home)): json.loads(text) for path, text in own.items()}
    assert settings[".claude.json"]["projects"] == {str(tmp_path / "worktree"): {"hasTrustDialogAccepted": True}}
    assert settings[".claude/settings.json"] == {"skipDangerousModePermissionPrompt": True}


def test_the_persons_home_is_not_written_into(tmp_path: Path, scratch: Path, order: Order) -> None:
    for name in ("claude", "codex"):
        files = launched(agents(tmp_path), order(name), tmp_path).files
        assert all(path.is_relative_to(scratch) for path in files)


def test_settings_below_the_persons_own(tmp_path: Path, scratch: Path, order: Order) -> None:
    """Where a program can be told to be quiet by a file only, that is one of ours, which a variable names."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "qwen").symlink_to("/bin/sh")
    launch = launched(agents(tmp_path), order("qwen"), tmp_path)
    path = Path(launch.env["QWEN_CODE_SYSTEM_DEFAULTS_PATH"])
    assert path.parent == scratch
    assert json.loads(launch.files[path])["privacy"] == {"usageStatisticsEnabled": False}


def test_what_an_agent_leaves_in_its_worktree_can_be_ignored(tmp_path: Path, order: Order) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aider").symlink_to("/bin/sh")
    launch = launched(agents(tmp_path), order("aider"), tmp_path)
    assert launch.files == {tmp_path / "worktree" / ".aider.tags.cache.v4" / ".gitignore": "*\n"}


def test_a_prompt_too_long_for_an_argument_is_in_its_file(tmp_path: Path, scratch: Path, order: Order) -> None:
    prompt = "ü" * MAX_ARGUMENT
    argv = launched(agents(tmp_path), order("claude", prompt), tmp_path).argv
    assert str(scratch / "prompt.md") in argv[2]
    assert len(argv[2]) < 1000
    assert (scratch / "prompt.md").read_text() == prompt


@pytest.mark.parametrize("length", [0, MAX_ARGUMENT])
def test_a_shell_command_of_any_length_is_carried_out(
    tmp_path: Path, worktree: Path, order: Order, length: int
) -> None:
    command = f"echo carried out > it  # {'x' * length}"
    launch = launched(agents(tmp_path), order("run", command), tmp_path)
    assert launch.argv[:2] == ("/bin/sh", "-c")
    subprocess.run(launch.argv, env=dict(launch.env), cwd=launch.cwd, check=True)
    assert (worktree / "it").read_text() == "carried out\n"


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_prompt_that_begins_with_a_dash_is_no_option(tmp_path: Path, order: Order, agent: str) -> None:
    argv = launched(agents(tmp_path), order(agent, "- add it"), tmp_path).argv
    assert " - add it" in argv


def test_a_program_that_is_not_there(tmp_path: Path, order: Order) -> None:
    of = ProgramAgents(Catalog({}, tmp_path), "overnight", {"PATH": str(tmp_path)})
    with pytest.raises(AgentMissing, match=r"no 'codex' on the PATH \(.*\); to install it: npm install"):
        launched(of, order("codex"), tmp_path)


def test_a_script_that_is_nowhere(tmp_path: Path, order: Order) -> None:
    of = agents(tmp_path, {"mine": {"command": "./agent.sh"}})
    with pytest.raises(AgentMissing, match=r"there is no \S+/agent.sh and no \S+/worktree/agent.sh"):
        launched(of, order("mine"), tmp_path)


def test_a_script_that_is_not_executable(tmp_path: Path, worktree: Path, order: Order) -> None:
    (worktree / "agent.sh").write_text("#!/bin/sh\n")
    with pytest.raises(AgentMissing, match="is not executable"):
        launched(agents(tmp_path, {"mine": {"command": "./agent.sh"}}), order("mine"), tmp_path)


def test_a_script_beside_the_manifest_comes_before_one_in_the_worktree(
    tmp_path: Path, worktree: Path, order: Order
) -> None:
    for folder in (tmp_path, worktree):
        (folder / "agent.sh").write_text("#!/bin/sh\n")
        (folder / "agent.sh").chmod(0o755)
    of = agents(tmp_path, {"mine": {"command": "./agent.sh"}})
    assert launched(of, order("mine"), tmp_path).argv == (str(tmp_path / "agent.sh"),)
    (tmp_path / "agent.sh").unlink()
    assert launched(of, order("mine"), tmp_path).argv == (str(worktree / "agent.sh"),)


def test_what_counts_as_the_first_sign(tmp_path: Path) -> None:
    of = agents(tmp_path)
    at_spawn = {name: of.starts_at_spawn(RouteName(name)) for name in ("run", "mine", "claude:opus", "codex")}
    assert at_spawn == {"run": True, "mine": True, "claude:opus": False, "codex": False}


def test_gemini_is_known_to_ignore_sigterm(tmp_path: Path, order: Order) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gemini").symlink_to("/bin/sh")
    assert launched(agents(tmp_path), order("gemini"), tmp_path).ignores_term


def test_usage_after_a_resume_is_of_this_attempt_alone(tmp_path: Path, scratch: Path, order: Order) -> None:
    """What the session had used before comes with the order: it outlives the process that saw it."""

    def attempt(resume: str | None, used: Usage, total: int) -> Usage:
        reader = agents(tmp_path).reader(replace(order("codex", resume=resume), used=used), scratch=scratch)
        reader.feed(b'{"type":"thread.started","thread_id":"t-1"}\n')
        reader.feed(b'{"type":"turn.completed","usage":{"input_tokens":%d,"output_tokens":1}}\n' % total)
        return reader.verdict(Exit(code=0), at=0.0).usage

    assert attempt(None, Usage(), 31001) == Usage(tokens_in=31001, tokens_out=1)
    assert attempt("t-1", Usage(tokens_in=31001, tokens_out=1), 52412) == Usage(tokens_in=21411, tokens_out=0)
    assert attempt("t-1", Usage(), 500) == Usage(tokens_in=500, tokens_out=1)  # it was killed before it told its total


def test_tokens_without_a_cost_are_priced_by_the_routes_model(tmp_path: Path, scratch: Path, order: Order) -> None:
    """And it is known that the figure was computed; of a model that nobody knows it stays unknown."""

    def attempt(route: str) -> Usage:
        reader = agents(tmp_path).reader(order(route), scratch=scratch)
        reader.feed(b'{"type":"turn.completed","usage":{"input_tokens":1000000,"output_tokens":1000}}\n')
        return reader.verdict(Exit(code=0), at=0.0).usage

    known = attempt("codex:gpt-5")
    assert known.computed
    assert known.usd == pytest.approx(1.26, rel=0.5)
    assert attempt("codex:nobody-knows-it") == Usage(tokens_in=1_000_000, tokens_out=1000)
    assert attempt("codex") == Usage(tokens_in=1_000_000, tokens_out=1000)


def test_a_prompt_with_characters_that_no_argument_can_hold(tmp_path: Path, order: Order) -> None:
    assert launched(agents(tmp_path), order("claude", "a\0b\ud800c"), tmp_path).argv[2] == "ab?c"

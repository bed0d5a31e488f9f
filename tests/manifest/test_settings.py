"""Settings: what the manifest says, the file near it, the command line, and who has the last word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.core.model import (
    Bead,
    BeadId,
    Budget,
    Claim,
    Limit,
    Manifest,
    Per,
    Policy,
    PullRequests,
    PushWhen,
    RouteName,
    Style,
)
from orchestrator.core.pull_request_commands import KNOWN
from orchestrator.manifest import Loaded, ManifestFaults, Overrides
from orchestrator.manifest.layers import _POLICY

Load = Callable[..., Loaded]


def routes(*names: str) -> tuple[RouteName, ...]:
    return tuple(RouteName(name) for name in names)


WHOLE = """\
version: 1
name: overnight
repo: ../app
base: v1.2~3
target: night/one
workers: 8
max_workers: 11
min_workers: 2
max_starts: 3
start_timeout: 1m
grace: 0
linger: 5s
checkpoint: 2m
health_floor: 40%
breaker:
  {failures: 4, rate: 50%, provider_failures: 6, window: 5m, cooldown: 30s, max_cooldown: 2h, max_outage: 4m,
   jitter: 1s, slow: 2s, max_slow: 3s}
backoff: {first: 0, most: 10m}
limits:
  claude-provider: {requests_per_minute: 6, tokens_per_day: 5000000}
  claude:opus: {sessions: 2}
curfew: mon-fri 08:00-18:00 UTC
active: ["00:00-24:00 UTC"]
same_failures: 5
tries_per_route: 1
starts_in_vain: 7
worker_failures: 6
memory_floor: 1GiB
max_load: 3
check_timeout: 1h
logs: {compress: true, recordings: 2GiB}
verify_slots: 9
train: 5
train_load: 6
batch: 2
push: {remote: origin, when: end, tries: 7}
follow_base: true
mode: pull-request
pull_request: {per: bead, base: trunk, host: glab, find: "look {head}", update: "edit {url}"}
landing: merge
message: "{bead}: {title}"
check_tries: 3
on_question: "answer: as you like"
question_wait: 90s
routes: [claude:opus, mine, "gemini:a/b:c"]
agents:
  mine: {command: ["./agent.sh", "{prompt_file}"], env: {LEVEL: 3, DEBUG: no}}
  codex: {provider: other}
setup: npm ci
verify: [make test, "true", true]
budget: {usd: $50, bead_usd: 2.5}
defaults: {timeout: 1h, silence: 5m, tries: 2, priority: P0, verify: make lint, files: "**"}
beads:
  - id: skeleton
    prompt: |

      Lay out   the project.
      And more.
  - id: health
    title: Add a /health endpoint
    prompt: Add it.
    needs: [skeleton, skeleton]
    priority: 4
    files: ["src/api/**", "read:docs/**"]
    verify: []
    routes: codex
    timeout: 90
    silence: 1m
    tries: 5
    estimate: 20m
    labels: [api, 1]
    hold: ask Ann first
  - id: format
    run: ruff format src
    needs: health
    hold: yes
"""


def test_every_key_arrives(load_text: Load, tmp_path: Path) -> None:
    loaded = load_text(WHOLE)
    manifest = loaded.manifest
    assert loaded.repo == tmp_path / "app"
    assert loaded.source == tmp_path / "tasks" / "night.yaml"
    assert loaded.agents == {
        "mine": {"command": ["./agent.sh", "{prompt_file}"], "env": {"LEVEL": 3, "DEBUG": False}},
        "codex": {"provider": "other"},
    }
    assert (manifest.name, manifest.base, manifest.target) == ("overnight", "v1.2~3", "night/one")
    assert (manifest.setup, manifest.verify) == (("npm ci",), ("make test", "true", "true"))
    assert manifest.budget == Budget(usd=50, bead_usd=2.5)
    assert manifest.policy == Policy(
        workers=8,
        most_workers=11,
        min_workers=2,
        max_starts=3,
        start_timeout_s=60,
        grace_s=0,
        linger_s=5,
        checkpoint_s=120,
        health_floor=0.4,
        breaker_failures=4,
        breaker_rate=0.5,
        provider_failures=6,
        breaker_window_s=300,
        breaker_cooldown_s=30,
        breaker_cooldown_max_s=7200,
        outage_cooldown_max_s=240,
        reset_jitter_s=1,
        slow_s=2,
        slow_max_s=3,
        backoff_s=0,
        backoff_max_s=600,
        same_failures=5,
        tries_per_route=1,
        starts_in_vain=7,
        worker_failures=6,
        memory_floor=2.0**30,
        max_load=3,
        check_timeout_s=3600,
        pack_logs=True,
        recordings=2 * 2.0**30,
        verify_slots=9,
        limits=(
            Limit(pool="claude-provider", requests_per_minute=6, tokens_per_day=5_000_000),
            Limit(pool="claude:opus", sessions=2),
        ),
        closed=manifest.policy.closed,
        train=5,
        train_load=6,
        batch=2,
        push_to="origin",
        push_when=PushWhen.END,
        push_tries=7,
        follow_base=True,
        requests=PullRequests(
            per=Per.BEAD,
            base="trunk",
            find="look {head}",
            open=KNOWN["glab"].open,
            update="edit {url}",
        ),
        landing=Style.MERGE,
        message="{bead}: {title}",
        check_tries=3,
        on_question="answer: as you like",
        question_wait_s=90.0,
    )
    begins = [datetime.fromtimestamp(begin, UTC) for begin, _ in manifest.policy.closed]
    assert begins[0] == datetime(2026, 3, 2, 8, tzinfo=UTC)  # the Monday after
    assert len(begins) in range(42, 46)
    assert manifest.beads == (
        Bead(
            id=BeadId("skeleton"),
            title="Lay out the project.",
            prompt="\nLay out   the project.\nAnd more.\n",
            priority=0,
            files=(Claim(pattern="**"),),
            verify=("make lint",),
            routes=routes("claude:opus", "mine", "gemini:a/b:c"),
            timeout_s=3600,
            silence_s=300,
            tries=2,
        ),
        Bead(
            id=BeadId("health"),
            title="Add a /health endpoint",
            prompt="Add it.",
            needs=(BeadId("skeleton"),),
            priority=4,
            files=(Claim(pattern="src/api/**"), Claim(pattern="docs/**", shared=True)),
            verify=(),
            routes=routes("codex"),
            timeout_s=90,
            silence_s=60,
            tries=5,
            estimate_s=1200,
            hold="ask Ann first",
            labels=("api", "1"),
        ),
        Bead(
            id=BeadId("format"),
            title="format",
            command="ruff format src",
            needs=(BeadId("health"),),
            priority=0,
            files=(Claim(pattern="**"),),
            verify=("make lint",),
            routes=routes("run"),
            timeout_s=3600,
            silence_s=300,
            tries=2,
            hold="held in the manifest",
        ),
    )
    assert [(traits.name, traits.provider) for traits in manifest.agents] == [
        ("claude", "claude-provider"),
        ("mine", "mine-provider"),
        ("gemini", "gemini-provider"),
        ("codex", "other"),
        ("run", "run-provider"),
    ]


def test_what_is_left_out_is_as_the_core_says(load_text: Load) -> None:
    manifest = load_text(
        "routes: claude\nbudget:\ndefaults: ~\nbeads:\n- {id: a, prompt: x, needs: , title: null}\n"
    ).manifest
    bead = Bead(id=BeadId("a"), title="x", prompt="x", routes=routes("claude"))
    assert manifest.beads == (bead,)
    assert manifest == Manifest(
        name="night", base=None, target="orchestrator/night", beads=(bead,), agents=manifest.agents
    )


def test_every_number_of_the_policy_has_a_key() -> None:
    assert set(_POLICY) == set(Policy.__struct_fields__) - {"limits", "closed", "heed_host", "auto", "requests"}


def test_ids_and_needs_are_what_stands_in_the_file(load_text: Load) -> None:
    manifest = load_text(
        "routes: [claude]\nbeads:\n"
        "- {id: 007, prompt: x}\n- {id: no, prompt: x, needs: 007}\n- {id: 1e3, prompt: x, needs: [007, no]}\n"
        "- {id: 12, prompt: x}\n- {id: 2024-01-02, prompt: x, title: No, needs: [1e3, 12]}\n"
        "- {id: null, prompt: 42, verify: true, needs: 2024-01-02}\n- {id: b, run: true, needs: [null]}\n"
    ).manifest
    assert [(bead.id, bead.needs) for bead in manifest.beads] == [
        ("007", ()),
        ("no", ("007",)),
        ("1e3", ("007", "no")),
        ("12", ()),
        ("2024-01-02", ("1e3", "12")),
        ("null", ("2024-01-02",)),
        ("b", ("null",)),
    ]
    assert manifest.beads[4].title == "No"
    assert (manifest.beads[5].verify, manifest.beads[5].prompt) == (("true",), "42")
    assert manifest.beads[6].command == "true"


NEAR = """\
repo = "app"
workers = 3
min_workers = 3
routes = ["codex"]
verify = "make near"
budget = { usd = 5, bead_usd = 1 }
[agents.mine]
command = ["near"]
provider = "near"
env = { A = "near", B = "near" }
[defaults]
tries = 7
timeout = "7m"
"""
FAR = """\
workers: 4
budget: {usd: 9}
agents: {mine: {command: [mine], env: {B: mine}}}
defaults: {tries: 1}
beads:
- {id: a, prompt: x}
"""


@pytest.mark.parametrize("place", ["tasks", "."])
def test_orchestrator_toml_lies_under_the_manifest(load_text: Load, tmp_path: Path, place: str) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / place / "orchestrator.toml").write_text(NEAR)
    loaded = load_text(FAR)
    manifest = loaded.manifest
    assert loaded.repo == (tmp_path / place / "app").resolve()
    assert (manifest.policy.workers, manifest.policy.min_workers) == (4, 3)
    assert (manifest.budget, manifest.verify) == (Budget(usd=9, bead_usd=1), ("make near",))
    assert (manifest.beads[0].tries, manifest.beads[0].timeout_s) == (1, 420)
    assert manifest.beads[0].routes == ("codex",)
    env = {"A": "near", "B": "mine"}
    assert loaded.agents == {"mine": {"command": ["mine"], "provider": "near", "env": env}}


def test_the_nearest_orchestrator_toml_is_the_only_one(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "orchestrator.toml").write_text("workers = 2")
    (tmp_path / "orchestrator.toml").write_text("workers = 3\nroutes = ['claude']")
    assert load_text(FAR.replace("workers: 4\n", ""), require_routes=False).manifest.policy.workers == 2


@pytest.mark.parametrize("named", [True, False])
def test_orchestrator_toml_in_the_root_of_the_repository(load_text: Load, tmp_path: Path, named: bool) -> None:
    deep = "work/night/night.yaml"
    root = tmp_path / ("elsewhere" if named else "tasks")
    root.mkdir()
    (root / "orchestrator.toml").write_text("routes = ['codex:x']")
    if not named:
        (root / ".git").mkdir()
    text = ("repo: ../../../elsewhere\n" if named else "") + FAR
    assert load_text(text, name=deep).manifest.beads[0].routes == ("codex:x",)


def test_routes_of_the_manifest_come_before_defaults_of_the_file_near_it(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_text("[defaults]\nroutes = ['codex']")
    assert load_text("routes: [claude]\n" + FAR).manifest.beads[0].routes == ("claude",)
    both = "routes: [claude]\n" + FAR.replace("{tries: 1}", "{routes: gemini}")
    assert load_text(both).manifest.beads[0].routes == ("gemini",)


def test_faults_of_both_files_are_said_at_once_each_in_its_own(
    load_path: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "orchestrator.toml").write_text(
        "workers = 2\nname = 'x'\nroutes = ['cody']\n[agents.new]\nenv = {}\n[agents.codex]\nvendor = 1\n"
    )
    (tmp_path / "tasks" / "night.yaml").write_text("min_workers: 3\nbeads:\n- {id: a, promt: x}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ManifestFaults) as caught:
        load_path(Path("tasks/night.yaml"))
    assert [str(fault).partition("; expected")[0] for fault in caught.value.faults] == [
        "orchestrator.toml:2:1: unknown key 'name' in the settings",
        "orchestrator.toml:3:11: unknown agent 'cody'",
        "orchestrator.toml:4:9: agent 'new': it has no command",
        "orchestrator.toml:7:1: agent 'codex': unknown key 'vendor'",
        "tasks/night.yaml:1:1: min_workers: 3 is more than the 2 workers",
        "tasks/night.yaml:3:11: unknown key 'promt' in a bead",
    ]


def test_a_broken_orchestrator_toml_hides_nothing_of_the_manifest(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_text("workers = ")
    with pytest.raises(ManifestFaults) as caught:
        load_text("workers: 0\n" + FAR.replace("workers: 4\n", ""))
    assert {Path(fault.file).name for fault in caught.value.faults} == {"orchestrator.toml", "night.yaml"}


def test_an_agent_is_known_by_the_file_near_the_manifest(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_text("[agents.mine]\ncommand = ['x']\nprovider = 'p'\n")
    manifest = load_text("routes: [mine:m]\nbeads:\n- {id: a, prompt: x}\n").manifest
    assert [(traits.name, traits.provider) for traits in manifest.agents] == [("mine", "p")]


def test_the_command_line_has_the_last_word(load_text: Load, tmp_path: Path) -> None:
    overrides = Overrides(
        workers=1, agent="codex:mini", target="t", base="b", name="other", repo=tmp_path / "elsewhere"
    )
    loaded = load_text(WHOLE, overrides=overrides)
    manifest = loaded.manifest
    assert (manifest.name, manifest.target, manifest.base) == ("other", "t", "b")
    assert [bead.routes for bead in manifest.beads] == [("codex:mini",), ("codex:mini",), ("run",)]
    assert [traits.name for traits in manifest.agents] == ["codex", "run"]
    assert (manifest.policy.workers, manifest.policy.min_workers) == (1, 1)
    assert loaded.repo == tmp_path / "elsewhere"
    assert loaded.notes == ("min_workers is 1, not 2: --workers 1 says so",)


@pytest.mark.parametrize(
    ("text", "workers", "found"),
    [
        ("workers: auto\nmax_workers: 9\n", None, (4, True, 9)),
        ("workers: 8\n", "auto", (4, True, None)),
        ("workers: auto\n", 7, (7, False, None)),
    ],
)
def test_how_many_workers_are_worth_their_while_may_be_left_to_us(
    load_text: Load, text: str, workers: int | str | None, found: tuple[int, bool, int | None]
) -> None:
    loaded = load_text(text + "beads:\n- {id: a, run: x}\n", overrides=Overrides(workers=workers))
    policy = loaded.manifest.policy
    assert (policy.workers, policy.auto, policy.most_workers) == found


def test_a_word_that_is_no_number_of_workers_is_refused(load_text: Load) -> None:
    with pytest.raises(
        ManifestFaults, match="--workers: 'many' does not fit; expected a whole number, 1 or more, or auto"
    ):
        load_text("beads:\n- {id: a, run: x}\n", overrides=Overrides(workers="many"))


def test_the_target_follows_the_name_that_the_command_line_gives(load_text: Load) -> None:
    assert load_text("routes: [claude]\n" + FAR, overrides=Overrides(name="x")).manifest.target == "orchestrator/x"


def test_an_agent_of_the_command_line_makes_up_for_missing_routes(load_text: Load) -> None:
    assert load_text(FAR, overrides=Overrides(agent="claude")).manifest.beads[0].routes == ("claude",)


def test_a_command_line_at_fault_is_said_with_the_rest(load_text: Load) -> None:
    overrides = Overrides(workers=0, agent="cody", target="a..b", base="-b", name="a b")
    with pytest.raises(ManifestFaults) as caught:
        load_text("routes: [claude]\n" + FAR.replace("tries: 1", "tries: 0"), overrides=overrides)
    assert [fault.file.rpartition("/")[2] for fault in caught.value.faults] == [
        "--agent", "--base", "--name", "--target", "--workers", "night.yaml",
    ]  # fmt: skip
    assert str(caught.value.faults[0]) == (
        "--agent: unknown agent 'cody'; expected one of claude, codex, gemini, mine; did you mean 'codex'?"
    )


def test_to_look_at_a_graph_takes_no_agent(load_text: Load) -> None:
    manifest = load_text(FAR, require_routes=False).manifest
    assert (manifest.beads[0].routes, manifest.agents) == ((), ())


def test_a_run_of_commands_needs_no_routes(load_text: Load) -> None:
    manifest = load_text("beads:\n- {id: a, run: make}\n").manifest
    assert [traits.name for traits in manifest.agents] == ["run"]


def test_routes_that_are_of_no_use_are_noted(load_text: Load) -> None:
    loaded = load_text("beads:\n- {id: a, run: make, routes: [claude]}\n- {id: b, prompt: x, routes: [codex, codex]}\n")
    assert [bead.routes for bead in loaded.manifest.beads] == [("run",), ("codex",)]
    assert loaded.notes == (
        "'a' is carried out by a command: its 'routes' are not used",
        "'b' names a route twice: the first time counts",
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [("night.yaml", "night"), ("my night!.yaml", "my-night"), ("v1.2.yaml", "v1.2"), ("é.lock.yaml", "e-lock")],
)
def test_the_name_is_the_files(load_text: Load, file: str, name: str) -> None:
    loaded = load_text("routes: [claude]\n" + FAR, name=file)
    assert (loaded.manifest.name, loaded.manifest.target) == (name, f"orchestrator/{name}")
    assert bool(loaded.notes) == (name != file.removesuffix(".yaml"))


def test_the_manifest_may_be_named_orchestrator_toml_itself(load_text: Load) -> None:
    text = "routes = ['claude']\n[[beads]]\nid = 'a'\nprompt = 'x'\n"
    assert load_text(text, name="orchestrator.toml").manifest.name == "orchestrator"


def test_who_says_how_a_pull_request_is_opened_is_not_asked_by_another_program(load_text: Load) -> None:
    text = 'mode: pull-request\npull_request: {open: "mine {head}"}\nroutes: [sh]\nagents: {sh: {command: [sh]}}\n'
    policy = load_text(f"{text}beads: [{{id: a, prompt: x}}]\n").manifest.policy
    assert policy.requests == PullRequests(open="mine {head}")
    assert policy.push_to == "origin"


def test_the_sandbox_of_all_lies_under_each_agents_own(load_text: Load) -> None:
    """Also where it says nothing more than that there is one, and for the commands of beads."""
    text = "routes: [claude]\nbeads: [{id: a, prompt: x}]\n"
    assert load_text(text).agents == {}
    found = load_text(f"{text}sandbox: {{}}\nagents: {{codex: {{sandbox: null}}}}\n").agents
    assert {name: said["sandbox"] for name, said in found.items()} == {
        "claude": {}, "codex": None, "gemini": {}, "run": {},
    }  # fmt: skip
    found = load_text(f"{text}sandbox: {{memory: 1}}\nagents: {{codex: {{sandbox: {{memory: 2}}}}}}\n").agents
    assert (found["claude"]["sandbox"], found["codex"]["sandbox"]) == ({"memory": 1}, {"memory": 2})


def test_a_fault_in_the_sandbox_of_all_is_said_once(load_text: Load) -> None:
    with pytest.raises(ManifestFaults) as caught:
        load_text("routes: [claude]\nsandbox: {memroy: 1}\nbeads: [{id: a, prompt: x}]\n")
    assert [(fault.line, fault.message) for fault in caught.value.faults] == [(2, "sandbox: unknown key 'memroy'")]

"""The documentation against the code: what a page names is there, and what there is has its place on a page."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from orchestrator.agents.catalog import LIKE, Catalog
from orchestrator.agents.outcome import WORDS
from orchestrator.agents.profile import Profile
from orchestrator.app.loading import load
from orchestrator.cli.commands import app
from orchestrator.core.decide.endings import ANSWERS, Blame
from orchestrator.core.messages import Verb
from orchestrator.core.model import Ending, WorkerState
from orchestrator.manifest import schema
from orchestrator.manifest.schema import Table
from orchestrator.views.states import states_markdown
from tests.docs.pages import HOUSE, PAGES, Page, first_names, page

EVERY = [Page(path) for path in PAGES]
NAMES = [each.name for each in EVERY]
MANIFEST, AGENTS, COMMANDS = page("docs/manifest.md"), page("docs/agents.md"), page("docs/commands.md")

FOLDERS = ("orchestrator", "tests", "scripts", "tasks", "docs", ".ci")
OF_A_USER = re.compile(r"orchestrator/(<|night\b|demo\b)|tasks/(night|overnight|example)\.yaml|tasks/$")
"""Branches, and files of a user's own, that look like files of ours."""
PACKAGES = ("core", "runtime", "manifest", "agents", "sessions", "repo", "store", "views", "alerts", "cli")
MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
PATH = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*")


def options() -> dict[str, set[str]]:
    """Each command's options; those of a group are its commands'."""
    root = get_command(app)
    commands = getattr(root, "commands", {})
    return {
        name: {
            option
            for each in (command, *getattr(command, "commands", {}).values())
            for param in each.params
            for option in param.opts
            if option.startswith("-")
        }
        for name, command in commands.items()
    }


def calls(text: str) -> list[list[str]]:
    """The words after each `orchestrator` that is called in a text of one or more lines."""
    found = re.findall(r"^(?:\$ |/\S*/)?orchestrator ([^#\n`]+)", text, re.M)
    return [shlex.split(words.replace("…", "x")) for words in found]


def test_states_md_is_what_the_script_writes() -> None:
    """After a change of the tables: `scripts/draw-states`."""
    assert page("docs/states.md").text == states_markdown()
    assert "states_markdown()" in (HOUSE / "scripts" / "draw-states").read_text()


@pytest.mark.parametrize("each", EVERY, ids=NAMES)
def test_every_relative_link_leads_somewhere(each: Page) -> None:
    """To a file that is there, and to a heading that is in it."""
    for link in each.links():
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (each.path.parent / file).resolve() if file else each.path
        assert target.exists(), link
        assert not anchor or anchor in Page(target).anchors(), link


def test_every_page_is_in_the_index() -> None:
    linked = {link.partition("#")[0] for link in page("docs/README.md").links()}
    assert {path.name for path in (HOUSE / "docs").glob("*.md")} - {"README.md"} <= linked


@pytest.mark.parametrize("each", EVERY, ids=NAMES)
def test_every_file_that_is_named_is_there(each: Page) -> None:
    for span in each.spans():
        if PATH.fullmatch(span) and not OF_A_USER.match(span) and "NAME" not in span:
            assert list(HOUSE.glob(span.rstrip("/"))), span


@pytest.mark.parametrize("each", EVERY, ids=NAMES)
def test_every_module_that_is_named_is_there(each: Page) -> None:
    """A module, or what is in one."""
    for span in each.spans():
        if MODULE.fullmatch(span) and not span.endswith((".py", ".md", ".toml")):
            thing = importlib.import_module(f"orchestrator.{span.split('.')[0]}")
            for part in span.split(".")[1:]:
                if not hasattr(thing, part):
                    importlib.import_module(f"{thing.__name__}.{part}")
                thing = getattr(thing, part)


@pytest.mark.parametrize("each", EVERY, ids=NAMES)
def test_every_command_that_is_named_is_there_with_its_options(each: Page) -> None:
    known = options()
    texts = [*each.spans(), *(block for language, block in each.blocks() if language in ("", "console"))]
    for words in (call for text in texts for call in calls(text)):
        if words[0].startswith("-") or words[0] == "COMMAND":
            assert set(words) <= {"--version", "--help", "COMMAND"}, words
            continue
        assert words[0] in known, words
        given = {word for word in words[1:] if word.startswith("-")}
        assert given <= known[words[0]] | {"--help"}, words


@pytest.mark.parametrize("command", sorted(options()))
def test_every_command_has_its_section_with_all_its_options(command: str) -> None:
    """Named in its table, or, for those that share their options, in the text above them."""
    own = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*\b", " ".join(first_names(COMMANDS.rows(command)))))
    shared = {"--repo", "--run"} if command in {verb.value for verb in Verb} - {Verb.APPLY.value} else set()
    assert own | shared == options()[command]


def test_options_that_stand_before_a_command_are_named() -> None:
    root = get_command(app)
    told = COMMANDS.prose.partition("\n## ")[0]
    for param in root.params:
        assert param.opts[0] in told


TABLES: list[tuple[str, type[Table]]] = [
    ("Top level", schema.ManifestTable),
    ("breaker", schema.BreakerTable),
    ("limits", schema.LimitTable),
    ("backoff", schema.BackoffTable),
    ("budget", schema.BudgetTable),
    ("alerts", schema.AlertsTable),
    ("locks", schema.LocksTable),
    ("push", schema.PushTable),
    ("pull_request", schema.PullRequestTable),
    ("dependencies", schema.DependencyTable),
    ("rule", schema.AlertRuleTable),
    ("defaults", schema.DefaultsTable),
    ("Beads", schema.BeadTable),
]


@pytest.mark.parametrize(("heading", "table"), TABLES, ids=[heading for heading, _ in TABLES])
def test_the_keys_of_a_manifest_are_those_of_the_schema(heading: str, table: type[Table]) -> None:
    """Each once; and the defaults that the schema tells are those that the page tells."""
    rows = MANIFEST.rows(heading)
    assert sorted(first_names(rows)) == sorted(table.model_fields)
    for key, _, default, *_ in rows:
        told = re.search(r"Default (\w+)\.", table.model_fields[key.strip("`")].description or "")
        assert told is None or default == told[1], key


def test_the_defaults_that_are_told_are_those_that_hold(tmp_path: Path) -> None:
    """A manifest that says all of them means what one means that says nothing."""
    inner = ("breaker", "backoff", "locks", "push", "budget", "defaults")
    told = _defaults("Top level") | {heading: _defaults(heading) for heading in inner}
    beads = [{"id": "a", "prompt": "x", "routes": ["claude"]}]
    silent, loud = (tmp_path / name / "night.yaml" for name in ("silent", "loud"))
    for file, said in ((silent, {}), (loud, told)):
        file.parent.mkdir()
        file.write_text(yaml.safe_dump({**said, "beads": beads}))
    one, other = (load(file)[0].manifest for file in (silent, loud))
    assert sum(len(each) if isinstance(each, dict) else 1 for each in told.values()) > 50
    assert (other.policy, other.budget, other.beads) == (one.policy, one.budget, one.beads)


def _defaults(heading: str) -> dict[str, Any]:
    """What the page gives as a word; not what it describes."""
    cells = ((row[0].strip("`"), row[2].strip("`")) for row in MANIFEST.rows(heading))
    nothing = {"", "none", "needed", "always"}
    return {
        key: yaml.safe_load(text) if text != "{title}" else text
        for key, text in cells
        if text not in nothing and " " not in text
    }


def test_every_example_of_a_manifest_is_one() -> None:
    """The blocks of YAML and TOML on the pages name keys that exist."""
    for each in EVERY:
        for language, block in each.blocks():
            if language in ("yaml", "toml"):
                said = yaml.safe_load(block) if language == "yaml" else tomllib.loads(block)
                assert set(said) <= set(schema.ManifestTable.model_fields), (each.name, block)
                for bead in said.get("beads", []):
                    assert set(bead) <= set(schema.BeadTable.model_fields), (each.name, bead)
                overrides = said.get("agents", {})
                catalog = Catalog(overrides, HOUSE)
                assert not [fault for name in overrides for fault in catalog.faults(name)], each.name


def test_the_keys_of_a_profile_are_all_told() -> None:
    told = first_names(AGENTS.rows("Keys of a profile"))
    assert sorted(told) == sorted(set(Profile.__struct_fields__) - {"name"} | {LIKE, "mode", "interactive"})


def test_every_built_in_agent_is_told_as_it_is() -> None:
    rows = {cells[0].strip("`"): cells for cells in AGENTS.rows("Agents")}
    catalog = Catalog({}, HOUSE)
    assert sorted(rows) == sorted(catalog.names())
    for name, (_, _, provider, resumes, stream) in rows.items():
        profile = catalog.profile(name)
        assert provider == f"`{profile.provider}`", name
        assert resumes == ("yes" if profile.resume is not None else "no"), name
        assert stream.lower() == profile.stream.value, name


def test_the_classes_of_end_are_told_as_the_table_has_them() -> None:
    """Every class once, and each column as `ANSWERS` has it."""
    rows = {cells[0].strip("`"): cells for cells in AGENTS.rows("The classes of end")}
    assert set(rows) == set(Ending)
    yes = {True: "yes", False: "no"}
    for ending, answer in ANSWERS.items():
        _, _, tried, vain, strike, worktree, same, waits, breaker = rows[ending]
        assert (tried, vain, strike, waits) == tuple(
            yes[flag] for flag in (answer.tried, answer.vain, answer.strike, answer.wait)
        ), ending
        assert worktree == ("kept" if answer.keep else "fresh"), ending
        assert same == ("yes" if answer.stay else "no, others first" if answer.aside else "no"), ending
        told = {
            Blame.NOBODY: "–",
            Blame.ROUTE: "one failure",
            Blame.PROVIDER_UNTIL: "every route of the provider",
            Blame.PROVIDER_OUTAGE: "every route of the provider, for a while",
        }
        assert breaker.startswith(told.get(answer.blame, "open until a person")), ending


def test_every_word_of_an_outcome_file_is_told() -> None:
    assert set(first_names(MANIFEST.rows("An agent of your own"))) >= set(WORDS)


def test_every_state_of_a_worker_has_its_effect_told() -> None:
    """On the page of the design; those that wait for nothing of the shell are left out."""
    told = set(first_names(page("docs/design.md").rows("Effects hang on states")))
    assert told == set(WorkerState) - {WorkerState.IDLE, WorkerState.BACKOFF, WorkerState.FAILED}


def test_no_page_knows_a_machine() -> None:
    """No path of anybody's home or scratch folder stands in the documentation."""
    for each in EVERY:
        assert not re.search(r"/(?:home|root|Users|work|tmp)/", each.text), each.name


@pytest.mark.parametrize("each", EVERY, ids=NAMES)
def test_every_option_that_is_named_alone_or_of_a_script_is_there(each: Page) -> None:
    sources = [*(HOUSE / "scripts").rglob("*"), HOUSE / "tests" / "e2e" / "kills.py"]
    known = "".join(path.read_text() for path in sources if path.is_file() and path.suffix in ("", ".py"))
    of_commands = set().union(*options().values(), {"--help", "--version", "--install-completion", "--show-completion"})
    for span in each.spans():
        if span.startswith(("scripts/", "--")):
            asked = {word.rstrip(",") for word in span.split() if word.startswith("--")}
            assert all(f'"{word}"' in known for word in asked - of_commands), span

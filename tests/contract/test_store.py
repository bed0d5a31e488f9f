"""One suite for every implementation of the store's port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.core import messages as m
from orchestrator.core.decide import advance
from orchestrator.core.model import Bead, BeadId, Commit, Manifest, ProcessName, RouteName, Token, Tree, Usage, Verdict
from orchestrator.core.model import Ending as E
from orchestrator.core.state import State
from orchestrator.runtime.ports import Store
from orchestrator.store import Database, MemoryStore
from orchestrator.store.run_store import RunStore

Ask = Callable[[m.Asked], None]
PLANNED = m.RunPlanned(
    at=1.0,
    manifest=Manifest(
        name="night",
        base=None,
        target="orchestrator/night",
        beads=(
            Bead(id=BeadId("a"), title="A", prompt="do a", routes=(RouteName("x:1"),)),
            Bead(id=BeadId("b"), title="B", prompt="do b", routes=(RouteName("x:1"),), needs=(BeadId("a"),)),
        ),
    ),
    target_base=Commit("0" * 40),
    token=Token(7),
)
PROCESS = ProcessName(pid=1, started=0.5)


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Ask]]:
    if request.param == "memory":
        memory = MemoryStore()
        memory.append([PLANNED])
        yield memory, memory.ask
        return
    database = Database.write(tmp_path / "state")
    run = database.begin(PLANNED, "digest")

    def ask(asked: m.Asked) -> None:
        Database.ask(tmp_path / "state", run.run, asked)

    yield run, ask
    database.close()


def a_whole_attempt() -> tuple[State, list[m.Event]]:
    """Every event from the planning to the landing of the first bead."""
    state = State(PLANNED)
    token = Token(8)
    signals: list[m.Signal] = [
        m.Opened(at=2.0, epoch=1, process=PROCESS, host="here"),
        m.Swept(at=2.1, ended=0),
        m.Spawned(at=2.2, token=token, process=PROCESS, worktree="/w/a"),
        m.GaveSign(at=2.3, token=token, session="s-1"),
        m.Progressed(at=2.4, token=token, note="reads a.py", session="s-2"),
        m.SessionEnded(at=3.0, token=token, verdict=Verdict(ending=E.DELIVERED)),
        m.Collected(at=3.1, token=token, commit=Commit("c"), tree=Tree("t"), files=("a.py",)),
        m.Landed(at=3.2, token=token, commit=Commit("d"), tree=Tree("u")),
    ]
    return state, [event for signal in signals for event in advance(state, signal)]


def test_what_was_appended_comes_back_equal_and_in_order(store: tuple[Store, Ask]) -> None:
    """Events survive their way through text unchanged, whatever types they carry."""
    log, _ = store
    _, events = a_whole_attempt()
    log.append(events)
    assert list(log.events()) == [PLANNED, *events]


def test_a_replayed_log_gives_the_state(store: tuple[Store, Ask]) -> None:
    """Loading is replaying: the bead that landed is done, its dependant is under way."""
    log, _ = store
    state, events = a_whole_attempt()
    log.append(events)
    replayed = State.replay(log.events())
    assert {bead: record.state for bead, record in replayed.beads.items()} == {
        bead: record.state for bead, record in state.beads.items()
    }


def test_a_tidied_log_gives_the_same_state(store: tuple[Store, Ask]) -> None:
    """What an agent muttered goes once its attempt is over, and nothing depends on it."""
    log, _ = store
    state, events = a_whole_attempt()
    log.append(events[:4])
    assert log.tidy() == 0
    log.append(events[4:])
    assert log.tidy() == 1
    assert [event for event in log.events() if isinstance(event, m.AgentProgressed)] == []
    replayed = State.replay(log.events())
    assert replayed.beads == state.beads
    assert replayed.attempts == state.attempts
    assert replayed.workers == state.workers


def test_of_an_attempt_under_way_one_event_says_what_its_agent_muttered(store: tuple[Store, Ask]) -> None:
    """A reader need not go through a night of talk."""
    log, _ = store
    state, events = a_whole_attempt()
    spoken = next(place for place, event in enumerate(events) if isinstance(event, m.AgentProgressed))
    log.append(events[: spoken + 1])
    before = State.replay(log.events())
    token = next(iter(before.attempts))
    said = [
        m.AgentProgressed(at=2.5, token=token, note="", session="s-2", usage=Usage(usd=1.0, tokens_in=5)),
        m.AgentProgressed(at=2.6, token=token, note="writes b.py", session="s-2", usage=Usage(usd=2.0)),
        m.AgentProgressed(at=2.7, token=token, note="", session="s-3"),
    ]
    for event in said:
        before.apply(event)
    log.append(said)
    assert log.tidy() == 2  # the new session is not mixed with the old one
    kept = [event for event in log.events() if isinstance(event, m.AgentProgressed)]
    assert [event.at for event in kept] == [2.6, 2.7]
    assert State.replay(log.events()).attempts == before.attempts
    assert before.attempts[token].usage == Usage(usd=2.0, tokens_in=5)
    assert log.tidy() == 0
    log.append(events[spoken + 1 :])
    assert log.tidy() == 2
    assert State.replay(log.events()).beads.keys() == state.beads.keys()


def test_requests_are_given_until_they_are_answered(store: tuple[Store, Ask]) -> None:
    """A request stands until the event that answers it is committed, whoever dies meanwhile."""
    log, ask = store
    ask(m.Asked(at=5.0, request=1, verb=m.Verb.RETRY, bead=BeadId("a"), by="ann"))
    (asked,) = log.requests()
    assert isinstance(asked, m.Asked)
    assert (asked.verb, asked.bead, asked.by) == (m.Verb.RETRY, "a", "ann")
    assert asked.request is not None
    log.append([m.RequestAnswered(at=6.0, request=asked.request, accepted=True, text="done")])
    assert not log.requests()


def test_a_request_says_whether_it_forces_workers(store: tuple[Store, Ask]) -> None:
    log, ask = store
    for forced in (False, True):
        ask(m.Asked(at=5.0, request=1 + forced, verb=m.Verb.ADD_WORKERS, text="2", forced=forced))
    asked = [each for each in log.requests() if isinstance(each, m.Asked)]
    assert [(each.verb, each.text, each.forced) for each in asked] == [
        (m.Verb.ADD_WORKERS, "2", False),
        (m.Verb.ADD_WORKERS, "2", True),
    ]


def test_requests_of_a_run_are_not_anothers(tmp_path: Path) -> None:
    """Two runs in one repository share a database and nothing else."""
    database = Database.write(tmp_path)
    first = database.begin(PLANNED, "one")
    second = database.begin(PLANNED, "two")
    Database.ask(tmp_path, first.run, m.Asked(at=1.0, verb=m.Verb.PAUSE))
    assert first.requests()
    assert not second.requests()
    assert isinstance(second, RunStore)
    database.close()

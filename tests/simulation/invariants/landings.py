"""What must hold after every step of the repository: the target, the remote, pull requests, and all work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.core.model import BeadState, RunState
from orchestrator.core.pull_requests import behind, below, of

if TYPE_CHECKING:
    from tests.simulation.world import World


def the_train_is_of_verified_beads(world: World) -> None:
    """Whoever lands is on the train, at its head, and the queue holds exactly the verified beads."""
    state = world.state
    assert set(state.merging) == {bead for bead, record in state.beads.items() if record.state is BeadState.MERGING}
    assert set(state.train) <= set(state.merging)
    assert state.landing == tuple(state.train)[: len(state.landing)], "somebody lands before his turn"
    assert (state.tip is not None) <= bool(state.train), "an empty train knows where the target was once"


def the_target_only_grows(world: World) -> None:
    """Landings are never taken back, none is there twice, and the state knows of none that is not there."""
    target = world.repository.target
    assert target[: len(world.seen_target)] == world.seen_target, "the target moved backwards"
    world.seen_target = list(target)
    landed = [bead for bead, _ in target]
    assert len(set(landed)) == len(landed), "a bead landed twice"
    repository, at = world.repository, world.repository.tip
    if world.manifest.verify:
        for bead, commit in target if world.manifest.policy.batch == 1 else ():
            assert repository.merged[commit].tree in repository.green, f"{bead} landed, and nobody has checked that"
        for commit in repository.tips:
            assert repository.merged[commit].tree in repository.green, "the target was where nobody has checked it"
    on_it = set()
    while at != "base":
        on_it.add(at)
        at = repository.merged[at].onto
    assert {commit for _, commit in target} <= on_it, "what landed is not on the target"
    known = {bead for bead, record in world.state.beads.items() if record.commit is not None}
    assert known <= set(landed), "said to be landed, and is not"


def what_is_said_to_be_pushed_is_there(world: World) -> None:
    """The remote has at least what the state says, and at the end of a run everything, unless it failed too often."""
    state, repository = world.state, world.repository
    remote = repository.remote
    assert remote == repository.target[: len(remote)], "the remote was overwritten"
    is_wanted = state.policy.push_to and state.policy.requests is None
    assert not remote or is_wanted, "nobody asked for a push"
    assert len(remote) + len(repository.followed) >= state.pushed, "said to be pushed, and is not there"
    if state.run is RunState.FINISHED and is_wanted and state.push_failures < state.policy.push_tries:
        assert remote == repository.target, "the run ended before the target was pushed"


def the_base_is_taken_in_green_or_not_at_all(world: World) -> None:
    """Only where that is wanted; what the state says of it is so; nothing else lands while it is on its way."""
    state, repository = world.state, world.repository
    wanted = state.policy.follow_base
    assert wanted or not repository.followed, "nobody asked to follow the base"
    assert set(state.bases) <= set(repository.followed), "said to be on the target, and is not"
    assert state.following is None or not state.landing, "a bead lands while the base is on its way"
    if world.manifest.verify:
        for commit in repository.followed:
            assert repository.merged[commit].tree in repository.green, "the base was taken in, and nobody checked that"


def pull_requests_are_opened_once(world: World) -> None:
    """Each once, of what has landed, on top of those that it stands on; at the end of a run all, but for faults."""
    state, repository = world.state, world.repository
    landed = [bead for bead, _ in repository.target]
    for bead, opened in repository.open.items():
        assert len(opened) <= 1, f"{len(opened)} pull requests of {bead or 'the night'}"
        assert not bead or bead in landed, "a pull request of what has not landed"
        assert not opened or all(repository.open.get(need) for need in below(state, bead)), "it stands on nothing"
    for bead, request in state.requests.items():
        if request.turn and not request.doubt:
            assert repository.open.get(bead), "said to be open, and is not"
    if state.run is RunState.FINISHED:
        for bead, _ in behind(state):
            fault = state.requests.get(bead)
            stacked = any(not of(state, need).turn for need in below(state, bead))
            assert stacked or (fault and fault.failures >= state.policy.push_tries), "ended before it was proposed"


def nothing_is_lost(world: World) -> None:
    """Whatever an agent made is on the target, on a branch, in the attic or still in its worktree."""
    repository = world.repository
    for bead, units in repository.written.items():
        desk = repository.desks.get(bead)
        assert units <= repository.kept(bead) | (desk.units if desk else set()), f"work of {bead} is gone"

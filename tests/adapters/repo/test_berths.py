"""Each worker has ports and a name for containers of its own; its setup, its agent and its checks find the same."""

from __future__ import annotations

import re

from orchestrator.core.messages import OpenSession
from orchestrator.core.model import BeadId, RouteName, Token, WorkerId
from orchestrator.repo.berths import EACH, FIRST, LAST, berth
from tests.adapters.repo.conftest import World


def test_no_two_workers_share_a_port_or_a_name(world: World) -> None:
    berths = [berth(world.repository, "night", WorkerId(f"w{number}")) for number in range(1, 200)]
    bases = {int(each["PORT_BASE"]) for each in berths}
    assert len(bases) == len(berths)
    assert all(FIRST <= base <= LAST - EACH for base in bases)
    assert len({each["COMPOSE_PROJECT_NAME"] for each in berths}) == len(berths)


def test_a_name_is_one_that_compose_takes(world: World) -> None:
    name = berth(world.repository, "Nächtlich & laut", WorkerId("w1"))["COMPOSE_PROJECT_NAME"]
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name)


def test_setup_agent_and_checks_find_the_same(world: World) -> None:
    again = world.again(setup=["true"])
    path = again.prepare("one")
    (path / "new").write_text("1")
    again.check("one", "true")
    order = OpenSession(
        token=Token(1), bead=BeadId("one"), number=1, worker=WorkerId("w1"), route=RouteName("mine"), prompt="",
        resume=None, keep=True, silence_s=1, grace_s=1, linger_s=1,
    )  # fmt: skip
    agents = again.workspaces.furnish(order).env
    setup, checks = world.commands.envs
    for name in ("PORT_BASE", "COMPOSE_PROJECT_NAME"):
        assert agents[name] == setup[name] == checks[name]

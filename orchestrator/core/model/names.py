"""What things are called, and the words that have a meaning of their own."""

from __future__ import annotations

from typing import NewType

BeadId = NewType("BeadId", str)
WorkerId = NewType("WorkerId", str)
AgentName = NewType("AgentName", str)
RouteName = NewType("RouteName", str)
"""`agent:model`, or the agent's name alone."""
Token = NewType("Token", int)
"""The fencing token of one attempt: unique and growing within a repository, across runs and restarts."""
Commit = NewType("Commit", str)
Tree = NewType("Tree", str)

HOLD = "hold"
FAIL = "fail"
ANSWER = "answer:"
"""The words of `on_question`; the answer follows the last."""

AUTO = "auto"
"""Of `workers`: how many there are is found out."""

SHELL_ROUTE = RouteName("run")
"""The route of beads that have `run:` instead of a prompt."""

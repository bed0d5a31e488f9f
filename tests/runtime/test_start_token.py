"""Whose request it is: signed with what only that session knows."""

from __future__ import annotations

from orchestrator.core.messages import LocksAsked
from orchestrator.core.model import Claim, Token
from orchestrator.core.values import replace
from orchestrator.runtime import start_token

ASKED = LocksAsked(at=5.0, token=Token(3), claims=(Claim(pattern="a.py"),), wait_s=2.0)


def test_what_a_session_signs_is_its_own_and_nobody_elses() -> None:
    mine, yours = start_token.new(), start_token.new()
    asked = replace(ASKED, proof=start_token.signed(ASKED, mine))
    assert start_token.belongs(asked, mine)
    assert not start_token.belongs(asked, yours)
    assert not start_token.belongs(ASKED, mine), "unsigned"
    assert mine not in asked.proof


def test_a_signature_is_of_one_request_only() -> None:
    mine = start_token.new()
    proof = start_token.signed(ASKED, mine)
    for other in (
        replace(ASKED, claims=(Claim(pattern="b.py"),)),
        replace(ASKED, claims=(Claim(pattern="a.py", shared=True),)),
        replace(ASKED, token=Token(4)),
        replace(ASKED, hand_back=True),
    ):
        assert not start_token.belongs(replace(other, proof=proof), mine)
    assert start_token.belongs(replace(ASKED, proof=proof, at=9.0, request=7), mine), (
        "when it is handed on says nothing"
    )

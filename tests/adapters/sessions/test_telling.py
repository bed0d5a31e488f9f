"""What the control loop hears of an agent's signs: all that is new, not too often, the last for sure."""

from __future__ import annotations

from orchestrator.core.messages import GaveSign, Progressed, Signal
from orchestrator.core.model import Token, Usage
from orchestrator.runtime.ports import Sign
from orchestrator.sessions.telling import Telling


class Clock:
    def now(self) -> float:
        return 5.0


def telling() -> tuple[Telling, list[Signal]]:
    heard: list[Signal] = []
    return Telling(Token(1), Clock(), heard.append), heard


def progressed(note: str = "", session: str | None = None, usage: Usage | None = None) -> Progressed:
    return Progressed(at=5.0, token=Token(1), note=note, session=session, usage=usage or Usage())


def test_the_first_sign_is_told_once_with_its_session() -> None:
    told, heard = telling()
    told.take(Sign(started=True, session="abc"), 0)
    told.take(Sign(started=True, session="abc"), 1)
    assert heard == [GaveSign(at=5.0, token=Token(1), session="abc")]


def test_progress_is_told_every_five_seconds_with_the_newest_note_and_sums() -> None:
    told, heard = telling()
    for tenth in range(100):
        told.take(Sign(note=f"step {tenth}", usage=Usage(tokens_out=tenth)), tenth / 10)
    told.take(Sign(usage=Usage(usd=0.5)), 9.95)
    assert [signal.note for signal in heard if isinstance(signal, Progressed)] == ["step 0", "step 50"]
    assert told.due == 10
    told.flush(10)
    assert heard[-1] == progressed("step 99", usage=Usage(usd=0.5, tokens_out=99))
    assert told.due == float("inf")


def test_a_session_id_and_the_final_sign_do_not_wait() -> None:
    told, heard = telling()
    told.take(Sign(note="first"), 0)
    told.take(Sign(session="abc"), 0.1)
    told.take(Sign(session="abc"), 0.2)
    told.take(Sign(final=True, note="done"), 0.3)
    assert heard == [progressed("first"), progressed(session="abc"), progressed("done", session="abc")]


def test_the_last_word_is_not_lost() -> None:
    told, heard = telling()
    told.take(Sign(note="first"), 0)
    told.take(Sign(note="second"), 0.1)
    told.flush(0.2)
    told.flush(0.3)
    assert heard == [progressed("first"), progressed("second")]


def test_a_sign_without_content_is_life_but_no_news() -> None:
    told, heard = telling()
    told.take(Sign(), 0)
    assert heard == []
    assert told.due == float("inf")

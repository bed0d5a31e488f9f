"""A clock that the machine's may be set forth and back under."""

from __future__ import annotations

from orchestrator.app.clock import SystemClock


class Machine:
    def __init__(self) -> None:
        self.wall, self.steady = 1000.0, 5.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def made() -> tuple[Machine, SystemClock]:
    machine = Machine()
    return machine, SystemClock(lambda: machine.wall, lambda: machine.steady)


def test_it_tells_the_time_of_day() -> None:
    """And follows it where it is set forth: whoever asks sees the jump."""
    machine, clock = made()
    assert clock.now() == 1000.0
    machine.pass_by(7)
    assert clock.now() == 1007.0
    machine.wall += 3600
    assert clock.now() == 4607.0


def test_set_back_it_goes_on_at_its_pace() -> None:
    """So what is due in a minute is due in a minute, not in an hour and a minute."""
    machine, clock = made()
    assert clock.now() == 1000.0
    machine.wall -= 3600
    assert clock.now() == 1000.0
    machine.pass_by(60)
    assert clock.now() == 1060.0
    machine.wall += 3600
    machine.pass_by(1)
    assert clock.now() == 1061.0


def test_it_goes_on_from_what_an_earlier_process_wrote() -> None:
    """Whose clock was ahead of this one's."""
    machine, clock = made()
    clock.go_on_from(2000.0)
    machine.pass_by(5)
    assert clock.now() == 2005.0

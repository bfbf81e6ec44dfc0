"""The time of day when clocks cannot be trusted."""

from dataclasses import dataclass, field
from email.utils import formatdate

import pytest

from exporter.runtime.clock import REPORT_LIFETIME, TOLERANCE, Clock
from tests.support.harness import START
from tests.support.harness import Clock as HandClock

DAY, HOUR = 86_400.0, 3600.0
AWS, OTHER = "production", "elsewhere"


@dataclass
class Machine:
    """A machine whose system clock may be wrong, and AWS, whose time is true.

    Attributes:
        wrong: seconds by which the system clock is ahead.
        asleep: seconds for which the monotonic clock stood still.
    """

    wrong: float = 0.0
    asleep: float = 0.0
    true: HandClock = field(default_factory=HandClock)
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(lambda: self.true() + self.wrong, lambda: self.true() - START - self.asleep)

    def ask(self, source: str = AWS, wrong: float = 0.0) -> None:
        """Get an answer from an AWS that is so many seconds ahead."""
        self.clock.record_date(source, formatdate(self.true() + wrong, usegmt=True))

    @property
    def error(self) -> float:
        """Seconds by which the time is wrong."""
        return abs(self.clock() - self.true())


def test_correct_system_clock_is_followed() -> None:
    """While the system clock and AWS agree, the time is that of the system clock."""
    machine = Machine(wrong=1.5)
    machine.ask()
    machine.true.advance(HOUR)
    assert machine.clock() == machine.true() + 1.5
    assert machine.clock.corrections == 0


def test_small_steps_are_followed() -> None:
    """A system clock that NTP slews by milliseconds is followed."""
    machine = Machine()
    machine.ask()
    for _ in range(10):
        machine.wrong += 0.5
        machine.ask()
        assert machine.clock() == machine.true() + machine.wrong
    assert machine.clock.corrections == 0


@pytest.mark.parametrize("wrong", [DAY, -DAY, HOUR, -HOUR, 60.0])
def test_a_jump_is_not_followed(wrong: float) -> None:
    """When the system clock jumps and AWS does not agree, time goes on as before; nothing is read again."""
    machine = Machine()
    machine.ask()
    machine.wrong = wrong
    for _ in range(20):
        machine.true.advance(30)
        assert machine.error < 1
        machine.ask()
    machine.wrong = 0.0
    assert machine.error < 1
    assert machine.clock.corrections == 0


@pytest.mark.parametrize("wrong", [DAY, -DAY])
def test_a_start_with_a_wrong_clock_is_corrected_by_aws(wrong: float) -> None:
    """The first answer of AWS, if only a refusal, tells the true time; also when the exporter started."""
    machine = Machine(wrong=wrong)
    assert machine.error == DAY
    machine.true.advance(10)
    machine.ask()
    assert machine.error <= 1
    assert machine.clock.corrections == 1
    assert machine.clock.started == pytest.approx(START, abs=1.0)


def test_corrected_system_clock_is_trusted_again() -> None:
    """Once NTP has set the system clock right, the time is that of the system clock again."""
    machine = Machine(wrong=DAY)
    machine.ask()
    machine.wrong = 0.25
    machine.ask()
    assert machine.clock() == machine.true() + 0.25
    assert machine.clock.corrections == 1


def test_small_jump_within_tolerance_is_followed() -> None:
    """AWS tells whole seconds: when it does not contradict a small jump, the system clock is right."""
    machine = Machine(wrong=TOLERANCE / 2)
    machine.ask()
    machine.wrong = 0.0
    machine.ask()
    assert machine.clock() == machine.true()
    assert machine.clock.corrections == 0


def test_time_is_corrected_after_the_machine_was_suspended() -> None:
    """The monotonic clock stands still while a machine is suspended; AWS tells how late it is."""
    machine = Machine()
    machine.ask()
    machine.true.advance(HOUR)
    machine.asleep = HOUR
    assert machine.error == HOUR
    machine.ask()
    assert machine.error < 1


def test_system_clock_is_followed_until_aws_reports_a_time() -> None:
    """Where nobody tells the time, a jump is followed, and counts as a correction."""
    machine = Machine(wrong=DAY)
    assert machine.clock() == machine.true() + DAY
    machine.wrong = 0.0
    assert machine.clock() == machine.true()
    assert machine.clock.corrections == 1


def test_one_endpoint_with_a_wrong_clock_is_ignored() -> None:
    """An endpoint whose time nobody else confirms is outvoted by the system clock and another source."""
    machine = Machine()
    machine.ask(AWS)
    for _ in range(3):
        machine.ask(OTHER, wrong=DAY)
        machine.ask(AWS)
        assert machine.error < 1
    assert machine.clock.corrections == 0


def test_wrong_endpoint_at_start_is_outvoted() -> None:
    """When the first answer came from an endpoint with a wrong clock, the next source sets the time right."""
    machine = Machine()
    machine.ask(OTHER, wrong=DAY)
    machine.ask(AWS)
    for _ in range(3):
        machine.ask(OTHER, wrong=DAY)
        assert machine.error < 1


def test_old_reports_do_not_count() -> None:
    """What a source told long ago holds up no correction."""
    machine = Machine(wrong=DAY)
    for number in range(5):
        machine.ask(f"wrong-{number}", wrong=DAY)
    machine.true.advance(REPORT_LIFETIME + 1)
    machine.ask(AWS)
    assert machine.error <= 1


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Nov 2026 22:49:18 GMT", "\x00", "0"])
def test_invalid_date_is_ignored(date: str) -> None:
    """A header that cannot be read tells nothing."""
    machine = Machine()
    machine.clock.record_date(AWS, date)
    assert machine.clock() == machine.true()


def test_a_jump_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """However often the time is asked for, the log tells of a jump once, and of its end once."""
    caplog.set_level("INFO")
    machine = Machine()
    machine.ask()
    machine.wrong = DAY
    for _ in range(5):
        machine.clock()
        machine.ask()
    machine.wrong = 0.0
    for _ in range(5):
        machine.clock()
        machine.ask()
    assert [record.getMessage() for record in caplog.records] == [
        "System clock jumped; using the time reported by AWS",
        "System clock is correct again",
    ]

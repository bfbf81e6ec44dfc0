"""Whether the refresher still works."""

from exporter.refresh.refresher import MAX_SILENCE
from tests.refresh.fakes import Scrapes, Start


def test_a_refresher_that_hangs(start: Start) -> None:
    """It is responsive before the start and as long as it checks what is due, and not otherwise."""
    made: Scrapes = start("a")
    refresher = made.refresher
    made.clock.advance(MAX_SILENCE)
    assert refresher.is_responsive()
    refresher.start()
    made.clock.advance(MAX_SILENCE / 2)
    assert refresher.is_responsive()
    refresher.stop()  # ends the thread that checks
    made.clock.advance(MAX_SILENCE)
    assert not refresher.is_responsive()
    refresher.continue_background()
    assert refresher.is_responsive()

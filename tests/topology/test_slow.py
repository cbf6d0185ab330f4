"""Low and slow: a list that is worked off at two requests an account in half a year, by as long a window."""

from __future__ import annotations

from functools import lru_cache
from unittest.mock import patch

from pipeline.model.moment import rfc3339
from pipeline.settings import Settings
from pipeline.simulate import stream
from pipeline.simulate.actors.ordinary import Ordinary
from pipeline.simulate.stream import START_MS, time_ms
from tests.scenarios.reasoning_wrapper.cast import WRAPPER
from tests.scenarios.troupe import Crowd, exercises
from tests.topology.journey import Outcome, run
from tests.topology.traffic import records

DAY_S = 86_400
ACCOUNTS, EACH, HOURS = 60, 2, 12.0
STRETCHED = 170 * 24 / HOURS
ITEMS = exercises("slow", ACCOUNTS * EACH)
SLOW = Crowd(
    "slow",
    ACCOUNTS,
    lambda dice, person, number, turn: WRAPPER.format(item=ITEMS[number * EACH + turn]),
    campaign="slow",
    each=EACH,
)


@lru_cache(maxsize=1)
def half_a_year() -> tuple[list[dict[str, object]], frozenset[str]]:
    """Half a day of a small stage, as if it had taken half a year; and the accounts of the campaign."""
    with (
        patch("pipeline.simulate.stream.CAST", (Ordinary(), SLOW)),
        patch("pipeline.simulate.stream.CAMPAIGNS", ("slow",)),
    ):
        rows = list(stream(1, HOURS, 0.12, ("slow",)))
    slow = [
        {**event, "event_time": rfc3339(START_MS + int((time_ms(event) - START_MS) * STRETCHED))} for event, _ in rows
    ]
    return slow, frozenset(label.account_id for _, label in rows if label.campaign)


def watched(window_days: int, pane_days: int) -> Outcome:
    settings = Settings().override(
        time__window_s=window_days * DAY_S, time__pane_s=pane_days * DAY_S, time__tick_s=3600, time__late_after_s=3600
    )
    return run(records(iter(half_a_year()[0])), settings, 2, 4096)


def test_a_window_of_half_a_year_sees_what_a_week_does_not() -> None:
    week, half = watched(7, 1), watched(180, 6)
    campaigns = [alert for alert in half.alerts if alert["category"] == "campaign" and alert["action"] == "open"]
    members = {row["account_id"] for row in half.verdicts if row["verdict"] == "member"}

    assert not [alert for alert in week.alerts if alert["category"] == "campaign"]
    assert len(campaigns) == 1
    assert members <= half_a_year()[1]
    assert len(members) >= 0.8 * ACCOUNTS

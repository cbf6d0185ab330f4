"""Everybody together: RequestEvent v1 in event-time order, with the truth beside each.

    stream(seed, hours, scale, campaigns) -> (event, label), (event, label), ...

Nothing in an event tells its label: ids are hashes or running numbers. Campaign accounts that send cover traffic keep the
label `campaign None` on it, as an honest judge would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pipeline.errors import ConfigError
from pipeline.simulate.actor import Actor, Sent, Stage
from pipeline.simulate.cast import CAMPAIGNS, CAST
from pipeline.simulate.clock import Clock
from pipeline.simulate.dice import Dice
from pipeline.simulate.people import Person, Registry

START_MS: Final = 1_772_409_600_000  # Monday 2 March 2026, midnight UTC
DEFAULT_HOURS: Final = 18.0
HOURS_MAX: Final = 24.0 * 60

Event = dict[str, Any]


class Label(NamedTuple):
    """The truth about one request; never part of it."""

    event_id: str
    account_id: str
    kind: str
    campaign: str | None
    template: str | None
    item: str | None


def stream(
    seed: int = 1, hours: float = DEFAULT_HOURS, scale: float = 1.0, campaigns: Collection[str] = CAMPAIGNS
) -> Iterator[tuple[Event, Label]]:
    """All requests of `hours` of event time. `scale` multiplies accounts; `campaigns` names those that take part."""
    unknown = sorted(set(campaigns) - set(CAMPAIGNS))
    if unknown:
        raise ConfigError(
            f"campaign {', '.join(unknown)} does not exist; there are {', '.join(CAMPAIGNS)}, all and none"
        )
    if not 0 < hours <= HOURS_MAX or scale <= 0:
        raise ConfigError(f"hours must be above 0 and at most {HOURS_MAX:g}, the scale above 0")
    sent: list[Sent] = []
    for actor in CAST:
        if actor.campaign is None or actor.campaign in campaigns:
            sent += actor.perform(_stage(actor, seed, hours, scale))
    sent.sort(key=lambda one: (one.time_ms, one.person.account_id))
    tokens = Dice(seed, "tokens")
    for number, one in enumerate(sent):
        event_id = f"req-{seed}-{number:08d}"
        yield _event(event_id, one, tokens), _label(event_id, one)


def _stage(actor: Actor, seed: int, hours: float, scale: float) -> Stage:
    def citizens() -> list[Person]:
        registry = Registry(seed, "citizens", START_MS)
        return [registry.open() for _ in range(max(1, round(CITIZENS * scale)))]

    return Stage(Clock(START_MS, hours), Dice(seed, actor.name), Registry(seed, actor.name, START_MS), scale, citizens)


CITIZENS: Final = 2_600


def _event(event_id: str, one: Sent, dice: Dice) -> Event:
    person = one.person
    said = sum(len(text) for _, text in one.turns)
    return {
        "schema_version": "1.0",
        "event_id": event_id,
        "event_time": rfc3339(one.time_ms),
        "account_id": person.account_id,
        "org_id": person.org_id,
        "operation": "chat",
        "model": person.model,
        "content": {"state": "raw", "messages": [{"role": role, "text": text} for role, text in one.turns]},
        "params": {
            "max_tokens": 2048 if one.answer_tokens > 900 else 1024,
            "stream": person.user_agent.startswith("web"),
        },
        "usage": {
            "input_tokens": said // 4 + 3,
            "output_tokens": one.answer_tokens or int(20 + dice.lognormal(180, 0.8)),
        },
        "outcome": {"status": "success", "http_status": 200},
        "client": {"ip_prefix": person.ip_prefix, "asn": person.asn, "user_agent": person.user_agent},
        "conversation_id": one.conversation,
        "account": {"created_at": rfc3339(person.created_ms), "payment_ref": person.payment_ref},
    }


def _label(event_id: str, one: Sent) -> Label:
    return Label(event_id, one.person.account_id, one.kind, one.campaign, one.template, one.item)


def time_ms(event: Event) -> int:
    """The event time of an event of ours."""
    return round(datetime.fromisoformat(event["event_time"]).timestamp() * 1000)


def rfc3339(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"

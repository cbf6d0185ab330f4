"""The graph of sampled accounts: who shares a payment instrument, a network, a client with whom. The same picture every time.

Accounts stand on a circle, those that share more next to each other; each shared value is a hub inside the circle, at the
middle of its accounts and joined to them. All of them share the template, so it is no hub; an account that was sampled with
several templates is drawn larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin
from typing import Final

from pipeline.explain.campaign import KINDS, Sampled
from pipeline.explain.markup import Safe, element

SIZE: Final = 580.0
RADIUS: Final = 180.0
HUB_RADIUS_MAX: Final = 130.0
APART: Final = 26.0
GOLDEN: Final = pi * (3 - 5**0.5)
LABEL_CHARS: Final = 14
MARKS: Final = {"payment": "P", "network": "N", "client": "C"}

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hub:
    """A shared value: its kind, its number within the kind, the places of its accounts, where it is drawn."""

    kind: str
    number: int
    accounts: tuple[int, ...]
    at: Place


def layout(sampled: Sequence[Sampled]) -> tuple[list[int], list[Place], list[Hub]]:
    """Order of the accounts on the circle, the place of each (by index), and the hubs."""
    order = sorted(range(len(sampled)), key=lambda place: (*_alike(sampled[place]), place))
    places: list[Place] = [(0.0, 0.0)] * len(sampled)
    for turn, place in enumerate(order):
        angle = 2 * pi * turn / max(len(order), 1) - pi / 2
        places[place] = (SIZE / 2 + RADIUS * cos(angle), SIZE / 2 + RADIUS * sin(angle))
    hubs: list[Hub] = []
    for kind_place, kind in enumerate(KINDS):
        for number in sorted({each.groups[kind_place] for each in sampled} - {0}):
            accounts = tuple(i for i, each in enumerate(sampled) if each.groups[kind_place] == number)
            hubs.append(Hub(kind, number, accounts, _free([places[i] for i in accounts], hubs)))
    return order, places, hubs


def graph(sampled: Sequence[Sampled]) -> Safe:
    """The graph as SVG."""
    _, places, hubs = layout(sampled)
    links = [
        element("line", x1=hub.at[0], y1=hub.at[1], x2=places[i][0], y2=places[i][1], class_=f"link {hub.kind}")
        for hub in hubs
        for i in hub.accounts
    ]
    return element(
        "svg",
        element("title", f"{len(sampled)} sampled accounts and {len(hubs)} values that some of them share"),
        links,
        [_hub(hub) for hub in hubs],
        [_account(each, place) for each, place in zip(sampled, places, strict=True)],
        viewBox=f"0 0 {SIZE:.0f} {SIZE:.0f}",
        role="img",
        class_="graph",
    )


def _alike(account: Sampled) -> tuple[bool, int, bool, int, bool, int]:
    """Those with the same payment instrument together, then network, then client; who shares nothing comes last."""
    payment, network, client = account.groups
    return payment == 0, payment, network == 0, network, client == 0, client


def _free(around: Sequence[Place], hubs: Sequence[Hub]) -> Place:
    """The middle of these places, or near it where no other hub is."""
    x, y = sum(place[0] for place in around) / len(around), sum(place[1] for place in around) / len(around)
    away = hypot(x - SIZE / 2, y - SIZE / 2)
    if away > HUB_RADIUS_MAX:
        x, y = (SIZE / 2 + (value - SIZE / 2) * HUB_RADIUS_MAX / away for value in (x, y))
    step = 0
    at = (x, y)
    while any(hypot(at[0] - hub.at[0], at[1] - hub.at[1]) < APART for hub in hubs) and step < 400:
        step += 1
        distance = APART * 0.35 * step**0.5
        at = (x + distance * cos(step * GOLDEN), y + distance * sin(step * GOLDEN))
    return at


def _hub(hub: Hub) -> Safe:
    said = f"{hub.kind} {hub.number}: shared by {len(hub.accounts)} accounts"
    x, y = hub.at
    return element(
        "g",
        element("title", said),
        element("rect", x=x - 10, y=y - 10, width=20, height=20, rx=4, class_=f"hub {hub.kind}"),
        element("text", f"{MARKS[hub.kind]}{hub.number}", x=x, y=y + 3.5, class_="middle hubname"),
    )


def _account(account: Sampled, at: Place) -> Safe:
    x, y = at
    away_x, away_y = (x - SIZE / 2) / RADIUS, (y - SIZE / 2) / RADIUS
    turned = 180 * atan2(away_y, away_x) / pi
    left = away_x < -1e-9
    name = account.account_id if len(account.account_id) <= LABEL_CHARS else "…" + account.account_id[1 - LABEL_CHARS :]
    at_x, at_y = x + 12 * away_x, y + 12 * away_y
    tone = {"member": "first", "cleared": "negative"}.get(account.verdict, "third")
    return element(
        "g",
        element("title", f"{account.account_id}: {account.requests} sampled requests, verdict {account.verdict}"),
        element("circle", cx=x, cy=y, r=5 if account.templates < 2 else 7.5, class_=f"dot {tone}"),
        element(
            "text",
            name,
            x=at_x,
            y=at_y,
            class_="end name" if left else "start name",
            dy="0.35em",
            transform=f"rotate({turned - 180 if left else turned:.1f} {at_x:.1f} {at_y:.1f})",
        ),
    )

"""Accounts and the people behind them: where they sit, how old the account is, what they like to talk about and how.

Campaign accounts are made of the same parts as everybody's; only what an actor passes in on purpose differs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from pipeline.simulate.clock import HOUR_MS
from pipeline.simulate.dice import Dice
from pipeline.simulate.grammar import RULES, Voice, request
from pipeline.simulate.words import SUBJECTS, Subject

DAY_MS: Final = 24 * HOUR_MS
MODELS: Final = ("large-2", "small-2", "large-2", "reasoner-1")
CLIENTS: Final = (
    "web/2026.2",
    "ios-app/7.1",
    "android-app/7.0",
    "python-sdk/2.4",
    "js-sdk/5.0",
    "curl/8.9",
    "web/2026.2",
    "web/2026.1",
)
NETWORKS: Final = {
    "home": (8_000, 64_512),
    "mobile": (300, 64_560),
    "office": (1_500, 64_580),
    "cloud": (400, 64_600),
    "campus": (6, 64_620),
    "vpn": (90, 64_630),
}
ZONES: Final = (0, 1, 1, 2, 8, -5, -5, -8, 9)
HABITS: Final = ("step by step please", "Think it through before answering.", "Explain your reasoning.", "show your work", "in detail")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """What is somebody's own in every request they write."""

    openers: tuple[str, ...]
    closers: tuple[str, ...]
    opens: float
    closes: float
    lower: bool
    careless: float

    def put(self, text: str, dice: Dice) -> str:
        if self.openers and dice.chance(self.opens):
            text = f"{dice.pick(self.openers)} {text}"
        if self.closers and dice.chance(self.closes):
            text = f"{text} {dice.pick(self.closers)}"
        if dice.chance(0.03):
            text = f"{text} {dice.pick(HABITS)}"
        if self.lower:
            text = text.lower()
        return slip(text, dice) if dice.chance(self.careless) else text


@dataclass(frozen=True, slots=True)
class Person:
    """An account as the platform sees it, and the habits of whoever uses it."""

    account_id: str
    org_id: str | None
    created_ms: int
    payment_ref: str
    ip_prefix: str
    asn: int
    user_agent: str
    model: str
    zone_h: int
    subjects: tuple[Subject, ...]
    style: Style

    def voice(self, dice: Dice) -> Voice:
        return Voice(dice, dice.skewed(self.subjects, 1.6))

    def write(self, dice: Dice) -> str:
        """A request of this person's own."""
        return self.style.put(request(self.voice(dice)), dice)


class Registry:
    """Opens accounts. Ids are hashes: they tell nothing of who opened them or in which order."""

    def __init__(self, seed: int, actor: str, start_ms: int) -> None:
        self._seed, self._actor, self._start_ms = seed, actor, start_ms
        self._dice = Dice(seed, f"registry {actor}")
        self._opened = 0

    def open(
        self,
        *,
        org_id: str | None = None,
        network: str | None = None,
        client: str | None = None,
        mean_age_days: float = 220.0,
        payment_ref: str | None = None,
        model: str | None = None,
    ) -> Person:
        dice = self._dice
        self._opened += 1
        network = network or dice.pick(("home", "home", "home", "mobile", "office", "cloud", "vpn"))
        ip_prefix, asn = place(dice, network)
        age_ms = int((0.05 + dice.exponential(mean_age_days)) * DAY_MS)
        return Person(
            account_id=f"acct_{self._name('account', 8)}",
            org_id=org_id,
            created_ms=self._start_ms - min(age_ms, 2_000 * DAY_MS),
            payment_ref=payment_ref or f"pay_{self._name('payment', 6)}",
            ip_prefix=ip_prefix,
            asn=asn,
            user_agent=client or dice.pick(CLIENTS),
            model=model or dice.pick(MODELS),
            zone_h=dice.pick(ZONES),
            subjects=tuple(dice.some(SUBJECTS, dice.whole(1, 3))),
            style=_style(dice),
        )

    def payment(self, number: int) -> str:
        """An instrument that several accounts may share."""
        return f"pay_{_digest(f'{self._seed} {self._actor} shared {number}', 6)}"

    def _name(self, what: str, size: int) -> str:
        return _digest(f"{self._seed} {self._actor} {what} {self._opened}", size)


def place(dice: Dice, network: str) -> tuple[str, int]:
    """A network prefix in the range kept for documentation and benchmarks, and the number of who runs it."""
    size, asn = NETWORKS[network]
    number = dice.whole(0, size - 1)
    block = int(_digest(f"{network} {number}", 3), 16)
    return f"2001:db8:{block >> 12:x}:{block & 0xFFF:x}::/64", asn + block % 16


def slip(text: str, dice: Dice) -> str:
    """A typing mistake: two letters swapped, one left out, or one typed twice."""
    if len(text) < 10:
        return text
    at = dice.whole(1, len(text) - 3)
    kind = dice.whole(0, 2)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if kind == 1 else text[:at] + text[at] + text[at:]


def edit(text: str, dice: Dice) -> str:
    """What somebody changes before asking once more."""
    kind = dice.whole(0, 4)
    if kind == 0:
        return slip(text, dice)
    if kind == 1:
        return f"{text} {dice.pick(('Please be specific.', 'again', 'shorter!', 'That was not it.', 'with an example', 'in English', 'and why?'))}"
    if kind == 2:
        return text.rstrip(".?!") + dice.pick(("?", ".", "??", ""))
    if kind == 3:
        return f"{dice.pick(('please', 'once more:', 'no,', 'ok,', 'I meant:', 'try again.'))} {text}"
    words = text.split(" ")
    return " ".join(words[: max(4, int(len(words) * 0.8))])


def _style(dice: Dice) -> Style:
    plain = [text for text in RULES["opener"] if "{" not in text]
    closing = [text for text in RULES["closer"] if "{" not in text]
    return Style(
        openers=tuple(dice.some(plain, dice.whole(1, 3))),
        closers=tuple(dice.some(closing, dice.whole(1, 2))),
        opens=0.7 * dice.roll() ** 2,
        closes=0.6 * dice.roll() ** 2,
        lower=dice.chance(0.2),
        careless=0.25 * dice.roll() ** 2,
    )


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()

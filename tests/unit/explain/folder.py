"""A folder as a replay writes it, made by hand: two campaigns, a handful of accounts, every sort of verdict.

alerts, verdicts, versions   the messages; `alerts(...)` takes what a test wants different
riddles                      a third campaign, of the rule as it is now; not in the folder
write                        them into a folder
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.detectors.prompt_sweep import FAMILIES_MIN, PURPOSE_MIN, VERSION
from pipeline.model.alert import (
    AccountSample,
    CampaignAlert,
    Detector,
    Harvest,
    Link,
    Metrics,
    RecommendedAction,
    Signal,
    Slot,
    Template,
)
from pipeline.model.picture import Picture, Said, Wording
from pipeline.model.verdict import AccountVerdict

START = 1_772_409_600_000  # 2026-03-02, midnight
HOUR = 3_600_000
RECIPES, LETTERS, RIDDLES = "c-recipes0000001", "c-letters0000002", "c-riddles0000004"
Message = dict[str, Any]


def signal(name: str, family: str, value: float, threshold: float, weight: float, description: str) -> Signal:
    return Signal(name=name, family=family, value=value, threshold=threshold, weight=weight, description=description)


SIGNALS = (
    signal("no_repeat", "list", 0.975, 0.95, 1.0, "No prompt of the template comes twice."),
    signal("load", "people", 4.1, 1.0, 1.75, "The accounts carry it evenly."),
    signal("shared_payment", "identity", 0.5, 0.2, 1.25, "Accounts pay with one instrument."),
    signal("fixed_words", "template", 21.0, 10.0, 1.5, "Words that all of them share."),
    signal("frame", "template", 1.0, 0.7, 1.0, "The fixed words open the prompt."),
    signal("retries", "people", 0.31, 0.1, -1.0, "An account tries almost the same again."),
    signal("same_client", "deployment", 0.25, 0.85, 0.0, "All accounts use one client."),
    signal("size", "people", 8.0, 40.0, 0.0, "Accounts in the sample."),
)  # fmt: skip

NAMES = tuple(f"acct-{name}" for name in ("ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "oak"))
TIMES = (
    (0.0, 0.31, 4.2),
    (0.5, 2.75),
    (0.52, 1.9, 3.1),
    (1.1,),
    (1.2, 1.25, 1.31, 2.0, 2.6, 3.3, 4.0, 4.4),
    (2.2,),
    (2.9, 4.39),
    (3.5,),
)
ITEMS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
ACCOUNTS = (1, 1, 2, 3, 4, 5, 5, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 8, 8)


def picture() -> Picture:
    hours = sorted(hour for times in TIMES for hour in times)
    rows = zip(hours, range(1, 22), ITEMS, ACCOUNTS, strict=True)
    return Picture(
        template_id="t-recipes",
        start_ms=START,
        score=5.5,
        score_min=5.0,
        families_min=3,
        purpose=("bursts", "load", "same_client", "shared_payment"),
        purpose_min=0.75,
        coverage=tuple(rows),
        activity=TIMES,
        groups={
            "payment": (1, 1, 0, 2, 2, 2, 0, 0),
            "network": (0, 1, 1, 0, 0, 0, 0, 0),
            "client": (1, 1, 1, 0, 0, 1, 1, 0),
        },
    )


def alert(**changes: Any) -> CampaignAlert:
    """The first message of the campaign of recipes."""
    return replace(
        CampaignAlert(
            campaign_id=RECIPES,
            sequence=1,
            action="open",
            status="new",
            detected_ms=START + 5 * HOUR,
            first_seen_ms=START,
            last_seen_ms=START + round(4.4 * HOUR),
            severity="medium",
            confidence=0.71,
            risk_score=71,
            title="about 8 accounts work one template, 5 requests/h",
            summary="about 8 accounts have sent about 21 requests.",
            detector=Detector(
                name="prompt_sweep", version="0.1.0", rule_id="prompt_sweep", rule_version="1", config_hash="c0ffee"
            ),
            reason=("evidence reached the threshold",),
            signals=SIGNALS,
            metrics=Metrics(accounts=8, requests=21, templates=1, output_tokens=9_100),
            harvest=Harvest(output_tokens=9_100, requests_per_hour=4.77, projected_24h_output_tokens=49_600),
            templates=(
                Template(
                    template_id="t-recipes",
                    text="write the recipe of <*:1> for a cook who has never held a knife; say why each step is there.",
                    support=21,
                    accounts=8,
                    slots=(Slot(slot=1, distinct=20, kind="phrase", samples=("leek soup", "plum cake")),),
                ),
            ),
            accounts=tuple(
                AccountSample(account_id=name, requests=len(times), templates=2 if name == "acct-fir" else None)
                for name, times in zip(NAMES, TIMES, strict=True)
            ),
            accounts_total=8,
            links=(Link(type="payment", accounts=5, values=2), Link(type="user_agent", accounts=5)),
            recommended_actions=(RecommendedAction(id="review", title="Read the evidence", urgency="now"),),
            urls={"runbook": "infra/runbooks/prompt_sweep.md"},
            picture=picture(),
            redaction="templates_only",
            k_accounts=3,
        ),
        **changes,
    )


def alerts() -> list[Message]:
    grown = alert(
        sequence=2,
        action="update",
        status="in_progress",
        severity="high",
        detected_ms=START + 9 * HOUR,
        last_seen_ms=START + 9 * HOUR - 1,
        title="212 accounts work one template, 60 requests/h",
        summary="212 accounts have sent 540 requests.",
        reason=("212 accounts, 8 before", "2 smaller changes were held back"),
        metrics=Metrics(accounts=212, requests=540, templates=1, output_tokens=240_000),
        accounts_total=212,
    )
    letters = alert(
        campaign_id=LETTERS,
        title="40 accounts work one template, 9 requests/h",
        signals=SIGNALS[:5],
        accounts=(AccountSample(account_id="acct-willow", requests=2),),
        picture=None,
        links=(),
    )
    return [one.to_dict(START) for one in (alert(), letters, grown)]


RIDDLE_SIGNALS = (
    signal("harvest", "purpose", 2.0, 1.0, 3.0, "What the fixed text is for."),
    signal("load", "people", 3.2, 1.0, 1.75, "The accounts carry it evenly."),
    signal("fixed_words", "template", 21.0, 10.0, 1.5, "Words that all of them share."),
    signal("frame", "template", 1.0, 0.7, 1.0, "The fixed words open the prompt."),
    signal("no_repeat", "list", 0.975, 0.95, 1.0, "No prompt of the template comes twice."),
    signal("elicitation", "content", 1.0, 0.6, 0.5, "Asks for reasoning, rationale or grades."),
    signal("size", "template", 24.0, 40.0, -0.25, "Accounts in the sample."),
    signal("company", "identity", 0.0, 0.125, 0.0, "Accounts of a campaign that is open."),
    signal("disguise", "content", 0.0, 0.5, 0.0, "Prompts that had to be decoded."),
    signal("unexplained", "template", 1.0, 0.8, 0.0, "Requests that no other campaign explains."),
    signal("varied_wording", "template", 0.0, 0.6, 0.0, "Several phrases, one crowd."),
)  # fmt: skip


def riddles(**changes: Any) -> CampaignAlert:
    """A campaign that the rule of this version has opened, on a frame of 21 words."""
    return replace(
        alert(
            campaign_id=RIDDLES,
            title="about 24 accounts work one template, 9 requests/h",
            summary="about 24 accounts have sent about 40 requests.",
            detector=Detector(name="prompt_sweep", version="0.1.0", rule_id="prompt_sweep", rule_version=VERSION),
            signals=RIDDLE_SIGNALS,
            metrics=Metrics(accounts=24, requests=40, templates=1, output_tokens=31_000),
            templates=(
                Template(
                    template_id="t-riddles",
                    text="answer the riddle of <*:1> step by step, show your work and put the final answer on the last line.",
                    support=40,
                    accounts=24,
                    slots=(Slot(slot=1, distinct=39, kind="phrase"),),
                ),
            ),
            accounts=(
                AccountSample(account_id="acct-yew", requests=2),
                AccountSample(account_id="acct-zelkova", requests=1),
            ),
            accounts_total=24,
            links=(),
            picture=riddles_picture(),
        ),
        **changes,
    )


def riddles_picture(**changes: Any) -> Picture:
    return replace(
        Picture(
            template_id="t-riddles",
            start_ms=START,
            score=8.5,
            score_min=6.25,
            families_min=FAMILIES_MIN,
            purpose=("disguise", "harvest"),
            purpose_min=PURPOSE_MIN,
            accounts_min=12,
            requests_min=14,
            placed=1.0,
            coverage=((0.0, 1, 1, 1), (2.1, 21, 21, 15), (4.4, 40, 39, 24)),
            activity=((0.0, 2.5), (0.7,)),
            groups={"payment": (0, 0), "network": (0, 0), "client": (1, 1)},
            wording=Wording(
                words=21,
                asking=8,
                about_answering=0.75,
                lean=1.3,
                towards=(("answer", 0.45), ("final", 0.35), ("step", 0.1)),
                away=(("line", -0.2),),
                phrases=(Said(purpose="reasoning", found=3, shown=("step by step", "show your work", "final answer")),),
            ),
        ),
        **changes,
    )


def verdict(account: str, **changes: Any) -> AccountVerdict:
    return replace(
        AccountVerdict(
            account_id=account,
            campaign_id=RECIPES,
            verdict="member",
            confidence=0.9526,
            decided_ms=START + 6 * HOUR,
            requests=3,
            share_of_account=0.6,
            evidence=("template", "repetition", "focus"),
            first_seen_ms=START + HOUR,
            last_seen_ms=START + 4 * HOUR,
            recommended_action="step_up_verification",
            distinct=2,
            framed=3,
        ),
        **changes,
    )


def verdicts() -> list[Message]:
    told = [
        verdict("acct-ash"),
        verdict("acct-birch", confidence=0.87, requests=2, share_of_account=0.2, recommended_action="throttle"),
        verdict("acct-cedar", confidence=0.78),
        verdict("acct-elm", confidence=0.88, requests=1, distinct=1, framed=1, share_of_account=0.25),
        verdict("acct-ash", confidence=0.9988, requests=9, distinct=7, framed=9, decided_ms=START + 8 * HOUR,
                share_of_account=1.0, recommended_action="suspend_review"),
        verdict("acct-cedar", verdict="cleared", confidence=0.61, decided_ms=START + 8 * HOUR, requests=3,
                share_of_account=0.03, evidence=("template", "repetition"), recommended_action="observe"),
        verdict("acct-ash", campaign_id=LETTERS, confidence=0.966, requests=2, framed=2, share_of_account=0.18,
                evidence=("template", "repetition"), recommended_action="throttle", decided_ms=START + 9 * HOUR,
                also_member_of=(RECIPES, "c-stories0000003")),
    ]  # fmt: skip
    return [one.to_dict() for one in told]


def versions() -> list[Message]:
    template = {"template_id": "t-recipes", "core": [1, 2], "frame": True, "obfuscated": False, "strength": 0.5}
    return [
        {"campaign_id": RECIPES, "version": 1, "tick": 29_540_460, "closed": False, "templates": [template]},
    ]


def write(folder: Path) -> Path:
    """The folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, messages in (("alerts", alerts()), ("verdicts", verdicts()), ("campaigns", versions())):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(message) + "\n" for message in messages))
    return folder

"""A story as one HTML page that needs nothing but itself: no script, no font, no image, nothing from a network.

The page forbids itself to load anything (Content-Security-Policy), so even a mistake here could not call home. Everything
that is not markup of ours is escaped by `element`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.explain import plots
from pipeline.explain.account import AccountStory, InCampaign
from pipeline.explain.campaign import A_PHRASE, SURE, CampaignStory, Members, Template
from pipeline.explain.counterfactual import Change
from pipeline.explain.graph import graph
from pipeline.explain.markup import Child, Safe, element, joined
from pipeline.explain.rule import Term
from pipeline.explain.style import STYLE
from pipeline.explain.wording import Wording
from pipeline.model.plain import number

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
LOUD: Final = ("critical", "high")


def campaign_page(story: CampaignStory) -> str:
    """The page of a campaign."""
    return _page(
        f"{story.campaign_id}: {story.title}",
        _badges((story.severity, story.severity in LOUD), (story.status, False), (story.category, False)),
        element("h1", story.title),
        element("p", story.campaign_id, class_="faint"),
        element("p", story.verdict, class_="verdict"),
        element("p", story.summary),
        _facts(story),
        _section("Its life", _life(story)),
        _section("Template", [_template(each) for each in story.templates]),
        _section("What the words say", _wording(story.wording)),
        _section("Evidence", _evidence(story.terms)),
        _section("What speaks against it", _listing(story.against) or "Nothing that these messages hold."),
        _section("What would change the verdict", _would_change(story)),
        _section("Coverage of the slots", _coverage(story)),
        _section("Accounts over time", _activity(story)),
        _section("What accounts share", _shared(story)),
        _section("Verdicts on accounts", _members(story.members)),
        _section("What to do", _listing((*story.actions, *(f"{name}: {url}" for name, url in story.urls)))),
        _section("Not here", _listing(story.missing)),
    )


def account_page(story: AccountStory) -> str:
    """The page of an account."""
    others = [f"Also a member of {name}." for name in story.also_member_of]
    others += [f"In the sample that the alert of {name} shows." for name in story.sampled_in]
    return _page(
        story.account_id,
        _badges(("account", False)),
        element("h1", story.account_id),
        element("p", story.verdict, class_="verdict"),
        [_section(f"{each.campaign_id}: {each.now.verdict}", _in_campaign(each)) for each in story.campaigns],
        _section("Elsewhere", _listing(others)),
    )


def _page(title: str, *content: Child) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", STYLE),
    )
    foot = element(
        "p",
        "Written by sweepwatch explain from alerts and verdicts alone. It holds no prompt; of templates it shows "
        "words that several accounts used. A verdict is a lead for a person, not a proof.",
        class_="faint",
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', element('main', *content, foot)), lang='en')}\n"


# -- a campaign ----------------------------------------------------------------------------------------------------------


def _facts(story: CampaignStory) -> Safe:
    return element("dl", [[element("dt", name), element("dd", said)] for name, said in story.facts])


def _life(story: CampaignStory) -> Child:
    return _table(
        ("#>", "message", "decided (UTC)", "severity", "accounts>", "requests>", "output tokens>", "because"),
        [
            (
                str(each.sequence),
                each.action,
                each.decided,
                each.severity,
                *(_number(value) for value in (each.accounts, each.requests, each.output_tokens)),
                "; ".join(each.reasons),
            )
            for each in story.chapters
        ],
    )


def _template(template: Template) -> Child:
    used = f"{number(template.requests)} requests of {number(template.accounts)} accounts in the sample"
    if template.strength is not None:
        used += f"; its evidence was {template.strength:+.2f} from the threshold"
    if template.frame is not None:
        used += "; a frame: it opens the prompt" if template.frame else f"; {A_PHRASE}"
    slots = [(f"<*:{slot.slot}>", number(slot.distinct), slot.kind) for slot in template.slots]
    return [
        element("h3", template.template_id),
        element("p", used, class_="faint"),
        element("pre", template.text),
        _table(("slot", "different>", "kind"), slots),
    ]


def _wording(wording: Wording) -> Child:
    return [
        _listing(wording.said),
        _table(
            ("phrases of", "different>", "as the template shows them"),
            [(each.purpose, number(each.found), ", ".join(each.shown)) for each in wording.phrases],
        ),
        _table(
            ("word", "adds>", "away | towards a harvest"),
            [(pull.word, f"{pull.adds:+.2f}", plots.balance(pull.adds, wording.strongest)) for pull in wording.pulls],
        ),
    ]


def _evidence(terms: Sequence[Term]) -> Child:
    speaking = [term for term in terms if term.weight]
    most = max((abs(term.weight) for term in speaking), default=1.0)
    silent = [f"{term.name} ({_number(term.value)})" for term in terms if not term.weight]
    if not terms:
        return ()
    return [
        element(
            "p",
            "Weights are log-odds: to the right they speak for a campaign, to the left against one.",
            class_="faint",
        ),
        _table(
            ("term", "family", "value>", "threshold>", "weight>", "against | for", "what it is"),
            [
                (
                    term.name,
                    term.family,
                    _number(term.value),
                    _number(term.threshold),
                    f"{term.weight:+.2f}",
                    plots.balance(term.weight, most),
                    _meaning(term),
                )
                for term in speaking
            ],
        ),
        element("p", f"Measured, and said nothing: {', '.join(silent)}.", class_="faint") if silent else "",
    ]


def _meaning(term: Term) -> Child:
    more = [element("br"), element("span", f"Ordinary use: {term.null}", class_="faint")] if term.null else ""
    misses = [element("br"), element("span", f"Misses: {term.misses}", class_="faint")] if term.misses else ""
    return joined([term.meaning, more, misses])


def _would_change(story: CampaignStory) -> Child:
    if not story.would_change:
        return ()
    return [
        _listing(story.would_change),
        _table(
            ("without", "weight>", "score>", "families>", "purpose>", "then"),
            [_changed(change) for change in story.changes],
        ),
    ]


def _changed(change: Change) -> tuple[Child, ...]:
    left = change.without
    then = left.outcome if left.holds else element("strong", left.outcome)
    numbers = (f"{change.weight:+.2f}", number(left.score), str(left.families), number(left.purpose))
    return (change.name, *numbers, then)


def _coverage(story: CampaignStory) -> Child:
    if len(story.coverage) < 2:
        return ()
    last = story.coverage[-1]
    share = last.items / last.requests if last.requests else 0.0
    return [
        _figure(
            plots.coverage(story.coverage, story.start_ms),
            f"{number(last.requests)} sampled requests of {number(last.accounts)} accounts asked for {number(last.items)} "
            f"different items (distinct prompts): {share:.0%} new. A list that is worked off stays on the line of requests; "
            "what people like bends away from it.",
            _key("line first", "distinct items"),
            _key("line second", "requests"),
            _key("line third", "accounts"),
        ),
        _figure(plots.newness(story.coverage), "How much of each step had not been asked for before."),
    ]


def _activity(story: CampaignStory) -> Child:
    if not any(each.hours for each in story.sampled):
        return ()
    return _figure(
        plots.activity(story.sampled, story.start_ms),
        "One row a sampled account, one dot a request (at most eight), in the order in which they came.",
        *_tones(),
    )


def _shared(story: CampaignStory) -> Child:
    linked = any(any(each.groups) for each in story.sampled)
    if not story.sampled:
        return ()
    caption = (
        "Squares are values that several sampled accounts share, joined to these; large dots were sampled with several"
    )
    caption += " templates. All of them share the template of the picture. Numbers mean nothing outside this page."
    return [
        _listing(story.links) or element("p", "No value is shared by a fifth of the sampled accounts."),
        _figure(
            graph(story.sampled),
            caption,
            _key("link payment", "P: payment instrument"),
            _key("link network", "N: network"),
            _key("link client", "C: client"),
            *_tones(),
        )
        if linked or any(each.hours for each in story.sampled)
        else "",
    ]


def _members(members: Members) -> Child:
    if not members.members and not members.cleared:
        return ()
    families = ", ".join(f"{name} {number(found)}" for name, found in members.families)
    actions = ", ".join(f"{name} {number(found)}" for name, found in members.actions)
    return [
        _figure(
            plots.histogram(members.member_bins, members.cleared_bins),
            f"{number(members.members)} members, {number(members.unsure)} of them below {SURE}; "
            f"{number(members.cleared)} cleared. For {number(members.mixed)} members the campaign is less than half of "
            "what they send.",
            _key("bar", "members"),
            _key("against", "cleared"),
        ),
        element(
            "dl",
            element("dt", "families"),
            element("dd", families),
            element("dt", "recommended"),
            element("dd", actions),
        ),
        element("h3", f"The {len(members.shown)} members with most requests"),
        _table(
            ("account", "requests>", "of its traffic>", "confidence>", "families", "recommended"),
            [
                (
                    member.account_id,
                    number(member.requests),
                    f"{member.share:.0%}",
                    f"{member.confidence:.2f}",
                    ", ".join(member.families),
                    member.action,
                )
                for member in members.shown
            ],
        ),
    ]


# -- an account ----------------------------------------------------------------------------------------------------------


def _in_campaign(story: InCampaign) -> Child:
    rows = [(told.decided, told.confidence, told.share, told.verdict == "member") for told in story.history]
    return [
        element("p", f"{story.title} ({story.severity}, {story.status})"),
        _figure(
            plots.course(rows),
            "Its verdicts, one after the other.",
            _key("line first", "confidence"),
            _key("line second", "share of the account's traffic"),
        )
        if len(rows) > 1
        else "",
        element("h3", "What it rests on"),
        _listing(story.rests_on),
        element("h3", "What would clear it"),
        _listing(story.clearing),
        _table(
            ("if", "then", "confidence>"),
            [
                (
                    each.change,
                    "member all the same" if each.member else element("strong", "cleared"),
                    f"{each.confidence:.2f}",
                )
                for each in story.what_if
            ],
        ),
        element("h3", "Its verdicts"),
        _table(
            ("decided (UTC)", "verdict", "confidence>", "requests>", "of its traffic>", "evidence", "recommended"),
            [
                (
                    told.decided,
                    told.verdict,
                    f"{told.confidence:.2f}",
                    number(told.requests),
                    f"{told.share:.0%}",
                    ", ".join(told.families),
                    told.action,
                )
                for told in story.history
            ],
        ),
    ]


# -- pieces --------------------------------------------------------------------------------------------------------------


def _section(heading: str, content: Child) -> Child:
    """A section, or nothing if there is nothing in it."""
    shown = joined(content)
    return element("section", element("h2", heading), shown) if shown else ()


def _badges(*badges: tuple[str, bool]) -> Safe:
    said = [element("span", name.replace("_", " "), class_="loud" if loud else None) for name, loud in badges]
    return element("p", said, class_="badges")


def _listing(sentences: Sequence[str]) -> Child:
    return element("ul", [element("li", sentence) for sentence in sentences]) if sentences else ()


def _table(headings: Sequence[str], rows: Sequence[Sequence[Child]]) -> Child:
    """Headings that end with > are of numbers, with (UTC) of times. A table without rows is none."""
    if not rows:
        return ()
    sides = ["number" if name.endswith(">") else "when" if name.endswith("(UTC)") else None for name in headings]
    head = [
        element("th", name.removesuffix(">"), class_=side, scope="col")
        for name, side in zip(headings, sides, strict=True)
    ]
    body = [
        element("tr", [element("td", cell, class_=side) for cell, side in zip(row, sides, strict=True)]) for row in rows
    ]
    return element(
        "div", element("table", element("thead", element("tr", head)), element("tbody", body)), class_="scroll"
    )


def _figure(drawn: Safe, caption: str, *key: Safe) -> Safe:
    return element("figure", drawn, element("figcaption", caption, element("br") if key else "", key))


def _key(tone: str, said: str) -> Safe:
    """What a line, a bar or a dot means."""
    if tone.startswith(("line", "link")):
        drawn = element("line", x1=1, y1=6, x2=25, y2=6, class_=tone)
    elif tone.startswith("dot"):
        drawn = element("circle", cx=13, cy=6, r=4, class_=tone)
    else:
        drawn = element("rect", x=3, y=1, width=20, height=10, class_=tone)
    return element(
        "span", element("svg", drawn, viewBox="0 0 26 12", width=26, height=12, aria_hidden="true"), said, class_="key"
    )


def _tones() -> tuple[Safe, ...]:
    return (
        _key("dot first", "member"),
        _key("dot negative", "cleared"),
        _key("dot third", "no verdict"),
    )


def _number(value: float | None) -> str:
    return "-" if value is None else number(value)

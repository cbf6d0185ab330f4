"""A story as lines of a terminal. Every text may have been written by a stranger: it is cleaned, and never read as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pipeline.explain.account import AccountStory, InCampaign
from pipeline.explain.campaign import A_PHRASE, BINS, KINDS, CampaignStory, Members, Point, Sampled
from pipeline.explain.counterfactual import Change
from pipeline.explain.rule import Term
from pipeline.explain.wording import Wording
from pipeline.model.plain import clean, counted, number

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

BAR: Final = 10
"""Characters of the longest bar on either side of zero."""
STEPS: Final = " ▁▂▃▄▅▆▇█"
STRIP: Final = 48
STRIPS_SHOWN: Final = 12
MEMBERS_SHOWN: Final = 8
TEMPLATES_SHOWN: Final = 5
COLOURS: Final = {"critical": "bold red", "high": "bold red", "medium": "yellow", "low": "cyan", "info": "blue"}


def campaign_text(story: CampaignStory) -> RenderableType:
    """Evidence, template, coverage, doubts, what would change it, accounts: in the order in which one asks."""
    sections: list[tuple[str, Iterable[RenderableType]]] = [
        ("Its life", _life(story)),
        ("Template", _templates(story)),
        ("What the words say", _wording(story.wording)),
        ("Evidence, as log-odds", _evidence(story.terms)),
        ("What speaks against it", _sentences(story.against, "Nothing that these messages hold.")),
        ("What would change the verdict", _would_change(story)),
        ("Coverage of the slots, in the sample", _coverage(story.coverage)),
        ("Accounts over time, in the sample", _activity(story.sampled)),
        ("What accounts share", _shared(story)),
        ("Accounts, by verdict", _members(story.members)),
        ("What to do", _sentences((*story.actions, *(f"{name}: {url}" for name, url in story.urls)), "")),
        ("Not here", _sentences(story.missing, "")),
    ]
    head = f"{story.severity.upper()} · {story.status} · {story.category.replace('_', ' ')} · {story.campaign_id}"
    top = [
        _text(story.title, 200, "bold"),
        _text(story.verdict, 600),
        _text(story.summary, 1_024, "dim"),
        _grid(story.facts),
    ]
    return _page(head, COLOURS.get(story.severity, "white"), top, sections)


def account_text(story: AccountStory) -> RenderableType:
    """Campaign by campaign: the verdicts, what they rest on, what would clear the account."""
    sections: list[tuple[str, Iterable[RenderableType]]] = [
        (f"{each.campaign_id}: {each.now.verdict}", _in_campaign(each)) for each in story.campaigns
    ]
    others = [f"also a member of {name}" for name in story.also_member_of]
    others += [f"in the sample that the alert of {name} shows" for name in story.sampled_in]
    sections.append(("Elsewhere", _sentences(others, "")))
    return _page(f"ACCOUNT · {story.account_id}", "bold", [_text(story.verdict, 400, "bold")], sections)


def _page(
    head: str, colour: str, top: Sequence[RenderableType], sections: Iterable[tuple[str, Iterable[RenderableType]]]
) -> RenderableType:
    from rich.console import Group
    from rich.padding import Padding
    from rich.rule import Rule

    parts: list[RenderableType] = [Rule(_text(head, 200, colour), align="left", characters="━"), *top]
    for heading, content in sections:
        shown = list(content)
        if shown:
            parts += [_text(""), Rule(_text(heading, 200, "bold"), align="left")]
            parts += [Padding(each, (0, 0, 0, 1)) for each in shown]
    return Group(*parts)


# -- a campaign ----------------------------------------------------------------------------------------------------------


def _life(story: CampaignStory) -> Iterable[RenderableType]:
    if not story.chapters:
        return
    table = _table(("#", "message", "decided", "severity", "accounts", "requests", "because"), "><<<>><")
    for each in story.chapters:
        table.add_row(
            str(each.sequence),
            _text(each.action, 20),
            _text(each.decided, 20),
            _text(each.severity, 20),
            *(_number(value) for value in (each.accounts, each.requests)),
            _text("; ".join(each.reasons), 400),
        )
    yield table


def _templates(story: CampaignStory) -> Iterable[RenderableType]:
    from rich.padding import Padding

    for template in story.templates[:TEMPLATES_SHOWN]:
        said = f"{template.template_id}: {number(template.requests)} requests of {number(template.accounts)} accounts"
        if template.strength is not None:
            said += f", {template.strength:+.2f} above the threshold"
        if template.frame is not None:
            said += ", a frame" if template.frame else f", {A_PHRASE}"
        yield _text(said, 300, "bold")
        yield Padding(_text(template.text, 2_000), (0, 0, 0, 2))
        for slot in template.slots:
            said = f"<*:{slot.slot}> {number(slot.distinct)} different {slot.kind}"
            yield Padding(_text(said, 100, "dim"), (0, 0, 0, 2))
    if len(story.templates) > TEMPLATES_SHOWN:
        yield _text(f"and {len(story.templates) - TEMPLATES_SHOWN} more", 60, "dim")


def _wording(wording: Wording) -> Iterable[RenderableType]:
    yield from _sentences(wording.said, "")
    if wording.phrases:
        table = _table(("phrases of", "different", "as the template shows them"), "<><")
        for each in wording.phrases:
            table.add_row(_text(each.purpose, 40), number(each.found), _text(", ".join(each.shown), 400))
        yield table
    if wording.pulls:
        table = _table(("word", "adds", "away | towards a harvest"), "<><")
        for pull in wording.pulls:
            table.add_row(_text(pull.word, 64), f"{pull.adds:+.2f}", _bar(pull.adds / wording.strongest))
        yield table


def _evidence(terms: Sequence[Term]) -> Iterable[RenderableType]:
    speaking = [term for term in terms if term.weight]
    if not speaking:
        return
    most = max(abs(term.weight) for term in speaking)
    table = _table(("term", "family", "value", "threshold", "weight", "against | for", "what was measured"), "<<>>><<")
    for term in speaking:
        table.add_row(
            _text(term.name, 40),
            _text(term.family, 20),
            *(_number(value) for value in (term.value, term.threshold)),
            f"{term.weight:+.2f}",
            _bar(term.weight / most),
            _text(term.meaning, 300, "dim"),
        )
    yield table
    silent = [term for term in terms if not term.weight]
    if silent:
        said = ", ".join(f"{term.name} {number(term.value) if term.value is not None else '-'}" for term in silent)
        yield _text(f"said nothing: {said}", 2_000, "dim")


def _bar(share: float) -> Text:
    """A bar from a line in the middle: to the left against, to the right for."""
    from rich.text import Text

    length = round(abs(share) * BAR)
    if share < 0:
        return Text.assemble(" " * (BAR - length), ("█" * length, "red"), "│", " " * BAR)
    return Text.assemble(" " * BAR, "│", ("█" * length, "green"), " " * (BAR - length))


def _would_change(story: CampaignStory) -> Iterable[RenderableType]:
    yield from _sentences(story.would_change, "")
    if story.would_change:
        table = _table(("without", "weight", "score", "families", "purpose", "then"), "<>>>><")
        for change in story.changes:
            table.add_row(*_changed(change))
        yield table


def _changed(change: Change) -> tuple[str | Text, ...]:
    left = change.without
    return (
        _text(change.name, 40),
        f"{change.weight:+.2f}",
        number(left.score),
        str(left.families),
        number(left.purpose),
        _text(left.outcome, 200, "dim" if left.holds else "bold"),
    )


def _coverage(points: Sequence[Point]) -> Iterable[RenderableType]:
    if len(points) < 2:
        return
    last = points[-1]
    yield _text(
        f"{number(last.requests)} requests of {number(last.accounts)} accounts in {last.hours:.1f} h asked for "
        f"{number(last.items)} different items ({_share(last.items, last.requests)} new).",
        300,
    )
    yield _text(f"new items, share of each step   {_steps(points)}   first to last", 200)
    table = _table(("after", "requests", "items", "new since", "accounts"), ">>>>>")
    before = Point(0, 0, 0, 0)
    for quarter in (1, 2, 3, 4):
        point = next(each for each in points if each.requests >= last.requests * quarter / 4)
        if point.requests == before.requests:
            continue
        new = _share(point.items - before.items, point.requests - before.requests)
        table.add_row(f"{point.hours:.1f} h", number(point.requests), number(point.items), new, number(point.accounts))
        before = point
    yield table


def _steps(points: Sequence[Point]) -> str:
    """A block for each step of the curve: full when all that came was new."""
    shares = [
        (after.items - before.items) / max(after.requests - before.requests, 1) for before, after in pairwise(points)
    ]
    return "".join(STEPS[min(max(round(share * 8), 0), 8)] for share in shares)


def _share(some: float, of: float) -> str:
    return f"{some / of:.0%}" if of else "-"


def _activity(sampled: Sequence[Sampled]) -> Iterable[RenderableType]:
    shown = [each for each in sampled if each.hours]
    if not shown:
        return
    until = max(max(each.hours) for each in shown) or 1.0
    table = _table(("account", f"0 h to {until:.1f} h", "sampled", "of its traffic", "verdict"), "<<>><")
    for each in shown[:STRIPS_SHOWN]:
        table.add_row(
            _text(each.account_id, 60),
            _strip(each.hours, until),
            number(each.requests),
            "-" if each.share is None else f"{each.share:.0%}",
            _text(each.verdict, 20),
        )
    yield table
    if len(shown) > STRIPS_SHOWN:
        yield _text(f"and {len(shown) - STRIPS_SHOWN} more in the sample", 60, "dim")


def _strip(hours: Sequence[float], until: float) -> str:
    places = {min(max(int(hour / until * (STRIP - 1)), 0), STRIP - 1) for hour in hours}
    return "".join("●" if place in places else "·" for place in range(STRIP))


def _shared(story: CampaignStory) -> Iterable[RenderableType]:
    said = [f"in the alert: {'; '.join(story.links)}"] if story.links else []
    size = len(story.sampled)
    for kind, numbers in zip(KINDS, zip(*(each.groups for each in story.sampled), strict=True), strict=False):
        sharing = [each for each in numbers if each]
        if sharing:
            largest = max(sharing.count(each) for each in set(sharing))
            over = counted(len(set(sharing)), "value")
            said.append(f"{kind}: {len(sharing)} of {size} shown accounts, over {over}, the commonest has {largest}")
    several = sum(each.templates > 1 for each in story.sampled)
    if several:
        said.append(f"templates: {several} of {size} shown accounts were sampled with more than one")
    return _sentences(said, "Nothing that the sample shows." if story.sampled else "")


def _members(members: Members) -> Iterable[RenderableType]:
    if not members.members and not members.cleared:
        return
    yield _text(f"{number(members.members)} members, {number(members.cleared)} cleared", 80, "bold")
    yield _text("families: " + ", ".join(f"{name} {number(found)}" for name, found in members.families), 400)
    yield _text("actions:  " + ", ".join(f"{name} {number(found)}" for name, found in members.actions), 400)
    most = max(*members.member_bins, *members.cleared_bins, 1)
    table = _table(("confidence", "members", "", "cleared"), "<><>")
    for place, (named, cleared) in enumerate(zip(members.member_bins, members.cleared_bins, strict=True)):
        if named or cleared:
            bar = "█" * max(round(named / most * 2 * BAR), bool(named))
            table.add_row(f"{place / BINS:.2f} to {(place + 1) / BINS:.2f}", number(named), bar, number(cleared))
    yield table
    largest = _table(
        ("members with most requests", "requests", "of its traffic", "confidence", "families", "action"), "<>>><<"
    )
    for member in members.shown[:MEMBERS_SHOWN]:
        largest.add_row(
            _text(member.account_id, 60),
            number(member.requests),
            f"{member.share:.0%}",
            f"{member.confidence:.2f}",
            _text(", ".join(member.families), 200),
            _text(member.action, 40),
        )
    yield largest


# -- an account ----------------------------------------------------------------------------------------------------------


def _in_campaign(story: InCampaign) -> Iterable[RenderableType]:
    yield _text(f"{story.title} ({story.severity}, {story.status})", 300)
    table = _table(
        ("decided", "verdict", "confidence", "requests", "of its traffic", "evidence", "recommended"), "<<>>><<"
    )
    for told in story.history:
        table.add_row(
            _text(told.decided, 20),
            _text(told.verdict, 20),
            f"{told.confidence:.2f}",
            number(told.requests),
            f"{told.share:.0%}",
            _text(", ".join(told.families), 200),
            _text(told.action, 40),
        )
    yield table
    yield _text("It rests on", 20, "bold")
    yield from _sentences(story.rests_on, "")
    yield _text("What would clear it", 40, "bold")
    yield from _sentences(story.clearing, "")


# -- pieces --------------------------------------------------------------------------------------------------------------


def _sentences(said: Sequence[str], otherwise: str) -> Iterable[RenderableType]:
    from rich.table import Table

    if not said:
        return [_text(otherwise, 200)] if otherwise else []
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for sentence in said:
        grid.add_row("-", _text(sentence, 600))
    return [grid]


def _grid(rows: Sequence[tuple[str, str]]) -> RenderableType:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, said in rows:
        grid.add_row(_text(name, 40), _text(said, 600))
    return grid


def _table(headings: Sequence[str], sides: str) -> Table:
    """`sides` has < or > for each column."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, side in zip(headings, sides, strict=True):
        if side == ">":
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(heading, overflow="fold")
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else number(value)


def _text(value: object, limit: int = 200, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean(value, limit), style=style)

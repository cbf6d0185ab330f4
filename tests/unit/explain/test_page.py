"""The text and the page: as reviewed (golden), well formed, without a way out, and deaf to what strangers write."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from pipeline.explain.account import account_story
from pipeline.explain.campaign import campaign_story
from pipeline.explain.load import AccountFile, CampaignFile, look_up
from pipeline.explain.markup import EMPTY, element, figure
from pipeline.explain.page import account_page, campaign_page
from pipeline.explain.text import account_text, campaign_text
from tests.unit.explain.folder import LETTERS, RECIPES, RIDDLES, START, alerts, riddles, verdicts, versions

GOLDEN = Path(__file__).parent / "golden"
NULLS = {"retries": ("People rephrase what they have asked.", "Scripts with a retry of their own.")}
EVIL = "</p><script>alert(1)</script>\" onload='x()' &lt; <!-- ]]> \x1b[2J\u202e"


def rendered(wanted: str, messages: Any = None, told: Any = None) -> tuple[str, str]:
    """Text and page."""
    published = messages or [*alerts(), riddles().to_dict(START)]
    file = look_up(wanted, published, verdicts() if told is None else told, versions())
    if isinstance(file, CampaignFile):
        campaign = campaign_story(file, NULLS)
        return plain(campaign_text(campaign)), campaign_page(campaign)
    assert isinstance(file, AccountFile)
    account = account_story(file)
    return plain(account_text(account)), account_page(account)


def plain(shown: Any) -> str:
    console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(shown)
    return "".join(f"{line.rstrip()}\n" for line in console.export_text().splitlines())


class Reader(HTMLParser):
    """Tags as they open and close; fails where one is left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("wanted", [RECIPES, LETTERS, RIDDLES, "acct-ash", "acct-cedar"])
def test_golden_explanation(wanted: str) -> None:
    text, page = rendered(wanted)
    for name, said in ((f"{wanted}.txt", text), (f"{wanted}.html", page)):
        if os.environ.get("SWEEPWATCH_GOLDEN"):
            (GOLDEN / name).write_text(said, encoding="utf-8")
        assert said == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("wanted", [RECIPES, LETTERS, RIDDLES, "acct-ash", "acct-cedar"])
def test_a_page_is_well_formed_and_loads_nothing(wanted: str) -> None:
    _, page = rendered(wanted)
    read = Reader(page)

    assert page.startswith("<!DOCTYPE html>")
    assert {"script", "link", "img", "iframe", "object", "embed", "form", "a"}.isdisjoint(read.tags)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes
    assert not re.search(r"https?:|//|url\(|@import", page)
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in ("src", "href", "style")]


def test_a_campaigns_page_has_every_plot_and_says_what_each_shows() -> None:
    read = Reader(rendered(RECIPES)[1])
    said = " ".join(read.text)

    assert read.tags.count("figure") == 5
    for needed in (
        *("21 requests, 20 distinct items over 4.4 hours", "share of new items in 21 steps"),
        *("when each of 8 sampled accounts sent", "8 sampled accounts and 4 values that some of them share"),
        *(
            "3 members and 1 cleared accounts by confidence",
            "retries speaks against it",
            "What would change the verdict",
        ),
        *("write the recipe of <*:1> for a cook", "People rephrase what they have asked."),
    ):
        assert needed in said, needed


def test_what_stood_in_a_slot_is_not_shown_even_where_the_alert_has_samples() -> None:
    assert "leek soup" in str(alerts())
    assert not [said for said in rendered(RECIPES) if "leek soup" in said]


def spoilt(value: Any, text: str) -> Any:
    """Every text of a message replaced, but for those that the loader goes by."""
    if isinstance(value, dict):
        kept = ("campaign_id", "verdict", "start")
        return {name: part if name in kept else spoilt(part, text) for name, part in value.items()}
    if isinstance(value, list):
        return [spoilt(part, text) for part in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("wanted", [RECIPES, RIDDLES, EVIL])
def test_what_strangers_write_is_never_markup(wanted: str) -> None:
    told = [{**spoilt(row, EVIL), "account_id": EVIL} for row in verdicts()]
    text, page = rendered(wanted, [spoilt(each, EVIL) for each in [*alerts(), riddles().to_dict(START)]], told)
    read = Reader(page)

    assert "script" not in read.tags
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert "alert(1)" in "".join(read.text)
    assert not any(letter in text + page for letter in "\x1b\u202e")


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=12))
def test_any_text_gives_the_same_tags_as_a_word(text: str) -> None:
    def tags(said: str) -> list[str]:
        return Reader(rendered(RECIPES, [spoilt(alert, said) for alert in alerts()], [])[1]).tags

    assert tags(text) == tags("word")


def test_the_page_is_the_same_whatever_the_order_of_verdicts_on_other_accounts() -> None:
    last = {(row["account_id"], row["campaign_id"]): row for row in verdicts()}

    assert rendered(RECIPES, told=list(last.values())) == rendered(RECIPES, told=list(last.values())[::-1])


def test_colours_of_the_dark_page_and_of_paper_are_given() -> None:
    _, page = rendered(RECIPES)

    assert "prefers-color-scheme: dark" in page and "@media print" in page
    used, given_ = set(re.findall(r"var\((--\w+)\)", page)), set(re.findall(r"(--\w+):", page))
    assert used <= given_


def test_an_element_escapes_what_is_in_it_and_leaves_out_what_is_none() -> None:
    assert element("p", "a < b", element("br"), class_='"x"', id=None) == '<p class="&quot;x&quot;">a &lt; b<br></p>\n'
    assert element("circle", cx=1.0, cy=-0.001, r=2.25) == '<circle cx="1" cy="0" r="2.25"/>\n'
    assert [figure(value) for value in (10, 100.0, 0.333333, -12.5)] == ["10", "100", "0.33", "-12.5"]

"""The stories: what is concluded from the messages, before anything is formatted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.detectors.membership import Hits, judge
from pipeline.explain.account import AccountStory, account_story, sampled_only
from pipeline.explain.campaign import CampaignStory, campaign_story
from pipeline.explain.counterfactual import standing
from pipeline.explain.load import AccountFile, CampaignFile, look_up
from pipeline.explain.wording import Wording as WordingStory
from pipeline.model.alert import CampaignAlert, Signal
from pipeline.model.picture import Wording
from tests.unit.explain.folder import (
    LETTERS,
    RECIPES,
    RIDDLE_SIGNALS,
    SIGNALS,
    alert,
    alerts,
    riddles,
    riddles_picture,
    signal,
    verdict,
    verdicts,
    versions,
)


def campaign(*messages: dict[str, Any], told: list[dict[str, Any]] | None = None) -> CampaignStory:
    file = look_up(RECIPES, messages or alerts(), verdicts() if told is None else told, versions())
    assert isinstance(file, CampaignFile)
    return campaign_story(file, {"retries": ("People rephrase.", "Scripts.")})


def story_of(message: CampaignAlert) -> CampaignStory:
    """The story of a campaign of this one alert."""
    file = look_up(message.campaign_id, [message.to_dict(0)], [])
    assert isinstance(file, CampaignFile)
    return campaign_story(file, {})


def account(name: str, told: list[dict[str, Any]] | None = None) -> AccountStory:
    file = look_up(name, alerts(), verdicts() if told is None else told)
    assert isinstance(file, AccountFile)
    return account_story(file)


# ------------------------------------------------------------------ a campaign


def test_the_verdict_names_score_threshold_families_and_what_tells_an_operation() -> None:
    assert campaign().verdict == (
        "A campaign: its evidence adds up to 5.5 log-odds, 5 were needed (+0.50); 4 families of evidence speak for it, "
        "3 were needed; 3 of it tells one operation from the users of one app, 0.75 were needed."
    )


def test_what_speaks_against_it_is_said_with_its_null() -> None:
    against = campaign().against

    assert against[0] == "retries speaks against it (0.31, threshold 0.1, weight -1.00): People rephrase."
    assert "These tell one operation from the users of one app, and say nothing: same_client." in against
    assert "The score is near what is needed (+0.50)." in against
    assert "1 of 21 sampled requests repeat a prompt that had come before." in against
    assert "Called members and cleared again: 1 account." in against


def test_an_alert_on_the_edge_says_that_any_term_carries_it() -> None:
    assert campaign().would_change[0].startswith("It is on the edge: without any one of load, fixed_words, ")


def weighted(**weights: float) -> dict[str, Any]:
    """An alert with these terms and no others."""
    some = tuple(replace(each, weight=weights[each.name]) for each in SIGNALS if each.name in weights)
    return alert(signals=some).to_dict(0)


def test_terms_that_alone_carry_it_are_named_with_what_would_fall_short() -> None:
    assert campaign(weighted(no_repeat=3.0, load=1.75, fixed_words=1.5, frame=1.0)).would_change == (
        "Without no_repeat there would have been no alert: the score would not be reached and too few families would be "
        "left (4.25 of 5, 2 families).",
        "Without load there would have been no alert: too few families would be left and nothing would tell one operation "
        "from the users of one app (5.5 of 5, 2 families).",
    )


def test_an_alert_that_nothing_alone_carries_says_how_many_it_takes() -> None:
    said = campaign(weighted(no_repeat=3.0, load=1.75, shared_payment=1.25, fixed_words=1.5, frame=1.0)).would_change

    assert said == (
        "No single term carries it: take any one away, and there would have been an alert all the same.",
        "It takes 2 at once, for example no_repeat and load.",
    )


def changed(*changes: Signal, drop: tuple[str, ...] = (), **fields: Any) -> CampaignAlert:
    """The campaign of riddles with other signals."""
    new = {each.name: each for each in changes}
    signals = tuple(new.get(each.name, each) for each in RIDDLE_SIGNALS if each.name not in drop)
    return riddles(signals=signals, **fields)


WIDE = signal("fixed_words", "template", 44.0, 10.0, 1.5, "")
SHORT = signal("fixed_words", "template", 8.0, 10.0, 0.0, "")
PHRASE = signal("frame", "template", 0.4, 0.7, -0.5, "")


def test_a_text_that_asked_for_nothing_would_be_a_tool_to_be_named() -> None:
    assert story_of(riddles()).would_change[0] == (
        "Without harvest it would have been a shared tool that somebody is asked to name: nothing tells one operation from "
        "the users of one app (5.5 of 6.25, 4 families)."
    )


def test_words_in_the_middle_of_prompts_would_be_a_phrase() -> None:
    fate = "Without frame it would have been a suspect, remembered and told to nobody: a phrase that ordinary people may use"

    assert story_of(riddles()).would_change[1].startswith(fate)
    assert not any("Without frame" in said for said in story_of(changed(WIDE)).would_change)


def test_few_words_need_more_accounts_and_a_crowd_of_their_own() -> None:
    few, usual, long = (story_of(changed(width)).would_change for width in (SHORT, RIDDLE_SIGNALS[2], WIDE))

    assert (
        few[-3]
        == "With fewer than 20 sampled accounts there would have been no alert: too few accounts yet for so few words."
    )
    assert usual[-3] == "With fewer than 12 sampled accounts there would have been no alert: too few accounts yet."
    assert usual[-2] == "With fewer than 14 sampled requests there would have been no alert: too few requests yet."
    assert usual[-1] == (
        "If more than 20% of the requests with these words carried the frame of another open campaign there would have been "
        "no alert: words that open campaigns use among others."
    )
    assert long[-1] == usual[-2]


def test_a_phrase_rests_on_its_company_or_on_its_family() -> None:
    company = signal("company", "identity", 0.7, 0.125, 2.25, "")
    family = signal("varied_wording", "template", 0.7, 0.6, 1.5, "")
    in_company, of_family, both = (
        story_of(changed(PHRASE, *known)) for known in ((company,), (family,), (company, family))
    )
    fate = " it would have been a suspect, remembered and told to nobody: a phrase that ordinary people may use as well"

    assert any(said.startswith(f"Without company{fate}") for said in in_company.would_change)
    assert any(said.startswith(f"Without varied_wording{fate}") for said in of_family.would_change)
    assert both.would_change[0].startswith("No single term carries it")
    assert not standing(both.terms, both.rule, {"company", "varied_wording"}).holds
    assert len(both.smallest) == 2


def test_disguised_words_that_asked_for_nothing_would_be_silent() -> None:
    disguise = signal("disguise", "content", 1.0, 0.5, 2.25, "")

    assert (
        "Without harvest there would have been no alert: a few disguised words that ask for nothing (7.75 "
        in " ".join(story_of(changed(disguise)).would_change)
    )


def test_company_says_nothing_of_a_short_frame_and_is_not_counted() -> None:
    company = signal("company", "identity", 0.7, 0.125, 2.0, "")
    story = story_of(changed(company))

    assert story.standing.purpose == 3.0
    assert story.would_change[0].startswith("Without harvest it would have been a shared tool")


def test_a_tool_is_said_to_lack_a_purpose() -> None:
    mute = changed(
        signal("harvest", "purpose", 0.0, 1.0, 0.0, ""),
        signal("elicitation", "content", 0.0, 0.6, 0.0, ""),
        category="shared_tool",
        picture=riddles_picture(wording=Wording(words=21, asking=0, about_answering=0.1, lean=-1.0)),
    )

    assert story_of(mute).would_change[-1] == (
        "If its words asked for a harvest (harvest at +2.25) it would have been a campaign."
    )


def test_where_the_rule_does_not_repeat_the_verdict_its_other_parts_are_not_guessed_at() -> None:
    story = story_of(changed(PHRASE))

    assert story.would_change[0].startswith("It is on the edge: without any one of harvest, load, ")
    assert story.missing[0] == (
        "What would change the verdict is told of three sums alone: with the published figures the rule does not come to this "
        "verdict."
    )


@pytest.mark.parametrize("unknown", ["fixed_words", "frame", "size"])
def test_where_a_fact_is_not_published_the_rule_is_not_asked(unknown: str) -> None:
    assert "the alert does not publish all that the rule reads" in story_of(changed(drop=(unknown,))).missing[0]


def test_members_are_counted_once_with_their_newest_verdict() -> None:
    members = campaign().members

    assert (members.members, members.cleared, members.mixed, members.unsure) == (3, 1, 2, 2)
    assert sum(members.member_bins) == 3 and sum(members.cleared_bins) == 1
    assert [member.account_id for member in members.shown] == ["acct-ash", "acct-birch", "acct-elm"]


def test_sampled_accounts_know_their_verdict_and_share() -> None:
    sampled = {each.account_id: each for each in campaign().sampled}

    assert (sampled["acct-ash"].verdict, sampled["acct-ash"].share) == ("member", 1.0)
    assert (sampled["acct-oak"].verdict, sampled["acct-oak"].share) == ("none", None)
    assert sampled["acct-birch"].groups == (1, 1, 1)


def test_a_long_life_keeps_its_beginning_and_its_newest_messages() -> None:
    story = campaign(*(alert(sequence=n).to_dict(0) for n in range(1, 51)))

    assert [chapter.sequence for chapter in story.chapters] == [1, *range(22, 51)]
    assert story.missing[0] == "Its life leaves out 20 messages after the first."


def test_a_long_history_of_verdicts_is_kept_short_too() -> None:
    told = [verdict("acct-pine", requests=n).to_dict() for n in range(1, 101)]
    (inside,) = account("acct-pine", told).campaigns

    assert [each.requests for each in inside.history] == [1, *range(72, 101)]


def test_a_shared_tool_is_not_called_a_campaign() -> None:
    story = campaign(alert(category="shared_tool").to_dict(0), told=[])

    assert story.verdict.startswith("An unknown shared tool, not a campaign: ")
    assert story.would_change == ()
    assert story.missing == (
        "What would change the verdict is not told: it was decided by version 1 of the rule, and this is version 2.",
        "A shared tool has no verdicts.",
    )


def test_an_alert_without_a_picture_says_what_is_missing() -> None:
    story = campaign(alert(picture=None).to_dict(0))

    assert (story.coverage, story.would_change) == ((), ())
    assert "by a version without pictures" in story.missing[0]
    assert story.verdict == "A campaign: its evidence adds up to 5.5 log-odds."


@pytest.mark.parametrize("wrong", [None, 7, "text", [], [[1]], {"a": 1}])
def test_fields_of_another_type_read_as_absent(wrong: Any) -> None:
    for name in (
        "signals",
        "templates",
        "accounts",
        "picture",
        "metrics",
        "harvest",
        "links",
        "urls",
        "reason",
        "detector",
    ):
        campaign({**alert().to_dict(0), name: wrong})
    for name in ("coverage", "activity", "groups", "purpose", "score_min", "start", "wording"):
        message = riddles(campaign_id=RECIPES).to_dict(0)
        campaign({**message, "picture": {**message["picture"], name: wrong}})


def test_what_the_words_say_is_told_in_sentences_phrases_and_pulls() -> None:
    wording = story_of(riddles()).wording

    assert wording.said == (
        "21 fixed words were read, 8 of them in phrases of a harvest; of those that mean something 75% are about answering, "
        "whatever the question.",
        "Together they lean towards a harvest: +1.30 log-odds.",
    )
    assert [(each.purpose, each.found, each.shown[0]) for each in wording.phrases] == [("reasoning", 3, "step by step")]
    assert [(pull.word, pull.adds) for pull in wording.pulls] == [
        *(("answer", 0.45), ("final", 0.35), ("step", 0.1)),
        ("line", -0.2),
    ]


def test_too_few_words_are_said_to_lean_nowhere() -> None:
    few = riddles(picture=riddles_picture(wording=Wording(words=3, asking=2, about_answering=0.0)))

    assert story_of(few).wording.said[-1] == "They are too few to lean either way."


def test_an_alert_without_words_says_nothing_of_them() -> None:
    assert campaign().wording == WordingStory((), (), ())


# ------------------------------------------------------------------ an account


def test_an_account_tells_of_every_campaign_and_every_verdict() -> None:
    story = account("acct-ash")

    assert story.verdict == "Member of 2 campaigns. Recommended: suspend_review."
    assert [(each.campaign_id, len(each.history)) for each in story.campaigns] == [(RECIPES, 2), (LETTERS, 1)]
    assert story.also_member_of == ("c-stories0000003",)
    assert story.sampled_in == (RECIPES,)


def test_what_it_rests_on_is_share_distinct_framed_and_families() -> None:
    assert account("acct-ash").campaigns[0].rests_on == (
        "share: 9 of its 9 requests in the window (100%)",
        "distinct: 7 of them differ from each other",
        "framed: 9 of them open with the fixed words of a template",
        "families that agree: focus, repetition, template (3; 2 are needed)",
    )


def test_what_would_clear_it_is_what_the_rule_itself_says() -> None:
    hits = Hits(requests=3, distinct=2, framed=3, strength=1.0)
    habits = {"requests": 5.0}
    opinion = judge(hits, habits)
    assert opinion.member
    told = verdict("acct-pine", confidence=opinion.confidence, evidence=opinion.families, share_of_account=0.6)
    (inside,) = account("acct-pine", [told.to_dict()]).campaigns

    outcome = {each.change: (each.member, each.confidence) for each in inside.what_if}
    frameless = judge(Hits(requests=3, distinct=2, framed=0, strength=1.0), habits)
    assert outcome["its requests did not open with the fixed words"] == (frameless.member, frameless.confidence)
    more = next(int(each.change.split()[3]) for each in inside.what_if if each.change.startswith("it had sent"))
    assert judge(hits, {"requests": 5.0 + more - 1}).member
    assert not judge(hits, {"requests": 5.0 + more}).member
    assert f"It would be cleared if it had sent {more} ordinary requests more." in inside.clearing


def test_an_account_that_varied_its_wordings_is_asked_about_with_them() -> None:
    opinion = judge(Hits(requests=3, distinct=3, strength=1.0, wordings=2), {"requests": 5.0})
    assert opinion.member and "varied_wording" in opinion.families
    told = verdict(
        "acct-pine", distinct=3, framed=0, confidence=opinion.confidence, evidence=opinion.families, share_of_account=0.6
    )  # fmt: skip
    (inside,) = account("acct-pine", [told.to_dict()]).campaigns

    outcome = {each.change: each.member for each in inside.what_if}
    assert outcome["only one request were in the campaign"] is False


def test_a_verdict_that_the_rule_does_not_repeat_is_not_guessed_at() -> None:
    (inside,) = account("acct-pine", [verdict("acct-pine", confidence=0.5).to_dict()]).campaigns

    assert inside.what_if == ()
    assert inside.clearing[0].startswith("What single changes would do cannot be told")
    assert inside.clearing[1].startswith("Of its 3 families")


def test_a_verdict_of_an_older_version_has_no_what_if() -> None:
    (inside,) = account("acct-pine", [verdict("acct-pine", distinct=None, framed=None).to_dict()]).campaigns

    assert inside.what_if == ()
    assert len(inside.rests_on) == 2


def test_a_cleared_account_says_so() -> None:
    story = account("acct-cedar")

    assert story.verdict == "Member of 0 campaigns, cleared of 1."
    assert story.campaigns[0].clearing == (
        "It is cleared: later evidence, or the end of the campaign, took the verdict back.",
    )


def test_an_account_of_a_sample_without_a_verdict_is_said_to_be_one() -> None:
    file = look_up("acct-willow", alerts(), verdicts())

    assert isinstance(file, AccountFile)
    assert sampled_only(file).startswith(f"no verdict on acct-willow: it is in the sample of {LETTERS} with 2 requests")

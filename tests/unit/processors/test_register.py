"""register: what gather remembers of what it has judged. Who is claimed, explained, linked; who is kin; what is a family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import orjson
import pytest

from pipeline.evidence.cell import Cell, Request
from pipeline.model.campaign import Template
from pipeline.model.sighting import Flag
from pipeline.processors.family import CORE_MIN, Family, family_of
from pipeline.processors.family import SHARED_MIN as SHARED_ACCOUNTS_MIN
from pipeline.processors.register import (
    KIN_PARTS,
    LINKS_MAX,
    OWN_ACCOUNTS_MIN,
    OWN_REQUESTS_MIN,
    SAID_MAX,
    SAID_PHRASES_MAX,
    SHARED_MIN,
    SHARED_PARTS,
    SUSPECTS_MAX,
    TEMPLATES_MAX,
    Asked,
    Opened,
    Register,
    Said,
    from_panes,
    to_panes,
)
from tests.build import KEYED, campaign, cell, request, template, words

FIXED = words("fixed", 20)
READER = words("a reading app", 24)


def sent(text: str, accounts: Iterable[int] = range(3), at_s: int = 0, **fields: str) -> list[Request]:
    """One request of each account: the text, and a slot of its own."""
    return [
        request(f"{text} {words((text, account, at_s), 8)}", f"account-{account}", at_s + account, **fields)
        for account in accounts
    ]


def ids(accounts: Iterable[int]) -> set[int]:
    return {KEYED.text64(f"account-{account}", "account") for account in accounts}


def owners(register: Register, requests: list[Request]) -> list[Opened | None]:
    """The campaigns that explain them."""
    return [found and found[0] for found in register.explained(requests)]


def holding(*several: Opened) -> Register:
    register = Register()
    register.campaigns += several
    register.index()
    return register


# ------------------------------------------------------------------ known tools


def test_a_known_tool_claims_the_requests_that_carry_its_text() -> None:
    register = Register([template(READER, "reader")])

    assert register.claimed([*sent(READER), *sent(FIXED)]) == [True] * 3 + [False] * 3


def test_an_edit_does_not_take_a_request_from_its_tool_and_half_of_the_text_does() -> None:
    register = Register([template(READER, "reader")])
    edited = READER.split()
    edited[7] = "else"
    half = " ".join(READER.split()[:12])

    assert register.claimed([request(" ".join(edited)), request(f"{half} {words('slot', 8)}")]) == [True, False]


def test_a_system_prompt_of_a_known_tool_claims_nothing_but_vouches_for_its_share() -> None:
    register = Register([template(READER, "reader")])
    some = [*sent(FIXED, range(3), system=READER), *sent(FIXED, range(3, 4), system=FIXED), *sent(FIXED, range(4, 6))]

    assert register.claimed(some) == [False] * 6
    assert register.vouched(some) == 0.5


def test_without_a_list_nothing_is_claimed_or_vouched_for() -> None:
    some = sent(READER, system=READER)

    assert Register().claimed(some) == [False] * 3
    assert Register().vouched(some) == 0
    assert Register([template(READER)]).claimed([]) == []


# ------------------------------------------------------------------ campaigns explain


def test_a_campaign_explains_the_requests_that_carry_one_of_its_frames() -> None:
    one, other = Opened(campaign(template(FIXED))), Opened(campaign(template(READER, "t-2"), name="c-2"))
    register = holding(one, other)

    some = [*sent(READER, [1]), *sent(FIXED, [2]), *sent(words("else", 20), [3])]
    assert owners(register, some) == [other, one, None]
    assert register.explained(some)[0] == (other, other.campaign.templates[0])


def test_a_phrase_explains_nothing_where_the_campaign_has_a_frame() -> None:
    phrase = template(READER, "t-2", frame=False)
    register = holding(Opened(campaign(template(FIXED), phrase)))

    assert register.explained(sent(READER)) == [None] * 3


def test_phrases_explain_where_the_campaign_has_nothing_else() -> None:
    alone = Opened(campaign(template(READER, frame=False)))

    assert alone.frameless
    assert owners(holding(alone), sent(READER)) == [alone] * 3


def test_a_disguised_frame_explains_only_what_was_disguised() -> None:
    hidden = Opened(campaign(template(FIXED, obfuscated=True)))
    plain = sent(FIXED)
    disguised = [replace(each, flags=each.flags | int(Flag.BASE64)) for each in plain]

    assert owners(holding(hidden), [*plain, *disguised]) == [None] * 3 + [hidden] * 3


def test_what_has_changed_explains_from_the_next_index_on() -> None:
    register = holding()
    opened = Opened(campaign(template(FIXED)))
    register.campaigns.append(opened)
    assert register.explained(sent(FIXED)) == [None] * 3

    register.index()
    assert owners(register, sent(FIXED)) == [opened] * 3


# ------------------------------------------------------------------ links


def links(name: str, accounts: Iterable[int] = (), payments: Iterable[int] = ()) -> Opened:
    return Opened(campaign(template(words(name, 20), f"t-{name}"), name=name), set(accounts), set(payments))


@pytest.mark.parametrize(
    ("shared", "of", "linked"),
    [
        (SHARED_MIN, SHARED_PARTS * SHARED_MIN, True),
        (SHARED_MIN - 1, SHARED_MIN - 1, False),  # too few, even if they are all there are
        (SHARED_MIN, SHARED_PARTS * SHARED_MIN + 1, False),  # as many as strangers might
    ],
)
@pytest.mark.parametrize("kind", ["accounts", "payments"])
def test_five_and_an_eighth_of_the_smaller_side_link(kind: str, shared: int, of: int, linked: bool) -> None:
    theirs, ours = set(range(of)), set(range(of - shared, 2 * of - shared))
    both = ({"accounts": ours, "payments": set()}, {"accounts": theirs})
    if kind == "payments":
        both = ({"accounts": {-1}, "payments": ours}, {"payments": theirs})
    opened = links("c-1", **both[1])

    assert holding(opened).linked(both[0]["accounts"], both[0]["payments"])[0] is (opened if linked else None)


def test_the_smaller_side_may_be_either_of_them() -> None:
    opened = links("c-1", range(1000))

    assert holding(opened).linked(set(range(995, 1030)), set())[0] is opened
    assert holding(links("c-1", range(35))).linked(set(range(30, 1030)), set())[0] is not None


def test_the_campaign_that_shares_most_is_the_one_and_says_how_much_of_the_cell_it_has() -> None:
    few, many = links("c-1", range(6)), links("c-2", range(4, 20))

    assert holding(few, many).linked(set(range(20)), set()) == (many, 0.8)
    assert holding(links("c-1", range(90, 99))).linked(set(range(20)), set()) == (None, 0.0)


def test_a_campaign_linked_by_payment_alone_has_none_of_the_accounts() -> None:
    paying = links("c-1", (), range(8))

    assert holding(paying).linked({1, 2, 3}, set(range(8))) == (paying, 0.0)


def test_links_are_remembered_up_to_their_bound_the_smallest_hashes_first() -> None:
    opened = links("c-1")

    assert opened.take(set(range(10, LINKS_MAX + 10)), {1})
    assert len(opened.accounts) == LINKS_MAX
    assert opened.take(set(range(10)), set()), "as many as before, but others: a checkpoint must write them"
    assert len(opened.accounts) == LINKS_MAX and opened.accounts >= set(range(10))
    assert max(opened.accounts) == LINKS_MAX - 1
    assert not opened.take({LINKS_MAX + 99}, set())


def test_what_is_known_already_is_nothing_new() -> None:
    opened = links("c-1", range(5), range(5))

    assert not opened.take({1, 2}, {3})
    assert opened.take({1, 2}, {9})


def test_a_phrase_is_linked_by_all_who_say_one_a_frame_only_by_the_campaigns_accounts() -> None:
    opened = saying(range(20), range(50, 55))
    opened.take(opened.varied, set())
    register = holding(opened)

    assert opened.varied == ids(range(50, 55))
    assert opened.heard == ids([*range(20), *range(50, 55)])
    assert register.linked(ids(range(20)), set()) == (None, 0.0)
    assert register.linked(ids(range(20)), set(), phrase=True) == (opened, 1.0)
    assert register.linked(ids(range(50, 60)), set()) == (opened, 0.5)


def test_a_campaign_takes_in_what_another_one_knew() -> None:
    one, other = saying(range(3), []), saying([], range(2, 5))
    one.absorb(other)

    assert one.varied == ids(range(2, 5))
    assert one.heard == ids(range(5))


# ------------------------------------------------------------------ phrases of a campaign's own


def saying(one: Iterable[int], both: Iterable[int], requests: int = OWN_REQUESTS_MIN) -> Opened:
    """A campaign of two phrases; these accounts say the first of them, and these both."""
    opened = Opened(campaign(template(FIXED, "t-1", frame=False), template(READER, "t-2", frame=False)))
    opened.hear([said(account, requests) for account in {*one, *both}], "t-1")
    opened.hear([said(account, requests) for account in both], "t-2")
    return opened


def said(account: int, requests: int) -> Request:
    return request("a b c d", f"account-{account}", account, requests=requests)


@pytest.mark.parametrize(
    ("one", "both", "own"),
    [(0, OWN_ACCOUNTS_MIN, True), (2, 18, True), (3, 17, False), (0, OWN_ACCOUNTS_MIN - 1, False)],
    ids=["all", "nine in ten", "fewer", "too few"],
)
def test_a_phrase_is_its_own_when_nearly_all_who_say_it_say_others_too(one: int, both: int, own: bool) -> None:
    first, _ = saying(range(one), range(100, 100 + both)).owned()

    assert first.own is own


def test_who_has_sent_little_could_not_have_said_another() -> None:
    first, second = saying(range(500), range(600, 620)).owned()
    assert (first.own, second.own) == (False, True)

    opened = saying(range(500), [], requests=OWN_REQUESTS_MIN - 1)
    opened.hear([said(account, OWN_REQUESTS_MIN) for account in range(600, 620)], "t-1")
    opened.hear([said(account, OWN_REQUESTS_MIN) for account in range(600, 620)], "t-2")
    assert [phrase.own for phrase in opened.owned()] == [True, True]


def test_its_own_it_stays_until_clearly_others_say_it_too() -> None:
    kept, lost = (saying(range(strangers), range(100, 200)) for strangers in (25, 26))
    for opened in (kept, lost):
        assert not opened.owned()[0].own
        opened.campaign = replace(opened.campaign, templates=(replace(opened.campaign.templates[0], own=True),))

    assert (kept.owned()[0].own, lost.owned()[0].own) == (True, False)


def test_who_says_phrases_is_remembered_up_to_a_bound_the_smallest_hashes_first() -> None:
    opened = Opened(campaign(template(FIXED, "t-1", frame=False)))
    known = [said(account, 1) for account in range(30)]
    opened.said = {2**63 + number: Said({"t-1"}, 1) for number in range(SAID_MAX)}
    opened.hear(known, "t-1")

    small = {account for account in ids(range(30)) if account < 2**63}
    assert len(opened.said) == SAID_MAX
    assert small <= opened.said.keys()


def test_of_who_says_very_many_phrases_the_first_are_remembered() -> None:
    opened = Opened(campaign(template(FIXED, "t-0", frame=False)))
    for number in range(SAID_PHRASES_MAX + 5):
        opened.hear([said(1, number)], f"t-{number:02d}")

    (kept,) = opened.said.values()
    assert kept.phrases == {f"t-{number:02d}" for number in range(SAID_PHRASES_MAX)}
    assert kept.requests == SAID_PHRASES_MAX + 4


def test_a_frame_needs_nobodys_word() -> None:
    opened = Opened(campaign(template(FIXED, "t-1")))
    opened.hear([said(account, 9) for account in range(50)], "t-1")

    assert opened.owned() == opened.campaign.templates


# ------------------------------------------------------------------ kin


def test_campaigns_that_share_accounts_are_kin_the_older_one_first() -> None:
    one, stranger, other = links("c-1", range(10)), links("c-2", range(50, 60)), links("c-3", range(5, 15))

    assert holding(one, stranger, other).kin() == (one, other)
    assert holding(one, stranger).kin() is None
    assert holding().kin() is None


@pytest.mark.parametrize(("of", "kin"), [(KIN_PARTS * SHARED_MIN, True), (KIN_PARTS * SHARED_MIN + 1, False)])
def test_campaigns_are_kin_from_a_quarter_of_the_smaller_one_on(of: int, kin: bool) -> None:
    one, other = links("c-1", range(of)), links("c-2", range(of - SHARED_MIN, 2 * of))

    assert holding(one, other).kin() == ((one, other) if kin else None)


def test_campaigns_that_share_payment_instruments_are_kin() -> None:
    one, other = links("c-1", range(9), range(100, 110)), links("c-2", range(20, 29), range(100, 110))

    assert holding(one, other).kin() == (one, other)


def test_campaigns_that_share_a_phrase_are_not_kin() -> None:
    phrase = template(FIXED, "t-9", frame=False)
    one, other = (
        Opened(campaign(template(words(name, 20), f"t-{name}"), phrase, name=name), set(accounts))
        for name, accounts in (("c-1", range(10)), ("c-2", range(20, 30)))
    )

    assert holding(one, other).kin() is None


# ------------------------------------------------------------------ suspects and their families


def phrase_of(text: str, accounts: Iterable[int], at_s: int = 0) -> tuple[Template, Cell]:
    """A phrase behind words of each account's own."""
    made = cell(
        [request(f"{words((text, a, at_s), 9)} {text}", f"account-{a}", at_s=at_s + 7 * a, age_d=90) for a in accounts]
    )
    return template(text, f"t-{text[:24]}", frame=False), made


def suspecting(*phrases: tuple[Template, Cell]) -> Register:
    register = Register()
    for number, (carried, made) in enumerate(phrases):
        register.suspect(carried, made, 0.5 * number)
    return register


ONE, TWO = words("one way to ask", 9), words("another way to ask", 9)


def test_phrases_of_one_crowd_in_different_requests_are_a_family() -> None:
    register = suspecting(phrase_of(ONE, range(30)))
    _, other = phrase_of(TWO, range(10, 40), at_s=5000)

    assert [suspect.template.template_id for suspect in family_of(other, register.suspects).phrases] == [
        f"t-{ONE[:24]}"
    ]


@pytest.mark.parametrize(("shared", "found"), [(SHARED_ACCOUNTS_MIN, 1), (SHARED_ACCOUNTS_MIN - 1, 0)])
def test_phrases_of_strangers_are_none(shared: int, found: int) -> None:
    register = suspecting(phrase_of(ONE, range(12)))
    _, other = phrase_of(TWO, range(12 - shared, 24 - shared), at_s=5000)

    assert len(family_of(other, register.suspects).phrases) == found


def test_a_few_of_very_many_may_be_chance() -> None:
    register = suspecting(phrase_of(ONE, range(60)))
    _, other = phrase_of(TWO, range(52, 112), at_s=5000)

    assert family_of(other, register.suspects) == Family()


def test_two_phrases_of_the_same_requests_are_one_wording() -> None:
    both = [request(f"{words(a, 9)} {ONE} {TWO}", f"account-{a}", 7 * a) for a in range(30)]
    register = suspecting((template(ONE, "t-1", frame=False), cell(both)))

    assert family_of(cell(both), register.suspects) == Family()


def test_a_few_words_make_no_family() -> None:
    short = template(range(CORE_MIN - 1), "t-short", frame=False), phrase_of(ONE, range(30))[1]
    _, other = phrase_of(TWO, range(30), at_s=5000)

    assert family_of(other, suspecting(short).suspects) == Family()


def crowd_of(*sent: tuple[str, int, int]) -> tuple[Template, Cell]:
    """A phrase with one request for each: a moment apart, the account, and how many it had sent in all by then."""
    text = sent[0][0]
    made = [
        request(f"{words((text, a, n), 9)} {text}", f"account-{a}", at_s=60 * n + a, requests=n) for _, a, n in sent
    ]
    return template(text, f"t-{text[:24]}", frame=False), cell(made)


def test_mates_use_another_phrase_and_focus_is_what_all_of_them_are_of_what_an_account_sends() -> None:
    register = suspecting(crowd_of(*((ONE, a, 2) for a in range(12))))
    _, other = crowd_of(*((TWO, a, 4) for a in range(6, 18)))
    family = family_of(other, register.suspects)

    assert family.mates == 6 / 12  # accounts 6 to 11 have both
    assert family.focus == pytest.approx((6 * 2 / 4 + 6 * 1 / 4) / 12)


def test_few_accounts_with_two_requests_say_nothing_of_focus() -> None:
    register = suspecting(crowd_of(*((ONE, a, 1) for a in range(4))))
    _, other = crowd_of(*((TWO, a, 2 if a < 4 else 1) for a in range(12)))

    assert family_of(other, register.suspects).mates == 4 / 12
    assert family_of(other, register.suspects).focus == 0.0


def test_the_company_of_a_phrase_is_who_says_it_and_is_in_a_campaign() -> None:
    (phrase,) = suspecting(phrase_of(ONE, range(20))).suspects

    assert phrase.company(ids(range(12))) == 0.6
    assert phrase.company(ids(range(90, 99))) == 0.0


def test_who_is_inside_any_open_campaign_is_known() -> None:
    register = holding(links("c-1", range(3)), links("c-2", range(10, 13)))

    assert register.inside({2, 3, 10, 99}) == {2, 10}
    assert Register().inside({1}) == set()


def test_who_is_in_a_campaign_already_is_no_mate() -> None:
    register = suspecting(crowd_of(*((ONE, a, 2) for a in range(12))))
    _, other = crowd_of(*((TWO, a, 4) for a in range(12)))

    assert family_of(other, register.suspects, apart=ids(range(6))).mates == 1.0
    assert family_of(other, register.suspects, apart=ids(range(10))) == Family()


def test_a_new_look_at_a_suspect_replaces_the_old_one() -> None:
    register = suspecting(phrase_of(ONE, range(20)), phrase_of(TWO, range(20)), phrase_of(ONE, range(30, 60)))

    assert [(len(each.sent), each.harvest) for each in register.suspects] == [(20, 0.5), (30, 1.0)]
    assert register.dropped == 0


def test_suspects_are_remembered_up_to_their_bound_and_the_oldest_go_first() -> None:
    _, made = phrase_of(ONE, range(3))
    register = Register()
    for number in range(SUSPECTS_MAX + 3):
        register.suspect(template([number, number + 1], f"t-{number}"), made, 0.0)

    assert len(register.suspects) == SUSPECTS_MAX
    assert register.suspects[0].template.template_id == "t-3"
    assert register.dropped == 3


def test_what_has_become_part_of_a_campaign_is_forgotten() -> None:
    register = suspecting(phrase_of(ONE, range(20)), phrase_of(TWO, range(20)))
    register.forget(register.suspects[:1])

    assert [suspect.template.template_id for suspect in register.suspects] == [f"t-{TWO[:24]}"]


# ------------------------------------------------------------------ tools


def test_a_template_that_shares_half_of_its_words_with_one_that_was_asked_about_is_not_asked_about_again() -> None:
    register = Register()
    register.tools.append(Asked([template(range(20))], set(range(20))))

    assert register.joins_asked(template(range(10, 40)), set())
    assert register.joins_asked(template(range(5)), set())
    assert not register.joins_asked(template(range(11, 40)), set())
    assert not Register().joins_asked(template(range(20)), set())


def test_templates_of_one_set_of_accounts_are_one_tool_and_strangers_who_meet_are_not() -> None:
    register = Register()
    register.tools.append(Asked([template(range(20))], set(range(80))))

    assert not register.joins_asked(template(range(100, 120)), {*range(9), *range(1000, 1071)})
    assert register.joins_asked(template(range(100, 120)), {*range(10), *range(1000, 1070)})
    assert register.joins_asked(template(range(110, 120)), set(range(2000, 2100)))
    assert len(register.tools[0].templates) == 2


# ------------------------------------------------------------------ restarts


def test_what_is_dumped_is_what_is_loaded() -> None:
    register = suspecting(phrase_of(ONE, range(20)), phrase_of(TWO, range(20)))
    register.campaigns.append(links("c-1", [2**63, 1], [7]))
    register.campaigns.append(Opened(campaign(template(FIXED, anchor=77), name="c-2", version=3), {5}, set()))
    register.tools.append(Asked([template(READER, "t-tool", strength=-2.25)], {2**63, 5}))
    register.campaigns.append(saying(range(3), range(2, 6)))
    register.dropped = 4
    again = Register()
    again.load(orjson.loads(orjson.dumps(register.dump())))

    assert orjson.dumps(again.dump()) == orjson.dumps(register.dump())
    assert again.campaigns[1].campaign.templates[0].anchor == 77
    assert again.campaigns[2].said == register.campaigns[2].said
    assert np.array_equal(again.tools[0].templates[0].core, register.tools[0].templates[0].core)
    assert [each.events for each in again.suspects] == [each.events for each in register.suspects]


def test_what_is_loaded_explains_at_once_and_keeps_the_known_tools() -> None:
    register = holding(Opened(campaign(template(FIXED))))
    again = Register([template(READER)])
    again.load(register.dump())

    assert owners(again, sent(FIXED)) == [again.campaigns[0]] * 3
    assert again.claimed(sent(READER)) == [True] * 3


def test_no_word_is_in_a_dump() -> None:
    register = suspecting(phrase_of(ONE, range(20)))
    register.campaigns.append(Opened(campaign(template(FIXED))))
    written = orjson.dumps(register.dump()).decode()

    said: Sequence[str] = [*ONE.split(), *FIXED.split()]
    assert not [word for word in said if word in written.replace(f"t-{ONE[:24]}", "")]


def test_panes_hold_all_of_a_dump_in_its_order() -> None:
    register = suspecting(phrase_of(ONE, range(20)), phrase_of(TWO, range(20)))
    register.campaigns += [links("c-2", [1], [2]), links("c-1", [3], [4])]
    register.tools.append(Asked([template(READER, "t-tool")], {3}))

    assert from_panes(to_panes(register.dump())) == register.dump()
    assert from_panes({}) is None


def test_a_campaign_at_its_bounds_is_a_record_that_a_broker_takes() -> None:
    many = range(2**63, 2**63 + LINKS_MAX)
    full = Template("t-full", np.arange(2**32 - 96, 2**32, dtype=np.uint32), True, False, 3.0)
    templates = [replace(full, template_id=f"t-{number:012d}") for number in range(TEMPLATES_MAX)]
    phrases = {each.template_id for each in templates[:SAID_PHRASES_MAX]}
    said = {account: Said(phrases, 2**31) for account in many[:SAID_MAX]}
    register = holding(Opened(campaign(*templates), set(many), set(many), said))

    assert max(len(pane) for pane in to_panes(register.dump()).values()) < 500_000

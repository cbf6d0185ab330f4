"""The rule, asked with what an alert publishes, held against the detector's own opinion of the cell behind it."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.detectors.prompt_sweep import VERSION, Limits, Opinion, decide
from pipeline.evidence import EVIDENCE
from pipeline.evidence.cell import Cell
from pipeline.explain.counterfactual import terms_of
from pipeline.explain.rule import READ, SCORE, Asked, asked_of
from pipeline.model.picture import Picture
from pipeline.processors.picture import picture_of
from pipeline.processors.templates import shown_of, template_of
from pipeline.sketch.purposes import Purpose, Reading
from tests.build import cell, request, words

LIMITS = Limits(6.25, 12, 16)
MADE = cell([request(f"a few words {words(place, 5)}", f"account-{place % 6}", place) for place in range(24)])
SHOWN = shown_of(MADE, 3)


def published(of: Cell, opinion: Opinion) -> dict[str, Any]:
    """As much of the alert as the rule needs."""
    template = template_of(of, opinion.score - LIMITS.score_min)
    picture = Picture.from_dict(picture_of(of, template, opinion, LIMITS, SHOWN, ["account-0"]))
    return {
        "category": opinion.decision,
        "detector": {"rule_version": VERSION},
        "picture": picture.to_dict(),
        "signals": [
            {"name": term.name, "family": term.family, "value": weight.value, "weight": weight.weight}
            for term, weight in opinion.weights
            if not isnan(weight.value)
        ],
    }


def asked(of: Cell, opinion: Opinion) -> Asked:
    message = published(of, opinion)
    found = asked_of(message, terms_of(message, {}))
    assert isinstance(found, Asked), found
    return found


def looks(width: float, opening: float, obfuscated: float) -> dict[str, Any]:
    """What makes a frame, as evidence/cell.py has it."""
    frame = width >= 40 or (width >= 7 and (opening >= 0.85 or obfuscated >= 0.8))
    return {"width": width, "opening": opening, "obfuscated": obfuscated, "frame": frame}


PHRASES: list[dict[Purpose, int]] = [{}, {Purpose.REASONING: 2}, {Purpose.REASONING: 1, Purpose.GROUNDING: 3}]
CELLS = st.builds(
    lambda shape, phrases, crowd, **known: replace(
        MADE,
        **shape,
        **known,
        reading=Reading(20, 4 * phrases.get(Purpose.REASONING, 0), phrases, 0.2, 0.5),
        family=crowd[0],
        mates=crowd[1],
        focus=crowd[2],
        payment=0.5,
        evenness=4.0,
        distinct=1.0,
    ),
    shape=st.builds(
        looks, st.sampled_from([4.0, 8.0, 12.0, 30.0, 45.0]), st.sampled_from([0.5, 1.0]), st.sampled_from([0.0, 0.9])
    ),
    phrases=st.sampled_from(PHRASES),
    crowd=st.sampled_from([(1, 0.0, 0.0), (2, 0.7, 0.9), (3, 0.5, 0.3), (3, 0.5, 0.7), (3, 0.7, 0.2), (3, 0.9, 0.7)]),
    accounts=st.sampled_from([8, 15, 25]),
    unexplained=st.sampled_from([0.5, 0.9, nan]),
    company=st.sampled_from([nan, 0.0, 0.3, 0.7]),
    kin=st.sampled_from([0.0, 2.0]),
    cue=st.sampled_from([0.0, 1.0]),
    closing=st.sampled_from([0.0, 1.0]),
)


@given(CELLS)
def test_it_says_what_the_detector_has_said(of: Cell) -> None:
    opinion = decide(of, EVIDENCE, LIMITS)
    answer = asked(of, opinion).answer()

    assert answer.decision == opinion.decision
    assert answer.because in (opinion.because, SCORE)


@given(
    CELLS, st.sampled_from([term.name for term in EVIDENCE if term.name not in {*READ, "unexplained", "elicitation"}])
)
def test_without_a_term_it_says_what_the_detector_says_where_the_term_is_off(of: Cell, name: str) -> None:
    off = decide(of, [term for term in EVIDENCE if term.name != name], LIMITS)
    answer = asked(of, decide(of, EVIDENCE, LIMITS)).answer({name})

    assert answer.decision == off.decision
    assert answer.because in (off.because, SCORE)


@given(CELLS)
def test_without_company_family_or_disguise_it_says_what_the_detector_says_of_a_cell_without(of: Cell) -> None:
    found = asked(of, decide(of, EVIDENCE, LIMITS))
    alone = decide(replace(of, company=nan), EVIDENCE, LIMITS)
    strangers = decide(replace(of, family=1, mates=0.0, focus=0.0), EVIDENCE, LIMITS)
    open_ = decide(replace(of, obfuscated=0.0), EVIDENCE, LIMITS)
    distracted = decide(replace(of, focus=0.0), EVIDENCE, LIMITS)

    assert found.answer({"company"}).decision == alone.decision
    assert found.answer({"varied_wording"}).decision == strangers.decision
    assert found.answer({"disguise"}).decision == open_.decision
    assert found.answer({"focus"}).decision == distracted.decision


def test_an_alert_of_another_version_of_the_rule_is_not_asked_about() -> None:
    opinion = decide(MADE, EVIDENCE, LIMITS)
    message = published(MADE, opinion)
    older = message | {"detector": {"rule_version": "1"}}

    assert (
        asked_of(older, terms_of(older, {}))
        == f"it was decided by version 1 of the rule, and this is version {VERSION}"
    )


def test_a_verdict_that_the_figures_do_not_give_is_not_asked_about() -> None:
    message = published(MADE, decide(MADE, EVIDENCE, LIMITS)) | {"category": "campaign"}

    assert (
        asked_of(message, terms_of(message, {})) == "with the published figures the rule does not come to this verdict"
    )

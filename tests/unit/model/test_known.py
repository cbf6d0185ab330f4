"""A row of the list of known tools: what is taken, what is said about the rest, and that no text leaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.known import KnownRow, KnownTool, canonical, digest_of, read_row

TEXT = "You turn minutes of a meeting into a list of tasks."
SIGNATURE = "ab" * 32


def line(**changes: Any) -> bytes:
    row = {"name": "minutes", "text": TEXT, **changes}
    return json.dumps({name: value for name, value in row.items() if value is not ...}).encode()


def test_a_row_of_name_and_text_alone_is_taken() -> None:
    assert read_row(line()) == KnownRow(KnownTool("minutes", TEXT))


def test_what_known_add_writes_beside_is_read_and_fields_of_others_are_passed_over() -> None:
    row = read_row(line(note="asked Ana", added_at="2026-03-02T08:00:00Z", signature=SIGNATURE, team=7))

    assert row == KnownRow(KnownTool("minutes", TEXT), "asked Ana", "2026-03-02T08:00:00Z", SIGNATURE)


def test_a_mark_of_utf8_at_the_beginning_of_an_export_does_no_harm() -> None:
    assert isinstance(read_row(b"\xef\xbb\xbf" + line()), KnownRow)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"minutes," + TEXT.encode(), "is not JSON"),
        (b"\xff" + line(), "is not UTF-8"),
        (b"[" * 100_000, "is not JSON"),
        (b'"minutes"', 'is not a JSON object with "name" and "text"'),
        (line(name=...), 'has no "name"'),
        (line(name=7), 'has no "name"'),
        (line(name=" "), 'has no "name"'),
        (line(name="two\nlines"), "cannot be printed"),
        (line(name="n" * 201), 'a "name" of 201 characters, 200 are the most'),
        (line(text=...), 'has no "text"'),
        (line(text=["a"]), 'has no "text"'),
        (line(text=" \n"), 'has no "text"'),
        (line(text=TEXT + "\ud83d"), "a lone surrogate"),
        (line(text=TEXT * 30_000), "1,000,000 are the most"),
        (line(note=7), 'a "note" that is no text'),
        (line(note="n" * 1_001), 'a "note" of 1,001 characters'),
        (line(added_at="yesterday"), "no RFC 3339 time"),
        (line(signature="ab"), "not 64 hex digits"),
        (line(signature=7), 'a "signature" that is no text'),
    ],
)
def test_a_bad_row_is_a_complaint_that_repeats_nothing_of_the_text(bad: bytes, said: str) -> None:
    complaint = read_row(bad)

    assert isinstance(complaint, str)
    assert said in complaint
    assert "meeting" not in complaint


def test_the_text_is_in_no_repr() -> None:
    assert "meeting" not in repr(read_row(line()))
    assert KnownTool("minutes", TEXT).words == 11


def test_names_and_texts_that_only_read_the_same_together_differ() -> None:
    assert canonical(KnownTool("ab", "c")) != canonical(KnownTool("a", "bc"))


def test_the_digest_of_a_list_depends_on_its_tools_and_not_on_their_order() -> None:
    a, b = KnownTool("a", "one"), KnownTool("b", "two")

    assert digest_of([a, b]) == digest_of([b, a, b])
    assert len({digest_of([]), digest_of([a]), digest_of([b]), digest_of([a, b])}) == 4
    assert digest_of([KnownTool("a", "two")]) != digest_of([a])


whole = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(name=whole.filter(str.isprintable).filter(lambda name: len(name) <= 200), text=whole, note=whole)
def test_a_row_comes_back_as_it_was_written_on_one_line(name: str, text: str, note: str) -> None:
    row = KnownRow(KnownTool(name, text), note[:1_000], "2026-03-02T08:00:00.000Z", SIGNATURE)

    assert b"\n" not in row.to_json()
    assert read_row(row.to_json()) == row

"""The list of known tools on disk: what is kept, who vouches for a row, and what a run refuses."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import known
from pipeline.errors import OperationError
from pipeline.known import KnownFile, Seal, Standing, load
from pipeline.model.known import KnownRow, KnownTool
from pipeline.settings import Settings

KEY = "5ec2e7" * 8
MINUTES = KnownTool("minutes", "You turn the minutes of a meeting into a list of tasks.")
RECIPES = KnownTool("recipes", "Say what can be cooked of the things named below.")
OPEN = Seal()
SEAL = Seal.of(Settings.load(overrides=[f"detection.known_key_hex={KEY}"]).detection)
STRICT = replace(SEAL, signed_only=True)


def listing(path: Path, *tools: KnownTool, seal: Seal = OPEN) -> Path:
    made = KnownFile.read(path, missing_ok=True)
    for tool in tools:
        made.add(KnownRow(tool), seal)
    made.write()
    return path


def tampered(path: Path) -> Path:
    path.write_text(path.read_text().replace("tasks", "tusks"))
    return path


def test_a_plain_export_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text("".join(json.dumps({"name": t.name, "text": t.text}) + "\n\n" for t in (MINUTES, RECIPES)))

    assert load(path, OPEN) == load(path, SEAL) == (MINUTES, RECIPES)


def test_what_was_signed_is_taken_with_the_key_and_without_any(tmp_path: Path) -> None:
    path = listing(tmp_path / "known.jsonl", MINUTES, RECIPES, seal=SEAL)

    assert load(path, STRICT) == load(path, SEAL) == load(path, OPEN) == (MINUTES, RECIPES)


def test_a_tampered_row_is_refused_with_its_line_and_without_its_text(tmp_path: Path) -> None:
    path = tampered(listing(tmp_path / "known.jsonl", RECIPES, MINUTES, seal=SEAL))

    with pytest.raises(OperationError) as caught:
        load(path, SEAL)
    assert f"{path}, line 2: the row has a signature that is not ours" in str(caught.value)
    assert "meeting" not in str(caught.value)


def test_a_row_that_another_key_signed_is_refused(tmp_path: Path) -> None:
    other = Seal(b"another key")
    path = listing(tmp_path / "known.jsonl", MINUTES, seal=other)

    assert load(path, other) == (MINUTES,)
    with pytest.raises(OperationError, match="not ours"):
        load(path, SEAL)


def test_an_unsigned_row_is_refused_only_where_signatures_are_asked_for(tmp_path: Path) -> None:
    path = listing(tmp_path / "known.jsonl", MINUTES)

    assert load(path, SEAL) == (MINUTES,)
    with pytest.raises(OperationError, match=r"line 1: the row is not signed, and detection\.known_signed_only is on"):
        load(path, STRICT)


def test_one_bad_row_refuses_the_list_and_says_how_many_more_there_are(tmp_path: Path) -> None:
    path = listing(tmp_path / "known.jsonl", MINUTES)
    with path.open("a") as out:
        out.write('nonsense\n{"name": "x"}\n')

    with pytest.raises(OperationError, match=r"line 2: the row is not JSON \(and 1 more; `sweepwatch known verify`"):
        load(path, OPEN)


def test_an_empty_list_is_a_list_and_a_missing_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()

    assert load(tmp_path / "empty.jsonl", STRICT) == ()
    with pytest.raises(OperationError, match="does not exist"):
        load(tmp_path / "missing.jsonl", OPEN)
    with pytest.raises(OperationError, match="cannot be read"):
        load(tmp_path, OPEN)


def test_what_is_not_changed_is_written_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    before = b'{"text": "a  row\\u0021", "name":"ours", "team": 7}\r\n\nnonsense \xff\n{"name": "last, without an end"}'
    path.write_bytes(before)

    listing(path, MINUTES)
    assert path.read_bytes().startswith(before + b"\n")
    listed = KnownFile.read(path)
    assert len(listed.remove("minutes")) == 1
    listed.write()
    assert path.read_bytes() == before + b"\n"


def test_signing_vouches_for_what_has_no_signature_and_keeps_fields_of_others(tmp_path: Path) -> None:
    path = tampered(listing(tmp_path / "known.jsonl", MINUTES, seal=SEAL))
    with path.open("a") as out:
        out.write('{"name": "ours", "text": "this is our own text", "team": "caf\\u00e9 \\ud83d"}\n')
        out.write('{"name": "theirs", "text": "this is not our own text"}\n')
    listed = KnownFile.read(path)

    assert [row.tool.name for row in listed.sign(["ours", "minutes"], SEAL)] == ["ours"]
    listed.write()
    standings = [SEAL.standing(row) for _, row in KnownFile.read(path).rows()]
    assert standings == [Standing.WRONG, Standing.SIGNED, Standing.UNSIGNED]
    assert json.loads(path.read_text().splitlines()[1])["team"] == "café \ud83d"


def test_a_tool_is_listed_once_and_adding_it_again_can_only_sign_it(tmp_path: Path) -> None:
    listed = KnownFile.read(tmp_path / "known.jsonl", missing_ok=True)

    assert listed.add(KnownRow(MINUTES, "asked Ana"), OPEN)
    assert not listed.add(KnownRow(MINUTES), OPEN)
    assert listed.add(KnownRow(MINUTES), SEAL)
    assert not listed.add(KnownRow(MINUTES), SEAL)
    ((_, row),) = listed.rows()
    assert (SEAL.standing(row), row.note) == (Standing.SIGNED, "asked Ana")


def test_a_new_list_is_private_and_an_old_one_keeps_its_rights_and_its_link(tmp_path: Path) -> None:
    path = listing(tmp_path / "folder" / "known.jsonl", MINUTES)
    assert path.stat().st_mode & 0o777 == 0o600

    path.chmod(0o640)
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    listing(link, RECIPES)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert load(path, OPEN) == (MINUTES, RECIPES)


def test_a_write_that_fails_leaves_the_old_list_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = listing(tmp_path / "known.jsonl", MINUTES)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        listing(path, RECIPES)
    assert load(path, OPEN) == (MINUTES,)
    assert os.listdir(tmp_path) == ["known.jsonl"]


def test_a_list_has_a_most_of_rows_and_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "ROWS_MAX", 2)
    path = listing(tmp_path / "known.jsonl", MINUTES, RECIPES)
    with pytest.raises(OperationError, match="2 rows, which is the most"):
        listing(path, KnownTool("a", "third"))
    with path.open("a") as out:
        out.write('{"name": "a", "text": "third"}\n')
    with pytest.raises(OperationError, match="more than 2 rows"):
        load(path, OPEN)
    monkeypatch.setattr(known, "FILE_BYTES_MAX", 100)
    with pytest.raises(OperationError, match="larger than"):
        load(path, OPEN)


whole = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80).filter(str.strip)
tools = st.builds(KnownTool, whole.filter(str.isprintable), whole)


@given(st.lists(tools, unique=True, max_size=8))
def test_any_list_comes_back_as_it_was_signed(listed: list[KnownTool]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert load(listing(Path(folder) / "known.jsonl", *listed, seal=SEAL), STRICT) == tuple(listed)


@given(tools, tools)
def test_a_signature_fits_no_other_tool(one: KnownTool, other: KnownTool) -> None:
    moved = replace(SEAL.sign(KnownRow(one)), tool=other)

    assert (SEAL.standing(moved) is Standing.SIGNED) == (one == other)

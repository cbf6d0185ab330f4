"""The embedded host over files: where lines come from, whom they belong to, and what can be read again."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard

from pipeline.errors import OperationError
from pipeline.model.arrival import UNKNOWN, arrivals
from pipeline.model.moment import rfc3339
from pipeline.model.partition import partition_of
from pipeline.model.record import Position
from pipeline.model.report import ReplayReport
from pipeline.replay import Log, replay
from pipeline.settings import Settings

START_MS = 1_772_409_600_000
MINUTE_MS = 60_000


def event(number: int, account: str = "", at_ms: int | None = None, **fields: Any) -> bytes:
    """A good line; one a minute unless told otherwise."""
    time_ms = START_MS + number * MINUTE_MS if at_ms is None else at_ms
    message = {
        "schema_version": "1.0",
        "event_id": f"e-{number}",
        "event_time": rfc3339(time_ms),
        "account_id": account or f"acct-{number % 7}",
        "model": "large-2",
        "content": {"state": "raw", "messages": [{"role": "user", "text": f"question number {number} of mine"}]},
    } | fields
    return json.dumps(message).encode()


LINES = [event(number) for number in range(40)]


def plain(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def packed_gz(path: Path, data: bytes) -> Path:
    path = path.with_suffix(".jsonl.gz")
    path.write_bytes(gzip.compress(data))
    return path


def packed_zst(path: Path, data: bytes) -> Path:
    path = path.with_suffix(".jsonl.zst")
    path.write_bytes(zstandard.compress(data))
    return path


def run(*sources: Path | str, out: Path, **options: Any) -> ReplayReport:
    return replay(sources, out, Settings(), **options)


def letters(report: ReplayReport) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(report.files["dead-letters"]).read_bytes().splitlines()]


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_bytes())
    return found


def dealt(log: Log, batch_records: int = 16) -> list[tuple[Position, bytes]]:
    """Every record with its position, in the order they were dealt."""
    return [
        (Position(record.partition, record.offset), record.value or b"")
        for batch in log.batches(batch_records)
        for records in batch.values()
        for record in records
    ]


# -- where lines come from


@pytest.mark.parametrize("write", [plain, packed_gz, packed_zst])
def test_every_line_is_read_and_can_be_read_again_by_its_position(
    tmp_path: Path, write: Callable[[Path, bytes], Path]
) -> None:
    source = write(tmp_path / "events.jsonl", b"\n".join(LINES))  # the last one without a line break
    with ExitStack() as stack:
        log = Log([source], 3, stack)
        records = dealt(log)

        assert sorted(value for _, value in records) == sorted(LINES)
        backwards = records[::-1]
        assert log.read([position for position, _ in backwards]) == [value for _, value in backwards]


def test_standard_input_is_kept_so_that_it_can_be_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"\n".join(LINES) + b"\n")))
    with ExitStack() as stack:
        log = Log(["-"], 2, stack)
        records = dealt(log)

        assert len(records) == len(LINES)
        assert log.read([position for position, _ in records]) == [value for _, value in records]


def test_a_pipe_by_name_is_kept_as_well(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"\n".join(LINES)))
    writer.start()
    with ExitStack() as stack:
        log = Log([pipe], 1, stack)
        records = dealt(log)
        writer.join()

        assert log.read([position for position, _ in records]) == LINES


def test_several_files_are_one_log_in_the_order_given(tmp_path: Path) -> None:
    sources = [
        plain(tmp_path / "1.jsonl", b"\n".join(LINES[:10]) + b"\n"),
        plain(tmp_path / "2.jsonl", b""),
        packed_gz(tmp_path / "3.jsonl", b"\n".join(LINES[10:25])),
        packed_zst(tmp_path / "4.jsonl", b"\n".join(LINES[25:]) + b"\n"),
    ]
    with ExitStack() as stack:
        log = Log(sources, 1, stack)
        records = dealt(log)

        assert [value for _, value in records] == LINES
        assert [position.offset for position, _ in records] == list(range(len(LINES)))
        assert log.read([position for position, _ in records]) == LINES


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".zst", zstandard.compress)],
)
def test_packed_files_put_one_behind_the_other_are_read_to_the_end(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    halves = [b"\n".join(part) + b"\n" for part in (LINES[:20], LINES[20:])]
    source = plain(tmp_path / f"both.jsonl{suffix}", b"".join(pack(half) for half in halves))

    assert run(source, out=tmp_path / "out").read == len(LINES)


def test_windows_line_ends_are_no_part_of_a_line(tmp_path: Path) -> None:
    report = run(plain(tmp_path / "events.jsonl", b"\r\n".join(LINES) + b"\r\n"), out=tmp_path / "out")

    assert (report.read, report.counters["applied"]) == (len(LINES), len(LINES))


# -- what goes wrong with sources


def test_an_empty_file_is_a_quiet_day(tmp_path: Path) -> None:
    report = run(plain(tmp_path / "events.jsonl", b""), out=tmp_path / "out", partitions=4)

    assert (report.read, report.alerts, report.balanced) == (0, [], True)
    assert all(Path(path).read_bytes() == b"" for name, path in report.files.items() if name != "summary")
    assert summary(tmp_path / "out") | {"accounts": 0, "account_days": 0, "first_event": None} == summary(
        tmp_path / "out"
    )


def test_a_file_that_is_not_there_is_an_operation_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"nowhere\.jsonl: No such file"):
        run(tmp_path / "nowhere.jsonl", out=tmp_path / "out")


def test_a_folder_is_an_operation_error(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="Is a directory"):
        run(tmp_path, out=tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_an_operation_error(tmp_path: Path) -> None:
    source = plain(tmp_path / "events.jsonl", LINES[0])

    with pytest.raises(OperationError, match="out"):
        run(source, out=plain(tmp_path / "out", b"a file is in the way"))


@pytest.mark.parametrize("write", [packed_gz, packed_zst])
def test_a_packed_file_that_is_cut_off_or_none_at_all_is_an_operation_error(
    tmp_path: Path, write: Callable[[Path, bytes], Path]
) -> None:
    source = write(tmp_path / "events.jsonl", os.urandom(3000) + b"\n".join(LINES))
    whole = source.read_bytes()

    for damaged in (b"not packed at all" * 100, whole[: len(whole) // 2], whole[:-1], whole + whole[:-3]):
        source.write_bytes(damaged)
        with pytest.raises(OperationError, match=r"events\.jsonl"):
            run(source, out=tmp_path / "out")


def test_empty_lines_are_dead_letters(tmp_path: Path) -> None:
    source = plain(tmp_path / "events.jsonl", b"\n" + LINES[0] + b"\n\n   \n" + LINES[1] + b"\n")
    report = run(source, out=tmp_path / "out", partitions=2)

    assert report.balanced
    assert report.counters["applied"] == 2
    assert report.reasons == {"empty": 3}
    assert sorted(letter["value"] for letter in letters(report)) == ["", "", "   "]


def test_every_byte_of_a_refused_line_survives_in_its_dead_letter(tmp_path: Path) -> None:
    bad = bytes(byte for byte in range(256) if byte not in (10, 13)) + b"\x00tail"
    report = run(plain(tmp_path / "events.jsonl", LINES[0] + b"\n" + bad + b"\n"), out=tmp_path / "out")

    (letter,) = letters(report)
    assert letter["value"].encode("latin-1") == bad
    assert letter["headers"]["sw-reason"] == "not_utf8"
    assert letter["headers"]["sw-source-offset"] == "1"


# -- whom a line belongs to


def home(line: bytes, tmp_path: Path, partitions: int = 16) -> int:
    with ExitStack() as stack:
        ((position, _),) = dealt(Log([plain(tmp_path / "one.jsonl", line)], partitions, stack))
        return position.partition


def test_a_line_goes_where_a_producer_with_the_account_as_key_would_send_it(tmp_path: Path) -> None:
    for account in ("a", "acct-17", "größe", "with space"):
        line = json.dumps({"account_id": account}, ensure_ascii=False).encode()
        assert home(line, tmp_path) == partition_of(account.encode(), 16)


@pytest.mark.parametrize(
    "before",
    [
        {"labels": {"account_id": "somebody else"}},
        {"params": {"deep": [{"account_id": "somebody else"}]}},
        {"content": {"state": "raw", "messages": [{"role": "user", "text": 'my "account_id": "somebody else"'}]}},
    ],
)
def test_an_account_id_that_stands_elsewhere_in_the_line_misleads_nobody(
    tmp_path: Path, before: dict[str, Any]
) -> None:
    line = json.dumps(before | {"account_id": "acct-1"}).encode()

    assert home(line, tmp_path) == partition_of(b"acct-1", 16)


def test_an_account_id_in_escapes_is_the_same_account(tmp_path: Path) -> None:
    line = json.dumps({"account_id": "größe"}).encode()  # with \\u escapes

    assert b"\\u" in line
    assert home(line, tmp_path) == partition_of("größe".encode(), 16)


def test_a_line_without_an_account_has_a_place_too(tmp_path: Path) -> None:
    for line in (b"{", b"[]", b'{"account_id": 5}', b'{"account_id": "', b"\xff", b'"account_id" "account_id"'):
        assert 0 <= home(line, tmp_path) < 16


# -- forged times, without a broker to stamp what arrives


def stamps(lines: list[bytes]) -> list[int]:
    return [arrival for _, _, arrival in arrivals(((line, None) for line in lines), 600_000)]


def test_times_that_are_believed_have_no_arrival_of_their_own() -> None:
    quiet_night = [event(n) for n in range(20)] + [event(n) for n in range(600, 620)]

    assert stamps(quiet_night) == [UNKNOWN] * 40
    assert stamps([LINES[1], LINES[0], *LINES[2:]]) == [UNKNOWN] * 40
    assert stamps([]) == []


@pytest.mark.parametrize("place", [0, 1, 20, 38])
def test_a_time_that_jumps_ahead_of_all_around_it_arrived_with_them(place: int) -> None:
    forged = event(99, at_ms=START_MS + 4 * 365 * 24 * 60 * MINUTE_MS)
    found = stamps([*LINES[:place], forged, *LINES[place:]])

    assert START_MS <= found[place] < START_MS + 40 * MINUTE_MS
    assert [arrival for at, arrival in enumerate(found) if at != place] == [UNKNOWN] * 40


def test_many_forged_times_are_seen_while_they_are_the_fewer() -> None:
    lines, forged = [], set()
    for number in range(400):
        lines.append(event(number))
        if number % 3 == 0:
            forged.add(len(lines))
            lines.append(event(number, at_ms=START_MS + (number + 1) * 10**9))
    found = stamps(lines)

    assert all(at in forged for at, arrival in enumerate(found) if arrival)
    assert len({at for at in forged if found[at]}) >= len(forged) - 2


def test_one_forged_time_does_not_make_the_rest_of_a_file_late(tmp_path: Path) -> None:
    forged = event(99, account="forger", at_ms=START_MS + 9 * 365 * 24 * 60 * MINUTE_MS)
    source = plain(tmp_path / "events.jsonl", b"\n".join([*LINES[:5], forged, *LINES[5:]]))
    for partitions in (1, 4):
        report = run(source, out=tmp_path / "out", partitions=partitions, batch_records=3)

        assert report.counters["applied"] == len(LINES)
        assert report.reasons == {"time_in_future": 1}
        assert report.counters.get("late", 0) == 0
        assert report.balanced


# -- what is written


def test_a_summary_says_what_was_looked_at_and_with_which_settings(tmp_path: Path) -> None:
    night_ms = START_MS + 24 * 60 * MINUTE_MS
    lines = [event(n, at_ms=night_ms + (n - 20) * MINUTE_MS) for n in range(40)]
    report = run(plain(tmp_path / "events.jsonl", b"\n".join([*lines, lines[0]])), out=tmp_path / "out")
    found = summary(tmp_path / "out")

    assert report.files["summary"] == str(tmp_path / "out" / "summary.json")
    assert (found["accounts"], found["account_days"]) == (7, 14)  # each of the seven sends before midnight and after it
    assert (found["first_event"], found["last_event"]) == (
        rfc3339(night_ms - 20 * MINUTE_MS),
        rfc3339(night_ms + 19 * MINUTE_MS),
    )
    assert found["config_hash"] == Settings().fingerprint()
    assert found["counters"] == report.counters and found["counters"]["duplicate"] == 1


def test_accounts_and_days_are_the_same_however_the_log_is_cut(tmp_path: Path) -> None:
    source = plain(
        tmp_path / "events.jsonl", b"\n".join(event(n, at_ms=START_MS + n * 50 * MINUTE_MS) for n in range(200))
    )
    found = []
    for partitions, batch_records in ((1, 4096), (3, 7)):
        run(source, out=tmp_path / "out", partitions=partitions, batch_records=batch_records)
        row = summary(tmp_path / "out")
        found.append([row[name] for name in ("accounts", "account_days", "first_event", "last_event")])

    assert found[0] == found[1]
    assert found[0][:2] == [7, 7 * 7]  # on each of the days that 200 requests, 50 minutes apart, take


def test_an_account_that_comes_back_after_the_window_is_new_again(tmp_path: Path) -> None:
    moments = [0, 1, 2, 20 * 24 * 60, 20 * 24 * 60 + 1]
    source = plain(
        tmp_path / "events.jsonl", b"\n".join(event(n, "a", START_MS + m * MINUTE_MS) for n, m in enumerate(moments))
    )
    run(source, out=tmp_path / "out")

    found = summary(tmp_path / "out")
    assert (found["accounts"], found["account_days"]) == (2, 2)
    assert found["first_event"] == rfc3339(START_MS)


def test_a_run_that_does_not_come_to_its_end_leaves_no_summary(tmp_path: Path) -> None:
    good = plain(tmp_path / "events.jsonl", b"\n".join(LINES))
    run(good, out=tmp_path / "out")
    with pytest.raises(OperationError):
        run(good, plain(tmp_path / "cut.jsonl.gz", gzip.compress(b"\n".join(LINES))[:-9]), out=tmp_path / "out")

    assert not (tmp_path / "out" / "summary.json").exists()


def test_progress_is_told_and_the_last_one_is_complete(tmp_path: Path) -> None:
    told = []
    run(
        plain(tmp_path / "events.jsonl", b"\n".join(LINES)),
        out=tmp_path / "out",
        batch_records=10,
        on_progress=told.append,
    )

    assert told[-1].read == len(LINES)
    assert told[-1].done_bytes == told[-1].total_bytes == len(b"\n".join(LINES))
    assert [one.read for one in told] == sorted(one.read for one in told)

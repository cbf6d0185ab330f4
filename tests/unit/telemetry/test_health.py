"""/live is progress, /ready is loaded state; both over a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipeline.telemetry.health import REQUEST_BYTES_MAX, Health, HealthServer


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """A host with one partition, and the health of it."""

    def __init__(self, **changes: Any) -> None:
        self.clock = Clock()
        self.joined = True
        self.partition: dict[str, Any] = {"partition": 0, "ready": True, "applied": 5, "lag": 10} | changes
        self.partitions = [self.partition]
        self.stage: dict[str, Any] = {"stage": "observe", "partitions": self.partitions}
        self.health = Health(lambda: [self.stage], lambda: self.joined, stall_s=60, clock=self.clock)

    def after(self, seconds: float, **changes: Any) -> Worker:
        self.health.sample()
        self.partition |= changes
        self.clock.now += seconds
        return self


def test_a_worker_that_gets_on_is_live() -> None:
    worker = Worker()
    for offset in range(6, 12):
        assert worker.after(50, applied=offset).health.live().code == 200


def test_a_worker_that_has_something_to_do_and_does_nothing_is_not_live() -> None:
    worker = Worker()
    assert worker.after(59).health.live().code == 200
    answer = worker.after(2).health.live()
    assert answer.code == 503
    assert answer.body == b"observe/0 has not moved for 61 s\n"


def test_nothing_to_do_is_not_standing_still() -> None:
    assert Worker(lag=0).after(10_000).health.live().code == 200


def test_work_that_comes_after_a_long_silence_is_given_its_time() -> None:
    worker = Worker(lag=0).after(10_000)
    worker.health.live()
    assert worker.after(30, lag=5).health.live().code == 200
    assert worker.after(40).health.live().code == 503


def test_a_partition_that_waits_for_others_is_not_restarted_for_it() -> None:
    assert Worker(paused=True).after(10_000).health.live().code == 200


def test_records_that_are_applied_and_never_committed_are_standing_still() -> None:
    assert Worker(lag=0, pending=3).after(61).health.live().code == 503


def test_a_load_that_gets_on_is_live_however_long_it_takes() -> None:
    worker = Worker(ready=False)
    for loaded in range(1, 5):
        assert worker.after(250, loaded_records=loaded).health.live().code == 200


def test_a_load_is_given_five_times_as_long() -> None:
    worker = Worker(ready=False)
    assert worker.after(299).health.live().code == 200
    assert worker.after(2).health.live().body == b"observe/0 has been loading for 301 s\n"


def test_a_stage_that_no_longer_looks_at_its_input_is_not_live_though_it_sees_no_lag() -> None:
    worker = Worker(lag=0)
    worker.stage["polled_s"] = 61.0
    assert worker.health.live() == (503, b"observe has not looked at its input for 61 s\n", "text/plain; charset=utf-8")


def test_a_partition_that_moved_away_and_came_back_starts_anew() -> None:
    worker = Worker().after(50)
    held = worker.partitions.pop()
    worker.health.live()
    worker.partitions.append(held)
    assert worker.after(50).health.live().code == 200


def test_ready_waits_for_the_first_assignment_and_for_every_state_to_be_loaded() -> None:
    worker = Worker(ready=False)
    worker.joined = False
    assert worker.health.ready().body == b"no assignment yet\n"
    worker.joined = True
    assert worker.health.ready() == (503, b"observe/0 is loading\n", "text/plain; charset=utf-8")
    worker.partition["ready"] = True
    assert worker.health.ready().code == 200


def test_a_standby_without_partitions_is_live_and_ready() -> None:
    worker = Worker()
    worker.partitions.clear()
    assert (worker.health.live().code, worker.health.ready().code) == (200, 200)


def test_a_scrape_tells_how_long_a_partition_stands_still() -> None:
    answer = Worker().after(42).health.metrics()
    assert b'sweepwatch_stalled_seconds{partition="0",stage="observe"} 42.0' in answer.body


# --- over a socket ---


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    try:
        return await reader.read()
    finally:
        writer.close()


def served(requests: list[bytes]) -> list[bytes]:
    async def run() -> list[bytes]:
        server = HealthServer(Worker().health)
        await server.start()
        try:
            return [await ask(server.port, request) for request in requests]
        finally:
            await server.stop()
            await server.stop()

    return asyncio.run(run())


def test_the_three_paths_answer_over_http() -> None:
    live, ready, metrics = served(
        [f"GET {path} HTTP/1.1\r\n\r\n".encode() for path in ("/live", "/ready?x=1", "/metrics")]
    )
    assert live.startswith(b"HTTP/1.1 200 OK\r\n") and live.endswith(b"\r\n\r\nlive\n")
    assert ready.endswith(b"ready, 1 partitions\n")
    assert b"text/plain; version=0.0.4" in metrics and b"sweepwatch_build_info" in metrics


def test_a_head_request_has_no_body_and_other_paths_and_methods_are_refused() -> None:
    head, other, post = served(
        [b"HEAD /live HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST /live HTTP/1.1\r\n\r\n"]
    )
    assert head.startswith(b"HTTP/1.1 200") and head.endswith(b"\r\n\r\n")
    assert other.startswith(b"HTTP/1.1 404") and b"/metrics" in other
    assert post.startswith(b"HTTP/1.1 405")


@pytest.mark.parametrize("request_bytes", [b"\r\n\r\n", b"\xff\xfe \x00\r\n\r\n", b"GET\r\n\r\n"])
def test_nonsense_is_answered_and_the_server_lives_on(request_bytes: bytes) -> None:
    nonsense, live = served([request_bytes, b"GET /live HTTP/1.1\r\n\r\n"])
    assert nonsense.startswith(b"HTTP/1.1 40")
    assert live.startswith(b"HTTP/1.1 200")


def test_a_request_without_an_end_is_dropped_and_the_server_lives_on() -> None:
    endless, live = served([b"G" * (REQUEST_BYTES_MAX * 3), b"GET /live HTTP/1.1\r\n\r\n"])
    assert endless == b""
    assert live.startswith(b"HTTP/1.1 200")

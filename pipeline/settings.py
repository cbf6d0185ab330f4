"""Every knob of sweepwatch: default, unit, range, and what improves and what suffers when it is turned.

    defaults  <  TOML file  <  SWEEPWATCH_<SECTION>__<FIELD>  <  --set section.field=value

Settings are frozen and checked when they are made, alone and together, so whoever holds one need not check again. An
unknown name is an error. Nothing here reads the environment or a clock: `Settings.load` is handed what it may use.

To add a setting, add one line to a section: `name: type = knob(default, unit, minimum, maximum, "what it trades")`.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast

from pipeline.errors import ConfigError
from pipeline.model.known import KnownTool, digest_of
from pipeline.sketch.scheme import SketchParameters

DEVELOPMENT_KEY_HEX: Final = b"public development key, not safe".hex()
PREFIX: Final = "SWEEPWATCH_"
CONFIG_VARIABLE: Final = "SWEEPWATCH_CONFIG"

T = TypeVar("T")
Value = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Knob:
    """What is said about a setting beside its type: it is printed by `sweepwatch settings` and checked on every load."""

    unit: str
    minimum: float | None
    maximum: float | None
    trade: str
    choices: tuple[str, ...] = ()
    pattern: str = ""
    secret: bool = False

    @property
    def range(self) -> str:
        """The allowed values in words, as errors and tables show them."""
        if self.choices:
            return " | ".join(choice or '""' for choice in self.choices)
        if self.minimum is not None and self.maximum is not None:
            return f"{_number(self.minimum)} to {_number(self.maximum)}"
        return self.unit or "any text"


def knob(default: T, unit: str, minimum: float, maximum: float, trade: str) -> T:
    """A setting that is a number: whole if its default is."""
    return field(default=default, metadata={"knob": Knob(unit, minimum, maximum, trade)})


def word(
    default: str, unit: str, trade: str, *, choices: tuple[str, ...] = (), pattern: str = "", secret: bool = False
) -> str:
    """A setting that is a text: one of `choices`, or one that `pattern` matches whole."""
    described = Knob(unit, None, None, trade, choices, pattern, secret)
    return field(default=default, repr=not secret, metadata={"knob": described})


def switch(default: bool, trade: str) -> bool:
    """A setting that is on or off."""
    return field(default=default, metadata={"knob": Knob("on/off", None, None, trade, ("true", "false"))})


class _Section:
    """Refuses a value out of range at the moment it is made, wherever it comes from."""

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            name = f"{SECTION_OF[type(self)]}.{one.name}"
            _check(name, one.metadata["knob"], type(one.default), getattr(self, one.name), "given in code")


# One setting, one line, however long.
# fmt: off
@dataclass(frozen=True, slots=True)
class SketchSettings(_Section):
    """How a prompt becomes numbers. Changing any of these makes persisted sketches unreadable on purpose."""

    key_hex: str = word(DEVELOPMENT_KEY_HEX, "32 to 128 hex digits", "Secret key of all hashes. A secret one keeps an adversary from crafting texts that collide or slip by; changing it forgets everything seen.", pattern=r"(?:[0-9a-fA-F]{2}){16,64}", secret=True)
    keys_per_event: int = knob(24, "keys", 1, 24, "More keys: shorter templates are reached. Every key is a row that match must carry.")
    signature_slots: int = knob(64, "slots", 16, 256, "More slots: similarity within 1/sqrt(slots). Each costs 4 bytes per remembered request.")
    text_chars_max: int = knob(16_000, "characters", 256, 1_000_000, "Longer: templates deep inside long texts are seen. Shorter: a hostile text costs less time.")
    shingles_max: int = knob(4_096, "shingles", 64, 65_536, "More: long texts are sketched whole. Fewer: bounded time for each request.")
    attribution_shingles_max: int = knob(512, "shingles", 16, 4_096, "More: members are found even when the template is a small part of the text. Each costs 8 bytes per remembered request.")


@dataclass(frozen=True, slots=True)
class TimeSettings(_Section):
    """Event time: how it is cut, how long is waited, how far back one looks."""

    tick_s: int = knob(60, "s", 1, 3_600, "Shorter: alerts sooner after the request that decided. Longer: less work for each decision.")
    late_after_s: int = knob(120, "s", 0, 86_400, "Longer: requests that arrive out of order still count. Every alert waits that long.")
    window_s: int = knob(7 * 86_400, "s", 60, 180 * 86_400, "Longer: slower campaigns are seen. State grows in proportion. What is older leaves a quarter of the window at a time.")
    pane_s: int = knob(6 * 3_600, "s", 60, 7 * 86_400, "Shorter: account statistics slide more smoothly, smaller checkpoints. Longer: fewer panes to merge on read.")
    future_max_s: int = knob(600, "s", 0, 86_400, "Longer: tolerates producers with fast clocks. Shorter: a forged time cannot drag the watermark ahead.")
    past_max_s: int = knob(400 * 86_400, "s", 3_600, 3_650 * 86_400, "Longer: old logs can be replayed. Shorter: forged old times are refused rather than counted late.")
    duplicate_window_s: int = knob(86_400, "s", 60, 7 * 86_400, "Longer: later repeats of an event id are recognised. Costs 8 bytes for every request in it.")
    attribution_lag_ticks: int = knob(5, "ticks", 1, 1_440, "Longer: observe waits less often for gather. Shorter: verdicts sooner after the alert.")
    run_ahead_ticks: int = knob(1_440, "ticks", 1, 10_080, "Longer: partitions catch up faster after an outage. Shorter: less memory for requests that wait.")


@dataclass(frozen=True, slots=True)
class BoundSettings(_Section):
    """A bound for everything that grows. At a bound something is counted and left out, never silently and never by a crash."""

    value_bytes_max: int = knob(4_194_304, "bytes", 1_024, 67_108_864, "Larger: long requests are read. Smaller: a hostile one is refused sooner (dead letter `too_large`).")
    accounts_max: int = knob(2_000_000, "accounts per partition", 100, 100_000_000, "More: quiet accounts keep their history. About 0.5 kB each.")
    match_sightings_max: int = knob(4_000_000, "sightings per partition", 1_000, 1_000_000_000, "More: texts are compared further back. At the bound the oldest quarter is forgotten, in whole panes. About 1.5 kB each with its keys.")
    gather_samples_max: int = knob(20_000_000, "sampled requests", 1_000, 1_000_000_000, "More: crowds are remembered further back. At the bound the oldest quarter is forgotten, in whole panes. About 0.2 kB each; a request may be sampled several times.")
    ring_events_max: int = knob(1_000_000, "requests per partition", 1_000, 100_000_000, "More: members of a campaign are found further back. About 0.4 kB each.")


@dataclass(frozen=True, slots=True)
class DetectionSettings(_Section):
    """When many similar requests are worth a look, and when they are worth waking somebody."""

    parties_min: int = knob(12, "parties", 3, 48, "Fewer: smaller campaigns are looked at. More: fewer phrases of ordinary people to weigh and to be wrong about.")
    score_min: float = knob(6.25, "log-odds", 0, 100, "Higher: fewer false alerts. Lower: campaigns are seen earlier, and with less to show for it.")
    accounts_min: int = knob(12, "accounts in the sample", 3, 64, "Fewer: alerts earlier in a campaign's life. More: a crowd is judged by more people.")
    requests_min: int = knob(14, "requests in the sample", 3, 256, "Fewer: alerts earlier. More: evidence is steadier.")
    k_accounts: int = knob(3, "accounts", 2, 64, "Higher: template words are shown only when more accounts used them. Lower: more of a template is readable.")
    reads_max: int = knob(192, "requests", 16, 1_024, "More: a crowd is judged by more requests read back. Each is a read from the requests topic.")
    quiet_s: int = knob(86_400, "s", 600, 30 * 86_400, "Longer: fewer resolve and re-open messages. Shorter: on-call is told sooner that it stopped.")
    terms_off: str = word("", "names of evidence terms, comma-separated, empty: none", "For an emergency and for measuring: a term that misleads is out until it is mended. A term that spoke against a crowd is missing as well, so false alerts may follow.", pattern=r"[a-z0-9_]*(?: *, *[a-z0-9_]+)*")
    update_growth: float = knob(1.5, "times", 1.05, 100, "Lower: on-call hears of smaller growth. Higher: fewer messages.")
    known_tools: str = word("", "a path, empty: none", "File of tools whose users share a wording and are no campaign (`sweepwatch known`). Each one listed is a tool that on-call need not be asked about, and a wording under which a campaign could hide.")
    known_key_hex: str = word("", "32 to 128 hex digits, empty: no signatures", "Secret key of the signatures in the list of known tools. With one, a signed row that somebody else changed stops the start; all who run sweepwatch on the list need it.", pattern=r"(?:(?:[0-9a-fA-F]{2}){16,64})?", secret=True)
    known_signed_only: bool = switch(False, "On: nobody without the key can add a known tool. Off: a plain export of names and texts is taken.")


@dataclass(frozen=True, slots=True)
class KafkaSettings(_Section):
    """Where the broker is and how the worker behaves on it. Embedded runs use none of this."""

    bootstrap: str = word("127.0.0.1:9092", "host:port, comma-separated", "More than one: the worker starts while a broker is down.", pattern=r"[^\s,]+:\d+(?:,[^\s,]+:\d+)*")
    application: str = word("sweepwatch", "a name", "Names consumer groups and transactions. Another name is another detector with its own position in the log.", pattern=r"[A-Za-z0-9._-]{1,100}")
    prefix: str = word("sweepwatch.", "a prefix, may be empty", "Stands before every topic name. Another prefix is another set of topics.", pattern=r"[A-Za-z0-9._-]{0,100}")
    requests_topic: str = word("", "a topic, empty: prefix + requests", "Set it to read the topic your gateway writes already.", pattern=r"[A-Za-z0-9._-]{0,249}")
    instance: str = word("", "a name, empty: none", "Static membership: a restarted worker with the same name takes its partitions back without a rebalance.", pattern=r"[A-Za-z0-9._-]{0,100}")
    partitions: int = knob(4, "partitions", 1, 1_024, "More: more workers can share the load. State and transactions per partition; the count of an existing topic must stay.")
    match_partitions: int = knob(1, "partitions", 1, 1_024, "More: the matching of texts is spread wider. But most requests go to all of them, so each costs; one keeps up with 100,000 requests a second and more on a core of its own.")
    replication: int = knob(1, "replicas", 1, 7, "3 on a real cluster: survives the loss of a broker. 1 on a laptop.")
    flush_records: int = knob(5_000, "records", 1, 100_000, "More: fewer transactions, more throughput. Fewer: less to do again after a crash.")
    flush_ms: int = knob(100, "ms", 1, 10_000, "Longer: fewer transactions. Shorter: less time from request to alert.")
    session_timeout_ms: int = knob(6_000, "ms", 1_000, 300_000, "Shorter: a dead worker's partitions move sooner. Longer: a paused worker keeps them.")
    heartbeat_ms: int = knob(1_000, "ms", 100, 60_000, "Shorter: a rebalance is noticed sooner. A little more traffic.")
    transaction_timeout_ms: int = knob(10_000, "ms", 1_000, 900_000, "Shorter: a dead worker's open transaction blocks readers for less time. Longer: a slow flush is not fenced.")
    request_timeout_ms: int = knob(30_000, "ms", 1_000, 300_000, "Shorter: an unreachable broker is reported sooner. Longer: a slow one is waited for.")
    fetch_bytes_max: int = knob(8_388_608, "bytes", 65_536, 268_435_456, "More: bigger batches after an outage. Memory of each partition being read.")
    idle_advance_ms: int = knob(60_000, "ms", 100, 3_600_000, "Shorter: a partition without requests holds the others up for less time. Longer: a request that comes late after a silence still counts.")
    security_protocol: str = word("PLAINTEXT", "", "SSL and SASL_SSL protect prompt text on its way; PLAINTEXT is for loopback.", choices=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"))
    sasl_mechanism: str = word("", "", "Which login the broker asks for; empty without SASL.", choices=("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
    sasl_username: str = word("", "a name", "Needed with SASL.")
    sasl_password: str = word("", "a secret", "Needed with SASL; set it through the environment rather than a file.", secret=True)
    ssl_cafile: str = word("", "a path", "Authority that signed the broker's certificate; empty: the system's.")
    ssl_certfile: str = word("", "a path", "Client certificate, for mutual TLS.")
    ssl_keyfile: str = word("", "a path", "Key of the client certificate.")


@dataclass(frozen=True, slots=True)
class TelemetrySettings(_Section):
    """What the worker shows of itself. Never prompt text."""

    host: str = word("127.0.0.1", "an address", "0.0.0.0 lets a scraper on another machine in, and everybody else who reaches the port.", pattern=r"\S{1,255}")
    port: int = knob(9_464, "port, 0: off", 0, 65_535, "0 saves a port; then there are no metrics, no /live and no /ready.")
    log_format: str = word("console", "", "json for a log collector, console for a person.", choices=("console", "json"))
    log_level: str = word("info", "", "debug tells of every flush; warning only of what somebody must act on.", choices=("debug", "info", "warning", "error"))
# fmt: on


SECTIONS: Final[dict[str, type[_Section]]] = {
    "sketch": SketchSettings,
    "time": TimeSettings,
    "bounds": BoundSettings,
    "detection": DetectionSettings,
    "kafka": KafkaSettings,
    "telemetry": TelemetrySettings,
}
SECTION_OF: Final = {section: name for name, section in SECTIONS.items()}
DECIDING_SECTIONS: Final = ("sketch", "time", "bounds", "detection")
"""Sections that may change a decision; the others say where and how the program runs."""
NOT_DECIDING: Final = ("detection.known_tools", "detection.known_signed_only")
"""They say where known tools come from; what decides is which tools those are."""


class SettingRow(NamedTuple):
    """One line of `sweepwatch settings`."""

    name: str
    value: str
    source: str
    unit: str
    range: str
    default: str
    trade: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections together, and where each value that is not a default came from."""

    sketch: SketchSettings = field(default_factory=SketchSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    bounds: BoundSettings = field(default_factory=BoundSettings)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    known: tuple[KnownTool, ...] = ()
    """Tools whose users are no campaign. Not a setting but what `detection.known_tools` leads to: whoever starts reads the file."""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_together(self)

    @classmethod
    def load(
        cls,
        config_path: str | Path | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Iterable[str] = (),
    ) -> Settings:
        """Defaults, then the file, then the environment, then `section.field=value` overrides.

        The file is `config_path`, or else what SWEEPWATCH_CONFIG in `environ` names, or else none. Raises ConfigError
        for an unknown name, a wrong type, a value out of range, or values that do not go together.
        """
        environ = environ or {}
        values: dict[str, Value] = {}
        sources: dict[str, str] = {}
        path = config_path or environ.get(CONFIG_VARIABLE) or None
        layers = [_from_environ(environ), _from_overrides(overrides)]
        for layer in [_from_file(Path(path)), *layers] if path else layers:
            for name, (value, source) in layer.items():
                values[name] = _accept(name, value, source)
                sources[name] = source
        return cls()._changed(values, sources)

    def override(self, **changes: Value) -> Settings:
        """The same settings with some changed: `settings.override(time__tick_s=5)`. Checked like any other."""
        named = {name.replace("__", ".", 1): value for name, value in changes.items()}
        source = "given in code"
        accepted = {name: _accept(name, value, source) for name, value in named.items()}
        return self._changed(accepted, {**self.sources, **dict.fromkeys(named, source)})

    def with_known(self, tools: Iterable[KnownTool]) -> Settings:
        """The same settings with these known tools and no others, each once, whatever order they come in."""
        return replace(self, known=tuple(sorted(set(tools))))

    def get(self, name: str) -> Value:
        """The value of `section.field`."""
        _knob_of(name, "", "asked for")
        section, _, one = name.partition(".")
        return cast(Value, getattr(getattr(self, section), one))

    def table(self) -> list[SettingRow]:
        """Every setting with value, source, unit, range, default and trade, in the order of this file. Secrets stay hidden."""
        rows = []
        for name, (described, default) in KNOBS.items():
            value = self.get(name)
            shown = _show(described, value)
            rows.append(
                SettingRow(
                    name,
                    shown if not described.secret or value != default else _hidden(value, development=True),
                    self.sources.get(name, "default"),
                    described.unit,
                    described.range,
                    _show(described, default) if not described.secret else "(public)" if default else "",
                    described.trade,
                )
            )
        return rows

    def warnings(self) -> list[str]:
        """What is allowed but should not reach production."""
        found = []
        if self.sketch.key_hex == DEVELOPMENT_KEY_HEX:
            found.append(
                "sketch.key_hex is the public development key: whoever knows it can craft texts that collide or slip by. "
                "For production set SWEEPWATCH_SKETCH__KEY_HEX to a secret of your own (openssl rand -hex 32)."
            )
        if self.detection.terms_off:
            found.append(
                f"detection.terms_off is {self.detection.terms_off}: decisions are made without this evidence."
            )
        if self.telemetry.port and self.telemetry.host not in LOOPBACK:
            found.append(f"telemetry.host is {self.telemetry.host}: metrics are open to whoever reaches the port.")
        if self.kafka.security_protocol.endswith("PLAINTEXT") and not _on_loopback(self.kafka.bootstrap):
            found.append(
                f"kafka.security_protocol is {self.kafka.security_protocol}: prompt text crosses the network in clear."
            )
        return found

    def fingerprint(self) -> str:
        """Twelve hex digits that change when a setting or a known tool changes that may change a decision.

        Holds no secret and no text.
        """
        lines = [
            f"{name}={self.get(name)!r}\n"
            for name, (described, _) in KNOBS.items()
            if name.partition(".")[0] in DECIDING_SECTIONS and not described.secret and name not in NOT_DECIDING
        ]
        lines += [f"known={digest_of(self.known)}\n"] if self.known else []
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]

    def toml(self) -> str:
        """A file that `load` reads back to the same settings (secrets left out), with every trade as a comment."""
        lines: list[str] = []
        section = ""
        for row in self.table():
            described = KNOBS[row.name][0]
            here, _, one = row.name.partition(".")
            if here != section:
                section = here
                lines += ["", f"[{section}]"] if lines else [f"[{section}]"]
            limits = row.range if row.range == row.unit else f"{row.range} {row.unit}".strip()
            lines.append(f"# {row.trade} ({limits})")
            assignment = f"{one} = {_toml_value(self.get(row.name))}"
            lines.append(f"# {one} = keep it in {_variable(row.name)}" if described.secret else assignment)
        return "\n".join(lines) + "\n"

    def _changed(self, values: Mapping[str, Value], sources: Mapping[str, str]) -> Settings:
        by_section: dict[str, dict[str, Value]] = {}
        for name, value in values.items():
            section, _, one = name.partition(".")
            by_section.setdefault(section, {})[one] = value
        sections = {name: replace(getattr(self, name), **changed) for name, changed in by_section.items()}
        return replace(self, **sections, sources=dict(sources))


KNOBS: Final[dict[str, tuple[Knob, Value]]] = {
    f"{name}.{one.name}": (one.metadata["knob"], cast(Value, one.default))
    for name, section in SECTIONS.items()
    for one in fields(section)  # type: ignore[arg-type]
}
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

Layer = dict[str, tuple[Any, str]]


def _check_together(settings: Settings) -> None:
    """Constraints between settings; each message names both and says which way to turn."""
    sketch, time, kafka = settings.sketch, settings.time, settings.kafka
    rules = (
        (time.pane_s % time.tick_s == 0, "time.pane_s", time.pane_s, f"a multiple of time.tick_s ({time.tick_s})"),
        (time.window_s % time.pane_s == 0, "time.window_s", time.window_s, f"a multiple of time.pane_s ({time.pane_s})"),
        (time.duplicate_window_s <= time.window_s, "time.duplicate_window_s", time.duplicate_window_s, f"at most time.window_s ({time.window_s})"),
        (time.attribution_lag_ticks <= time.run_ahead_ticks, "time.attribution_lag_ticks", time.attribution_lag_ticks, f"at most time.run_ahead_ticks ({time.run_ahead_ticks})"),
        (sketch.keys_per_event <= sketch.attribution_shingles_max, "sketch.keys_per_event", sketch.keys_per_event, f"at most sketch.attribution_shingles_max ({sketch.attribution_shingles_max})"),
        (sketch.attribution_shingles_max <= sketch.shingles_max, "sketch.attribution_shingles_max", sketch.attribution_shingles_max, f"at most sketch.shingles_max ({sketch.shingles_max})"),
        (3 * kafka.heartbeat_ms <= kafka.session_timeout_ms, "kafka.heartbeat_ms", kafka.heartbeat_ms, f"at most a third of kafka.session_timeout_ms ({kafka.session_timeout_ms})"),
        (kafka.flush_ms < kafka.transaction_timeout_ms, "kafka.flush_ms", kafka.flush_ms, f"less than kafka.transaction_timeout_ms ({kafka.transaction_timeout_ms})"),
        (bool(settings.detection.known_key_hex) or not settings.detection.known_signed_only, "detection.known_signed_only", "true", "false while detection.known_key_hex is empty"),
        (bool(kafka.sasl_mechanism) == kafka.security_protocol.startswith("SASL"), "kafka.sasl_mechanism", kafka.sasl_mechanism or '""', f"set with SASL and empty without (kafka.security_protocol is {kafka.security_protocol})"),
    )  # fmt: skip
    for holds, name, value, wanted in rules:
        if not holds:
            raise ConfigError(f"setting {name} is {value}: it must be {wanted}")
    if settings.detection.terms_off:
        from pipeline.evidence import active  # only when asked for: it imports numba

        active(settings.detection.terms_off)


def _accept(name: str, value: Any, source: str) -> Value:
    """The value in the setting's own type, or a ConfigError that says what would have been right."""
    described, default = _knob_of(name, value, source)
    if isinstance(value, str) and not isinstance(default, str):
        value = _parse(name, described, type(default), value, source)
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    return _check(name, described, type(default), value, source)


def _parse(name: str, described: Knob, kind: type, text: str, source: str) -> Value:
    """Texts of the environment and the command line, which know no types."""
    try:
        if kind is bool:
            return {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}[text.strip().lower()]  # fmt: skip
        return cast(Value, kind(text))
    except (KeyError, ValueError):
        raise _refusal(name, described, kind, text, source) from None


def _check(name: str, described: Knob, kind: type, value: Any, source: str) -> Value:
    right = type(value) is kind or (kind is float and type(value) is int)
    if right and described.minimum is not None and described.maximum is not None:
        right = math.isfinite(value) and described.minimum <= value <= described.maximum
    if right and kind is str:
        right = value in described.choices if described.choices else "\x00" not in value
        right = right and (not described.pattern or re.fullmatch(described.pattern, value) is not None)
    if not right:
        raise _refusal(name, described, kind, value, source)
    return cast(Value, value)


def _refusal(name: str, described: Knob, kind: type, value: Any, source: str) -> ConfigError:
    shown = "the given value (not shown)" if described.secret else repr(value)
    unit = "" if described.unit == described.range or described.choices else f" {described.unit}"
    wanted = {int: "a whole number, ", float: "a number, "}.get(kind, "")
    return ConfigError(f"setting {name} cannot be {shown} ({source}): it takes {wanted}{described.range}{unit}")


def _knob_of(name: str, value: Any, source: str) -> tuple[Knob, Value]:
    try:
        return KNOBS[name]
    except KeyError:
        raise ConfigError(_unknown(name, value, source)) from None


def _unknown(name: str, value: Any, source: str) -> str:
    """Names the nearest setting. The value of what may be a misspelt secret is not repeated."""
    near = difflib.get_close_matches(name, KNOBS, n=1, cutoff=0.5)
    if not near:
        by_field = {known.partition(".")[2]: known for known in KNOBS}
        near = [by_field[one] for one in difflib.get_close_matches(name.rpartition(".")[2], by_field, n=1, cutoff=0.6)]
    may_be_secret = re.search("key|pass|secret|token", name) or (near and KNOBS[near[0]][0].secret)
    said = f"setting {name}{'' if value == '' or may_be_secret else f' = {value!r}'} ({source}) does not exist"
    if not near:
        return f"{said}; `sweepwatch settings` lists all"
    described = KNOBS[near[0]][0]
    unit = "" if described.unit == described.range else f" {described.unit}"
    return f"{said}; did you mean {near[0]} ({described.range}{unit})?"


def _from_file(path: Path) -> Layer:
    source = f"file {path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"settings file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings file {path} is not TOML: {error}") from None
    layer: Layer = {}
    for section, values in content.items():
        if not isinstance(values, dict):
            raise ConfigError(_unknown(section, values, source) + f"; every setting stands in a section of {', '.join(SECTIONS)}")  # fmt: skip
        if section not in SECTIONS:
            near = difflib.get_close_matches(section, SECTIONS, n=1, cutoff=0.5)
            hint = f"did you mean [{near[0]}]?" if near else f"there are {', '.join(SECTIONS)}"
            raise ConfigError(f"settings section [{section}] ({source}) does not exist; {hint}")
        layer |= {f"{section}.{one}": (value, source) for one, value in values.items()}
    return layer


def _from_environ(environ: Mapping[str, str]) -> Layer:
    layer: Layer = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE or _is_service_link(variable, value):
            continue
        name = variable.removeprefix(PREFIX).lower().replace("__", ".", 1)
        layer[name] = (value, f"environment {variable}")
    return layer


def _is_service_link(variable: str, value: str) -> bool:
    """Kubernetes writes SWEEPWATCH_SERVICE_HOST and the like into every pod beside a service of that name; not ours."""
    if re.search(r"_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)", variable):
        return True
    return variable.endswith("_PORT") and re.match(r"(tcp|udp|sctp)://", value) is not None


def _from_overrides(overrides: Iterable[str]) -> Layer:
    layer: Layer = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: write it as section.field=value, for example --set time.tick_s=30")
        layer[name.strip()] = (value.strip(), "command line")
    return layer


def _show(described: Knob, value: Value) -> str:
    if described.secret:
        return _hidden(value, development=False)
    return _number(value) if isinstance(value, int | float) and not isinstance(value, bool) else _plain(value)


def _hidden(value: Value, *, development: bool) -> str:
    if not value:
        return ""
    return "(public development key)" if development else "(secret, set)"


def _plain(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _toml_value(value: Value) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _plain(value)


def _variable(name: str) -> str:
    return PREFIX + name.upper().replace(".", "__", 1)


def _on_loopback(bootstrap: str) -> bool:
    return all(address.rpartition(":")[0].strip("[]") in LOOPBACK for address in bootstrap.split(","))


def sketch_parameters(settings: Settings) -> SketchParameters:
    """What the sketches are made with."""
    section = settings.sketch
    return SketchParameters(**{one.name: getattr(section, one.name) for one in fields(section)})

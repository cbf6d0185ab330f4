"""How much of a campaign's template is read from its first requests: token F1 against the evaluation kit's own templates.

    python -m tests.quality.template_f1 --kit DIR --stream DIR [--stream DIR ...]

The kit (its generator `make_stream.py`, and streams made with it) lies beside the project and none of its text is in here: the
true templates are what the generator writes when every slot is one made-up word. Without the kit this says so and ends.

    fixed       templates of one wording: fixed words shown against fixed words written, as multisets
    rotating    templates with phrases that take turns: the same, and with all words of all alternatives
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import orjson

from pipeline.settings import Settings, sketch_parameters
from pipeline.sketch.sketcher import Sketcher
from pipeline.templates import Inferred, infer

CAMPAIGNS = ("hydra", "sweep", "lowslow", "cot", "obfuscated", "evol")
SLOT = "qqslotqq"
DRAWS = 6_000
GOAL = 0.9
Words = Counter[str]


@dataclass
class Truth:
    """A template as the generator writes it: words of all its variants, and what each variant has beside."""

    variants: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def fixed(self) -> Words:
        common: Words | None = None
        for variant in sorted(self.variants):
            common = Counter(variant) if common is None else common & Counter(variant)
        return common or Counter()

    @property
    def rotates(self) -> bool:
        """Whether its variants differ in more than a number."""
        return len({tuple(word for word in variant if not word.isdecimal()) for variant in self.variants}) > 1

    @property
    def everything(self) -> Words:
        fixed = self.fixed
        return sum((Counter(variant) - fixed for variant in sorted(self.variants)), fixed)


@dataclass
class Row:
    """One template of one stream, read from so many requests."""

    stream: str
    campaign: str
    template: str
    requests: int
    precision: float
    recall: float
    everything: float
    ms: float
    rotating: bool
    found: Inferred

    @property
    def f1(self) -> float:
        return harmonic(self.precision, self.recall)


def main(argv: Sequence[str] | None = None) -> int:
    """0: measured and good enough. 1: measured and not. 2: there is no kit or no stream."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.template_f1", description=__doc__.partition("\n")[0])
    parser.add_argument("--kit", type=Path, required=True, help="folder of the evaluation kit, with make_stream.py")
    parser.add_argument(
        "--stream",
        type=Path,
        required=True,
        action="append",
        help="folder with events.jsonl and labels.jsonl; repeat it",
    )
    parser.add_argument("--first", type=int, default=100, help="requests to read of each template (default 100)")
    parser.add_argument("--show", action="store_true", help="print the templates as they are shown to on-call")
    arguments = parser.parse_args(argv)
    for path in (arguments.kit / "make_stream.py", *(stream / "labels.jsonl" for stream in arguments.stream)):
        if not path.is_file():
            print(
                f"Nothing measured: {path} is not there. The evaluation kit is no part of the project.", file=sys.stderr
            )
            return 2
    sketcher = Sketcher(sketch_parameters(Settings()))
    truths = written_by(kit_at(arguments.kit), sketcher)
    rows = [row for stream in arguments.stream for row in measured(stream, truths, sketcher, arguments.first)]
    report(rows, arguments.show)
    scores = [row.f1 for row in rows if not row.rotating]
    return 0 if scores and statistics.mean(scores) >= GOAL else 1


# ------------------------------------------------------------------ what the generator writes


def kit_at(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kit_make_stream", folder / "make_stream.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written_by(kit: ModuleType, sketcher: Sketcher) -> dict[str, Truth]:
    """Templates by name, from the generator's own campaigns: every slot is SLOT, nothing is disguised, no word replaced."""
    truths: dict[str, Truth] = defaultdict(Truth)

    class Arrivals:
        def draw(self, count: int, *_: Any, **__: Any) -> Any:
            return np.zeros(count)

    class Writer(kit.Gen):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.c, self.r, self.days, self.seed = kit.SPLIT["public"], np.random.default_rng(0), 7, 0
            self.acc, self.na, self.cache, self.arr = {}, 0, {}, Arrivals()

        def slots(self, _names: Any, count: int) -> list[tuple[str, int, str]]:
            return [("slot", place, SLOT) for place in range(count)]

        def cover(self, *_: Any) -> None:
            pass

        def ev(self, _t: Any, _a: Any, text: str, *_: Any, **named: Any) -> None:
            template = _[3] if len(_) > 3 else named["template"]
            words = sketcher.tokens(text).written[1:-1]
            for name in names_of(template):
                truths[name].variants.add(tuple(word for word in words if word != SLOT))

    kit.SYN = {}
    kit.OBF = dict.fromkeys(kit.OBF, lambda text, _: text)
    writer = Writer()
    for campaign in CAMPAIGNS:
        if campaign == "lowslow":
            writer.lowslow(accts=100)
        else:
            getattr(writer, campaign)(DRAWS)
    return dict(truths)


def names_of(template: str) -> list[str]:
    """A frame with one phrase, and the same frame with all of them."""
    frame, dot, _ = template.partition(".")
    return [template, f"{frame}.*"] if dot else [template]


# ------------------------------------------------------------------ what is read


def measured(stream: Path, truths: dict[str, Truth], sketcher: Sketcher, first: int) -> Iterator[Row]:
    wanted = _labels(stream, truths, first)
    texts = _texts(stream, {event for events in wanted.values() for event in events})
    for (campaign, template), events in sorted(wanted.items()):
        prompts = [sketcher.tokens(texts[event][0]).written[1:-1] for event in events]
        accounts = [texts[event][1] for event in events]
        infer(prompts[:5], accounts[:5], 3)  # compiled before the clock starts
        began = time.perf_counter()
        found = infer(prompts, accounts, Settings().detection.k_accounts)
        took = time.perf_counter() - began
        truth = truths[template]
        shown = Counter(found.fixed)
        precision, recall = agreement(shown, truth.fixed)
        alternatives = [word for group in found.alternatives for text in group for word in text]
        yield Row(
            stream=stream.name,
            campaign=campaign,
            template=template,
            requests=len(events),
            precision=precision,
            recall=recall,
            everything=harmonic(*agreement(shown + Counter(alternatives), truth.everything)),
            ms=1000 * took,
            rotating=truth.rotates,
            found=found,
        )


def _labels(stream: Path, truths: dict[str, Truth], first: int) -> dict[tuple[str, str], list[str]]:
    wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in (stream / "labels.jsonl").open("rb"):
        label = orjson.loads(line)
        if label["label"] != 1 or not label["template"]:
            continue
        for template in names_of(label["template"]):
            events = wanted[label["campaign"], template]
            if template in truths and len(events) < first:
                events.append(label["event_id"])
    return {key: events for key, events in wanted.items() if events}


def _texts(stream: Path, events: set[str]) -> dict[str, tuple[str, str]]:
    texts = {}
    for line in (stream / "events.jsonl").open("rb"):
        name = line[line.index(b'"event_id": "') + 13 :].split(b'"', 1)[0].decode()
        if name in events:
            event = orjson.loads(line)
            turns = [turn["text"] for turn in event["content"]["messages"] if turn["role"] == "user"]
            texts[name] = turns[-1], event["account_id"]
    return texts


def agreement(shown: Words, true: Words) -> tuple[float, float]:
    """Precision and recall of words as multisets."""
    both = (shown & true).total()
    return both / max(shown.total(), 1), both / max(true.total(), 1)


def harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


# ------------------------------------------------------------------ what is said


def report(rows: Sequence[Row], show: bool) -> None:
    heading = f"{'stream':8} {'campaign':16} {'template':8} {'requests':>8} {'precision':>9} {'recall':>7} {'F1':>6}"
    for rotating, title in ((False, "fixed templates"), (True, "templates with rotating phrases")):
        chosen = [row for row in rows if row.rotating is rotating]
        if not chosen:
            continue
        print(f"\n{title}\n{heading} {'ms':>6}" + (f" {'all words':>9}" if rotating else ""))
        for row in chosen:
            line = f"{row.stream:8} {row.campaign:16} {row.template:8} {row.requests:8} {row.precision:9.3f} {row.recall:7.3f}"
            print(f"{line} {row.f1:6.3f} {row.ms:6.1f}" + (f" {row.everything:9.3f}" if rotating else ""))
            if show:
                print("    " + row.found.text.replace("\n", "\n    "))
                print(f"    {[(s.slot, s.kind, s.distinct, s.estimated) for s in row.found.slots]}")
        for name, some in _groups(chosen):
            print(
                f"{name}: mean F1 {statistics.mean(r.f1 for r in some):.3f}, worst {min(r.f1 for r in some):.3f}"
                + (f", mean F1 of all words {statistics.mean(r.everything for r in some):.3f}" if rotating else "")
            )


def _groups(rows: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[f"{row.stream} {row.campaign}"].append(row)
    for stream in sorted({row.stream for row in rows}):
        groups[f"{stream} all"] = [row for row in rows if row.stream == stream]
    groups["all streams"] = list(rows)
    return groups.items()


if __name__ == "__main__":
    sys.exit(main())

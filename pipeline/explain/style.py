"""The style sheet of a page: light and dark by the reader's system, light on paper; no font, image or script from anywhere.

Colours keep their order of lightness for readers who see hues differently, and nothing is told by colour alone.
"""

from __future__ import annotations

from typing import Final

from pipeline.explain.markup import Safe

LIGHT: Final = """
  --paper: #ffffff; --ink: #1d2329; --faint: #667079; --rule: #dde2e7; --panel: #f5f7f9;
  --first: #1f5fa8; --second: #9a6b12; --third: #8b95a0; --negative: #b3261e; --fill: #1f5fa820;
  --payment: #9a4d00; --network: #1f5fa8; --client: #5b6b3a;
"""
DARK: Final = """
  --paper: #14181c; --ink: #e3e8ec; --faint: #97a2ad; --rule: #313941; --panel: #1c2227;
  --first: #7db7f5; --second: #e0b65c; --third: #7c8791; --negative: #ff8a80; --fill: #7db7f526;
  --payment: #f0a35e; --network: #7db7f5; --client: #b3c98a;
"""

STYLE: Final = Safe(
    ":root { color-scheme: light dark;" + LIGHT + "}\n"
    "@media (prefers-color-scheme: dark) { :root {" + DARK + "} }\n"
    """* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .3rem 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--rule);
  overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; overflow-wrap: anywhere; }
p, li { overflow-wrap: anywhere; }
.badges span { display: inline-block; padding: .1rem .55rem; margin-right: .4rem; border: 1px solid currentColor;
  border-radius: 1rem; font-size: .8rem; color: var(--faint); overflow-wrap: anywhere; }
.badges .loud { color: var(--negative); font-weight: 600; }
.verdict { font-size: 1.05rem; padding: .7rem .9rem; background: var(--panel); border-left: 4px solid var(--first); }
.faint, .faint * { color: var(--faint); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); padding: .7rem .9rem; margin: .4rem 0;
  font: 13.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--rule);
  overflow-wrap: break-word; }
th { font-weight: 600; color: var(--faint); white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.when { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .8rem 0; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: .8rem 0 1.4rem; } figcaption { color: var(--faint); font-size: .85rem; margin-top: .3rem; }
figure > svg { display: block; width: 100%; height: auto; }
svg.graph { max-width: 44rem; margin: 0 auto; overflow: visible; }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--faint); }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; } svg .start { text-anchor: start; }
svg .name { font-size: 10px; fill: var(--ink); } svg .hubname { font-size: 10px; font-weight: 600; fill: var(--ink); }
svg .grid { stroke: var(--rule); stroke-width: 1; } svg .axis { stroke: var(--faint); stroke-width: 1; }
svg .line { fill: none; stroke-width: 2; } svg .fill { fill: var(--fill); }
svg .line.first { stroke: var(--first); } svg .line.second { stroke: var(--second); stroke-dasharray: 6 4; }
svg .line.second { stroke-width: 4; opacity: .7; }
svg .line.third { stroke: var(--third); stroke-dasharray: 2 3; }
svg .dot.first { fill: var(--first); } svg .dot.negative { fill: var(--paper); stroke: var(--negative); stroke-width: 2; }
svg .dot.third { fill: var(--third); }
svg .bar, svg .for { fill: var(--first); } svg .against { fill: var(--negative); }
svg .link { stroke-width: 1.2; opacity: .75; } svg .hub { fill: var(--paper); stroke-width: 2; }
svg .payment { stroke: var(--payment); } svg .network { stroke: var(--network); } svg .client { stroke: var(--client); }
svg .link.network { stroke-dasharray: 5 3; } svg .link.client { stroke-dasharray: 1.5 3; }
.key { display: inline-block; margin-right: 1.1rem; white-space: nowrap; }
.key svg { vertical-align: middle; margin-right: .35rem; }
@media (max-width: 40rem) { .scroll table { min-width: 40rem; } dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; } }
@media print {
  :root { color-scheme: light;"""
    + LIGHT
    + """}
  body { font-size: 11pt; } main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; } figure, pre, tr, dl { break-inside: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
)

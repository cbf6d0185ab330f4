"""sweepwatch: see a distillation campaign while it runs.

A request travels through this package in one direction:

    model        words of the domain: requests, sightings, campaigns, and the records that hosts and stages exchange
    sketch       prompt text -> comparable numbers
    window       event time as arithmetic: ticks, panes, the journal that a state is rebuilt from
    features     sliding account statistics, one a file
    templates    fixed words, alternatives and slots of a few requests, to be shown
    trust        what may be said of the whole from a count or a sample
    evidence     what speaks for or against a campaign, one a file
    detectors    opinions about campaigns
    processors   the stateful steps: observe, match, gather, notify
    topology     the graph as data
    replay       the embedded host;  kafka  the host that runs on a real broker
    backtest     what two runs over one log say differently
    explain      from published alerts and verdicts to why they were believed

Everything up to `topology` is pure: no clock, no environment, no logging, no Kafka.
"""

__version__ = "0.1.0"

"""What the worker shows of itself: figures (metrics), whether it is well (health), what happened (logs).

    status     the words all three share: one partition of one stage
    metrics    the vocabulary of figures, for Prometheus
    health     /live, /ready and /metrics on loopback
    logs       structured events on stderr

Rule of the house: no prompt text, no account, no campaign in a metric or a log line.
"""

"""Event time as arithmetic: ticks, panes, journals, account tables. Pure; time is always an argument."""

"""Why it was believed: from what was published about a campaign or an account to an explanation that a person can argue with.

    look_up    (load.py)      alerts, verdicts, campaigns -> everything about one id
    campaign, account         that -> a story: what was measured, what speaks against, what would change the verdict
    text, page                a story -> lines for a terminal, or one HTML page that needs nothing else

Nothing here reads a file, a topic or a clock: messages come in as mappings, and equal messages give equal text. What the
messages do not hold cannot be shown: no prompt, and of templates only words of several accounts.
"""

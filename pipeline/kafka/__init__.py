"""The Kafka host: runs the stages of topology.py against a real broker, exactly once.

    connection   where the broker is and how a client of each kind is set up
    runner       one stage: input partitions in, transactions out, state in a compacted changelog
    broadcast    a topic that every worker reads whole (`campaigns`)
    readback     original requests by position, for a step that asks
    app          the Faust application that hosts the runners and declares the topics with their models
    worker       the process: start, drain, stop, exit codes

This is the only package that imports faust and aiokafka. Nothing of Faust stores or counts anything that must be right.
"""

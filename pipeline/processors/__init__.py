"""The stateful steps, in a request's order: observe, match, gather, notify. Pure: no clock, no Kafka, no logging."""

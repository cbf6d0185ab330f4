"""Prompt text becomes comparable numbers here, and nothing of it leaves as text but by `Sketcher.tokens`.

    scheme       the parameters of all sketches and the name under which their bytes are kept
    keyed        keyed hashes of identities; where every secret constant comes from
    characters   what each character is to the tokeniser
    normalize    canonical text: one spelling for what looks the same
    disguise     base64, rot13, reversed, spaced and leet text: noticed cheaply, undone within bounds
    cues         phrases that ask for what a campaign is after
    shingle      canonical bytes -> tokens -> keyed hashes of word 3-grams (compiled)
    minhash      hashes -> datasketch's affine32 signature, bit for bit (compiled)
    sketcher     all of it for a batch of texts: the door the stages come through
    layout       the bytes of everything persisted

Pure: no clock, no environment, no log, no Kafka.
"""

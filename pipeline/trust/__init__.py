"""How far a number may be trusted: what can be said with confidence when one has counted few events, or only a sample.

    bound    false campaigns that were to be expected at most, whenever one looks
    sample   how many there are, when those with the smallest hashes were seen

Arithmetic alone: counts in, limits out.
"""

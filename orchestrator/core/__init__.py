"""The pure core: nouns, transitions, messages, the graph, state and policy. No I/O, clock, randomness or threads."""

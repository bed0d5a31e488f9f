"""What shows: folds of the event stream, for people and for programs.

Nothing here decides, and nothing raises into the run. A number that several views show is computed in one place:
beads and the first sentence in `headline`, money and tokens in `spending`, what an attempt is in `roll`.
"""

"""Tells a person when it matters: rules over the event stream, and the channels that carry what they say.

A view with a voice: it decides nothing, and whatever becomes of a message, the run never waits for it.
"""

"""The composition root: the only package that names concrete classes, and puts them together.

A module for each thing that the command line asks for; each command imports the one that it needs. Heavy imports are
local to what needs them.
"""

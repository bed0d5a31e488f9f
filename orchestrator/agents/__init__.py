"""What knows an agent program: a profile each, and what its events, its exit and its last words amount to.

Knows no terminals, no git and no policy. A ninth program is a ninth file in `profiles/`.
"""

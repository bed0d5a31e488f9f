"""What knows a terminal: sessions of agents, their recordings, the tree of their processes and its end."""

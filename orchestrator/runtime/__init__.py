"""The imperative shell: ports, the control loop, and the lanes that carry out effects."""

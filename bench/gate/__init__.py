"""What the gate takes: time, memory, and its share of a run."""

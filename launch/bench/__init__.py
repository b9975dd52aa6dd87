"""How fast it is on this machine, beside what people write today."""

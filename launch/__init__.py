"""The commands: `python -m launch.<name>`."""

import atexit
import gc
import os

# Threads of scikit-learn and openTSNE that wait for one another sleep, where other work shares the cores. Read at import.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Imports, traces and pictures make a million objects that stay. Looking through them for cycles takes half a second of a start,
# and as long again at the end, when all of it goes with the process.
gc.set_threshold(100_000, 10, 10)
atexit.register(gc.freeze)

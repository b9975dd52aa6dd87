"""The commands: `python -m launch.<name>`."""

import gc
import os

# Threads of scikit-learn and openTSNE that wait for one another sleep, where other work shares the cores. Read at import.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Imports and traces make a million objects that stay. Looking through all of them for cycles every 700 takes half a second.
gc.set_threshold(100_000, 10, 10)

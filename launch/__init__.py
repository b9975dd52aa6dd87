"""The commands: `python -m launch.<name>`."""

import os

# Threads of scikit-learn and openTSNE that wait for one another sleep, where other work shares the cores. Read at import.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

"""What the tests of sweeps walk."""

import numpy as np

import hillopt as ho

HILL = ho.TentHill()
RATES = ho.Axis.log(0.033, 0.9, 11)
BETAS = ho.Axis.log_complement(0.3, 0.95, 5)
HEIGHTS = np.linspace(0.0, 0.6, 4)
MAX_STEPS = 150
RATE = {"learning_rate": [0.1, 0.2]}
QUESTION = ho.CriticalHeight(20, ho.PlainClimb())

"""Walks: how an optimizer moves on a landscape, with or without noise, and how that ends."""

from hillopt.walk.move import Place, move, set_out
from hillopt.walk.noise import AbstractNoise, GaussianNoise, SampledNoise, Sampler, as_noise
from hillopt.walk.trajectory import Trajectory, trajectory
from hillopt.walk.verdicts import Certainty, Verdict, certainty_of, judge

__all__ = [
    "AbstractNoise",
    "Certainty",
    "GaussianNoise",
    "Place",
    "SampledNoise",
    "Sampler",
    "Trajectory",
    "Verdict",
    "as_noise",
    "certainty_of",
    "judge",
    "move",
    "set_out",
    "trajectory",
]

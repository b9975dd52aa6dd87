"""Certificates: what proves an answer, as plain numbers, and their check, which shares nothing with what found the answer.

A certificate is read and checked with the standard library alone, by whoever reads these few files.
"""

from hillopt.certificates.closed_bound import ClosedBound
from hillopt.certificates.contract import AbstractCertificate
from hillopt.certificates.making import NoClaim, Uncovered, certificate_of, found_certificate
from hillopt.certificates.parts import OPTIMIZERS, Part, Range, as_written, reals_that_round_to
from hillopt.certificates.passage import Passage
from hillopt.certificates.recurrence import Recurrence
from hillopt.certificates.swing_bound import SwingBound
from hillopt.certificates.trapping_region import TrappingRegion

__all__ = [
    "OPTIMIZERS",
    "AbstractCertificate",
    "ClosedBound",
    "NoClaim",
    "Part",
    "Passage",
    "Range",
    "Recurrence",
    "SwingBound",
    "TrappingRegion",
    "Uncovered",
    "as_written",
    "certificate_of",
    "found_certificate",
    "reals_that_round_to",
]

"""Published results by name."""

from launch.published import edges, elsewhere, factorisation, online, regression
from launch.published.result import Check, Found, Result

RESULTS = [
    Result("original", "the original study", "", "Adam climbs 0.41018 at learning rate 0.3", elsewhere.original_walk),
    Result(
        "cycle", "Lessard, Recht, Packard 2016", "1408.3595", "heavy ball's cycle of three", elsewhere.heavy_ball_cycle
    ),
    Result(
        "roots",
        "Goujaud, Taylor, Dieuleveut 2023",
        "2307.11291",
        "learning rates from which heavy ball cycles over roots of unity",
        elsewhere.cycling_rates,
    ),
    Result("rough", "Liu 2024", "2406.13971", "changes of label on a rough bowl, counted", elsewhere.label_changes),
    Result(
        "factorisation",
        "Liang, Montúfar 2025",
        "2509.25351",
        "the critical learning rate of a product",
        factorisation.critical_rate,
    ),
    Result("basins", "Liang, Montúfar 2025", "2509.25351", "basins with an l2 term and without", factorisation.basins),
    Result(
        "regression",
        "Chen, Balasubramanian, Ghosal, Agarwalla 2023",
        "2310.01687",
        "the phases of a quadratic model's cubic map",
        regression.phases,
    ),
    Result(
        "catapult",
        "Lewkowycz, Bahri, Dyer, Sohl-Dickstein, Gur-Ari 2020",
        "2003.02218",
        "the curvature that a catapult leaves",
        factorisation.catapult,
    ),
    Result(
        "edges",
        "Cohen et al. 2021, 2022",
        "2207.14484",
        "edges of stability of gradient descent, heavy ball and Adam",
        edges.stability,
    ),
    Result(
        "amsgrad",
        "Reddi, Kale, Kumar 2018",
        "1904.09237",
        "losses on which Adam goes away from the optimum",
        online.counterexample,
    ),
    Result("adam_cycle", "Bock, Weiss 2022", "2210.02070", "Adam's cycle of two: tests/test_cycles.py", None),
    Result("monomials", "Bai et al. 2026", "2603.09581", "Adam on x^k / k: tests/test_cycles.py", None),
    Result("atlas", "Goujaud, Taylor, Dieuleveut 2023", "2307.11291", "all settings of heavy ball: launch.atlas", None),
]

__all__ = ["RESULTS", "Check", "Found", "Result"]

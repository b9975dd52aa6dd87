"""Named series of measurements, printed with their spread."""

import statistics


class Figures:
    """What was measured, again and again, by name."""

    def __init__(self) -> None:
        self.series: dict[str, list[float]] = {}

    def add(self, name: str, value: float) -> float:
        """Note one measurement."""
        self.series.setdefault(name, []).append(value)
        return value

    def line(self, name: str) -> str:
        """Median, least and greatest."""
        values = self.series[name]
        return f"{name:<84} {statistics.median(values):>10.4g}   ({min(values):.4g} to {max(values):.4g})"

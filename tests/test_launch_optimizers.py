"""The table of optax's optimizers: what is refused, and what one that does not sweep does to the end of the command."""

import pytest

import hillopt as ho
from launch import command, optimizers

SMALL = ["--only=sgd,adam", "--max_steps=5", "--learning_rates=0.3,0.30000001"]


@pytest.mark.parametrize("rate", ["nan", "inf", "1e400", "0", "-1", "fast", ""])
def test_learning_rates_that_none_can_walk_with_are_refused(rate):
    with pytest.raises(
        ValueError, match=r"^`--learning_rates` must (be a list, each a finite number|be above 0|have one)"
    ):
        command.parse([f"--learning_rates={rate}"], optimizers.Settings)


@pytest.mark.slow
def test_the_line_below_the_table_counts_those_that_sweep(tmp_path, capsys):
    optimizers.main(command.parse([*SMALL, f"--out={tmp_path}"], optimizers.Settings))
    assert capsys.readouterr().out.splitlines()[-2] == "2 of 2 sweep"
    heading = (tmp_path / "optimizers" / "optimizers.csv").read_text().splitlines()[0]
    assert heading.endswith("height_0.3,height_0.30000001")


def test_one_that_does_not_sweep_is_named_and_the_command_fails(tmp_path, capsys, monkeypatch):
    named = ho.optax_named

    def broken(name, **numbers):
        if name == "adam":
            raise ValueError("adam refuses")
        return named(name, **numbers)

    monkeypatch.setattr(ho, "optax_named", broken)
    with pytest.raises(SystemExit) as end:
        optimizers.main(command.parse([*SMALL, f"--out={tmp_path}"], optimizers.Settings))
    assert end.value.code == 1
    assert capsys.readouterr().out.splitlines()[-2] == "1 of 2 sweep; not adam"
    assert "adam refuses" in (tmp_path / "optimizers" / "optimizers.csv").read_text()

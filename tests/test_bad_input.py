"""What hillopt's public functions refuse: one clear sentence, which names the argument, the rule and the remedy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hillopt as ho

TENT, ADAM, NOISE, KEY = ho.TentHill(0.3), ho.Adam(0.1), ho.GaussianNoise(1.0), jax.random.key(0)
AXES = {"b1": [0.5, 0.9]}


def walks(hill=TENT):
    return ho.first_passages(hill, ADAM, NOISE, KEY, num_walks=3, max_steps=5)


def some(number, **policy):
    return ho.critical_height(TENT, ho.Adam(np.full(number, 0.1)), max_steps=5, **policy)


# Name: the call, and how its sentence begins.
BAD = {
    "optax transformation": (
        lambda: ho.critical_height(TENT, optax.adam(0.3)),
        "`optimizer` must be an optimizer of hillopt, got a transformation of optax, whose numbers are s",
    ),
    "factory in sweep": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, optax.adam, AXES),
        "`optimizer` must be an optimizer of hillopt, got the function adam; write for example ho.from_o",
    ),
    "from_optax of a transformation": (
        lambda: ho.from_optax(optax.adam(0.1)),
        "`factory` must be what makes a transformation, got one that is made, whose numbers are sealed i",
    ),
    "from_optax of transformation with rate": (
        lambda: ho.from_optax(optax.adam(0.1), learning_rate=0.1),
        "`factory` must be what makes a transformation, got one that is made, whose numbers are sealed i",
    ),
    "from_optax None": (
        lambda: ho.from_optax(None, learning_rate=0.1),
        "`factory` must be what makes a transformation of optax, such as optax.adam, got None.",
    ),
    "class hill": (
        lambda: ho.critical_height(ho.TentHill, ADAM),
        "`hill` must be an instance, got the class TentHill; write TentHill(...).",
    ),
    "class optimizer": (
        lambda: ho.critical_height(TENT, ho.Adam),
        "`optimizer` must be an instance, got the class Adam; write Adam(...).",
    ),
    "PRNGKey": (
        lambda: ho.stability(TENT, ADAM, jax.random.PRNGKey(0)),
        "`key` must be a key of JAX's, got Array([0, 0], dtype=uint32); write jax.random.key(0).",
    ),
    "int key": (
        lambda: ho.first_passages(TENT, ADAM, NOISE, 0, num_walks=3, max_steps=5),
        "`key` must be a key of JAX's, got 0; write jax.random.key(0).",
    ),
    "key None": (
        lambda: ho.ask(ho.EscapeProbability(NOISE, 3, 5), TENT, ADAM),
        "`key` must be a key of JAX's, got None; write jax.random.key(0).",
    ),
    "key ask str": (
        lambda: ho.ask(ho.EscapeProbability(NOISE, 3, 5), TENT, ADAM, "seed"),
        "`key` must be a key of JAX's, got 'seed'; write jax.random.key(0).",
    ),
    "passed bool": (
        lambda: ho.hill_from(lambda x, h: h * x**2, 0.3, passed=lambda x, h: x > 1),
        "`passed` must return one floating-point number, got bool of shape (); return what is 0 or more",
    ),
    "start str": (
        lambda: ho.hill_from(lambda x, h: h * x**2, 0.3, start="0", passed=lambda x, h: x),
        "`start` must be a number or an array of numbers, got '0'; write for example 0.1.",
    ),
    "start nan": (
        lambda: ho.hill_from(lambda x, h: h * x**2, 0.3, start=float("nan"), passed=lambda x, h: x),
        "`start` must be a finite number or a tuple of them, got nan; say where walks begin.",
    ),
    "np.sin": (
        lambda: ho.hill_from(lambda x, h: h * np.sin(x), 0.3),
        "`function` hands its position or height to NumPy; write it with jax.numpy, jnp.sin for np.sin.",
    ),
    "function not callable": (
        lambda: ho.hill_from(3, 0.3),
        "`function` must be a function, called as function(position, height), got 3.",
    ),
    "function one arg": (
        lambda: ho.hill_from(lambda x: x**2, 0.3),
        "`function` is called as function(position, height), and <lambda> does not take that; mend it.",
    ),
    "span 0": (
        lambda: ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, 0.3, start=-1.0, span=0),
        "`span` must lie in (0, inf), got 0; give a finite value inside that range.",
    ),
    "span str": (
        lambda: ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, 0.3, start=-1.0, span="a"),
        "`span` must be a number or an array of numbers, got 'a'; write for example 0.1.",
    ),
    "crest not callable": (
        lambda: ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, 0.3, start=-1.0, crest=0.0),
        "`crest` must be a function, called as crest(height), got 0.0.",
    ),
    "height str": (
        lambda: ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, "a", start=-1.0),
        "`height` must be a number or an array of numbers, got 'a'; write for example 0.1.",
    ),
    "height None": (
        lambda: ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, None, start=-1.0),
        "`height` must be a number or an array of numbers, got None; write for example 0.1.",
    ),
    "height nan": (
        lambda: ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, float("nan"), start=-1.0),
        "`function` must be finite where walks begin, got nan at -1.0 for height nan; move `start`.",
    ),
    "height empty": (
        lambda: ho.hill_from(lambda x, h: h * (x**2 - 1) ** 2, [], start=-1.0),
        "`height` must hold one number at least, got none; give some.",
    ),
    "design wanted str": (
        lambda: ho.design(TENT, ADAM, "a", {"learning_rate": [0.1, 0.2, 0.3]}),
        "`wanted` must be a number or an array of numbers, got 'a'; write for example 0.1.",
    ),
    "design wanted array": (
        lambda: ho.design(TENT, ADAM, np.array([0.1, 0.2]), {"learning_rate": [0.1, 0.2, 0.3]}),
        "`wanted` must be one number in (0, inf), got the shape (2,); every walk escapes a hill without ",
    ),
    "design wanted nan": (
        lambda: ho.design(TENT, ADAM, float("nan"), {"learning_rate": [0.1, 0.2, 0.3]}),
        "`wanted` must be one number in (0, inf), got nan; every walk escapes a hill without height.",
    ),
    "design axes list": (
        lambda: ho.design(TENT, ADAM, 0.2, [0.1, 0.2]),
        "`axes` must name the hyperparameter to solve for, such as learning_rate; got none.",
    ),
    "design atol 0": (
        lambda: ho.design(TENT, ADAM, 0.2, {"learning_rate": [0.1, 0.2, 0.3]}, atol=0),
        "`atol` must be one number in (0, inf), got 0; say how close to the wanted height is close enoug",
    ),
    "design one point": (
        lambda: ho.design(TENT, ADAM, 0.2, {"learning_rate": [0.1]}),
        "`wanted` height 0.2 is out of reach: on the grid h* goes from 0.2643 to 0.2643; widen the range",
    ),
    "design array number": (
        lambda: ho.design(TENT, ho.Adam(0.1, b1=np.array([0.5, 0.9])), 0.2, {"learning_rate": [0.1, 0.2, 0.3]}),
        "`optimizer` must have one value of 'b1', got the shape (2,); name it in `axes`.",
    ),
    "b1 str": (
        lambda: ho.critical_height(TENT, ho.Adam(0.1, b1="0.9")),
        "`Adam(b1=...)` must be a number or an array of numbers, got '0.9'; write for example 0.1.",
    ),
    "b1 None": (
        lambda: ho.critical_height(TENT, ho.Adam(0.1, b1=None)),
        "`Adam(b1=...)` must be a number or an array of numbers, got None; write for example 0.1.",
    ),
    "b1 1": (
        lambda: ho.critical_height(TENT, ho.Adam(0.1, b1=1)),
        "`Adam(b1=...)` must lie in [0, 1), got 1; give a finite value inside that range.",
    ),
    "lr 0": (
        lambda: ho.critical_height(TENT, ho.Adam(0)),
        "`Adam(learning_rate=...)` must lie in (0, inf), got 0; give a finite value inside that range.",
    ),
    "lr -1": (
        lambda: ho.critical_height(TENT, ho.Adam(-1.0)),
        "`Adam(learning_rate=...)` must lie in (0, inf), got -1; give a finite value inside that range.",
    ),
    "lr nan": (
        lambda: ho.critical_height(TENT, ho.Adam(float("nan"))),
        "`Adam(learning_rate=...)` must lie in (0, inf), got nan; give a finite value inside that range.",
    ),
    "lr complex": (
        lambda: ho.critical_height(TENT, ho.Adam(1j)),
        "`Adam(learning_rate=...)` must be a number or an array of numbers, got 1j; write for example 0.",
    ),
    "lr empty": (
        lambda: ho.critical_height(TENT, ho.Adam(np.array([]))),
        "the hyperparameters' common shape is (0,), which holds no setting; give at least one.",
    ),
    "lr f16": (
        lambda: ho.critical_height(TENT, ho.Adam(np.float16(0.1))),
        "hyperparameters must be float32 or float64, got float16; convert them.",
    ),
    "lr bool": (
        lambda: ho.critical_height(TENT, ho.Adam(True)),
        "`Adam(learning_rate=...)` must be a number or an array of numbers, got True; write for example ",
    ),
    "lr list nested": (
        lambda: ho.critical_height(TENT, ho.Adam([[0.1], [0.2, 0.3]])),
        "`Adam(learning_rate=...)` must be a number or an array of numbers, got [[0.1], [0.2, 0.3]]; wri",
    ),
    "lr dict": (
        lambda: ho.critical_height(TENT, ho.Adam({"a": 1})),
        "`Adam(learning_rate=...)` must be a number or an array of numbers, got {'a': 1}; write for exam",
    ),
    "shapes": (
        lambda: ho.critical_height(TENT, ho.Adam(np.ones(3) * 0.1, b1=np.ones(4) * 0.5)),
        "the numbers' shapes (3,) and (4,) do not broadcast against each other; give them one shape, or ",
    ),
    "shapes hill": (
        lambda: ho.escape(ho.TentHill(np.ones(3)), ho.Adam(np.ones(4) * 0.1)),
        "the numbers' shapes (3,) and (4,) do not broadcast against each other; give them one shape, or ",
    ),
    "generator axis": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, {"b1": (x / 10 for x in range(3))}),
        "`axes['b1']`: an axis must be numbers in a row, got a generator; write a list of them.",
    ),
    "set axis": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, {"b1": {0.5, 0.9}}),
        "`axes['b1']`: an axis must be numbers in a row, got a set; write a list of them.",
    ),
    "axes list": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, [("b1", [0.5])]),
        "`axes` must name at least one hyperparameter to sweep, with its values, got [('b1', [0.5])]; wr",
    ),
    "axes empty": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, {}),
        '`axes` must name at least one hyperparameter to sweep, with its values, got none; write {"learn',
    ),
    "axes none": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, None),
        '`axes` must name at least one hyperparameter to sweep, with its values, got None; write {"learn',
    ),
    "axis str": (
        lambda: ho.Axis.linear("a", 1, 3),
        "the ends of an axis must be numbers, got 'a'; give 0.01 and 1, say.",
    ),
    "axis int name": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, {1: [0.5, 0.9]}),
        "`axes` must name at least one hyperparameter to sweep, with its values, got {1: [0.5, 0.9]}; wr",
    ),
    "question class": (
        lambda: ho.ask(ho.CriticalHeight, TENT, ADAM),
        "`question` must be an instance, got the class CriticalHeight; write CriticalHeight(...).",
    ),
    "question str": (
        lambda: ho.ask("critical_height", TENT, ADAM),
        "`question` must be a question of hillopt, got 'critical_height'; write for example ho.CriticalH",
    ),
    "question in sweep None": (
        lambda: ho.sweep(None, TENT, ADAM, {"b1": [0.5]}),
        "`question` must be a question of hillopt, got None; write for example ho.CriticalHeight().",
    ),
    "max_steps 0": (
        lambda: ho.critical_height(TENT, ADAM, max_steps=0),
        "`max_steps` must lie between 1 and 2147483647, got 0; give the walk at least one step.",
    ),
    "max_steps float": (
        lambda: ho.critical_height(TENT, ADAM, max_steps=1e4),
        "`max_steps` must be an integer, got 10000.0; give the walk at least one step.",
    ),
    "max_steps big": (
        lambda: ho.critical_height(TENT, ADAM, max_steps=2**40),
        "`max_steps` must lie between 1 and 2147483647, got 1099511627776; give the walk at least one st",
    ),
    "max_steps str": (
        lambda: ho.critical_height(TENT, ADAM, max_steps="10"),
        "`max_steps` must be an integer, got '10'; give the walk at least one step.",
    ),
    "max_steps bool": (
        lambda: ho.critical_height(TENT, ADAM, max_steps=True),
        "`max_steps` must be an integer, got True; give the walk at least one step.",
    ),
    "max_steps None": (
        lambda: ho.critical_height(TENT, ADAM, max_steps=None),
        "`max_steps` must be an integer, got None; give the walk at least one step.",
    ),
    "max_steps arr": (
        lambda: ho.critical_height(TENT, ADAM, max_steps=np.array([3, 4])),
        "`max_steps` must be an integer, got array([3, 4]); give the walk at least one step.",
    ),
    "trajectory max_steps": (
        lambda: ho.trajectory(TENT, ADAM, max_steps=0),
        "`max_steps` must lie between 1 and 2147483647, got 0; give the walk at least one step.",
    ),
    "trajectory traced": (
        lambda: jax.jit(lambda n: ho.trajectory(TENT, ADAM, max_steps=n))(3),
        "`max_steps` must be known when it is traced, since it is the answer's shape; give it as NumPy's",
    ),
    "climb str": (
        lambda: ho.critical_height(TENT, ADAM, climb="fast"),
        "`climb` must be a climb of hillopt, got 'fast'; write for example ho.BlockedClimb().",
    ),
    "climb class": (
        lambda: ho.critical_height(TENT, ADAM, climb=ho.PlainClimb),
        "`climb` must be an instance, got the class PlainClimb; write PlainClimb(...).",
    ),
    "climb none": (
        lambda: ho.critical_height(TENT, ADAM, climb=None),
        "`climb` must be a climb of hillopt, got None; write for example ho.BlockedClimb().",
    ),
    "climb empty": (
        lambda: ho.critical_height(TENT, ADAM, climb=()),
        "`climb` names none; leave `climb` out, or take ho.BoundedClimb().",
    ),
    "climb lattice for rmsprop": (
        lambda: ho.critical_height(TENT, ho.RMSprop(0.1), climb=ho.LatticeClimb()),
        "`climb=LatticeClimb(lanes=None)` cannot serve: RMSprop does not move on a lattice; leave `climb`",
    ),
    "climb lanes 0": (
        lambda: ho.critical_height(TENT, ADAM, climb=ho.BlockedClimb(lanes=0)),
        "`lanes` must be at least 1, got 0; leave it out for a good number.",
    ),
    "climb pallas": (
        lambda: ho.critical_height(TENT, ADAM, climb=ho.PallasClimb()),
        "`climb=PallasClimb(lanes=None, interpret=False)` cannot serve: it is for GPUs, and JAX walks on ",
    ),
    "hill none": (
        lambda: ho.critical_height(None, ADAM),
        "`hill` must be a hill of hillopt, got None; write for example ho.TentHill(height=0.5).",
    ),
    "hill function": (
        lambda: ho.critical_height(lambda x: x, ADAM),
        "`hill` must be a hill of hillopt, got the function <lambda>; write ho.hill_from(<lambda>, heigh",
    ),
    "hill number": (
        lambda: ho.critical_height(0.5, ADAM),
        "`hill` must be a hill of hillopt, got 0.5; write for example ho.TentHill(height=0.5).",
    ),
    "hill height -1": (
        lambda: ho.escape(ho.TentHill(-1.0), ADAM),
        "`height` must be finite and not negative, got -1; a hill has a crest above its valley.",
    ),
    "hill height inf": (
        lambda: ho.escape(ho.TentHill(), ADAM),
        "`height` must be finite and not negative, got inf; a hill has a crest above its valley.",
    ),
    "hill height nan": (
        lambda: ho.escape(ho.TentHill(float("nan")), ADAM),
        "`height` must be finite and not negative, got nan; a hill has a crest above its valley.",
    ),
    "hill height str": (
        lambda: ho.escape(ho.TentHill("a"), ADAM),
        "`TentHill(height=...)` must be a number or an array of numbers, got 'a'; write for example 0.1.",
    ),
    "hill height None": (
        lambda: ho.escape(ho.TentHill(None), ADAM),
        "`height` must be a number or an array of numbers, got None; write for example 0.1.",
    ),
    "wedge width": (
        lambda: ho.escape(ho.WedgeHill(0.3, half_width=0.0), ADAM),
        "`WedgeHill(half_width=...)` must lie in (0, inf), got 0; give a finite value inside that range.",
    ),
    "wedge width -": (
        lambda: ho.escape(ho.WedgeHill(0.3, half_width=-1.0), ADAM),
        "`WedgeHill(half_width=...)` must lie in (0, inf), got -1; give a finite value inside that range",
    ),
    "rough wavelength 0": (
        lambda: ho.escape(ho.RoughBowl(0.3, wavelength=0.0), ADAM),
        "`RoughBowl(wavelength=...)` must lie in (0, inf), got 0; give a finite value inside that range.",
    ),
    "wedge critical": (
        lambda: ho.critical_height(ho.WedgeHill(0.3), ADAM),
        "`WedgeHill` has another flank for every height, so that a walk may escape it and not a lower on",
    ),
    "piecewise 2": (
        lambda: ho.PiecewiseLinearHill.through([(0, 1), (1, 0)]),
        "`points` must be at least three pairs (x, y), got the shape (2, 2); give more.",
    ),
    "piecewise text": (
        lambda: ho.PiecewiseLinearHill.through("abc"),
        "`points` must be a number or an array of numbers, got 'abc'; write for example 0.1.",
    ),
    "piecewise ragged": (
        lambda: ho.PiecewiseLinearHill.through([(0, 1), (1,)]),
        "`points` must be a number or an array of numbers, got [(0, 1), (1,)]; write for example 0.1.",
    ),
    "piecewise noncrest": (
        lambda: ho.PiecewiseLinearHill.through([(0, 1), (1, 0), (2, 3)]),
        "`points` must go down to a valley, up to a crest and down again; add a point behind the crest.",
    ),
    "piecewise late": (
        lambda: ho.escape(ho.PiecewiseLinearHill.through([(5, 1), (6, 0), (7, 3), (8, 0)]), ADAM),
        "`points` must begin at or before x = 0, where walks do, got 5; shift them.",
    ),
    "starting vec": (
        lambda: ho.escape(ho.StartingAt(TENT, (0.0, 1.0)), ADAM, max_steps=4),
        "`place` must be a number, as the start of TentHill is, got (0.0, 1.0).",
    ),
    "starting nan": (
        lambda: ho.escape(ho.StartingAt(TENT, float("nan")), ADAM, max_steps=4),
        "`StartingAt(place=...)` must lie in (-inf, inf), got nan; give a finite value inside that range",
    ),
    "starting class": (
        lambda: ho.escape(ho.StartingAt(ho.TentHill, 0.0), ADAM),
        "`hill` must be a hill of hillopt, got <class 'hillopt.landscapes.tent.TentHill'>; write for exa",
    ),
    "starting none": (
        lambda: ho.escape(ho.StartingAt(TENT, None), ADAM),
        "`StartingAt(place=...)` must be a number or an array of numbers, got None; write for example 0.",
    ),
    "noise -1": (
        lambda: ho.first_passages(TENT, ADAM, ho.GaussianNoise(-1.0), KEY, num_walks=3, max_steps=5),
        "`GaussianNoise(scale=...)` must lie in [0, inf), got -1; give a finite value inside that range.",
    ),
    "noise None": (
        lambda: ho.first_passages(TENT, ADAM, None, KEY, num_walks=3, max_steps=5),
        "`noise` must be callable as noise(key, slope), got None; take GaussianNoise(scale).",
    ),
    "noise number": (
        lambda: ho.first_passages(TENT, ADAM, 1.0, KEY, num_walks=3, max_steps=5),
        "`noise` must be callable as noise(key, slope), got 1.0; take GaussianNoise(scale).",
    ),
    "noise class": (
        lambda: ho.first_passages(TENT, ADAM, ho.GaussianNoise, KEY, num_walks=3, max_steps=5),
        "`noise` must be callable as noise(key, slope), got <class 'hillopt.walk.noise.GaussianNoise'>; ",
    ),
    "noise shape": (
        lambda: ho.first_passages(TENT, ADAM, lambda k, s: jax.random.normal(k, (2,)), KEY, num_walks=3, max_steps=5),
        "`noise` must return an array of the slope's shape (), got (2,); draw with shape=slope.shape.",
    ),
    "noise arity": (
        lambda: ho.first_passages(TENT, ADAM, lambda k: 0.0, KEY, num_walks=3, max_steps=5),
        "`noise` is called as noise(key, slope), and <lambda> does not take that; mend it.",
    ),
    "num_walks 0": (
        lambda: ho.first_passages(TENT, ADAM, NOISE, KEY, num_walks=0, max_steps=5),
        "`num_walks` must be at least 1, got 0; give a positive number.",
    ),
    "num_walks 2.5": (
        lambda: ho.first_passages(TENT, ADAM, NOISE, KEY, num_walks=2.5, max_steps=5),
        "`num_walks` must be an integer, got 2.5; give a positive number.",
    ),
    "prob 0": (
        lambda: ho.height_at_probability(walks(), 0),
        "`probability` must be one number in (0, 1), got 0; choose 0.5, say.",
    ),
    "prob array": (
        lambda: ho.height_at_probability(walks(), np.array([0.1, 0.2])),
        "`probability` must be one number in (0, 1), got the shape (2,); choose 0.5, say.",
    ),
    "prob of none": (
        lambda: ho.height_at_probability(None, 0.5),
        "`passages` must be a passages of hillopt, got None; write for example ho.first_passages(...).",
    ),
    "prob of walks none": (
        lambda: ho.escape_probability(3),
        "`passages` must be a passages of hillopt, got 3; write for example ho.first_passages(...).",
    ),
    "passage_time conf": (
        lambda: ho.passage_time(walks(), 95),
        "`confidence` must be one number in (0, 1), got 95; choose 0.95, say.",
    ),
    "heights decreasing": (
        lambda: ho.escaping_heights(TENT, ADAM, [0.3, 0.2]),
        "`heights` must be at least two rising numbers from 0 on; give for example linspace(0, 1, 200).",
    ),
    "heights one": (
        lambda: ho.escaping_heights(TENT, ADAM, [0.3]),
        "`heights` must be at least two rising numbers from 0 on; give for example linspace(0, 1, 200).",
    ),
    "heights str": (
        lambda: ho.escaping_heights(TENT, ADAM, "abc"),
        "`heights` must be a number or an array of numbers, got 'abc'; write for example 0.1.",
    ),
    "heights atol": (
        lambda: ho.escaping_heights(TENT, ADAM, [0.1, 0.2], atol=0),
        "`atol` must be one number in (0, inf), got 0; give the width at which a bracket is narrow enoug",
    ),
    "heights atol str": (
        lambda: ho.escaping_heights(TENT, ADAM, [0.1, 0.2], atol="a"),
        "`atol` must be a number or an array of numbers, got 'a'; write for example 0.1.",
    ),
    "heights switches": (
        lambda: ho.escaping_heights(TENT, ADAM, [0.1, 0.2], max_switches=0),
        "`max_switches` must be at least 1, got 0; give a positive number.",
    ),
    "ch heights neg": (
        lambda: ho.ask(ho.CriticalHeight(heights=[-1.0]), TENT, ADAM),
        "`heights` must be finite and not negative, got -1; start at 0 or above.",
    ),
    "ch heights str": (
        lambda: ho.ask(ho.CriticalHeight(heights="a"), TENT, ADAM),
        "`heights` must be a number or an array of numbers, got 'a'; write for example 0.1.",
    ),
    "precision": (
        lambda: ho.critical_height(TENT, ADAM, precision="high"),
        "`precision` must be \"auto\" or None, got 'high'; leave it out to ask once.",
    ),
    "precision without proofs": (
        lambda: ho.ask(ho.Escape(climb=ho.PlainClimb(), precision="auto"), ho.TentHill(0.5), ADAM),
        '`precision="auto"` asks again what proofs have flagged, and `climb=PlainClimb()` attempts none; leave one of them out.',
    ),
    "precision in jit": (
        lambda: jax.jit(lambda rate: ho.critical_height(TENT, ho.Adam(rate), precision="auto").step)(0.1),
        '`precision="auto"` asks again in arithmetic that JAX cannot trace; leave it out inside jit, vmap and grad.',
    ),
    "repeats 0": (
        lambda: ho.stability(TENT, ADAM, KEY, num_repeats=0),
        "`num_repeats` must be at least 1, got 0; 16 tell shares of a fifth.",
    ),
    "repeats str": (
        lambda: ho.stability(TENT, ADAM, KEY, num_repeats="3"),
        "`num_repeats` must be an integer, got '3'; 16 tell shares of a fifth.",
    ),
    "optax_named": (lambda: ho.optax_named("adamm"), "optax has no optimizer 'adamm'; did you mean 'adam'?"),
    "optax_named num": (lambda: ho.optax_named(3), "optax has no optimizer 3; did you mean 'sm3'?"),
    "optimizer_named": (lambda: ho.optimizer_named("adamm"), "No optimizer is called 'adamm'; did you mean 'adam'?"),
    "optimizer_named hp": (
        lambda: ho.optimizer_named("adam", beta1=0.3),
        "`Adam` has no hyperparameter 'beta1'; did you mean 'b1'?",
    ),
    "optimizer_named optax hp": (
        lambda: ho.optimizer_named("optax.adam", beta1=0.3),
        "`adam` has no hyperparameter 'beta1'; did you mean 'b1'?",
    ),
    "from_optax hp": (
        lambda: ho.from_optax(optax.adam, learning_rate=0.1, beta=0.9),
        "`adam` has no hyperparameter 'beta';",
    ),
    "from_optax nothing": (lambda: ho.from_optax(optax.adam), "`adam` needs a value for 'learning_rate'; give one."),
    "from_optax string": (
        lambda: ho.from_optax(optax.adam, learning_rate="a"),
        "`adam` needs a float or an array of floats to sweep, such as learning_rate=0.1.",
    ),
    "from_optax sched": (
        lambda: ho.from_optax(optax.adam, learning_rate=optax.constant_schedule(0.1)),
        "`adam` needs a float or an array of floats to sweep, such as learning_rate=0.1.",
    ),
    "lookahead": (
        lambda: ho.from_optax(optax.lookahead, fast_optimizer=optax.sgd(0.1), sync_period=5, slow_step_size=0.5),
        "`lookahead` cannot step a position that is one array (",
    ),
    "from_optax class": (
        lambda: ho.from_optax(ho.Adam, learning_rate=0.1),
        "`factory` must be what makes a transformation of optax, such as optax.adam, got <class 'hillopt",
    ),
    "to_dataset dims": (
        lambda: some(3).to_dataset(["a", "b"]),
        "`dims` must name the 1 dimensions of the settings, got a, b.",
    ),
    "to_dataset length": (
        lambda: some(3).to_dataset({"a": [1.0, 2.0]}),
        "`a` has 3 settings, and 2 values are given; give one for each of {'a': 3}.",
    ),
    "dtype": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, dtype="float16"),
        "`dtype` must be float32 or float64, got float16.",
    ),
    "dtype2": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, dtype=3),
        "`dtype` must be float32 or float64, got 3.",
    ),
    "seed": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, seed="a"),
        "`seed` must be an integer, got 'a'; give a number such as 0.",
    ),
    "tile": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, tile=0),
        "`tile` must be at least 1, got 0; leave it out for a good one.",
    ),
    "tile f": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, tile=1.5),
        "`tile` must be an integer, got 1.5; leave it out for a good one.",
    ),
    "budget": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, budget=3),
        "`budget` must be a doubling of hillopt, got 3; write for example ho.Doubling().",
    ),
    "budget0": (
        lambda: ho.Doubling(0),
        "`first` must lie between 1 and 2147483647, got 0; give the walk at least one step.",
    ),
    "store str": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, store="a.zarr"),
        "`store` must be a store of hillopt, got 'a.zarr'; write for example ho.Store(\"adam.zarr\").",
    ),
    "on_progress": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, on_progress=3),
        "`on_progress` must be a function, called as on_progress(progress), got 3.",
    ),
    "meanwhile": (
        lambda: ho.sweep(ho.CriticalHeight(), TENT, ADAM, AXES, meanwhile=lambda progress: progress),
        "`meanwhile` is called as meanwhile(), and <lambda> does not take that; mend it.",
    ),
    "axis low": (
        lambda: ho.Axis.log(0, 1, 3),
        "a log axis must be positive, got 0; start above 0 or take a linear axis.",
    ),
    "axis num str": (
        lambda: ho.Axis.linear(0, 1, "3"),
        "an axis needs a whole number of points, got '3'; give 100, say.",
    ),
    "axis num f": (
        lambda: ho.Axis.linear(0, 1, 2.5),
        "an axis needs a whole number of points, got 2.5; give 100, say.",
    ),
    "axis nan": (lambda: ho.Axis.of([1.0, float("nan")]), "an axis must be finite, got nan; remove it."),
    "axis compl": (
        lambda: ho.Axis.log_complement(0.5, 1.0, 3),
        "a log-complement axis must stay below 1, got 1; end at 0.999, say.",
    ),
    "axis of str": (lambda: ho.Axis.of("abc"), "an axis must be numbers in a row, got 'abc'; write a list of them."),
    "axis of None": (lambda: ho.Axis.of(None), "an axis must be finite, got nan; remove it."),
    "axis huge": (
        lambda: ho.Axis.linear(0, 1, 10**12),
        "an axis has at most 100,000,000 points, got 1,000,000,000,000; give fewer",
    ),
    "replace unknown": (lambda: ADAM.replace(foo=3), "`Adam` has no number 'foo'; it has learning_rate, b1, b2, eps."),
    "plot None": (
        lambda: ho.plot(None),
        "`dataset` must be a sweep's or an answer's, got None; pass what ho.sweep or to_dataset gives.",
    ),
}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("call", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        call()
    text = str(refusal.value)
    assert text.startswith(sentence)
    assert "\n" not in text


def test_what_looks_alike_is_taken():
    """Lists and NumPy's and JAX's numbers are numbers, and a start may be a list."""
    expected = float(ho.critical_height(TENT, ADAM, max_steps=200).critical_height)
    for rate in (np.float64(0.1), jnp.float64(0.1), np.array(0.1), [0.1]):
        found = ho.critical_height(TENT, ho.Adam(rate), max_steps=np.int64(200)).critical_height
        np.testing.assert_allclose(found, expected, rtol=1e-15)
    for start in ([0.5, 1.0], np.array([0.5, 1.0]), (0.5, 1.0)):
        hill = ho.hill_from(lambda x, h: h * jnp.sum(x**2), 0.3, start=start, passed=lambda x, h: -jnp.sum(x))
        assert hill.start == (0.5, 1.0)


def test_an_error_of_the_function_itself_is_passed_on():
    with pytest.raises(AttributeError, match="foo"):
        ho.hill_from(lambda x, h: x.foo, 0.3)

"""Operations that the proofs have rules for: as JAX computes them, their truth, and what their arguments are drawn from."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np

UNOPTIMISED = {"xla_backend_optimization_level": 0}
DTYPES = {"float32": np.float32, "float64": np.float64}


def vector(*numbers):
    return jnp.concatenate([jnp.reshape(number, (1,)) for number in numbers])


def log_uniform(rng, low, high, number=600):
    return 10.0 ** rng.uniform(low, high, number)


# The function, its truth on mpmath numbers, and what each argument is drawn from: POSITIVE is log-uniform, SIGNED has
# either sign and balls that may hold 0, UNIT lies below 1 as betas do, SMALL within 3, HALF within 1/2, COUNT is an exact integer.
POSITIVE, SIGNED, UNIT, SMALL, HALF, COUNT = "positive", "signed", "unit", "small", "half", "count"
ELEMENTARY = {
    "add": (lambda x, y: x + y, lambda x, y: x + y, SIGNED, SIGNED),
    "sub": (lambda x, y: x - y, lambda x, y: x - y, SMALL, SMALL),
    "neg": (lambda x: -x, lambda x: -x, SIGNED),
    "mul": (lambda x, y: x * y, lambda x, y: x * y, SIGNED, SIGNED),
    "mul by itself": (lambda x: x * x, lambda x: x * x, SIGNED),
    "square": (jnp.square, lambda x: x * x, SIGNED),
    "div": (lambda x, y: x / y, lambda x, y: x / y, SIGNED, SIGNED),
    "div by a sure denominator": (lambda x, y: x / y, lambda x, y: x / y, SIGNED, POSITIVE),
    "sqrt": (jnp.sqrt, mpmath.sqrt, POSITIVE),
    "rsqrt": (jax.lax.rsqrt, lambda x: 1 / mpmath.sqrt(x), POSITIVE),
    "integer power 1": (lambda x: jax.lax.integer_pow(x, 1), lambda x: x, SIGNED),
    "integer power 2": (lambda x: x**2, lambda x: x**2, SIGNED),
    "integer power 3": (lambda x: x**3, lambda x: x**3, SIGNED),
    "integer power 7": (lambda x: x**7, lambda x: x**7, SMALL),
    "integer power -1": (lambda x: x**-1, lambda x: x**-1, SIGNED),
    "integer power -3": (lambda x: x**-3, lambda x: x**-3, SMALL),
    "power": (lambda x, y: x**y, lambda x, y: x**y, POSITIVE, SMALL),
    "power of a beta": (lambda x: x**200.0, lambda x: x**200, UNIT),
    "power of a beta by a counter": (lambda x, n: x**n, lambda x, n: x**n, UNIT, COUNT),
    "power of an exact base": (lambda y: jnp.full_like(y, 0.375) ** y, lambda y: mpmath.mpf("0.375") ** y, SMALL),
    "exp": (jnp.exp, mpmath.exp, SMALL),
    "log": (jnp.log, mpmath.log, POSITIVE),
    "log near 1": (jnp.log, mpmath.log, UNIT),
    "tanh": (jnp.tanh, mpmath.tanh, SIGNED),
    "sin": (jnp.sin, mpmath.sin, SIGNED),
    "cos": (jnp.cos, mpmath.cos, SIGNED),
    "expm1": (jnp.expm1, mpmath.expm1, SMALL),
    "log1p": (jnp.log1p, mpmath.log1p, POSITIVE),
    "exp2": (jnp.exp2, lambda x: mpmath.mpf(2) ** x, SMALL),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x, SIGNED),
    "numbers in order": (lambda x: jax.lax.iota(x.dtype, 3)[2] * x, lambda x: 2 * x, SIGNED),
    "tan": (jnp.tan, mpmath.tan, UNIT),
    "tan anywhere": (jnp.tan, mpmath.tan, SMALL),
    "asin": (jnp.arcsin, mpmath.asin, HALF),
    "acos": (jnp.arccos, mpmath.acos, HALF),
    "atan": (jnp.arctan, mpmath.atan, SIGNED),
    "atan2": (jnp.arctan2, mpmath.atan2, SMALL, POSITIVE),
    "atan2 anywhere": (jnp.arctan2, mpmath.atan2, SMALL, SMALL),
    "sinh": (jnp.sinh, mpmath.sinh, SMALL),
    "cosh": (jnp.cosh, mpmath.cosh, SMALL),
    "asinh": (jnp.arcsinh, mpmath.asinh, SIGNED),
    "acosh": (lambda x: jnp.arccosh(x + 2), lambda x: mpmath.acosh(x + 2), POSITIVE),
    "atanh": (jnp.arctanh, mpmath.atanh, HALF),
    "cbrt": (jnp.cbrt, lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), SIGNED),
    "logistic": (jax.lax.logistic, lambda x: 1 / (1 + mpmath.exp(-x)), SMALL),
    "erf": (jax.lax.erf, mpmath.erf, SMALL),
    "erfc": (jax.lax.erfc, mpmath.erfc, SMALL),
    "erf_inv": (jax.lax.erf_inv, mpmath.erfinv, HALF),
    "rem": (jax.lax.rem, lambda x, y: x - y * mpmath.mpf(int(x / y)), SMALL, POSITIVE),
    "floor": (lambda x: jnp.floor(x) + x, lambda x: mpmath.floor(x) + x, SMALL),
    "ceil": (lambda x: jnp.ceil(x) + x, lambda x: mpmath.ceil(x) + x, SMALL),
    "round": (lambda x: jnp.round(x) + x, lambda x: mpmath.nint(x) + x, SMALL),
    "to an integer": (lambda x: x.astype(jnp.int32) + x, lambda x: int(x) + x, SMALL),
    "nextafter": (lambda x: jnp.nextafter(x, jnp.inf), lambda x: x, SIGNED),
    "fewer digits": (lambda x: jax.lax.reduce_precision(x, 8, 20), lambda x: x, SIGNED),
    "abs": (jnp.abs, abs, SIGNED),
    "max": (jnp.maximum, max, SMALL, SMALL),
    "min": (jnp.minimum, min, SMALL, SMALL),
    "clamp": (
        lambda x, y: jax.lax.clamp(-jnp.abs(y), x, y * y),
        lambda x, y: min(max(x, -abs(y)), y * y),
        SMALL,
        SMALL,
    ),
}
COMPOSED = {
    "decimal literal": (
        lambda x: jnp.minimum(x, 0.7) - 0.6875,
        lambda x: min(x, mpmath.mpf("0.7")) - mpmath.mpf("0.6875"),
        SMALL,
    ),
    "exact literal": (lambda x: 0.5 * x + 3, lambda x: x / 2 + 3, SIGNED),
    "add_any": (jax.grad(lambda x: x * x * x), lambda x: 3 * x * x, SIGNED),
    "select by a clear comparison": (lambda x: jnp.where(x > 1e6, 0.1, x), lambda x: x, SMALL),
    "reduce_sum": (lambda x, y: jnp.sum(vector(x, y, x * y, -y)), lambda x, y: x + x * y, SMALL, SMALL),
    "reduce_max": (lambda x, y: jnp.max(vector(x, y, -x)), lambda x, y: max(x, y, -x), SMALL, SMALL),
    "narrow": (lambda x: x.astype(jnp.float32), lambda x: x, SMALL),
    "widen": (lambda x: x.astype(jnp.float64) / 3, lambda x: x / 3, SMALL),
    "integer to float": (lambda x, n: x + n.astype(x.dtype), lambda x, n: x + n, SMALL, COUNT),
    "nested jit": (
        jax.jit(lambda x, y: jax.jit(jnp.sqrt)(x) / 3 - y),
        lambda x, y: mpmath.sqrt(x) / 3 - y,
        POSITIVE,
        SMALL,
    ),
    "custom derivative": (lambda x: jax.nn.relu(x) - 1, lambda x: max(x, 0) - 1, SMALL),
    "cond": (
        lambda x, y: jax.lax.cond(x > 0, lambda y: y / 3, lambda y: y * y, y),
        lambda x, y: y / 3 if x > 0 else y * y,
        POSITIVE,
        SMALL,
    ),
    "structure": (
        lambda x, y: jnp.squeeze(jnp.concatenate([x[None], y[None]]).reshape(1, 2).T[1:]) + x,
        lambda x, y: x + y,
        SMALL,
        SMALL,
    ),
    "slices": (
        lambda x, y: jax.lax.dynamic_slice(vector(x, y, x * y), (jnp.int32(1),), (2,))[1] + vector(x, y)[::-1][0],
        lambda x, y: x * y + y,
        SMALL,
        SMALL,
    ),
    "updates": (
        lambda x, y: jnp.prod(jax.lax.dynamic_update_slice(vector(x, x, x), vector(y, y), (1,))),
        lambda x, y: x * y * y,
        SMALL,
        SMALL,
    ),
    "derivative of a maximum": (
        jax.grad(lambda x: jnp.maximum(x * x, x) / 3),
        lambda x: 2 * x / 3 if x * x > x else 1 / mpmath.mpf(3),
        SMALL,
    ),
    "derivative of a rectifier": (jax.grad(lambda x: jnp.maximum(x, 0.0) * x), lambda x: 2 * x if x > 0 else 0, SMALL),
    "derivative of a clip": (
        jax.grad(lambda x: jnp.clip(x, -1, 1) * x),
        lambda x: 2 * x if abs(x) < 1 else abs(x) / x,
        SMALL,
    ),
    "derivative of the greatest": (
        jax.grad(lambda x: jnp.max(vector(x * x, x, x - 1)) / 3),
        lambda x: 2 * x / 3 if x * x > x else 1 / mpmath.mpf(3),
        SMALL,
    ),
    "unstack": (
        jax.grad(lambda x: jnp.stack([x * x, x])[jax.lax.convert_element_type(x > 9, int)] / 3),
        lambda x: 2 * x / 3,
        SMALL,
    ),
    "split": (lambda x, y: jnp.split(vector(x, y), 2)[1][0] - x, lambda x, y: y - x, SMALL, SMALL),
    "barrier": (lambda x: jax.lax.optimization_barrier((x, x * x))[1] / 3, lambda x: x * x / 3, SMALL),
    "pad": (
        lambda x, y: jnp.sum(jnp.pad(vector(x, y), 2, constant_values=0.75)),
        lambda x, y: x + y + 3,
        SMALL,
        SMALL,
    ),
    "repeat": (lambda x, y: jnp.tile(vector(x, y), 2)[2] * y, lambda x, y: x * y, SMALL, SMALL),
    "gather": (
        lambda x, y, n: vector(x, y, x * y)[jnp.stack([n % 3, n % 2])].sum(),
        lambda x, y, n: (x, y, x * y)[int(n) % 3] + (x, y)[int(n) % 2],
        SMALL,
        SMALL,
        COUNT,
    ),
    "scatter": (
        lambda x, y, n: vector(x, x, x).at[n % 3].set(y).sum(),
        lambda x, y, n: 2 * x + y,
        SMALL,
        SMALL,
        COUNT,
    ),
    "scatter-add": (
        lambda x, y: vector(x, y, x).at[jnp.array([1, 1, 2])].add(vector(x, x, y))[1],
        lambda x, y: y + 2 * x,
        SMALL,
        SMALL,
    ),
    "scatter-max": (lambda x, y: vector(x, x).at[1].max(y)[1], max, SMALL, SMALL),
    "scatter-min": (lambda x, y: vector(x, x).at[1].min(y)[1], min, SMALL, SMALL),
    "derivative of an index": (
        jax.grad(lambda x: vector(x, 3 * x)[1] * vector(x, x)[0]),
        lambda x: 6 * x,
        SMALL,
    ),
    "dot": (lambda x, y: vector(x, y, x) @ vector(y, y, x), lambda x, y: x * y + y * y + x * x, SMALL, SMALL),
    "matrices": (
        lambda x, y: (vector(x, y, x, y).reshape(2, 2) @ vector(x, y, y, x).reshape(2, 2))[1, 0],
        lambda x, y: x * x + y * y,
        SMALL,
        SMALL,
    ),
    "convolution": (
        lambda x, y: jnp.convolve(vector(x, y), vector(y, x))[1],
        lambda x, y: x * x + y * y,
        SMALL,
        SMALL,
    ),
    "cumsum": (lambda x, y: jnp.cumsum(vector(x, y, x))[2], lambda x, y: 2 * x + y, SMALL, SMALL),
    "cumprod": (lambda x, y: jnp.cumprod(vector(x, y, x))[2], lambda x, y: x * y * x, SMALL, SMALL),
    "cummax": (lambda x, y: jax.lax.cummax(vector(y, x))[1], max, SMALL, SMALL),
    "cummin": (lambda x, y: jax.lax.cummin(vector(y, x))[1], min, SMALL, SMALL),
    "windows": (
        lambda x, y: jax.lax.reduce_window(vector(y, x, y), 0.0, jax.lax.add, (2,), (1,), "VALID")[1] / 3,
        lambda x, y: (x + y) / 3,
        SMALL,
        SMALL,
    ),
    "greatest in windows": (
        lambda x, y: jax.lax.reduce_window(vector(y, x), -jnp.inf, jax.lax.max, (2,), (1,), "VALID")[0],
        max,
        SMALL,
        SMALL,
    ),
    "least in windows": (
        lambda x, y: jax.lax.reduce_window(vector(y, x), jnp.inf, jax.lax.min, (2,), (1,), "VALID")[0],
        min,
        SMALL,
        SMALL,
    ),
    "reduce_min": (lambda x, y: jnp.min(vector(x, y, -x)), lambda x, y: min(x, y, -x), SMALL, SMALL),
    "argmax": (
        lambda x, y: vector(x, y)[jnp.argmax(vector(y, x, -9 + 0 * x))],
        lambda x, y: x if y > x else y,
        SMALL,
        SMALL,
    ),
    "argmin": (lambda x, y: vector(x, y)[jnp.argmin(vector(y, x))], lambda x, y: x if y < x else y, SMALL, SMALL),
    "sort": (lambda x, y: jnp.sort(vector(x, y, x * y))[1], lambda x, y: sorted((x, y, x * y))[1], SMALL, SMALL),
    "argsort": (
        lambda x, y: vector(x, y, x + y)[jnp.argsort(vector(x, y, 9 + 0 * x))][1],
        lambda x, y: max(x, y),
        SMALL,
        SMALL,
    ),
    "top_k": (lambda x, y: jax.lax.top_k(vector(x, y, -9 + 0 * x), 2)[0][1], min, SMALL, SMALL),
    "median": (lambda x, y: jnp.median(vector(x, y, x * y)), lambda x, y: sorted((x, y, x * y))[1], SMALL, SMALL),
    "interp": (
        lambda x: jnp.interp(x, jnp.array([-4.0, 0.25, 4.0], x.dtype), jnp.array([1.0, 0.5, 2.0], x.dtype)),
        lambda x: 1 - (x + 4) * 2 / 17 if x < 0.25 else mpmath.mpf("0.5") + (x - 0.25) * mpmath.mpf("0.4"),
        SMALL,
    ),
    "remainder": (lambda x: x % 0.75, lambda x: x - mpmath.floor(x / 0.75) * 0.75, SMALL),
    "no NaN": (lambda x: jnp.where(jnp.isnan(x), 0, x) + 0.5, lambda x: x + 0.5, SMALL),
    "is finite": (lambda x: jnp.where(jnp.isfinite(x), x, 0) / 3, lambda x: x / 3, SMALL),
    "loop": (
        lambda x: jax.lax.fori_loop(0, 4, lambda step, x: x / 3 + step, x),
        lambda x: (((x / 3) / 3 + 1) / 3 + 2) / 3 + 3,
        SMALL,
    ),
    "loop until": (
        lambda x: jax.lax.while_loop(lambda x: x < 100, lambda x: 3 * x, x),
        lambda x: next(x * 3**n for n in itertools.count() if x * 3**n >= 100),
        POSITIVE,
    ),
    "scan": (
        lambda x, y: jnp.sum(jax.lax.scan(lambda c, z: (c * z, c + z), x, vector(y, y, x))[1]),
        lambda x, y: (x + y) + (x * y + y) + (x * y * y + x),
        SMALL,
        SMALL,
    ),
    "polynomial": (
        lambda x: jnp.polyval(jnp.array([0.1, -0.7, 1.0], x.dtype), x),
        lambda x: (mpmath.mpf("0.1") * x - mpmath.mpf("0.7")) * x + 1,
        SMALL,
    ),
    "array of decimals": (lambda x: jnp.max(np.array([0.1, 0.7]) * x), lambda x: max(x / 10, x * 7 / 10), SMALL),
    "stop": (lambda x: jax.lax.stop_gradient(x) / 3, lambda x: x / 3, SMALL),
    "copy": (lambda x: jnp.array(x, copy=True) - 0.25, lambda x: x - mpmath.mpf("0.25"), SMALL),
    "many roundings": (lambda x: ((x + 1) ** 2 / 3 - x) * 0.7, lambda x: ((x + 1) ** 2 / 3 - x) * 7 / 10, SMALL),
}
CASES = {**ELEMENTARY, **COMPOSED}

"use strict";
// Update rules and hills as the library has them, operation by operation, in double precision.

const at_rest = () => ({ first: 0, second: 0, b1_power: 1, b2_power: 1 });

// Adam's direction with one division and one square root, as hillopt/optimizers/adaptive.py folds it.
function moments(p, slope, state) {
  const first = p.b1 * state.first + (1 - p.b1) * slope;
  const second = p.b2 * state.second + (1 - p.b2) * (slope * slope);
  const b1_power = p.b1 * state.b1_power, b2_power = p.b2 * state.b2_power;
  const q = 1 - b2_power;
  const direction = first * (q / ((1 - b1_power) * (Math.sqrt(second * q) + p.eps * q)));
  return [direction, { first, second, b1_power, b2_power }];
}

// init(p) is the state before the first step; step(p, slope, state, x) gives the next position and state.
const OPTIMIZERS = {
  GradientDescent: { init: () => null, step: (p, slope, state, x) => [x - p.learning_rate * slope, state] },
  SignDescent: { init: () => null, step: (p, slope, state, x) => [x - p.learning_rate * Math.sign(slope), state] },
  HeavyBall: {
    init: () => 0,
    step(p, slope, state, x) {
      const trace = slope + p.momentum * state;
      return [x - p.learning_rate * trace, trace];
    },
  },
  Nesterov: {
    init: () => 0,
    step(p, slope, state, x) {
      const trace = slope + p.momentum * state;
      return [x - p.learning_rate * (slope + p.momentum * trace), trace];
    },
  },
  Lion: {
    init: () => 0,
    step(p, slope, state, x) {
      const direction = Math.sign((1 - p.b1) * slope + p.b1 * state);
      const trace = (1 - p.b2) * slope + p.b2 * state;
      const from = p.weight_decay === null ? x : x * (1 - p.learning_rate * p.weight_decay);
      return [from - p.learning_rate * direction, trace];
    },
  },
  Adagrad: {
    init: (p) => p.initial_accumulator_value,
    step(p, slope, state, x) {
      const square = state + slope * slope;
      return [x - (p.learning_rate * slope) / Math.sqrt(square + p.eps), square];
    },
  },
  RMSprop: {
    init: (p) => p.initial_scale,
    step(p, slope, state, x) {
      const square = p.decay * state + (1 - p.decay) * slope * slope;
      return [x - (p.learning_rate * slope) / Math.sqrt(square + p.eps), square];
    },
  },
  Adam: {
    init: at_rest,
    step(p, slope, state, x) {
      const [direction, next] = moments(p, slope, state);
      return [x - p.learning_rate * direction, next];
    },
  },
  AdamW: {
    init: at_rest,
    step(p, slope, state, x) {
      const [direction, next] = moments(p, slope, state);
      return [x * (1 - p.learning_rate * p.weight_decay) - p.learning_rate * direction, next];
    },
  },
};

// A walk has escaped where its rise reaches the goal; `crest` is the place on the map of it, for the drawing.
const HILLS = {
  TentHill: {
    start: 0,
    value: (h, x) => (x - 1 < h.height ? Math.abs(x - 1) : 2 * h.height - (x - 1)),
    slope: (h, x) => (x > 1 && x - 1 < h.height ? 1 : -1),
    rise: (h, x) => x - 1,
    goal: (h) => h.height,
    crest: (h) => 1 + h.height,
  },
  WedgeHill: {
    start: 0,
    value(h, x) {
      const past = x - 1;
      if (past >= h.half_width) return h.height - (past - h.half_width) * h.tail_slope;
      return past <= 0 ? -past : (past * h.height) / h.half_width;
    },
    slope(h, x) {
      const past = x - 1;
      if (past >= h.half_width) return -h.tail_slope;
      return past <= 0 ? -1 : h.height / h.half_width;
    },
    rise: (h, x) => x - 1,
    goal: (h) => h.half_width,
    crest: (h) => 1 + h.half_width,
  },
  GaussianHill: {
    start: 0,
    value: (h, x) => -h.tilt * x + h.height * Math.exp(-(((x - 1) / h.width) ** 2) / 2),
    slope(h, x) {
      const u = (x - 1) / h.width;
      return -h.tilt - (h.height * Math.exp(-(u * u) / 2) * u) / h.width;
    },
    rise: (h, x) => x - 1,
    goal(h) {
      const needed = (h.tilt * h.width) / h.height;
      if (!(needed < Math.exp(-0.5))) return 0;
      let low = 0, high = 1;
      for (let halving = 0; halving < 60; halving++) {
        const middle = (low + high) / 2;
        if (middle * Math.exp(-(middle * middle) / 2) < needed) low = middle;
        else high = middle;
      }
      return -h.width * high;
    },
    crest(h) { return 1 + this.goal(h); },
  },
  DoubleWell: {
    start: -1.5,
    value: (h, x) => h.height * (x * x - 1) ** 2,
    slope: (h, x) => 4 * h.height * x * (x * x - 1),
    rise: (h, x) => x + 1,
    goal: () => 1,
    crest: () => 0,
  },
  RoughBowl: {
    start: 1,
    value(h, x) {
      const ripple = h.height * Math.cos((2 * Math.PI * x) / h.wavelength);
      return h.multiplicative ? x * x * (1 + ripple) : x * x + ripple;
    },
    slope(h, x) {
      const angle = (2 * Math.PI * x) / h.wavelength, rate = (2 * Math.PI) / h.wavelength;
      const falls = h.height * Math.sin(angle) * rate;
      if (!h.multiplicative) return 2 * x - falls;
      return 2 * x * (1 + h.height * Math.cos(angle)) - x * x * falls;
    },
    rise(h, x) { return this.value(h, x); },
    goal: () => 1e8,
    crest: () => NaN,
  },
};

// Positions x_0 ... x_n of a walk; it is left where it is no longer finite.
function walk(optimizer, p, hill, h, num_steps, start) {
  const positions = new Float64Array(num_steps + 1);
  let x = start ?? hill.start, state = optimizer.init(p), length = 1;
  positions[0] = x;
  for (; length <= num_steps && Number.isFinite(x); length++) {
    [x, state] = optimizer.step(p, hill.slope(h, x), state, x);
    positions[length] = x;
  }
  return positions.subarray(0, length);
}

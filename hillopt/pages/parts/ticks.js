"use strict";
// Numbers as text, and the ticks of an axis whose cells are even on a scale of its own.

const THERE = { linear: (x) => x, log: Math.log, log_complement: (x) => -Math.log1p(-x) };
const BACK = { linear: (y) => y, log: Math.exp, log_complement: (y) => -Math.expm1(-y) };

function told(value, digits = 6) {
  if (value === null || value === undefined) return "none";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString("en-US");
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "infinite" : "minus infinite";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e7) ? value.toExponential(digits - 1).replace(/\.?0+e/, "e")
    : String(Number(value.toPrecision(digits)));
}

// Between cells' indices and values; beyond the ends the scale goes on.
class Ruler {
  constructor(axis) {
    this.values = axis.values;
    this.there = THERE[axis.scale] ?? THERE.linear;
    this.back = BACK[axis.scale] ?? BACK.linear;
    this.scale = axis.scale;
    this.points = this.values.map(this.there);
  }
  // Where a value stands, in cells; the first cell reaches from 0 to 1, its value is at 1/2.
  place(value) {
    const point = this.there(value), points = this.points, last = points.length - 1;
    if (last === 0) return 0.5;
    let low = 0, high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (points[middle] <= point) low = middle;
      else high = middle;
    }
    return 0.5 + low + (point - points[low]) / (points[high] - points[low]);
  }
  ticks(first, last, most) {
    const from = Math.max(0, Math.floor(first)), to = Math.min(this.values.length, Math.ceil(last));
    const shown = this.values.slice(from, to);
    if (shown.length <= most) return shown.map((value) => [this.place(value), told(value, 5)]);
    const found = round_numbers(shown[0], shown[shown.length - 1], this.scale, most);
    return found.map((value) => [this.place(value), told(value, 6)]).filter(([at]) => at >= first && at <= last);
  }
}

// At most so many round numbers between two, even on the scale as far as roundness allows.
function round_numbers(low, high, scale, most) {
  if (scale === "log" && high / low > 8) {
    for (const mantissas of [[1, 2, 5], [1, 3], [1]]) {
      const found = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
        for (const mantissa of mantissas) found.push(Number(`${mantissa}e${power}`));
      }
      const inside = found.filter((value) => value >= low && value <= high);
      if (inside.length <= most) return inside;
    }
  }
  if (scale === "log_complement" && (1 - low) / (1 - high) > 8) {
    const inside = round_numbers(1 - high, 1 - low, "log", most).map((rest) => Number((1 - rest).toPrecision(12)));
    return inside.reverse();
  }
  const rough = (high - low) / Math.max(1, most - 1), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const found = [];
  for (let count = Math.ceil(low / step); count * step <= high * (1 + 1e-12); count++) {
    found.push(Number((count * step).toPrecision(12)));
  }
  return found;
}

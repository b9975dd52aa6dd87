"use strict";
// A chart of lines as SVG.

const INSIDE = { left: 56, right: 12, top: 10, bottom: 34 };

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function span(numbers) {
  let low = Infinity, high = -Infinity;
  for (const number of numbers) if (Number.isFinite(number)) { low = Math.min(low, number); high = Math.max(high, number); }
  if (!(low <= high)) return [0, 1];
  const room = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - room, high + room];
}

// Series are {x, y, colour, dots, thin, dashed}; only what is within `across`, where that is given, counts for the upward span.
function chart(svg, series, labels, across) {
  const width = svg.clientWidth || 480, height = svg.clientHeight || 240;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const [x0, x1] = across ?? span(series.flatMap((each) => [...each.x]));
  const [y0, y1] = span(series.flatMap((each) => [...each.y]));
  const right = width - INSIDE.right, bottom = height - INSIDE.bottom;
  const to_x = (x) => INSIDE.left + ((x - x0) / (x1 - x0)) * (right - INSIDE.left);
  const to_y = (y) => bottom - ((y - y0) / (y1 - y0)) * (bottom - INSIDE.top);
  for (const x of round_numbers(x0, x1, "linear", Math.max(2, width / 80))) {
    svg.append(element("line", { x1: to_x(x), x2: to_x(x), y1: bottom, y2: bottom + 4, stroke: "currentColor" }));
    svg.append(element("text", { x: to_x(x), y: bottom + 16, "text-anchor": "middle" }, told(x)));
  }
  for (const y of round_numbers(y0, y1, "linear", 5)) {
    svg.append(element("line", { x1: INSIDE.left, x2: right, y1: to_y(y), y2: to_y(y), stroke: "var(--line)" }));
    svg.append(element("text", { x: INSIDE.left - 6, y: to_y(y) + 4, "text-anchor": "end" }, told(y)));
  }
  svg.append(element("text", { x: (INSIDE.left + right) / 2, y: height - 4, "text-anchor": "middle" }, labels[0]));
  const up = { x: 12, y: (INSIDE.top + bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(INSIDE.top + bottom) / 2})` };
  svg.append(element("text", up, labels[1]));
  for (const each of series) draw_series(svg, each, to_x, to_y);
}

function draw_series(svg, each, to_x, to_y) {
  const points = [];
  for (let index = 0; index < each.x.length; index++) {
    if (Number.isFinite(each.y[index])) points.push(`${to_x(each.x[index]).toFixed(2)},${to_y(each.y[index]).toFixed(2)}`);
  }
  const looks = { fill: "none", stroke: each.colour, "stroke-width": each.thin ? 1 : 1.5, "stroke-linejoin": "round" };
  if (each.dashed) looks["stroke-dasharray"] = "5 4";
  svg.append(element("polyline", { points: points.join(" "), ...looks }));
  if (!each.dots || points.length > 400) return;
  for (const point of points) {
    const [x, y] = point.split(",");
    svg.append(element("circle", { cx: x, cy: y, r: 2.2, fill: each.colour }));
  }
}

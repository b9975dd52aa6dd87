"use strict";
// The map: dots in a window on the plane, images where there is room for them, and what the decoder draws beneath.

const MARGIN = { left: 52, right: 10, top: 8, bottom: 40 };
const BARE = { left: 8, right: 8, top: 8, bottom: 8 }; // of a map whose axes mean nothing
const CLOSE = 2; // as close as this images stand beside dots, which they would hide on the whole map
const MOST_PICTURES = 1500, GAP = 2, NEAR = 24; // pixels between images, and from the pointer to a dot at most

function loaded(source) {
  return new Promise((done, failed) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => failed(new Error("an image is damaged"));
    image.src = source;
  });
}

// One image of a sprite, drawn to a place.
function draw_tile(draw, sprite, index, x, y, width, height) {
  const { image, across } = sprite, column = index % across, row = Math.floor(index / across);
  draw.drawImage(image, column * sprite.width, row * sprite.height, sprite.width, sprite.height, x, y, width, height);
}

// At most so many round numbers between two.
function round_numbers(low, high, most) {
  const rough = (high - low) / Math.max(1, most), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough), found = [];
  for (let count = Math.ceil(low / step); count * step <= high; count++) found.push(Number((count * step).toPrecision(12)));
  return found;
}

class LatentMap {
  constructor(canvas, contents) {
    Object.assign(this, contents, { canvas, hidden: new Set(), pictures: true, ground: false, here: null, held: null });
    this.count = this.places.length / 2;
    [this.x0, this.x1, this.y0, this.y1] = contents.view;
    this.order = shuffled(this.count);
    this.margin = this.axes ? MARGIN : BARE;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  get plot() {
    const { clientWidth, clientHeight } = this.canvas, { margin } = this;
    return { x: margin.left, y: margin.top, width: Math.max(20, clientWidth - margin.left - margin.right),
      height: Math.max(20, clientHeight - margin.top - margin.bottom) };
  }
  // Pixels of a unit: one scale for both axes, since distances are what a map is about.
  get scale() { return Math.min(this.plot.width / (this.x1 - this.x0), this.plot.height / (this.y1 - this.y0)); }
  to_pixels(x, y) {
    const { plot, scale } = this;
    return [plot.x + plot.width / 2 + (x - (this.x0 + this.x1) / 2) * scale, plot.y + plot.height / 2 - (y - (this.y0 + this.y1) / 2) * scale];
  }
  to_places(x, y) {
    const { plot, scale } = this;
    return [(this.x0 + this.x1) / 2 + (x - plot.x - plot.width / 2) / scale, (this.y0 + this.y1) / 2 - (y - plot.y - plot.height / 2) / scale];
  }
  // How much closer than the whole map.
  get closeness() { return (this.view[1] - this.view[0]) / (this.x1 - this.x0); }
  place(index) { return [this.places[2 * index], this.places[2 * index + 1]]; }
  shows(index) { return !this.labels || !this.hidden.has(this.labels[index]); }

  look(x0, x1, y0, y1) {
    Object.assign(this, { x0, x1, y0, y1 });
    this.draw();
  }
  whole() { this.look(...this.view); }
  zoom(factor, x, y) {
    const { plot } = this, [at, up] = this.to_places(x ?? plot.x + plot.width / 2, y ?? plot.y + plot.height / 2);
    const least = (this.view[1] - this.view[0]) / 1e4, most = 4 * (this.view[1] - this.view[0]);
    const wide = (this.x1 - this.x0) / factor;
    if (wide < least || wide > most) return;
    const part = (low, high, middle) => [middle - (middle - low) / factor, middle + (high - middle) / factor];
    this.look(...part(this.x0, this.x1, at), ...part(this.y0, this.y1, up));
  }
  pan(dx, dy) {
    const { scale } = this;
    this.look(this.x0 - dx / scale, this.x1 - dx / scale, this.y0 + dy / scale, this.y1 + dy / scale);
  }

  // The shown image that is nearest to a pixel, or null where none is near.
  nearest(x, y, most = NEAR) {
    let best = null, least = most ** 2;
    for (let index = 0; index < this.count; index++) {
      if (!this.shows(index)) continue;
      const [px, py] = this.to_pixels(...this.place(index)), distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [index, distance];
    }
    return best;
  }
  // The nearest shown image in a direction of the page, none of which lies farther aside than ahead.
  next(from, dx, dy) {
    const [x, y] = this.to_pixels(...this.place(from));
    let best = null, least = Infinity;
    for (let index = 0; index < this.count; index++) {
      if (index === from || !this.shows(index)) continue;
      const [px, py] = this.to_pixels(...this.place(index)), ahead = (px - x) * dx + (py - y) * dy, aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (ahead <= 0 || aside > ahead) continue;
      if (ahead + 2 * aside < least) [best, least] = [index, ahead + 2 * aside];
    }
    return best;
  }
  // The images that lie nearest to one, by distance on the map.
  neighbours(from, count) {
    const [x, y] = this.place(from), found = [];
    for (let index = 0; index < this.count; index++) {
      if (index === from) continue;
      const [px, py] = this.place(index);
      found.push([(px - x) ** 2 + (py - y) ** 2, index]);
    }
    return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, count).map(([, index]) => index);
  }
  // Which of the decoded places holds a place of the plane; null outside of them.
  decoded_at(x, y) {
    if (!this.decoded) return null;
    const [x0, x1, y0, y1] = this.view, side = this.decoded.across;
    const column = Math.floor(((x - x0) / (x1 - x0)) * side), row = Math.floor(((y1 - y) / (y1 - y0)) * side);
    return column < 0 || row < 0 || column >= side || row >= side ? null : row * side + column;
  }

  draw() {
    const { canvas, plot } = this, ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    if (!canvas.width || !canvas.height) return;
    const draw = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    draw.scale(ratio, ratio);
    draw.save();
    draw.beginPath();
    draw.rect(plot.x, plot.y, plot.width, plot.height);
    draw.clip();
    draw.imageSmoothingEnabled = false;
    if (this.ground && this.decoded) this.draw_ground(draw, colour("--ground"));
    this.draw_dots(draw, colour("--faint"));
    if (this.pictures && this.closeness >= CLOSE) this.draw_pictures(draw, colour("--line"));
    else this.draw_names(draw, colour("--ink"), colour("--ground"));
    for (const [index, ink] of [[this.here, colour("--ink")], [this.held, colour("--held")]]) if (index !== null) this.ring(draw, index, ink, colour("--ground"));
    draw.restore();
    this.rule(draw, colour("--ink"), colour("--line"));
  }
  // Grey ones as ink on the page's own paper, all of them pale.
  draw_ground(draw, paper) {
    const [x0, x1, y0, y1] = this.view, side = this.decoded.across;
    const [left, top] = this.to_pixels(x0, y1), [right, bottom] = this.to_pixels(x1, y0);
    const wide = (right - left) / side, tall = (bottom - top) / side;
    for (let index = 0; index < side * side; index++) {
      draw_tile(draw, this.decoded, index, left + (index % side) * wide, top + Math.floor(index / side) * tall, wide, tall);
    }
    if (this.is_grey && !matchMedia("(prefers-color-scheme: dark)").matches) {
      draw.globalCompositeOperation = "difference";
      draw.fillStyle = "#ffffff";
      draw.fillRect(left, top, right - left, bottom - top);
      draw.globalCompositeOperation = "source-over";
    }
    draw.globalAlpha = 0.6;
    draw.fillStyle = paper;
    draw.fillRect(left, top, right - left, bottom - top);
    draw.globalAlpha = 1;
  }
  // Each class's name where it stands alone: ten colours are not told apart by every eye.
  draw_names(draw, ink, paper) {
    draw.font = "bold 17px system-ui, sans-serif";
    draw.textAlign = "center";
    for (const [label, x, y] of this.names) {
      if (this.hidden.has(label)) continue;
      const [px, py] = this.to_pixels(x, y);
      draw.lineWidth = 5;
      draw.lineJoin = "round";
      draw.strokeStyle = paper;
      draw.strokeText(this.classes[label], px, py + 6);
      draw.fillStyle = ink;
      draw.fillText(this.classes[label], px, py + 6);
    }
  }
  draw_dots(draw, plain) {
    const radius = this.count < 2000 ? 3 : 1.8;
    draw.globalAlpha = 0.75;
    for (const index of this.order) {
      if (!this.shows(index)) continue;
      const [x, y] = this.to_pixels(...this.place(index));
      draw.fillStyle = this.colour_of(index, plain);
      draw.beginPath();
      draw.arc(x, y, radius, 0, 7);
      draw.fill();
    }
    draw.globalAlpha = 1;
  }
  colour_of(index, plain) { return this.labels ? this.colours[this.labels[index]] : plain; }
  // Images in a fixed order, each where its place is still free; none of the crowd that hides its own dots.
  draw_pictures(draw, plain) {
    const { plot, images } = this, size = Math.min(72, 12 * Math.sqrt(this.closeness)), by = size / Math.max(images.width, images.height);
    const wide = images.width * by, tall = images.height * by, taken = new Set();
    const apart = [wide + 4 + GAP, tall + 4 + GAP];
    let drawn = 0;
    for (const index of this.order) {
      if (!this.shows(index)) continue;
      const [x, y] = this.to_pixels(...this.place(index));
      if (x < plot.x || y < plot.y || x > plot.x + plot.width || y > plot.y + plot.height) continue;
      const cell = [Math.floor(x / apart[0]), Math.floor(y / apart[1])];
      if (taken.has(cell.join())) continue;
      taken.add(cell.join());
      const left = (cell[0] + 0.5) * apart[0] - wide / 2, top = (cell[1] + 0.5) * apart[1] - tall / 2;
      draw.fillStyle = this.colour_of(index, plain);
      draw.fillRect(left - 2, top - 2, wide + 4, tall + 4);
      draw_tile(draw, images, index, left, top, wide, tall);
      if (++drawn === MOST_PICTURES) return;
    }
  }
  ring(draw, index, ink, ground) {
    const [x, y] = this.to_pixels(...this.place(index));
    for (const [width, colour] of [[6, ground], [3, ink]]) {
      draw.lineWidth = width;
      draw.strokeStyle = colour;
      draw.beginPath();
      draw.arc(x, y, 8, 0, 7);
      draw.stroke();
    }
  }
  rule(draw, ink, faint) {
    const { plot } = this;
    draw.lineWidth = 1;
    draw.strokeStyle = faint;
    draw.strokeRect(plot.x, plot.y, plot.width, plot.height);
    if (!this.axes) return;
    const [low, top] = this.to_places(plot.x, plot.y), [high, bottom] = this.to_places(plot.x + plot.width, plot.y + plot.height);
    draw.fillStyle = draw.strokeStyle = ink;
    draw.font = "12px system-ui, sans-serif";
    draw.textAlign = "center";
    for (const value of round_numbers(low, high, plot.width / 75)) draw.fillText(told(value), this.to_pixels(value, 0)[0], plot.y + plot.height + 16);
    draw.fillText(this.axes[0], plot.x + plot.width / 2, plot.y + plot.height + 34);
    draw.textAlign = "right";
    for (const value of round_numbers(bottom, top, plot.height / 50)) draw.fillText(told(value), plot.x - 6, this.to_pixels(0, value)[1] + 4);
    draw.save();
    draw.translate(12, plot.y + plot.height / 2);
    draw.rotate(-Math.PI / 2);
    draw.textAlign = "center";
    draw.fillText(this.axes[1], 0, 0);
    draw.restore();
  }
}

function told(value) { return String(Number(value.toPrecision(4))).replace("-", "−"); }

// The same order at every opening.
function shuffled(count) {
  const order = Array.from({ length: count }, (_, index) => index);
  let state = 1;
  for (let index = count - 1; index > 0; index--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (index + 1));
    [order[index], order[other]] = [order[other], order[index]];
  }
  return order;
}

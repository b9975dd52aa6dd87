"use strict";
// The map: an image of all cells, the classes of cells told apart over it, axes around it, and a view that moves.

const MARGIN = { left: 66, right: 10, top: 8, bottom: 44 };
const CLOSEST = 4; // cells that a view spans at the least

const SCALES = {
  linear: () => (value) => value,
  log: () => (value) => Math.log(Math.max(value, 1e-150)),
  signed_log: (low, high) => {
    const small = Math.max(Math.abs(low), Math.abs(high)) / 1e3 || 1;
    return (value) => Math.sign(value) * Math.log1p(Math.abs(value) / small);
  },
};

const HATCHES = {
  slashes: (draw, size) => { for (const at of [-size / 2, size / 2]) line(draw, at, size, at + size, 0); line(draw, 0, size, size, 0); },
  crosses: (draw, size) => { line(draw, 0, size, size, 0); line(draw, 0, 0, size, size); },
  dots: (draw, size) => { draw.beginPath(); draw.arc(size / 2, size / 2, 1.1, 0, 7); draw.fill(); },
};

function line(draw, x0, y0, x1, y1) {
  draw.beginPath();
  draw.moveTo(x0, y0);
  draw.lineTo(x1, y1);
  draw.stroke();
}

function sheet(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return canvas;
}

function hatched(mark, ink, ratio = 1) {
  const size = 8 * ratio, tile = sheet(size, size), draw = tile.getContext("2d");
  draw.strokeStyle = draw.fillStyle = ink;
  draw.lineWidth = ratio;
  HATCHES[mark](draw, size);
  return tile;
}

class Map2D {
  constructor(canvas, columns, rows) {
    Object.assign(this, { canvas, columns, rows, marks: [], image: null, classes: [], labels: ["", ""], rulers: [null, null] });
    this.view = this.whole();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }
  whole() { return { x0: 0, x1: this.columns, y0: 0, y1: this.rows }; }

  // `colour_of(value)` gives [red, green, blue, opacity]; `class_of(column, row)` the index of a class in `classes`, or -1.
  paint(value_at, colour_of, class_of, classes) {
    this.image = sheet(this.columns, this.rows);
    const draw = this.image.getContext("2d"), pixels = draw.createImageData(this.columns, this.rows);
    const masks = classes.map(() => null);
    for (let row = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++) {
        const at = 4 * ((this.rows - 1 - row) * this.columns + column);
        pixels.data.set(colour_of(value_at(column, row)), at);
        for (let index = 0; index < classes.length; index++) {
          if (!class_of(index, column, row)) continue;
          masks[index] ??= draw.createImageData(this.columns, this.rows);
          masks[index].data[at + 3] = 255;
        }
      }
    }
    draw.putImageData(pixels, 0, 0);
    this.classes = classes.map((kind, index) => ({ ...kind, mask: masks[index] && this.masked(masks[index]) }));
    this.draw();
  }
  masked(pixels) {
    const mask = sheet(this.columns, this.rows);
    mask.getContext("2d").putImageData(pixels, 0, 0);
    return mask;
  }

  get plot() {
    const { clientWidth, clientHeight } = this.canvas;
    return { x: MARGIN.left, y: MARGIN.top, width: Math.max(20, clientWidth - MARGIN.left - MARGIN.right),
      height: Math.max(20, clientHeight - MARGIN.top - MARGIN.bottom) };
  }
  // Between pixels of the page and cells.
  to_cells(x, y) {
    const { plot, view } = this;
    return [view.x0 + ((x - plot.x) / plot.width) * (view.x1 - view.x0), view.y1 - ((y - plot.y) / plot.height) * (view.y1 - view.y0)];
  }
  to_pixels(column, row) {
    const { plot, view } = this;
    return [plot.x + ((column - view.x0) / (view.x1 - view.x0)) * plot.width, plot.y + ((view.y1 - row) / (view.y1 - view.y0)) * plot.height];
  }
  // The cell at a place of the page, or null.
  cell(x, y) {
    const [column, row] = this.to_cells(x, y).map(Math.floor), { plot } = this;
    const inside = x >= plot.x && x <= plot.x + plot.width && y >= plot.y && y <= plot.y + plot.height;
    return inside && column >= 0 && row >= 0 && column < this.columns && row < this.rows ? [column, row] : null;
  }
  look(view) {
    const { columns, rows } = this;
    const span = (low, high, most) => {
      const size = Math.min(most, Math.max(Math.min(CLOSEST, most), high - low)), middle = (low + high) / 2;
      const from = Math.min(Math.max(0, middle - size / 2), most - size);
      return [from, from + size];
    };
    const [x0, x1] = span(view.x0, view.x1, columns), [y0, y1] = span(view.y0, view.y1, rows);
    this.view = { x0, x1, y0, y1 };
    this.draw();
  }
  // Closer by a factor about a place of the page; by default about the middle.
  zoom(factor, x, y) {
    const { plot, view } = this;
    const [column, row] = this.to_cells(x ?? plot.x + plot.width / 2, y ?? plot.y + plot.height / 2);
    const part = (low, high, at) => [at - (at - low) / factor, at + (high - at) / factor];
    const [x0, x1] = part(view.x0, view.x1, column), [y0, y1] = part(view.y0, view.y1, row);
    this.look({ x0, x1, y0, y1 });
  }
  pan(dx, dy) {
    const { plot, view } = this;
    const x = (dx / plot.width) * (view.x1 - view.x0), y = (dy / plot.height) * (view.y1 - view.y0);
    this.look({ x0: view.x0 - x, x1: view.x1 - x, y0: view.y0 + y, y1: view.y1 + y });
  }

  draw() {
    const { canvas, plot, view } = this, ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    if (!this.image || !canvas.width || !canvas.height) return;
    const draw = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    draw.scale(ratio, ratio);
    draw.save();
    draw.beginPath();
    draw.rect(plot.x, plot.y, plot.width, plot.height);
    draw.clip();
    draw.imageSmoothingEnabled = plot.width * ratio < view.x1 - view.x0 || plot.height * ratio < view.y1 - view.y0;
    this.place(draw, this.image, plot.x, plot.y, plot.width, plot.height);
    for (const kind of this.classes) if (kind.mask) this.hatch(draw, kind, ratio);
    for (const mark of this.marks) if (mark.cell) this.frame(draw, mark);
    draw.restore();
    this.rule(draw, style.getPropertyValue("--ink"), style.getPropertyValue("--line"));
  }
  place(draw, image, x, y, width, height) {
    const { view } = this;
    draw.drawImage(image, view.x0, this.rows - view.y1, view.x1 - view.x0, view.y1 - view.y0, x, y, width, height);
  }
  hatch(draw, kind, ratio) {
    const { plot } = this, over = sheet(plot.width * ratio, plot.height * ratio), pen = over.getContext("2d");
    pen.imageSmoothingEnabled = draw.imageSmoothingEnabled;
    this.place(pen, kind.mask, 0, 0, over.width, over.height);
    pen.globalCompositeOperation = "source-in";
    if (kind.fill) {
      pen.fillStyle = kind.fill;
      pen.fillRect(0, 0, over.width, over.height);
      pen.globalCompositeOperation = "source-atop";
    }
    pen.fillStyle = pen.createPattern(hatched(kind.mark, kind.ink, ratio), "repeat");
    pen.fillRect(0, 0, over.width, over.height);
    draw.drawImage(over, plot.x, plot.y, plot.width, plot.height);
  }
  frame(draw, mark) {
    const [column, row] = mark.cell, [x0, y0] = this.to_pixels(column, row + 1), [x1, y1] = this.to_pixels(column + 1, row);
    const room = Math.max(0, 7 - (x1 - x0)) / 2, above = Math.max(0, 7 - (y1 - y0)) / 2;
    const box = [x0 - room, y0 - above, x1 - x0 + 2 * room, y1 - y0 + 2 * above];
    draw.lineWidth = 4;
    draw.strokeStyle = "#ffffff";
    draw.strokeRect(...box);
    draw.lineWidth = 2;
    draw.strokeStyle = mark.colour;
    draw.strokeRect(...box);
    if (!mark.name) return;
    const is_right = box[0] + box[2] + 18 < this.plot.x + this.plot.width, above_it = Math.max(this.plot.y + 13, box[1] + 4);
    draw.font = "bold 13px system-ui, sans-serif";
    draw.textAlign = is_right ? "left" : "right";
    draw.lineWidth = 4;
    draw.strokeStyle = "#ffffff";
    const name_at = [is_right ? box[0] + box[2] + 4 : box[0] - 4, above_it];
    draw.strokeText(mark.name, ...name_at);
    draw.fillStyle = mark.colour;
    draw.fillText(mark.name, ...name_at);
  }
  rule(draw, ink, faint) {
    const { plot, view, rulers, labels } = this;
    draw.strokeStyle = faint;
    draw.strokeRect(plot.x, plot.y, plot.width, plot.height);
    draw.fillStyle = draw.strokeStyle = ink;
    draw.font = "12px system-ui, sans-serif";
    draw.textAlign = "center";
    for (const [at, text] of rulers[0].ticks(view.x0, view.x1, Math.max(2, plot.width / 75))) {
      const [x] = this.to_pixels(at, 0);
      line(draw, x, plot.y + plot.height, x, plot.y + plot.height + 4);
      draw.fillText(text, x, plot.y + plot.height + 17);
    }
    draw.fillText(labels[0], plot.x + plot.width / 2, plot.y + plot.height + 36);
    draw.textAlign = "right";
    if (!rulers[1]) return;
    for (const [at, text] of rulers[1].ticks(view.y0, view.y1, Math.max(2, plot.height / 40))) {
      const [, y] = this.to_pixels(0, at);
      line(draw, plot.x - 4, y, plot.x, y);
      draw.fillText(text, plot.x - 7, y + 4);
    }
    draw.save();
    draw.translate(13, plot.y + plot.height / 2);
    draw.rotate(-Math.PI / 2);
    draw.textAlign = "center";
    draw.fillText(labels[1], 0, 0);
    draw.restore();
  }
}

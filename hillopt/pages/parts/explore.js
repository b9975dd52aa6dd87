"use strict";
// The page: what is shown, what is chosen, and the address that holds both.

const UNDECIDED = 0, ESCAPED = 1, TRAPPED = 2, DIVERGED = 3; // verdicts
const UNCHECKED = 0, FLAGGED = 1; // certainties
const NUMBERS_SHOWN = 60, SAMPLES = 600, MOST_STEPS = 20000;
const byId = (id) => document.getElementById(id);

// Infinite numbers and those that are none come as text, which only numbers are.
function revived(tree) {
  if (tree === "NaN" || tree === "Infinity" || tree === "-Infinity") return Number(tree);
  if (Array.isArray(tree)) return tree.map(revived);
  if (tree === null || typeof tree !== "object") return tree;
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, revived(value)]));
}

class Explorer {
  constructor(contents) {
    this.contents = contents;
    this.axes = [...contents.axes, ...contents.inner];
    this.lengths = Object.fromEntries(this.axes.map((axis) => [axis.name, axis.values.length]));
    this.fields = contents.fields.map((field) => new Field(field, this.lengths));
    this.by_name = Object.fromEntries(this.fields.map((field) => [field.name, field]));
    this.chosen = { a: null, b: null, here: null };
    this.slid = Object.fromEntries(this.axes.map((axis) => [axis.name, 0]));
    this.limits = null;
    this.steps = null;
  }

  async open() {
    for (const field of this.fields) await field.unpack(this.fields[0]);
    byId("told").textContent = this.told();
    this.field = this.fields[0];
    this.read_address();
    document.querySelector("main").hidden = false;
    this.fill_controls();
    this.lay_out();
    this.listen();
    this.address_is_read = true;
  }
  told() {
    const { contents } = this, more = [];
    if (contents.thinned > 1) more.push(`every ${contents.thinned}. value of each axis is in this page`);
    if (contents.left_out.length) more.push(`left out for its size: ${contents.left_out.join(", ")}`);
    return [...contents.told, ...more].join(" · ");
  }

  // --- What is drawn

  get across() { return this.axes[0]; }
  // The second axis, or of one axis the field's own dimension; null for a strip.
  get up() {
    if (this.contents.axes.length > 1) return this.axes[1];
    return this.axes.find((axis) => axis !== this.across && this.field.dims.includes(axis.name)) ?? null;
  }
  place(column, row) {
    return { ...this.slid, [this.across.name]: column, ...(this.up ? { [this.up.name]: row } : {}) };
  }
  value_of(name, cell) {
    const field = this.by_name[name];
    return field && cell ? field.at(this.place(...cell)) : undefined;
  }

  lay_out() {
    const { across, up } = this;
    const [columns, rows] = [across.values.length, up ? up.values.length : 1];
    if (!this.map || this.map.columns !== columns || this.map.rows !== rows) {
      const view = this.map ? null : this.first_view;
      this.map ??= new Map2D(byId("map"), columns, rows);
      Object.assign(this.map, { columns, rows });
      this.map.view = view ?? this.map.whole();
    }
    this.map.rulers = [new Ruler(across), up && new Ruler(up)];
    this.map.labels = [across.label, up ? up.label : ""];
    byId("stage").style.height = up ? "" : "9rem";
    byId("stage").style.minHeight = up ? "" : "9rem";
    this.paint();
    this.show_sliders();
    this.show_limits();
    this.mark();
  }
  paint() {
    const { field, map } = this, tests = this.tests();
    map.paint(this.reader(field), this.colours(),
      (index, column, row) => tests[index].test(column, row), tests);
    this.show_legend(tests.filter((_, index) => map.classes[index].mask));
    byId("map").setAttribute("aria-label",
      `${field.about} over ${this.across.label}${this.up ? ` and ${this.up.label}` : ""}, ${map.columns} by ${map.rows} cells`);
  }
  // A field's value by column and row, where the sliders stand.
  reader(field) {
    const fixed = this.place(0, 0), base = field.dims.reduce((sum, dim) => sum + field.stride(dim) * fixed[dim], 0);
    const dx = field.stride(this.across.name), dy = this.up ? field.stride(this.up.name) : 0;
    return (column, row) => field.values[base + dx * column + dy * row];
  }
  scale() {
    const [low, high] = this.limits ?? this.field.limits;
    const mapped = SCALES[this.field.scale](low, high), from = mapped(low), to = mapped(high);
    return (value) => Math.min(1, Math.max(0, (mapped(value) - from) / (to - from || 1)));
  }
  colours() {
    const { field } = this, { map, verdicts, lost } = this.contents.colours;
    const shades = map.map((shade) => [...shade, 255]), gone = rgb(lost);
    if (field.is_flags) {
      const known = Object.keys(field.flags).map(Number), most = Math.max(1, known.length - 1);
      const even = (value) => shades[Math.round((known.indexOf(value) / most) * (shades.length - 1))] ?? gone;
      return field.name.startsWith("verdict") ? (value) => rgb(verdicts[value] ?? lost) : even;
    }
    const share = this.scale();
    return (value) => (Number.isFinite(value) ? shades[Math.round(share(value) * (shades.length - 1))] : gone);
  }
  // Classes of cells that colour does not tell, as the printed picture has them.
  tests() {
    const { colours, look } = this.contents, own = this.field.name === look.field, over = this.field.dims;
    const is_over = (dim) => over.includes(dim) || this.contents.axes.some((axis) => axis.name === dim);
    const reader = (name) => (this.by_name[name]?.dims.every(is_over) ? this.reader(this.by_name[name]) : null);
    const end = this.field.name.endsWith("_at_height") ? "_at_height" : "";
    const verdict = reader(`verdict${end}`), certainty = reader(`certainty${end}`), found = [];
    const add = (name, mark, ink, fill, test) => found.push({ name, mark, ink, fill, test });
    if (verdict && (own || this.field.name.startsWith("verdict"))) {
      const short = own && look.scale === "heights" ? reader(look.field) : null;
      const is_short = (column, row) => short !== null && short(column, row) < 0 && verdict(column, row) !== DIVERGED;
      add(`undecided within ${told(this.contents.max_steps)} steps`, "slashes", "#1b1b1b", own && look.scale === "heights" ? "#ffffff66" : null,
        (column, row) => verdict(column, row) === UNDECIDED && !(certainty && certainty(column, row) === UNCHECKED) && !is_short(column, row));
      add("diverged", "crosses", "#a0a0a0", colours.verdicts[DIVERGED], (column, row) => verdict(column, row) === DIVERGED);
      if (short) add("valley not reached", "dots", "#1b1b1b", colours.lost, is_short);
    }
    if (certainty) add("flagged: rounding decides", "dots", colours.flag, null, (column, row) => certainty(column, row) === FLAGGED);
    return found;
  }

  // --- Controls

  fill_controls() {
    const select = byId("field");
    for (const field of this.fields) select.append(new Option(field.about, field.name, false, field === this.field));
  }
  show_sliders() {
    const box = byId("sliders");
    box.replaceChildren();
    for (const axis of this.axes) {
      if (axis === this.across || axis === this.up || axis.values.length < 2) continue;
      if (this.contents.inner.includes(axis) && !this.field.dims.includes(axis.name)) continue;
      const label = document.createElement("label"), slider = document.createElement("input"), shown = document.createElement("output");
      Object.assign(slider, { type: "range", min: 0, max: axis.values.length - 1, step: 1, value: this.slid[axis.name], name: axis.name });
      shown.textContent = told(axis.values[this.slid[axis.name]]);
      slider.addEventListener("input", () => {
        this.slid[axis.name] = Number(slider.value);
        shown.textContent = told(axis.values[this.slid[axis.name]]);
        this.paint();
        this.mark();
      });
      label.append(`${axis.label} `, slider, shown);
      box.append(label);
    }
  }
  show_limits() {
    byId("limits").hidden = this.field.is_flags;
    if (this.field.is_flags) return;
    const [low, high] = this.limits ?? this.field.limits;
    byId("low").value = told(low, 4);
    byId("high").value = told(high, 4);
  }
  take_limits() {
    const [low, high] = ["low", "high"].map((id) => (byId(id).value.trim() === "" ? NaN : Number(byId(id).value.replace(/,/g, ""))));
    const usual = this.field.limits;
    const found = [Number.isFinite(low) ? low : usual[0], Number.isFinite(high) ? high : usual[1]];
    const is_wrong = found[0] >= found[1] || (this.field.scale === "log" && found[0] <= 0);
    this.limits = is_wrong ? null : found;
    this.say(is_wrong ? "Colours need a lower end below the upper one, above 0 on a logarithmic scale; the usual ends are back." : "");
    this.show_limits();
    this.paint();
    this.mark();
  }
  show_legend(classes) {
    const legend = byId("legend");
    legend.replaceChildren();
    if (this.field.is_flags) {
      const colour = this.colours();
      for (const [value, word] of Object.entries(this.field.flags)) {
        legend.append(entry((draw, width, height) => {
          draw.fillStyle = `rgb(${colour(Number(value)).slice(0, 3).join(",")})`;
          draw.fillRect(0, 0, width, height);
        }, 26, word.replace(/_/g, " ")));
      }
    } else {
      const [low, high] = this.limits ?? this.field.limits, { map } = this.contents.colours;
      legend.append(told(low, 3), entry((draw, width, height) => {
        for (let x = 0; x < width; x++) {
          draw.fillStyle = `rgb(${map[Math.round((x / (width - 1)) * (map.length - 1))].join(",")})`;
          draw.fillRect(x, 0, 1, height);
        }
      }, 140, ""), `${told(high, 3)}${this.field.scale === "linear" ? "" : ", logarithmic"}`);
    }
    for (const kind of classes) {
      legend.append(entry((draw, width, height) => {
        draw.fillStyle = kind.fill ?? "#e4eed8";
        draw.fillRect(0, 0, width, height);
        draw.fillStyle = draw.createPattern(hatched(kind.mark, kind.ink), "repeat");
        draw.fillRect(0, 0, width, height);
      }, 26, kind.name));
    }
  }

  // --- Cells

  mark() {
    const { a, b, here } = this.chosen, style = getComputedStyle(document.documentElement);
    this.map.marks = [{ cell: here, colour: "#1b1b1b" }, { cell: a, colour: "#b3541e", name: "A" }, { cell: b, colour: "#0b6e99", name: "B" }];
    this.ink = { a: style.getPropertyValue("--a").trim(), b: style.getPropertyValue("--b").trim() };
    this.map.draw();
    this.tell();
    this.write_address();
  }
  // The cells that are told, by the column's name.
  told_cells() {
    const { a, b, here } = this.chosen, found = [];
    if (a) found.push(["A", a, "of-a"]);
    if (b) found.push(["B", b, "of-b"]);
    if (here && !(a && b)) found.push(["pointed at", here, ""]);
    return found;
  }
  tell() {
    const cells = this.told_cells(), table = byId("cells");
    const rows = this.axes.filter((axis) => axis.values.length > 0 && (this.contents.axes.includes(axis) || this.field.dims.includes(axis.name)))
      .map((axis) => [axis.label, (cell) => told(axis.values[this.place(...cell)[axis.name]], 17)]);
    for (const field of this.fields) {
      rows.push([field.about, (cell) => this.told_value(field, cell)]);
    }
    fill(table, ["", ...cells.map(([name, , kind]) => [name, kind])], rows.map(([name, of]) => [name, ...cells.map(([, cell, kind]) => [of(cell), kind])]));
    byId("words").textContent = cells.length ? this.words(cells[0][1], cells[0][0]) : "Point at a cell of the map.";
    this.show_walks();
  }
  told_value(field, cell) {
    const value = field.at(this.place(...cell));
    if (field.is_flags) return (field.flags[value] ?? String(value)).replace(/_/g, " ");
    return told(value, field.digits ?? 9);
  }
  // What is known of a cell, in words.
  words(cell, name) {
    const verdict = this.value_of("verdict", cell), certainty = this.value_of("certainty", cell), said = [];
    if (verdict === undefined) return "";
    const upper = told(this.value_of("upper", cell), this.by_name.upper?.digits ?? 6), period = this.value_of("period", cell);
    const { verdict: verdicts, certainty: certainties } = this.contents.words;
    let text = verdicts[verdict].replace("{steps}", told(this.contents.max_steps)).replace("{upper}", upper);
    if (verdict === TRAPPED && this.by_name.upper === undefined) text = "proved: no number of steps reaches the crest";
    said.push(`${name}: ${this.by_name.verdict.flags[verdict]}, ${text}`);
    if (verdict === TRAPPED) said.push(period ? `the walk repeats itself every ${told(period)} steps` : "a bound of all later swings, which the walk has met");
    if (certainty !== undefined) said.push(certainties[certainty]);
    return `${said.join("; ")}.`;
  }

  // --- Walks

  // Optimizer, hill, and their numbers for a cell; or a sentence that says why there is no walk.
  world(cell) {
    const { contents } = this, place = this.place(...cell), [kind, from] = contents.hill.name.split(" from ");
    const optimizer = OPTIMIZERS[contents.optimizer.name], hill = HILLS[kind === "EndlessTent" ? "TentHill" : kind];
    if (!optimizer) return `This page cannot recompute the walks of ${contents.optimizer.name || "this optimizer"}: it knows the library's own optimizers alone.`;
    if (!hill) return `This page cannot recompute walks on ${kind || "this hill"}: it knows the library's hills of one dimension alone.`;
    const swept = Object.fromEntries(this.axes.map((axis) => [axis.name, axis.values[place[axis.name]]]));
    const numbers = { height: Infinity, ...contents.hill.numbers, ...contents.optimizer.numbers, ...contents.selected, ...swept };
    if (this.contents.question === "CriticalHeight" && kind === "TentHill") numbers.height = Infinity;
    if (from && numbers.place === undefined) return "This page cannot recompute walks from this start.";
    return { optimizer, hill, numbers, start: from ? numbers.place : undefined };
  }
  default_steps(cell) {
    const step = this.value_of("step", cell) ?? this.value_of("num_steps", cell) ?? 60;
    if (this.value_of("verdict", cell) === ESCAPED) return Math.min(2000, step + 4); // what it does beyond the crest is no matter
    return Math.min(2000, Math.max(60, Math.ceil(step * 1.25) + 10));
  }
  walks() {
    const found = [], { a, b, here } = this.chosen;
    if (a) found.push({ name: "A", cell: a, colour: this.ink.a });
    if (b) found.push({ name: "B", cell: b, colour: this.ink.b });
    if (!found.length && here) found.push({ name: "pointed at", cell: here, colour: this.ink.a });
    return found;
  }
  show_walks() {
    const walks = this.walks(), told_here = byId("walk-told");
    for (const each of walks) each.world = this.world(each.cell);
    const lacking = walks.find((each) => typeof each.world === "string");
    for (const id of ["over-time", "on-hill"]) byId(id).style.display = walks.length && !lacking ? "" : "none";
    byId("steps").disabled = !walks.length || Boolean(lacking);
    if (!walks.length || lacking) {
      told_here.textContent = lacking ? lacking.world : "";
      fill(byId("numbers"), [], []);
      return;
    }
    const steps = this.steps ?? Math.max(...walks.map((each) => this.default_steps(each.cell)));
    if (document.activeElement !== byId("steps")) byId("steps").value = steps;
    for (const each of walks) {
      const { optimizer, hill, numbers, start } = each.world;
      each.x = walk(optimizer, numbers, hill, numbers, steps, start);
      each.rise = each.x.reduce((most, x) => Math.max(most, hill.rise(numbers, x)), -Infinity);
    }
    told_here.textContent = this.told_walks(walks, steps);
    this.draw_walks(walks);
    this.show_numbers(walks);
  }
  told_walks(walks, steps) {
    const noisy = "noise_scale" in { ...this.slid, ...this.contents.selected } ? " Without its noise." : "";
    const said = walks.map(({ name, rise, x, world }) => {
      const goal = world.hill.goal(world.numbers), passed = rise >= goal ? ", beyond the crest" : "";
      return `${name}: highest rise ${told(rise, 17)}${passed}${x.length <= steps ? `, not finite after ${told(x.length - 1)} steps` : ""}`;
    });
    return `Walked here in double precision, ${told(steps)} steps. ${said.join("; ")}.${noisy}`;
  }
  draw_walks(walks) {
    const over_time = walks.map(({ x, colour }) => ({ x: x.map((_, at) => at), y: x, colour, dots: true }));
    const height = this.by_name.critical_height;
    if (height) {
      for (const { cell, colour, x, world } of walks) {
        const crest = world.hill.start === 0 ? 1 + height.at(this.place(...cell)) : NaN;
        over_time.push({ x: [0, x.length - 1], y: [crest, crest], colour, thin: true, dashed: true });
      }
    }
    chart(byId("over-time"), over_time, ["step", "position x"]);
    const [low, high] = span(walks.flatMap(({ x, world }) => [...x, Math.min(world.hill.crest(world.numbers), 1e9)].filter((each) => Math.abs(each) < 1e9)));
    const places = Array.from({ length: SAMPLES }, (_, at) => low + ((high - low) * at) / (SAMPLES - 1)), on_hill = [];
    walks.forEach(({ world }, at) => {
      const { hill, numbers } = world;
      on_hill.push({ x: places, y: places.map((x) => hill.value(numbers, x)), colour: "var(--faint)", thin: true, dashed: at > 0 });
    });
    for (const { x, colour, world } of walks) on_hill.push({ x, y: x.map((each) => world.hill.value(world.numbers, each)), colour, dots: true, thin: true });
    chart(byId("on-hill"), on_hill, ["position x", "elevation"], [low, high]);
  }
  show_numbers(walks) {
    const most = Math.min(NUMBERS_SHOWN, Math.max(...walks.map(({ x }) => x.length)));
    fill(byId("numbers"), ["step", ...walks.map(({ name }) => [`x of ${name}`, ""])],
      Array.from({ length: most }, (_, at) => [String(at), ...walks.map(({ x }) => [at < x.length ? String(x[at]) : "", ""])]));
  }

  // --- The address, which holds the view

  write_address() {
    if (!this.address_is_read) return;
    const { a, b } = this.chosen, { view } = this.map, whole = this.map.whole(), said = new URLSearchParams();
    if (this.field !== this.fields[0]) said.set("field", this.field.name);
    if (Object.keys(view).some((end) => view[end] !== whole[end])) said.set("view", [view.x0, view.x1, view.y0, view.y1].map((each) => +each.toFixed(2)).join(","));
    for (const [name, index] of Object.entries(this.slid)) if (index) said.set(`at.${name}`, index);
    if (a) said.set("a", a.join(","));
    if (b) said.set("b", b.join(","));
    if (this.limits) said.set("colours", this.limits.join(","));
    if (this.steps) said.set("steps", this.steps);
    try {
      history.replaceState(null, "", said.size ? `#${said}` : location.pathname + location.search);
    } catch {
      // a frame without an address of its own
    }
  }
  read_address() {
    const said = new URLSearchParams(location.hash.slice(1));
    const numbers = (name, count) => {
      const found = (said.get(name) ?? "").split(",").map(Number);
      return said.has(name) && found.length === count && found.every(Number.isFinite) ? found : null;
    };
    this.field = this.by_name[said.get("field")] ?? this.field;
    for (const axis of this.axes) {
      const [index] = numbers(`at.${axis.name}`, 1) ?? [0];
      this.slid[axis.name] = Math.min(axis.values.length - 1, Math.max(0, Math.round(index)));
    }
    const rows = this.up ? this.up.values.length : 1, columns = this.across.values.length;
    for (const name of ["a", "b"]) {
      const cell = numbers(name, 2);
      this.chosen[name] = cell && cell.every(Number.isInteger) && cell[0] >= 0 && cell[1] >= 0 && cell[0] < columns && cell[1] < rows ? cell : null;
    }
    const view = numbers("view", 4);
    if (view && view[0] >= 0 && view[1] > view[0] && view[1] <= columns && view[2] >= 0 && view[3] > view[2] && view[3] <= rows) {
      this.first_view = { x0: view[0], x1: view[1], y0: view[2], y1: view[3] };
    }
    this.limits = numbers("colours", 2);
    const [steps] = numbers("steps", 1) ?? [null];
    this.steps = steps && steps >= 1 ? Math.min(MOST_STEPS, Math.round(steps)) : null;
  }

  // --- Hands

  listen() {
    byId("field").addEventListener("change", (event) => {
      this.field = this.by_name[event.target.value];
      this.limits = null;
      this.lay_out();
    });
    for (const id of ["low", "high"]) byId(id).addEventListener("change", () => this.take_limits());
    byId("closer").addEventListener("click", () => this.move(() => this.map.zoom(2)));
    byId("farther").addEventListener("click", () => this.move(() => this.map.zoom(1 / 2)));
    byId("whole").addEventListener("click", () => this.move(() => this.map.look(this.map.whole())));
    byId("steps").addEventListener("input", (event) => {
      const steps = Math.round(Number(event.target.value));
      this.steps = steps >= 1 ? Math.min(MOST_STEPS, steps) : null;
      this.show_walks();
      this.write_address();
    });
    this.listen_to_pointers(byId("map"));
    byId("map").addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.show_walks()).observe(byId("walks"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.mark());
  }
  move(how) {
    how();
    this.write_address();
  }
  listen_to_pointers(canvas) {
    const down = new Map();
    let moved = 0;
    const where = (event) => [event.offsetX, event.offsetY];
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      down.set(event.pointerId, where(event));
      if (down.size === 1) moved = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = where(event), before = down.get(event.pointerId);
      if (!before) return this.point_at(this.map.cell(x, y));
      if (down.size === 2) {
        const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
        const factor = Math.hypot(x - other[0], y - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1]));
        this.map.pan((x - before[0]) / 2, (y - before[1]) / 2); // as far as their middle
        this.map.zoom(factor, (x + other[0]) / 2, (y + other[1]) / 2);
        moved = Infinity;
      } else {
        moved += Math.hypot(x - before[0], y - before[1]);
        if (moved > 4) this.map.pan(x - before[0], y - before[1]);
      }
      down.set(event.pointerId, [x, y]);
    });
    const up = (event) => {
      if (down.delete(event.pointerId) && !down.size && moved <= 4 && event.type === "pointerup") {
        const cell = this.map.cell(...where(event));
        if (cell) this.choose(event.shiftKey ? "b" : "a", cell);
      } else {
        this.write_address();
      }
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => !down.size && this.point_at(null));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.move(() => this.map.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY));
    }, { passive: false });
  }
  point_at(cell) {
    const { here } = this.chosen;
    if (cell === here || (cell && here && cell[0] === here[0] && cell[1] === here[1])) return;
    this.chosen.here = cell;
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.mark());
  }
  choose(name, cell) {
    this.chosen[name] = cell;
    this.mark();
  }
  press(event) {
    const { view, columns, rows } = this.map, far = event.shiftKey ? 10 : 1;
    const from = this.chosen.here ?? this.chosen.a ?? [Math.floor((view.x0 + view.x1) / 2), Math.floor((view.y0 + view.y1) / 2)];
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const acts = {
      Enter: () => this.choose(event.shiftKey ? "b" : "a", from),
      " ": () => this.choose("a", from),
      b: () => this.choose("b", from),
      B: () => this.choose("b", from),
      Escape: () => { this.chosen = { a: null, b: null, here: null }; this.mark(); },
      "+": () => this.move(() => this.map.zoom(2, ...this.map.to_pixels(from[0] + 0.5, from[1] + 0.5))),
      "=": () => this.move(() => this.map.zoom(2, ...this.map.to_pixels(from[0] + 0.5, from[1] + 0.5))),
      "-": () => this.move(() => this.map.zoom(1 / 2)),
      0: () => this.move(() => this.map.look(this.map.whole())),
    };
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key], clip = (at, most) => Math.min(most - 1, Math.max(0, at));
      this.chosen.here = [clip(from[0] + far * dx, columns), clip(from[1] + far * dy, rows)];
      this.mark();
      this.speak(this.chosen.here);
    } else if (acts[event.key]) {
      acts[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  }
  speak(cell) {
    const place = this.place(...cell);
    const where = this.axes.filter((axis) => this.contents.axes.includes(axis)).map((axis) => `${axis.label} ${told(axis.values[place[axis.name]])}`);
    this.say(`${where.join(", ")}: ${this.field.about} ${this.told_value(this.field, cell)}. ${this.words(cell, "verdict")}`);
  }
  say(text) { byId("spoken").textContent = text; }
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).concat(255);
}

// A patch of a legend, painted by a function, with its word.
function entry(paint, width, word) {
  const box = document.createElement("span"), patch = sheet(width, 14);
  paint(patch.getContext("2d"), width, 14);
  box.append(patch, ` ${word}`);
  return box;
}

// Rows of text, or of [text, class], into a table.
function fill(table, head, rows) {
  const row_of = (cells, tag) => {
    const row = document.createElement("tr");
    for (const cell of cells) {
      const [text, kind] = Array.isArray(cell) ? cell : [cell, ""], made = document.createElement(tag);
      made.textContent = text;
      if (kind) made.className = kind;
      row.append(made);
    }
    return row;
  };
  table.tHead.replaceChildren(...(head.length ? [row_of(head, "th")] : []));
  table.tBodies[0].replaceChildren(...rows.map((cells) => row_of(cells, "td")));
}

const contents = revived(JSON.parse(byId("contents").textContent));
new Explorer(contents).open().then(
  () => document.body.setAttribute("data-ready", ""),
  (error) => {
    byId("trouble").hidden = false;
    byId("trouble").textContent = `The map cannot be drawn here (${error.message}); a current browser draws it.`;
    throw error;
  },
);

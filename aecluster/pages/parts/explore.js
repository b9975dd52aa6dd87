// The page: which image is pointed at, which is held, and the address that holds both.

const NEIGHBOURS = 16;
const byId = (id) => document.getElementById(id);

function unpacked(text, Kind) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return new Kind(bytes.buffer);
}

class Explorer {
  async open(contents) {
    byId("told").textContent = contents.told.join(" · ");
    contents.places = unpacked(contents.places, Float32Array);
    contents.errors = unpacked(contents.errors, Float32Array);
    if (contents.labels) contents.labels = unpacked(contents.labels, Uint16Array);
    for (const name of ["images", "rebuilt", "decoded"]) if (contents[name]) contents[name].image = await loaded(contents[name].source);
    document.querySelector("main").hidden = false;
    this.contents = contents;
    this.map = new LatentMap(byId("map"), contents);
    byId("ground-part").hidden = byId("decoded-part").hidden = !contents.decoded;
    byId("number").max = this.map.count - 1;
    byId("map").setAttribute("aria-label", `${contents.title}, ${this.map.count} images`);
    this.show_legend();
    this.read_address();
    this.listen();
    this.map.draw();
    this.tell();
  }
  show_legend() {
    const { classes, colours, labels } = this.contents, { hidden } = this.map;
    classes.forEach((name, label) => {
      const button = document.createElement("button"), dot = document.createElement("i");
      dot.style.background = colours[label];
      button.type = "button";
      button.append(dot, name);
      button.setAttribute("aria-pressed", "true");
      button.title = `${labels.reduce((count, each) => count + (each === label), 0)} images`;
      button.addEventListener("click", () => {
        if (!hidden.delete(label)) hidden.add(label);
        button.setAttribute("aria-pressed", String(!hidden.has(label)));
        this.map.draw();
      });
      byId("legend").append(button);
    });
  }

  // --- One image

  get image() { return this.map.here ?? this.map.held; }
  point_at(index) {
    this.map.here = index;
    this.refresh();
  }
  hold(index) {
    this.map.held = index;
    this.map.here = null;
    this.refresh();
    this.write_address();
  }
  refresh() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => { this.map.draw(); this.tell(); });
  }
  tell() {
    const { map, image } = this, { images, rebuilt, decoded, errors, labels, classes, axes } = this.contents;
    const place = this.pointer ?? (image === null ? null : map.place(image));
    show(byId("original"), images, image);
    show(byId("rebuilt"), rebuilt, image);
    if (decoded) show(byId("decoded"), decoded, place && map.decoded_at(...place));
    if (document.activeElement !== byId("number")) byId("number").value = image ?? "";
    const rows = [];
    if (image !== null) {
      if (labels) rows.push(["class", classes[labels[image]]]);
      if (axes) axes.forEach((name, at) => rows.push([name, told(map.place(image)[at])]));
      rows.push(["mean absolute error", told(errors[image])]);
    } else {
      rows.push(["Point at a dot of the map.", ""]);
    }
    byId("facts").tBodies[0].replaceChildren(...rows.map(([name, text]) => {
      const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
      head.scope = "row";
      head.textContent = name;
      cell.textContent = text;
      row.append(head, cell);
      return row;
    }));
    if (image !== this.told_near) this.show_near(image);
    this.told_near = image;
  }
  show_near(image) {
    const { images, labels, classes, colours } = this.contents, near = image === null ? [] : this.map.neighbours(image, NEIGHBOURS);
    byId("near").replaceChildren(...near.map((index) => {
      const button = document.createElement("button"), canvas = document.createElement("canvas"), name = labels ? `, class ${classes[labels[index]]}` : "";
      button.type = "button";
      button.setAttribute("aria-label", `Image ${index}${name}`);
      if (labels) button.style.borderColor = colours[labels[index]];
      button.append(canvas);
      show(canvas, images, index);
      button.addEventListener("click", () => this.hold(index));
      return button;
    }));
  }
  speak() {
    const { image } = this, { labels, classes, errors } = this.contents;
    if (image === null) return;
    byId("spoken").textContent = `Image ${image}${labels ? `, class ${classes[labels[image]]}` : ""}, mean absolute error ${told(errors[image])}`;
  }

  // --- What people do

  listen() {
    const { map } = this, canvas = byId("map"), down = new Map();
    let moved = 0;
    // Of two fingers: their middle, and how far they are apart.
    const pair = () => { const [a, b] = [...down.values()]; return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, far: Math.hypot(a[0] - b[0], a[1] - b[1]) }; };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      down.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (down.size === 1) moved = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const at = [event.offsetX, event.offsetY], before = down.get(event.pointerId);
      if (!before) {
        this.pointer = map.to_places(...at);
        this.point_at(map.nearest(...at));
        return;
      }
      const first = down.size === 2 && pair();
      down.set(event.pointerId, at);
      moved += Math.hypot(at[0] - before[0], at[1] - before[1]);
      if (first) {
        const { x, y, far } = pair();
        map.pan(x - first.x, y - first.y);
        map.zoom(far / Math.max(1, first.far), x, y);
      } else if (moved > 4) map.pan(at[0] - before[0], at[1] - before[1]);
    });
    const up = (event) => {
      if (down.delete(event.pointerId) && moved <= 4 && event.type === "pointerup") {
        this.pointer = map.to_places(event.offsetX, event.offsetY);
        this.hold(map.nearest(event.offsetX, event.offsetY));
      }
      this.write_address();
    };
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, up);
    canvas.addEventListener("pointerleave", () => { this.pointer = null; this.point_at(null); });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      map.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
      this.write_address();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.press(event));
    byId("closer").addEventListener("click", () => this.moved(() => map.zoom(1.6)));
    byId("farther").addEventListener("click", () => this.moved(() => map.zoom(1 / 1.6)));
    byId("whole").addEventListener("click", () => this.moved(() => map.whole()));
    for (const name of ["pictures", "ground"]) byId(name).addEventListener("change", () => { map[name] = byId(name).checked; this.moved(() => map.draw()); });
    byId("number").addEventListener("change", () => {
      const index = Number(byId("number").value);
      if (byId("number").value !== "" && Number.isInteger(index) && index >= 0 && index < map.count) this.hold(index);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.draw());
    addEventListener("hashchange", () => { this.read_address(); this.refresh(); });
  }
  moved(act) {
    act();
    this.write_address();
  }
  press(event) {
    const { map } = this, { plot } = map, moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const acts = {
      Enter: () => this.hold(this.image),
      " ": () => this.hold(this.image),
      Escape: () => this.hold(null),
      "+": () => this.moved(() => map.zoom(1.6)),
      "=": () => this.moved(() => map.zoom(1.6)),
      "-": () => this.moved(() => map.zoom(1 / 1.6)),
      0: () => this.moved(() => map.whole()),
    };
    if (moves[event.key]) {
      this.pointer = null;
      const next = this.image === null ? map.nearest(plot.x + plot.width / 2, plot.y + plot.height / 2, Infinity) : map.next(this.image, ...moves[event.key]);
      if (next !== null) this.point_at(next);
      this.speak();
    } else if (acts[event.key]) {
      acts[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  }

  // --- The address

  read_address() {
    const { map } = this, given = new URLSearchParams(location.hash.slice(1)), index = Number(given.get("image"));
    map.held = given.has("image") && Number.isInteger(index) && index >= 0 && index < map.count ? index : null;
    const view = (given.get("view") ?? "").split(",").map(Number);
    if (view.length === 4 && view.every(Number.isFinite) && view[0] < view[1] && view[2] < view[3]) [map.x0, map.x1, map.y0, map.y1] = view;
    for (const [name, usual] of [["pictures", "1"], ["ground", "0"]]) byId(name).checked = map[name] = (given.get(name) ?? usual) === "1";
  }
  write_address() {
    const { map } = this, parts = [];
    if (map.held !== null) parts.push(`image=${map.held}`);
    if ([map.x0, map.x1, map.y0, map.y1].some((end, at) => end !== map.view[at])) parts.push(`view=${[map.x0, map.x1, map.y0, map.y1].map((end) => Number(end.toPrecision(6))).join()}`);
    if (!map.pictures) parts.push("pictures=0");
    if (map.ground) parts.push("ground=1");
    try {
      history.replaceState(null, "", `#${parts.join("&")}`);
    } catch {
      // a page inside another one has no address of its own
    }
  }
}

// One image of a sprite, pixel by pixel; nothing where there is none.
function show(canvas, sprite, index) {
  canvas.width = sprite.width;
  canvas.height = sprite.height;
  if (index !== null && index !== undefined) draw_tile(canvas.getContext("2d"), sprite, index, 0, 0, sprite.width, sprite.height);
}

new Explorer().open(JSON.parse(byId("contents").textContent)).then(
  () => document.body.setAttribute("data-ready", ""),
  (error) => {
    byId("trouble").hidden = false;
    byId("trouble").textContent = `The map cannot be drawn here (${error.message}); a current browser draws it.`;
    throw error;
  },
);

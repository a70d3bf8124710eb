// The geometry of one layer: vertices on an integer grid, which place owns each, and what lies under a point.

import { undelta } from "./decode.js";

export class Shapes {
  constructor({ header, sections }) {
    this.kind = header.kind;
    this.ids = header.ids;
    this.names = header.names;
    this.count = header.ids.length;
    this.bounds = header.bounds;
    this.cell = 2 ** -header.power; // one grid step, as a part of the world
    this.originX = header.origin[0] * this.cell;
    this.originY = header.origin[1] * this.cell;
    this.x = undelta(sections.x);
    this.y = undelta(sections.y);
    this.index = new Map(header.ids.map((id, i) => [id, i]));
    this.levels = new Map();
    this.#own(sections);
    if (this.kind === "polygon") this.#triangulate(sections);
  }

  #own({ parts, lengths }) {
    const total = this.x.length;
    this.place = new Uint32Array(total);
    this.partStart = new Int32Array(lengths.length + 1);
    this.placeStart = new Int32Array(this.count + 1); // first part of each place
    this.box = new Int32Array(this.count * 4);
    let part = 0;
    let vertex = 0;
    for (let i = 0; i < this.count; i++) {
      let west = 2147483647, north = 2147483647, east = -2147483648, south = -2147483648;
      this.placeStart[i] = part;
      for (let k = 0; k < parts[i]; k++, part++) {
        this.partStart[part] = vertex;
        for (const end = vertex + lengths[part]; vertex < end; vertex++) {
          this.place[vertex] = i;
          const x = this.x[vertex], y = this.y[vertex];
          if (x < west) west = x;
          if (x > east) east = x;
          if (y < north) north = y;
          if (y > south) south = y;
        }
      }
      this.box.set([west, north, east, south], i * 4);
    }
    this.placeStart[this.count] = part;
    this.partStart[part] = vertex;
  }

  #triangulate({ a, b, c }) {
    const first = undelta(a);
    this.triangles = new Uint32Array(first.length * 3);
    for (let i = 0; i < first.length; i++) {
      this.triangles[3 * i] = first[i];
      this.triangles[3 * i + 1] = first[i] + b[i];
      this.triangles[3 * i + 2] = first[i] + c[i];
    }
  }

  // Degrees of a place: the middle of its box.
  centre(place) {
    const [west, north, east, south] = this.box.subarray(place * 4, place * 4 + 4);
    return [this.#lon((west + east) / 2), this.#lat((north + south) / 2)];
  }

  boxOf(place) {
    const [west, north, east, south] = this.box.subarray(place * 4, place * 4 + 4);
    return [[this.#lon(west), this.#lat(south)], [this.#lon(east), this.#lat(north)]];
  }

  // What to show first. A layer on both sides of the date line is shown where nearly all of its places are.
  home() {
    const [west, south, east, north] = this.bounds;
    if (east - west <= 180) return [[west, south], [east, north]];
    const middles = Array.from({ length: this.count }, (_, i) => this.centre(i));
    const along = (axis, share) => {
      const sorted = middles.map((m) => m[axis]).sort((p, q) => p - q);
      return sorted[Math.round(share * (sorted.length - 1))];
    };
    return [[along(0, 0.01), along(1, 0.01)], [along(0, 0.99), along(1, 0.99)]];
  }

  #lon(x) { return (this.originX + x * this.cell) * 360 - 180; }
  #lat(y) {
    const turned = Math.PI * (1 - 2 * (this.originY + y * this.cell));
    return (Math.atan(Math.sinh(turned)) * 180) / Math.PI;
  }

  // The place under a point given in mercator units; `reach` is how far a click may miss, in the same units.
  hit(mx, my, reach, radiusOf) {
    const x = (mx - this.originX) / this.cell;
    const y = (my - this.originY) / this.cell;
    const near = this.kind === "polygon" ? 0 : reach / this.cell;
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < this.count; i++) {
      const o = i * 4;
      const slack = this.kind === "point" ? near * radiusOf(i) : near;
      if (x < this.box[o] - slack || x > this.box[o + 2] + slack) continue;
      if (y < this.box[o + 1] - slack || y > this.box[o + 3] + slack) continue;
      if (this.kind === "polygon") {
        if (this.#inside(i, x, y)) return i;
        continue;
      }
      const away = this.kind === "point" ? this.#toPoint(i, x, y) : this.#toLine(i, x, y);
      if (away <= slack && away < least) { least = away; best = i; }
    }
    return best;
  }

  #inside(place, x, y) {
    let odd = false;
    for (let part = this.placeStart[place]; part < this.placeStart[place + 1]; part++) {
      const start = this.partStart[part], end = this.partStart[part + 1];
      for (let i = start, j = end - 1; i < end; j = i++) {
        const yi = this.y[i], yj = this.y[j];
        if (yi > y !== yj > y && x < ((this.x[j] - this.x[i]) * (y - yi)) / (yj - yi) + this.x[i]) odd = !odd;
      }
    }
    return odd;
  }

  #toPoint(place, x, y) {
    let least = Infinity;
    for (let v = this.partStart[this.placeStart[place]]; v < this.partStart[this.placeStart[place + 1]]; v++) {
      least = Math.min(least, Math.hypot(this.x[v] - x, this.y[v] - y));
    }
    return least;
  }

  #toLine(place, x, y) {
    let least = Infinity;
    for (let part = this.placeStart[place]; part < this.placeStart[place + 1]; part++) {
      for (let v = this.partStart[part]; v + 1 < this.partStart[part + 1]; v++) {
        const dx = this.x[v + 1] - this.x[v], dy = this.y[v + 1] - this.y[v];
        const along = ((x - this.x[v]) * dx + (y - this.y[v]) * dy) / (dx * dx + dy * dy || 1);
        const t = Math.max(0, Math.min(1, along));
        least = Math.min(least, Math.hypot(this.x[v] + t * dx - x, this.y[v] + t * dy - y));
      }
    }
    return least;
  }

  // Segments and their places for a zoom: vertices closer than most of a pixel fall together, and a border
  // that two polygons share is kept once.
  segments(zoom) {
    const level = Math.max(0, Math.min(24, Math.ceil(zoom)));
    const found = this.levels.get(level);
    if (found) return found;
    const pixel = 2 ** (-9 - level) / this.cell;
    const grain = Math.max(1, Math.floor(pixel * 0.8));
    for (const made of this.levels.values()) if (made.grain === grain) return made;
    const made = { grain, ...this.#segments(grain) };
    this.levels.set(level, made);
    return made;
  }

  #segments(grain) {
    const total = this.x.length;
    const xy = new Int32Array(total * 4);
    const place = new Uint32Array(total);
    const closed = this.kind === "polygon";
    const size = 2 ** Math.ceil(Math.log2(total * 2 + 2));
    const table = closed ? new Int32Array(size).fill(-1) : null;
    let n = 0;
    const snap = (v) => Math.round(v / grain) * grain;
    const add = (ax, ay, bx, by, owner) => {
      if (table) {
        if (ax > bx || (ax === bx && ay > by)) [ax, ay, bx, by] = [bx, by, ax, ay];
        let slot = (Math.imul(ax, 73856093) ^ Math.imul(ay, 19349663) ^ Math.imul(bx, 83492791) ^ Math.imul(by, 50331653)) >>> 0;
        for (slot = (slot ^ (slot >>> 15)) & (size - 1); table[slot] >= 0; slot = (slot + 1) & (size - 1)) {
          const o = table[slot] * 4;
          if (xy[o] === ax && xy[o + 1] === ay && xy[o + 2] === bx && xy[o + 3] === by) return;
        }
        table[slot] = n;
      }
      xy[4 * n] = ax; xy[4 * n + 1] = ay; xy[4 * n + 2] = bx; xy[4 * n + 3] = by;
      place[n++] = owner;
    };
    for (let part = 0; part + 1 < this.partStart.length; part++) {
      const start = this.partStart[part], end = this.partStart[part + 1];
      if (end <= start) continue;
      const owner = this.place[start];
      const firstX = snap(this.x[start]), firstY = snap(this.y[start]);
      let px = firstX, py = firstY;
      for (let v = start + 1; v < end; v++) {
        const x = snap(this.x[v]), y = snap(this.y[v]);
        if (x === px && y === py) continue;
        add(px, py, x, y, owner);
        px = x; py = y;
      }
      if (closed && (px !== firstX || py !== firstY)) add(px, py, firstX, firstY, owner);
    }
    return { count: n, xy: Float32Array.from(xy.subarray(0, 4 * n)), place: place.slice(0, n) };
  }

  // About how wide a place is, in grid steps: the median of the boxes.
  typical() {
    if (this.typicalWidth === undefined) {
      const widths = Array.from({ length: this.count }, (_, i) =>
        Math.sqrt(Math.max(0, (this.box[4 * i + 2] - this.box[4 * i]) * (this.box[4 * i + 3] - this.box[4 * i + 1]))));
      this.typicalWidth = widths.sort((p, q) => p - q)[this.count >> 1];
    }
    return this.typicalWidth;
  }
}

// The component: called by Streamlit on every run with a packet of values; the map itself stays.

import { classify, decimals, fetchPacket, undelta, unpack } from "./decode.js";
import { el, fill, formats, moments } from "./dom.js";
import { DataLayer, webgl } from "./gl.js";
import { Legend, swatch } from "./legend.js";
import { Marks } from "./marks.js";
import { Picture, software } from "./picture.js";
import { drawLabel, localised, palette, style } from "./basemap.js";
import { Search } from "./search.js";
import { Shapes } from "./shapes.js";
import { Table } from "./table.js";
import { TimeBar } from "./timebar.js";

const here = (path) => new URL(path, import.meta.url).href;
const published = (file) => here(`../almanac.published/${file}`);
const views = new Map(); // where each map was last looking, for as long as the page lives
const shapesOf = new Map();
let library;

// MapLibre comes from the package on the server; its text is kept by the browser under its address.
function maplibre() {
  library ??= (async () => {
    const text = await (await fetch(here("../almanac.maplibre/maplibre-gl.js"), { cache: "force-cache" })).text();
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    await new Promise((resolve, reject) => {
      const script = el("script", { src: address, onload: resolve, onerror: () => reject(new Error("maplibre")) });
      document.head.append(script);
    });
    return window.maplibregl;
  })();
  library.catch(() => (library = undefined));
  return library;
}

async function shapesFor(file) {
  if (!shapesOf.has(file)) {
    shapesOf.set(file, fetchPacket(published(file)).then((packet) => new Shapes(packet)));
    shapesOf.get(file).catch(() => shapesOf.delete(file));
    if (shapesOf.size > 6) shapesOf.delete(shapesOf.keys().next().value);
  }
  return shapesOf.get(file);
}

class AlmanacMap {
  constructor(parent) {
    this.said = 0; // how many times the reader has changed something
    this.selected = -1;
    this.hovered = -1;
    this.picture = new Picture();
    this.marks = new Marks();
    this.legend = new Legend();
    this.table = new Table((place) => this.select(place, { fly: true }));
    this.search = new Search((place) => this.select(place, { fly: true }));
    this.time = new TimeBar({ onStep: (i) => this.step(i), onRest: (i) => this.rest(i), onWant: () => this.wantSteps() });
    this.canvas = el("div", { class: "canvas" });
    this.card = el("div", { class: "card", hidden: true });
    this.cross = el("div", { class: "cross", "aria-hidden": "true" });
    this.buttons = ["zoom_in", "zoom_out", "home"].map((name) => el("button", { type: "button", onclick: () => this.press(name) }));
    this.end = el("span", { tabindex: "-1", class: "end" });
    this.skip = el("button", { type: "button", class: "skip", onclick: () => this.end.focus() });
    this.summary = el("p", { class: "summary", id: `almanac-summary-${Math.random().toString(36).slice(2)}` });
    this.chosen = el("p", { class: "chosen", role: "status" });
    this.note = el("p", { class: "note", role: "alert", hidden: true });
    this.attribution = el("p", { class: "attribution" });
    // The legend of a narrow map stands below it: what is laid over the map must end where the map ends.
    const stage = el("div", { class: "stage" }, this.canvas, this.picture.node, this.marks.node, this.cross, this.search.node, el("div", { class: "buttons" }, ...this.buttons), this.card);
    this.frame = el("div", { class: "frame" }, stage, this.legend.node);
    this.node = el("div", { class: "almanac-map", role: "group" }, this.skip, this.note, this.frame, this.time.node, this.attribution, this.chosen, this.summary, this.end, this.table.node);
    parent.append(this.node);
  }

  async update(data, send) {
    this.send = send;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const packet = await unpack(data);
    const [shapes, said] = await Promise.all([shapesFor(packet.header.layer), fetchPacket(published(packet.header.words))]);
    packet.header.words = said.header.words;
    if (turn !== this.turn || this.gone) return; // a newer one has overtaken this
    const { header, sections } = packet;
    const before = this.header;
    this.header = header;
    this.shapes = shapes;
    this.dark = isDark(this.node);
    this.format = formats(header);
    this.look = lookOf(header, shapes.kind, this.dark);
    this.values = decimals(sections.m, sections.e);
    this.found = classify(this.values, header.classes);
    // The server's word on what is selected counts, unless the reader has clicked since.
    if (header.seen >= this.said) this.selected = header.selected === null ? -1 : shapes.index.get(header.selected) ?? -1;
    this.#words();
    this.#times(sections);
    this.legend.show({ ...header, kind: shapes.kind, look: this.look, format: this.format });
    this.search.show({ shapes, words: header.words, format: this.format });
    if (this.webgl === undefined) {
      this.webgl = webgl();
      if (!this.webgl) this.#withoutWebgl();
    }
    if (this.webgl) {
      if (!this.map) await this.#open();
      else this.#refresh(before);
    }
    if (turn !== this.turn || this.gone) return;
    this.#paint();
    this.#address();
  }

  async #open() {
    const [gl, ground] = await Promise.all([maplibre(), this.#ground(), styles(this.node.getRootNode())]);
    if (this.gone || this.map) return;
    const { header, shapes } = this;
    const saved = this.#fromAddress() ?? views.get(header.key);
    this.canvas.style.height = `${header.height}px`;
    const view = saved ? { center: [saved[0], saved[1]], zoom: saved[2] }
      : { bounds: this.#bounds(), fitBoundsOptions: { padding: this.#padding() } };
    this.map = new gl.Map({
      container: this.canvas, style: style(ground, this.dark, shapes.kind), ...view, attributionControl: false,
      dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, renderWorldCopies: false, fadeDuration: 0,
      maxZoom: 17, canvasContextAttributes: { antialias: false }, locale: { "Map.Title": header.words.map },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new gl.ScaleControl({ maxWidth: 110 }), "bottom-left");
    this.font = getComputedStyle(this.node).fontFamily;
    this.map.on("styleimagemissing", ({ id }) => id.includes("|") && drawLabel(this.map, id, this.dark, this.font));
    this.layer = new DataLayer("data");
    this.map.on("style.load", () => this.map.addLayer(this.layer, "data-goes-here"));
    this.layer.sparing = software(this.map.painter.context.gl);
    this.#handlers();
    this.#words();
    this.canvas.almanac = this; // for tests: which frame, which place
  }

  async #ground() {
    const { basemap, locale } = this.header;
    if (!basemap) return null;
    const { header } = await fetchPacket(published(basemap));
    return localised(header.geojson, locale);
  }

  async #refresh(before) {
    const { header } = this;
    if (before.height !== header.height) { this.canvas.style.height = `${header.height}px`; this.map.resize(); }
    const dark = this.dark !== this.drawnDark;
    if (before.basemap !== header.basemap || before.locale !== header.locale || dark || this.kind !== this.shapes.kind) {
      const ground = await this.#ground();
      if (this.gone) return;
      this.map.listImages().forEach((id) => this.map.removeImage(id));
      this.map.setStyle(style(ground, this.dark, this.shapes.kind), { diff: false });
    }
    if (this.drawn !== this.shapes) {
      this.hovered = -1;
      this.card.hidden = true;
      if (before.basemap !== header.basemap || !this.#inView()) this.map.fitBounds(this.#bounds(), { padding: this.#padding(), animate: false });
    }
  }

  // After a change of layer within the same region the reader keeps the view.
  #inView() {
    const view = this.map.getBounds();
    const [[west, south], [east, north]] = this.shapes.home();
    return west < view.getEast() && east > view.getWest() && south < view.getNorth() && north > view.getSouth();
  }

  #bounds() {
    const b = this.header.bounds;
    return b ? [[b[0], b[1]], [b[2], b[3]]] : this.shapes.home();
  }

  #paint() {
    const state = { ...this.header, shapes: this.shapes, values: this.values, found: this.found, format: this.format, selected: this.selected };
    if (this.map) {
      this.kind = this.shapes.kind;
      this.drawnDark = this.dark;
      const other = this.drawn !== this.shapes;
      this.drawn = this.shapes;
      if (other) this.layer.setShapes(this.shapes);
      this.#colour();
      this.#outlines();
    }
    this.legend.count(this.found);
    this.table.show(state);
    this.#describe();
    if (!this.card.hidden) this.#card(this.hovered);
    this.node.dataset.painted = String(Number(this.node.dataset.painted ?? 0) + 1);
  }

  // New colours, by the quickest way there is.
  #colour() {
    const { picture } = this;
    this.layer.setClasses(this.found, this.look, picture.ready);
    if (picture.ready) picture.paint(this.found, this.look, this.map.getPixelRatio());
  }

  #outlines() {
    if (!this.map) return;
    const { shapes, marks, map } = this;
    Object.assign(marks, { selected: this.selected, hovered: this.hovered });
    const { lng, lat } = map.getCenter();
    const scale = 512 * 2 ** map.getZoom();
    const { clientWidth, clientHeight } = this.canvas;
    const left = ((lng + 180) / 360 - shapes.originX) * scale - clientWidth / 2;
    const top = (mercatorY(lat) - shapes.originY) * scale - clientHeight / 2;
    const step = shapes.cell * scale;
    marks.draw(shapes, (x, y) => [x * step - left, y * step - top], (place) => this.#radius(place), [clientWidth, clientHeight]);
  }

  // Room around the first view: what the map opens on must not lie under the legend.
  #padding() {
    const legend = this.legend.node;
    const over = getComputedStyle(legend).position === "absolute";
    const beside = over ? Math.min(legend.offsetWidth + 8, this.frame.clientWidth * 0.34) : 0;
    return { top: 24, bottom: 24, left: 24, right: 24 + beside };
  }

  #radius(place) {
    return this.found[place] === 255 ? this.look.missing : this.look.radii[this.found[place]];
  }

  // Once the map has come to rest, and only where frames are dear.
  async #still() {
    const { map, layer, picture } = this;
    if (this.gone || !layer.sparing || this.shapes.kind !== "polygon" || picture.ready || map.isMoving()) return;
    if (layer.found?.length !== this.shapes.count || !(await picture.take(map, layer)) || this.gone) return;
    this.#colour();
  }

  #words() {
    const { words, title, attribution } = this.header;
    this.skip.textContent = words.skip;
    this.node.setAttribute("aria-label", title);
    this.buttons.forEach((button, k) => {
      const word = [words.zoom_in, words.zoom_out, words.home][k];
      button.textContent = ["+", "−", "⌂"][k];
      button.title = word;
      button.setAttribute("aria-label", word);
    });
    this.attribution.textContent = attribution;
    const canvas = this.map?.getCanvas();
    canvas?.setAttribute("aria-label", `${words.map}: ${title}. ${words.how}`);
    canvas?.setAttribute("aria-describedby", this.summary.id);
  }

  #describe() {
    const { header: { words }, values, shapes, format } = this;
    let low = -1, high = -1, known = 0;
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) continue;
      known++;
      if (low < 0 || values[i] < values[low]) low = i;
      if (high < 0 || values[i] > values[high]) high = i;
    }
    this.summary.textContent = known === 0 ? fill(words.summary_none, { n: format.count(shapes.count) })
      : fill(words.summary, { known: format.count(known), n: format.count(shapes.count), missing: format.count(shapes.count - known),
        low: format.withUnit(values[low]), high: format.withUnit(values[high]), low_place: shapes.names[low], high_place: shapes.names[high] });
    this.chosen.replaceChildren();
    if (this.selected >= 0) {
      const text = `${fill(words.selected, { place: shapes.names[this.selected] || shapes.ids[this.selected] })}: ${format.withUnit(values[this.selected])}`;
      this.chosen.append(text, " ", el("button", { type: "button", onclick: () => this.select(-1) }, words.clear));
    }
  }

  // ---- what the reader does

  #handlers() {
    const { map } = this;
    const canvas = map.getCanvas();
    let asked = null;
    map.on("mousemove", (event) => {
      if (!asked) requestAnimationFrame(() => { const point = asked; asked = null; if (point && !this.gone) this.hover(point); });
      asked = event.point;
    });
    canvas.addEventListener("mouseleave", () => { asked = null; this.hover(null); });
    map.on("click", (event) => {
      const place = this.#under(event.point);
      this.select(place === this.selected ? -1 : place);
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.select(this.#under(this.#middle())); }
      if (event.key === "Escape") this.select(-1);
    });
    canvas.addEventListener("focus", () => this.cross.classList.toggle("on", canvas.matches(":focus-visible")));
    canvas.addEventListener("blur", () => { this.cross.classList.remove("on"); this.hover(null); });
    map.on("render", () => {
      if (this.picture.taking) return;
      this.picture.drop();
      this.#outlines();
      clearTimeout(this.stilling);
    });
    map.on("idle", () => { if (this.picture.taking) return; clearTimeout(this.stilling); this.stilling = setTimeout(() => this.#still(), 120); });
    map.on("move", () => { if (this.cross.classList.contains("on")) this.hover(this.#middle()); });
    map.on("moveend", () => {
      if (this.layer.sparing) map.triggerRepaint(); // with the borders that were left out on the way
      const { lng, lat } = map.getCenter();
      views.set(this.header.key, [lng, lat, map.getZoom()]);
      this.#address();
    });
    this.onEntry = () => this.#address();
    window.navigation?.addEventListener("currententrychange", this.onEntry);
  }

  #middle() {
    const { clientWidth, clientHeight } = this.map.getCanvas();
    return { x: clientWidth / 2, y: clientHeight / 2 };
  }

  #under({ x, y }) {
    const { lng, lat } = this.map.unproject([x, y]);
    const mx = (lng + 180) / 360;
    const my = mercatorY(lat);
    const pixel = 1 / (512 * 2 ** this.map.getZoom());
    if (this.shapes.kind !== "point") return this.shapes.hit(mx, my, 6 * pixel);
    return this.shapes.hit(mx, my, pixel, (i) => this.#radius(i) + 3);
  }

  hover(point) {
    const place = point ? this.#under(point) : -1;
    if (place !== this.hovered) {
      this.hovered = place;
      this.#outlines();
    }
    this.map.getCanvas().style.cursor = place >= 0 ? "pointer" : "";
    this.card.hidden = place < 0;
    if (place < 0) return;
    this.#card(place);
    const { clientWidth, clientHeight } = this.canvas;
    const { offsetWidth, offsetHeight } = this.card;
    const left = point.x + 16 + offsetWidth > clientWidth ? point.x - 16 - offsetWidth : point.x + 16;
    const top = Math.min(point.y + 16, clientHeight - offsetHeight - 8);
    this.card.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  #card(place) {
    if (place < 0 || place >= this.shapes.count) return;
    const { shapes, values, found, format, look, header } = this;
    const k = found[place];
    const parts = [el("strong", {}, shapes.names[place] || shapes.ids[place]), el("span", { class: "value" }, format.withUnit(values[place]))];
    if (k !== 255) {
      const { label, text } = format.range(k);
      parts.push(el("span", { class: "group" }, swatch(shapes.kind, header.classes.palette[k], look, k), label ? `${label} (${text})` : text));
    }
    if (this.minutes) parts.push(el("span", { class: "when" }, this.say(this.time.index)));
    this.card.replaceChildren(...parts);
  }

  select(place, { fly = false } = {}) {
    if (fly && place >= 0 && this.map) this.#goTo(place);
    if (place === this.selected) return;
    this.selected = place;
    this.#outlines();
    this.#describe();
    this.table.show({ ...this.table.state, selected: place });
    this.tell();
  }

  #goTo(place) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const zoom = this.map.getZoom();
    const fitted = this.map.cameraForBounds(this.shapes.boxOf(place), { padding: 90, maxZoom: 11 });
    this.map.easeTo({ center: this.shapes.centre(place), zoom: Math.max(zoom, Math.min(fitted?.zoom ?? zoom, zoom + 3)), duration: calm ? 0 : 500 });
  }

  press(name) {
    if (name === "zoom_in") this.map?.zoomIn();
    else if (name === "zoom_out") this.map?.zoomOut();
    else this.map?.fitBounds(this.#bounds(), { padding: this.#padding() });
  }

  // ---- time

  #times(sections) {
    const { time, words, locale } = this.header;
    this.minutes = time ? undelta(sections.t).map((m) => m + time.start) : null;
    if (!time) { this.time.show({ count: 0 }); this.steps = null; return; }
    this.say = moments({ minutes: this.minutes, locale, ...time });
    if (time.file && this.steps?.file !== time.file) {
      const steps = (this.steps = { file: time.file });
      this.time.ready = false;
      fetchPacket(published(time.file)).then((packet) => { if (this.steps === steps) { steps.data = packet.sections; this.time.ready = true; this.step(this.time.index); } });
    } else if (!time.file) {
      this.steps = null;
      this.time.ready = false;
    }
    const mine = this.header.seen < this.said; // the reader has moved on since
    this.time.show({ count: this.minutes.length, index: mine ? this.time.index : time.index, say: this.say, words });
    if (this.time.timer) this.step(this.time.index);
  }

  wantSteps() {
    if (this.steps || this.wanted === this.header.key + this.header.layer + this.header.title) return;
    this.wanted = this.header.key + this.header.layer + this.header.title;
    this.tell();
  }

  step(i) {
    const data = this.steps?.data;
    const n = this.shapes.count;
    if (!data || (i + 1) * n > data.m.length) return;
    this.values = decimals(data.m, data.e, i * n, n);
    this.found = classify(this.values, this.header.classes);
    if (this.map) this.#colour();
    this.legend.count(this.found);
    if (!this.card.hidden) this.#card(this.hovered);
    if (!this.time.timer) this.#rested();
  }

  #rested() {
    this.#describe();
    this.table.show({ ...this.table.state, values: this.values, found: this.found });
  }

  rest() {
    this.#rested();
    this.tell();
  }

  // ---- to the server, and to the address

  tell() {
    this.said = Math.max(this.said, this.header.seen) + 1;
    const event = { n: this.said, selected: this.selected < 0 ? null : this.shapes.ids[this.selected], webgl: this.webgl };
    if (this.minutes) Object.assign(event, { time: this.time.index, steps: Boolean(this.steps || this.wanted) });
    if (this.map) {
      const { lng, lat } = this.map.getCenter();
      event.viewport = [+lng.toFixed(5), +lat.toFixed(5), +this.map.getZoom().toFixed(3)];
    }
    this.send("event", event);
  }

  // The view stands behind the # of the address. Streamlit rewrites the address when a page sets query
  // parameters, so it is put back whenever it is gone.
  #address() {
    if (!this.map || this.gone) return;
    const { lng, lat } = this.map.getCenter();
    const name = encodeURIComponent(this.header.key);
    const mine = `${name}=${this.map.getZoom().toFixed(2)}/${lat.toFixed(4)}/${lng.toFixed(4)}`;
    const parts = location.hash.slice(1).split("&").filter(Boolean);
    const at = parts.findIndex((part) => part.startsWith(`${name}=`));
    // In its old place: two maps that each wanted to be last would take turns for ever.
    if (at < 0) parts.push(mine);
    else parts[at] = mine;
    const hash = `#${parts.join("&")}`;
    if (location.hash !== hash) history.replaceState(history.state, "", location.pathname + location.search + hash);
  }

  #fromAddress() {
    const name = `${encodeURIComponent(this.header.key)}=`;
    const mine = location.hash.slice(1).split("&").find((part) => part.startsWith(name));
    if (!mine) return null;
    const [zoom, lat, lng] = mine.slice(name.length).split("/").map(Number);
    const sound = [zoom, lat, lng].every(Number.isFinite) && Math.abs(lat) <= 85 && Math.abs(lng) <= 180 && zoom >= 0 && zoom <= 22;
    return sound ? [lng, lat, zoom] : null;
  }

  #withoutWebgl() {
    this.frame.classList.add("flat");
    this.note.textContent = this.header.words.no_webgl;
    this.note.hidden = false;
    this.table.open();
    this.tell();
  }

  fail(problem) {
    console.error(problem);
    this.note.textContent = this.header?.words.failed ?? "The map could not be loaded. Reload the page to try again.";
    this.note.hidden = false;
  }

  destroy() {
    this.gone = true;
    window.navigation?.removeEventListener("currententrychange", this.onEntry);
    this.time.destroy();
    this.picture.drop();
    clearTimeout(this.stilling);
    this.map?.remove();
    this.node.remove();
  }
}

const mercatorY = (lat) => 0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI);
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);

function isDark(node) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = getComputedStyle(node).getPropertyValue("--st-background-color").trim() || "#ffffff";
  const [r, g, b] = rgb(pen.fillStyle.startsWith("#") ? pen.fillStyle : "#ffffff");
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.4;
}

// Colours and sizes as the shaders want them.
function lookOf({ classes, sized }, kind, dark) {
  const n = classes.palette.length;
  const colours = new Float32Array(48);
  classes.palette.forEach((colour, k) => colours.set(rgb(colour), 3 * k));
  const spread = (low, high) => Array.from({ length: 16 }, (_, k) => (n > 1 ? low + ((high - low) * Math.min(k, n - 1)) / (n - 1) : high));
  const paperCss = dark ? "#3a4248" : "#f0f0ee", strokeCss = dark ? "#7d878d" : "#a3a5a6";
  const ground = palette(dark);
  return { colours, paper: rgb(paperCss), stroke: rgb(strokeCss), paperCss, strokeCss,
    border: rgb(dark ? "#1b2226" : "#ffffff"), rim: rgb(dark ? "#c3ccd1" : "#56616a"),
    radii: sized ? spread(4, 11) : spread(5.5, 5.5), missing: 4.5, widths: spread(1.8, 5.5), ground };
}

const sheets = new Map();

// MapLibre's own rules must lie inside the component's shadow.
async function styles(root) {
  if (!sheets.has("maplibre")) {
    sheets.set("maplibre", (async () => {
      const text = await (await fetch(here("../almanac.maplibre/maplibre-gl.css"), { cache: "force-cache" })).text();
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      return sheet;
    })());
  }
  const sheet = await sheets.get("maplibre");
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

const maps = new WeakMap();

export default function almanac({ data, parentElement, setStateValue }) {
  let one = maps.get(parentElement);
  if (!one) {
    one = new AlmanacMap(parentElement);
    maps.set(parentElement, one);
  }
  one.update(data, setStateValue).catch((problem) => one.fail(problem));
  return () => {
    maps.delete(parentElement);
    one.destroy();
  };
}

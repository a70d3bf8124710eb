// The legend: class ranges, their colours, and how many places are in each; "no data" apart from them.

import { el, fill } from "./dom.js";

export class Legend {
  constructor() {
    this.node = el("section", { class: "legend" });
  }

  show({ title, unit, classes, kind, look, words, format }) {
    this.counts = [];
    this.format = format;
    const heading = el("p", {}, title, unit ? el("span", { class: "unit" }, ` (${unit})`) : null);
    const rows = classes.palette.map((colour, k) => {
      const { label, text } = format.range(k);
      const count = el("td", { class: "count" });
      this.counts.push(count);
      const said = label ? [el("strong", {}, label), " ", el("span", { class: "range" }, text)] : [text];
      return el("tr", { "data-class": k }, el("td", {}, swatch(kind, colour, look, k)), el("th", { scope: "row" }, ...said), count);
    });
    rows.reverse(); // the highest at the top, as on a thermometer
    this.missing = el("td", { class: "count" });
    rows.push(el("tr", { "data-class": "none" }, el("td", {}, swatch(kind, null, look, -1)),
      el("th", { scope: "row" }, words.no_data), this.missing));
    const head = el("thead", {}, el("tr", {}, el("th", {}, el("span", { class: "unseen" }, words.class)), el("td"),
      el("th", { scope: "col", class: "count" }, words.places)));
    this.node.replaceChildren(heading, el("table", {}, el("caption", { class: "unseen" }, `${words.legend}: ${title}`), head, el("tbody", {}, ...rows)),
      ...(classes.authority ? [el("p", { class: "authority" }, fill(words.source, { authority: classes.authority }))] : []));
  }

  // A list that scrolls must be reached by the keyboard; one that does not would only be in the way.
  #reach() {
    const { scrollHeight, clientHeight, scrollWidth, clientWidth } = this.node;
    if (scrollHeight > clientHeight + 1 || scrollWidth > clientWidth + 1) this.node.tabIndex = 0;
    else this.node.removeAttribute("tabindex");
  }

  count(found) {
    const counts = new Array(this.counts.length).fill(0);
    let missing = 0;
    for (const k of found) k === 255 ? missing++ : counts[k]++;
    counts.forEach((n, k) => (this.counts[k].textContent = this.format.count(n)));
    this.missing.textContent = this.format.count(missing);
    this.#reach();
  }
}

const SVG = "http://www.w3.org/2000/svg";
let patterns = 0;

export function swatch(kind, colour, look, k) {
  const svg = document.createElementNS(SVG, "svg");
  const set = (node, attributes) => { for (const [n, v] of Object.entries(attributes)) node.setAttribute(n, v); return node; };
  const make = (tag, attributes) => svg.appendChild(set(document.createElementNS(SVG, tag), attributes));
  set(svg, { width: 24, height: 16, viewBox: "0 0 24 16", "aria-hidden": "true", class: "swatch" });
  let paint = colour;
  if (!colour) {
    const id = `almanac-hatch-${patterns++}`;
    const pattern = set(document.createElementNS(SVG, "pattern"),
      { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(set(document.createElementNS(SVG, "rect"), { width: 5, height: 5, fill: look.paperCss }),
      set(document.createElementNS(SVG, "rect"), { width: 1.5, height: 5, fill: look.strokeCss }));
    svg.append(pattern);
    paint = `url(#${id})`;
  }
  const width = k < 0 ? 1.6 : look.widths[k];
  if (kind === "point") make("circle", { cx: 12, cy: 8, r: Math.min(7.5, k < 0 ? look.missing : look.radii[k]), fill: paint, class: "rim" });
  else if (kind === "line") make("line", { x1: 1, y1: 8, x2: 23, y2: 8, stroke: colour ?? look.strokeCss, "stroke-width": width,
    ...(colour ? {} : { "stroke-dasharray": "4 3" }) });
  else make("rect", { x: 0.5, y: 0.5, width: 23, height: 15, fill: paint, class: "rim" });
  return svg;
}

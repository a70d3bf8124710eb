// The same values as a table: sortable, a page at a time so that fifty thousand places do not hurt.

import { el, fill } from "./dom.js";

const PAGE = 50;

export class Table {
  constructor(onSelect) {
    this.onSelect = onSelect;
    this.sort = { by: "value", down: true };
    this.from = 0;
    this.summary = el("summary");
    this.body = el("tbody");
    this.caption = el("caption", { class: "unseen" });
    this.heads = {};
    this.rows = el("span", { "aria-live": "polite" });
    this.previous = el("button", { type: "button", onclick: () => this.#turn(-PAGE) });
    this.next = el("button", { type: "button", onclick: () => this.#turn(PAGE) });
    const head = el("tr", {}, ...["place", "value", "class"].map((by) => {
      const button = el("button", { type: "button", onclick: () => this.#by(by) });
      return (this.heads[by] = el("th", { scope: "col" }, button));
    }));
    this.node = el("details", { class: "table", ontoggle: () => this.draw() }, this.summary,
      el("table", {}, this.caption, el("thead", {}, head), this.body),
      el("nav", {}, this.previous, this.rows, this.next));
  }

  show(state) {
    const { words, title, unit } = state;
    if (this.state?.shapes !== state.shapes) this.from = 0;
    this.state = state;
    this.summary.textContent = words.table;
    this.caption.textContent = title;
    this.heads.place.firstChild.textContent = words.place;
    this.heads.value.firstChild.textContent = unit ? `${words.value} (${unit})` : words.value;
    this.heads.class.firstChild.textContent = words.class;
    this.previous.textContent = words.previous;
    this.next.textContent = words.next;
    this.order = null;
    this.draw();
  }

  open() { this.node.open = true; }

  #by(by) {
    this.sort = { by, down: this.sort.by === by ? !this.sort.down : by !== "place" };
    this.from = 0;
    this.order = null;
    this.draw();
  }

  #turn(by) {
    this.from = Math.max(0, Math.min(this.from + by, this.state.shapes.count - 1));
    this.draw();
  }

  #sorted() {
    const { shapes, values, locale } = this.state;
    const order = Array.from({ length: shapes.count }, (_, i) => i);
    const sign = this.sort.down ? -1 : 1;
    if (this.sort.by === "place") {
      const compare = new Intl.Collator(locale).compare;
      return order.sort((a, b) => sign * compare(shapes.names[a], shapes.names[b]));
    }
    // Places without data stay at the end, whichever way the rest is sorted.
    return order.sort((a, b) => {
      const known = Number.isFinite(values[b]) - Number.isFinite(values[a]);
      return known || (Number.isFinite(values[a]) ? sign * (values[a] - values[b]) : 0) || a - b;
    });
  }

  draw() {
    if (!this.node.open || !this.state) return;
    const { shapes, values, found, format, words, selected } = this.state;
    this.order ??= this.#sorted();
    for (const [by, head] of Object.entries(this.heads)) {
      head.setAttribute("aria-sort", by === this.sort.by ? (this.sort.down ? "descending" : "ascending") : "none");
    }
    const page = this.order.slice(this.from, this.from + PAGE);
    this.body.replaceChildren(...page.map((i) => {
      const { label, text } = found[i] === 255 ? { text: words.no_data } : format.range(found[i]);
      const name = el("button", { type: "button", class: "place", onclick: () => this.onSelect(i) }, shapes.names[i] || shapes.ids[i]);
      return el("tr", { "aria-selected": i === selected ? "true" : false }, el("th", { scope: "row" }, name),
        el("td", { class: "number" }, format.value(values[i])), el("td", {}, label ? `${label} (${text})` : text));
    }));
    const to = Math.min(this.from + PAGE, shapes.count);
    this.rows.textContent = fill(words.rows, { from: format.count(this.from + 1), to: format.count(to), n: format.count(shapes.count) });
    this.previous.disabled = this.from === 0;
    this.next.disabled = to >= shapes.count;
  }
}

// Finding a place by its name: a box with a list, for hands that do not use a mouse.

import { el, fill } from "./dom.js";

const MOST = 12;
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
let made = 0;

export class Search {
  constructor(onSelect) {
    const id = `almanac-places-${made++}`;
    this.onSelect = onSelect;
    this.at = -1;
    this.list = el("ul", { role: "listbox", id, hidden: true });
    this.input = el("input", { type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-controls": id, "aria-expanded": "false", "aria-autocomplete": "list",
      oninput: () => this.#find(), onkeydown: (event) => this.#key(event), onblur: () => this.#close() });
    this.status = el("span", { class: "unseen", role: "status" });
    this.node = el("div", { class: "search" }, this.input, this.list, this.status);
  }

  show({ shapes, words, format }) {
    this.words = words;
    this.format = format;
    this.list.setAttribute("aria-label", words.search);
    this.input.setAttribute("aria-label", words.search);
    this.input.placeholder = words.search;
    if (this.shapes !== shapes) {
      this.shapes = shapes;
      this.keys = null;
    }
  }

  #find() {
    const wanted = plain(this.input.value.trim());
    if (!wanted || !this.shapes) return this.#close();
    this.keys ??= this.shapes.names.map(plain);
    const starts = [];
    const contains = [];
    this.keys.forEach((key, i) => {
      const where = key.indexOf(wanted);
      if (where === 0) starts.push(i);
      else if (where > 0 || this.shapes.ids[i] === this.input.value.trim()) contains.push(i);
    });
    const all = [...starts, ...contains];
    this.found = all.slice(0, MOST);
    this.at = this.found.length ? 0 : -1;
    const twice = new Set(this.found.map((i) => this.shapes.names[i]).filter((name, k, names) => names.indexOf(name) !== k));
    this.list.replaceChildren(...this.found.map((i, k) => {
      const name = this.shapes.names[i] || this.shapes.ids[i];
      return el("li", { role: "option", id: `${this.list.id}-${k}`, onmousedown: (event) => { event.preventDefault(); this.#take(k); } },
        name, twice.has(this.shapes.names[i]) ? el("span", { class: "id" }, ` ${this.shapes.ids[i]}`) : null);
    }));
    this.list.hidden = !this.found.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.status.textContent = fill(this.words.matches, { n: this.format.count(all.length) });
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((item, k) => item.setAttribute("aria-selected", String(k === this.at)));
    const active = this.list.children[this.at];
    if (active) this.input.setAttribute("aria-activedescendant", active.id);
    else this.input.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    event.stopPropagation(); // Streamlit's shortcuts are for elsewhere
    if (event.key === "Escape") return this.#close();
    if (this.list.hidden) return;
    const n = this.found.length;
    if (event.key === "ArrowDown") this.at = (this.at + 1) % n;
    else if (event.key === "ArrowUp") this.at = (this.at + n - 1) % n;
    else if (event.key === "Enter") return this.#take(this.at);
    else return;
    event.preventDefault();
    this.#mark();
  }

  #take(k) {
    const place = this.found[k];
    this.input.value = this.shapes.names[place];
    this.#close();
    this.onSelect(place);
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

// The time slider: every step is drawn here, in the browser; the server hears of it when the reader stops.

import { el } from "./dom.js";

export class TimeBar {
  // onStep(i): show step i now. onRest(i): the reader has stopped at i. onWant(): the steps are needed.
  constructor({ onStep, onRest, onWant }) {
    Object.assign(this, { onStep, onRest, onWant });
    this.index = 0;
    this.count = 0;
    const button = (run) => el("button", { type: "button", onclick: run });
    this.back = button(() => this.#move(-1));
    this.play = button(() => (this.timer ? this.stop() : this.start()));
    this.forward = button(() => this.#move(1));
    this.slider = el("input", { type: "range", min: 0, step: 1,
      oninput: () => { this.#halt(); this.#go(Number(this.slider.value)); }, onchange: () => this.onRest(this.index),
      onpointerdown: () => this.onWant(), onfocus: () => this.onWant() });
    this.label = el("output", { "aria-live": "off" });
    this.node = el("div", { class: "time", role: "group", hidden: true }, this.back, this.play, this.forward, this.slider, this.label);
  }

  show({ count, index, say, words }) {
    this.words = words;
    this.say = say;
    this.count = count;
    this.node.hidden = count < 2;
    if (count < 2) return this.#halt();
    this.slider.max = count - 1;
    this.node.setAttribute("aria-label", words.time);
    this.slider.setAttribute("aria-label", words.time);
    for (const [button, word, sign] of [[this.back, words.back, "‹"], [this.forward, words.forward, "›"]]) {
      button.textContent = sign;
      button.setAttribute("aria-label", word);
      button.title = word;
    }
    if (!this.timer) this.index = index;
    this.#write();
  }

  #write() {
    this.slider.value = this.index;
    const text = this.say(this.index);
    this.label.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    const word = this.timer ? this.words.pause : this.words.play;
    if (this.play.title !== word) {
      this.play.textContent = this.timer ? "❚❚" : "▶";
      this.play.setAttribute("aria-label", word);
      this.play.title = word;
    }
  }

  #go(i) {
    this.index = (i + this.count) % this.count;
    this.#write();
    this.onStep(this.index);
  }

  #move(by) {
    this.#halt();
    this.onWant();
    this.#go(this.index + by);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.onRest(this.index), 350);
  }

  // A long series runs through in about twelve seconds; a short one gives the eye time.
  start() {
    this.onWant();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const rate = calm ? 1 : Math.max(2, Math.min(30, this.count / 12));
    let last = performance.now();
    const tick = (now) => {
      if (!this.timer) return;
      this.timer = requestAnimationFrame(tick);
      // A frame that comes a little early still counts; otherwise 30 steps a second become 20.
      if (now - last < 1000 / rate - 4 || !this.ready) return;
      last = Math.max(last + 1000 / rate, now - 1000 / rate);
      this.#go(this.index + 1);
    };
    this.timer = requestAnimationFrame(tick);
    this.#write();
  }

  stop() {
    this.#halt();
    this.onRest(this.index);
  }

  #halt() {
    if (!this.timer) return;
    cancelAnimationFrame(this.timer);
    this.timer = null;
    this.#write();
  }

  destroy() { this.#halt(); clearTimeout(this.resting); }
}

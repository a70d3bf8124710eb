// Small helpers of the page: elements are built from text, never from markup, so that no name can become code.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const fill = (template, values) =>
  template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));

export function formats({ locale, decimals, classes, unit, words }) {
  const value = new Intl.NumberFormat(locale, decimals === null || decimals === undefined
    ? { maximumSignificantDigits: 4 } : { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const edges = classes.breaks.filter((edge) => edge !== null);
  const needed = Math.max(0, ...edges.map((edge) => (String(+edge.toPrecision(9)).split(".")[1] ?? "").length));
  const edge = new Intl.NumberFormat(locale, { minimumFractionDigits: edges.some((e) => Math.abs(e) >= 1e15) ? 0 : Math.min(needed, 9),
    maximumFractionDigits: Math.min(needed, 9) });
  const whole = new Intl.NumberFormat(locale);
  // Labels of single values are categories: the number behind one is a code that says nothing to a reader.
  const coded = classes.distinct && classes.labels.length > 0;
  const shown = (v) => (coded ? classes.labels[classes.breaks.indexOf(v)] : value.format(v));
  const withUnit = (v) => (Number.isFinite(v) ? shown(v) + (unit ? `\u00a0${unit}` : "") : words.no_data);
  return { value: (v) => (Number.isFinite(v) ? shown(v) : words.no_data), withUnit, count: (n) => whole.format(n),
    range: (k) => range(classes, k, (v) => edge.format(v), words) };
}

function range({ breaks, labels, closed, distinct }, k, say, words) {
  const low = breaks[k], high = breaks[k + 1];
  let text;
  if (distinct && labels.length) return { label: "", text: labels[k] };
  if (distinct) text = say(low);
  else if (low === null) text = fill(closed === "left" ? words.below : words.up_to, { high: say(high) });
  else if (high === null) text = fill(closed === "left" ? words.above : words.over, { low: say(low) });
  else if (low === high) text = say(low);
  else text = fill(words.range, { low: say(low), high: say(high) });
  return { label: labels[k] ?? "", text };
}

export function moments({ minutes, step, timezone, locale }) {
  const how = { hour: { dateStyle: "medium", timeStyle: "short" }, day: { dateStyle: "medium" },
    month: { year: "numeric", month: "long" }, year: { year: "numeric" } }[step];
  const format = new Intl.DateTimeFormat(locale, { ...how, timeZone: timezone });
  return (i) => format.format(new Date(minutes[i] * 60000));
}

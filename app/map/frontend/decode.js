// Packets from app/map/encoding.py: a header and integer sections, deflated as a whole.

const MISSING = -128;
const TENS = Float64Array.from({ length: 128 }, (_, k) => Number(`1e${k}`));
const kept = new Map();
const KEEP = 12;

export async function unpack(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const size = raw[0] | (raw[1] << 8) | (raw[2] << 16) | (raw[3] << 24);
  const header = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + size)));
  const sections = {};
  let at = 4 + size;
  for (const [name, count, planes] of header.sections) {
    const out = new Int32Array(count);
    for (let plane = 0; plane < planes; plane++) {
      const shift = 8 * plane;
      for (let i = 0; i < count; i++) out[i] |= raw[at + i] << shift;
      at += count;
    }
    for (let i = 0; i < count; i++) out[i] = (out[i] >>> 1) ^ -(out[i] & 1);
    sections[name] = out;
  }
  return { header, sections };
}

// Files are named by their content, so what the browser holds is always right: never ask the server again.
export function fetchPacket(url) {
  let found = kept.get(url);
  if (!found) {
    found = fetch(url, { cache: "force-cache" }).then(async (answer) => {
      if (!answer.ok) throw new Error(`${answer.status} ${url}`);
      return unpack(await answer.arrayBuffer());
    });
    found.catch(() => kept.delete(url));
  } else {
    kept.delete(url);
  }
  kept.set(url, found);
  if (kept.size > KEEP) kept.delete(kept.keys().next().value);
  return found;
}

// mantissa × 10^exponent with one rounding, as in encoding.py: the same doubles on both sides.
export function decimals(mantissa, exponent, from = 0, count = mantissa.length) {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const e = exponent[from + i];
    const m = mantissa[from + i];
    out[i] = e === MISSING ? NaN : e >= 0 ? m * TENS[e] : m / TENS[-e];
  }
  return out;
}

export function undelta(differences) {
  const out = new Int32Array(differences.length);
  let sum = 0;
  for (let i = 0; i < out.length; i++) out[i] = sum += differences[i];
  return out;
}

// The class of each value, 255 where there is no data; as analytics/classes.py does.
export function classify(values, { breaks, closed }) {
  const inner = breaks.slice(1, -1);
  const found = new Uint8Array(values.length);
  const none = breaks.length < 2;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (none || !Number.isFinite(value)) {
      found[i] = 255;
      continue;
    }
    let k = 0;
    if (closed === "right") while (k < inner.length && value > inner[k]) k++;
    else while (k < inner.length && value >= inner[k]) k++;
    found[i] = k;
  }
  return found;
}

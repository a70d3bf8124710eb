// The still map as a picture of pixels that know their place.
//
// Without a graphics card a frame of the whole map costs a tenth of a second or more. While the view stands
// still only colours change, so the frame is taken apart once: which place owns each pixel, and what lies over
// it (borders, rivers, labels). A change of values, or a step in time, is then one pass over the pixels.

export class Picture {
  constructor() {
    this.node = document.createElement("canvas");
    this.node.className = "picture";
    this.node.setAttribute("aria-hidden", "true");
    this.node.hidden = true;
    this.pen = this.node.getContext("2d", { alpha: false });
    this.ready = false;
    this.turn = 0;
  }

  // Anything drawn by MapLibre makes the picture old.
  drop() {
    this.turn++;
    if (this.ready) {
      this.ready = false;
      this.parts = null;
    }
    this.#show(false);
  }

  // The map below is not taken away, for it has the focus and the pointer, but it need not be composed.
  #show(on) {
    this.node.hidden = !on;
    if (this.below) this.below.style.opacity = on ? "0" : "";
  }

  // Takes the frame apart; returns whether it came to an end before the map moved again.
  async take(map, layer) {
    const turn = ++this.turn;
    const gl = map.painter.context.gl;
    this.below = map.getCanvas();
    const width = gl.drawingBufferWidth, height = gl.drawingBufferHeight;
    const bytes = width * height * 4;
    const buffers = [gl.createBuffer(), gl.createBuffer()];
    const read = (buffer) => {
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
      gl.bufferData(gl.PIXEL_PACK_BUFFER, bytes, gl.STREAM_READ);
      gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, 0);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    };
    // Three frames in one task, of which the screen sees only the last. Reading goes on beside the page.
    this.taking = true;
    layer.pass = "over";
    layer.after = () => {};
    map.redraw();
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    read(buffers[0]);
    layer.pass = "owner";
    layer.after = () => read(buffers[1]);
    map.redraw();
    layer.pass = "normal";
    layer.after = null;
    map.redraw();
    this.taking = false;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    while (!gl.isContextLost()) {
      const state = gl.clientWaitSync(fence, 0, 0);
      if (state === gl.ALREADY_SIGNALED || state === gl.CONDITION_SATISFIED || turn !== this.turn) break;
      await new Promise((resolve) => setTimeout(resolve, 12));
    }
    gl.deleteSync(fence);
    let parts = null;
    if (turn === this.turn && !gl.isContextLost()) {
      const [over, owner] = buffers.map((buffer) => {
        const out = new Uint8Array(bytes);
        gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
        gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, out);
        gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
        return out;
      });
      parts = split(over, owner, width, height);
    }
    buffers.forEach((buffer) => gl.deleteBuffer(buffer));
    if (!parts) return false;
    Object.assign(this.node, { width, height });
    this.image = this.pen.createImageData(width, height);
    this.out = new Uint32Array(this.image.data.buffer);
    this.out.set(parts.ground);
    this.parts = parts;
    this.hatched = null;
    this.ready = true;
    return true;
  }

  paint(found, look, ratio) {
    const { plain, plainOwner, mixed, mixedOwner, width, height } = this.parts;
    const { out } = this;
    const colours = new Uint32Array(256);
    for (let k = 0; k < 16; k++) {
      const [r, g, b] = [0, 1, 2].map((c) => Math.round(look.colours[3 * k + c] * 255));
      colours[k] = (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
    }
    const of = new Uint32Array(found.length);
    for (let i = 0; i < found.length; i++) of[i] = colours[found[i]]; // 0 where there is no data
    this.hatched ??= diagonal(width + height, look, ratio);
    const hatched = this.hatched;
    for (let i = 0; i < plain.length; i++) {
      const at = plain[i];
      out[at] = of[plainOwner[i]] || hatched[(at % width) + height - 1 - ((at / width) | 0)];
    }
    const { ground } = this.parts;
    for (let i = 0; i < mixed.length; i++) {
      const at = mixed[i];
      const c = of[mixedOwner[i]] || hatched[(at % width) + height - 1 - ((at / width) | 0)];
      const o = ground[at]; // premultiplied; what shows through is what its alpha leaves
      const t = 255 - (o >>> 24);
      const r = (o & 255) + (((c & 255) * t + 127) / 255 | 0);
      const g = ((o >> 8) & 255) + ((((c >> 8) & 255) * t + 127) / 255 | 0);
      const b = ((o >> 16) & 255) + ((((c >> 16) & 255) * t + 127) / 255 | 0);
      out[at] = (0xff000000 | (Math.min(b, 255) << 16) | (Math.min(g, 255) << 8) | Math.min(r, 255)) >>> 0;
    }
    this.pen.putImageData(this.image, 0, 0);
    this.#show(true);
  }
}

// Pixels that are all data, pixels with something over the data, and the rest, which never changes.
function split(over, owner, width, height) {
  const total = width * height;
  const from = new Uint32Array(over.buffer), own = new Uint32Array(owner.buffer);
  const ground = new Uint32Array(total);
  const plain = new Uint32Array(total), plainOwner = new Uint32Array(total);
  const mixed = new Uint32Array(total), mixedOwner = new Uint32Array(total);
  let p = 0, m = 0, at = 0;
  for (let y = height - 1; y >= 0; y--) {
    for (let x = 0, source = y * width; x < width; x++, at++, source++) {
      const pixel = from[source];
      const alpha = pixel >>> 24;
      const place = own[source] & 0xffffff; // counted from 1
      ground[at] = pixel;
      if (place === 0 || alpha === 255) ground[at] = (pixel | 0xff000000) >>> 0;
      else if (alpha === 0) { plain[p] = at; plainOwner[p++] = place - 1; }
      else { mixed[m] = at; mixedOwner[m++] = place - 1; }
    }
  }
  return { width, height, ground, plain: plain.slice(0, p), plainOwner: plainOwner.slice(0, p),
    mixed: mixed.slice(0, m), mixedOwner: mixedOwner.slice(0, m) };
}

// The hatch of gl.js along x + y.
function diagonal(length, { paper, stroke }, ratio) {
  return Uint32Array.from({ length }, (_, at) => {
    const across = Math.abs((((at + 1) / ratio) % 7) - 3.5) * 2 + 1;
    const edge = 0.7 / ratio;
    const t = Math.max(0, Math.min(1, (across - 2.6) / -edge));
    const ink = t * t * (3 - 2 * t);
    const [r, g, b] = [0, 1, 2].map((c) => Math.round((paper[c] + (stroke[c] - paper[c]) * ink) * 255));
    return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
  });
}

// Whether frames are drawn by the processor, where they are dear.
export function software(gl) {
  const debug = gl.getExtension("WEBGL_debug_renderer_info");
  return /swiftshader|llvmpipe|software|basic render/i.test(String(debug ? gl.getParameter(debug.UNMASKED_RENDERER_WEBGL) : ""));
}

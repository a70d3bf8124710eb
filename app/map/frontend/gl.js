// Our own MapLibre layer. A change of values is one small texture: the class of each place.
//
// Strokes and dots are quads with four vertices of their own, not instances: software rendering, which is what
// many office machines have, draws each instance as if it were a call of its own, a hundred times slower.

const WIDTH = 1024; // of the class texture
const COMMON = `#version 300 es
precision highp float; precision highp int; precision highp usampler2D;
uniform vec2 u_centre;   // of the view, on the layer's grid, whole
uniform vec2 u_rest;     // what the rounding of u_centre left over
uniform float u_pixels;  // device pixels per grid step
uniform vec2 u_size;     // of the canvas, device pixels
uniform usampler2D u_class;
vec2 onScreen(vec2 grid) { return ((grid - u_centre) - u_rest) * u_pixels; }
vec4 clip(vec2 px) { return vec4(px.x * 2.0 / u_size.x, -px.y * 2.0 / u_size.y, 0.0, 1.0); }
uint classOf(uint place) { return texelFetch(u_class, ivec2(int(place) % ${WIDTH}, int(place) / ${WIDTH}), 0).r; }
`;
const HATCH = `
uniform vec3 u_paper; uniform vec3 u_stroke; uniform float u_ratio;
vec3 hatch() {
  float across = mod((gl_FragCoord.x + gl_FragCoord.y) / u_ratio, 7.0);
  float edge = 0.7 / u_ratio;
  return mix(u_paper, u_stroke, smoothstep(2.6, 2.6 - edge, abs(across - 3.5) * 2.0 + 1.0));
}`;
const FILL = [
  `${COMMON}
  uniform vec3 u_colours[16];
  layout(location=0) in vec2 a_grid; layout(location=1) in uint a_place;
  flat out vec4 v_colour;
  void main() {
    uint k = classOf(a_place);
    v_colour = k == 255u ? vec4(0.0) : vec4(u_colours[min(k, 15u)], 1.0);
    gl_Position = clip(onScreen(a_grid));
  }`,
  `#version 300 es
  precision highp float; flat in vec4 v_colour; out vec4 o; ${HATCH}
  void main() { o = v_colour.a > 0.5 ? v_colour : vec4(hatch(), 1.0); }`,
];
const OWNER = [
  `${COMMON}
  layout(location=0) in vec2 a_grid; layout(location=1) in uint a_place;
  flat out vec3 v_owner;
  void main() {
    uint n = a_place + 1u;
    v_owner = vec3(float(n & 255u), float((n >> 8) & 255u), float(n >> 16)) / 255.0;
    gl_Position = clip(onScreen(a_grid));
  }`,
  `#version 300 es
  precision highp float; flat in vec3 v_owner; out vec4 o;
  void main() { o = vec4(v_owner, 0.0); }`,
];
const STROKE = [
  `${COMMON}
  uniform vec4 u_colours[16]; uniform float u_widths[16]; uniform vec4 u_fixed; uniform float u_width; uniform int u_byClass; uniform float u_cap;
  layout(location=0) in vec4 a_ends; layout(location=1) in uint a_place;
  flat out vec4 v_colour; flat out float v_half; flat out int v_gaps; out float v_off; out float v_along;
  void main() {
    float width = u_width; v_colour = u_fixed; v_along = 0.0; v_gaps = 0;
    if (u_byClass == 1) {
      uint k = classOf(a_place);
      v_colour = k == 255u ? u_fixed : u_colours[min(k, 15u)];
      width = k == 255u ? u_width : u_widths[min(k, 15u)];
      v_gaps = k == 255u ? 1 : 0;
    }
    vec2 a = onScreen(a_ends.xy), b = onScreen(a_ends.zw), d = b - a;
    float len = length(d); d = len > 0.0 ? d / len : vec2(1.0, 0.0);
    int corner = gl_VertexID & 3;
    float u = float(corner & 1), side = float(corner >> 1) * 2.0 - 1.0;
    v_half = width * 0.5; v_off = side * (v_half + 0.75);
    vec2 p = mix(a, b, u) + vec2(-d.y, d.x) * v_off + d * (u * 2.0 - 1.0) * v_half * u_cap;
    v_along = p.x + p.y;
    gl_Position = clip(p);
  }`,
  `#version 300 es
  precision highp float; flat in vec4 v_colour; flat in float v_half; flat in int v_gaps; in float v_off; in float v_along; out vec4 o;
  void main() {
    float ink = clamp(v_half + 0.5 - abs(v_off), 0.0, 1.0) * min(1.0, v_half * 2.0);
    if (v_gaps == 1 && mod(v_along, 9.0) > 5.0) ink = 0.0;
    o = v_colour * ink;
  }`,
];
const DOT = [
  `${COMMON}
  uniform vec3 u_colours[16]; uniform float u_radii[16]; uniform float u_missing;
  layout(location=0) in vec2 a_grid; layout(location=1) in uint a_place;
  flat out vec4 v_colour; flat out float v_radius; out vec2 v_at;
  void main() {
    uint k = classOf(a_place);
    bool none = k == 255u;
    v_colour = none ? vec4(0.0) : vec4(u_colours[min(k, 15u)], 1.0);
    v_radius = none ? u_missing : u_radii[min(k, 15u)];
    int corner = gl_VertexID & 3;
    v_at = (vec2(corner & 1, corner >> 1) * 2.0 - 1.0) * (v_radius + 1.0);
    gl_Position = clip(onScreen(a_grid) + v_at);
  }`,
  `#version 300 es
  precision highp float; flat in vec4 v_colour; flat in float v_radius; in vec2 v_at; out vec4 o;
  uniform vec3 u_rim; uniform float u_rimWidth; ${HATCH}
  void main() {
    float r = length(v_at);
    vec3 inside = v_colour.a > 0.5 ? v_colour.rgb : hatch();
    vec3 c = mix(inside, u_rim, smoothstep(v_radius - u_rimWidth - 0.5, v_radius - u_rimWidth + 0.5, r));
    o = vec4(c, 1.0) * clamp(v_radius + 0.5 - r, 0.0, 1.0);
  }`,
];

export class DataLayer {
  constructor(id) {
    this.id = id;
    this.type = "custom";
    this.renderingMode = "2d";
    this.look = null;
    this.pass = "normal"; // "over": a hole where the data is; "owner": which place owns each pixel
    this.frames = 0;
  }

  onAdd(map, gl) {
    this.map = map;
    this.gl = gl;
    this.programs = { fill: program(gl, FILL), owner: program(gl, OWNER), stroke: program(gl, STROKE), dot: program(gl, DOT) };
    this.texture = gl.createTexture();
    this.buffers = [];
    this.made = null;
    // A new style takes the layer out and puts it in again: nothing made before is left.
    this.rows = 0;
    this.fresh = Boolean(this.found);
  }

  onRemove() {
    const gl = this.gl;
    for (const { program: p } of Object.values(this.programs)) gl.deleteProgram(p);
    this.#forget();
    gl.deleteTexture(this.texture);
  }

  // New geometry: everything on the graphics card is made again at the next frame.
  setShapes(shapes) { this.shapes = shapes; this.stale = true; this.map?.triggerRepaint(); }
  // `quietly`: somebody else shows the change; the card learns of it at its next frame.
  setClasses(found, look, quietly) {
    this.found = found;
    this.look = look;
    this.fresh = true;
    if (!quietly) this.map?.triggerRepaint();
  }

  #forget() {
    const gl = this.gl;
    for (const item of this.buffers) { gl.deleteVertexArray(item.vao); item.own.forEach((b) => gl.deleteBuffer(b)); }
    this.buffers = [];
    this.made = null;
  }

  #array(attributes, index) {
    const gl = this.gl;
    const vao = gl.createVertexArray();
    const own = [];
    gl.bindVertexArray(vao);
    attributes.forEach(({ data, size }, location) => {
      const buffer = gl.createBuffer();
      own.push(buffer);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(location);
      if (data instanceof Uint32Array) gl.vertexAttribIPointer(location, size, gl.UNSIGNED_INT, 0, 0);
      else gl.vertexAttribPointer(location, size, gl.FLOAT, false, 0, 0);
    });
    if (index) {
      const buffer = gl.createBuffer();
      own.push(buffer);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, index, gl.STATIC_DRAW);
    }
    gl.bindVertexArray(null);
    const item = { vao, own };
    this.buffers.push(item);
    return item;
  }

  // Four corners for each item, and the two triangles between them.
  #quads(items, size, places) {
    const n = places.length;
    const data = new Float32Array(n * 4 * size), owner = new Uint32Array(n * 4), index = new Uint32Array(n * 6);
    for (let i = 0; i < n; i++) {
      for (let corner = 0; corner < 4; corner++) {
        const to = (4 * i + corner) * size;
        for (let k = 0; k < size; k++) data[to + k] = items[size * i + k];
      }
      owner.fill(places[i], 4 * i, 4 * i + 4);
      const v = 4 * i, o = 6 * i;
      index[o] = v; index[o + 1] = index[o + 3] = v + 1; index[o + 2] = index[o + 4] = v + 2; index[o + 5] = v + 3;
    }
    const item = this.#array([{ data, size }, { data: owner, size: 1 }], index);
    item.count = index.length;
    return item;
  }

  #make() {
    const s = this.shapes;
    this.#forget();
    this.made = { strokes: new Map() };
    if (s.kind !== "line") {
      const grid = new Float32Array(s.x.length * 2);
      for (let i = 0; i < s.x.length; i++) { grid[2 * i] = s.x[i]; grid[2 * i + 1] = s.y[i]; }
      this.made.main = s.kind === "point" ? this.#quads(grid, 2, s.place)
        : this.#array([{ data: grid, size: 2 }, { data: s.place, size: 1 }], s.triangles);
    }
    this.stale = false;
  }

  #strokes(zoom) {
    const segments = this.shapes.segments(zoom);
    let item = this.made.strokes.get(segments.grain);
    if (!item) {
      item = this.#quads(segments.xy, 4, segments.place);
      this.made.strokes.set(segments.grain, item);
    }
    return item;
  }

  #upload() {
    const gl = this.gl;
    const rows = Math.max(1, Math.ceil(this.found.length / WIDTH));
    const padded = new Uint8Array(rows * WIDTH);
    padded.set(this.found);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    if (this.rows === rows) {
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, WIDTH, rows, gl.RED_INTEGER, gl.UNSIGNED_BYTE, padded);
    } else {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, WIDTH, rows, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, padded);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      this.rows = rows;
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    this.fresh = false;
  }

  render(gl) {
    const s = this.shapes;
    if (!s || !this.found || !this.look || this.found.length !== s.count) return;
    if (this.stale || !this.made) this.#make();
    gl.activeTexture(gl.TEXTURE0);
    if (this.fresh) this.#upload();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.disable(gl.CULL_FACE);
    gl.disable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);

    const zoom = this.map.getZoom();
    const ratio = this.map.getPixelRatio();
    const centre = this.map.getCenter();
    const x = ((centre.lng + 180) / 360 - s.originX) / s.cell;
    const lat = (centre.lat * Math.PI) / 180;
    const y = (0.5 - Math.asinh(Math.tan(lat)) / (2 * Math.PI) - s.originY) / s.cell;
    const pixels = 512 * 2 ** zoom * s.cell * ratio;
    const view = { x: Math.round(x), y: Math.round(y), pixels, ratio, zoom };
    view.restX = x - view.x;
    view.restY = y - view.y;

    if (this.pass === "owner") { this.#drawOwners(view); return; }
    if (s.kind === "polygon") { this.#drawFill(view); this.#drawBorders(view); }
    if (s.kind === "line") this.#drawLines(view);
    if (s.kind === "point") this.#drawDots(view);
    gl.bindVertexArray(null);
    this.frames++;
  }

  #use(name, view) {
    const gl = this.gl;
    const { program: p, at } = this.programs[name];
    gl.useProgram(p);
    gl.uniform2f(at("u_centre"), view.x, view.y);
    gl.uniform2f(at("u_rest"), view.restX, view.restY);
    gl.uniform1f(at("u_pixels"), view.pixels);
    gl.uniform2f(at("u_size"), gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.uniform1i(at("u_class"), 0);
    if (name === "fill" || name === "dot") {
      gl.uniform3fv(at("u_paper"), this.look.paper);
      gl.uniform3fv(at("u_stroke"), this.look.stroke);
      gl.uniform1f(at("u_ratio"), view.ratio);
      gl.uniform3fv(at("u_colours"), this.look.colours);
    }
    return at;
  }

  #drawFill(view) {
    const gl = this.gl;
    this.#use("fill", view);
    if (this.pass === "over") gl.blendFunc(gl.ZERO, gl.ZERO);
    gl.bindVertexArray(this.made.main.vao);
    gl.drawElements(gl.TRIANGLES, this.shapes.triangles.length, gl.UNSIGNED_INT, 0);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  #drawOwners(view) {
    const gl = this.gl;
    const target = gl.createFramebuffer(), store = gl.createRenderbuffer();
    gl.bindRenderbuffer(gl.RENDERBUFFER, store);
    gl.renderbufferStorage(gl.RENDERBUFFER, gl.RGBA8, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, store);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.disable(gl.BLEND);
    this.#use("owner", view);
    gl.bindVertexArray(this.made.main.vao);
    gl.drawElements(gl.TRIANGLES, this.shapes.triangles.length, gl.UNSIGNED_INT, 0);
    gl.bindVertexArray(null);
    this.after();
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.deleteFramebuffer(target);
    gl.deleteRenderbuffer(store);
  }

  #drawBorders(view) {
    // Borders that stand closer than a few pixels would drown the colours they separate.
    const wide = (this.shapes.typical() * view.pixels) / view.ratio;
    const ink = Math.max(0, Math.min(0.75, (wide - 4) / 24));
    if (ink === 0 || (this.sparing && this.map.isMoving())) return;
    const item = this.#strokes(view.zoom);
    this.#stroke(view, item, { colour: this.look.border, ink, width: 0.8 * view.ratio, cap: 0 });
  }

  #stroke(view, item, { colour, ink = 1, width, cap = 1, byClass = false, edge = 0 }) {
    const gl = this.gl;
    const at = this.#use("stroke", view);
    gl.uniform4f(at("u_fixed"), colour[0] * ink, colour[1] * ink, colour[2] * ink, ink);
    gl.uniform1f(at("u_width"), width);
    gl.uniform1f(at("u_cap"), cap);
    gl.uniform1i(at("u_byClass"), byClass ? 1 : 0);
    if (byClass) {
      const four = new Float32Array(64);
      for (let k = 0; k < 16; k++) four.set([...(edge ? colour : this.look.colours.subarray(3 * k, 3 * k + 3)), 1], 4 * k);
      gl.uniform4fv(at("u_colours"), four);
      gl.uniform1fv(at("u_widths"), this.look.widths.map((w) => w * view.ratio + edge));
    }
    gl.bindVertexArray(item.vao);
    gl.drawElements(gl.TRIANGLES, item.count, gl.UNSIGNED_INT, 0);
  }

  #drawLines(view) {
    const item = this.#strokes(view.zoom);
    // A dark edge under each line: pale classes would be lost on the land.
    this.#stroke(view, item, { colour: this.look.rim, width: 2 * view.ratio, byClass: true, edge: 1.5 * view.ratio });
    this.#stroke(view, item, { colour: this.look.stroke, width: 2 * view.ratio, byClass: true });
  }

  #drawDots(view) {
    const gl = this.gl;
    const at = this.#use("dot", view);
    gl.uniform1fv(at("u_radii"), this.look.radii.map((r) => r * view.ratio));
    gl.uniform1f(at("u_missing"), this.look.missing * view.ratio);
    gl.uniform3fv(at("u_rim"), this.look.rim);
    gl.uniform1f(at("u_rimWidth"), view.ratio);
    gl.bindVertexArray(this.made.main.vao);
    gl.drawElements(gl.TRIANGLES, this.made.main.count, gl.UNSIGNED_INT, 0);
  }
}

function program(gl, [vertex, fragment]) {
  const p = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(p, shader);
  }
  gl.linkProgram(p);
  if (!gl.getProgramParameter(p, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(p));
  const known = new Map();
  const at = (name) => {
    if (!known.has(name)) known.set(name, gl.getUniformLocation(p, name));
    return known.get(name);
  };
  return { program: p, at };
}

export function webgl() {
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: false });
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl);
}

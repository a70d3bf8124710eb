// The outlines of the selected place and of the one under the pointer: drawn over the map, so that neither
// costs a frame of it.

const SVG = "http://www.w3.org/2000/svg";

export class Marks {
  constructor() {
    this.node = document.createElementNS(SVG, "svg");
    this.node.setAttribute("class", "marks");
    this.node.setAttribute("aria-hidden", "true");
    this.paths = Object.fromEntries(["hover", "casing", "chosen"].map((name) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", `mark-${name}`);
      this.node.append(path);
      return [name, path];
    }));
    this.selected = this.hovered = -1;
  }

  // project: grid x, y → pixels; radius: of a point's circle; size: of the map in pixels
  draw(shapes, project, radius, size) {
    const reach = [Infinity, Infinity, -Infinity, -Infinity];
    const line = (place) => (place < 0 || place >= shapes.count ? "" : outline(shapes, place, project, radius, reach));
    const chosen = line(this.selected);
    const hover = this.hovered === this.selected ? "" : line(this.hovered);
    this.paths.hover.setAttribute("d", hover);
    this.paths.casing.setAttribute("d", chosen);
    this.paths.chosen.setAttribute("d", chosen);
    // No larger than what it shows: a sheet over the whole map would be composed anew with every frame.
    const [left, top] = [Math.max(0, reach[0] - 6), Math.max(0, reach[1] - 6)].map(Math.floor);
    const [right, bottom] = [Math.min(size[0], reach[2] + 6), Math.min(size[1], reach[3] + 6)].map(Math.ceil);
    const seen = right > left && bottom > top;
    this.node.style.display = seen ? "" : "none";
    if (!seen) return;
    Object.assign(this.node.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    this.node.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
  }
}

function outline(shapes, place, project, radius, reach) {
  const out = [];
  const note = (x, y, r) => {
    reach[0] = Math.min(reach[0], x - r);
    reach[1] = Math.min(reach[1], y - r);
    reach[2] = Math.max(reach[2], x + r);
    reach[3] = Math.max(reach[3], y + r);
  };
  for (let part = shapes.placeStart[place]; part < shapes.placeStart[place + 1]; part++) {
    let lastX = Infinity, lastY = Infinity;
    const start = shapes.partStart[part], end = shapes.partStart[part + 1];
    for (let v = start; v < end; v++) {
      const [x, y] = project(shapes.x[v], shapes.y[v]);
      if (shapes.kind === "point") {
        const r = radius(place) + 2;
        note(x, y, r);
        out.push(`M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`);
        continue;
      }
      // Vertices within half a pixel add nothing that can be seen.
      if (v > start && v < end - 1 && Math.abs(x - lastX) < 0.5 && Math.abs(y - lastY) < 0.5) continue;
      note(x, y, 0);
      out.push(`${v === start ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
      lastX = x;
      lastY = y;
    }
    if (shapes.kind === "polygon") out.push("Z");
  }
  return out.join("");
}

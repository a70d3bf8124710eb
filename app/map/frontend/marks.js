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
      path.setAttribute("class", name);
      this.node.append(path);
      return [name, path];
    }));
    this.selected = this.hovered = -1;
  }

  // project: grid x, y → pixels; radius: of a point's circle
  draw(shapes, project, radius) {
    const line = (place) => (place < 0 || place >= shapes.count ? "" : outline(shapes, place, project, radius));
    const chosen = line(this.selected);
    this.paths.hover.setAttribute("d", this.hovered === this.selected ? "" : line(this.hovered));
    this.paths.casing.setAttribute("d", chosen);
    this.paths.chosen.setAttribute("d", chosen);
  }
}

function outline(shapes, place, project, radius) {
  const out = [];
  for (let part = shapes.placeStart[place]; part < shapes.placeStart[place + 1]; part++) {
    let lastX = Infinity, lastY = Infinity;
    const start = shapes.partStart[part], end = shapes.partStart[part + 1];
    for (let v = start; v < end; v++) {
      const [x, y] = project(shapes.x[v], shapes.y[v]);
      if (shapes.kind === "point") {
        const r = radius(place) + 2;
        out.push(`M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`);
        continue;
      }
      // Vertices within half a pixel add nothing that can be seen.
      if (v > start && v < end - 1 && Math.abs(x - lastX) < 0.5 && Math.abs(y - lastY) < 0.5) continue;
      out.push(`${v === start ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
      lastX = x;
      lastY = y;
    }
    if (shapes.kind === "polygon") out.push("Z");
  }
  return out.join("");
}

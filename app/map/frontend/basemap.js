// The ground under the data: quiet land and water, lines and labels drawn from the machine itself.

export function palette(dark) {
  return dark
    ? { water: "#1d2b35", land: "#2b3338", country: "#9aa7ae", state: "#76838b", river: "#3b5666", lake: "#1d2b35",
        label: "#e7ecef", halo: "#1b2226", faint: "#b7c2c8" }
    : { water: "#dde8ee", land: "#f7f6f2", country: "#6d747a", state: "#8b9298", river: "#a9c6d6", lake: "#dde8ee",
        label: "#2b3237", halo: "#ffffff", faint: "#5b646b" };
}

const of = (...kinds) => ["in", ["get", "kind"], ["literal", kinds]];

// Layers below the data, then those above it; `kind` is what the data is drawn as.
export function style(geojson, dark, kind) {
  const c = palette(dark);
  const empty = { type: "FeatureCollection", features: [] };
  const lakes = { id: "lakes", type: "fill", source: "ground", filter: of("lake"), paint: { "fill-color": c.lake } };
  const rivers = { id: "rivers", type: "line", source: "ground", filter: of("river"),
    paint: { "line-color": c.river, "line-width": ["interpolate", ["linear"], ["zoom"], 4, 0.5, 8, 1.3] } };
  const lines = [
    { id: "states", type: "line", source: "ground", filter: of("state"),
      paint: { "line-color": c.state, "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.6, 8, 1.4], "line-opacity": 0.9 } },
    { id: "countries", type: "line", source: "ground", filter: of("country"),
      paint: { "line-color": c.country, "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.9, 8, 1.8] } },
  ];
  const labels = (id, kinds, extra) => ({ id, type: "symbol", source: "ground", filter: of(...kinds),
    layout: { "icon-image": ["concat", id, "|", ["coalesce", ["get", "shown"], ["get", "name"]]], "icon-padding": 4,
      "symbol-sort-key": ["coalesce", ["get", "rank"], 5], ...extra } });
  const polygons = kind === "polygon";
  return {
    version: 8,
    sources: { ground: { type: "geojson", data: geojson ?? empty, tolerance: 0.3, maxzoom: 12 } },
    layers: [
      { id: "water", type: "background", paint: { "background-color": geojson ? c.water : c.land } },
      { id: "land", type: "fill", source: "ground", filter: of("land"), paint: { "fill-color": c.land, "fill-antialias": false } },
      ...(polygons ? [] : [lakes, rivers, ...lines]),
      { id: "data-goes-here", type: "background", layout: { visibility: "none" } },
      ...(polygons ? [lakes, rivers, ...lines] : []),
      labels("area", ["state_label", "country_label"], { "icon-padding": 12 }),
      labels("town", ["city"], { "icon-anchor": "left", "icon-offset": [-3.5, 0] }),
    ],
  };
}

// A label is a small picture: MapLibre keeps pictures apart from each other, and needs no font server.
export function drawLabel(map, id, dark, font) {
  const cut = id.indexOf("|");
  const what = id.slice(0, cut);
  const c = palette(dark);
  const ratio = Math.max(2, Math.ceil(window.devicePixelRatio || 1));
  const town = what === "town";
  const text = town ? id.slice(cut + 1) : id.slice(cut + 1).toLocaleUpperCase();
  const size = town ? 11.5 : 11;
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const face = `${town ? 400 : 500} ${size * ratio}px ${font}`;
  const spacing = town ? 0 : 1.2 * ratio;
  const set = () => {
    pen.font = face;
    if ("letterSpacing" in pen) pen.letterSpacing = `${spacing}px`;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
  };
  set();
  const pad = 3 * ratio;
  const dot = town ? 9 * ratio : 0;
  canvas.width = Math.ceil(pen.measureText(text).width + 2 * pad + dot);
  canvas.height = Math.ceil((size + 7) * ratio);
  set();
  const middle = canvas.height / 2;
  if (town) {
    pen.beginPath();
    pen.arc(3.5 * ratio, middle, 2 * ratio, 0, 7);
    pen.fillStyle = c.label;
    pen.strokeStyle = c.halo;
    pen.lineWidth = 1.6 * ratio;
    pen.stroke();
    pen.fill();
  }
  pen.strokeStyle = c.halo;
  pen.lineWidth = 2.6 * ratio;
  pen.globalAlpha = 0.85;
  pen.strokeText(text, pad + dot - (town ? 2 * ratio : 0), middle);
  pen.globalAlpha = 1;
  pen.fillStyle = town ? c.label : c.faint;
  pen.fillText(text, pad + dot - (town ? 2 * ratio : 0), middle);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  if (!map.hasImage(id)) map.addImage(id, { width: canvas.width, height: canvas.height, data }, { pixelRatio: ratio });
}

// Chinese readers get the Chinese name where there is one, in the script they read.
export function localised(geojson, locale) {
  if (!geojson || !locale.startsWith("zh")) return geojson;
  const column = new Intl.Locale(locale).maximize().script === "Hant" ? "name_zh_hant" : "name_zh_hans";
  return { ...geojson, features: geojson.features.map((f) =>
    f.properties[column] ? { ...f, properties: { ...f.properties, shown: f.properties[column] } } : f) };
}

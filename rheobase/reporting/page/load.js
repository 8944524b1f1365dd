// Plotly lies in the page, packed: it is unpacked once, and nothing is asked of a network.

"use strict";

const report = JSON.parse(document.getElementById("report").textContent);

// Kinds of trace that figures have, beside lines and marks, which Plotly always has.
const KINDS = ["bar", "heatmap"];

function packed() {
  const text = document.getElementById("plotly").textContent.trim();
  // Browsers before 2025 have none.
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

async function unpacked() {
  const stream = new Blob([packed()]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// Starting all kinds of trace, and reading the bundle's outer function twice, is most of the time until
// a figure is drawn. Plotly's list of kinds begins with bar, box, heatmap.
function trimmed(bundle) {
  const from = bundle.indexOf("var Plotly=(()=>{");
  const to = bundle.lastIndexOf("window.Plotly = Plotly;");
  const list = /\.register\(\[(\w+\(\)),\w+\(\),(\w+\(\)),[^\]]*\]\)/;
  if (from < 0 || to < from || !list.test(bundle)) return null;
  return `${bundle.slice(from, to).replace(list, ".register([$1,$2])")}window.Plotly = Plotly;`;
}

function run(code) {
  const script = document.createElement("script");
  script.textContent = code;
  document.head.append(script);
}

function complete() {
  return window.Plotly !== undefined && KINDS.every((kind) => kind in Plotly.PlotSchema.get().traces);
}

// Another bundle than the one that this was made for runs as it is.
async function loadPlotly() {
  const bundle = await unpacked();
  const part = trimmed(bundle);
  if (part !== null) run(part);
  if (!complete()) run(bundle);
}

// Colours are the style sheet's, so that light, dark and print have one place.
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function themed(layout) {
  const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), automargin: true };
  const found = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("ink"), family: "inherit", size: 13 },
    margin: { l: 20, r: 16, t: 40, b: 20 },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    ...layout,
  };
  for (const name of ["xaxis", "yaxis"]) found[name] = { ...axis, ...(layout[name] || {}) };
  return found;
}

// Figures by the id of their place: what gives their traces and layout, what a click does.
const figures = new Map();

async function draw(id) {
  const place = document.getElementById(id);
  const { traces, layout } = figures.get(id).figure();
  await Plotly.react(place, traces, themed(layout), { displayModeBar: false });
}

// From nothing: Plotly keeps room for a legend as it was at another width.
async function drawAnew(id) {
  const place = document.getElementById(id);
  Plotly.purge(place);
  await draw(id);
  const { clicked } = figures.get(id);
  if (clicked) place.on("plotly_click", clicked);
}

function add(id, figure, clicked) {
  if (document.getElementById(id)) figures.set(id, { figure, clicked });
}

function fill(select, names) {
  select.replaceChildren(...names.map((name, index) => new Option(name, index)));
}

function heat(x, y, z, title) {
  return {
    type: "heatmap", x, y, z, hoverongaps: false,
    colorscale: "Viridis", colorbar: { title: { text: title, side: "right" }, thickness: 12 },
  };
}

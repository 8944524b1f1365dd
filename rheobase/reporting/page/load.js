// Plotly lies in the page, packed: it is unpacked once, and nothing is asked of a network.

"use strict";

const report = JSON.parse(document.getElementById("report").textContent);

async function loadPlotly() {
  const packed = atob(document.getElementById("plotly").textContent.trim());
  const bytes = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at += 1) bytes[at] = packed.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
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

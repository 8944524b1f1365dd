// Figures that a reader steps through: spikes of a neuron, and the pipeline's occupancy.

const chosen = { layer: 0, image: 0, neuron: 0, step: report.spikes.layers.length ? report.spikes.layers[0].T : 1, doing: 0 };

function place(neuron) {
  return `channel ${neuron.channel}, row ${neuron.row}, column ${neuron.column}`;
}

// T of the chosen layer: in radix layers may have one of their own.
function ownSteps() {
  return report.spikes.layers[chosen.layer].T;
}

function shownNeuron() {
  const layer = report.spikes.layers[chosen.layer];
  return layer.neurons[Math.min(chosen.neuron, layer.neurons.length - 1)];
}

function raster() {
  const { neurons } = report.spikes.layers[chosen.layer];
  const marks = { 1: { x: [], y: [], text: [] }, "-1": { x: [], y: [], text: [] } };
  neurons.forEach((neuron, row) => neuron.spikes[chosen.image].forEach((spike, step) => {
    if (spike && step < chosen.step) {
      const mark = marks[spike];
      mark.x.push(step + 1);
      mark.y.push(row);
      mark.text.push(place(neuron));
    }
  }));
  const traces = [[1, "spike", "one"], [-1, "negative spike", "two"]]
    .filter(([sign]) => sign === 1 || marks[sign].x.length)
    .map(([sign, name, shade]) => ({
      ...marks[sign], name, mode: "markers", marker: { symbol: "line-ns", size: 12, line: { width: 3, color: colour(shade) } },
      hovertemplate: "%{text}, t = %{x}<extra></extra>",
    }));
  const row = Math.min(chosen.neuron, neurons.length - 1);
  const shapes = [
    { type: "rect", xref: "paper", x0: 0, x1: 1, y0: row - 0.5, y1: row + 0.5, line: { width: 0 }, fillcolor: colour("line"), opacity: 0.5, layer: "below" },
    { type: "line", yref: "paper", y0: 0, y1: 1, x0: chosen.step + 0.5, x1: chosen.step + 0.5, line: { color: colour("quiet"), dash: "dot", width: 1 } },
  ];
  return {
    traces,
    layout: {
      shapes, showlegend: traces.length > 1,
      xaxis: { title: { text: "time step t" }, range: [0.5, ownSteps() + 0.5], dtick: ownSteps() > 16 ? undefined : 1 },
      yaxis: { title: { text: "neuron" }, range: [neurons.length - 0.5, -0.5], tickvals: [] },
    },
  };
}

function thresholds(neuron) {
  const steps = ownSteps();
  return Array.from({ length: steps }, (_, step) =>
    report.network.coding === "radix" ? neuron.threshold * 2 ** (steps - 1 - step) : neuron.threshold);
}

function potential() {
  const neuron = shownNeuron();
  const seen = neuron.potentials[chosen.image].slice(0, chosen.step);
  const x = seen.map((_, step) => step + 1);
  const fires = neuron.spikes[chosen.image].slice(0, chosen.step);
  const limits = thresholds(neuron);
  const all = limits.map((_, step) => step + 1);
  const traces = [
    { name: "membrane potential", x, y: seen, mode: "lines+markers", line: { color: colour("one") }, marker: { size: 7 } },
    { name: report.network.coding === "radix" ? "threshold of the plane" : "threshold", x: all, y: limits, mode: "lines", line: { color: colour("two"), dash: "dash", shape: "hvh" } },
    { name: "spike", x: x.filter((_, step) => fires[step]), y: seen.filter((_, step) => fires[step]), mode: "markers", marker: { color: colour("three"), symbol: "star", size: 13 } },
  ];
  return {
    traces,
    layout: {
      title: { text: place(neuron), font: { size: 14 }, x: 0, xanchor: "left", y: 0.99, yanchor: "top" }, margin: { l: 20, r: 16, t: 70, b: 20 },
      xaxis: { title: { text: "time step t" }, range: [0.5, ownSteps() + 0.5], dtick: ownSteps() > 16 ? undefined : 1 },
      yaxis: { title: { text: "weight units" } },
    },
  };
}

function pipelineTime() {
  const { edges, layers } = report.hardware.pipeline;
  const shares = layers.map((layer) => layer.cycles[chosen.doing].map((cycles, bin) => (100 * cycles) / (edges[bin + 1] - edges[bin])));
  const title = `${report.hardware.pipeline.doing[chosen.doing]} (%)`;
  return {
    traces: [{ ...heat(edges.slice(0, -1), names(layers), shares, title), zmin: 0, zmax: 100, hovertemplate: "%{y}, from cycle %{x}: %{z:.0f} %<extra></extra>" }],
    layout: { xaxis: { title: { text: "cycle since the image's first pixel" } }, yaxis: { type: "category", autorange: "reversed" } },
  };
}

function pipelineTotal() {
  const { cycles, doing, layers } = report.hardware.pipeline;
  const shades = ["one", "five", "two", "line"];
  return {
    traces: doing.map((name, index) => ({
      type: "bar", orientation: "h", name, y: names(layers), marker: { color: colour(shades[index]) },
      x: layers.map((layer) => (100 * layer.cycles[index].reduce((sum, value) => sum + value, 0)) / cycles),
    })),
    layout: { barmode: "stack", xaxis: { title: { text: "cycles (%)" }, range: [0, 100] }, yaxis: { type: "category", autorange: "reversed" } },
  };
}

function refreshSpikes() {
  document.getElementById("spikes-now").textContent = `t = ${chosen.step}`;
  draw("spikes-raster");
  draw("spikes-potential");
}

function fillNeurons() {
  chosen.neuron = Math.min(chosen.neuron, report.spikes.layers[chosen.layer].neurons.length - 1);
  const select = document.getElementById("spikes-neuron");
  fill(select, report.spikes.layers[chosen.layer].neurons.map(place));
  select.value = chosen.neuron;
}

function chooseRow(event) {
  chosen.neuron = event.points[0].y;
  document.getElementById("spikes-neuron").value = chosen.neuron;
  refreshSpikes();
}

function spikeControls() {
  const control = (name) => document.getElementById(`spikes-${name}`);
  control("step").max = ownSteps();
  fill(control("layer"), names(report.spikes.layers));
  fill(control("image"), report.spikes.images.map((image) => `${image}`));
  fillNeurons();
  const step = (to) => {
    chosen.step = Math.max(1, Math.min(ownSteps(), to));
    control("step").value = chosen.step;
    refreshSpikes();
  };
  control("layer").addEventListener("change", (event) => { chosen.layer = Number(event.target.value); fillNeurons(); control("step").max = ownSteps(); step(ownSteps()); });
  control("image").addEventListener("change", (event) => { chosen.image = Number(event.target.value); refreshSpikes(); });
  control("neuron").addEventListener("change", (event) => { chosen.neuron = Number(event.target.value); refreshSpikes(); });
  control("step").addEventListener("input", (event) => step(Number(event.target.value)));
  control("back").addEventListener("click", () => step(chosen.step - 1));
  control("on").addEventListener("click", () => step(chosen.step + 1));
  control("now").textContent = `t = ${chosen.step}`;
}

function pipelineControls() {
  const select = document.getElementById("pipeline-doing");
  if (!select) return;
  fill(select, report.hardware.pipeline.doing);
  select.addEventListener("change", (event) => { chosen.doing = Number(event.target.value); draw("pipeline-time"); });
}

if (report.spikes.layers.length) {
  add("spikes-raster", raster, chooseRow);
  add("spikes-potential", potential);
}
add("pipeline-time", pipelineTime);
add("pipeline-total", pipelineTotal);

function inSight(id) {
  return document.getElementById(id).getBoundingClientRect().top < window.innerHeight;
}

function pause() {
  return new Promise((resume) => setTimeout(resume));
}

// Says how far drawing is, and when that was.
function drawn(state) {
  document.documentElement.dataset.drawn = state;
  performance.mark(`drawn-${state}`);
}

async function start() {
  await loadPlotly();
  const drawAll = () => Promise.all([...figures.keys()].map(drawAnew));
  const ids = [...figures.keys()];
  const first = ids.filter(inSight);
  await Promise.all(first.map(drawAnew));
  drawn("sight");
  // The others one by one, so that the page can be scrolled and clicked meanwhile.
  for (const id of ids.filter((each) => !first.includes(each))) {
    await pause();
    await drawAnew(id);
  }
  if (report.spikes.layers.length) spikeControls();
  pipelineControls();
  for (const kind of ["(prefers-color-scheme: dark)", "print"]) {
    window.matchMedia(kind).addEventListener("change", drawAll);
  }
  let width = window.innerWidth;
  let waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a phone's address bar comes and goes
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });
  drawn("yes");
}

start().catch((error) => {
  const place = document.getElementById("failed");
  place.textContent = `The figures could not be drawn: ${error.message}`;
  place.hidden = false;
  console.error(error);
});

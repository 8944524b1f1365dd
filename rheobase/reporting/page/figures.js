// Figures that have no controls of their own.

function accuracySteps() {
  const { by_steps: points, cnn } = report.accuracy;
  const x = points.map((point) => point.T);
  const traces = [{
    name: "golden model", x, y: points.map((point) => point.percent), mode: "lines+markers",
    line: { color: colour("one") }, marker: { size: 7 },
    customdata: points.map((point) => point.t0),
    hovertemplate: "T = %{x}, t0 = %{customdata}: %{y:.2f} %<extra></extra>",
    error_y: {
      type: "data", symmetric: false, thickness: 1,
      array: points.map((point) => point.high - point.percent),
      arrayminus: points.map((point) => point.percent - point.low),
    },
  }];
  if (cnn) {
    const ends = x.length > 1 ? [x[0], x[x.length - 1]] : [x[0] - 0.5, x[0] + 0.5];
    traces.push({ name: "CNN", x: ends, y: [cnn.percent, cnn.percent], mode: "lines", line: { color: colour("two"), dash: "dash" } });
  }
  return { traces, layout: { xaxis: { title: { text: "T, time steps" }, dtick: x.length > 16 ? undefined : 1 }, yaxis: { title: { text: "right answers (%)" } } } };
}

function accuracyGrid() {
  const { steps, delays, percent } = report.accuracy.grid;
  const turned = delays.map((_, column) => percent.map((row) => row[column]));
  return {
    traces: [{ ...heat(steps, delays, turned, "right answers (%)"), hovertemplate: "T = %{x}, t0 = %{y}: %{z:.2f} %<extra></extra>" }],
    layout: { xaxis: { title: { text: "T, time steps" } }, yaxis: { title: { text: "t0" } } },
  };
}

function names(entries) {
  return entries.map((entry) => entry.name);
}

function ratesLayers() {
  return {
    traces: [{ type: "bar", x: names(report.rates), y: report.rates.map((layer) => layer.spikes_per_neuron), marker: { color: colour("one") } }],
    layout: { xaxis: { title: { text: "layer" }, type: "category" }, yaxis: { title: { text: "spikes per neuron and image" }, rangemode: "tozero" } },
  };
}

function ratesSteps() {
  const longest = Math.max(...report.rates.map((layer) => layer.by_step.length));
  const steps = Array.from({ length: longest }, (_, step) => step + 1);
  return {
    traces: [{ ...heat(steps, names(report.rates), report.rates.map((layer) => layer.by_step), "spikes per neuron"), zmin: 0 }],
    layout: { xaxis: { title: { text: "time step t" }, dtick: steps.length > 16 ? undefined : 1 }, yaxis: { type: "category", autorange: "reversed" } },
  };
}

function lostErrors() {
  const kinds = [["entering", "one"], ["weights", "two"], ["clipping", "three"], ["levels", "four"], ["timing", "five"]];
  const { layers } = report.diagnosis;
  const bars = kinds.map(([kind, shade]) => ({
    type: "bar", name: kind, x: names(layers), y: layers.map((layer) => 100 * layer[kind]), marker: { color: colour(shade) },
  }));
  const total = {
    name: "delivered in all", mode: "markers", x: names(layers), y: layers.map((layer) => 100 * layer.total),
    marker: { color: colour("ink"), symbol: "diamond-open", size: 9 },
  };
  return { traces: [...bars, total], layout: { barmode: "group", xaxis: { title: { text: "layer" }, type: "category" }, yaxis: { title: { text: "error (%)" } } } };
}

function lostAnswers() {
  const { layers, cnn_answers: whole } = report.diagnosis;
  return {
    traces: [
      { name: "that layer exact", mode: "markers", x: names(layers), y: layers.map((layer) => layer.cnn_answers), marker: { color: colour("one"), size: 9 } },
      { name: "as it is", mode: "lines", x: names(layers), y: layers.map(() => whole), line: { color: colour("two"), dash: "dash" } },
    ],
    layout: { xaxis: { title: { text: "layer" }, type: "category" }, yaxis: { title: { text: "answers as the CNN's (%)" } } },
  };
}

function boardUsage() {
  const usage = report.board.usage;
  const shares = usage.map((entry) => (100 * entry.used) / entry.available);
  return {
    traces: [{
      type: "bar", orientation: "h", y: usage.map((entry) => entry.kind), x: shares,
      text: usage.map((entry) => `${entry.used.toLocaleString("en")} of ${entry.available.toLocaleString("en")}`),
      textposition: "auto", marker: { color: shares.map((share) => colour(share > 100 ? "two" : "one")) },
      hovertemplate: "%{y}: %{text} (%{x:.1f} %)<extra></extra>",
    }],
    layout: { xaxis: { title: { text: "taken of the device (%)" }, range: [0, Math.max(100, ...shares)] }, yaxis: { autorange: "reversed" } },
  };
}

function energyLayers() {
  const { layers } = report.energy;
  return {
    traces: [{ type: "bar", x: names(layers), y: layers.map((layer) => layer.synaptic_operations), marker: { color: colour("three") } }],
    layout: { xaxis: { title: { text: "layer" }, type: "category" }, yaxis: { title: { text: "synaptic operations per image" } } },
  };
}

add("accuracy-steps", accuracySteps);
add("accuracy-grid", accuracyGrid);
add("rates-layers", ratesLayers);
add("rates-steps", ratesSteps);
add("lost-errors", lostErrors);
add("lost-answers", lostAnswers);
add("board-usage", boardUsage);
add("energy-layers", energyLayers);

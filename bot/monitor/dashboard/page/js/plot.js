// The chart library, dressed for this page: quiet axes, colours from the theme, no tool bar.

const charts = new Map();

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Journal text in a hover label: the library reads a little markup, so none may reach it. Of ours
// only line breaks do: everything else it would style inline, which the page's policy forbids.
export const inert = (text) => String(text ?? "").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export function axis(more = {}) {
  return {
    gridcolor: colour("faint"), linecolor: colour("line"), zerolinecolor: colour("line"), zerolinewidth: 1,
    tickfont: { size: 10, color: colour("ink2") }, automargin: true, fixedrange: false, ...more,
  };
}

export const timeAxis = (more = {}) => axis({
  type: "date", hoverformat: "%H:%M:%S UTC", tickformatstops: [
    { dtickrange: [null, 60_000], value: "%H:%M:%S" }, { dtickrange: [60_000, 86_400_000], value: "%H:%M" },
    { dtickrange: [86_400_000, null], value: "%d %b" },
  ], ...more,
});

// Times are drawn in UTC, whatever the reader's clock says.
export const utc = (ms) => new Date(ms).toISOString().slice(0, 23);

// From loss to gain through the paper's own colour; told apart by anyone.
export function diverging() {
  const dark = document.documentElement.getAttribute("data-theme") === "dark";
  return dark
    ? [[0, "#b3441a"], [0.25, "#7a3a22"], [0.5, "#10161d"], [0.75, "#1d4e72"], [1, "#3d9ad6"]]
    : [[0, "#c2541b"], [0.25, "#eeb796"], [0.5, "#ffffff"], [0.75, "#9fc9e6"], [1, "#0072b2"]];
}

function base(layout) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, autosize: true,
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("ink") },
    margin: { l: 8, r: 8, t: 8, b: 8 }, hovermode: "closest", dragmode: "zoom",
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line"), font: { size: 11, color: colour("ink") }, align: "left" },
    ...layout,
  };
}

export function draw(node, traces, layout) {
  if (!window.Plotly) return;
  const config = { displayModeBar: false, responsive: false, doubleClick: "reset", scrollZoom: false, typesetMath: false, logging: 0 };
  charts.set(node, true);
  window.Plotly.react(node, traces, base(layout), config);
}

export const ready = () => Boolean(window.Plotly);

// Widths follow the panel; heights are the panel's own word.
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) if (charts.has(target) && target.offsetWidth) window.Plotly?.Plots.resize(target);
});

export function chart(height, label) {
  const node = document.createElement("div");
  node.className = "chart";
  node.style.setProperty("height", `${height}px`);
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", label);
  sizes.observe(node);
  return node;
}

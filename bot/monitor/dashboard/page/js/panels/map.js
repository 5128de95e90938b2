// Spot against volatility: what the book would make, and where its delta would be.

import { empty, fill, h } from "../dom.js";
import { num, places, signed, usdSigned } from "../format.js";
import { axis, chart, colour, diverging, draw } from "../plot.js";
import { coinOf, store } from "../store.js";

const left = chart(290, "Profit and loss over moves of spot and volatility");
const right = chart(290, "Delta over moves of spot and volatility");

export const map = {
  id: "map", key: "m", title: "Spot × volatility", needs: ["map"], slow: true,
  about: () => "P&L in USD and delta in coin, at once; volatilities stay with their strikes · lines: the owner's band",
  draw(body) {
    const found = store.parts.map?.[store.coin];
    if (!found) return fill(body, empty(store.parts.uncomputed ? `The map could not be computed: ${store.parts.uncomputed}` : "No map yet: it needs an index and the Greeks of the book, which a bot shows once a second."));
    const pair = left.parentNode?.parentNode === body ? null : h("div", { class: "pair" }, left, right);
    if (pair) fill(body, pair, h("div", { class: "facts spread" }));
    const digits = places((coinOf()?.upper ?? 0.1) - (coinOf()?.lower ?? -0.1)) - 1;
    heat(left, found, "pnl", "P&L USD", (x) => usdSigned(x, 0), []);
    heat(right, found, "delta", `delta ${store.coin}`, (x) => signed(x, digits), band());
    fill(body.lastChild, facts(found));
  },
};

function band() {
  const one = coinOf();
  return one ? [one.lower, one.upper] : [];
}

function heat(node, found, name, title, say, levels) {
  const z = found[name], most = Math.max(...z.flat().map(Math.abs), 1e-9);
  const text = z.map((row, i) => row.map((x, j) =>
    `spot ${signed(found.moves[j], 0)} % (${num(found.index * (1 + found.moves[j] / 100), 0)})<br>vol × ${num(1 + found.vols[i] / 100, 2)}<br>${say(x)}`));
  const lines = levels.map((level) => ({
    type: "contour", x: found.moves, y: found.vols, z, showscale: false, hoverinfo: "skip", autocontour: false,
    contours: { start: level, end: level, size: 1, coloring: "none" }, line: { color: colour("ink"), width: 1.6, smoothing: 0.6 },
  }));
  const zero = {
    type: "contour", x: found.moves, y: found.vols, z, showscale: false, hoverinfo: "skip", autocontour: false,
    contours: { start: 0, end: 0, size: 1, coloring: "none" }, line: { color: colour("ink3"), width: 1, dash: "dot" },
  };
  draw(node, [
    { type: "heatmap", x: found.moves, y: found.vols, z, zmin: -most, zmax: most, zmid: 0, colorscale: diverging(), zsmooth: "best",
      showscale: false, text, hovertemplate: "%{text}<extra></extra>" },
    zero, ...lines,
    { x: [0], y: [0], mode: "markers", hoverinfo: "skip", marker: { symbol: "cross-thin", size: 12, line: { width: 1.6, color: colour("ink") } } },
  ], {
    uirevision: `${store.coin} ${name}`, margin: { l: 8, r: 4, t: 22, b: 8 },
    annotations: [{ text: `${title} · from ${say(-most)} (orange) to ${say(most)} (blue)`, xref: "paper", yref: "paper", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 11, color: colour("ink2") } }],
    xaxis: axis({ title: { text: "spot, %", font: { size: 10, color: colour("ink2") }, standoff: 2 }, tickformat: "+", zeroline: false, showgrid: false }),
    yaxis: axis({ title: { text: "volatility, %", font: { size: 10, color: colour("ink2") }, standoff: 2 }, tickformat: "+", zeroline: false, showgrid: false }),
  });
}

function facts(found) {
  const at = [-10, -5, -2, 2, 5, 10].map((move) => [move, found.moves.indexOf(move)]).filter(([, i]) => i >= 0);
  return [
    ...at.map(([move, i]) => h("div", { class: "fact" }, h("span", { class: "label" }, `spot ${signed(move, 0)} %`), h("span", { class: "value number" }, usdSigned(found.profile.pnl[i], 0)))),
    h("div", { class: "fact" }, h("span", { class: "label" }, `worst of the map · spot ${signed(found.worst.move, 0)} %, vol ${signed(found.worst.vol, 0)} %`), h("span", { class: "value number" }, usdSigned(found.worst.usd, 0))),
  ];
}

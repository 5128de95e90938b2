// Delta between both bands, with every hedge, over gamma and the index.

import { empty, fill, h } from "../dom.js";
import { because, num, places, reason, signed, usd } from "../format.js";
import { axis, chart, colour, draw, inert, timeAxis, utc } from "../plot.js";
import { inputsOf, series, store } from "../store.js";

const WINDOWS = [["15m", 900], ["1h", 3_600], ["4h", 14_400], ["1d", 86_400], ["all", Infinity]];
const DAY = 3, ALL = 4;
let wanted = null;

// Everything, but of a run that is older than a day the last day: until somebody chooses.
function chosen() {
  const t = series("points")?.t ?? [];
  return wanted ?? (t.length && t.at(-1) - t[0] > WINDOWS[DAY][1] * 1000 ? DAY : ALL);
}

const node = chart(560, "Delta against its bands over time, gamma and index below");

export const exposure = {
  id: "exposure", key: "e", title: "Exposure against its bands", needs: ["points", "hedges", "plan"], slow: true,
  turn() { wanted = (chosen() + 1) % WINDOWS.length; },
  tools: (again) => WINDOWS.map(([name], i) => h("button", {
    type: "button", "aria-pressed": String(i === chosen()), onclick: () => { wanted = i; again(); },
  }, name)),
  about: () => `${store.coin ?? ""} · delta coin, gamma coin per 1 %, index USD · shaded: owner's band, the policy's inside it · hedges: ◆ delta ★ gamma ● unwind`,
  draw(body) {
    const points = series("points");
    if (!points?.t?.length) return fill(body, empty("No exposure has been measured yet: the bot waits for its positions and for prices."));
    if (node.parentNode !== body) fill(body, node);
    const begin = points.t.at(-1) - WINDOWS[chosen()][1] * 1000;
    const from = Math.max(0, points.t.findIndex((t) => t >= begin));
    const cut = (name) => points[name].slice(from);
    const t = cut("t").map(utc);
    draw(node, [...bands(t, cut), ...lines(t, cut, said(points, from)), ...hedges(begin)], layout(points, from));
  },
};

function bands(t, cut) {
  const edge = (y, shape, fillcolor, dash, width) => ({
    x: t, y, mode: "lines", hoverinfo: "skip", line: { shape, color: colour("ink3"), width, dash },
    ...(fillcolor ? { fill: "tonexty", fillcolor } : {}),
  });
  return [
    edge(cut("ol"), "hv", null, "solid", 1.2), edge(cut("oh"), "hv", colour("band"), "solid", 1.2),
    edge(cut("pl"), "hv", null, "dot", 1), edge(cut("ph"), "hv", colour("inner"), "dot", 1),
  ];
}

function lines(t, cut, text) {
  const digits = digitsOf();
  const doubt = doubtful(t, cut("lo"), cut("d"), cut("hi"));
  return [
    ...(doubt.x.length ? [{ ...doubt, mode: "lines", line: { width: 0 }, fill: "toself", fillcolor: colour("inner"), hoverinfo: "skip" }] : []),
    { x: t, y: cut("d"), mode: "lines", line: { color: colour("ink"), width: 1.4 }, name: "delta",
      text, hovertemplate: "%{text}<extra></extra>" },
    { x: t, y: cut("g"), mode: "lines", line: { color: colour("ink2"), width: 1.2 }, yaxis: "y2", connectgaps: true,
      hovertemplate: `Γ %{y:+.${digits}f} per 1 %<extra></extra>` },
    { x: t, y: cut("x"), mode: "lines", line: { color: colour("ink2"), width: 1.2 }, yaxis: "y3",
      hovertemplate: "index %{y:,.2f} USD<extra></extra>" },
  ];
}

// Where delta is known to an interval only, as outlines: one for each time that it lasts, from and to
// the delta beside it. (The library fills between two lines across their gaps, too.)
export function doubtful(t, low, delta, high) {
  const out = { x: [], y: [] };
  const wide = (i) => high[i] - low[i] > 1e-9;
  for (let i = 0; i < t.length; i += 1) {
    if (!wide(i)) continue;
    let end = i;
    while (end + 1 < t.length && wide(end + 1)) end += 1;
    const sides = [i - 1, end + 1].filter((k) => k >= 0 && k < t.length && delta[k] !== null);
    const [before, after] = [sides.filter((k) => k < i), sides.filter((k) => k > end)];
    const inside = t.slice(i, end + 1).map((_, k) => i + k);
    if (out.x.length) { out.x.push(null); out.y.push(null); }
    const upper = [...before, ...inside, ...after], lower = inside.toReversed();
    out.x.push(...[...upper, ...lower].map((k) => t[k]));
    out.y.push(...upper.map((k) => (wide(k) ? high[k] : delta[k])), ...lower.map((k) => low[k]));
    i = end;
  }
  return out;
}

export function hedgeText(all, i, digits) {
  const cost = (all.fee[i] ?? 0) + (all.slip[i] ?? 0);
  const was = all.kind[i] === "gamma"
    ? `Γ ${signed(all.gBefore[i], digits)} → ${signed(all.gAfter[i], digits)} per 1 %<br>`
    : "";
  return `${inert(all.kind[i])} · ${inert(reason(all.reason[i]))}<br>`
    + `Δ ${signed(all.before[i], digits)} → ${signed(all.after[i], digits)}<br>${was}`
    + `${inert(because(all.why[i])).slice(0, 160)}<br>${inert(all.what[i])}<br>cost ${usd(cost)} (fee ${usd(all.fee[i])}, slippage ${usd(all.slip[i])}) · ${num(all.s[i], 1)} s, ${all.orders[i]} ${all.orders[i] === 1 ? "order" : "orders"}`;
}

function hedges(begin) {
  const all = series("hedges");
  if (!all?.t?.length) return [];
  const digits = digitsOf(), traces = [];
  const kinds = [["delta", "diamond", 9], ["gamma", "star", 12], ["unwind", "circle", 4], ["", "square", 8]];
  for (const [kind, symbol, size] of kinds) {
    const mine = all.t.map((_, i) => i).filter((i) => all.t[i] >= begin
      && (kind ? all.kind[i] === kind : !["delta", "gamma", "unwind"].includes(all.kind[i])));
    if (!mine.length) continue;
    const stems = { x: [], y: [] };
    for (const i of mine) {
      stems.x.push(utc(all.t[i]), utc(all.t[i]), null);
      stems.y.push(all.before[i], all.after[i], null);
    }
    traces.push({ ...stems, mode: "lines", line: { color: colour("near"), width: 1.2 }, hoverinfo: "skip" });
    traces.push({
      x: mine.map((i) => utc(all.t[i])), y: mine.map((i) => all.after[i]), mode: "markers", name: kind || "other",
      marker: { symbol, size, color: colour("near"), line: { color: colour("panel"), width: 1 } },
      text: mine.map((i) => hedgeText(all, i, digits)), hovertemplate: "%{text}<extra></extra>",
    });
  }
  return traces;
}

// What the line says where it is pointed at: of a hedge where one is, for the library prefers a line
// to the larger mark upon it.
function said(points, from) {
  const all = series("hedges"), digits = digitsOf();
  const at = new Map((all?.t ?? []).map((t, i) => [t, i]));
  return points.t.slice(from).map((t, n) =>
    (at.has(t) ? hedgeText(all, at.get(t), digits) : `Δ ${signed(points.d[from + n], digits)}`));
}

function digitsOf() {
  const inputs = inputsOf();
  return inputs ? places(inputs.upper - inputs.lower) : 4;
}

function layout(points, from) {
  const inputs = inputsOf();
  const limit = (y) => ({
    type: "line", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: y, y1: y,
    line: { color: colour("ink3"), width: 1.2 },
  });
  const limits = [inputs?.gamma_lower, inputs?.gamma_upper].filter((y) => y !== null && y !== undefined);
  const title = (text) => ({ text, font: { size: 10.5, color: colour("ink2") }, standoff: 4 });
  return {
    uirevision: `${store.coin} ${chosen()}`, hovermode: "closest", shapes: limits.map(limit),
    xaxis: timeAxis({ anchor: "y3" }),
    yaxis: axis({ domain: [0.42, 1], title: title(`Δ ${store.coin}`), range: reach(points, from), tickformat: "+" }),
    yaxis2: axis({ domain: [0.21, 0.37], title: title("Γ per 1 %"), nticks: 4 }),
    yaxis3: axis({ domain: [0, 0.16], title: title("USD"), nticks: 4, tickformat: "," }),
  };
}

// Both bands are always in sight, and so is every excursion.
function reach(points, from) {
  let low = Infinity, high = -Infinity;
  for (const name of ["d", "ol", "oh", "lo", "hi"]) {
    for (let i = from; i < points.t.length; i += 1) {
      const y = points[name][i];
      if (y !== null && y < low) low = y;
      if (y !== null && y > high) high = y;
    }
  }
  const room = (high - low || 1) * 0.06;
  return [low - room, high + room];
}

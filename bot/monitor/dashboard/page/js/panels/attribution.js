// Where the day's profit came from, and what the twins have made on the same path.

import { empty, fill, h } from "../dom.js";
import { known, time, usdSigned } from "../format.js";
import { axis, chart, colour, draw, timeAxis, utc } from "../plot.js";
import { dayExplained, series, store } from "../store.js";

const CAUSES = ["delta", "gamma", "theta", "vega", "vanna", "volga", "charm", "basis", "funding", "fees", "slippage", "unexplained"];
const node = chart(236, "Profit and loss of the hedged book and its twins");

export const attribution = {
  id: "attribution", key: "a", title: "Profit and loss, explained", needs: ["attribution", "equity"], slow: true,
  about: () => "USD since 08:00 UTC, over all runs of this account",
  draw(body) {
    const day = dayExplained();
    const equity = series("equity");
    fill(body, h("div", { class: "pair" }, h("div", {},
      day ? cascade(day) : empty(store.parts.now?.attribution
        ? "No minute of this day has been explained yet."
        : "This journal does not explain profit and loss: its bot is of an older release.")), h("div", {}, equity?.t?.length ? [h("h3", {}, "since the start · hedged, unhedged, a naive hedger"), node]
        : empty("No twins: only a paper run knows what the same book would have made unhedged."))));
    if (equity?.t?.length) twins(equity);
  },
};

// What the collateral's own price did is no work of the hedger's, and would dwarf what is.
function translated(day) {
  if (Math.abs(day.translation) < 0.005) return "";
  return ` · translation of the account's coins ${usdSigned(day.translation, 0)}, equity in all ${usdSigned(day.total + day.translation, 0)}`;
}

// The report's "hedged book" leaves out what no cause explains.
function booked(day) {
  const rest = day.sum("unexplained");
  return Math.abs(rest) < 0.5 ? "" : ` · the hedged book, without the unexplained ${usdSigned(day.total - rest, 0)}`;
}

// Each bar begins where the one before it ended.
function cascade(day) {
  let at = 0;
  const steps = CAUSES.map((name) => [name, day.sum(name)]).filter(([, x]) => Math.abs(x) >= 0.005).map(([name, x]) => {
    const step = { name, from: at, to: at + x, x };
    at += x;
    return step;
  });
  const ends = [0, day.total, ...steps.flatMap((s) => [s.from, s.to])];
  const low = Math.min(...ends), wide = Math.max(...ends) - low || 1;
  const part = (x) => ((x - low) / wide) * 100;
  const lane = (from, to) => h("span", { class: "lane" },
    h("i", { class: "axis", at: { left: `${part(0)}%` } }),
    h("i", { class: to < from ? "down" : "up", at: { left: `${part(Math.min(from, to))}%`, width: `${Math.abs(part(to) - part(from))}%` } }));
  return h("div", {},
    h("div", { class: "cascade", role: "list" }, steps.map((s) => [h("span", { class: "quiet" }, s.name), lane(s.from, s.to), h("span", { class: "amount number" }, usdSigned(s.x))]),
      h("span", { class: "whole" }, "total"), lane(0, day.total), h("span", { class: "amount number whole" }, usdSigned(day.total))),
    h("h3", {}, `${time(day.since)} to ${time(day.until)} UTC${translated(day)}${booked(day)}`));
}

function twins(equity) {
  const t = equity.t.map(utc);
  const line = (name, style) => ({
    x: t, y: equity[name], mode: "lines", name, hovertemplate: `${name} %{y:+,.0f} USD<extra></extra>`, line: style,
  });
  const ends = ["hedged", "unhedged", "naive"].filter((name) => known(equity[name].at(-1)))
    .sort((a, b) => equity[a].at(-1) - equity[b].at(-1));
  const all = ends.flatMap((name) => equity[name]).filter(known), apart = (Math.max(...all) - Math.min(...all) || 1) * 0.1;
  const close = (i) => i > 0 && i < ends.length && equity[ends[i]].at(-1) - equity[ends[i - 1]].at(-1) < apart;
  draw(node, [
    line("naive", { color: colour("ink2"), width: 1.2, dash: "dot" }), line("unhedged", { color: colour("loss"), width: 1.4, dash: "dash" }),
    line("hedged", { color: colour("in"), width: 2 }),
  ], {
    uirevision: store.coin, hovermode: "x unified", margin: { l: 8, r: 96, t: 6, b: 8 },
    annotations: ends.map((name, i) => ({
      x: 1, xref: "paper", xanchor: "left", y: equity[name].at(-1), showarrow: false, xshift: 6, yshift: close(i) ? 7 : close(i + 1) ? -6 : 0,
      text: `${name} ${usdSigned(equity[name].at(-1), 0)}`, font: { size: 10, color: colour(name === "hedged" ? "in" : name === "unhedged" ? "loss" : "ink2") },
    })),
    xaxis: timeAxis({ nticks: 6 }), yaxis: axis({ nticks: 5, tickformat: "~s" }),
  });
}

// The expiry desk: what rolls off next, where it could be pinned, what the book is afterwards.

import { empty, fact, fill, h, row, table } from "../dom.js";
import { because, date, known, num, places, signed, span, time, usd, usdSigned } from "../format.js";
import { axis, chart, colour, draw } from "../plot.js";
import { coinOf, inputsOf, market, series, store } from "../store.js";

const node = chart(230, "Gamma along the index, now and after the expiry");

export const expiry = {
  id: "expiry", key: "x", title: "Expiry desk", needs: ["expiry", "hedges", "now", "uncomputed"], slow: true,
  about: () => {
    const at = store.parts.expiry?.[store.coin]?.t;
    return `${known(at) ? `as of ${time(at)} UTC · ` : ""}what rolls off at 08:00 UTC; after: the rest of the book at the same index`;
  },
  draw(body) {
    const found = store.parts.expiry?.[store.coin];
    if (!found?.expiry) return fill(body, empty(missing(found)));
    const digits = places((coinOf()?.upper ?? 0.1) - (coinOf()?.lower ?? -0.1)), left = (found.expiry - market()) / 1000;
    const window = (found.window - market()) / 1000;
    fill(body,
      h("div", { class: "facts" },
        fact("next expiry", date(found.expiry), left > 0 ? `in ${span(left)}` : "passed", left < 7_200 ? "near" : ""),
        fact("averaging window", window > 0 ? `in ${span(window)}` : left > 0 ? "OPEN" : "closed", time(found.window), window <= 0 && left > 0 ? "near" : ""),
        fact("one deviation until then", usd(found.deviation, 0)),
        fact("hedge to unwind", signed(-found.roll.delta, digits), `${store.coin} (${usdSigned(-found.roll.delta * found.index, 0)})`),
        fact("Γ after", signed(found.after.gamma, digits), "per 1 %", limit(found.after.gamma)),
        fact("Θ that rolls off", usdSigned(found.roll.theta, 0), "a day")),
      unwinding(),
      h("div", { class: "scroll" }, strikes(found, digits)), node);
    draw(node, [
      { x: found.profile.index, y: found.profile.now, mode: "lines", name: "now", line: { color: colour("ink2"), width: 1.2, dash: "dot" }, hovertemplate: "now %{y:+.4f} per 1 %<extra></extra>" },
      { x: found.profile.index, y: found.profile.after, mode: "lines", name: "after", line: { color: colour("ink"), width: 1.8 }, hovertemplate: "after %{y:+.4f} per 1 %<extra></extra>" },
    ], layout(found));
  },
};

// What has not come yet is no empty book: only a told one is.
function missing(found) {
  if (found?.held === false) return "No option is held, so nothing expires.";
  if (store.parts.uncomputed) return `What expires could not be computed: ${store.parts.uncomputed}`;
  return found?.why ? `Waiting for the bot: ${found.why}.` : "Waiting for the bot's Greeks, which it shows once a second.";
}

function limit(gamma) {
  const lower = inputsOf()?.gamma_lower, upper = inputsOf()?.gamma_upper;
  return (known(lower) && gamma < lower) || (known(upper) && gamma > upper) ? "outside" : "";
}

function strikes(found, digits) {
  return table([{ text: "strike", left: true }, { text: "", left: true }, "calls", "puts", "from the index", "deviations", "Γ per 1 %"],
    found.strikes.map((one) => row([
      num(one.strike, one.strike < 10 ? 3 : 0), h("td", { class: "left near" }, one.pin ? "pin risk" : ""), one.call ? signed(one.call, 1) : "", one.put ? signed(one.put, 1) : "",
      `${signed(one.away, 2)} %`, signed(one.deviations, 2), signed(one.gamma, digits),
    ])));
}

// The newest step of a settlement unwind, as its hedge told it.
function unwinding() {
  const all = series("hedges"), i = all?.kind?.lastIndexOf("unwind") ?? -1;
  if (i < 0 || market() - all.t[i] > 3_600_000) return null;
  return h("p", { class: "quiet", at: { margin: "0" } }, `${because(all.why[i])}, at ${time(all.t[i])} UTC`);
}

function layout(found) {
  const pins = found.strikes.filter((one) => Math.abs(one.away) < 6);
  const gammas = [inputsOf()?.gamma_lower, inputsOf()?.gamma_upper].filter(known);
  return {
    uirevision: store.coin, hovermode: "x unified",
    shapes: [
      ...pins.map((one) => ({ type: "line", x0: one.strike, x1: one.strike, yref: "paper", y0: 0, y1: 1, line: { color: colour("near"), width: 1, dash: "dot" } })),
      { type: "line", x0: found.index, x1: found.index, yref: "paper", y0: 0, y1: 1, line: { color: colour("ink3"), width: 1 } },
      ...gammas.map((y) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: colour("ink3"), width: 1.2 } })),
    ],
    xaxis: axis({ tickformat: ",", nticks: 7, title: { text: "index, USD · dots: expiring strikes", font: { size: 10, color: colour("ink2") }, standoff: 2 } }),
    yaxis: axis({ nticks: 5, title: { text: "Γ per 1 %", font: { size: 10, color: colour("ink2") }, standoff: 2 } }),
  };
}

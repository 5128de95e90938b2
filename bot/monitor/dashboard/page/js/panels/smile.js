// Quotes as volatilities and the smile that is fitted to them, expiry by expiry.

import { empty, fact, fill, h } from "../dom.js";
import { date, known, num, signed } from "../format.js";
import { axis, chart, colour, draw } from "../plot.js";
import { market, store } from "../store.js";

const node = chart(290, "Volatility smile: quotes and fit");
let chosen = {};

const listed = () => store.parts.smile?.[store.coin]?.expiries ?? [];
// The one that was chosen; else the first held one that has a smile: in its last hours one has none.
function mine() {
  const all = listed(), later = (one) => one.expiry - market() > 86_400_000;
  return all.find((one) => one.expiry === chosen[store.coin]) ?? all.find((one) => one.held && later(one)) ?? all.find(later) ?? all[0];
}

export const smile = {
  id: "smile", key: "s", title: "Smile", needs: ["smile", "legs"], slow: true,
  about: () => "bars: bid to ask · line: SVI fit · ticks: strikes held",
  turn() {
    const all = listed(), i = all.indexOf(mine());
    if (all.length) chosen = { ...chosen, [store.coin]: all[(i + 1) % all.length].expiry };
  },
  tools: (again) => listed().map((one) => h("button", {
    type: "button", "aria-pressed": String(one === mine()), onclick: () => { chosen = { ...chosen, [store.coin]: one.expiry }; again(); },
    title: one.held ? "held" : "not held",
  }, one.held ? "• " : "", date(one.expiry))),
  draw(body) {
    const one = mine();
    if (!one) return fill(body, empty("No option quotes yet: a bot shows them every ten seconds. A journal of an older release has none."));
    if (node.parentNode !== body) fill(body, node, h("div", { class: "facts" }));
    draw(node, traces(one), layout(one));
    fill(body.lastChild,
      fact("at the money", num(one.atm, 1), "%"), fact("skew per 10 %", signed(one.skew, 1), "points"),
      fact("misses by", num(one.error, 2), "points rms"), fact("inside the spread", known(one.inside) ? num(one.inside, 0) : "–", `% of ${one.quotes ?? 0}`),
      fact("fit", one.verdict ?? "–", "", one.verdict === "fitted" ? "" : "near"), fact("forward", num(one.forward, one.forward < 1000 ? 2 : 0), "USD"));
  },
};

function traces(one) {
  const bars = { x: [], y: [] };
  one.strike.forEach((strike, i) => {
    if (!known(one.bid[i]) && !known(one.ask[i])) return;
    bars.x.push(strike, strike, null);
    bars.y.push(one.bid[i] ?? one.ask[i], one.ask[i] ?? one.bid[i], null);
  });
  const others = listed().filter((other) => other !== one && other.fit).map((other) => ({
    x: other.fit.strike, y: other.fit.vol, mode: "lines", hoverinfo: "skip", line: { color: colour("line"), width: 1 },
  }));
  const held = strikes(one), floor = Math.min(...one.bid.filter(known), ...one.mark.filter(known));
  return [
    ...others,
    { ...bars, mode: "lines", hoverinfo: "skip", line: { color: colour("ink2"), width: 3 } },
    { x: one.strike, y: one.mark, mode: "markers", marker: { size: 4, color: colour("ink") },
      customdata: one.strike.map((_, i) => [one.bid[i], one.ask[i]]),
      hovertemplate: "K %{x:,.0f}<br>mark %{y:.2f} %<br>bid %{customdata[0]:.2f} %, ask %{customdata[1]:.2f} %<extra></extra>" },
    ...(one.fit ? [{ x: one.fit.strike, y: one.fit.vol, mode: "lines", line: { color: colour("in"), width: 2 }, hoverinfo: "skip" }] : []),
    ...(held.length ? [{ x: held, y: held.map(() => floor), mode: "markers", hovertemplate: "held: K %{x:,.0f}<extra></extra>",
      marker: { symbol: "line-ns", size: 12, line: { width: 2, color: colour("near") } } }] : []),
  ];
}

// The strikes of an expiry that the book holds; names are the exchange's own.
function strikes(one) {
  const code = `${store.coin}-${date(one.expiry)}-`;
  return (store.parts.legs ?? []).filter((leg) => leg.instrument.startsWith(code))
    .map((leg) => Number(leg.instrument.split("-")[2].replace("d", ".")));
}

function layout(one) {
  const both = one.strike.map((_, i) => i).filter((i) => known(one.bid[i]) && known(one.ask[i]));
  const sides = both.flatMap((i) => [one.bid[i], one.ask[i]]), quoted = sides.length ? sides : one.mark.filter(known), low = Math.min(...quoted), high = Math.max(...quoted);
  const room = (high - low || 1) * 0.12, wide = [Math.min(...one.strike), Math.max(...one.strike)];
  const beside = (wide[1] - wide[0] || 1) * 0.03;
  return {
    uirevision: `${store.coin} ${one.expiry}`,
    shapes: [{ type: "line", x0: one.forward, x1: one.forward, yref: "paper", y0: 0, y1: 1, line: { color: colour("ink3"), width: 1, dash: "dot" } }],
    xaxis: axis({ range: [wide[0] - beside, wide[1] + beside], tickformat: ",", nticks: 7, title: { text: "strike, USD", font: { size: 10, color: colour("ink2") }, standoff: 2 } }),
    yaxis: axis({ range: [low - room, high + room], nticks: 6, title: { text: "volatility, %", font: { size: 10, color: colour("ink2") }, standoff: 2 } }),
  };
}

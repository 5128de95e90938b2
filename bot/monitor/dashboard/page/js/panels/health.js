// Whether what is shown can be trusted: feeds, the loop, doubts, states, what people asked.

import { empty, fact, fill, h } from "../dom.js";
import { because, known, num, reason, signed, span, time } from "../format.js";
import { coinOf, market, planOf, restrained, store, wall } from "../store.js";

export const health = {
  id: "health", key: "h", title: "Health", needs: ["now", "feeds", "loop", "coins", "told", "plan", "lost"],
  about: () => "ages in market time; the loop's longest gap in the last second",
  draw(body) {
    const now = store.parts.now;
    if (!now || now.problem) return fill(body, empty(now?.problem || "Nothing has been read yet."));
    fill(body, h("div", { class: "feeds" }, feeds(now)), doubts(), plan(), logs());
  },
};

function feeds(now) {
  const feed = store.parts.feeds?.[store.coin], at = store.parts.shown ?? market();
  const old = (ns, limit) => {
    const s = known(ns) && ns > 0 ? Math.max(0, (at - ns / 1e6) / 1000) : null;
    return [s === null ? "never" : span(s), "old", s === null || s > limit ? "near" : ""];
  };
  const gap = store.parts.loop?.longest_gap_s;
  const beat = known(now.beat) ? (wall() - now.beat) / 1000 : null;
  const lost = Object.keys(store.parts.lost ?? {});
  return [
    fact("heartbeat", beat === null ? "never" : span(beat), "ago", beat === null || beat > 5 ? "near" : ""),
    fact("loop, longest gap", known(gap) ? num(gap * 1000, 0) : "not told", known(gap) ? "ms" : "", gap > 1 ? "near" : ""),
    feed ? fact("index", ...old(feed.index_ns, 10)) : fact("feeds", "not told", "older release"),
    feed ? fact("option chain", ...old(feed.chain_ns, 60)) : null,
    ...Object.entries(feed?.quotes_ns ?? {}).map(([name, ns]) => fact(name, ...old(ns, 10))),
    fact("orders", ...leave(feed, now)),
    fact("exchange", lost.length ? `lost ${lost.join(", ")}` : now.running ? "connected" : "no bot", "", lost.length ? "outside" : now.running ? "" : "near"),
    fact("run", now.run, `${now.source} · ${now.version}`),
    fact("unknown orders", coinOf()?.unknown_orders ?? "–", "", coinOf()?.unknown_orders ? "outside" : ""),
  ];
}

// Whether an order of this coin could leave the bot now.
function leave(feed, now) {
  const one = coinOf(), held = restrained(one);
  if (!now.running) return ["no bot sends any", "", "near"];
  if (one?.off) return ["off: nothing is sent", "", "near"];
  if (feed?.barred) return [feed.barred, "", "outside"];
  if (one?.state === "REDUCE_DELTA_ONLY") return ["only what reduces delta", "", "near"];
  if (held) return [`${held.replace("is ", "")}: nothing is sent`, "", "near"];
  return one && feed ? ["may leave", "", ""] : ["not told", "", ""];
}

function line(...parts) {
  const node = h("div", {}, parts);
  if (node.textContent.length > 120) node.title = node.textContent;
  return node;
}
const when = (ms) => h("span", { class: "quiet number" }, `${time(ms)} `);

function doubts() {
  const one = coinOf(), found = one?.doubts ?? [], why = one?.why ?? [];
  const figures = (numbers) => Object.entries(numbers ?? {}).map(([k, v]) => `${reason(k)} ${known(v) ? num(v, 3) : "?"}`).join(", ");
  return h("div", { class: "log" }, h("h3", {}, found.length || why.length ? "cannot be trusted, or stands still" : "no doubts"),
    why.map((w) => line(h("b", { class: "near" }, w.state.replaceAll("_", " ")), ` since ${w.since}: ${w.reasons.map((r) => `${reason(r.reason)} ${r.subject}`).join("; ")}`)),
    found.map((d) => line(h("span", { class: "near" }, "▲ "), `${reason(d.reason)} · ${d.subject} ${figures(d.numbers)}`)),
    one?.off ? line(`off: ${one.off.why} ${one.off.until ?? ""}`) : null,
    one?.hold ? line(`held until ${one.hold.until}: ${one.hold.why}`) : null);
}

function plan() {
  const found = planOf();
  if (!found) return null;
  const said = [...(found.reasons ?? []), ...(found.notes ?? [])].slice(0, 6);
  return h("div", { class: "log" }, h("h3", {}, "what the bot wants now"),
    said.length ? said.map((text) => line(because(text))) : line("nothing"),
    (found.refused ?? []).map((text) => line(h("span", { class: "near" }, "not sent: "), because(text))));
}

// One that goes on is told in parts and lasts until now; of a run that was cut off nobody saw the end.
function breach(b) {
  const still = !b.over && b.last_run && store.parts.now?.running;
  const lasts = still ? `${span(Math.max(b.seconds, (market() - b.since) / 1000))}, still` : b.over ? span(b.seconds) : `${span(b.seconds)}, to the end of its run`;
  return line(when(b.since), h("span", { class: still ? "outside" : "" }, `${reason(b.kind)} outside for ${lasts}`),
    `, at worst by ${signed(b.worst, 4)} ${b.kind === "delta" ? b.coin : "per 1 %"}`);
}

function logs() {
  const told = store.parts.told ?? {};
  const mine = (list) => (list ?? []).filter((one) => !one.coin || one.coin === store.coin).slice(0, 6);
  return h("div", { class: "log" },
    h("h3", {}, "states"), mine(told.states).map((s) => line(when(s.t), `${s.coin || "all"} ${s.before} → ${s.after} ${reason(s.why)}`)),
    told.commands?.length ? [h("h3", {}, "commands"), mine(told.commands).map((c) =>
      line(when(c.t), `${c.verb} ${c.coin} by ${c.who}${c.why ? `: ${c.why}` : ""} → ${c.outcome ?? "waiting"}`))] : null,
    mine(told.breaches).length ? [h("h3", {}, "left its band"), mine(told.breaches).map(breach)] : null,
    mine(told.refusals).length ? [h("h3", {}, "not sent"), mine(told.refusals).map((r) => line(when(r.t), `${r.kind}: ${because(r.refused)}`))] : null);
}

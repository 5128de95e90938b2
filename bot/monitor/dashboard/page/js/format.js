// Figures as a desk writes them: a real minus, a sign where the side matters, a unit always.

const MINUS = "−";
const NONE = "–";

export const known = (x) => typeof x === "number" && Number.isFinite(x);

export function num(x, digits = 2) {
  if (!known(x)) return NONE;
  const text = Math.abs(x).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const nothing = !/[1-9]/.test(text);
  return (x < 0 && !nothing ? MINUS : "") + text;
}

export function signed(x, digits = 2) {
  if (!known(x)) return NONE;
  const text = num(x, digits);
  return text.startsWith(MINUS) || !/[1-9]/.test(text) ? text : `+${text}`;
}

export function usd(x, digits) {
  if (!known(x)) return NONE;
  const places = digits ?? (Math.abs(x) < 10 ? 2 : 0);
  const text = num(x, places);
  return text.startsWith(MINUS) ? `${MINUS}$${text.slice(1)}` : `$${text}`;
}

export function usdSigned(x, digits) {
  if (!known(x)) return NONE;
  const text = usd(x, digits);
  return text.startsWith(MINUS) || !/[1-9]/.test(text) ? text : `+${text}`;
}

export function usdShort(x) {
  if (!known(x)) return NONE;
  const size = Math.abs(x);
  if (size < 10_000) return usd(x, 0);
  const [unit, by] = size < 1e6 ? ["k", 1e3] : ["M", 1e6];
  return usd(x / by, size / by < 100 ? 1 : 0) + unit;
}

export const pct = (share, digits = 1) => (known(share) ? `${num(share * 100, digits)} %` : NONE);
export const pctSigned = (share, digits = 1) => (known(share) ? `${signed(share * 100, digits)} %` : NONE);

// As many places as a band's width asks for: 0.2 coin is read to four, 3 coins to three.
export function places(width) {
  if (!known(width) || width <= 0) return 4;
  return Math.min(6, Math.max(2, 3 - Math.floor(Math.log10(width))));
}

const two = (n) => String(n).padStart(2, "0");
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

export function time(ms) {
  if (!known(ms)) return NONE;
  const at = new Date(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

export function date(ms) {
  if (!known(ms)) return NONE;
  const at = new Date(ms);
  return `${at.getUTCDate()}${MONTHS[at.getUTCMonth()]}${two(at.getUTCFullYear() % 100)}`;
}

export function span(seconds) {
  if (!known(seconds)) return NONE;
  const s = Math.abs(seconds);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 5_400) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3_600)} h ${two(Math.floor((s % 3_600) / 60))}`;
  return `${Math.floor(s / 86_400)} d`;
}

// Numbers in a reason keep six digits; a page needs four.
export const reason = (text) => String(text ?? "").replaceAll("_", " ");
// A journalled reason as a person reads it: its words, then its numbers.
export const because = (text) => reason(text).replaceAll("(", " · ").replaceAll(")", "").replaceAll("=", " ")
  .replace(/-?\d+\.\d{4,}/g, (figure) => String(Number(Number(figure).toPrecision(4)))).replace(/ -(?=\d)/g, ` ${MINUS}`);

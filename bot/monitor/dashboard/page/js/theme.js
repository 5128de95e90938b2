// Which theme a page wears, decided before anything is drawn, so that nothing flashes.
(() => {
  "use strict";
  const key = "deltaband theme";
  const kept = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const system = matchMedia("(prefers-color-scheme: light)");
  const wear = (name) => document.documentElement.setAttribute("data-theme", name);
  const choose = () => wear(kept() || (system.matches ? "light" : "dark"));
  choose();
  system.addEventListener("change", () => { choose(); dispatchEvent(new Event("theme")); });
  window.turnTheme = () => {
    const to = document.documentElement.getAttribute("data-theme") === "dark" ? "light" : "dark";
    try { localStorage.setItem(key, to); } catch { /* a private window forgets */ }
    wear(to);
    dispatchEvent(new Event("theme"));
  };
})();

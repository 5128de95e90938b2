// Nodes from data. Text only ever becomes a text node: nothing from a journal is read as markup.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "at") place(node, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "hidden" || name === "disabled") node[name] = true;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

// Sizes and places, which no style sheet can know.
export function place(node, styles) {
  for (const [name, value] of Object.entries(styles)) node.style.setProperty(name, value);
}

export const byId = (id) => document.getElementById(id);

export function fill(node, ...children) {
  node.replaceChildren(...children.flat(3).filter((c) => c !== undefined && c !== null && c !== false));
}

export const unit = (text) => h("span", { class: "unit" }, text);
export const empty = (text) => h("p", { class: "empty" }, text);

export function fact(label, value, note, kind = "") {
  return h("div", { class: "fact" },
    h("span", { class: "label" }, label),
    h("span", { class: `value number ${kind}` }, value, note ? unit(note) : null));
}

export function table(heads, rows, kind = "") {
  return h("table", { class: kind },
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: head.left ? "left" : "" }, head.text ?? head)))),
    h("tbody", {}, rows));
}

export const row = (cells, kind = "") => h("tr", { class: kind }, cells.map((c) => (c instanceof Node ? c : h("td", {}, c ?? "–"))));

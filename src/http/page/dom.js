// What is shown is changed in place, and only where it differs: selection, focus and scroll stay. All text is
// set as text, whoever wrote it.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** A new element: `el("p", { class: "quiet" }, "text", child)`. */
export function el(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** The same for a drawing. */
export function svg(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else attr(node, name, value);
  }
  node.append(...children);
  return node;
}

/** Sets an attribute; `null` and `false` take it away. */
export function attr(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value === true ? "" : String(value));
  }
}

export function text(node, value) {
  const wanted = value === null || value === undefined ? "" : String(value);
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

/**
 * One child of `parent` for each item: kept while its key is there, made and taken away as needed, and moved
 * only if the order is another. A child may have a companion (`node.companion`) that follows it.
 */
export function keyed(parent, items, key, make, update) {
  const held = (parent.held ??= new Map());
  const wanted = new Map();
  for (const item of items) if (!wanted.has(key(item))) wanted.set(key(item), item);
  // First, so that those that stay need not move.
  for (const [name, node] of held) {
    if (wanted.has(name)) continue;
    node.ended?.();
    node.companion?.remove();
    node.remove();
    held.delete(name);
  }
  let at = parent.firstElementChild;
  for (const [name, item] of wanted) {
    let node = held.get(name);
    if (!node) {
      node = make(item);
      held.set(name, node);
      parent.insertBefore(node, at);
      at = node;
    }
    update(node, item);
    for (const one of [node, node.companion]) {
      if (!one) continue;
      if (one === at) at = at.nextElementSibling;
      else parent.insertBefore(one, at);
    }
  }
}

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** How long something has lasted, as `duration` has it; seconds come by tens. */
export const lasting = (seconds) => duration(seconds < 60 ? Math.floor(seconds / 10) * 10 : seconds);

/** `3 d 4 h`, `12 min`, `50 s`: two units at most. What grows changes seldom, for each change is a frame to draw. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.max(0, Math.floor(seconds));
  const at = UNITS.findIndex(([, size]) => whole >= size);
  if (at < 0) return "0\u00a0s";
  const [unit, size] = UNITS[at];
  const first = `${Math.floor(whole / size)}\u00a0${unit}`;
  const next = size > 60 ? UNITS[at + 1] : null;
  const rest = next ? Math.floor((whole % size) / next[1]) : 0;
  return rest ? `${first} ${rest}\u00a0${next[0]}` : first;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const number = (value) => (value === null || value === undefined ? "" : whole.format(value).replaceAll(",", "\u202f"));

export const some = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

export function bytes(value) {
  if (value === null || value === undefined) return "";
  if (value < 1048576) return value < 1024 ? `${value} B` : `${(value / 1024).toFixed(0)} KiB`;
  const mib = value / 1048576;
  if (mib >= 1024) return `${(mib / 1024).toFixed(1)} GiB`;
  return mib >= 10 ? `${mib.toFixed(0)} MiB` : `${mib.toFixed(1)} MiB`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "";
  if (value >= 10000) return `${(value / 1000).toFixed(0)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`;
}

/** The time of day, with the date if that is another than today's. */
export function clock(at) {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return "";
  const two = (part) => String(part).padStart(2, "0");
  const time = `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}`;
  if (then.toDateString() === new Date().toDateString()) return time;
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`;
}

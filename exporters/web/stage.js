/* stage.js: the map on the screen: drawing, camera, and what the pointer and the keys do to it.
 * Is not: what a selection means elsewhere; that is told to main.js by onSelect.
 */

import { anchor, nearest } from "./camera.js";
import { boxOf, emptyDrawing, showDrawing } from "./drawing.js";
import { shorten, spoken } from "./figures.js";
import { chooseLabels } from "./labels.js";
import { failureLevel, keyOfNodeId, neighbourhood, nodeMatches } from "./model.js";
import { Viewport } from "./viewport.js";

const LINE_PARTS = 12;
/** Of names, in the drawing's units; in style.css too. */
const NAME_SIZE = 12;

/** @type {Record<string, {x: number, y: number}>} */
const ARROWS = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/**
 * @typedef {object} Calls
 * @property {(key: string) => void} onSelect          empty: nothing
 * @property {(key: string) => boolean} onHover        fills the tip; false: there is nothing to say
 * @property {(camera: import("./camera.js").Camera) => void} onSettle                     the whole map is shown, as it fits now
 */

export class Stage {
  /**
   * @param {SVGSVGElement} canvas
   * @param {SVGGElement} layer
   * @param {HTMLElement} tip
   * @param {Calls} calls
   */
  constructor(canvas, layer, tip, calls) {
    this.canvas = canvas;
    this.layer = layer;
    this.tip = tip;
    this.calls = calls;
    this.drawing = emptyDrawing();
    this.text = "";
    this.hovered = "";
    /** @type {Set<string>|null} What is not to be seen. */
    this.hidden = null;
    /** @type {import("./labels.js").Label[]} */
    this.places = [];
    layer.append(this.drawing.root);
    this.viewport = new Viewport(canvas, layer, () => boxOf(this.drawing, layer), {
      onScale: () => this.placeNames(),
      onSettle: (camera) => calls.onSettle(camera),
    });
    canvas.addEventListener("click", (event) => calls.onSelect(this.keyAt(event.target)));
    canvas.addEventListener("dblclick", (event) => {
      if (this.keyAt(event.target) === "") this.viewport.zoomBy(1.8, this.viewport.place(event));
    });
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    canvas.addEventListener("pointermove", (event) => this.onHover(event));
    canvas.addEventListener("pointerleave", () => this.hideTip());
    canvas.addEventListener("pointerdown", () => this.hideTip());
  }

  get isEmpty() {
    return this.drawing.byKey.size === 0;
  }

  /**
   * The key of the group that an event came from.
   * @param {EventTarget|null} target
   */
  keyAt(target) {
    const group = target instanceof Element ? target.closest("g[data-key]") : null;
    const key = group?.getAttribute("data-key") ?? "";
    return key.startsWith("cluster:") ? "" : key;
  }

  /**
   * Shows a new picture. What is selected, or else in the middle, stays in its place.
   * @param {string} text
   * @param {string} selected
   */
  show(text, selected) {
    if (text === this.text) return;
    const { viewport, drawing } = this;
    const first = this.isEmpty;
    const focused = this.keyAt(document.activeElement);
    const fixed = viewport.moved ? this.fixedPoint(selected) : "";
    const before = this.middleOf(fixed);
    showDrawing(drawing, text);
    this.text = text;
    this.hide(this.hidden);
    const after = this.middleOf(fixed);
    if (before && after) viewport.set(anchor(viewport.camera, before, after));
    else viewport.settle(!first);
    if (focused && focused !== this.keyAt(document.activeElement)) {
      drawing.byKey.get(focused)?.focus({ preventScroll: true });
    }
  }

  /**
   * Would something over the canvas hide a part of the map?
   * @param {DOMRect} rect
   * @param {import("./camera.js").Camera} camera
   */
  isUnder(rect, camera) {
    const origin = this.canvas.getBoundingClientRect();
    const inside = (/** @type {{x: number, y: number}} */ { x, y }) => {
      const left = x * camera.scale + camera.x + origin.left;
      const top = y * camera.scale + camera.y + origin.top;
      return left > rect.left - 40 && left < rect.right + 40 && top > rect.top - 10 && top < rect.bottom + 10;
    };
    return this.places.some(inside) || this.linePoints().some(inside);
  }

  /** Some points on every line. */
  linePoints() {
    /** @type {{x: number, y: number}[]} */
    const points = [];
    const matrix = this.drawing.root.transform.baseVal.consolidate()?.matrix;
    for (const line of this.drawing.root.querySelectorAll("path.hit")) {
      if (!(line instanceof SVGPathElement) || !matrix) continue;
      const length = line.getTotalLength();
      for (let part = 1; part < LINE_PARTS; part++) {
        points.push(line.getPointAtLength((length * part) / LINE_PARTS).matrixTransform(matrix));
      }
    }
    return points;
  }

  /**
   * How many nodes and edges the picture leaves out.
   * @param {import("./model.js").ServiceMap} map
   */
  leftOut(map) {
    const count = (/** @type {Iterable<string>} */ keys) => [...keys].filter((key) => !this.drawing.byKey.has(key)).length;
    return { nodes: count(map.nodeByKey.keys()), edges: count(map.edgeByKey.keys()) };
  }

  clear() {
    this.drawing.root.remove();
    this.drawing = emptyDrawing();
    this.layer.append(this.drawing.root);
    this.text = "";
    this.viewport.moved = false;
  }

  /**
   * @param {string} key
   */
  middleOf(key) {
    const group = this.drawing.byKey.get(key);
    if (!group) return null;
    const box = boxOf(this.drawing, group);
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }

  /**
   * Where the nodes are, and how long their names.
   * @returns {import("./labels.js").Label[]}
   */
  nodePlaces() {
    const places = [];
    for (const [key, group] of this.drawing.byKey) {
      const middle = key.startsWith("node:") && !group.classList.contains("hidden") ? this.middleOf(key) : null;
      const letters = group.querySelector("text")?.textContent?.length ?? 0;
      if (middle) places.push({ key, ...middle, letters, weight: 0 });
    }
    return places;
  }

  /** Leaves out names that would lie over others. */
  placeNames() {
    const { enlarge } = this.viewport;
    const chosen = enlarge > 1 ? chooseLabels(this.places, NAME_SIZE * enlarge) : null;
    for (const { key } of this.places) {
      this.drawing.byKey.get(key)?.classList.toggle("nameless", chosen !== null && !chosen.has(key));
    }
  }

  /**
   * @param {string} selected
   */
  fixedPoint(selected) {
    if (selected.startsWith("node:") && this.drawing.byKey.has(selected)) return selected;
    return this.nearestToMiddle()?.key ?? "";
  }

  nearestToMiddle() {
    const { camera } = this.viewport;
    const middle = this.viewport.middle();
    const x = (middle.x - camera.x) / camera.scale;
    const y = (middle.y - camera.y) / camera.scale;
    const distance = (/** @type {{x: number, y: number}} */ p) => Math.hypot(p.x - x, p.y - y);
    return [...this.places].sort((a, b) => distance(a) - distance(b))[0];
  }

  /**
   * Makes sure that an element can be seen.
   * @param {string} key
   */
  reveal(key) {
    const group = this.drawing.byKey.get(key);
    if (group) this.viewport.show(boxOf(this.drawing, group));
  }

  /**
   * Takes elements from sight, and from the keyboard's way.
   * @param {Set<string>|null} hidden
   */
  hide(hidden) {
    for (const [key, group] of this.drawing.byKey) group.classList.toggle("hidden", hidden !== null && hidden.has(key));
    this.places = this.nodePlaces();
  }

  /**
   * Gives every group its meaning: type, failures, selection, search, and words for a screen
   * reader.
   * @param {import("./model.js").ServiceMap} map
   * @param {string} selected
   * @param {string} query
   * @param {Set<string>|null} hidden
   */
  decorate(map, selected, query, hidden) {
    const near = selected && this.drawing.byKey.has(selected) ? neighbourhood(map, selected) : null;
    const found = query && !near ? matches(map, query) : null;
    const lit = near ?? found;
    if (hidden !== this.hidden) {
      this.hidden = hidden;
      this.hide(hidden);
    }
    for (const place of this.places) place.weight = map.nodeByKey.get(place.key)?.requests ?? 0;
    this.placeNames();
    for (const [key, group] of this.drawing.byKey) {
      if (key.startsWith("cluster:")) continue;
      const node = map.nodeByKey.get(key);
      const item = node ?? map.edgeByKey.get(key);
      const set = (/** @type {string} */ name, /** @type {string} */ value) => {
        if (group.getAttribute(name) !== value) group.setAttribute(name, value);
      };
      if (node) set("data-type", node.type);
      if (item) set("data-level", String(map.before ? 0 : failureLevel(item.requests, item.failed)));
      if (map.before) set("data-change", item?.change?.[0] ?? "same");
      else group.removeAttribute("data-change");
      set("role", "button");
      set("tabindex", "-1");
      set("aria-pressed", String(key === selected));
      set("aria-label", spoken(map, key) || shorten((this.drawing.titles.get(key) ?? "").replaceAll("\n", ", ")));
      group.classList.toggle("selected", key === selected);
      group.classList.toggle("dim", lit !== null && !lit.has(key));
      group.classList.toggle("found", found !== null && found.has(key) && node !== undefined);
    }
  }

  /**
   * @param {KeyboardEvent} event
   */
  onKey(event) {
    const at = this.keyAt(event.target);
    if ((event.key === "Enter" || event.key === " ") && at) {
      event.preventDefault();
      this.calls.onSelect(at);
      return;
    }
    const direction = ARROWS[event.key];
    if (!direction || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const from = this.middleOf(at);
    const { places } = this;
    const next = from ? places[nearest(from, direction, places)] : this.nearestToMiddle();
    if (!next) return;
    this.drawing.byKey.get(next.key)?.focus({ preventScroll: true });
    this.reveal(next.key);
  }

  /**
   * @param {PointerEvent} event
   */
  onHover(event) {
    const key = event.buttons === 0 ? this.keyAt(event.target) : "";
    if (key === "" || !(key === this.hovered || this.calls.onHover(key))) {
      this.hideTip();
      return;
    }
    this.hovered = key;
    const { tip } = this;
    tip.hidden = false;
    const place = this.viewport.place(event);
    const view = this.viewport.view();
    const left = Math.min(place.x + 14, Math.max(0, view.width - tip.offsetWidth - 8));
    const below = place.y + 18 + tip.offsetHeight < view.height;
    const top = below ? place.y + 18 : place.y - tip.offsetHeight - 10;
    tip.style.transform = `translate(${left}px, ${Math.max(0, top)}px)`;
  }

  hideTip() {
    this.hovered = "";
    this.tip.hidden = true;
  }
}

/**
 * What a search finds: nodes, and the edges between and at them.
 * @param {import("./model.js").ServiceMap} map
 * @param {string} query
 * @returns {Set<string>}
 */
function matches(map, query) {
  /** @type {Set<string>} */
  const ids = new Set();
  /** @type {Set<string>} */
  const found = new Set();
  for (const node of map.nodes) {
    if (!nodeMatches(node, query)) continue;
    ids.add(node.id);
    found.add(keyOfNodeId(node.id));
  }
  for (const [key, edge] of map.edgeByKey) {
    if (ids.has(edge.client) || ids.has(edge.server)) found.add(key);
  }
  return found;
}

/* drawing.js: brings /map.svg into the page.
 * The picture is not adopted as it comes: only shapes and texts that are known here are copied,
 * with attributes that are known here, so that no name in it can become a script, a link or a
 * style, whoever drew it. A new picture changes only the groups that differ, so nothing flickers
 * and the keyboard's focus stays.
 */

import { s } from "./dom.js";
import { textWidth } from "./labels.js";

/** @type {Set<string>} */
const SHAPES = new Set(["path", "polygon", "polyline", "ellipse", "circle", "rect", "line", "text"]);
/** @type {Set<string>} */
const ATTRIBUTES = new Set([
  "d", "points", "cx", "cy", "r", "rx", "ry", "x", "y", "x1", "y1", "x2", "y2", "width", "height",
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
  "font-size", "font-weight", "font-style", "text-anchor",
]);
/* The colours of exporters/map_style.h that mean something other than their group does. */
const PAPER = "#ffffff";
const INK = "#1f2328";
const FAINT = "#59636e";
const KEY = /^(node|edge):/;
/** Pictures beyond this are not shown. */
const GROUPS_MAX = 20000;

/**
 * @typedef {{root: SVGGElement, byKey: Map<string, SVGGElement>, signatures: Map<string, string>, titles: Map<string, string>}} Drawing
 *   titles: what the picture itself says of a group, by its key
 */

/**
 * @param {Element} source
 */
function copyShape(source) {
  const copy = s(/** @type {"path"} */ (source.localName));
  for (const { name, value } of source.attributes) {
    if (ATTRIBUTES.has(name) && !/url\(/i.test(value)) copy.setAttribute(name, value);
  }
  if (source.localName === "text") copy.textContent = source.textContent;
  return copy;
}

/**
 * The shapes in a group, those of groups and anchors within it included.
 * @param {Element} group
 * @returns {SVGElement[]}
 */
function shapesOf(group) {
  /** @type {SVGElement[]} */
  const shapes = [];
  for (const child of group.children) {
    if (SHAPES.has(child.localName)) shapes.push(copyShape(child));
    else if (child.localName === "g" || child.localName === "a") shapes.push(...shapesOf(child));
  }
  return shapes;
}

/**
 * Where the middle of a shape is, from left to right. Graphviz writes absolute coordinates only.
 * @param {Element} shape
 */
function middleOf(shape) {
  const centre = shape.getAttribute("cx");
  if (centre !== null) return Number(centre);
  const numbers = (shape.getAttribute("points") ?? shape.getAttribute("d") ?? "").match(/-?[\d.]+/g) ?? [];
  const xs = numbers.filter((_, index) => index % 2 === 0).map(Number);
  return xs.length > 0 ? (Math.min(...xs) + Math.max(...xs)) / 2 : null;
}

/**
 * From where to where a word reaches.
 * @param {Element} word
 */
function reachOf(word) {
  const x = Number(word.getAttribute("x"));
  const width = textWidth((word.textContent ?? "").trim().length, Number(word.getAttribute("font-size")));
  const from = word.getAttribute("text-anchor") === "middle" ? x - width / 2 : x;
  return [from, from + width];
}

/**
 * The words of one line of a label, as one text in the middle of what they stand on. In the
 * picture each has a place of its own, reckoned for another font than the page has.
 * @param {SVGElement[]} words
 * @param {number|null} middle null: stands on nothing
 * @returns {SVGElement[]}
 */
function lineOf(words, middle) {
  const spoken = words.filter((word) => (word.textContent ?? "").trim() !== "");
  const first = spoken[0];
  if (!first) return [];
  const reach = spoken.flatMap(reachOf);
  const x = middle ?? (Math.min(...reach) + Math.max(...reach)) / 2;
  const line = s("text", { x: x.toFixed(2), y: first.getAttribute("y"), "text-anchor": "middle", "font-size": first.getAttribute("font-size") });
  spoken.forEach((word, index) => {
    const fill = word.getAttribute("fill");
    const role = fill === FAINT ? "faint" : fill === null || fill === INK ? null : "alarm";
    const text = (word.textContent ?? "").trim();
    line.append(s("tspan", { class: role, "font-weight": word.getAttribute("font-weight") },
      index > 0 ? `\u00a0\u00a0${text}` : text));
  });
  return [line];
}

/**
 * Fonts of two weights may stand a unit apart in one line.
 * @param {Element} a
 * @param {Element} b
 */
function isSameLine(a, b) {
  return Math.abs(Number(a.getAttribute("y")) - Number(b.getAttribute("y"))) < 3;
}

/**
 * @param {SVGElement[]} shapes
 * @param {boolean} stand the texts stand on the shapes before them
 * @returns {SVGElement[]}
 */
function withLines(shapes, stand) {
  /** @type {SVGElement[]} */
  const out = [];
  /** @type {SVGElement[]} */
  let words = [];
  /** @type {number|null} */
  let middle = null;
  for (const shape of shapes) {
    const text = shape.localName === "text";
    if (words[0] && (!text || !isSameLine(words[0], shape))) {
      out.push(...lineOf(words, middle));
      words = [];
    }
    if (text) {
      words.push(shape);
      continue;
    }
    if (shape.getAttribute("fill") === PAPER) shape.setAttribute("class", "paper");
    if (stand) middle = middleOf(shape);
    out.push(shape);
  }
  return [...out, ...lineOf(words, middle)];
}

/**
 * What a group of the page holds, by what kind of group it is.
 * @param {Element} group
 * @param {string} key
 */
function contentOf(group, key) {
  const shapes = withLines(shapesOf(group), key.startsWith("node:"));
  // A line is too thin to be hit; an unseen wide one lies over it.
  const line = key.startsWith("edge:") ? shapes.find((shape) => shape.localName === "path") : null;
  line?.style.setProperty("--width", line.getAttribute("stroke-width") ?? "1");
  return line ? [s("path", { class: "hit", d: line.getAttribute("d") }), ...shapes] : shapes;
}

/**
 * @param {string} text
 * @returns {Element}
 */
function parse(text) {
  // The picture's own styles are for when it stands alone; here they would be refused aloud.
  const bare = text.replace(/<style\b[^>]*>[^]*?<\/style>/g, "").replace(/ style="[^"]*"/g, "");
  const parsed = new DOMParser().parseFromString(bare, "image/svg+xml");
  const graph = parsed.querySelector("svg > g");
  if (!graph || parsed.querySelector("parsererror")) throw new Error("the drawing is no SVG");
  if (graph.children.length > GROUPS_MAX) throw new Error("the drawing is too large for a browser");
  return graph;
}

/**
 * @param {Element} group
 * @param {number} index
 */
function keyOf(group, index) {
  if (KEY.test(group.id)) return group.id;
  return group.classList.contains("cluster") ? `cluster:${index}` : "";
}

/**
 * The groups of a picture by their keys, in the order in which they are painted: lines lie over
 * clusters, and nodes over lines. The background and the legend are not among them.
 * @param {Element} graph
 * @returns {Map<string, Element>}
 */
function sourcesOf(graph) {
  /** @type {Map<string, Element>} */
  const found = new Map();
  [...graph.children].forEach((source, index) => {
    const key = keyOf(source, index);
    if (key !== "" && !found.has(key)) found.set(key, source);
  });
  const layers = ["cluster:", "edge:", "node:"];
  return new Map(layers.flatMap((layer) => [...found].filter(([key]) => key.startsWith(layer))));
}

/**
 * @returns {Drawing}
 */
export function emptyDrawing() {
  return { root: s("g"), byKey: new Map(), signatures: new Map(), titles: new Map() };
}

/**
 * Makes `drawing` show the picture in `text`. Throws if it is none, and changes nothing then.
 * @param {Drawing} drawing
 * @param {string} text
 */
export function showDrawing(drawing, text) {
  const graph = parse(text);
  const { root, byKey, signatures, titles } = drawing;
  root.setAttribute("transform", graph.getAttribute("transform") ?? "");
  const sources = sourcesOf(graph);
  for (const [key, group] of byKey) {
    if (sources.has(key)) continue;
    group.remove();
    for (const of of [byKey, signatures, titles]) of.delete(key);
  }
  /** @type {Element|null} */
  let last = null;
  for (const [key, source] of sources) {
    const signature = source.outerHTML;
    let group = byKey.get(key);
    if (!group) {
      group = s("g", { class: key.slice(0, key.indexOf(":")), "data-key": key });
      byKey.set(key, group);
    }
    if (signatures.get(key) !== signature) {
      group.replaceChildren(...contentOf(source, key));
      titles.set(key, source.querySelector("title")?.textContent ?? "");
      signatures.set(key, signature);
    }
    /** @type {ChildNode|null} */
    const place = last ? last.nextSibling : root.firstChild;
    if (place !== group) root.insertBefore(group, place);
    last = group;
  }
}

/**
 * Where a group stands, in the camera's coordinates.
 * @param {Drawing} drawing
 * @param {SVGGraphicsElement} element
 * @returns {import("./camera.js").Box}
 */
export function boxOf(drawing, element) {
  const box = element.getBBox();
  const matrix = drawing.root.transform.baseVal.consolidate()?.matrix;
  if (!matrix || element === drawing.root.parentNode) return box;
  return {
    x: box.x * matrix.a + matrix.e,
    y: box.y * matrix.d + matrix.f,
    width: box.width * matrix.a,
    height: box.height * matrix.d,
  };
}

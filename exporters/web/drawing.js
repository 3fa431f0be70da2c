/* drawing.js: brings /map.svg into the page.
 * The picture is not adopted as it comes: only shapes and texts that are known here are copied,
 * with attributes that are known here, so that no name in it can become a script, a link or a
 * style, whoever drew it. A new picture changes only the groups that differ, so nothing flickers
 * and the keyboard's focus stays.
 */

import { s } from "./dom.js";

/** @type {Set<string>} */
const SHAPES = new Set(["path", "polygon", "polyline", "ellipse", "circle", "rect", "line", "text"]);
/** @type {Set<string>} */
const ATTRIBUTES = new Set([
  "d", "points", "cx", "cy", "r", "rx", "ry", "x", "y", "x1", "y1", "x2", "y2", "width", "height",
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
  "font-size", "font-weight", "font-style", "text-anchor",
]);
const KEY = /^(node|edge):/;
/** Pictures beyond this are not shown. */
const GROUPS_MAX = 20000;

/**
 * @typedef {{root: SVGGElement, byKey: Map<string, SVGGElement>, signatures: Map<string, string>}} Drawing
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
 * What a group of the page holds, by what kind of group it is.
 * @param {Element} group
 * @param {string} key
 */
function contentOf(group, key) {
  const shapes = shapesOf(group);
  if (!key.startsWith("edge:")) return shapes;
  // A line is too thin to be hit; an unseen wide one lies over it.
  const line = shapes.find((shape) => shape.localName === "path");
  const hit = line ? s("path", { class: "hit", d: line.getAttribute("d") }) : null;
  for (const shape of shapes) {
    if (shape !== line && shape.localName === "polygon") shape.setAttribute("class", "tip-of-line");
  }
  return hit ? [hit, ...shapes] : shapes;
}

/**
 * @param {string} text
 * @returns {Element}
 */
function parse(text) {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
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
 * @returns {Drawing}
 */
export function emptyDrawing() {
  return { root: s("g"), byKey: new Map(), signatures: new Map() };
}

/**
 * Makes `drawing` show the picture in `text`. Throws if it is none, and changes nothing then.
 * @param {Drawing} drawing
 * @param {string} text
 */
export function showDrawing(drawing, text) {
  const graph = parse(text);
  const { root, byKey, signatures } = drawing;
  root.setAttribute("transform", graph.getAttribute("transform") ?? "");
  /** @type {Set<string>} */
  const seen = new Set();
  /** @type {Element|null} */
  let last = null;
  [...graph.children].forEach((source, index) => {
    const key = keyOf(source, index);
    // The background, the legend and whatever else is not the map's.
    if (key === "" || seen.has(key) || source.classList.contains("legend")) return;
    seen.add(key);
    const signature = source.outerHTML;
    let group = byKey.get(key);
    if (!group) {
      group = s("g", { class: key.slice(0, key.indexOf(":")), "data-key": key });
      byKey.set(key, group);
    }
    if (signatures.get(key) !== signature) {
      group.replaceChildren(...contentOf(source, key));
      signatures.set(key, signature);
    }
    const place = last ? last.nextSibling : root.firstChild;
    if (place !== group) root.insertBefore(group, place);
    last = group;
  });
  for (const [key, group] of byKey) {
    if (seen.has(key)) continue;
    group.remove();
    byKey.delete(key);
    signatures.delete(key);
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

/* dom.js: makes elements, and brings what is shown up to date without replacing it.
 * Texts are always text: nothing here, or elsewhere in the page, reads markup from a string, but
 * for drawing.js, which copies only what it knows.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node|string|null|undefined|false} Child
 * @typedef {Record<string, string|number|boolean|null|undefined>} Attributes
 */

/**
 * @param {Element} element
 * @param {Attributes} attributes  true: an empty one; false, null, undefined: none
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child || child === "") element.append(child);
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  fill(element, attributes, children);
  return element;
}

/**
 * A name that a stranger chose: it cannot turn the direction of the text around it.
 * @param {string} text
 */
export function name(text) {
  return h("bdi", {}, text);
}

/**
 * An element of the page by its id; it must be there.
 * @template {Element} [Type=HTMLElement]
 * @param {string} id
 * @returns {Type}
 */
export function get(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {Type} */ (/** @type {unknown} */ (element));
}

/**
 * @param {Node} node
 */
function keyOf(node) {
  return node instanceof Element ? node.getAttribute("data-key") : null;
}

/**
 * @param {Element} target
 * @param {Element} source
 */
function morphAttributes(target, source) {
  for (const { name: attribute } of [...target.attributes]) {
    // What the user opened stays open.
    if (attribute === "open" && target instanceof HTMLDetailsElement) continue;
    if (!source.hasAttribute(attribute)) target.removeAttribute(attribute);
  }
  for (const { name: attribute, value } of source.attributes) {
    if (target.getAttribute(attribute) !== value) target.setAttribute(attribute, value);
  }
}

/**
 * Makes the children of `target` like those given, changing as little as can be: what has the
 * focus, is scrolled or selected stays so. Children with a data-key are matched by it; what is in an
 * element with data-keep is another's.
 * @param {Element} target
 * @param {Child[]} children
 */
export function morph(target, children) {
  const wanted = children.filter((child) => child || child === "").map((child) =>
    child instanceof Node ? child : document.createTextNode(String(child)));
  /** @type {Map<string, Element>} */
  const byKey = new Map();
  for (const child of target.children) {
    const key = keyOf(child);
    if (key !== null) byKey.set(key, child);
  }
  const kept = new Set(wanted.map(keyOf));
  for (const [key, child] of byKey) if (!kept.has(key)) child.remove();
  const focus = document.activeElement;
  let at = target.firstChild;
  for (const node of wanted) {
    const key = keyOf(node);
    /** @type {ChildNode|null} */
    const match = key === null ? at : byKey.get(key) ?? null;
    if (match && keyOf(match) === key && like(match, node)) {
      // Two may have one key; each is used once.
      if (key !== null) byKey.delete(key);
      if (match !== at) target.insertBefore(match, at);
      else at = at.nextSibling;
      update(match, node);
    } else {
      target.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  // An element that was moved to another place has lost the focus by that.
  if (focus instanceof HTMLElement && focus !== document.activeElement && target.contains(focus)) {
    focus.focus({ preventScroll: true });
  }
}

/**
 * @param {Node} a
 * @param {Node} b
 */
function like(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

/**
 * @param {Node} target
 * @param {Node} source
 */
function update(target, source) {
  if (target === source) return;
  if (target instanceof Element && source instanceof Element) {
    morphAttributes(target, source);
    if (!target.hasAttribute("data-keep")) morph(target, [...source.childNodes]);
  } else if (target.nodeValue !== source.nodeValue) {
    target.nodeValue = source.nodeValue;
  }
}

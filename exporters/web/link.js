/* link.js: the page's state in its address, behind the #. What is not there is as usual.
 *
 *   #select=KEY&view=services&q=words&sort=-rate&window=5m&at=1764110000&compare=1h
 *
 * A key is plain ASCII already (model.js) and stands there as it is. Times are seconds since 1970,
 * so that a link leads others to the same moment.
 */

/** @type {readonly ["map", "services", "edges"]} */
export const VIEWS = ["map", "services", "edges"];
export const WINDOWS = ["1m", "5m", "15m", "1h", "all"];
/** How long before the window the one lies that it is compared with. */
export const COMPARES = ["1m", "5m", "15m", "30m", "1h"];
export const FIGURES = ["rate", "errors", "p50", "p95", "p99", "network", "queue"];
export const THEMES = ["light", "dark"];
export const QUANTILES = ["p50", "p95", "p99", "max"];
export const DEPTH_MAX = 9;

/**
 * @typedef {"map"|"services"|"edges"} View
 * @typedef {object} Link
 * @property {string} select   a key, or empty
 * @property {View} view
 * @property {string} query
 * @property {string} sort     a column, or "-" and a column for the other direction; empty: as given
 * @property {string} ops      the same of the operations in the panel
 * @property {string} quantile which duration the tables show
 * @property {string} window   one of WINDOWS, "all" since spanmap's start; empty: as is usual (query.js)
 * @property {number} at       the end of the window, seconds since 1970; 0: now
 * @property {string} compare  one of COMPARES; empty: compared with nothing
 * @property {string} figure   what stands on the map's lines, one of FIGURES; empty: as spanmap likes
 * @property {string} cluster  by what the map's nodes are framed; empty: as spanmap likes
 * @property {string} minRate  requests a second below which a line is not drawn; empty: none
 * @property {string} top      how many of the busiest lines are drawn; empty: as many as make a picture
 * @property {string} collapse groups that are drawn as one node; empty: none
 * @property {string} focus    the key of a node; only what is near it is drawn
 * @property {number} depth    how many steps near is
 * @property {boolean} failing only what fails is shown
 * @property {string} hide     types of nodes that are not shown, with commas between them
 * @property {string} theme    one of THEMES; empty: as the system
 */

/** @type {Readonly<Link>} */
export const USUAL = Object.freeze({
  select: "", view: "map", query: "", sort: "", ops: "", quantile: "p95", window: "", at: 0, compare: "",
  figure: "", cluster: "", minRate: "", top: "", collapse: "", focus: "", depth: 1, failing: false, hide: "", theme: "",
});

/** @type {Record<string, keyof Link>} */
const PROPERTIES = {
  q: "query", min_rate: "minRate",
};
/** The order in an address. */
const NAMES = ["select", "view", "q", "sort", "ops", "quantile", "window", "at", "compare", "figure", "cluster",
  "min_rate", "top", "collapse", "focus", "depth", "failing", "hide", "theme"];
/** Keys hold only what may stand in an address. */
const PLAIN = new Set(["select", "focus"]);

const TEXT_MAX = 200;

/**
 * @param {readonly string[]} words
 */
const oneOf = (words) => (/** @type {string} */ value) => words.includes(value) ? value : null;
/**
 * @param {RegExp} pattern
 */
const like = (pattern) => (/** @type {string} */ value) => pattern.test(value) ? value : null;
const text = (/** @type {string} */ value) => value.slice(0, TEXT_MAX);

/** What a value may be; null: not this one. @type {Record<string, (value: string) => string|number|boolean|null>} */
const READ = {
  select: (value) => value,
  view: oneOf(VIEWS),
  q: text,
  sort: like(/^-?[a-z0-9_]{1,40}$/),
  ops: like(/^-?[a-z0-9_]{1,40}$/),
  quantile: oneOf(QUANTILES),
  window: (value) => value !== "5m" && WINDOWS.includes(value) ? value : null,
  at: (value) => /^[1-9]\d{0,10}$/.test(value) ? Number(value) : null,
  compare: oneOf(COMPARES),
  figure: oneOf(FIGURES),
  cluster: text,
  min_rate: like(/^\d{1,9}(\.\d{1,6})?$/),
  top: like(/^[1-9]\d{0,5}$/),
  collapse: text,
  focus: (value) => value.startsWith("node:") ? value : null,
  depth: (value) => /^[1-9]$/.test(value) ? Number(value) : null,
  failing: (value) => value === "1" ? true : null,
  hide: like(/^[a-z]+(,[a-z]+)*$/),
  theme: oneOf(THEMES),
};

/**
 * @param {string} name
 * @returns {keyof Link}
 */
function propertyOf(name) {
  return PROPERTIES[name] ?? /** @type {keyof Link} */ (name);
}

/**
 * @param {string} hash with or without its #
 * @returns {Link}
 */
export function readLink(hash) {
  /** @type {Record<string, unknown>} */
  const link = { ...USUAL };
  for (const part of hash.replace(/^#/, "").split("&")) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(equals, 0));
    const read = Object.hasOwn(READ, name) ? READ[name] : undefined;
    const value = PLAIN.has(name) ? part.slice(equals + 1) : decode(part.slice(equals + 1));
    const known = value === "" ? null : read?.(value) ?? null;
    if (known !== null) link[propertyOf(name)] = known;
  }
  return /** @type {Link} */ (/** @type {unknown} */ (link));
}

/**
 * @param {string} value
 */
function decode(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return "";
  }
}

/**
 * @param {Link} link
 */
export function writeLink(link) {
  const parts = [];
  for (const name of NAMES) {
    const property = propertyOf(name);
    const value = link[property];
    if (value === USUAL[property] || value === "") continue;
    const written = PLAIN.has(name) ? String(value) : encodeURIComponent(value === true ? "1" : String(value)).replace(/%2C/g, ",");
    parts.push(`${name}=${written}`);
  }
  return `#${parts.join("&")}`;
}

/**
 * @param {string} span such as "15m"
 * @returns {number} seconds
 */
export function secondsOf(span) {
  const match = /^(\d+)([smh])$/.exec(span);
  const unit = { s: 1, m: 60, h: 3600 }[/** @type {"s"|"m"|"h"} */ (match?.[2] ?? "s")];
  return match ? Number(match[1]) * unit : 0;
}

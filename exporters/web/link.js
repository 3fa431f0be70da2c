/* link.js: the page's state in its address, behind the #.
 *
 *   #select=KEY&view=services&q=words&sort=rate
 *
 * A key is plain ASCII already (model.js) and stands there as it is.
 */

/** @type {readonly ["map", "services", "edges"]} */
export const VIEWS = ["map", "services", "edges"];

/**
 * @typedef {"map"|"services"|"edges"} View
 * @typedef {object} Link
 * @property {string} select  a key, or empty
 * @property {View} view
 * @property {string} query
 * @property {string} sort    a column, or "-" and a column for the other direction; empty: as given
 */

/**
 * @param {string} hash with or without its #
 * @returns {Link}
 */
export function readLink(hash) {
  /** @type {Link} */
  const link = { select: "", view: "map", query: "", sort: "" };
  for (const part of hash.replace(/^#/, "").split("&")) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(equals, 0));
    const value = part.slice(equals + 1);
    if (name === "select") link.select = value;
    if (name === "view") link.view = VIEWS.find((view) => view === value) ?? "map";
    if (name === "q") link.query = decode(value);
    if (name === "sort" && /^-?[a-z0-9_]{1,40}$/.test(value)) link.sort = value;
  }
  return link;
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
  if (link.select) parts.push(`select=${link.select}`);
  if (link.view !== "map") parts.push(`view=${link.view}`);
  if (link.query) parts.push(`q=${encodeURIComponent(link.query)}`);
  if (link.sort) parts.push(`sort=${link.sort}`);
  return `#${parts.join("&")}`;
}

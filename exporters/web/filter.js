/* filter.js: what the user chose not to see. Pure. */

import { keyOfNodeId, nodeById } from "./model.js";

/**
 * The keys of what is not shown. null: everything is.
 * @param {import("./model.js").ServiceMap} map
 * @param {import("./link.js").Link} link
 * @returns {Set<string>|null}
 */
export function hiddenKeys(map, link) {
  const types = new Set(link.hide.split(",").filter(Boolean));
  if (types.size === 0 && !link.failing) return null;
  /** @type {Set<string>} */
  const hidden = new Set();
  /** @type {Set<string>} */
  const atFailing = new Set();
  for (const [key, edge] of map.edgeByKey) {
    const ends = [edge.client, edge.server];
    const isHidden = ends.some((id) => types.has(nodeById(map, id)?.type ?? "")) || (link.failing && !(edge.failed > 0));
    if (isHidden) hidden.add(key);
    else for (const id of ends) atFailing.add(id);
  }
  for (const node of map.nodes) {
    if (types.has(node.type) || (link.failing && !atFailing.has(node.id))) hidden.add(keyOfNodeId(node.id));
  }
  return hidden;
}

/**
 * The types that are hidden once this one is turned.
 * @param {string} hide
 * @param {string} type
 */
export function turnType(hide, type) {
  const types = new Set(hide.split(",").filter(Boolean));
  if (!types.delete(type)) types.add(type);
  return [...types].sort().join(",");
}

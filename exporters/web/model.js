/* model.js: the map's JSON, checked and indexed.
 * Is:     types of the answer of /api/v1/map, and look-ups over one answer.
 * Is not: rates over time (history.js), nor anything on the screen.
 *
 * An element's key names a node or an edge everywhere in the page: it is the id of its group in
 * /map.svg and its deep link.
 *
 *   node   node:TYPE/NAMESPACE/NAME                       node:service//checkout
 *   edge   edge:CLIENT|SERVER|CONNECTION_TYPE             edge:service//a|service//b|
 *
 * CLIENT and SERVER are ids of nodes. In ids every byte but A-Z a-z 0-9 - . _ ~ / is written %XX
 * (capital hexadecimal digits of the UTF-8 bytes), so that a key is unambiguous and plain ASCII.
 */

/**
 * @typedef {{count: number, sum: number, p50: number, p95: number, p99: number, max: number}} Seconds
 *
 * What a node or an edge was in the map that this one is compared with.
 * @typedef {object} Before
 * @property {number} requests
 * @property {number} failed
 * @property {Seconds|null} [seconds]
 * @property {Seconds|null} [client_seconds]
 * @property {Seconds|null} [server_seconds]
 *
 * @typedef {object} MapNode
 * @property {string} id
 * @property {string} type
 * @property {string} namespace
 * @property {string} name
 * @property {number} requests
 * @property {number} failed
 * @property {Seconds|null} seconds
 * @property {number} parent_missing  spans whose named parent never came
 * @property {string[]} [change]      new, gone, failing, slower; in a comparison only
 * @property {Before|null} [before]
 *
 * @typedef {object} MapEdge
 * @property {string} client
 * @property {string} server
 * @property {string} connection_type
 * @property {number} requests
 * @property {number} failed
 * @property {Seconds|null} client_seconds
 * @property {Seconds|null} server_seconds
 * @property {Seconds|null} network_seconds
 * @property {Seconds|null} messaging_seconds
 * @property {string[]} [change]
 * @property {Before|null} [before]
 *
 * @typedef {Record<string, number>} Reasons
 *
 * @typedef {object} Accounting
 * @property {number} received
 * @property {number} internal
 * @property {number} paired
 * @property {number} waiting
 * @property {number} duplicate
 * @property {number} [waited]  of a window: what waited when it began; received + waited = all classes
 * @property {Reasons} unpaired
 * @property {Reasons} dropped
 * @property {Reasons} rejected
 *
 * @typedef {object} ServiceMap
 * @property {string} version
 * @property {number} start     ms since 1970
 * @property {number} end       ms since 1970: the moment that the figures are of
 * @property {{start: number, end: number}|null} before  the window that this one is compared with
 * @property {MapNode[]} nodes
 * @property {MapEdge[]} edges
 * @property {Accounting} accounting
 * @property {Map<string, MapNode>} nodeByKey
 * @property {Map<string, MapEdge>} edgeByKey
 * @property {Map<string, MapEdge[]>} incoming  by id of the node
 * @property {Map<string, MapEdge[]>} outgoing
 */

/**
 * @param {string} id
 */
function encodeId(id) {
  // A lone surrogate has no UTF-8; encodeURIComponent() throws at it.
  return encodeURIComponent(id.replace(/[\ud800-\udfff]/gu, "\ufffd"))
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%2F/g, "/");
}

/**
 * @param {string} id
 */
export function keyOfNodeId(id) {
  return `node:${encodeId(id)}`;
}

/**
 * @param {MapEdge} edge
 */
export function keyOfEdge(edge) {
  return `edge:${encodeId(edge.client)}|${encodeId(edge.server)}|${encodeId(edge.connection_type)}`;
}

/**
 * What a key says of itself, for one that is not on the map. null: it is no key.
 * @param {string} key
 * @returns {{kind: "node"|"edge", ids: string[]}|null}
 */
export function partsOfKey(key) {
  const match = /^(node|edge):(.+)$/.exec(key);
  if (!match || !match[2]) return null;
  const kind = match[1] === "node" ? "node" : "edge";
  try {
    const parts = match[2].split("|").map(decodeURIComponent);
    if (kind === "node") return parts.length === 1 ? { kind, ids: parts } : null;
    return parts.length === 3 ? { kind, ids: parts.slice(0, 2) } : null;
  } catch {
    return null;
  }
}

/**
 * The name in a node's id, for a node that is known by its id only.
 * @param {string} id
 */
export function nameOfId(id) {
  const slash = id.indexOf("/", id.indexOf("/") + 1);
  return slash < 0 ? id : id.slice(slash + 1);
}

/**
 * A node's name, with its namespace where it has one.
 * @param {MapNode} node
 */
export function fullName(node) {
  return node.namespace ? `${node.namespace}/${node.name}` : node.name;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} nanoseconds a decimal text
 */
export function milliseconds(nanoseconds) {
  const text = String(nanoseconds);
  if (!/^\d+$/.test(text)) throw new Error("a time is no number");
  return Number(BigInt(text) / 1000000n);
}

/**
 * Checks and indexes an answer of /api/v1/map. Throws where it is none.
 * @param {unknown} answer
 * @returns {ServiceMap}
 */
export function readMap(answer) {
  if (!isObject(answer) || !Array.isArray(answer.nodes) || !Array.isArray(answer.edges) ||
      !isObject(answer.window) || !isObject(answer.accounting)) {
    throw new Error("this is not the map of a spanmap");
  }
  const before = isObject(answer.before) && isObject(answer.before.window) ? answer.before.window : null;
  /** @type {ServiceMap} */
  const map = {
    version: String(answer.spanmap ?? ""),
    start: milliseconds(answer.window.start_unix_nano),
    end: milliseconds(answer.window.end_unix_nano),
    before: before && { start: milliseconds(before.start_unix_nano), end: milliseconds(before.end_unix_nano) },
    nodes: answer.nodes,
    edges: answer.edges,
    accounting: /** @type {Accounting} */ (/** @type {unknown} */ (answer.accounting)),
    nodeByKey: new Map(),
    edgeByKey: new Map(),
    incoming: new Map(),
    outgoing: new Map(),
  };
  for (const node of map.nodes) {
    map.nodeByKey.set(keyOfNodeId(node.id), node);
    map.incoming.set(node.id, []);
    map.outgoing.set(node.id, []);
  }
  for (const edge of map.edges) {
    map.edgeByKey.set(keyOfEdge(edge), edge);
    map.outgoing.get(edge.client)?.push(edge);
    map.incoming.get(edge.server)?.push(edge);
  }
  return map;
}

/**
 * @param {ServiceMap} map
 * @param {string} id
 */
export function nodeById(map, id) {
  return map.nodeByKey.get(keyOfNodeId(id));
}

/**
 * A node's name by its id.
 * @param {ServiceMap} map
 * @param {string} id
 */
export function nameOf(map, id) {
  const node = nodeById(map, id);
  return node ? fullName(node) : nameOfId(id);
}

/**
 * The elements of a map, as one text: it changes when one comes or goes.
 * @param {ServiceMap} map
 */
export function structureOf(map) {
  return [...map.nodeByKey.keys(), ...map.edgeByKey.keys()].join("\n");
}

/**
 * The keys of what touches a node or an edge, itself included.
 * @param {ServiceMap} map
 * @param {string} key
 * @returns {Set<string>}
 */
export function neighbourhood(map, key) {
  const found = new Set([key]);
  const edge = map.edgeByKey.get(key);
  if (edge) {
    found.add(keyOfNodeId(edge.client)).add(keyOfNodeId(edge.server));
  }
  const node = map.nodeByKey.get(key);
  if (node) {
    for (const touching of [...map.incoming.get(node.id) ?? [], ...map.outgoing.get(node.id) ?? []]) {
      found.add(keyOfEdge(touching)).add(keyOfNodeId(touching.client)).add(keyOfNodeId(touching.server));
    }
  }
  return found;
}

/**
 * Does a node answer to these words? Each must be in its name or namespace, or be its type.
 * @param {MapNode} node
 * @param {string} query
 */
export function nodeMatches(node, query) {
  const text = `${node.namespace}/${node.name}`.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => text.includes(word) || word === node.type);
}

/**
 * How badly something fails, 0 to 3; the drawing's colours have the same steps.
 * @param {number} requests
 * @param {number} failed
 */
export function failureLevel(requests, failed) {
  if (!(failed > 0) || !(requests > 0)) return 0;
  const share = failed / requests;
  if (share < 0.01) return 1;
  return share < 0.05 ? 2 : 3;
}

/**
 * @param {Reasons} reasons
 */
export function sumOf(reasons) {
  return Object.values(reasons).reduce((sum, count) => sum + count, 0);
}

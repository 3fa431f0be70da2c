/* settings.js: what of spanmap's configuration a sender must know, and what this page can ask it
 * for. Pure. The former is read from the YAML of /debug/config, as spanmap writes it: two spaces a level, one option
 * a line. What cannot be found is left to be said in words.
 */

/**
 * @typedef {object} Settings
 * @property {"port"|"unix"|"off"|"unknown"} door  how OTLP/gRPC comes in
 * @property {string} host         as configured; an IPv6 address in brackets
 * @property {string} port
 * @property {string} path         of a Unix socket
 * @property {string} pairingWait  as configured; empty: not known
 */

/** @type {Settings} */
export const UNKNOWN = { door: "unknown", host: "", port: "", path: "", pairingWait: "" };

/**
 * @param {string} yaml
 * @param {string} section
 * @param {string} option
 */
function optionOf(yaml, section, option) {
  const lines = yaml.split("\n");
  for (let at = lines.indexOf(`${section}:`) + 1; at > 0 && (lines[at] ?? "").startsWith("  "); at++) {
    const match = /^ {2}([a-z_]+): (.*)$/.exec(lines[at] ?? "");
    if (match?.[1] === option) return (match[2] ?? "").replace(/^"(.*)"$/, "$1");
  }
  return "";
}

/**
 * @param {string} yaml
 * @returns {Settings}
 */
export function readSettings(yaml) {
  const grpc = optionOf(yaml, "listen", "grpc");
  const pairingWait = optionOf(yaml, "pairing", "wait");
  if (grpc === "off") return { ...UNKNOWN, door: "off", pairingWait };
  if (grpc.startsWith("unix:")) return { ...UNKNOWN, door: "unix", path: grpc.slice("unix:".length), pairingWait };
  const address = /^(.*):([1-9]\d*)$/.exec(grpc);
  if (!address) return { ...UNKNOWN, pairingWait };
  return { ...UNKNOWN, door: "port", host: address[1] ?? "", port: address[2] ?? "", pairingWait };
}

/**
 * Does it hear this machine alone?
 * @param {Settings} settings
 */
export function isLocal({ host }) {
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}

/**
 * Where a sender finds it, as far as can be told by the name under which the page was reached.
 * @param {Settings} settings
 * @param {string} pageHost
 */
export function endpointOf(settings, pageHost) {
  if (settings.door === "unix") return `unix://${settings.path}`;
  const anywhere = settings.host === "" || settings.host === "0.0.0.0" || settings.host === "[::]";
  const host = anywhere || (isLocal(settings) && pageHost !== "") ? pageHost : settings.host;
  return `http://${host || "localhost"}:${settings.port || "4317"}`;
}

/**
 * @typedef {object} Abilities
 * @property {number} start            of spanmap, ms since 1970; 0: not known
 * @property {number} windowSeconds    how far back windows reach; 0: there are none
 * @property {string} traceUrl         a template of a web address, or empty
 * @property {Set<string>} paths       that spanmap answers
 * @property {Set<string>} parameters  of a map, that it understands
 */

/** Before anything is known. @type {Abilities} */
export const NONE_KNOWN = { start: 0, windowSeconds: 0, traceUrl: "", paths: new Set(), parameters: new Set() };

/**
 * Reads an answer of /api/v1/settings. Throws where it is none.
 * @param {unknown} answer
 * @returns {Abilities}
 */
export function readAbilities(answer) {
  const { start_unix_nano: start, windows_seconds: seconds, trace_url: url, paths, parameters } = /** @type {Record<string, unknown>} */ (Object(answer));
  if (typeof url !== "string" || !Array.isArray(paths)) throw new Error("these are no settings of a spanmap");
  const windowSeconds = typeof seconds === "number" ? seconds : 0;
  return {
    start: Number(BigInt(typeof start === "string" && /^\d+$/.test(start) ? start : "0") / 1000000n),
    windowSeconds,
    traceUrl: isTemplate(url) ? url : "",
    // Without windows there is no past.
    paths: new Set(paths.map(String).filter((path) => windowSeconds > 0 || path !== "/api/v1/history")),
    parameters: new Set(Array.isArray(parameters) ? parameters.map((word) => String(word).replaceAll("-", "_")) : []),
  };
}

/**
 * It was judged where it was configured; a link is too dangerous a thing to trust that alone.
 * @param {string} url
 */
function isTemplate(url) {
  if (!/^https?:\/\/[^/?#{}@]+([/?#]|$)/.test(url) || !url.includes("{trace_id}")) return false;
  return URL.canParse(traceHref(url, "0", "0"));
}

/**
 * Where a trace can be looked at. Ids are hexadecimal; what is not stands in no link.
 * @param {string} template
 * @param {string} trace
 * @param {string} span
 */
export function traceHref(template, trace, span) {
  if (!/^[0-9a-f]+$/.test(trace) || !/^[0-9a-f]*$/.test(span)) return "";
  return template.replaceAll("{trace_id}", trace).replaceAll("{span_id}", span);
}

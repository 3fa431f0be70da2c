/* settings.js: what of spanmap's configuration a sender must know. Pure.
 * It is read from the YAML of /debug/config, as spanmap writes it: two spaces a level, one option
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

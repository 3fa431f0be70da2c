import assert from "node:assert/strict";
import { test } from "node:test";

import { endpointOf, isLocal, readAbilities, readSettings, traceHref, UNKNOWN } from "../../exporters/web/settings.js";

/**
 * @param {string} grpc
 */
function config(grpc) {
  return `listen:\n  grpc: ${grpc}\n  http: "off"\nmemory:\n  grpc: wrong\npairing:\n  wait: 10s\n  parent_wait: 5m\nmessaging:\n  wait: 1h\n`;
}

test("the door and the wait are read", () => {
  assert.deepEqual(readSettings(config("localhost:4317")),
    { door: "port", host: "localhost", port: "4317", path: "", pairingWait: "10s" });
  assert.deepEqual(readSettings(config('"[::]:14317"')), { door: "port", host: "[::]", port: "14317", path: "", pairingWait: "10s" });
  assert.deepEqual(readSettings(config('"unix:/run/spanmap/grpc"')),
    { door: "unix", host: "", port: "", path: "/run/spanmap/grpc", pairingWait: "10s" });
  assert.equal(readSettings(config('"off"')).door, "off");
});

test("what cannot be told is unknown", () => {
  assert.deepEqual(readSettings(config('"127.0.0.1:0"')), { ...UNKNOWN, pairingWait: "10s" });
  for (const text of ["", "listen:\n", "<html>", "grpc: localhost:1\n"]) assert.deepEqual(readSettings(text), UNKNOWN);
});

test("the endpoint is where this page was found, where it listens there", () => {
  const endpoint = (/** @type {string} */ grpc, /** @type {string} */ host) => endpointOf(readSettings(config(grpc)), host);
  assert.equal(endpoint("localhost:4317", "localhost"), "http://localhost:4317");
  assert.equal(endpoint("0.0.0.0:14317", "maps.example"), "http://maps.example:14317");
  assert.equal(endpoint("10.0.0.7:4317", "maps.example"), "http://10.0.0.7:4317");
  assert.equal(endpoint('"[::]:4317"', "[2001:db8::1]"), "http://[2001:db8::1]:4317");
  assert.equal(endpoint("unix:/run/x", "localhost"), "unix:///run/x");
  assert.equal(endpointOf(UNKNOWN, ""), "http://localhost:4317");
});

test("loopback is local", () => {
  for (const [grpc, local] of /** @type {[string, boolean][]} */ ([
    ["localhost:1", true], ["127.0.0.2:1", true], ['"[::1]:1"', true], ["0.0.0.0:1", false], ["host:1", false]])) {
    assert.equal(isLocal(readSettings(config(grpc))), local, grpc);
  }
});

test("what can be asked for is read, and only a web address becomes a link", () => {
  const read = (/** @type {unknown} */ url) => readAbilities({ trace_url: url, paths: ["/metrics"], parameters: ["focus"] });
  const url = "https://jaeger.example/trace/{trace_id}?span={span_id}";
  assert.equal(read(url).traceUrl, url);
  assert.deepEqual([...read(url).paths, ...read(url).parameters], ["/metrics", "focus"]);
  for (const bad of ["", "javascript:alert(1)//{trace_id}", "https://{trace_id}/", "https://a@b/{trace_id}", "//a/{trace_id}", "https://a/trace"]) {
    assert.equal(read(bad).traceUrl, "", bad);
  }
  assert.throws(() => readAbilities({ paths: [] }));
  assert.throws(() => readAbilities(null));
  assert.equal(readAbilities({ trace_url: "", paths: [] }).parameters.size, 0);
});

test("ids in a link are hexadecimal", () => {
  const url = "https://jaeger.example/trace/{trace_id}?span={span_id}&again={trace_id}";
  assert.equal(traceHref(url, "0af7", "b9"), "https://jaeger.example/trace/0af7?span=b9&again=0af7");
  assert.equal(traceHref(url, "0af7", ""), "https://jaeger.example/trace/0af7?span=&again=0af7");
  for (const [trace, span] of [["", ""], ["../x", ""], ["0a", "?"], ["$&", ""]]) assert.equal(traceHref(url, trace ?? "", span ?? ""), "");
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { readLink, secondsOf, USUAL, writeLink } from "../../exporters/web/link.js";
import { keyOfNodeId } from "../../exporters/web/model.js";

test("a link is read as it was written", () => {
  /** @type {import("../../exporters/web/link.js").Link[]} */
  const links = [
    { ...USUAL },
    { ...USUAL, select: keyOfNodeId("service//a&b=c#d|e%41"), view: "edges", query: "a&b=c #+%", sort: "-p95" },
    { ...USUAL, select: "edge:service//a|service//b|", view: "services", query: "ü", sort: "name" },
    { ...USUAL, window: "15m", at: 1764110000, compare: "1h", figure: "p99", cluster: "k8s.namespace.name", minRate: "0.5",
      collapse: "team a&b", focus: "node:service//a", depth: 3, failing: true, hide: "database,user", theme: "dark",
      quantile: "max", ops: "-p95" },
  ];
  for (const link of links) assert.deepEqual(readLink(writeLink(link)), link);
});

test("the address stays readable", () => {
  assert.equal(writeLink({ ...USUAL, select: "node:service//checkout" }), "#select=node:service//checkout");
  assert.equal(writeLink({ ...USUAL, hide: "database,user", window: "1h" }), "#window=1h&hide=database,user");
  assert.equal(writeLink({ ...USUAL }), "#");
});

test("nonsense is as nothing", () => {
  for (const hash of ["", "#", "#main", "#view=nowhere&sort=<b>&q=%zz", "#&&=&x=1", "#window=5m&at=-1&compare=x",
    "#at=1e9&depth=0&failing=yes&hide=A&theme=pink", "#__proto__=1&constructor=2&focus=edge:a|b|", "#min_rate=-1&quantile="]) {
    assert.deepEqual(readLink(hash), USUAL);
  }
});

test("spans of time are seconds", () => {
  assert.equal(secondsOf("15m"), 900);
  assert.equal(secondsOf("24h"), 86400);
  assert.equal(secondsOf("nonsense"), 0);
});
